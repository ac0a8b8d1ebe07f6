"""Rows told apart: charges, totals, repeated headers, footers and empty ones. PURE."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from xlsync.billing.reports.numbers import read_number
from xlsync.billing.reports.proof import agrees
from xlsync.billing.reports.table_values import TableValues
from xlsync.billing.reports.text import fold
from xlsync.billing.reports.values import Wrong

_TOTAL_WORD: Final = (
    r"(?:grand |sub |over ?all |invoice |report "
    r")?(?:totals?|subtotals?|sum|summe|gesamt|gesamtsumme|gesamtbetrag|"
    r"zwischensumme|endsumme|totaal|subtotaal|eindtotaal|totale|subtotale|totaux|somme|suma|total general|"
    r"endbetrag|nettobetrag|bruttobetrag|nettosumme|bruttosumme|importe total|importo totale|"
    r"razem|razem netto|lacznie|łacznie|ogolem|ogołem|do zapłaty|celkem bez dph|k uhrade|slutsumma|delsumma"
    r"|totalsumma|totalbelopp|totalt|att betala|totalbeløb|subtotalt|at betale|totalsum|totalbeløp|delsum"
    r"|a betale|valisumma|loppusumma|total geral|total liquido|"
    r"celkem|osszesen|summa|i alt|yhteensa|итого|всего|toplam|合計|总计|總計|σ|"
    r"all (?:customers|clients|products|items|lines)|alle (?:kunden|artikel|produkte|positionen)|"
    r"amount due|balance due|(?:amount |total )?payable|suma y sigue|base imponible|te betalen|a pagar|"
    r"rechnungsbetrag|zahlbetrag|net a payer|"
    r"total generale?|totale generale|συνολο|γενικο συνολο|μερικο συνολο|μερικα συνολα|συνολικα)"
)
_TOTAL: Final = re.compile(rf"(?:.* )?{_TOTAL_WORD}|{_TOTAL_WORD} .*")
_PLAIN_TOTAL: Final = re.compile(rf"(?:.* )?{_TOTAL_WORD}")
_TOTAL_ALONE: Final = re.compile(_TOTAL_WORD)
_TAX: Final = re.compile(
    r"(?:(?:plus|add|incl|zzgl|total) )?(?:[\d ]+%? )?(?:vat|gst|hst|pst|sales tax|tax|taxes|mwst|ust|"
    r"umsatzsteuer|mehrwertsteuer|tva|btw|iva|φπα|moms|mva|alv|dph|podatek vat|merverdiavgift"
    r"|arvonlisavero)(?: amount| betrag)?(?: (?:at |of )?[\d ]+%?)?"
)
_CENT: Final = Decimal("0.01")


class RowKind(StrEnum):
    """The kinds of rows; figures alone may be an unnamed total, a tax stands beside totals.

    A sum has the names of a charge and the figures of all rows above.
    """

    CHARGE = "charge"
    TOTAL = "total"
    TAX = "tax"
    FIGURES = "figures"
    SUM = "a sum of the rows above"
    FOOTER = "text below or between the rows"
    EMPTY = "empty"


@lru_cache(maxsize=65_536)
def is_total(text: object) -> bool:
    """Return whether a text names a total: `Total`, `Acme GmbH Total`, `Zwischensumme`."""
    return isinstance(text, str) and _TOTAL.fullmatch(fold(text)) is not None


@lru_cache(maxsize=65_536)
def is_plain_total(text: object) -> bool:
    """Return whether a text is the word for a total and no more, or ends with it."""
    return isinstance(text, str) and _PLAIN_TOTAL.fullmatch(fold(text)) is not None


def is_total_alone(folded: str) -> bool:
    """Return whether a folded text is the word for a total and no more."""
    return _TOTAL_ALONE.fullmatch(folded) is not None


@lru_cache(maxsize=4096)
def is_tax(text: object) -> bool:
    """Return whether a text names a tax: `VAT`, `zzgl. 19 % MwSt.`, `Sales Tax`."""
    return isinstance(text, str) and _TAX.fullmatch(fold(text.casefold())) is not None


def classify(values: TableValues) -> list[RowKind]:
    """Find the kind of each row of a table."""
    customers, products = values.texts["customer"], values.texts["product"]
    contracts = values.texts.get("contract", (None,) * len(customers))
    starts = values.dates.get("start", (None,) * len(customers))
    figures = [
        values.numbers[name]
        for name in ("units", "amount", "debit", "credit", "cost")
        if name in values.numbers
    ]
    not_charging = {product for product in set(products) if product is None or is_total(product)}
    not_customers = {
        customer
        for customer in set(customers)
        if customer is None or is_plain_total(customer) or _is_remark(customer)
    }
    ruled = {cell for cell in set(products) if isinstance(cell, str) and not any(map(str.isalnum, cell))}
    kinds = []
    for n, (_, row) in enumerate(values.table.rows):
        customer, product = customers[n], products[n]
        if product in ruled and not any(map(_has_a_letter_or_digit, row)):
            kinds.append(RowKind.EMPTY)  # a line drawn with dashes
        elif n == 0 and _numbers_columns(row):
            kinds.append(RowKind.FOOTER)
        elif product not in not_charging and customer not in not_customers:
            kinds.append(RowKind.CHARGE)
        elif not any(_is_there(cell) for cell in row):
            kinds.append(RowKind.EMPTY)
        else:
            has_figure = any(column[n] is not None for column in figures)
            kinds.append(
                _doubtful_kind(row, customer, product, contracts[n], starts[n], has_figure=has_figure)
            )
    for n, kind in _find_products_named_total(values, kinds).items():
        kinds[n] = kind
    for n, is_named in _find_totals(values, kinds).items():
        kinds[n] = RowKind.TOTAL if is_named else RowKind.SUM
    return kinds


def _find_products_named_total(values: TableValues, kinds: Sequence[RowKind]) -> dict[int, RowKind]:
    """Find the charges of a product named `Total`, by their places.

    Such a row has a customer, units times its price are its amount, and it is no sum of rows: neither of the
    customer's, wherever they stand, nor of all rows, nor of those since the last total. Where there is one
    row alone that it may be the sum of, and that is another customer's, it may be either.
    """
    if "cost" not in values.numbers:
        return {}
    everything, of_customer = _Above(), defaultdict[str, _Above](_Above)
    for n, kind in enumerate(kinds):
        if kind is RowKind.CHARGE and (figures := _figures(values, n)) is not None:
            everything.add(*figures)
            of_customer[_customer(values, n)].add(*figures)
    own_above, above, since = defaultdict[str, _Above](_Above), _Above(), _Above()
    charges: dict[int, RowKind] = {}
    for n, kind in enumerate(kinds):
        figures, customer = _figures(values, n), _customer(values, n)
        if kind is RowKind.CHARGE and figures is not None:
            for one in (own_above[customer], above, since):
                one.add(*figures)
        elif kind is RowKind.TOTAL:
            if figures is not None and _may_charge(values, n):
                own = of_customer[customer], own_above[customer]
                sums = [one for one in (*own, everything, above, since) if one.rows and one.has(*figures)]
                if not sums:
                    charges[n] = RowKind.CHARGE
                elif not any(one in own or one.rows > 1 for one in sums):
                    charges[n] = RowKind.SUM
            since = _Above()
    return charges


def _may_charge(values: TableValues, n: int) -> bool:
    """Return whether a row named a total has a customer, a product, and units whose price is its amount."""
    customer, product = values.texts["customer"][n], values.texts["product"][n]
    units, cost = values.numbers["units"][n], values.numbers["cost"][n]
    figures = _figures(values, n)
    return (
        isinstance(customer, str)
        and not is_plain_total(customer)
        and isinstance(product, str)
        and fold(product) != fold(customer)
        and isinstance(units, Decimal)
        and isinstance(cost, Decimal)
        and figures is not None
        and agrees(units, cost, figures[0])
    )


def _customer(values: TableValues, n: int) -> str:
    customer = values.texts["customer"][n]
    return fold(customer) if isinstance(customer, str) else ""


def _figures(values: TableValues, n: int) -> tuple[Decimal, Decimal | Wrong | None] | None:
    """Return the amount of a row, or else that of its units at their price, and its units."""
    numbers = values.numbers
    units, cost = numbers["units"][n], numbers["cost"][n]
    amount = numbers["amount"][n] if "amount" in numbers else _product(units, cost)
    return (amount, units) if isinstance(amount, Decimal) else None


def _product(units: Decimal | Wrong | None, cost: Decimal | Wrong | None) -> Decimal | None:
    return units * cost if isinstance(units, Decimal) and isinstance(cost, Decimal) else None


def _find_totals(values: TableValues, kinds: Sequence[RowKind]) -> dict[int, bool]:
    """Find rows of figures that are exactly the sum of the rows above, by their places.

    Such a row has no price, contract or period of its own; whether its names are those of a total, or
    missing, is what comes back of it. Where no row has a price, other names are those of a charge.
    """
    numbers, texts = values.numbers, values.texts
    if "amount" not in numbers:
        return {}
    empty: Sequence[Any] = (None,) * len(kinds)
    own = [numbers.get("cost", empty), texts.get("contract", empty), values.dates.get("start", empty)]
    amounts, units = numbers["amount"], numbers["units"]
    above, since = _Above(), _Above()
    totals: dict[int, bool] = {}
    for n, kind in enumerate(kinds):
        amount, count = amounts[n], units[n]
        if kind is RowKind.TOTAL:
            since = _Above()
        if kind is not RowKind.CHARGE or not isinstance(amount, Decimal):
            continue
        if all(column[n] is None for column in own) and any(
            one.is_sum(amount, count) for one in (above, since)
        ):
            names = texts["customer"][n], texts["product"][n]
            tells = any(map(is_total, names)) or "cost" in numbers or (None in names and count is None)
            is_named = None in names or any(map(is_total, names))
            if tells and (is_named or isinstance(count, Decimal)):
                totals[n] = is_named
                since = _Above()
                continue
        for one in (above, since):
            one.add(amount, count)
    return totals


@dataclass(slots=True)
class _Above:
    """The sums of the figures of rows above another."""

    rows: int = 0
    amount: Decimal = Decimal(0)
    units: Decimal = Decimal(0)

    def add(self, amount: Decimal, units: Decimal | Wrong | None) -> None:
        """Count one more row."""
        self.rows += 1
        self.amount += amount
        self.units += units if isinstance(units, Decimal) else 0

    def is_sum(self, amount: Decimal, units: Decimal | Wrong | None) -> bool:
        """Return whether figures are the sums of two rows or more; units may be missing."""
        return self.rows > 1 and self.amount != 0 and self.has(amount, units)

    def has(self, amount: Decimal, units: Decimal | Wrong | None) -> bool:
        """Return whether figures are the sums of the rows; units may be missing."""
        return (units is None or units == self.units) and abs(amount - self.amount) <= _CENT


def _doubtful_kind(
    row: Sequence[Any], customer: Any, product: Any, contract: Any, start: Any, *, has_figure: bool
) -> RowKind:
    """Decide the kind of a row without a plain customer and product; when in doubt, it charges."""
    texts = [
        cell
        for cell in row
        if isinstance(cell, str) and any(map(str.isalpha, cell)) and read_number(cell) is None
    ]
    if _is_named_total(customer, product, contract, start, texts):
        return RowKind.TOTAL
    if has_figure and contract is None and _is_named_tax(customer, product, texts):
        return RowKind.TAX
    if _is_remark(customer) and not has_figure and contract is None and start is None:
        return RowKind.FOOTER
    if (customer is not None and product is not None) or contract is not None:
        return RowKind.CHARGE
    if not has_figure:
        return RowKind.FOOTER
    return RowKind.FIGURES if customer is None and product is None and not texts else RowKind.CHARGE


def _is_remark(customer: object) -> bool:
    """Return whether a text introduces a remark, as `Prepared by:` does; a colon ends no name."""
    return isinstance(customer, str) and customer.endswith(":")


def _is_named_total(customer: Any, product: Any, contract: Any, start: Any, texts: Sequence[str]) -> bool:
    """Return whether a row is named as a total and has no customer, product, contract or day of its own."""
    if contract is None and start is None and _is_total_of(customer, product):
        return True
    free = [cell for cell in (customer, product, contract) if cell is not None and not is_total(cell)]
    named = any(map(is_total, texts))
    if isinstance(start, Wrong):
        start = None  # a date of a total is no date
    if not free:
        is_two_names = None not in (customer, product) and fold(customer) != fold(product)
        if is_two_names and not any(is_total_alone(fold(name)) for name in (customer, product)):
            return False  # `Total Energy Ltd` may buy `Total Protection`
        return named and start is None
    is_customers = product is not None and is_plain_total(product) and contract is None and start is None
    return is_customers and free == [customer]


def _is_total_of(customer: Any, product: Any) -> bool:
    """Return whether a product is the word for a total with the customer's own name: `Acme` `Acme Total`."""
    if not isinstance(customer, str) or not isinstance(product, str):
        return False
    name, text = fold(customer), fold(product)  # a name such as `???` has no words
    return name != "" and name in text and is_total_alone(text.replace(name, "", 1).strip())


def _is_named_tax(customer: Any, product: Any, texts: Sequence[str]) -> bool:
    """Return whether a row below the charges is the tax on them, and names nothing else."""
    free = [cell for cell in (customer, product) if cell is not None and not is_tax(cell)]
    return not free and any(map(is_tax, texts))


def _has_a_letter_or_digit(value: Any) -> bool:
    return any(map(str.isalnum, str(value))) if value is not None else False


def _numbers_columns(row: Sequence[Any]) -> bool:
    """Return whether a row below the header numbers the columns: 1, 2, 3 …, or (1), (2), (3) …."""
    cells = [str(cell).strip(" ().").removesuffix(".0") for cell in row if _is_there(cell)]
    return len(cells) > 3 and cells == [str(number) for number in range(1, len(cells) + 1)]


def _is_there(value: Any) -> bool:
    return value is not None and (not isinstance(value, str) or bool(value.strip()))
