"""Exchange of remembered links and rules as a CSV table that Excel opens and people can read.

A row with a *Rule* is a rule, all others are links. A cell that Excel would take for a formula gets an
apostrophe in front, as in Excel itself; reading takes it away again.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

from msgspec import Struct

from xlsync.amounts import tell_number
from xlsync.billing.reports.dates import read_date
from xlsync.errors import XlsyncError
from xlsync.files import refuse_special, write_file
from xlsync.links.memory import PARTS, LinkKind, Names, PeriodAgreement, Remembered, RememberedLink
from xlsync.models import Evidence
from xlsync.reconcile.rules import Rule, RuleKind, Scope, read_units

_ENCODING: Final = "utf-8-sig"  # with a byte order mark: Excel reads a CSV without one in the local code page
EMPTIED: Final = "none"  # written instead of an id where a person emptied that part
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")


class Shared(Struct, frozen=True):
    """The links and rules of one person, for others to import."""

    links: tuple[RememberedLink, ...]
    rules: tuple[Rule, ...] = ()


def _id_text(entry: RememberedLink, name: str) -> str:
    part = entry.link.part(name)
    return "" if part is None else str(part) if isinstance(part, int) else EMPTIED


def _tell_period(agreement: PeriodAgreement) -> str:
    return f"{agreement.months}: {agreement.id} {' '.join(agreement.name.split())}".rstrip()


_BY_PERIOD: Final = "Agreements by Months Billed"  # a line for each: `12: 345 Yearly`
_COLUMNS: Final[dict[str, Callable[[RememberedLink], str]]] = {
    "For": lambda entry: str(entry.kind),
    "Key": lambda entry: entry.key,
    "Customer": lambda entry: entry.link.names.customer,
    "Product": lambda entry: entry.link.names.product,
    "Contract ID": lambda entry: entry.link.names.contract,
    "ConnectWise Customer": lambda entry: entry.link.names.company,
    "ConnectWise Agreement": lambda entry: entry.link.names.agreement,
    "ConnectWise Product": lambda entry: entry.link.names.item,
    "ConnectWise Customer Id": lambda entry: _id_text(entry, "company"),
    "ConnectWise Agreement Id": lambda entry: _id_text(entry, "agreement"),
    "ConnectWise Product Id": lambda entry: _id_text(entry, "item"),
    "Product Key": lambda entry: entry.link.for_product,
    "Match": lambda entry: str(entry.link.evidence),
    "When": lambda entry: entry.link.when.isoformat() if entry.link.when else "",
    "Workbook": lambda entry: entry.link.workbook,
    _BY_PERIOD: lambda entry: "\n".join(map(_tell_period, entry.link.by_period)),
}
_RULE_COLUMNS: Final[dict[str, Callable[[Rule], str]]] = {
    "For": lambda rule: str(rule.scope),
    "Key": lambda rule: rule.about,
    "When": lambda rule: rule.when,
    "Workbook": lambda rule: rule.workbook,
    "Rule": lambda rule: str(rule.kind),
    "Units": lambda rule: "" if rule.units is None else tell_number(rule.units),
    "Until": lambda rule: str(rule.until or ""),
    "Reason": lambda rule: rule.reason,
    "Customer": lambda rule: rule.customer,
    "Product": lambda rule: rule.product,
}
_LONGEST_HEADER: Final = 10_000  # bytes
HEADERS: Final = ("Environment", *dict.fromkeys((*_COLUMNS, *_RULE_COLUMNS)))


def as_rows(environment: str, shared: Shared) -> list[tuple[str, ...]]:
    """Return a row of cells, in the order of `HEADERS`, for each link and rule."""
    rows = [{name: cell(link) for name, cell in _COLUMNS.items()} for link in shared.links]
    rows += [{name: cell(rule) for name, cell in _RULE_COLUMNS.items()} for rule in shared.rules]
    return [(environment, *(row.get(name, "") for name in HEADERS[1:])) for row in rows]


def write_csv(path: Path, environment: str, shared: Shared) -> None:
    """Write links and rules as a table, in place of an older one; `environment` stands on every row.

    Raises XlsyncError where another file is there, which is not written over.
    """
    if path.is_file() and path.stat().st_size and not _is_of_links(path):
        raise XlsyncError(
            f"{path} is there already, and no file of links: it is not written over.",
            "Name another file.",
        )
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(HEADERS)
    for cells in as_rows(environment, shared):
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell for cell in cells])
    write_file(path, table.getvalue().encode(_ENCODING, "surrogatepass"), None)


def _is_of_links(path: Path) -> bool:
    """Return whether a file begins with the headers of a table of links, in whatever order."""
    with path.open("rb") as file:
        first = file.readline(_LONGEST_HEADER).decode(_ENCODING, "replace")
    headers = {header.strip(' "\r\n') for header in re.split("[,;\t]", first)}
    return headers.issuperset(HEADERS)


def read_csv(path: Path, environment: str) -> Shared:
    """Read a CSV file of links and rules; raises XlsyncError that names every row that cannot be read."""
    return read_table(path, environment, _csv_rows(path))


def read_table(path: Path, environment: str, rows: Iterable[tuple[int, Mapping[str, str]]]) -> Shared:
    """Read rows by header, each with its number; raises XlsyncError that names all that cannot be read."""
    links: dict[tuple[LinkKind, str], RememberedLink] = {}
    rules: dict[str, Rule] = {}
    bad: list[str] = []
    for number, row in rows:
        try:
            if row["Rule"]:
                rule = _read_rule(row, environment)
                first = rules.setdefault(rule.key, rule)
                if (first.units, first.until) != (rule.units, rule.until):
                    bad.append(
                        f"line {number}: {rule.kind} {rule.about} stands in the file before, otherwise"
                    )
            else:
                entry = _read_link(row, environment)
                first_link = links.setdefault((entry.kind, entry.key), entry).link
                if (first_link.ids, first_link.by_period) != (entry.link.ids, entry.link.by_period):
                    bad.append(
                        f"line {number}: {entry.kind} {entry.key} stands in the file before, with other ids"
                    )
        except ValueError as error:
            bad.append(f"line {number}: {error}")
    if bad:
        raise XlsyncError(
            f"{path.name} cannot be imported; nothing was.\n" + "\n".join(bad),
            f"Correct {'this line' if len(bad) == 1 else 'these lines'} and import the file again.",
            [(path.name, text) for text in bad],
        )
    return Shared(tuple(links.values()), tuple(rules.values()))


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the rows below the headers, each with the number of its first line."""
    try:
        refuse_special(path)
        with path.open(encoding=_ENCODING, errors="surrogatepass", newline="") as file:
            first = file.readline()
            file.seek(0)
            # Spreadsheets separate cells by the list separator of the local settings.
            delimiter = max(",;\t", key=first.count)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            headers = [header.strip() for header in next(reader, [])]
            missing = [header for header in HEADERS if header not in headers]
            if missing:
                raise XlsyncError(
                    f"{path.name} has no column {', '.join(missing)}; its columns are "
                    f"{', '.join(filter(None, headers)) or 'none'}.",
                    "Import a file that `xlsync links export` wrote.",
                )
            twice = [header for header in HEADERS if headers.count(header) > 1]
            if twice:
                raise XlsyncError(
                    f"{path.name} has the column {', '.join(twice)} twice, so nothing of it was imported.",
                    "Delete one of the two columns, and import the file again.",
                )
            begins = reader.line_num + 1
            for cells in reader:
                if any(cells):
                    plain = [cell.removeprefix("'") for cell in cells]
                    yield begins, dict(zip(headers, plain + [""] * len(headers), strict=False))
                begins = reader.line_num + 1
    except OSError as error:
        raise XlsyncError(
            f"{path} cannot be read: {error.strerror or error}.",
            "Name a CSV file that `xlsync links export` wrote.",
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise XlsyncError(
            f"{path.name} is not a CSV file in UTF-8: {error}.",
            "Save it as `CSV UTF-8 (comma delimited)`.",
        ) from error


def _find_wrong_keys(row: Mapping[str, str], environment: str, kinds: Sequence[str]) -> list[str]:
    """Return the problems of a row's environment, kind and key."""
    wrong: list[str] = []
    if row["Environment"] != environment:
        wrong.append(f"it belongs to {row['Environment'] or 'no environment'}, not to {environment}")
    if row["For"] not in kinds:
        wrong.append(f"For is “{row['For']}”, not {', '.join(kinds)}")
    if not row["Key"]:
        wrong.append("Key is empty")
    return wrong


def _read_rule(row: Mapping[str, str], environment: str) -> Rule:
    """Read a rule from a row of cells by header; raises ValueError that names all its problems."""
    kind, units, until = row["Rule"], row["Units"], row["Until"]
    counts = kind in {RuleKind.FREE, RuleKind.MINIMUM}
    wrong = _find_wrong_keys(
        row, environment, [scope for scope in Scope if not (counts and scope is Scope.ROW)]
    )
    if kind not in list(RuleKind):
        wrong.append(f"Rule is “{kind}”, not {', '.join(RuleKind)}")
    elif counts and not read_units(units.replace(",", ".")):
        wrong.append(f"Units is “{units}”, not a number above 0")
    elif counts and re.fullmatch(r"[1-9]\d{0,2},\d{3}", units):
        plain = units.replace(",", "")
        wrong.append(f"Units is “{units}”, which may be thousands: write {plain}, or a point")
    elif units and not counts:
        wrong.append(f"Units is “{units}”, and {kind} takes none")
    when = _read_when(row["When"], wrong)
    last = _read_day(until)
    if until and last is None:
        wrong.append(f"Until is “{until}”, not a day such as 2026-12-31")
    if wrong:
        raise ValueError("; ".join(wrong))
    return Rule(
        kind=RuleKind(kind),
        scope=Scope(row["For"]),
        about=row["Key"],
        reason=row["Reason"],
        until=last,
        units=Decimal(units.replace(",", ".")) if counts else None,
        when=when.isoformat() if when else "",
        workbook=row["Workbook"],
        customer=row["Customer"],
        product=row["Product"],
    )


def _read_link(row: Mapping[str, str], environment: str) -> RememberedLink:
    """Read a link from a row of cells by header; raises ValueError that names all its problems."""
    wrong = _find_wrong_keys(row, environment, list(LinkKind))
    id_texts = {what: row[f"ConnectWise {what} Id"] for what in ("Customer", "Agreement", "Product")}
    emptied = [part for part, text in zip(PARTS, id_texts.values(), strict=True) if text == EMPTIED]
    ids = [None if text == EMPTIED else _read_id(text, what, wrong) for what, text in id_texts.items()]
    if not wrong and not any(ids) and not emptied and not row[_BY_PERIOD]:
        wrong.append("it has no ConnectWise id")
    if emptied and row["For"] != LinkKind.CONTRACT:
        wrong.append(f"only a contract can have {EMPTIED} for an id")
    if (row["For"] == LinkKind.CUSTOMER and ids[2]) or (
        row["For"] == LinkKind.PRODUCT and (ids[0] or ids[1])
    ):
        wrong.append(f"a {row['For']} cannot be linked to that")
    by_period = [_read_period(text, wrong) for text in row[_BY_PERIOD].splitlines()]
    if by_period and row["For"] != LinkKind.CUSTOMER:
        wrong.append(f"only a customer can have {_BY_PERIOD}")
    evidence = row["Match"] or Evidence.CHOSEN
    if evidence not in list(Evidence):
        wrong.append(f"Match is “{evidence}”, not {', '.join(Evidence)}")
    when = _read_when(row["When"], wrong)
    if wrong:
        raise ValueError("; ".join(wrong))
    return RememberedLink(
        kind=LinkKind(row["For"]),
        key=row["Key"],
        link=Remembered(
            company_id=ids[0],
            agreement_id=ids[1],
            item_id=ids[2],
            for_product=row["Product Key"],
            emptied=tuple(emptied),
            by_period=tuple(sorted(filter(None, by_period))),
            evidence=Evidence(evidence),
            when=when,
            workbook=row["Workbook"],
            names=Names(
                customer=row["Customer"],
                product=row["Product"],
                contract=row["Contract ID"],
                company=row["ConnectWise Customer"],
                agreement=row["ConnectWise Agreement"],
                item=row["ConnectWise Product"],
            ),
        ),
    )


def _read_id(text: str, what: str, wrong: list[str]) -> int | None:
    if text and not re.fullmatch(r"[1-9][0-9]{0,17}", text):
        wrong.append(f"ConnectWise {what} Id is “{text}”, not a whole number")
        return None
    return int(text) if text else None


def _read_period(text: str, wrong: list[str]) -> PeriodAgreement | None:
    match = re.fullmatch(r"([1-9]\d{0,2}): ([1-9]\d{0,17})(?: (.*))?", text)
    if match is None:
        wrong.append(f"{_BY_PERIOD} is “{text}”, not like 12: 345 Yearly")
        return None
    return PeriodAgreement(int(match[1]), int(match[2]), match[3] or "")


def _iso_day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _read_day(text: str) -> dt.date | None:
    """Read a date that can be read in one way only; else None."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text) and not text.startswith("0000"):
        return _iso_day(text)
    try:
        read = read_date(text)
    except ValueError:
        return None
    return read.day_first or read.month_first if read is not None and read.is_clear else None


def _read_when(text: str, wrong: list[str]) -> dt.datetime | None:
    try:
        when = dt.datetime.fromisoformat(text) if text else None
    except ValueError:
        when = None
        wrong.append(f"When is “{text}”, not like 2026-10-31T09:30:00+02:00")
    if when is not None and when.utcoffset() is None:
        wrong.append(f"When is “{text}”, without an offset such as +02:00")
    return when
