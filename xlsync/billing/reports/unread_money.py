"""Columns that may be the amount or the cost, in a table without a known column of amounts. PURE."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final, Literal

from xlsync.amounts import tell_number
from xlsync.billing.reports.columns import known_meaning
from xlsync.billing.reports.meanings import AMOUNTS
from xlsync.billing.reports.numbers import read_number
from xlsync.billing.reports.problems import Problems, quoted
from xlsync.billing.reports.tables import Table
from xlsync.billing.reports.text import header_words
from xlsync.models import BillingLine

NumberedLine = tuple[int, int, BillingLine]
"""A line with the number of its row, and the row's place among the table's rows."""

_Figure = Literal["amount", "cost", "units"]
_ROUNDED: Final = Decimal("0.01")
_OF_AMOUNTS: Final = re.compile(
    r"\b(?:amounts?|totals?|sum|value|charges?|charged|billed|invoiced|payable|due|extension|extended"
    r"|wert|montant|valeur|waarde|importe|valor|importo|totaal|totale|ποσο|συνολο|αξια"
    r"|totalt|belob|beløb|beløp|yhteensa|kwota|wartosc|razem|suma|oplata|opłata|montante|castka|celkem|celkova"
    r"|hodnota)\b"
    r"|gesamt|(?:betrag|summe|bedrag|belopp|beløb|beløp|summa|linjesum|totalsum|delsum)\b"
)
_OF_PRICES: Final = re.compile(
    r"\b(?:price|cost|rate|net|wholesale|prix|cout|preis|prijs|precio|coste|prezzo|costo|τιμη|κοστοσ"
    r"|cena|koszt|preco|custo|naklady)\b"
    r"|(?:preis|prijs|kosten|(?<!com)pris|kostnad|omkostning|hinta|kustannus)\b"
)
# What customers pay, money with tax, money of another time, and figures that are no money.
_NOT_PAID: Final = (
    r"end|customers?|clients?|sell(?:ing)?|sales?|resale|retail|list|rrp|msrp|margin|profit|markup|vk"
    r"|kunden\w*|klant\w*|verkauf\w*|tax|vat|gst|mwst|ust|tva|btw|iva|incl|gross|brutto|lordo|bruto"
    r"|kundpris|slutkund\w*|sluttkund\w*|klienta|zakaznika|asiakkaan|vcetne"
    r"|(?<!bez )dph"
    r"|(?<!exkl )(?<!ekskl )(?<!eks )(?<!utan )(?<!uden )(?<!uten )(?<!ilman )(?:moms\w*|mva|alv)"
    r"|vejledende|veiledende|ohjehinta|listpris|listepris|listahinta|katalogow\w*|katalogova|cenikova|tabela"
    r"|forsaljning\w*|salgs\w*|myynti\w*|sprzedaz\w*|venda|prodejni"
    r"|previous|last|number|no|id"
)
_OF_OTHER_AMOUNTS: Final = re.compile(
    rf"\b(?:{_NOT_PAID}|inkl|ttc|discount|rebate|commission|savings?|balance|outstanding|paid|limit|budget"
    r"|forecast|invoice|document|order|grand|account|prior|year(?:ly)?|annual|ytd|mrr|arr|lifetime|contract"
    r"|records?|units?|quantity|qty|seats|users|licen[sc]es|days|hours|months|count|percent|rate)\b"
    r"|%|menge|brutto"
)
_OF_OTHER_PRICES: Final = re.compile(
    rf"\b(?:{_NOT_PAID}|srp|brut|standard|regular|original|base|catalog|catalogue|public|recommended"
    r"|suggested|old|daily|hourly|day|hour|exchange|fx|conversion|currency|discount (?:rate|percent)|code"
    r"|list\w*|type|model|plan|verkoop\w*|uvp|venta|vente|vendita)\b|%|listen|brutto"
)
_OF_QUANTITIES: Final = re.compile(
    r"\b(?:total|net|new|current|final|actual|charged)\b.*\b(?:quantity|qty|seats|users|licen[sc]es)\b"
)
_OF_OTHER_QUANTITIES: Final = re.compile(r"\b(?:price|cost|amount|value|used|assigned|available)\b")
_FACTOR: Final = re.compile(
    r"(?:(?:number of|no of|billed|charged|billable) )?(?:months|periods|cycles|monate|perioden|mois|maanden"
    r"|meses|mesi|μηνεσ|manader|maneder|kuukaudet|miesiace|mesice)"
    r"|(?:proration |prorata )?(?:factor|multiplier|faktor|facteur)|proration|prorata"
)
# What a header says of the price that the MSP pays, or of a price after all discounts.
_OF_COST: Final = re.compile(
    r"\b(?:cost|net|rate per qty|your|partner|reseller|dealer|wholesale|purchase|buy|effective|discounted"
    r"|after discount|final|ek|cout|achat|inkoop|coste|compra|costo|acquisto|κοστοσ|zakupu|koszt|custo"
    r"|nakupni|kostpris|kostnad|kustannus)\b|netto|einkauf|kosten\b|inkop|indkøb|innkjøp|ostohinta"
)


def may_be_price(words: str) -> bool:
    """Return whether the words of a header may mean a price that the MSP pays."""
    return _OF_PRICES.search(words) is not None and _OF_OTHER_PRICES.search(words) is None


def refuse_unread_money(table: Table, lines: Sequence[NumberedLine], problems: Problems) -> None:
    """Name unread columns that may hold the amounts or the costs and say something else than what was read.

    Amounts prove costs and costs amounts, so that this matters where only one of them is there.
    """
    there = table.columns.at
    if set(AMOUNTS).isdisjoint(there):
        _refuse_unknown_amounts(table, lines, problems)
        quantities = _columns_of(table, _OF_QUANTITIES, _OF_OTHER_QUANTITIES)
        why = "no column is an amount that tells which of them is charged"
        _refuse_differing(table, quantities, "units", lines, why, problems)
        _refuse_factors(table, lines, problems)
        if not _OF_COST.search(header_words(table.header_of("cost"))):
            prices = _columns_of(table, _OF_PRICES, _OF_OTHER_PRICES)
            why = "no column is an amount that tells which of them a unit costs"
            _refuse_differing(table, prices, "cost", lines, why, problems)
    elif "cost" not in there and "amount" in there:
        amounts = (n for n in _amounts_in(table) if known_meaning(table.header[n]) != "amount")
        why = "no column is a price that tells which of them is charged"
        _refuse_differing(table, amounts, "amount", lines, why, problems)
        _refuse_price_as_amount(table, lines, problems)


def _refuse_factors(table: Table, lines: Sequence[NumberedLine], problems: Problems) -> None:
    """Name an unread column of numbers by which the price may be multiplied, where no amount tells."""
    for n in table.columns.strange:
        if not _FACTOR.fullmatch(header_words(table.header[n])):
            continue
        cells = table.texts(n)
        factors = [(row, cells[at]) for row, at, _ in lines if read_number(cells[at]) is not None]
        if row_and_factor := next((one for one in factors if not _is_one_of(one[1], (Decimal(1),))), None):
            row, cell = row_and_factor
            cost = table.header_of("cost")
            what = f"{cell} stands beside {cost} without an amount: whether {cost} is multiplied is not told"
            _ask_about(table, n, row, what, problems)


def _refuse_price_as_amount(table: Table, lines: Sequence[NumberedLine], problems: Problems) -> None:
    """Name an unread column that is the units times what is read as the amount: that is the price of one."""
    several = [one for one in lines if abs(one[2].units) > 1 and one[2].amount]
    name = table.header_of("amount")
    for n in table.columns.strange if several else ():
        cells = table.texts(n)
        if all(_is_one_of(cells[at], (line.units * line.amount,)) for _, at, line in several):
            row, at, line = several[0]
            product = f"{cells[at]} is {tell_number(line.units)} × {tell_number(line.amount)}"
            setting = f"write Amount = [{quoted(table.header[n])}] and Unit Price = [{quoted(name)}]"
            what = f"{product}, so {name} is the price of one: {setting} under [report.headers], or ignore it"
            _ask_about(table, n, row, what, problems)


def refuse_parted_amounts(
    table: Table, lines: Sequence[NumberedLine], without_amount: Collection[int], problems: Problems
) -> None:
    """Name unread columns that hold the money of some rows without an amount, and are empty in others.

    So are debits and credits written, under whatever headers.
    """
    priced = [one for one in lines if one[2].units and one[2].cost]
    bare = [one for one in priced if one[0] in without_amount]
    for n in table.columns.strange if bare else ():
        cells = table.texts(n)
        holding = [one for one in bare if _is_one_of(cells[one[1]], (abs(one[2].amount),))]
        if holding and any(_is_one_of(cells[at] or "0", (Decimal(0),)) for _, at, _ in priced):
            row, at, _ = holding[0]
            why = "is the row's money, and other rows have none there: is it charged or given back?"
            _ask_about(table, n, row, f"{cells[at]} {why}", problems)


def refuse_discounted_amounts(
    table: Table, lines: Sequence[NumberedLine], discounts: Sequence[object], problems: Problems
) -> None:
    """Name unread columns that hold the amounts less the discounts beside them."""
    if "amount" not in table.columns.at:
        return
    less = [
        (row, at, line.amount, discount)
        for row, at, line in lines
        if discounts and isinstance(discount := discounts[at], Decimal) and discount and line.amount
    ]
    for n in table.columns.strange if less else ():
        cells = table.texts(n)
        if all(
            _is_one_of(cells[at], (amount - abs(discount), amount * (1 - abs(discount) / 100)))
            for _, at, amount, discount in less
        ):
            row, at, *_ = less[0]
            beside = f"{cells[at]} is {table.header_of('amount')} less {table.header_of('discount')}"
            setting = f"write Amount = [{quoted(table.header[n])}] under [report.headers]"
            what = f"{beside}: {setting} if it is what you pay, or ignore it"
            _ask_about(table, n, row, what, problems)


def _ask_about(table: Table, column: int, row: int, what: str, problems: Problems) -> None:
    """Name an unread column at a row, and propose the setting that leaves it unread."""
    problems.add(table.sheet.name, row, f", {table.name_of(column)}: {what}")
    problems.propose_to_ignore(table.header[column])


def _figures_in(cell: str) -> list[Decimal]:
    """Return the numbers that a cell may be, with a decimal point or comma; none where it is no number."""
    readings = read_number(cell)
    return [one for one in (readings.point, readings.comma) if one is not None] if readings else []


def _is_one_of(cell: str, figures: Iterable[Decimal]) -> bool:
    """Return whether a cell is one of these figures, rounded, whatever its sign; only zero is zero."""
    sizes = [abs(one) for one in _figures_in(cell)]
    return any(
        abs(size - abs(figure)) <= _ROUNDED and bool(size) == bool(figure)
        for size in sizes
        for figure in figures
    )


def _refuse_unknown_amounts(table: Table, lines: Sequence[NumberedLine], problems: Problems) -> None:
    """Name a column that may be the amount where it is not the units times the cost."""
    units, cost = table.header_of("units"), table.header_of("cost")
    for n in _amounts_in(table):
        name = table.header[n]
        if differing := _find_differing(table.texts(n), "amount", lines):
            row, cell, line = differing
            product = f"{units} × {cost} ({tell_number(line.units)} × {tell_number(line.cost or Decimal(0))})"
            setting = f"write Amount = [{quoted(name)}] under [report.headers] if it is, or ignore it"
            what = f"{cell} is not {product}, and no column is known to be the amount: {setting}"
            _ask_about(table, n, row, what, problems)


def _refuse_differing(
    table: Table,
    columns: Iterable[int],
    figure: _Figure,
    lines: Sequence[NumberedLine],
    why: str,
    problems: Problems,
) -> None:
    """Name each of the columns that differs from the one of this figure that was read."""
    other = table.header_of(figure)
    for n in columns:
        name = table.header[n]
        if differing := _find_differing(table.texts(n), figure, lines):
            row, cell, line = differing
            beside = f"{cell} stands beside {tell_number(getattr(line, figure))} in {other}"
            problems.add(table.sheet.name, row, f", {name}: {beside}, and {why}")
            problems.ignore[name] = other


def _amounts_in(table: Table) -> Iterator[int]:
    """Yield the unread columns whose headers may mean an amount of the line that the MSP pays."""
    return _columns_of(table, _OF_AMOUNTS, _OF_OTHER_AMOUNTS)


def _columns_of(table: Table, meant: re.Pattern[str], others: re.Pattern[str]) -> Iterator[int]:
    """Yield the unread columns whose headers have words of one pattern, and none of the other."""
    for n in table.columns.strange:
        words = header_words(table.header[n])
        if meant.search(words) and not others.search(words):
            yield n


def _find_differing(
    cells: Sequence[str], figure: _Figure, lines: Iterable[NumberedLine]
) -> tuple[int, str, BillingLine] | None:
    """Return the first row whose cell differs from a figure of its line, with the cell and the line."""
    for row, at, line in lines:
        own: Decimal | None = getattr(line, figure)
        if own is not None and _differs(cells[at], own):
            return row, cells[at], line
    return None


def _differs(cell: str, figure: Decimal) -> bool:
    """Return whether a cell is a number, and not this figure rounded; that of a credit may lack its minus."""
    figures = _figures_in(cell)
    same = (figure, abs(figure)) if figure < 0 else (figure,)
    return bool(figures) and not any(abs(one - own) <= _ROUNDED for one in figures for own in same)
