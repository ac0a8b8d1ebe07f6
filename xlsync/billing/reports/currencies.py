"""The currency of each row: of its own column, of the money's cells, or of the money's headers. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from xlsync.billing.reports.numbers import MONEY_WORD
from xlsync.billing.reports.table_values import TableValues
from xlsync.billing.reports.values import Wrong

_CODES: Final = {
    "€": "EUR",
    "£": "GBP",
    "euro": "EUR",
    "euros": "EUR",
    "us$": "USD",
    "usd$": "USD",
    "¥": "JPY",
}
# The currencies that a sign in a cell may stand for.
_SIGNS: Final = {
    sign: frozenset(codes.split())
    for sign, codes in {
        "€": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "us$": "USD", "au$": "AUD", "ca$": "CAD",
        "c$": "CAD", "a$": "AUD", "nz$": "NZD", "hk$": "HKD", "sg$": "SGD", "s$": "SGD", "r$": "BRL",
        "$": "USD AUD CAD NZD HKD SGD TWD MXN ARS CLP COP", "¥": "JPY CNY", "₹": "INR", "rs": "INR PKR LKR",
        "₺": "TRY", "₽": "RUB", "₪": "ILS", "₩": "KRW", "฿": "THB", "₴": "UAH", "₫": "VND", "₱": "PHP",
        "kr": "SEK NOK DKK ISK", "zł": "PLN", "kč": "CZK", "fr": "CHF", "ft": "HUF", "lei": "RON",
    }.items()
}  # fmt: skip
_IN_CELL: Final = re.compile(rf"(?<![\w.])(?:{MONEY_WORD})(?![A-Za-z])|(?<=\d)(?:{MONEY_WORD})(?![A-Za-z])")
_IN_HEADER: Final = re.compile(
    r"(?:[(\[]\s*([A-Z]{3}|[€£])\s*[)\]]| (EUR|USD|GBP|CHF|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK))\s*$"
)
_NO_CURRENCY: Final = frozenset({"UTC", "VAT"})
_MONEY: Final = ("amount", "cost", "debit", "credit")


def currency_code(stated: str) -> str | None:
    """Return a currency's code as a cell tells it, empty for a sign of several; None for what is none."""
    code = _CODES.get(stated.casefold(), stated.upper())
    if any(map(str.isdigit, code)):
        return None
    return "" if code == "$" else code


def row_currencies(values: TableValues) -> list[str | Wrong]:
    """Return the currency of each row; wrong where its cells name different ones."""
    table = values.table
    rows = len(table.rows)
    in_cells = [
        column
        for meaning in _MONEY
        if meaning in table.columns.at and any(column := _currencies_in(values, table.columns.at[meaning]))
    ]
    if "currency" in values.texts:
        stated = [
            currency_code(cell) or "" if isinstance(cell, str) else "" for cell in values.texts["currency"]
        ]
    else:
        stated = [_of_headers(values)] * rows
    if not in_cells:
        return list(stated)
    return [_combined(code, cells) for code, *cells in zip(stated, *in_cells, strict=True)]


def _combined(stated: str, cells: Sequence[frozenset[str]]) -> str | Wrong:
    """Return the one currency that a row's column and its money's cells allow."""
    there = [codes for codes in (frozenset({stated} if stated else ()), *cells) if codes]
    if not there:
        return stated
    common = frozenset.intersection(*there)
    if not common:
        names = " and ".join(dict.fromkeys("/".join(sorted(codes)[:3]) for codes in there))
        return Wrong(f"the row names {names}: its currency is not told")
    return next(iter(common)) if len(common) == 1 else stated


def _currencies_in(values: TableValues, column: int) -> list[frozenset[str]]:
    """Return the currencies that each cell of a column of money may be in; none where it names none."""
    return [
        _in_cell(row[column]) if column < len(row) and isinstance(row[column], str) else frozenset()
        for _, row in values.table.rows
    ]


@lru_cache(maxsize=65_536)
def _in_cell(text: str) -> frozenset[str]:
    match = _IN_CELL.search(text)
    if match is None:
        return frozenset()
    word = match[0].rstrip(".").casefold()
    return _SIGNS.get(word, frozenset({word.upper()}) if len(word) == 3 and word.isalpha() else frozenset())


def _of_headers(values: TableValues) -> str:
    """Return the currency that the headers of the money name in brackets, if they name one."""
    table = values.table
    named: set[Any] = {
        _CODES.get(code := match[1] or match[2], code)
        for meaning in ("amount", "cost")
        if meaning in table.columns.at and (match := _IN_HEADER.search(table.header_of(meaning)))
    }
    return next(iter(named)) if len(named) == 1 and named.isdisjoint(_NO_CURRENCY) else ""
