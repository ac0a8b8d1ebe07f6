"""Columns of a table that must not be left unread, or that mean two things. PURE."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from xlsync.billing.reports.dates import read_days, read_month
from xlsync.billing.reports.kinds import KindWords
from xlsync.billing.reports.meanings import AMOUNTS, MEANINGS
from xlsync.billing.reports.numbers import read_number
from xlsync.billing.reports.problems import Problems, rows_text
from xlsync.billing.reports.tables import Table
from xlsync.billing.reports.text import fold, header_words, plain_text
from xlsync.billing.reports.workbook_cells import ReportSheet

_MOST_WORDS: Final = 400
_WORDS: Final = KindWords({})
_NOT_ZERO: Final = re.compile("[1-9]")
_KINDS: Final = frozenset({"type", "invoice_type", "mode", "debit", "credit"})
_DAYS: Final = frozenset({"start", "end", "period"})
_SIGNS: Final = frozenset(["c", "d", "cr", "dr", "s", "h", "k", "+", "-", "pos", "neg", "plus", "minus"])
_SIDES: Final = frozenset(["c", "cr", "dr", "h", "+", "-", "neg", "minus"])
_FACTORS: Final = frozenset(["1", "+1", "-1"])  # -1 where money is given back
# codes of documents, of which only both together tell credits from invoices: CN is China too
_INVOICES: Final = frozenset(["inv", "re", "rg", "fa", "fac", "fv"])
_CREDIT_NOTES: Final = frozenset(["crn", "cn", "cm", "gs", "gu", "av", "nc"])
_STATUS: Final = re.compile(
    r"\b(?:invoice|document|bill|line|charge) status\b|status (?:facture|document)|belegstatus"
)
# states that no subscription has: under a plain `Status` they say what became of the row's money
_GIVEN_BACK: Final = re.compile(r"(?:void|credit|refund|revers)(?:ed)?")
_VOID: Final = re.compile(
    r"\b(?:void|voided|cancelled|canceled|reversed|deleted|draft|storniert|entwurf|geloscht|annule|brouillon"
    r"|geannuleerd|concept|anulad[ao]|borrador|annullat[ao]|bozza)\b"
)
# what may become of a row under `Line Status`, besides: no invoice charges it yet
_NOT_YET: Final = re.compile(
    r"\b(?:pending|unbilled|excluded|estimated?|forecast|not (?:yet )?(?:billed|invoiced|charged))\b"
)
# headers of a yes or a no about the row: that it is charged, and that it is not
_CHARGED_FLAG: Final = re.compile(
    r"(?:is |to be |to )?(?:billable|billed|bill|chargeable|charged|charge|invoiceable|invoiced|invoice"
    r"|posted|included|included in (?:the )?invoice|berechnet|abrechenbar|abgerechnet|verrechnet|fakturiert"
    r"|facturable|facture|factureerbaar|gefactureerd|facturado|fatturato|fatturabile)"
)
_FREE_FLAG: Final = re.compile(
    r"(?:is )?(?:excluded?|ignored?|skip|free|free of charge|no charge|not billed|trial|internal(?: use)?"
    r"|informational|estimated?|kostenlos|kostenfrei|gratis|gratuit|gratuito)"
)
_NO: Final = frozenset(["no", "n", "false", "0", "nein", "non", "nee", "falsch", "faux", "falso", "οχι"])
_YES: Final = frozenset(["yes", "y", "true", "1", "x", "ja", "j", "oui", "si", "wahr", "vrai", "vero", "ναι"])
_FLAGS: Final = ((_CHARGED_FLAG, _NO), (_FREE_FLAG, _YES))
_PLAIN_STATUS: Final = frozenset({"status", "state"})
_SCALED: Final = re.compile(
    r"\b(?:amounts?|prices?|costs?|figures|values|betrage|preise|werte|montants|prix|bedragen|importes|importi"
    r"|all) (?:are |shown |stated |sind |angegeben )*(?:in|en) (?:\w{3} |us \$ ?|[€$£] ?)?"
    r"(?:thousands?|millions?|cents?|pence|tausend|tsd|milliers|duizend\w*|miles|migliaia|000s?)\b"
)
_WITH_TAX: Final = re.compile(
    r"\b(?:amounts?|prices?|costs?|figures|values|betrage|preise|werte|montants|prix|bedragen|prijzen|importes"
    r"|precios|importi|prezzi|priser|belopp|belob|beløb|beløp|hinnat|summat|ceny|kwoty|precos|valores|castky"
    r"|all)\b.* (?:(?:incl|inkl)\w*(?: \S+){0,3} "
    r"(?:tax|taxes|vat|gst|hst|mw ?st|u ?st|tva|taxe|btw|iva|φπα|moms|mva|dph)|ttc|gross|brutto|bruto"
    r"|med (?:moms|mva)|sis\w* alv|z (?:vat|podatkiem)|com iva|(?:s|vc|vcetne) dph)(?: |$)"
)
_PRICES: Final = ("cost", "amount")
_CENTS: Final = re.compile(r"\d\d")
_RATE: Final = re.compile(r"%|\b(?:rate|percent|satz|taux|tax|vat|ust|mwst)\b")
# headers of days that may be one end of the charged period, though another end is read
_FROM_OR_TO: Final = re.compile(r"\b(?:fra|fran|til|od|do(?= dnia\b|$)|alkaen|asti|ate)\b")
_OF_CUSTOMERS: Final = re.compile(
    r"\b(?:end ?customer|customer|client|tenant|end ?user|kunde|endkunde|klant)\b"
)
_OF_A_PART: Final = re.compile(
    r"(?:sub|child) ?(?:customer|client|account|tenant|company)(?: name)?|beneficiary|(?:end ?)?consumer"
)
_ABOUT_A_NAME: Final = re.compile(
    r"(?:(?:end|user|s|name|company|organi[sz]ation|account|legal|display|customer|client|tenant"
    r"|endcustomer|enduser|kunde|endkunde|klant)(?: |$))+"
)


def refuse_columns(table: Table, problems: Problems) -> None:
    """Add problems of columns: two of one meaning, unread ones that matter, cells beside their header."""
    _refuse_rivals(table, problems)
    _refuse_unread(table, problems)
    _refuse_another_customer(table, problems)
    _refuse_void(table, problems)
    _refuse_scaled(table, problems)
    _refuse_wide_headers(table, problems)
    _refuse_split_numbers(table, problems)
    width = table.width
    for number, row in table.rows:
        if len(row) > width and any(plain_text(cell) for cell in row[width:]):
            problems.add(
                table.sheet.name,
                number,
                ": is longer than the header; a decimal comma may lack its quotation marks",
            )


def _refuse_rivals(table: Table, problems: Problems) -> None:
    """Name two columns of one meaning with different values."""
    for meaning, places in table.columns.rivals.items():
        first = table.columns.at[meaning]
        own = table.texts(first)
        for other in places:
            if table.texts(other) != own:
                names = table.header[first], table.header[other]
                message = (
                    f"“{names[0]}” stands twice" if names[0] == names[1] else f"“{names[0]}” and “{names[1]}”"
                )
                problems.add(
                    table.sheet.name,
                    table.header_row,
                    f": {message} with different values, and both mean {MEANINGS.get(meaning, meaning)}",
                )
                if names[0] != names[1]:
                    problems.ignore[names[1]] = names[0]


def _refuse_unread(table: Table, problems: Problems) -> None:
    """Name columns that nothing reads whose headers or cells look like a kind, a sign or a date."""
    columns = table.columns
    suspicious = [*columns.suspicious, *(n for n in columns.strange if _tells_kind_or_day(table, n))]
    read = {tuple(table.texts(n)) for n in columns.at.values()} if suspicious else set()
    for n in suspicious:
        values = table.texts(n)
        if any(values) and tuple(values) not in read:
            name = table.name_of(n)
            problems.add(
                table.sheet.name,
                table.header_row,
                f": the column “{name}” looks as if it told a kind, a sign or a date, and is not known",
            )
            problems.propose_to_ignore(table.header[n])


def _refuse_another_customer(table: Table, problems: Problems) -> None:
    """Name a column that may be the customers' where what is read may be the MSP: `Company`, or a parent."""
    read = table.header_of("customer")
    is_of_customers = _OF_CUSTOMERS.search(header_words(read)) is not None
    for n in table.columns.strange:
        words = header_words(table.header[n])
        is_rival = not is_of_customers and _OF_CUSTOMERS.search(words) and _ABOUT_A_NAME.fullmatch(words)
        if not is_rival and not _OF_A_PART.fullmatch(words):
            continue
        texts = {text for text in table.texts(n) if text}
        if any(map(str.isalpha, "".join(texts))) and texts != set(table.texts(table.columns.at["customer"])):
            what = f": “{table.header[n]}” is not known and may be the customer, and so may “{read}”"
            problems.add(table.sheet.name, table.header_row, what)
            problems.propose_to_ignore(table.header[n])


def _refuse_void(table: Table, problems: Problems) -> None:
    """Name rows with money of which a status, or a yes or a no, says that they are void or not charged."""
    for n in table.columns.strange:
        says_void = _teller_of_void(table, n)
        if says_void is None:
            continue
        cells = [text if money else "" for text, money in zip(table.texts(n), _has_money(table), strict=True)]
        void = {text for text in set(cells) if says_void(fold(text))}
        rows = [number for text, (number, _) in zip(cells, table.rows, strict=True) if text in void]
        if rows:
            what = f", {table.header[n]}: “{min(void)[:40]}” says that no money is owed ({rows_text(rows)})"
            problems.add(
                table.sheet.name, rows[0], f"{what}: take these rows out, or let the column be ignored"
            )
            problems.propose_to_ignore(table.header[n])


def _teller_of_void(table: Table, column: int) -> Callable[[str], object] | None:
    """Return what tells of a cell in this column that its row is not charged; None for other columns.

    A column with a number such as 5 counts units, and its 0 and 1 are no yes or no.
    """
    words = header_words(table.header[column])
    if _STATUS.search(words):
        return _says_no_charge
    if words in _PLAIN_STATUS:
        return _GIVEN_BACK.fullmatch
    answers = next((own for one, own in _FLAGS if one.fullmatch(words)), None)
    if answers is None or any(text.isdecimal() and text not in _YES | _NO for text in table.texts(column)):
        return None
    return answers.__contains__


def _says_no_charge(status: str) -> bool:
    return _VOID.search(status) is not None or _NOT_YET.search(status) is not None


def _has_money(table: Table) -> list[bool]:
    """Return for each row whether an amount other than zero stands in it, or a cost where none is read."""
    there = table.columns.at
    columns = [there[one] for one in AMOUNTS if one in there] or [there["cost"]]
    return [any(map(_NOT_ZERO.search, texts)) for texts in zip(*map(table.texts, columns), strict=True)]


def _refuse_scaled(table: Table, problems: Problems) -> None:
    """Name a title above the header that says that money is written in thousands or cents, or with tax.

    What is said with a figure, such as `Amount due incl. VAT: 75.60`, is said of that figure alone.
    """
    titles = list(table.titles())
    labels = {number for number, texts in titles if any(read_number(one.rpartition(":")[2]) for one in texts)}
    for number, text in ((number, text) for number, texts in titles for text in texts):
        if _SCALED.search(fold(text)):
            what = f": “{text[:60]}” stands above the header: write the money of this table in whole units"
            problems.add(table.sheet.name, number, what)
        elif number not in labels and _WITH_TAX.search(fold(text)):
            what = f": “{text[:60]}” stands above the header: write the money of this table without the tax"
            problems.add(table.sheet.name, number, what)


def _refuse_wide_headers(table: Table, problems: Problems) -> None:
    """Name a header that is merged over several columns with cells: which of them it means is not told."""
    known = set(table.columns.at.values())
    for first, last in _merged_in_row(table.sheet, table.header_row):
        over = range(first - 1, min(last, len(table.header)))
        others = [n for n in over if not table.header[n] and any(table.texts(n))]
        if others and any(n in known and any(table.texts(n)) for n in over):
            what = (
                f": “{table.header[first - 1]}” stands over {len(others) + 1} columns with cells: which of "
            )
            problems.add(table.sheet.name, table.header_row, f"{what}them it means is not told")


def _merged_in_row(sheet: ReportSheet, row: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last column of each merged range of several columns that begins in a row."""
    for row1, first, _, last in sheet.merged:
        if row1 == row and last > first:
            yield first, last


def _refuse_split_numbers(table: Table, problems: Problems) -> None:
    """Name a column of whole prices with two digits beside each: a decimal comma has parted them."""
    if not table.sheet.is_text:
        return
    for meaning in _PRICES:
        column = table.columns.at.get(meaning, -1)
        if column < 0 or column + 1 not in table.columns.strange:
            continue
        name = table.name_of(column + 1)
        whole = [text for text in table.texts(column) if text]
        beside = [text for text in table.texts(column + 1) if text]
        is_split = whole and all(map(str.isdecimal, whole)) and len(beside) == len(whole)
        if is_split and all(map(_CENTS.fullmatch, beside)) and not _RATE.search(header_words(name)):
            what = f": the cells of “{name}” look like the decimals of “{table.header[column]}”: a decimal "
            problems.add(table.sheet.name, table.header_row, f"{what}comma may lack its quotation marks")
            problems.propose_to_ignore(table.header[column + 1])


def _tells_kind_or_day(table: Table, column: int) -> bool:
    """Return whether cells that nothing reads are words for credits, or days, which no other column tells."""
    there = table.columns.at
    lacks_end = "period" not in there and not {"start", "end"} <= there.keys()
    may_be_day = _DAYS.isdisjoint(there) or (
        lacks_end and _FROM_OR_TO.search(header_words(table.header[column])) is not None
    )
    if not (_KINDS.isdisjoint(there) or may_be_day):
        return False
    texts = {text for text in table.texts(column) if text}
    if not texts or len(texts) > _MOST_WORDS:
        return False
    if _KINDS.isdisjoint(there):
        kinds = [_WORDS.find(text) for text in texts]
        if all(kinds) and any(kind is not None and kind.is_credit for kind in kinds):
            return True
        folded = set(map(str.casefold, texts))
        is_empty = folded == {"-"} and all(table.texts(column))  # a dash in every row tells nothing
        if folded <= _SIGNS and not _SIDES.isdisjoint(folded) and not is_empty:
            return True
        if folded <= _FACTORS and "-1" in folded:
            return True
        codes = folded & _INVOICES, folded & _CREDIT_NOTES
        if all(codes) and folded == codes[0] | codes[1]:
            return True
    return may_be_day and all(map(_is_day, texts))


def _is_day(text: str) -> bool:
    """Return whether a text is a day or a period of days."""
    return not (text.isdecimal() and read_month(text) is None) and read_days(text) is not None
