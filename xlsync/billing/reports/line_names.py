"""The texts of a line from its row: customer, product, code, terms, invoice and currency. PURE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from xlsync.billing.reports.table_values import TableValues
from xlsync.billing.reports.terms import (
    months_in_words,
    parse_term_and_cycle,
    tells_term_and_cycle,
    term_and_billing,
    term_name,
)
from xlsync.billing.reports.values import Wrong

_PRODUCT: Final = ("product", "sku_name", "product_code", "sku")
TERM_COLUMNS: Final = ("plan", "cycle", "term_and_cycle")
T = TypeVar("T")


class Terms(NamedTuple):
    """The billing and commitment periods of a line, in words and months."""

    billing: str
    billing_months: int | None
    commitment: str
    commitment_months: int | None


class LineNames(NamedTuple):
    """The texts of a line."""

    customer: str
    customer_id: str
    invoice: str
    product: str
    product_code: str
    terms: Terms


def combined(make: Callable[..., T], columns: Sequence[Sequence[Any]]) -> list[T]:
    """Combine several columns row by row; each different combination is computed once."""
    known: dict[Any, T] = {}
    made = []
    for cells in zip(*columns, strict=True):
        one = known.get(cells)
        if one is None:
            one = known[cells] = make(*cells)
        made.append(one)
    return made


def line_names(values: TableValues) -> list[LineNames]:
    """Return the texts of each row's line."""
    empty = [None] * len(values.table.rows)
    range_of = values.range_of

    def columns(*names: str) -> list[Sequence[Any]]:
        return [values.texts.get(name, empty) for name in names]

    products = combined(_product_and_code, columns(*_PRODUCT))
    terms = combined(lambda *cells: _terms(range_of, *map(_text_or_empty, cells)), columns(*TERM_COLUMNS))
    texts = zip(*columns("customer", "customer_id", "invoice"), products, terms, strict=True)
    return [
        LineNames(
            _text_or_empty(customer),
            _text_or_empty(customer_id),
            _text_or_empty(invoice),
            product,
            code,
            terms_of_row,
        )
        for customer, customer_id, invoice, (product, code), terms_of_row in texts
    ]


def _text_or_empty(cell: str | Wrong | None) -> str:
    return cell if isinstance(cell, str) else ""


def _product_and_code(*cells: str | Wrong | None) -> tuple[str, str]:
    """Return the product's name and its code, each with what its SKU adds."""
    product, sku_name, code, sku = map(_text_or_empty, cells)
    return sku_name if sku_name.startswith(product) else product, f"{code}:{sku}" if code and sku else code


def _terms(range_of: str, plan: str, cycle: str, both: str) -> Terms:
    """Return the terms of a row; a column that holds charged periods tells none where a cell is a period."""
    if range_of == "plan" and months_in_words(plan) is None:
        plan = ""
    if range_of == "cycle" and months_in_words(cycle) is None:
        cycle = ""
    if not both and (both := next((cell for cell in (plan, cycle) if tells_term_and_cycle(cell)), "")):
        plan, cycle = ("" if cell == both else cell for cell in (plan, cycle))
    if both:
        term, billing = parse_term_and_cycle(both)
        plan, cycle = plan if months_in_words(plan) else billing or plan, cycle or term
    if (two := term_and_billing(plan)) is not None:
        cycle, plan = cycle or two[0], two[1]
    elif (two := term_and_billing(cycle)) is not None:
        cycle, plan = two[0], plan or two[1]
    plan_months, cycle_months = months_in_words(plan), months_in_words(cycle)
    commitment = term_name(cycle, cycle_months)
    if not plan:  # without a plan it is billed once a term
        return Terms(commitment, cycle_months, commitment, cycle_months)
    return Terms(term_name(plan, plan_months), plan_months, commitment, cycle_months)
