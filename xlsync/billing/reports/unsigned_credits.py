"""Credits that only words beside the figures tell: names, titles, headings, remarks, numbers. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from xlsync.billing.reports.kinds import Kind, KindWords, begins_with_credit, names_discount
from xlsync.billing.reports.numbers import read_number
from xlsync.billing.reports.problems import Problems, rows_text
from xlsync.billing.reports.row_columns import KIND_COLUMNS
from xlsync.billing.reports.rows import RowKind
from xlsync.billing.reports.summary import table_name
from xlsync.billing.reports.table_values import TableValues
from xlsync.billing.reports.tables import Table
from xlsync.billing.reports.text import fold, header_words, plain_text
from xlsync.billing.reports.values import Wrong
from xlsync.models import LineType

Amounts = Sequence[Decimal | Wrong | None]

_CREDIT_NUMBER: Final = re.compile(
    r"(?:cn|crn|cm|cr|cred|credit|gs|gut|gutschrift|storno|av|avoir|nc|abono)[-_/ .]*\d.*", re.IGNORECASE
)
_ADJUSTMENT: Final = re.compile(
    r"\b(?:adjustments?|corrections?|korrekturen|korrektur|ajustements?|correcties?|ajustes?|rettifiche)\b"
)
# headers under which words of credits have another sense: a card, or a subscription that is not renewed
_OTHER_SENSE: Final = re.compile(
    r"\b(?:pay|payment|paid|method|terms?|zahl\w*|paiement|betal\w*|pago|pagamento|status|state|renew\w*)\b"
)
# columns that tell of usage and of what is billed once
_OF_KINDS: Final = ("meter", "plan", "cycle", "term_and_cycle")
# words that are no kind of all rows: `Tax Invoice` and `Fees` stand above recurring charges too
_TAX_OR_FEE: Final = re.compile(
    r"\b(?:tax|taxes|taxe|vat|gst|mw ?st|u ?st|tva|btw|iva|φπα|steuer|imposta|impuestos?"
    r"|moms|mva|alv|dph|podatek|imposto"
    r"|fees?|gebuhr|gebuhren|frais|kosten|tarifa|tariffa|avgift|gebyr|maksu|oplata|opłata|taxa|poplatek)\b"
)
_NOT_TOLD: Final = "whether they take units back is not told"
_ADD_A_TYPE: Final = "add a column Type"


def tell_unsigned_credits(
    values: TableValues,
    kinds: Sequence[RowKind],
    amounts: Amounts,
    words: KindWords,
    file_name: str,
    problems: Problems,
) -> list[str]:
    """Add a problem where words beside the figures say credit, and the amounts that they are about no minus.

    What comes back are doubts: products that are named as credits and are read as charges.
    """
    table = values.table
    if not table.columns.at.keys().isdisjoint((*KIND_COLUMNS, "debit", "credit")):
        return []
    charging = [at for at, kind in enumerate(kinds) if kind is RowKind.CHARGE]
    _tell_numbers(values, charging, amounts, problems)
    _tell_headings(table, kinds, amounts, words, problems)
    doubts = _tell_kind_above(table, words, file_name, problems)
    _tell_remarks(table, charging, amounts, words, problems)
    doubts.extend(_doubts_of_products(values, charging, amounts, table_name(file_name, table.sheet.name)))
    if _is_without_minus(amounts[at] for at in charging):
        _tell_titles(table, words, file_name, problems)
        if _ADJUSTMENT.search(fold(table.sheet.name)):
            are = f"are read as charges, and {_NOT_TOLD}"
            doubts.append(f"{file_name}: the lines of sheet {table.sheet.name}, which have no minus, {are}.")
    return doubts


def _is_without_minus(amounts: Iterable[Decimal | Wrong | None]) -> bool:
    """Return whether some money is there, and none of it has a minus."""
    money = [amount for amount in amounts if isinstance(amount, Decimal)]
    return bool(money) and min(money) >= 0 < max(money)


def _tell_titles(table: Table, words: KindWords, file_name: str, problems: Problems) -> None:
    """Name a sheet, a file or a title above the header that says credit, where no amount has a minus."""
    sheet = table.sheet.name
    kinds = [words.find(text) for text in (sheet, *fold(sheet).split())]
    if any(kind is not None and kind.is_credit for kind in kinds):
        problems.add(
            sheet,
            table.header_row,
            f": its name tells of credits and no amount has a minus: {_NOT_TOLD}; {_ADD_A_TYPE}, or name "
            "the sheet otherwise",
        )
        return
    for number, title in ((number, text) for number, texts in table.titles() for text in texts):
        if begins_with_credit(title):
            what = f": “{title[:60]}” stands above the header and no amount has a minus: {_NOT_TOLD}"
            problems.add(sheet, number, f"{what}; {_ADD_A_TYPE}")
            return
    parts = fold(file_name.rpartition(".")[0]).split()
    if any(begins_with_credit(" ".join(parts[n:])) for n in range(len(parts))):
        what = f"the file's name tells of a credit and no amount has a minus: {_NOT_TOLD}"
        problems.add(sheet, 0, f": {what}; {_ADD_A_TYPE}, or name the file otherwise")


def _tell_headings(
    table: Table, kinds: Sequence[RowKind], amounts: Amounts, words: KindWords, problems: Problems
) -> None:
    """Name headings between the rows that tell the kind of those below, which no column does."""
    headings = [
        (at, texts[0])
        for at, kind in enumerate(kinds)
        if kind is RowKind.FOOTER
        and len(texts := [text for cell in table.rows[at][1] if (text := plain_text(cell))]) == 1
    ]
    for n, (at, text) in enumerate(headings):
        end = headings[n + 1][0] if n + 1 < len(headings) else len(kinds)
        below = [amounts[row] for row in range(at + 1, end) if kinds[row] is RowKind.CHARGE]
        kind = words.find(text)
        is_credit = begins_with_credit(text) or (kind is not None and (kind.is_credit or kind.is_discount))
        if is_credit and _is_without_minus(below):
            what = f": “{text[:60]}” stands above rows without a minus: {_NOT_TOLD}; {_ADD_A_TYPE}"
        elif below and kind is not None and _is_other_charge(kind):
            what = f": “{text[:60]}” stands above rows as their kind, and no column tells it; {_ADD_A_TYPE}"
        else:
            continue
        problems.add(table.sheet.name, table.rows[at][0], what)


def _tell_kind_above(table: Table, words: KindWords, file_name: str, problems: Problems) -> list[str]:
    """Name a sheet or a title above the header that tells the kind of all rows, which no column does.

    A title beside a number is the label of it. What comes back is a doubt: a sheet of which one word alone
    tells it.
    """
    layout = table.columns.layout
    if not table.columns.at.keys().isdisjoint(_OF_KINDS) or (layout is not None and layout.is_usage):
        return []
    sheet = table.sheet.name
    named = [(table.header_row, sheet)] if sheet else []
    titles = ((number, texts) for number, texts in table.titles() if not any(map(read_number, texts)))
    for number, text in (*named, *((number, text) for number, texts in titles for text in texts)):
        is_dated = any(map(str.isdigit, text))
        kind = None if is_dated else words.find(_TAX_OR_FEE.sub("", fold(text)))
        if kind is not None and not kind.is_credit and _is_other_charge(kind):
            what = f": “{text[:60]}” stands above all rows as their kind, and no column tells it"
            problems.add(sheet, number, f"{what}; {_ADD_A_TYPE}{', or rename the sheet' * (text == sheet)}")
            return []
    telling = _TAX_OR_FEE.sub("", fold(sheet)).split()
    of_words = [kind for word in telling if (kind := words.find(word)) is not None]
    if any(map(_is_other_charge, of_words)):
        where = f"{file_name}, sheet {sheet}"
        why = "since no column tells their kind"
        return [f"{where}: the lines count as recurring, {why}; {_ADD_A_TYPE}, or rename the sheet."]
    return []


def _is_other_charge(kind: Kind) -> bool:
    return kind.charge in (LineType.USAGE, LineType.ONE_TIME)


def _tell_remarks(
    table: Table, charging: Sequence[int], amounts: Amounts, words: KindWords, problems: Problems
) -> None:
    """Name a column that is not read where it says credit of amounts without a minus."""
    for column in (*table.columns.strange, *table.columns.suspicious):
        name = table.name_of(column)
        if _OTHER_SENSE.search(header_words(name)) or name in problems.ignore:
            continue
        cells = table.texts(column)
        credit_texts = {text for text in set(cells) if text and _says_credit(text, words)}
        rows = [
            table.rows[at][0]
            for at in (charging if credit_texts else ())
            if cells[at] in credit_texts and isinstance(amount := amounts[at], Decimal) and amount > 0
        ]
        if rows:
            what = f", {name}: “{min(credit_texts)[:40]}” says credit of amounts without a minus ("
            problems.add(table.sheet.name, rows[0], f"{what}{rows_text(rows)}): {_NOT_TOLD}")
            problems.propose_to_ignore(table.header[column])


def _says_credit(text: str, words: KindWords) -> bool:
    kind = words.find(text)
    return begins_with_credit(text) or (kind is not None and kind.is_credit and not kind.goes_both_ways)


def _doubts_of_products(
    values: TableValues, charging: Sequence[int], amounts: Amounts, table: str
) -> Iterator[str]:
    """Say which rows charge for a product named as a credit or a discount; `table` is the table's name."""
    products: Sequence[Any] = values.texts["product"]
    units: Sequence[Any] = values.numbers["units"]
    texts = {product for product in products if isinstance(product, str)}
    for what, is_named in (("credit", begins_with_credit), ("discount", names_discount)):
        named = set(filter(is_named, texts))
        rows = [
            values.table.rows[at][0]
            for at in (charging if named else ())
            if products[at] in named
            and isinstance(amount := amounts[at], Decimal)
            and amount > 0
            and not (isinstance(units[at], Decimal) and units[at] < 0)
        ]
        if rows:
            are = "is read as a charge" if len(rows) == 1 else "are read as charges"
            first = min(named)[:60]
            yield f"{table}: “{first}” is named as a {what} and has no minus: {rows_text(rows)} {are}."


def _is_of_credit(number: str) -> bool:
    return _CREDIT_NUMBER.fullmatch(number) is not None or begins_with_credit(number)


def _tell_numbers(values: TableValues, charging: Sequence[int], amounts: Amounts, problems: Problems) -> None:
    """Add a problem where some invoices are numbered as credit notes and their amounts have no minus."""
    numbers = values.texts.get("invoice")
    if numbers is None:
        return
    of_credits = {text for text in set(numbers) if isinstance(text, str) and _is_of_credit(text)}
    credited = [at for at in charging if numbers[at] in of_credits]
    is_told = len(credited) < len(charging) or any(
        map(begins_with_credit, of_credits)
    )  # not by letters alone
    if is_told and _is_without_minus(amounts[at] for at in credited):
        rows = [values.table.rows[at][0] for at in credited]
        header = values.table.header_of("invoice")
        problems.add(
            values.table.sheet.name,
            rows[0],
            f", {header}: “{str(numbers[credited[0]])[:40]}” looks like the number of a credit note, and no "
            f"amount of such has a minus ({rows_text(rows)}): {_NOT_TOLD}",
        )
        problems.propose_to_ignore(header)
