"""Columns that may be the amount, in a table of which no column is known to be. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from xlsync.amounts import tell_number
from xlsync.billing.reports.numbers import read_number
from xlsync.billing.reports.problems import Problems, quoted
from xlsync.billing.reports.tables import Table
from xlsync.billing.reports.text import header_words
from xlsync.models import BillingLine

_AMOUNTS: Final = ("amount", "debit", "credit")
_ROUNDED: Final = Decimal("0.01")
_OF_MONEY: Final = re.compile(
    r"\b(?:amounts?|totals?|sum|value|charges?|charged|billed|invoiced|payable|due|extension|extended"
    r"|wert|montant|valeur|waarde|importe|valor|importo|totaal|totale|ποσο|συνολο|αξια)\b"
    r"|gesamt|(?:betrag|summe|bedrag)\b"
)
# What customers pay, what a whole document or another time comes to, and figures that are no money.
_OF_OTHERS: Final = re.compile(
    r"\b(?:end|customers?|clients?|sell(?:ing)?|sales?|resale|retail|list|rrp|msrp|margin|profit|markup"
    r"|tax|vat|gst|mwst|ust|tva|btw|iva|discount|rebate|commission|savings?|balance|limit|budget|forecast"
    r"|invoice|document|order|grand|account|previous|last|prior|year|ytd|lifetime|contract"
    r"|units?|quantity|qty|seats|users|licen[sc]es|days|hours|months|count|number|no|id|percent|rate"
    r"|kunden\w*|klant\w*|verkauf\w*)\b|%|menge"
)


def refuse_unread_amounts(
    table: Table, lines: Iterable[tuple[int, int, BillingLine]], problems: Problems
) -> None:
    """Name a column that may hold the amounts where it says another than the units times the cost.

    `lines` come with the number of the row, and its place among the rows.
    """
    if not set(_AMOUNTS).isdisjoint(table.columns.at):
        return
    charged = [(row, at, line) for row, at, line in lines if line.cost is not None]
    for n in table.columns.strange:
        words = header_words(table.header[n])
        if not _OF_MONEY.search(words) or _OF_OTHERS.search(words):
            continue
        cells = table.texts(n)
        for row, at, line in charged:
            readings = read_number(cells[at])
            if readings is None or _is_near(line.amount, (readings.point, readings.comma)):
                continue
            name, units, cost = table.header[n], table.header_of("units"), table.header_of("cost")
            product = f"{tell_number(line.units)} × {tell_number(line.cost or Decimal(0))}"
            what = f", {name}: {cells[at]} is not {units} × {cost} ({product}), and no column is known to be "
            setting = f"write Amount = [{quoted(name)}] under [report.headers] if it is"
            problems.add(table.sheet.name, row, f"{what}the amount: {setting}, or ignore it")
            problems.ignore[name] = None
            break


def _is_near(amount: Decimal, readings: Iterable[Decimal | None]) -> bool:
    """Return whether an amount is a reading of a figure, but for rounding; a credit may lack its minus."""
    figures = [one for one in readings if one is not None]
    return any(
        abs(one - amount) <= _ROUNDED or (amount < 0 and abs(one + amount) <= _ROUNDED) for one in figures
    )
