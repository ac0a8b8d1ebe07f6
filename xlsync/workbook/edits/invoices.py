"""Approved invoices: read the rows of *Invoices* as actions, and collect all problems. PURE."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from xlsync.apply.actions import CreateInvoice
from xlsync.errors import Notice, Problem
from xlsync.reconcile.invoice_preview import NextInvoice
from xlsync.workbook.edits.cells import read_approve
from xlsync.workbook.labels import LabelDirectory
from xlsync.workbook.layout import INVOICES
from xlsync.workbook.read import Book


class InvoiceEdits(Struct, frozen=True):
    """The approvals on *Invoices*; `asked` is what each approved row asks for, by row key.

    `notices` name the approved rows on which nothing can be invoiced.
    """

    actions: tuple[CreateInvoice, ...]
    problems: tuple[Problem, ...]
    notices: tuple[Notice, ...] = ()
    asked: Mapping[str, str] = field(default_factory=dict)


def read_invoice_rows(book: Book) -> InvoiceEdits:
    """Read the approved rows of *Invoices* as actions, and collect all problems."""
    problems: list[Problem] = []
    actions: list[CreateInvoice] = []
    notices: list[Notice] = []
    directory = LabelDirectory(book.lists)
    for row in book.rows[INVOICES.title]:
        if not read_approve(row, problems):
            continue
        shown = row.fact("invoice", NextInvoice)
        if shown.date is None or shown.amount is None:
            what = "its next invoice could not be read, so there is nothing to approve"
            problems.append(Problem(row.where("Approve"), what, "clear Approve and run check"))
            continue
        if shown.parent:
            what = f"it is a child of agreement {shown.parent}, whose invoice bills it: approve that one"
            notices.append(Notice(row.where("Approve"), what))
        actions.append(
            CreateInvoice(
                key=row.key,
                rows=(row.key,),
                agreement=shown.agreement,
                seen_date=shown.date,
                seen_amount=shown.amount,
                seen_last=shown.last_number,
                customer=row.text("Customer"),
                name=row.text("Agreement"),
                currency=shown.currency,
                labels=directory.shown(row.text, Customer=shown.company, Agreement=shown.agreement),
            )
        )
    asked = {action.key: f"{action.seen_date}; {action.seen_amount.normalize():f}" for action in actions}
    return InvoiceEdits(tuple(actions), tuple(problems), tuple(notices), asked)
