"""Handler of the next invoice of an agreement: ConnectWise creates it, and the recap proves it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from xlsync.amounts import tell_cost
from xlsync.apply.actions import CreateInvoice, Setting
from xlsync.apply.kinds.handler import Handler, HttpWrite
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome, State, changed, judge_labels, outcome
from xlsync.models import Recap


@dataclass(frozen=True, slots=True)
class InvoiceCreation(Handler):
    """Handler of the next invoice of an agreement."""

    action: CreateInvoice
    word = "invoice"
    waits_when_unanswered = False

    def judge(self, live: Live) -> Outcome | None:
        """Compare the agreement's next invoice with the approved one."""
        return judge_invoice(self.action, live.connectwise.read_recap(self.action.agreement))

    def judge_needed(self, live: Live) -> Outcome | None:
        """Return a skipped outcome if the agreement is another one than the row shows people."""
        agreement = live.agreement(self.action.agreement)
        if agreement is None:
            return changed(self.action, "the agreement is no longer there")
        own = agreement.next_invoice
        if own is not None and own != self.action.seen_date:
            seen = self.action.seen_date
            return changed(
                self.action, f"the recap's next invoice is of {seen}, the agreement's own of {own}"
            )
        return judge_labels(self.action, self.action.labels, agreement)

    def request(self, live: Live) -> HttpWrite:  # noqa: ARG002
        """Make the request, which has no body: ConnectWise knows what is due."""
        return HttpWrite("POST", f"/finance/agreements/{self.action.agreement}/invoice", None)

    def read_replaced(self, live: Live) -> dict[str, Setting]:  # noqa: ARG002
        """Return the date of the invoice, which the recap no longer shows afterwards."""
        return {"nextInvoiceDate": self.action.seen_date}

    def confirm(self, live: Live) -> Outcome | None:
        """Return the outcome done if the recap or the agreement's invoices show the invoice."""
        shown = self.judge(live)
        return (
            shown if shown is not None and shown.state is State.ALREADY else find_invoice(self.action, live)
        )


def judge_invoice(action: CreateInvoice, live: Recap) -> Outcome | None:
    """Return the outcome if the invoice was created since its approval, or would be another; else None.

    An agreement without a next invoice was invoiced only if its last one shows that: it may have
    been cancelled instead.
    """
    if live.unclear:
        return outcome(action, State.SKIPPED, f"its recap cannot be read for sure: {live.unclear}")
    is_later = live.next_date is not None and live.next_date > action.seen_date
    was_last = live.next_date is None and live.last_date is not None and live.last_date >= action.seen_date
    if is_later or was_last:
        made = outcome(action, State.ALREADY, f"invoice {live.last_number}".strip())
        return replace(made, invoice_number=live.last_number)
    if live.next_date != action.seen_date or live.next_amount != action.seen_amount:
        amount = "empty" if live.next_amount is None else tell_cost(live.next_amount)
        now = f"{amount} on {live.next_date}" if live.next_date else "none"
        was = f"{tell_cost(action.seen_amount)} on {action.seen_date}"
        return changed(action, f"the next invoice was {was} and is now {now}")
    return None


def find_invoice(action: CreateInvoice, live: Live) -> Outcome | None:
    """Find the invoice among the agreement's invoices, if the recap does not show it yet."""
    made = live.connectwise.list_invoices(action.agreement, action.seen_date)
    if not made:
        return None
    id_, number = made[-1]
    return replace(outcome(action, State.ALREADY, f"invoice {number}", id_), invoice_number=number)
