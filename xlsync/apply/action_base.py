"""The base of all actions, and references to records that are still to be created. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, Final, Self

from msgspec import Struct


class ShownLabels(Struct, frozen=True):
    """The dropdown entries that a row showed for its records; empty where it showed none.

    The hidden sheet says by id which records these are: a write is held against both.
    """

    customer: str = ""
    agreement: str = ""
    product: str = ""


NOTHING_SHOWN: Final = ShownLabels()


class Basis(Struct, frozen=True):
    """The agreement that a write depends on, as the approved row showed it.

    `months` are those of its billing cycle, `next_invoice` is the day of the invoice that shows the change.
    """

    agreement: int
    company: int | None = None
    currency: str = ""
    labels: ShownLabels = NOTHING_SHOWN
    months: int | None = None
    next_invoice: dt.date | None = None


class ActionBase(Struct, frozen=True):
    """The properties of an action; each kind overrides what differs.

    `noun` is what a kind creates, for people; empty for a kind that changes what is there.
    """

    noun: ClassVar[str] = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the actions that must have been done before."""
        return ()

    @property
    def basis(self) -> Basis | None:
        """The agreement that the write depends on, as it was approved."""
        return None

    @property
    def agreement_id(self) -> int | None:
        """The agreement whose additions the write touches."""
        return None

    @property
    def lane(self) -> int | str | None:
        """The key of writes that are sent one after another: an agreement (id or row key), or one record.

        None marks a record that other actions need: it is created first.
        """
        return None

    @property
    def monthly(self) -> Decimal:
        """The amount by which the write changes a month's billing, regardless of direction."""
        return Decimal(0)

    @property
    def invoiced(self) -> Decimal:
        """The amount that the write invoices."""
        return Decimal(0)

    @property
    def currency(self) -> str:
        """The currency of `monthly` and `invoiced`; empty where none is known."""
        return self.basis.currency if self.basis else ""

    @property
    def units(self) -> tuple[Decimal, Decimal]:
        """The units that are billed before and after; zero and zero where the write changes none."""
        return Decimal(0), Decimal(0)

    @property
    def costs(self) -> tuple[Decimal, Decimal]:
        """The cost of a unit before and after; zero and zero where the write changes none."""
        return Decimal(0), Decimal(0)

    @property
    def is_price_known(self) -> bool:
        """Return whether `monthly` is known; False where ConnectWise has no price."""
        return True

    def with_ids(self, ids: Mapping[str, int]) -> Self:  # noqa: ARG002 - kinds that refer to others use it
        """Return the action with ids of created records in place of their row keys."""
        return self


def id_if_known(reference: int | str, ids: Mapping[str, int]) -> int | str:
    """Replace the row key of a created record by its ConnectWise id."""
    return ids.get(reference, reference) if isinstance(reference, str) else reference


def row_keys(*references: int | str | None) -> tuple[str, ...]:
    """Return the references that are row keys of records still to be created."""
    return tuple(reference for reference in references if isinstance(reference, str))
