"""The decisions that a workbook holds when its month is gathered again."""

from __future__ import annotations

from collections.abc import Mapping, Set
from decimal import Decimal

from msgspec import Struct, field

from xlsync.links.choices import Picked
from xlsync.workbook.edits.approvals import NO_EDITS, RowEdits


class Decisions(Struct, frozen=True):
    """The decisions of people in the workbook that is being renewed.

    `picked` are by line key, `prices` by row key of *New in ConnectWise*; `ignored` are row keys of
    *Mismatches*.
    """

    picked: Mapping[str, Picked]
    ignored: Set[str] = frozenset()
    prices: Mapping[str, Decimal] | None = None
    rows: RowEdits = NO_EDITS
    contacts: Set[str] = frozenset()  # keys of rows of *New in ConnectWise* that name a contact
    customers: Mapping[str, str] = field(default_factory=dict)  # entered there, by row key
