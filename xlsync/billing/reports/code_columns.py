"""Names before codes: a column of codes gives way to one that has the names of those codes. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from xlsync.billing.reports.columns import known_meaning
from xlsync.billing.reports.kinds import KindWords
from xlsync.billing.reports.rows import is_total
from xlsync.billing.reports.tables import Table
from xlsync.billing.reports.text import header_key
from xlsync.records import replace

_CODE: Final = re.compile(r"(?=\D*\d)[A-Z\d][A-Z\d_.:/#-]*")
_CODE_OF: Final = {"customer": "customer_id", "product": "product_code"}
_NAME: Final = frozenset(map(header_key, ("Name", "Nom", "Naam", "Nombre", "Nome", "Όνομα", "Bezeichnung")))
_WORDS: Final = KindWords({})


def with_names(table: Table) -> Table:
    """Return a table that reads names of customers and products where codes stand under their headers."""
    if table.columns.layout is not None:
        return table
    for meaning, code in _CODE_OF.items():
        codes = table.columns.at[meaning]
        if not _are_codes(table.texts(codes)):
            continue
        for n in table.columns.strange:
            header = table.header[n]
            may_name = known_meaning(header) == meaning or header_key(header) in _NAME
            if may_name and _names_codes(table, codes, n):
                table = _read_instead(table, meaning, n, code)
                break
    return table


def _are_codes(texts: Iterable[str]) -> bool:
    """Return whether all cells are codes: no spaces, no small letters, and a digit."""
    is_any = False
    for text in texts:
        if text and not is_total(text):
            if not _CODE.fullmatch(text.removesuffix(".0")):
                return False
            is_any = True
    return is_any


def _names_codes(table: Table, codes: int, names: int) -> bool:
    """Return whether a column has a name for every code, which belongs to no other code."""
    owner: dict[str, str] = {}
    for code, name in zip(table.texts(codes), table.texts(names), strict=True):
        if not code or is_total(code):
            continue
        is_name = any(map(str.islower, name)) and _WORDS.find(name) is None
        if not is_name or owner.setdefault(name, code) != code:
            return False
    return bool(owner)


def _read_instead(table: Table, meaning: str, column: int, code: str) -> Table:
    """Read a column for a meaning, and the one that was read for it as its code, if no other is."""
    columns = table.columns
    old = columns.at[meaning]
    at = {**columns.at, meaning: column}
    at.setdefault(code, old)
    unread = {*columns.unread, old} - set(at.values())
    changed = replace(
        columns,
        at=at,
        unread=tuple(sorted(unread)),
        strange=tuple(n for n in columns.strange if n != column),
    )
    return replace(table, columns=changed)
