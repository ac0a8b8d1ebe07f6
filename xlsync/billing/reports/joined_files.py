"""The lines of all files of a month together: contracts of one customer, ids that tell apart, keys."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, Final, NamedTuple

from xlsync.billing.reports.charges import ChargedRow
from xlsync.billing.reports.meanings import MEANINGS
from xlsync.billing.reports.problems import Problems
from xlsync.billing.reports.text import fold
from xlsync.models import BillingLine, is_unique
from xlsync.records import replace

_NO_INVOICE: Final = re.compile(
    r"(?:\b(?:quotes?|quotation|offers?|forecast|budget|estimates?|drafts?|templates?|examples?|samples?|archived?"
    r"|pro ?forma|simulation|unbilled|not billed|angebote?|entwurf|vorlage|muster|beispiel|prognose|devis"
    r"|modele|exemple|offerte|begroting|voorbeeld|sjabloon|presupuesto|ejemplo|preventivo|esempio"
    r"|invoices?|lines|data|rechnung|\d+)\b ?)+"
)
_NUMBERED: Final = re.compile(r"(?:\b(?:invoices?|lines|data|rechnung|\d+)\b ?)+")
_CONTRACT: Final = MEANINGS["contract"]


class SheetLine(NamedTuple):
    """A line with the sheet that it stands on."""

    sheet: str
    charged: ChargedRow


class FileLines(NamedTuple):
    """The lines of one file, with the problems of that file."""

    name: str
    lines: Sequence[SheetLine]
    problems: Problems


def names_apart(paths: Sequence[Path]) -> list[str]:
    """Return a name for each file: with as many of its folders as tell it from the others."""
    parts = [path.absolute().parts for path in paths]
    return [_name_apart(own, [other for other in parts if other != own]) for own in parts]


def _name_apart(own: Sequence[str], others: Iterable[Sequence[str]]) -> str:
    length = 1
    for other in others:
        while own[-length:] == other[-length:]:
            length += 1
    return Path(*own[-length:]).as_posix()


def refuse_shared_contracts(files: Sequence[FileLines]) -> None:
    """Add a problem for each contract on two customers: one of the two would be billed for the other."""
    owners: dict[str, tuple[str, str, str]] = {}
    for name, lines, problems in files:
        for sheet, one in lines:
            line = one.line
            if not line.contract_id:
                continue
            contract = line.contract_id.casefold()
            first = owners.get(contract)
            if first is None:
                place = f"{name} row {one.row}" if len(files) > 1 else f"row {one.row}"
                owners[contract] = (fold(line.customer), line.customer, place)
            elif first[0] != fold(line.customer):
                problems.add(
                    sheet,
                    one.row,
                    f", {_CONTRACT}: {line.contract_id} is of {line.customer} here and of {first[1]} in "
                    f"{first[2]}",
                )


def shared_numbers(files: Iterable[FileLines]) -> set[str]:
    """Return the customer ids that stand for several names in several files: each has numbers of its own."""
    lines = (one.line for file in files for _, one in file.lines)
    return _named_twice(
        (line.customer_id, line.customer) for line in lines if not is_unique(line.customer_id)
    )


def tell_lines_apart(lines: Sequence[SheetLine], shared: Set[str]) -> list[BillingLine]:
    """Return the lines of a file with a key of its own for each: the second of two alike is `…:2`.

    Ids that tell nothing apart are left out: a customer's that stands for several names in this file or is
    one of the `shared`, and a code of several products.
    """
    own = [one.line for _, one in lines]
    customers = shared | _named_twice((line.customer_id, line.customer) for line in own)
    codes = _named_twice((line.product_code, line.product) for line in own)
    seen: Counter[str] = Counter()
    apart = []
    for line in own:
        seen[line.key] += 1
        changes: dict[str, Any] = {}
        if seen[line.key] > 1:
            changes["key"] = f"{line.key}:{seen[line.key]}"
        if line.customer_id in customers:
            changes["customer_id"] = ""
        if line.product_code in codes:
            changes["product_code"] = ""
        apart.append(replace(line, **changes) if changes else line)
    return apart


def _named_twice(pairs: Iterable[tuple[str, str]]) -> set[str]:
    """Return the codes that stand for several names."""
    count = Counter(code for code, _ in {(code, fold(name)) for code, name in set(pairs)})
    return {code for code, names in count.items() if names > 1 and code}


def refuse_repeated_sheets(files: Sequence[FileLines], keyed: Mapping[str, Sequence[BillingLine]]) -> None:
    """Add a problem for a sheet whose every line stands on an earlier one: a copy would be billed twice."""
    for name, lines, problems in files:
        if len({charged.sheet for charged in lines}) < 2:
            continue
        by_sheet: dict[str, Counter[str]] = {}
        rows: dict[str, int] = {}
        for line, (sheet, one) in zip(keyed[name], lines, strict=True):
            rows.setdefault(sheet, one.row)
            by_sheet.setdefault(sheet, Counter())[":".join(line.key.split(":")[:2])] += 1
        sheets = list(by_sheet)
        for n, sheet in enumerate(sheets):
            same = next((other for other in sheets[:n] if by_sheet[sheet] <= by_sheet[other]), None)
            if same is not None:
                what = f": all lines from here on stand on sheet {same} too; hide the sheet that is a copy"
                problems.add(sheet, rows[sheet], what)


def refuse_other_papers(files: Sequence[FileLines]) -> None:
    """Add a problem for a sheet beside others whose name says that nothing on it is charged, or not now."""
    for _, lines, problems in files:
        rows: dict[str, int] = {}
        for sheet, one in lines:
            rows.setdefault(sheet, one.row)
        for sheet, row in rows.items() if len(rows) > 1 else ():
            if _NO_INVOICE.fullmatch(fold(sheet)) and not _NUMBERED.fullmatch(fold(sheet)):
                problems.add(
                    sheet,
                    row,
                    ": its name says that it is no invoice, and its lines would be billed; hide the "
                    "sheet, or name it otherwise",
                )


def refuse_repeated(files: Sequence[FileLines], keyed: Mapping[str, Sequence[BillingLine]]) -> None:
    """Add a problem for a line that stands in two files: it would be billed twice."""
    if len(files) < 2:
        return
    first: dict[str, tuple[str, int]] = {}
    for name, lines, problems in files:
        own: dict[str, tuple[str, int]] = {}
        for line, (sheet, one) in zip(keyed[name], lines, strict=True):
            if line.key in first:
                other, row = first[line.key]
                problems.add(sheet, one.row, f": the same line stands in {other}, row {row}")
            own.setdefault(line.key, (name, one.row))
        first |= own
