"""The settings as values: keys of both systems, limits, how new things are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import Struct, field

PER_MINUTE: Final = 900  # ConnectWise tolerates about 1000 requests a minute (Developer Guide)
SIDE_BY_SIDE: Final = 24
UNTIL_UNKNOWN: Final = 60
RELEASE: Final = "2025.1"  # of ConnectWise's API
CUSTOM: Final = "custom"  # the table of custom fields among those of a kind


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class BssSettings:
    """The address of the BSS and the keys that read it. Never shown: it holds secrets."""

    url: str
    client_key: str
    client_secret: str
    username: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ConnectWiseSettings:
    """The address of a ConnectWise PSA and the API member's keys. Never shown: it holds secrets."""

    url: str
    company: str
    public_key: str
    private_key: str
    client_id: str
    release: str = RELEASE
    requests_per_minute: int = PER_MINUTE
    side_by_side: int = SIDE_BY_SIDE
    # How long the outcome of a write without an answer is looked for.
    seconds_until_unknown: int = UNTIL_UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StoreSettings:
    """The PostgreSQL that a team shares. Never shown: it holds a secret; messages name it by `place`.

    `hint` is what to do where it cannot be reached.
    """

    url: str
    password: str
    place: str
    hint: str = ""


class Creation(Struct, frozen=True, kw_only=True):
    """The settings for new records. Lengths differ by ConnectWise release: defaults are the shorter ones.

    `fields` are further values by kind (`company`, `contact`, `agreement`, `product`, `addition`) and by the
    name of ConnectWise's field; those of custom fields stand under `custom`, by caption.
    """

    identifier_length: int = 25
    name_length: int = 50
    bill_customer: str = "Billable"
    code_field: str = "vendorSku"
    mark_additions: bool = True
    site: str = "Main"  # of a new company: live servers refuse one without
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class Limits(Struct, frozen=True, kw_only=True):
    """The limits of one run; a plan at a limit passes, a plan over it does not."""

    creations: int = 50
    percent: Decimal = Decimal(500)
    units: Decimal = Decimal(1000)
    zero: int = 10  # quantities that drop to zero, additions that are cancelled among them
    money: Decimal = Decimal(10000)


class ReportSettings(Struct, frozen=True, kw_only=True):
    """The settings for distributors' reports: further headers of columns, further words for kinds of charge,
    whether days or months come first where a report does not show it, and headers of no matter.
    """  # noqa: D205

    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    types: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dates: Literal["day-first", "month-first"] | None = None
    ignore: Sequence[str] = ()


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of a command; `bss` and `connectwise` are None for commands that do not use them."""

    home: Path
    environment: str
    bss: BssSettings | None = None
    connectwise: ConnectWiseSettings | None = None
    limits: Limits = field(default_factory=Limits)
    creation: Creation = field(default_factory=Creation)
    store: StoreSettings | None = None
    invoicing: bool = False
    report: ReportSettings = field(default_factory=ReportSettings)
    notices: tuple[str, ...] = ()  # sentences about the files that the settings came from
