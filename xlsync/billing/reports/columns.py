"""Columns by their headers: their meaning, those not read, and those that must not be left unread. PURE."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from msgspec import Struct, field

from xlsync.billing.reports.layouts import LAYOUTS, Layout
from xlsync.billing.reports.meanings import (
    BILLING_CYCLES,
    CURRENCIES,
    HEADERS,
    MEANINGS,
    MONEY,
    NEEDED,
    money_header,
    with_translations,
)
from xlsync.billing.reports.period_headers import day_in_bracket, period_end
from xlsync.billing.reports.text import fold, header_key, header_words, plain_text
from xlsync.errors import ConfigError
from xlsync.records import replace

# Meanings of which a report may have a column that is known and not read.
KNOWN_AND_UNREAD: Final = frozenset({"tax", "list_price"})
_OF_PERIODS: Final = frozenset({"start", "end", "period", "plan", "cycle"})
_DATES_OR_KINDS: Final = ("start", "end", "period", "type", "invoice_type", "invoice_date", "debit", "credit")


class _Known(NamedTuple):
    """The meaning of a known header, and its rank among the headers of that meaning (0 comes first)."""

    meaning: str
    rank: int


_HEADERS: Final = [
    (header, _Known(meaning, rank))
    for meaning, groups in HEADERS.items()
    for rank, group in enumerate(groups)
    for header in group
]
# By the folded header, or by the beginning of one.
_KNOWN: Final = {header_key(header): known for header, known in _HEADERS if not header.endswith("*")}
_KNOWN_STARTS: Final = {header_key(header[:-1]): known for header, known in _HEADERS if header.endswith("*")}
_NAMES: Final = frozenset({"customer", "product"})
_NUMBERED: Final = frozenset({"customer", "contract", "units", "cost", "amount", "currency", "start", "end"})
_NET: Final = _KNOWN[header_key("Net Amount")]
_CUSTOMERS: Final = "|".join(
    re.escape(fold(word))
    for header in ("Customer", "Client", "End Customer", "End Client", "End User")
    for word in with_translations(header)
)
_BESIDE: Final = rf"(?:{CURRENCIES.casefold()}|euro|[€$£])"
_BRACKET: Final = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
# what a bracket says, folded, where the MSP's customers pay the money under the header
_OF_CUSTOMERS: Final = re.compile(rf"(?:{_BESIDE} )?(?:{_CUSTOMERS})(?:s|n|en)?(?: (?:in )?{_BESIDE})?")
_SUSPICIOUS: Final = re.compile(
    r"\b(types?|kind|credit(s|ed|os?|i)?|refund(ed|s)?|chargebacks?|returned|debit(s|os?|i)?|dr|cr|d c|c d"
    r"|sign|direction|starts?|started|ends?(?! (?:customer|user|client))|ended"
    r"|dates?|periods?|begin|from|until|void(ed)?|reversal|reversed|cancell?ed"
    r"|art|gutschrift(en)?|storno|stornierung|(ruck)?erstattung(en)?|vorzeichen|soll|haben|s h|von|bis|ab"
    r"|datum|periode|soort|creditering|creditnotas?|creditbedrag|terugbetaling(en)?|van|tot|vanaf"
    r"|debut|fin|du|au|avoirs?|remboursements?|sens|nature"
    r"|fecha|inicio|desde|hasta|tipo|abonos?|reembolsos?|devolucion(es)?|periodo"
    r"|data(?! (?:cent|plan|volume|usage|gb))|inizio|fine|dal|al|segno|accredit[oi]|rimbors[oi]"
    r"|τυποσ|ειδοσ|ημερομηνια|περιοδοσ|εναρξη|ληξη|απο|εωσ|πιστωση|πιστωσεισ|πιστωτικο|επιστροφη|kredit)\b"
    r"|\w(date|datum|period|periode|type)\b|(zeitraum|beginn|ende)\b|(ungs|eleg|kosten|vorgangs|positions)art\b"
)


class Aliases(Struct, frozen=True):
    """The settings for columns: further headers of a meaning, and headers to leave unread."""

    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()


class Columns(Struct, frozen=True):
    """The 0-based column of each meaning in a table.

    `rivals` are further columns of the very meaning, which must hold the same values. `unread` are the
    columns with a header that mean nothing to xlsync; those in `suspicious` may not be left unread, and
    the cells of those in `strange`, which may lack a header, tell whether they may.
    `instead` holds a published layout's second column for a meaning, which is read where the first is empty.
    """

    at: Mapping[str, int]
    rivals: Mapping[str, tuple[int, ...]]
    unread: tuple[int, ...]
    suspicious: tuple[int, ...]
    strange: tuple[int, ...] = ()
    layout: Layout | None = None
    instead: Mapping[str, int] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        """Return whether all needed columns are there."""
        return set(NEEDED) <= set(self.at)

    def reading(self, meaning: str, column: int) -> Columns:
        """Return the columns with an unread one read as the only column of a meaning."""
        unread, suspicious, strange = (
            tuple(other for other in columns if other != column)
            for columns in (self.unread, self.suspicious, self.strange)
        )
        at = {**self.at, meaning: column}
        return replace(self, at=at, unread=unread, suspicious=suspicious, strange=strange)


def read_aliases(headers: Mapping[str, Sequence[str]], ignored: Sequence[str]) -> Aliases:
    """Read the settings' headers by meaning; raises ConfigError for a meaning that does not exist."""
    by_meaning: dict[str, tuple[str, ...]] = {}
    for column, more in headers.items():
        name = _owners().get(header_key(column))
        if name is None:
            names = ", ".join(dict.fromkeys(groups[0][0] for groups in HEADERS.values()))
            raise ConfigError(
                f"The settings name a column “{column}” of reports under [report.headers].",
                f"Columns are: {names}.",
            )
        by_meaning[name] = (*by_meaning.get(name, ()), *map(header_key, more))
    return Aliases(by_meaning, frozenset(map(header_key, ignored)))


@cache
def _owners() -> dict[str, str]:
    """Return the meaning of each name that the settings may call a column by."""
    return (
        {header_key(header): known.meaning for header, known in _HEADERS}
        | {header_key(header): name for name, header in MEANINGS.items()}
        | {header_key(name): name for name in MEANINGS}
        | dict.fromkeys(BILLING_CYCLES, "cycle")
    )


def find_columns(header: Sequence[str], aliases: Aliases) -> Columns:
    """Find the meaning of each column of a header, and the columns that must not be left unread.

    The settings' headers come first, then those of the published layout that the header is, then the known
    ones.
    """
    header = _without_numbers([_with_number_in_words(name) for name in header])
    keys = [header_key(name) for name in header]
    free = [n for n, key in enumerate(keys) if key and key not in aliases.ignored]
    layout = _find_layout(set(keys))
    meanings = _Meanings()
    for meaning, wanted in aliases.headers.items():
        for alias in wanted:
            meanings.take(meaning, [n for n in free if keys[n] == alias])
    ignored = set(aliases.ignored)
    if layout is not None:
        _take_of_layout(meanings, layout, keys, free)
        ignored |= set(layout.of_no_matter)
    _take_known(meanings, layout, header, [n for n in free if keys[n] not in ignored])
    _place_billing_cycle(keys, free, meanings.at, layout)
    if "customer" in meanings.at and not _goes_with(keys, meanings.at):
        meanings.at.pop("customer_id", None)
        meanings.rivals.pop("customer_id", None)
    read = {*meanings.at.values(), *(n for places in meanings.rivals.values() for n in places)}
    unread = tuple(n for n, name in enumerate(header) if plain_text(name) and n not in read)
    without_header = [n for n, name in enumerate(header) if not plain_text(name)]
    strange = [
        n for n in (*unread, *without_header) if keys[n] not in ignored and n not in meanings.instead.values()
    ]
    suspicious = tuple(
        n for n in strange if not _is_lower_choice(keys[n]) and _SUSPICIOUS.search(header_words(header[n]))
    )
    return Columns(
        meanings.at,
        meanings.rivals,
        unread,
        suspicious,
        tuple(n for n in strange if n not in suspicious),
        layout,
        meanings.instead,
    )


def _with_number_in_words(name: str) -> str:
    """Return `Subscription Number` for `Subscription #`; `Customer #` names no customers."""
    if (match := re.fullmatch(r"\s*#\s*(of\b.*)", name)) is not None:
        return f"Number {match[1]}"
    if (match := re.fullmatch(r"(.*\S)\s*#\s*", name)) is None:
        return name
    spelled = f"{match[1]} Number"
    return spelled if header_key(spelled) in _KNOWN or known_meaning(match[1]) in _NAMES else name


def _without_numbers(header: Sequence[str]) -> list[str]:
    """Return the header with `Amount` for `Amount2` or `Amount.1` beside it: a program's second `Amount`."""
    keys = [header_key(name) for name in header]
    first = {key: name for key, name in zip(keys, header, strict=True) if key in _KNOWN}
    numbered = {key for key in first if _KNOWN[key].meaning in _NUMBERED}
    return [
        first[own] if (own := key.rstrip("0123456789")) != key and own in numbered else name
        for key, name in zip(keys, header, strict=True)
    ]


class _Meanings(Struct):
    """The meanings of a header's columns as far as they are found; the fields are those of `Columns`."""

    at: dict[str, int] = field(default_factory=dict)
    rivals: dict[str, tuple[int, ...]] = field(default_factory=dict)
    instead: dict[str, int] = field(default_factory=dict)

    def take(self, meaning: str, places: Sequence[int]) -> None:
        """Give a meaning that has no column yet the first of these columns; the others are its rivals."""
        if places and meaning not in self.at:
            self.at[meaning] = places[0]
            if len(places) > 1:
                self.rivals[meaning] = tuple(places[1:])

    def is_free(self, column: int) -> bool:
        """Return whether a column has no meaning yet."""
        return column not in self.at.values()


def _take_of_layout(meanings: _Meanings, layout: Layout, keys: Sequence[str], free: Sequence[int]) -> None:
    """Take the columns of a published layout; a second one of a meaning is read where the first is empty."""
    for meaning, wanted in layout.meanings.items():
        places = [n for alias in wanted for n in free if keys[n] == alias and meanings.is_free(n)]
        if meaning not in meanings.at and len(places) > 1 and keys[places[1]] != keys[places[0]]:
            meanings.instead[meaning] = places[1]
        meanings.take(meaning, [n for n in places if keys[n] == keys[places[0]]])


def _take_known(
    meanings: _Meanings, layout: Layout | None, header: Sequence[str], free: Sequence[int]
) -> None:
    """Take the columns with known headers, but for the meanings that a published layout decides."""
    choices: dict[str, dict[int, list[int]]] = {}  # by meaning and rank the columns
    for n in free:
        known = _find_known(header[n])
        if known is not None and meanings.is_free(n):
            choices.setdefault(known.meaning, {}).setdefault(known.rank, []).append(n)
    for meaning, by_rank in choices.items():
        is_decided = layout is not None and (meaning in layout.meanings or meaning == "mode")
        if not is_decided or meaning in KNOWN_AND_UNREAD:
            meanings.take(meaning, by_rank[min(by_rank)])


def _find_known(header: str) -> _Known | None:
    """Return what a known header means.

    Money of the MSP's customers, as `Unit Price (Customer, EUR)`, is none that it pays.
    """
    known = _find_words(header)
    is_money = known is not None and known.meaning in MONEY
    is_of_customers = is_money and any(map(_OF_CUSTOMERS.fullmatch, map(fold, _BRACKET.findall(header))))
    return None if is_of_customers else known


def _find_words(header: str) -> _Known | None:
    """Return what the words of a header mean; those of money may name its currency, or that it has no tax."""
    key = header_key(header)
    if (known := _KNOWN.get(key)) is not None:
        return known
    if (bare := money_header(header)) is not None and (known := _KNOWN.get(bare.key)) is not None:
        if known.meaning not in MONEY:
            return None
        return _NET if known.meaning == _NET.meaning and bare.is_without_tax else known
    if (end := period_end(header)) is not None:
        return _Known(end, 1)
    name, day = day_in_bracket(header)
    known = None if day is None else _KNOWN.get(header_key(name))
    if known is not None and (known.meaning == day or known.meaning not in _OF_PERIODS):
        return known
    return next((known for start, known in _KNOWN_STARTS.items() if key.startswith(start)), None)


def _place_billing_cycle(
    keys: Sequence[str], free: Sequence[int], at: dict[str, int], layout: Layout | None
) -> None:
    """Read `Billing Cycle` as how often is billed, where another column tells the commitment."""
    places = [n for n in free if keys[n] in BILLING_CYCLES and n not in at.values()]
    if not places or layout is not None:
        return
    meaning = "cycle" if "cycle" not in at else "plan"
    if meaning not in at:
        at[meaning] = places[0]


# By the rank of a customer's header the rank of its ids: an end customer's, a customer's, a company's.
_FAMILY: Final = (0, 0, 1, 1, 1, 2, 2)


def _goes_with(keys: Sequence[str], at: Mapping[str, int]) -> bool:
    """Return whether the column of the customer's id belongs to the customer, not to the reseller."""
    if "customer_id" not in at:
        return True
    name, code = keys[at["customer"]], keys[at["customer_id"]]
    known_name, known_code = _KNOWN.get(name), _KNOWN.get(code)
    of_name = _FAMILY[known_name.rank] if known_name and known_name.meaning == "customer" else None
    of_code = known_code.rank if known_code and known_code.meaning == "customer_id" else None
    return of_name is None or of_code is None or of_name == of_code


def known_meaning(header: str) -> str:
    """Return the meaning of a known header; empty for others."""
    known = _KNOWN.get(header_key(header))
    return known.meaning if known is not None else ""


def _is_lower_choice(key: str) -> bool:
    """Return whether a header has a known meaning, but is not the first choice for it."""
    return key in _KNOWN and _KNOWN[key].meaning not in _DATES_OR_KINDS


def _find_layout(keys: set[str]) -> Layout | None:
    """Find the published layout of a header by its marks; of several the one with the most marks."""
    fitting = [layout for layout in LAYOUTS if layout.known_by <= keys]
    return max(fitting, key=lambda layout: len(layout.known_by), default=None)
