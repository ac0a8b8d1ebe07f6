"""Rows told apart: charges, totals, repeated headers, footers and empty ones. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from xlsync.billing.reports.table_values import TableValues
from xlsync.billing.reports.text import fold
from xlsync.billing.reports.values import Wrong

_TOTAL_WORD: Final = (
    r"(?:grand |sub |over ?all |invoice |report "
    r")?(?:totals?|subtotals?|sum|summe|gesamt|gesamtsumme|gesamtbetrag|"
    r"zwischensumme|endsumme|totaal|subtotaal|eindtotaal|totale|subtotale|totaux|somme|suma|total general|"
    r"total generale?|totale generale|συνολο|γενικο συνολο|μερικο συνολο|μερικα συνολα|συνολικα)"
)
_TOTAL: Final = re.compile(rf"(?:.* )?{_TOTAL_WORD}|{_TOTAL_WORD} .*")
_TOTAL_ALONE: Final = re.compile(_TOTAL_WORD)


class RowKind(StrEnum):
    """What a row is; figures alone may be a total that nobody has named."""

    CHARGE = "charge"
    TOTAL = "total"
    FIGURES = "figures"
    FOOTER = "text below or between the rows"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class TotalLabel:
    """What a row of totals is called, and whether the name is nothing but that."""

    text: str
    is_plain: bool


@lru_cache(maxsize=65_536)
def is_total(text: object) -> bool:
    """Whether a text names a total: `Total`, `Acme GmbH Total`, `Zwischensumme`."""
    return isinstance(text, str) and _TOTAL.fullmatch(fold(text)) is not None


@lru_cache(maxsize=65_536)
def is_plain_total(text: object) -> bool:
    """Whether a text is the word for a total and no more, or ends with it."""
    if not isinstance(text, str):
        return False
    folded = fold(text)
    return _TOTAL_ALONE.fullmatch(folded) is not None or (
        re.fullmatch(rf".* {_TOTAL_WORD}", folded) is not None
    )


def classify(values: TableValues) -> list[RowKind]:
    """What each row of a table is."""
    customers, products = values.texts["customer"], values.texts["product"]
    contracts = values.texts.get("contract", (None,) * len(customers))
    starts = values.dates.get("start", (None,) * len(customers))
    figures = [
        values.numbers[name]
        for name in ("units", "amount", "debit", "credit", "cost")
        if name in values.numbers
    ]
    kinds = []
    for n, (_, row) in enumerate(values.table.rows):
        customer, product, contract, start = customers[n], products[n], contracts[n], starts[n]
        if (
            customer is not None
            and product is not None
            and not is_total(product)
            and not is_plain_total(customer)
        ):
            kinds.append(RowKind.CHARGE)
            continue
        has_figure = any(column[n] is not None for column in figures)
        texts = [one for one in row if isinstance(one, str) and one.strip() and any(map(str.isalpha, one))]
        if not any(_is_there(one) for one in row):
            kinds.append(RowKind.EMPTY)
        elif _is_named_total(customer, product, contract, start, texts):
            kinds.append(RowKind.TOTAL)
        elif customer is not None and product is not None:
            kinds.append(RowKind.CHARGE)
        elif has_figure and customer is None and product is None and contract is None and not texts:
            kinds.append(RowKind.FIGURES)
        elif not has_figure and (customer is None or product is None) and contract is None:
            kinds.append(RowKind.FOOTER)
        else:
            kinds.append(RowKind.CHARGE)
    return kinds


def _is_named_total(customer: Any, product: Any, contract: Any, start: Any, texts: Sequence[str]) -> bool:
    """Whether a row is a total by its name: it has no customer, product, contract or day of its own."""
    free = [one for one in (customer, product, contract) if one is not None and not is_total(one)]
    named = any(map(is_total, texts))
    if isinstance(start, Wrong):
        start = None  # a date of a total is no date
    if not free:
        return named and start is None
    is_customers = product is not None and is_plain_total(product) and contract is None and start is None
    return is_customers and free == [customer]


def _is_there(value: Any) -> bool:
    return value is not None and (not isinstance(value, str) or bool(value.strip()))
