"""Creating the next invoice of an agreement: ConnectWise makes it, the agreement's recap proves it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from xlsync.amounts import tell_cost
from xlsync.apply.actions import CreateInvoice, Setting
from xlsync.apply.kinds.handler import Handler, HttpWrite
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome, State, changed, outcome
from xlsync.models import Recap


@dataclass(frozen=True, slots=True)
class InvoiceCreation(Handler):
    """The next invoice of an agreement."""

    action: CreateInvoice
    word = "invoice"

    def judge(self, live: Live) -> Outcome | None:
        """Compare the agreement's next invoice with the approved one."""
        return judge_invoice(self.action, live.connectwise.read_recap(self.action.agreement))

    def request(self, live: Live) -> HttpWrite:  # noqa: ARG002
        """A request without a body: ConnectWise knows what is due."""
        return HttpWrite("POST", f"/finance/agreements/{self.action.agreement}/invoice", None)

    def read_replaced(self, live: Live) -> dict[str, Setting]:  # noqa: ARG002
        """The date of the invoice, which the recap shows no more once it is made."""
        return {"nextInvoiceDate": self.action.seen_date}

    def confirm(self, live: Live) -> Outcome | None:
        """The invoice, by the recap or among the invoices of the agreement."""
        shown = self.judge(live)
        return (
            shown if shown is not None and shown.state is State.ALREADY else find_invoice(self.action, live)
        )


def judge_invoice(action: CreateInvoice, live: Recap) -> Outcome | None:
    """Whether an invoice was made since it was approved, or would be another one now.

    An agreement that has no next invoice any more was invoiced only where its last one tells so: it may have
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
    """The invoice among those of the agreement, where the recap does not show it yet."""
    made = live.connectwise.list_invoices(action.agreement, action.seen_date)
    if not made:
        return None
    id_, number = made[-1]
    return replace(outcome(action, State.ALREADY, f"invoice {number}", id_), invoice_number=number)
