"""Columns that may be the amount or the cost, in a table without a known column of amounts. PURE."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from xlsync.amounts import tell_number
from xlsync.billing.reports.layouts import HEADERS
from xlsync.billing.reports.numbers import read_number
from xlsync.billing.reports.problems import Problems, quoted
from xlsync.billing.reports.tables import Table
from xlsync.billing.reports.text import header_key, header_words
from xlsync.models import BillingLine

NumberedLine = tuple[int, int, BillingLine]
"""A line with the number of its row, and the row's place among the table's rows."""

_Differing = tuple[int, str, BillingLine]  # the number of a row, its cell, and its line
_AMOUNTS: Final = ("amount", "debit", "credit")
# Known amounts give way to those that stand before them in the order of preference.
_LOWER_AMOUNTS: Final = frozenset(header_key(header) for group in HEADERS["amount"] for header in group)
_ROUNDED: Final = Decimal("0.01")
_OF_AMOUNTS: Final = re.compile(
    r"\b(?:amounts?|totals?|sum|value|charges?|charged|billed|invoiced|payable|due|extension|extended"
    r"|wert|montant|valeur|waarde|importe|valor|importo|totaal|totale|ποσο|συνολο|αξια)\b"
    r"|gesamt|(?:betrag|summe|bedrag)\b"
)
_OF_PRICES: Final = re.compile(
    r"\b(?:price|cost|rate|net|wholesale|prix|cout|preis|prijs|precio|coste|prezzo|costo|τιμη|κοστοσ)\b"
    r"|(?:preis|prijs|kosten)\b"
)
# What customers pay, what a whole document or another time comes to, and figures that are no money.
_OF_OTHERS: Final = re.compile(
    r"\b(?:end|customers?|clients?|sell(?:ing)?|sales?|resale|retail|list|rrp|msrp|margin|profit|markup"
    r"|tax|vat|gst|mwst|ust|tva|btw|iva|incl|inkl|gross|brutto|ttc|lordo|bruto|discount|rebate|commission"
    r"|savings?|balance|outstanding|paid|limit|budget|forecast|invoice|document|order|grand|account"
    r"|previous|last|prior|year(?:ly)?|annual|ytd|mrr|arr|lifetime|contract|records?|vk"
    r"|units?|quantity|qty|seats|users|licen[sc]es|days|hours|months|count|number|no|id|percent|rate"
    r"|kunden\w*|klant\w*|verkauf\w*)\b|%|menge|brutto"
)
_OF_OTHER_PRICES: Final = re.compile(
    r"\b(?:end|customers?|clients?|sell(?:ing)?|sales?|resale|retail|list|rrp|msrp|srp|margin|profit|markup"
    r"|tax|vat|gst|mwst|ust|tva|btw|iva|incl|gross|brutto|brut|lordo|bruto|standard|regular|original|base"
    r"|catalog|public|recommended|suggested|previous|last|old|daily|hourly|day|hour|exchange|fx|conversion"
    r"|currency|discount (?:rate|percent)|id|no|number|code|list\w*|catalogue|type|model|plan"
    r"|kunden\w*|klant\w*|verkauf\w*|vk|uvp|venta|vente|vendita|verkoop\w*)\b|%|listen|brutto"
)
# What a header says of the price that the MSP pays, or of a price after all discounts.
_OF_COST: Final = re.compile(
    r"\b(?:cost|net|rate per qty|your|partner|reseller|dealer|wholesale|purchase|buy|effective|discounted"
    r"|after discount|final|ek|cout|achat|inkoop|coste|compra|costo|acquisto|κοστοσ)\b|netto|einkauf|kosten\b"
)


def refuse_unread_money(table: Table, lines: Iterable[NumberedLine], problems: Problems) -> None:
    """Name unread columns that may hold the amounts or the costs and say something else than what was read.

    Amounts prove costs and costs amounts, so that this matters where only one of them is there.
    """
    there = table.columns.at
    own = list(lines)
    if set(_AMOUNTS).isdisjoint(there):
        _refuse_unknown_amounts(table, own, problems)
        if not _OF_COST.search(header_words(table.header_of("cost"))):
            _refuse_other_prices(table, own, problems)
    elif "cost" not in there and "amount" in there:
        _refuse_other_amounts(table, own, problems)


def _refuse_unknown_amounts(table: Table, lines: Sequence[NumberedLine], problems: Problems) -> None:
    """Name a column that may be the amount where it is not the units times the cost."""
    units, cost = table.header_of("units"), table.header_of("cost")
    for n in _amounts_in(table):
        differing = _find_differing(table.texts(n), lines, lambda line: line.amount)
        if differing is not None:
            row, cell, line = differing
            product = f"{units} × {cost} ({tell_number(line.units)} × {tell_number(line.cost or Decimal(0))})"
            setting = (
                f"write Amount = [{quoted(table.header[n])}] under [report.headers] if it is, or ignore it"
            )
            what = f"{cell} is not {product}, and no column is known to be the amount: {setting}"
            problems.add(table.sheet.name, row, f", {table.header[n]}: {what}")
            problems.ignore[table.header[n]] = None


def _refuse_other_prices(table: Table, lines: Sequence[NumberedLine], problems: Problems) -> None:
    """Name a column that may be the price that is paid, and differs from the one that was read."""
    for n in table.columns.strange:
        words = header_words(table.header[n])
        if _OF_PRICES.search(words) and not _OF_OTHER_PRICES.search(words):
            differing = _find_differing(table.texts(n), lines, lambda line: line.cost)
            if differing is not None:
                why = "no column is an amount that tells which of them a unit costs"
                _tell_beside(table, n, "cost", differing, why, problems)


def _refuse_other_amounts(table: Table, lines: Sequence[NumberedLine], problems: Problems) -> None:
    """Name a column that may be the amount that is charged, and differs from the one that was read."""
    for n in _amounts_in(table):
        if header_key(table.header[n]) not in _LOWER_AMOUNTS:
            differing = _find_differing(table.texts(n), lines, lambda line: line.amount)
            if differing is not None:
                why = "no column is a price that tells which of them is charged"
                _tell_beside(table, n, "amount", differing, why, problems)


def _tell_beside(
    table: Table, column: int, meaning: str, differing: _Differing, why: str, problems: Problems
) -> None:
    """Add the problem of a column whose figure stands beside another one that was read."""
    row, cell, line = differing
    read = tell_number((line.cost if meaning == "cost" else line.amount) or Decimal(0))
    name, other = table.header[column], table.header_of(meaning)
    problems.add(table.sheet.name, row, f", {name}: {cell} stands beside {read} in {other}, and {why}")
    problems.ignore[name] = other


def _amounts_in(table: Table) -> Iterator[int]:
    """Yield the unread columns whose headers may mean an amount of the line that the MSP pays."""
    for n in table.columns.strange:
        words = header_words(table.header[n])
        if _OF_AMOUNTS.search(words) and not _OF_OTHERS.search(words):
            yield n


def _find_differing(
    cells: Sequence[str], lines: Iterable[NumberedLine], figure_of: Callable[[BillingLine], Decimal | None]
) -> _Differing | None:
    """Return the first row whose cell differs from the figure of its line, with the cell and the line."""
    for row, at, line in lines:
        figure = figure_of(line)
        if figure is not None and _differs(cells[at], figure):
            return row, cells[at], line
    return None


def _differs(cell: str, figure: Decimal) -> bool:
    """Return whether a cell is a number, and not this figure rounded; that of a credit may lack its minus."""
    readings = read_number(cell)
    if readings is None:
        return False
    figures = [one for one in (readings.point, readings.comma) if one is not None]
    same = (figure, abs(figure)) if figure < 0 else (figure,)
    return not any(abs(one - own) <= _ROUNDED for one in figures for own in same)
