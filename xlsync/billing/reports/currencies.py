"""The currency of each row: of its column, the money's cells, headers or number formats, or titles. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from typing import Final

from msgspec import Struct

from xlsync.billing.reports.meanings import CURRENCIES, DOLLARS, with_translations
from xlsync.billing.reports.numbers import MONEY_WORD
from xlsync.billing.reports.problems import rows_text
from xlsync.billing.reports.table_values import TableValues
from xlsync.billing.reports.tables import Table
from xlsync.billing.reports.values import Wrong

_CODES: Final = {
    name: code
    for code, names in {
        "EUR": "€,euro,euros", "GBP": "£,pound sterling,british pound,pounds sterling,sterling,gb pound",
        "USD": "us$,usd$,us dollar,us dollars,u s dollar,united states dollar,american dollar",
        "JPY": "¥,japanese yen,yen", "CHF": "swiss franc,swiss francs,schweizer franken,franc suisse",
        "CAD": "ca$,c$,cad$,canadian dollar,canadian dollars", "AUD": "au$,a$,aud$,australian dollar",
        "NZD": "nz$,nzd$,new zealand dollar",
        "SEK": "swedish krona", "NOK": "norwegian krone", "DKK": "danish krone", "PLN": "zł,polish zloty",
        "CZK": "kč,czech koruna", "INR": "₹,indian rupee", "ZAR": "south african rand", "SGD": "sg$,s$",
        "HKD": "hk$", "BRL": "r$", "TRY": "₺", "ILS": "₪", "HUF": "ft", "RON": "lei",
        "": "$,dollar,dollars,kr,rs,fr,pound,pounds,krone,krona,franc,peso,rupee",
    }.items()
    for name in names.split(",")
}  # fmt: skip
_CODE_IN_WORDS: Final = re.compile(r"(?:^|(?<=[\s(\[]))[A-Z]{3}(?=$|[\s)\].$€£-])")
# The currencies that a sign in a cell may stand for.
_SIGNS: Final = {
    sign: frozenset(codes.split())
    for sign, codes in {
        "€": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "us$": "USD", "au$": "AUD", "ca$": "CAD",
        "c$": "CAD", "a$": "AUD", "nz$": "NZD", "hk$": "HKD", "sg$": "SGD", "s$": "SGD", "r$": "BRL",
        "$": "USD AUD CAD NZD HKD SGD TWD MXN ARS CLP COP", "¥": "JPY CNY", "₹": "INR", "rs": "INR PKR LKR",
        "₺": "TRY", "₽": "RUB", "₪": "ILS", "₩": "KRW", "฿": "THB", "₴": "UAH", "₫": "VND", "₱": "PHP",
        "kr": "SEK NOK DKK ISK", "zł": "PLN", "kč": "CZK", "fr": "CHF", "ft": "HUF", "lei": "RON",
    }.items()
}  # fmt: skip
_SIGN_OF: Final = {"dollar": "$", "dollars": "$", "krone": "kr", "krona": "kr", "rupee": "rs"}
_IN_CELL: Final = re.compile(rf"(?<![\w.])(?:{MONEY_WORD})(?![A-Za-z])|(?<=\d)(?:{MONEY_WORD})(?![A-Za-z])")
_SIGNED: Final = rf"{CURRENCIES}|(?:{DOLLARS}) ?\$"
_IN_HEADER: Final = re.compile(
    rf"[(\[]\s*(?:in\s+)?([A-Z]{{3}}|(?:{DOLLARS})? ?\$|[€£]|Kč|zł)\s*[)\]]\s*$"
    rf"|(?<=\s)({_SIGNED}|Kč|zł)\s*$|([€£$])\s*$"
    rf"|^({_SIGNED}|[€£$])\s"
)
_WORDS_APART: Final = re.compile(r"[_/-]|(?<=[a-z])(?=[A-Z]{3}$)|(?<=^[A-Z]{3})(?=[A-Z][a-z])")
_CODE_WORD: Final = re.compile(rf"(?<![^\W\d])(?:{CURRENCIES}|euros?)(?!\w)", re.IGNORECASE)
_CURRENCY_WORDS: Final = "|".join(map(re.escape, with_translations("Currency")))
_IN_TITLE: Final = re.compile(
    rf"(?:(?i:\b(?:{_CURRENCY_WORDS}))\W+|\b(?i:in|en|σε) |(?<!(?:{CURRENCIES}) )\b(?i:i|w|v|em) )"
    rf"({_SIGNED}|[€£])(?!\w)"
)
_KRONE: Final = re.compile(r"[(\[\s]kr\.?\s*[)\]]?\s*$", re.IGNORECASE)
# what a title says of the currency besides: too little to name it, enough to doubt another
_ALSO_IN_TITLE: Final = re.compile(
    rf"[(\[]\s*(?:in\s+)?({_SIGNED}|[€£$])\s*[)\]]|(?<![\w/])({_SIGNED})(?=\s*$|\s+[\d-])"
    rf"|(?i:\b(?:{_CURRENCY_WORDS}))\s+(?:is|ist|est|es|er|on|är)\s+({_SIGNED})(?!\w)"
    r"|\b(?i:in) ((?i:us dollars?|euros?|pounds? sterling|swiss francs?)|[$])(?!\w)"
)
# titles about an account or a rate: `Bank account USD 4711`, `1 EUR = 1.08 USD`
_OF_AN_ACCOUNT: Final = re.compile(
    rf"(?i:\b(?:iban|bank|account|konto|compte|rekening|cuenta|conto)\b)|\b({CURRENCIES})\b.*\b(?!\1)(?:{CURRENCIES})\b"
)
# beginnings of titles that name the currency of one figure alone
_OF_ONE_FIGURE: Final = re.compile(
    r"\W*(?:exchange|fx|rate|\w*kurs|\w*kurssi|kurz|cours|taux|koers|cambio|tax|vat|gst|mwst|ust|tva|btw|iva"
    r"|moms|mva|alv|dph)\b(?! invoice)",
    re.IGNORECASE,
)
_NO_CURRENCY: Final = frozenset(
    ["UTC", "VAT", "NET", "EXC", "INC", "EXT", "TAX", "GST", "HST", "PST", "PER", "QTY", "AVG"]
)
_MONEY: Final = ("amount", "cost", "debit", "credit")


def _money_in(table: Table) -> list[str]:
    """Return the meanings of a table's columns of money, the amounts first."""
    return [meaning for meaning in _MONEY if meaning in table.columns.at]


@lru_cache(maxsize=4096)
def currency_code(stated: str) -> str | None:
    """Return a currency's code as a cell tells it, empty for a sign of several; None for what is none."""
    bare = stated.rstrip(". ")
    if re.fullmatch(r"[A-Za-z]{3}", bare):
        return bare.upper()
    if (code := _CODES.get(_folded(bare))) is not None:
        return code
    codes = set(_CODE_IN_WORDS.findall(stated))
    return codes.pop() if len(codes) == 1 else None


def _folded(stated: str) -> str:
    """Return the words or the sign of a currency as `_CODES` and `_SIGNS` spell them."""
    return " ".join(stated.replace(".", " ").casefold().split()).replace(" $", "$")


def _open_sign(cell: object) -> frozenset[str]:
    """Return the currencies that a cell of the column of currencies may mean, where they are several."""
    if not isinstance(cell, str) or currency_code(cell) != "":
        return frozenset()
    word = _folded(cell.rstrip(". "))
    return _SIGNS.get(_SIGN_OF.get(word, word), frozenset())


class Currencies(Struct, frozen=True):
    """The currency of each row of a table, wrong where its cells name different ones, and what names it.

    That is a currency which is stated for the row, those that its money's cells and headers allow, and those
    that the number formats of its money show.
    """

    values: TableValues
    of_rows: Sequence[str | Wrong]
    stated: Sequence[str]
    in_cells: Sequence[Sequence[frozenset[str]]]
    formats: Mapping[str, Sequence[frozenset[str]]]  # by the meaning of the column


def read_currencies(values: TableValues) -> Currencies:
    """Find the currency of each row of a table."""
    stated, in_cells = _named(values)
    formats = _in_formats(values)
    return Currencies(values, _row_currencies(stated, in_cells, formats), stated, in_cells, formats)


def _row_currencies(
    stated: Sequence[str],
    in_cells: Sequence[Sequence[frozenset[str]]],
    formats: Mapping[str, Sequence[frozenset[str]]],
) -> Sequence[str | Wrong]:
    """Return the currency of each row.

    Where nothing else names one, it is that of the number formats of the row's money, or of all others where
    its own show none.
    """
    named: Sequence[str | Wrong] = (
        [_combined(code, cells) for code, *cells in zip(stated, *in_cells, strict=True)]
        if in_cells
        else stated
    )
    if not formats or all(named):
        return named
    nothing: frozenset[str] = frozenset()
    by_row = zip(*formats.values(), strict=True)
    shown: list[frozenset[str]] = [next(filter(None, own), nothing) for own in by_row]
    different = set(shown) - {nothing}
    of_others = different.pop() if len(different) == 1 else nothing
    return [
        code or _only_one(_common([*there, own or of_others]))
        for code, own, *there in zip(named, shown, *in_cells, strict=True)
    ]


def doubt_currencies(currencies: Currencies, charging: Sequence[int]) -> Iterator[str]:
    """Say where the number format of the money, or a title, shows another currency than the rows have."""
    yield from _differing_formats(currencies, charging, chosen=True)
    own = {code for at in charging if isinstance(code := currencies.of_rows[at], str) and code}
    yield from _doubt_titles(currencies.values, own)
    table = currencies.values.table
    for header in filter(_KRONE.search, map(table.header_of, _money_in(table))):
        if own and own.isdisjoint(_SIGNS["kr"]):
            counts = " and ".join(sorted(own))
            yield f"{header} has a sign of another currency, and the money counts as {counts}"


def _differing_formats(currencies: Currencies, charging: Sequence[int], *, chosen: bool) -> Iterator[str]:
    """Say in which rows the number format of the money shows another currency than the row has.

    Only those are told that somebody chose, or only those that a program writes where nobody did.
    """
    table = currencies.values.table
    for meaning, codes in currencies.formats.items():
        differing: dict[tuple[str, str], list[int]] = {}
        for at in charging:
            code, shown = currencies.of_rows[at], codes[at]
            is_known = isinstance(code, str) and code
            named = [frozenset({code})] if is_known else [one[at] for one in currencies.in_cells]
            if shown and any(named) and not _common([*named, shown]):
                number = table.rows[at][0]
                sign, is_chosen = table.sheet.currencies[number, table.columns.at[meaning] + 1]
                if is_chosen == chosen:
                    differing.setdefault((sign, str(code)), []).append(number)
        for (sign, code), rows in differing.items():
            counts = f"the money counts as {code}" if code else "which currency it is in is not told"
            shows = f"{table.header_of(meaning)} shows {sign} by its number format"
            yield f"{shows} in {rows_text(rows)}: {counts}"


def _doubt_titles(values: TableValues, own: Set[str]) -> Iterator[str]:
    """Say that titles name another currency than the rows' `own`, or several where the rows have none.

    A report that turns its prices by an exchange rate has two, and a title may name either.
    """
    if "exchange_rate" in values.numbers:
        return
    titles = _titles(values.table)
    signs = {sign for title in titles for sign in _IN_TITLE.findall(title)}
    named = set(filter(None, map(currency_code, signs)))
    about = [title for title in titles if not _OF_AN_ACCOUNT.search(title)]
    also = {sign for title in about for match in _ALSO_IN_TITLE.findall(title) for sign in match if sign}
    allowed = {one: frozenset({one}) for one in named}
    allowed |= {one or "$": frozenset({one}) if one else _SIGNS["$"] for one in map(currency_code, also)}
    if allowed and own and own.isdisjoint(frozenset().union(*allowed.values())):
        names, counts = (" and ".join(sorted(codes)) for codes in (allowed, own))
        yield f"a title names {names}, and the money counts as {counts}"
    elif not own and len(named) > 1:
        yield f"titles name {' and '.join(sorted(named))}, and nothing says which of them the money is in"


def _named(values: TableValues) -> tuple[Sequence[str], list[Sequence[frozenset[str]]]]:
    """Return the currency that is stated for each row, and those that its money's cells and headers allow."""
    table = values.table
    rows = len(table.rows)
    in_cells: list[Sequence[frozenset[str]]] = [
        column
        for meaning in _money_in(table)
        if any(column := _currencies_in(values, table.columns.at[meaning]))
    ]
    in_headers = _of_headers(values)
    in_header = in_headers[0] if in_headers else ""
    if len(set(in_headers)) > 1 and "exchange_rate" not in values.numbers:
        in_cells.extend([frozenset({code})] * rows for code in dict.fromkeys(in_headers))
    if "currency" not in values.texts:
        stated = [in_header or _of_titles(table)] * rows
    else:
        stated = [
            currency_code(cell) or "" if isinstance(cell, str) else "" for cell in values.texts["currency"]
        ]
        codes = set(stated) - {""}
        if len(codes) == 1 and "" in stated:
            stated = [code or next(iter(codes)) for code in stated]
        if any(signs := [_open_sign(cell) for cell in values.texts["currency"]]):
            in_cells.append(signs)
        if in_header and codes - {in_header}:
            in_cells.append([frozenset({in_header})] * rows)
    signed = any("$" in table.header_of(meaning) for meaning in _money_in(table))
    if signed and "exchange_rate" not in values.numbers:
        in_cells.append([_SIGNS["$"]] * rows)
    return stated, in_cells


def _in_formats(values: TableValues) -> dict[str, list[frozenset[str]]]:
    """Return for columns of money, by meaning, what the number format of each cell with a number shows.

    A price in a currency that an exchange rate turns says nothing of the amounts.
    """
    table = values.table
    shown = table.sheet.currencies
    if not shown:
        return {}
    formats: dict[str, list[frozenset[str]]] = {}
    for meaning in _money_in(table):
        if not (meaning == "cost" and "exchange_rate" in values.numbers):
            n = table.columns.at[meaning]
            codes: list[frozenset[str]] = [
                _in_cell(currency.sign)
                if (currency := shown.get((number, n + 1)))
                and n < len(row)
                and not isinstance(row[n], str | None)
                else frozenset()
                for number, row in table.rows
            ]
            if any(codes):
                formats[meaning] = codes
    return formats


def tell_filled_currencies(currencies: Currencies, charging: Sequence[int]) -> Iterator[str]:
    """Tell which rows get their currency from the others, and which show another that nobody chose.

    Those that get it have none, or a sign of several.
    """
    yield from _differing_formats(currencies, charging, chosen=False)
    yield from _tell_filled_formats(currencies, charging)
    values = currencies.values
    cells = values.texts.get("currency", ())
    codes = {code for cell in set(cells) if isinstance(cell, str) and (code := currency_code(cell))}
    filled: dict[str, list[int]] = {}
    for at in charging if len(codes) == 1 else ():
        cell = cells[at]
        if cell is None or (isinstance(cell, str) and currency_code(cell) == ""):
            filled.setdefault(f"“{cell}”" if cell else "empty", []).append(values.table.rows[at][0])
    for what, rows in filled.items():
        header = values.table.header_of("currency")
        yield f"{header} is {what} in {rows_text(rows)}, and counts as {min(codes)}, like that of the others"


def _tell_filled_formats(currencies: Currencies, charging: Iterable[int]) -> Iterator[str]:
    """Tell in which rows no number format shows the currency that those of the other rows do."""
    of_rows = currencies.of_rows
    naming = (currencies.stated, *currencies.in_cells, *currencies.formats.values())
    bare = [
        at
        for at in (charging if currencies.formats else ())
        if of_rows[at] and not any(one[at] for one in naming)
    ]
    if bare:
        rows = rows_text(currencies.values.table.rows[at][0] for at in bare)
        counts = f"the money counts as {of_rows[bare[0]]}, like that of the others"
        yield f"no currency is named in {rows}, and {counts}"


def tell_open_signs(currencies: Currencies, charging: Sequence[int]) -> Iterator[str]:
    """Tell in which rows the money has a sign of several currencies, such as $, and nothing says of which."""
    values, table = currencies.values, currencies.values.table
    unknown = [at for at in charging if currencies.of_rows[at] == ""]
    named = ["currency"] if "currency" in table.columns.at else []
    for meaning in (*named, *_money_in(table)) if unknown else ():
        header = table.header_of(meaning)
        if meaning == "currency":
            signs = [_open_sign(cell) for cell in values.texts[meaning]]
        else:
            signs = _currencies_in(values, table.columns.at[meaning])
            by_format = currencies.formats.get(meaning, signs)
            signs = [own or shown for own, shown in zip(signs, by_format, strict=True)]
        rows = [table.rows[at][0] for at in unknown if signs[at]]
        is_signed = meaning != "currency" and ("$" in header or _KRONE.search(header) is not None)
        if rows or is_signed:
            where = "" if is_signed else f" ({rows_text(rows)})"
            what = f"the sign in {header} stands for several currencies{where}"
            yield f"{what}, and no column says which: the money counts as that of each line's agreement"
            return
    if unknown and any(currencies.of_rows[at] for at in charging):
        rows = [table.rows[at][0] for at in unknown]
        what = f"no currency is named in {rows_text(rows)}, and others name one"
        yield f"{what}: the money counts as that of each line's agreement"


def _combined(stated: str, cells: Sequence[frozenset[str]]) -> str | Wrong:
    """Return the one currency that a row's column and its money's cells allow."""
    there = [codes for codes in (frozenset({stated} if stated else ()), *cells) if codes]
    if not there:
        return stated
    common = _common(there)
    if not common:
        names = " and ".join(dict.fromkeys(_only_one(codes) or _sign_of(codes) for codes in there))
        return Wrong(f"the row names {names}: its currency is not told")
    return _only_one(common) or stated


def _common(several: Iterable[frozenset[str]]) -> frozenset[str]:
    """Return the currencies that all of these allow; an empty one allows any."""
    there = [codes for codes in several if codes]
    return frozenset.intersection(*there) if there else frozenset()


def _sign_of(codes: frozenset[str]) -> str:
    """Return the sign that stands for several currencies."""
    return next(sign for sign, own in _SIGNS.items() if own == codes)


def _only_one(codes: frozenset[str]) -> str:
    """Return the currency where it is one alone; else an empty text."""
    return next(iter(codes)) if len(codes) == 1 else ""


def _currencies_in(values: TableValues, column: int) -> list[frozenset[str]]:
    """Return the currencies that each cell of a column of money may be in; none where it names none."""
    return [
        _in_cell(row[column]) if column < len(row) and isinstance(row[column], str) else frozenset()
        for _, row in values.table.rows
    ]


@lru_cache(maxsize=65_536)
def _in_cell(text: str) -> frozenset[str]:
    match = _IN_CELL.search(text)
    if match is None:
        return frozenset()
    word = match[0].rstrip(".").casefold()
    return _SIGNS.get(word, frozenset({word.upper()}) if len(word) == 3 and word.isalpha() else frozenset())


def _of_titles(table: Table) -> str:
    """Return the only currency that titles above the header name: `Currency: EUR`, `Amounts in EUR`.

    `VAT in EUR` and `Exchange rate USD in EUR` name that of another figure.
    """
    codes = {currency_code(code) for title in _titles(table) for code in _IN_TITLE.findall(title)}
    return codes.pop() or "" if len(codes) == 1 else ""


def _titles(table: Table) -> list[str]:
    """Return the titles above the header that may name the currency of the rows."""
    titles = (" ".join(texts) for _, texts in table.titles())
    return [title for title in titles if not _OF_ONE_FIGURE.match(title)]


def _of_headers(values: TableValues) -> list[str]:
    """Return the currencies that the headers of money name, that of the amounts first."""
    table = values.table
    return list(filter(None, map(_in_header, map(table.header_of, _money_in(table)))))


def _in_header(header: str) -> str:
    """Return the currency that a header of money names, as `Amount (EUR)*` and `amount_eur` do."""
    apart = _WORDS_APART.sub(" ", header).rstrip("*: ")
    if (match := _IN_HEADER.search(apart)) and (code := match[match.lastindex or 0]) not in _NO_CURRENCY:
        return currency_code(code) or ""
    codes = {currency_code(word) or "" for word in _CODE_WORD.findall(apart)}
    return codes.pop() if len(codes) == 1 else ""
