"""Doubts whether the column that is read as the product tells products apart. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Final

from xlsync.amounts import tell_number
from xlsync.billing.reports.columns import known_meaning
from xlsync.billing.reports.problems import quoted
from xlsync.billing.reports.tables import Table
from xlsync.billing.reports.text import header_words
from xlsync.models import BillingLine, LineType
from xlsync.reconcile.charges import covers_full_period

_LIKE_A_PRODUCT: Final = re.compile(
    r"\b(?:editions?|variante?|plan|tier|version|sub ?product|package|size|option|details?)\b"
)
# headers with such a word are about something else than the product
_OF_ANOTHER: Final = re.compile(
    r"\b(?:customer|client|tenant|partner|billing|payment|invoice|order|discount|address|contact|period)\b"
)
_NOT_LETTERS: Final = re.compile(r"[\W\d_]+")


def doubt_coarse_products(table: Table, lines: Iterable[tuple[int, BillingLine]], name: str) -> Iterator[str]:
    """Say which product of the lines has several names in another column, each at prices of its own.

    Each line comes with the place of its row; `name` is that of the table. Only charges for full periods tell
    a product's price.
    """
    columns = [n for n in table.columns.strange if _may_tell_products(table.header[n])]
    own = [
        (at, line)
        for at, line in (lines if columns else ())
        if line.type is LineType.RECURRING and line.cost and covers_full_period(line)
    ]
    for n in columns:
        names: dict[str, dict[str, tuple[str, set[Decimal]]]] = {}
        texts = table.texts(n)
        for at, line in own:
            if letters := _NOT_LETTERS.sub("", texts[at]).casefold():
                by_name = names.setdefault(line.product, {})
                by_name.setdefault(letters, (texts[at], set()))[1].add(line.cost or Decimal(0))
        for product, by_name in names.items():
            several = list(by_name.values())
            if len(several) > 1 and all(a[1].isdisjoint(b[1]) for a, b in combinations(several[:20], 2)):
                yield f"{name}: {_tell(table, n, product, several)}"
                break


def _tell(table: Table, column: int, product: str, several: Sequence[tuple[str, set[Decimal]]]) -> str:
    read, header = table.header_of("product"), table.header[column]
    examples = " and ".join(f"“{name[:40]}” at {tell_number(min(costs))}" for name, costs in several[:2])
    return (
        f"“{read}” is read as the product, and “{header}” tells {len(several)} under “{product[:40]}” "
        f"({examples}). If they are different products, write into xlsync.toml, under [report.headers]: "
        f"Product = [{quoted(header)}]; if not, under [report]: ignore = [{quoted(header)}]."
    )


def _may_tell_products(header: str) -> bool:
    words = header_words(header)
    is_like_one = _LIKE_A_PRODUCT.search(words) is not None and not _OF_ANOTHER.search(words)
    return known_meaning(header) == "product" or is_like_one
