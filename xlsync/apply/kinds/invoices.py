"""Handler of the next invoice of an agreement: ConnectWise creates it, and the recap proves it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xlsync.amounts import tell_cost
from xlsync.apply.action_base import Basis
from xlsync.apply.actions import CreateInvoice
from xlsync.apply.kinds.handler import Handler, HttpWrite
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome, State, changed, judge_agreement, outcome
from xlsync.apply.set_fields import Setting
from xlsync.connectwise.records import InvoiceNow
from xlsync.models import Recap
from xlsync.records import replace


@dataclass(frozen=True, slots=True)
class InvoiceCreation(Handler):
    """Handler of the next invoice of an agreement."""

    action: CreateInvoice
    word = "invoice"
    waits_when_unanswered = False

    def judge(self, live: Live) -> Outcome | None:
        """Compare the agreement's next invoice with the approved one.

        A next date that moved on proves no invoice while the last one is still that of the row: somebody may
        have moved the date alone.
        """
        action, recap = self.action, live.connectwise.read_recap(self.action.agreement)
        judged = judge_invoice(action, recap)
        if judged is None or judged.state is not State.ALREADY or recap.last_number != action.seen_last:
            return judged
        last = f"its last invoice is still {recap.last_number}" if recap.last_number else "it has no invoice"
        return find_invoice(action, live) or changed(action, f"{_tell_next(action, recap)}, but {last}")

    def judge_needed(self, live: Live) -> Outcome | None:
        """Return a skipped outcome if the agreement changed, or is another one than the row shows people."""
        action, agreement = self.action, live.agreement(self.action.agreement)
        if agreement is not None:
            if agreement.parent_id is not None:
                parent = f"agreement {agreement.parent or agreement.parent_id}"
                why = f"it is a child of {parent}, whose invoice bills it: invoice that one"
                return outcome(action, State.SKIPPED, why)
            own = agreement.next_invoice
            if own is not None and own != action.seen_date:
                dates = f"the recap's next invoice is of {action.seen_date}, the agreement's own of {own}"
                return changed(action, dates)
            # An agreement that has ended may still have its last invoice to come.
            closed = "" if agreement.closed == "Expired" else agreement.closed
            agreement = replace(agreement, closed=closed, end=None)
        seen = Basis(action.agreement, currency=action.currency, labels=action.labels)
        return judge_agreement(action, seen, agreement, action.seen_date)

    def request(self, live: Live) -> HttpWrite:  # noqa: ARG002
        """Make the request, which has no body: ConnectWise knows what is due."""
        return HttpWrite("POST", f"/finance/agreements/{self.action.agreement}/invoice", None)

    def read_replaced(self, live: Live) -> dict[str, Setting]:  # noqa: ARG002
        """Return the date of the invoice, which the recap no longer shows afterwards."""
        return {"nextInvoiceDate": self.action.seen_date}

    def confirm(self, live: Live) -> Outcome | None:
        """Return the outcome done if the recap or the agreement's invoices show the invoice."""
        shown = judge_invoice(self.action, live.connectwise.read_recap(self.action.agreement))
        return (
            shown if shown is not None and shown.state is State.ALREADY else find_invoice(self.action, live)
        )

    def compare_with_approved(self, live: Live, made: Outcome) -> Outcome:
        """Say which other amount ConnectWise invoiced, and which other invoices were made meanwhile.

        The number is that of the invoice itself where it is seen: the recap shows the last, whose ever it is.
        """
        action = self.action
        listed = live.connectwise.list_invoices(action.agreement, action.seen_date)
        own = next((one for one in listed if made.id == one.id), None)
        if own is None and made.id is not None:
            own = live.connectwise.read_invoice(made.id)
        elif own is None:
            own = next((one for one in listed if one.number and one.number == made.invoice_number), None)
        if own is not None and own.number:
            made = replace(made, detail=f"invoice {own.number}", invoice_number=own.number)
        unlike = tell_unlike(action, own, listed)
        return replace(made, detail=f"{made.detail}; {unlike}", differs=True) if unlike else made


def tell_unlike(action: CreateInvoice, made: InvoiceNow | None, listed: Iterable[InvoiceNow]) -> str:
    """Compare the invoice that was made with the approved one, and name the others since; else empty."""
    words: list[str] = []
    if made is None or not made.amounts:
        words.append("the amount that ConnectWise invoiced is not seen: look at it there")
    elif action.seen_amount not in made.amounts:
        now = tell_cost(made.amounts[0])
        words.append(f"ConnectWise invoiced {now}, approved were {tell_cost(action.seen_amount)}")
    if made is not None and made.currency and action.currency and made.currency != action.currency:
        words.append(f"it is in {made.currency}, approved was {action.currency}")
    others = [one.number or str(one.id) for one in listed if made is None or one.id != made.id]
    if others and made is not None:
        words.append(
            f"another run or person made {', '.join(others)} of the same agreement at the same time: "
            "one of them may be the invoice of a later period, which nobody approved"
        )
    return "; ".join(words)


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
        return changed(action, _tell_next(action, live))
    return None


def _tell_next(action: CreateInvoice, live: Recap) -> str:
    amount = "empty" if live.next_amount is None else tell_cost(live.next_amount)
    now = f"{amount} on {live.next_date}" if live.next_date else "none"
    was = f"{tell_cost(action.seen_amount)} on {action.seen_date}"
    return f"the next invoice was {was} and is now {now}"


def find_invoice(action: CreateInvoice, live: Live) -> Outcome | None:
    """Find the invoice among the agreement's invoices of its day, if the recap does not show it yet.

    One of another day may be that of another period.
    """
    listed = live.connectwise.list_invoices(action.agreement, action.seen_date)
    made = [one for one in listed if action.seen_date in one.days]
    if not made:
        return None
    last = made[-1]
    return replace(
        outcome(action, State.ALREADY, f"invoice {last.number}", last.id), invoice_number=last.number
    )
