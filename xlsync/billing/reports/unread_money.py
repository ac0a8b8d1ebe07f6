"""Columns that may be the amount or the cost, in a table without a known column of amounts. PURE."""

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


def refuse_unread_money(
    table: Table, lines: Iterable[tuple[int, int, BillingLine]], problems: Problems
) -> None:
    """Name unread columns that may hold the amounts or the costs and say something else than what was read.

    `lines` come with the number of the row, and its place among the rows.
    """
    if not set(_AMOUNTS).isdisjoint(table.columns.at):
        return
    charged = [(row, at, line, line.cost) for row, at, line in lines if line.cost is not None]
    cost, units = table.header_of("cost"), table.header_of("units")
    may_be_another = not _OF_COST.search(header_words(cost))
    for n in table.columns.strange:
        name = table.header[n]
        words = header_words(name)
        cells = table.texts(n)
        if _OF_AMOUNTS.search(words) and not _OF_OTHERS.search(words):
            for row, at, line, price in charged:
                if _differs(cells[at], line.amount):
                    product = f"{units} × {cost} ({tell_number(line.units)} × {tell_number(price)})"
                    setting = f"write Amount = [{quoted(name)}] under [report.headers] if it is, or ignore it"
                    what = f"{cells[at]} is not {product}, and no column is known to be the amount: {setting}"
                    problems.add(table.sheet.name, row, f", {name}: {what}")
                    problems.ignore[name] = None
                    break
        elif may_be_another and _OF_PRICES.search(words) and not _OF_OTHER_PRICES.search(words):
            for row, at, _, price in charged:
                if _differs(cells[at], price):
                    what = f"{cells[at]} stands beside {tell_number(price)} in {cost}"
                    why = "no column is an amount that tells which of them a unit costs"
                    problems.add(table.sheet.name, row, f", {name}: {what}, and {why}")
                    problems.ignore[name] = cost
                    break


def _differs(cell: str, figure: Decimal) -> bool:
    """Return whether a cell is a number, and not this figure rounded; that of a credit may lack its minus."""
    readings = read_number(cell)
    if readings is None:
        return False
    figures = [one for one in (readings.point, readings.comma) if one is not None]
    same = (figure, abs(figure)) if figure < 0 else (figure,)
    return not any(abs(one - own) <= _ROUNDED for one in figures for own in same)
