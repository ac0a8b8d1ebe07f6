"""The facts that the report takes from a workbook: its hidden sheet, and the decisions on *Mismatches*."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from xlsync.models import BillingLine, Link, Mismatch, MismatchKind
from xlsync.reconcile import verdict
from xlsync.reconcile.targets import STORED_AS, ComparedTarget
from xlsync.reconcile.verdict import NO_VERDICT, MonthVerdict
from xlsync.workbook.edits.cells import is_ignored
from xlsync.workbook.labels import LabelDirectory
from xlsync.workbook.layout import BILLING_LINES, MISMATCHES
from xlsync.workbook.read import Book


class MismatchRow(Struct, frozen=True, kw_only=True):
    """The parts of a row of *Mismatches* that the report uses."""

    mismatch: Mismatch
    customer: str
    agreement: str
    product: str
    kind: str
    approve: str = ""
    result: str = ""
    is_noted: bool = False  # whether a run wrote the result
    is_ignored: bool = False


class Facts(Struct, frozen=True, kw_only=True):
    """The facts of a workbook. `names` are ConnectWise's labels by part of a link and id."""

    month: str
    environment: str
    workbook: str = ""
    read_at: str = ""
    renewed_at: str = ""  # the moment at which the last check began, with its zone
    lines: tuple[BillingLine, ...] = ()
    links: Mapping[str, Link] = field(default_factory=dict)
    compared: tuple[ComparedTarget, ...] = ()
    rows: tuple[MismatchRow, ...] = ()
    names: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    month_verdict: MonthVerdict = NO_VERDICT


def read_facts(book: Book) -> Facts:
    """Read from a workbook what the report needs.

    Every exported line counts, even if somebody deleted its row.
    """
    noted = book.about.noted_rows
    stored_lines = book.stored.get(BILLING_LINES.title, {})
    rows = [
        MismatchRow(
            mismatch=row.fact("mismatch", Mismatch),
            customer=str(row.stored.showed("Customer") or ""),
            agreement=str(row.stored.showed("Agreement") or ""),
            product=str(row.stored.showed("Product") or ""),
            kind=_kind(row.text("Mismatch"), str(row.stored.showed("Mismatch") or "")),
            approve=row.text("Approve"),
            result=row.text("Result"),
            is_noted=row.key in noted,
            is_ignored=is_ignored(row),
        )
        for row in book.rows[MISMATCHES.title]
    ]
    return Facts(
        month=book.about.month,
        environment=book.about.environment,
        workbook=book.path.name,
        read_at=book.about.exported_at,
        renewed_at=book.about.renewed_at,
        lines=tuple(row.fact("line", BillingLine) for row in stored_lines.values()),
        links={key: row.fact("link", Link) for key, row in stored_lines.items()},
        compared=tuple(
            row.fact("compared", ComparedTarget) for row in book.stored.get(STORED_AS, {}).values()
        ),
        rows=tuple(rows),
        names=LabelDirectory(book.lists).names,
        month_verdict=next(
            (row.fact("month", MonthVerdict) for row in book.stored.get(verdict.STORED_AS, {}).values()),
            NO_VERDICT,
        ),
    )


def _kind(cell: str, shown: str) -> str:
    return cell if cell == MismatchKind.CHANGED_SINCE_EXPORT else shown
