"""Remembered links as a table that people can read, keep and move: CSV, as Excel opens it.

A cell that Excel would take for a formula gets an apostrophe in front, as in Excel itself; reading
takes it away again.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from xlsync.errors import XlsyncError
from xlsync.memory import PARTS, LinkKind, Names, Remembered, RememberedLink
from xlsync.models import Evidence

_ENCODING: Final = "utf-8-sig"  # with its mark: Excel takes a CSV without it for the local code page
EMPTIED: Final = "none"  # instead of an id, where a person emptied that part
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")


def _when(link: RememberedLink) -> str:
    return link.link.when.isoformat() if link.link.when else ""


def _id(one: RememberedLink, name: str) -> str:
    part = one.link.part(name)
    return "" if part is None else str(part) if isinstance(part, int) else EMPTIED


_COLUMNS: Final[dict[str, Callable[[RememberedLink], str]]] = {
    "For": lambda one: str(one.kind),
    "Key": lambda one: one.key,
    "Customer": lambda one: one.link.names.customer,
    "Product": lambda one: one.link.names.product,
    "Contract ID": lambda one: one.link.names.contract,
    "ConnectWise Customer": lambda one: one.link.names.company,
    "ConnectWise Agreement": lambda one: one.link.names.agreement,
    "ConnectWise Product": lambda one: one.link.names.item,
    "ConnectWise Customer Id": lambda one: _id(one, "company"),
    "ConnectWise Agreement Id": lambda one: _id(one, "agreement"),
    "ConnectWise Product Id": lambda one: _id(one, "item"),
    "Product Key": lambda one: one.link.for_product,
    "Match": lambda one: str(one.link.evidence),
    "When": _when,
    "Workbook": lambda one: one.link.workbook,
}
HEADERS: Final = ("Environment", *_COLUMNS)


def write_csv(path: Path, environment: str, links: Iterable[RememberedLink]) -> None:
    """Write links as a table; `environment` stands on every row."""
    try:
        with path.open("w", encoding=_ENCODING, errors="surrogatepass", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADERS)
            for one in links:
                cells = (environment, *(cell(one) for cell in _COLUMNS.values()))
                writer.writerow([f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell for cell in cells])
    except OSError as error:
        raise XlsyncError(
            f"{path} cannot be written: {error.strerror or error}.",
            "Name a CSV file in a folder that exists and may be written to, and close it in Excel.",
        ) from error


def read_csv(path: Path, environment: str) -> tuple[RememberedLink, ...]:
    """Read such a table; every row that cannot be taken is named at once, and then none is taken."""
    found: dict[tuple[LinkKind, str], RememberedLink] = {}
    bad: list[str] = []
    for number, row in _rows(path):
        try:
            one = _link(row, environment)
        except ValueError as error:
            bad.append(f"line {number}: {error}")
            continue
        if found.setdefault((one.kind, one.key), one).link.ids != one.link.ids:
            bad.append(f"line {number}: {one.kind} {one.key} stands in the file before, with other ids")
    if bad:
        raise XlsyncError(
            f"{path.name} cannot be imported; nothing was.\n" + "\n".join(bad),
            f"Correct {'this line' if len(bad) == 1 else 'these lines'} and import the file again.",
        )
    return tuple(found.values())


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The rows below the headers, with the line on which each begins."""
    try:
        with path.open(encoding=_ENCODING, errors="surrogatepass", newline="") as file:
            first = file.readline()
            file.seek(0)
            # A spreadsheet saves with the list separator of its country.
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


def _link(row: Mapping[str, str], environment: str) -> RememberedLink:
    """Raises ValueError with all that is wrong with the row."""
    wrong: list[str] = []
    if row["Environment"] != environment:
        wrong.append(f"it belongs to {row['Environment'] or 'no environment'}, not to {environment}")
    if row["For"] not in list(LinkKind):
        wrong.append(f"For is “{row['For']}”, not {', '.join(LinkKind)}")
    if not row["Key"]:
        wrong.append("Key is empty")
    said = {what: row[f"ConnectWise {what} Id"] for what in ("Customer", "Agreement", "Product")}
    emptied = [part for part, text in zip(PARTS, said.values(), strict=True) if text == EMPTIED]
    ids = [None if text == EMPTIED else _read_id(text, what, wrong) for what, text in said.items()]
    if not wrong and not any(ids) and not emptied:
        wrong.append("it has no ConnectWise id")
    if emptied and row["For"] != LinkKind.CONTRACT:
        wrong.append(f"only a contract can have {EMPTIED} for an id")
    if (row["For"] == LinkKind.CUSTOMER and ids[2]) or (
        row["For"] == LinkKind.PRODUCT and (ids[0] or ids[1])
    ):
        wrong.append(f"a {row['For']} cannot be linked to that")
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


def _read_when(text: str, wrong: list[str]) -> dt.datetime | None:
    try:
        when = dt.datetime.fromisoformat(text) if text else None
    except ValueError:
        when = None
        wrong.append(f"When is “{text}”, not like 2026-10-31T09:30:00+02:00")
    if when is not None and when.utcoffset() is None:
        wrong.append(f"When is “{text}”, without an offset such as +02:00")
    return when
