"""The kind, the amount, the charged period and the currency of each row, out of its columns. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from xlsync.billing.reports.currencies import Currencies
from xlsync.billing.reports.kinds import Kind, KindWords
from xlsync.billing.reports.line_names import TERM_COLUMNS, combined
from xlsync.billing.reports.table_values import Day, TableValues
from xlsync.billing.reports.terms import months_in_words
from xlsync.billing.reports.text import fold
from xlsync.billing.reports.values import Wrong
from xlsync.models import LineType

KIND_COLUMNS: Final = ("type", "invoice_type", "mode")
_MOST_TELLING: Final = (LineType.USAGE, LineType.ONE_TIME, LineType.RECURRING)


class RowColumns(Struct, frozen=True):
    """The kind of every row with the words that tell it, its amount, charged period and currency.

    A row whose words for its kind are not all known has None for a kind.
    """

    kinds: Sequence[Kind | None]
    words: Sequence[str]
    amounts: Sequence[Decimal | Wrong | None]
    periods: Sequence[tuple[Day | Wrong | None, Day | Wrong | None]]
    currencies: Sequence[str | Wrong]


def read_row_columns(values: TableValues, words: KindWords, currencies: Currencies) -> RowColumns:
    """Return the columns of a table that are worked out of several of its cells."""
    kinds, texts = zip(*_row_kinds(values, words), strict=True) if values.table.rows else ((), ())
    return RowColumns(kinds, texts, _amounts(values), _periods(values), currencies.of_rows)


def _row_kinds(values: TableValues, words: KindWords) -> list[tuple[Kind | None, str]]:
    """Return the kind of each row by its columns of the kind, with their words; None for an unknown word."""
    empty: Sequence[None] = [None] * len(values.table.rows)
    columns = [values.texts[name] for name in KIND_COLUMNS if name in values.texts]
    terms = [values.texts[name] for name in TERM_COLUMNS if name in values.texts]
    metered = [isinstance(cell, str) for cell in values.texts.get("meter", empty)]
    credits_apart = [bool(cell) for cell in values.numbers.get("credit", empty)]
    layout = values.table.columns.layout
    is_usage = layout is not None and layout.is_usage

    def say(is_credit: bool, is_metered: bool, *cells: str | Wrong | None) -> tuple[Kind | None, str]:
        texts = [cell for cell in cells[: len(columns)] if isinstance(cell, str)]
        kinds = [words.find(text) for text in texts]
        known = [kind for kind in kinds if kind is not None]
        if len(known) < len(kinds):
            return None, ""
        billed = [kind for cell in cells[len(columns) :] if (kind := _kind_of_term(cell, words)) is not None]
        whole = _together([*known, *billed, Kind(is_credit=is_credit)], is_usage=is_usage or is_metered)
        return whole, " / ".join(map(fold, texts))

    return combined(say, [credits_apart, metered, *columns, *terms])


def _kind_of_term(cell: str | Wrong | None, words: KindWords) -> Kind | None:
    """Return the kind of a charge that is billed once or by usage, as the column of how often tells it."""
    if not isinstance(cell, str) or months_in_words(cell) is not None:
        return None
    kind = words.find(cell)
    is_told = kind is not None and kind.charge in (LineType.USAGE, LineType.ONE_TIME) and not kind.is_credit
    return kind if is_told else None


def _together(kinds: Sequence[Kind], *, is_usage: bool) -> Kind:
    """Combine the kinds of several columns."""
    is_credit = any(kind.is_credit for kind in kinds)
    charges = {kind.charge for kind in kinds} | ({LineType.USAGE} if is_usage else set())
    return Kind(
        charge=next((one for one in _MOST_TELLING if one in charges), None),
        is_credit=is_credit,
        is_discount=not is_credit and any(kind.is_discount for kind in kinds),
        goes_both_ways=any(kind.goes_both_ways for kind in kinds),
    )


def unknown_words(values: TableValues, at: int, words: KindWords) -> list[tuple[str, str]]:
    """Return the unknown words of a row, each with the meaning of its column."""
    return [
        (name, text)
        for name in KIND_COLUMNS
        if name in values.texts
        and isinstance(text := values.texts[name][at], str)
        and words.find(text) is None
    ]


def _amounts(values: TableValues) -> Sequence[Decimal | Wrong | None]:
    """Return the amounts, negative where they are in the second of two columns."""
    empty: Sequence[None] = [None] * len(values.table.rows)
    amounts = values.numbers.get("amount", empty)
    if not {"debit", "credit"} & set(values.numbers):
        return amounts
    columns: list[Sequence[Any]] = [values.numbers.get(name, empty) for name in ("debit", "credit")]
    amounts_of_two: list[Decimal | Wrong | None] = []
    for debit, credit, amount in zip(*columns, amounts, strict=True):
        wrong = next((number for number in (debit, credit, amount) if isinstance(number, Wrong)), None)
        amounts_of_two.append(wrong or _amount_of_two(debit, credit, amount))
    return amounts_of_two


def _amount_of_two(debit: Decimal | None, credit: Decimal | None, amount: Decimal | None) -> Decimal | None:
    if credit:
        return -abs(credit)
    return amount if debit is None and (amount is not None or credit is None) else debit or Decimal(0)


def _periods(values: TableValues) -> list[tuple[Any, Any]]:
    """Return the charged period of each row, from two columns or one column of ranges."""
    empty: Sequence[None] = [None] * len(values.table.rows)
    starts, ends = values.dates.get("start", empty), values.dates.get("end", empty)
    if not values.range_of or {"start", "end"} <= set(values.dates):
        return list(zip(starts, ends, strict=True))
    return [
        (start or pair[0], end or pair[1]) if isinstance(pair, tuple) else (start, end)
        for start, end, pair in zip(starts, ends, values.periods, strict=True)
    ]
