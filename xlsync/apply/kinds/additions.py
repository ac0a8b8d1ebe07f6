"""Handlers of additions: creation, succession from a date on, and changes of units or cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from xlsync.amounts import counted_units
from xlsync.apply.action_base import Basis
from xlsync.apply.actions import CreateAddition, Field, UpdateAddition
from xlsync.apply.field_names import tell_field
from xlsync.apply.freshness import Look
from xlsync.apply.kinds.fields import (
    agreement_in,
    operation,
    tell_change,
    tell_differing,
    tell_setting,
    to_setting,
)
from xlsync.apply.kinds.handler import Handler, HttpWrite
from xlsync.apply.kinds.records import without_empty
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome, State, changed, judge_agreement, judge_product, outcome
from xlsync.apply.runs import Write
from xlsync.apply.set_fields import CANCEL, FieldChange, SetFields
from xlsync.connectwise.records import MARK_ID, MARK_NAME, AgreementNow, ItemNow, read_number, write_date
from xlsync.errors import ApiError
from xlsync.models import Addition
from xlsync.reconcile.beginnings import why_refused


@dataclass(frozen=True, slots=True)
class AdditionCreation(Handler):
    """Handler of the creation of an addition, which may succeed one that ends."""

    action: CreateAddition
    word = "addition"
    is_proved_by_answer = True

    def judge(self, live: Live) -> Outcome | None:
        """Return the outcome already if the addition was created since its approval; else None."""
        agreement = self.action.agreement_id
        if agreement is None:
            return None
        path = f"/finance/agreements/{agreement}/additions"
        made = live.earlier.created_on(path)
        listed = self._with_made_before(live, agreement, path)
        return judge_creation(self.action, self._without_other_rows(live, listed), made)

    def _without_other_rows(self, live: Live, additions: Iterable[Addition]) -> list[Addition]:
        """Leave out the additions that this run created for other rows: they were approved too."""
        key = self.action.key
        return [addition for addition in additions if live.made_by.get(addition.id, key) == key]

    def _with_made_before(self, live: Live, agreement: int, path: str) -> tuple[Addition, ...]:
        """List the additions of an agreement, with those of earlier runs that the list lacks yet."""
        listed = live.additions_of(agreement) or live.list_additions(agreement, is_counted=True)
        known = {addition.id for addition in listed}
        hidden = [id_ for id_ in live.earlier.additions_like(self.action, path) if id_ not in known]
        read = (live.connectwise.read_addition(agreement, id_) for id_ in hidden)
        return (*listed, *(addition for addition in read if addition is not None))

    def judge_needed(self, live: Live) -> Outcome | None:
        """Skipped, where the product is another now than the row showed, or the agreement takes no addition.

        A successor keeps its product, and was looked at before the end of what it continues.
        """
        action = self.action
        if action.succeeds:
            return None
        if isinstance(action.item, int) and (item_outcome := judge_item(action, live.item(action.item))):
            return item_outcome
        if action.basis is None and action.agreement_id is not None:
            return judge_new_agreement(action, live.agreement(action.agreement_id))
        agreement = live.agreement(action.basis.agreement) if action.basis else None
        if agreement is None or action.effective is None:
            return None
        why = why_refused(action.effective, agreement.bill_start, agreement.closed_until)
        detail = (
            f"ConnectWise would refuse it from {action.effective} on: {why}; run check, or enter a later date"
        )
        return outcome(action, State.SKIPPED, detail) if why else None

    def request(self, live: Live) -> HttpWrite | str:
        """Make the request; a successor keeps all fields that are not changed."""
        action, continued, taken_over = self.action, None, {}
        if action.succeeds is not None:
            continued = action.succeeds.addition
            now = live.addition(continued)
            if now is None:
                return "the addition that it continues is gone from ConnectWise"
            if action.effective is None or now.cancelled is None or now.cancelled >= action.effective:
                ends = f"on {now.cancelled}" if now.cancelled else "on no day"
                return (
                    f"addition {now.id}, which it was to continue, ends {ends} now, so both would be billed: "
                    "run check, look again and approve again"
                )
            taken_over = _taken_over(continued, now)
        body = {
            "billCustomer": live.creation.bill_customer,
            "customFields": self._mark_values(live),
            **taken_over,
            "product": {"id": action.item},
            "quantity": action.quantity,
            "unitCost": action.unit_cost,
            "effectiveDate": write_date(action.effective) if action.effective else None,
        }
        path = f"/finance/agreements/{action.agreement}/additions"
        return HttpWrite("POST", path, without_empty(body), continued.id if continued else None)

    def _mark_values(self, live: Live) -> list[dict[str, Any]] | None:
        """Return the custom fields that mark the contract, if wanted and present in the tenant."""
        action = self.action
        if not live.creation.mark_additions or not action.contract_id or action.agreement_id is None:
            return None
        values = {MARK_ID: action.contract_id, MARK_NAME: action.contract_name}
        marks = live.marks(action.agreement_id)
        return [{**mark, "value": values[caption]} for caption, mark in marks.items()] or None

    def confirm(self, live: Live) -> Outcome | None:
        """Return the outcome done if the agreement's list shows the addition."""
        if self.action.agreement_id is None:
            return None
        listed = live.list_additions(self.action.agreement_id)
        shown = judge_creation(self.action, self._without_other_rows(live, listed))
        return shown if shown is not None and shown.state is State.ALREADY else None

    def find_twins(self, live: Live, created_id: int) -> tuple[int, ...]:
        """Find further additions of the product and contract created since the approval."""
        action = self.action
        if action.agreement_id is None:
            return ()
        known = {*action.beside, created_id, action.succeeds.addition.id if action.succeeds else created_id}
        listed = self._without_other_rows(live, live.list_additions(action.agreement_id))
        return tuple(
            a.id
            for a in listed
            if a.item_id == action.item
            and a.cancelled is None
            and a.id not in known
            and _may_be_of_contract(action, a)
            and not _continues_other(action, a, listed)
        )

    def tell_unlike_row(self, answer: object) -> str:
        """Say at which price ConnectWise put the product on the agreement, where the row showed another."""
        shown = self.action.seen_price
        if shown is None or self.action.succeeds or not isinstance(answer, Mapping):
            return ""
        try:
            price = read_number(answer.get("unitPrice"), "unitPrice")
        except ApiError as error:
            return error.message
        if price is None or price == shown:
            return ""
        now, seen = tell_field("unitPrice", price), tell_field("unitPrice", shown)
        return f"ConnectWise bills it at {now} a unit, the row showed {seen}"


def judge_creation(
    action: CreateAddition, live: Sequence[Addition], made: Set[int] = frozenset()
) -> Outcome | None:
    """Return the outcome of a creation made since its approval, or whose predecessor changed; else None.

    `made` are the ids of what xlsync created: of those, one that has ended may be made again.
    """
    live = [addition for addition in live if not _continues_other(action, addition, live)]
    ends = {None, action.succeeds.addition.cancelled if action.succeeds else None}
    since = [
        a for a in live if a.item_id == action.item and a.cancelled in ends and a.id not in action.beside
    ]
    for addition in since:
        if _is_as_wanted(action, addition):
            return outcome(action, State.ALREADY, f"there (addition {addition.id})", addition.id)
    if since:
        return changed(action, f"addition {since[0].id} was made since, {_tell_made(since[0])}")
    ended = [
        a
        for a in live
        if a.item_id == action.item and a.cancelled not in ends and a.id not in {*action.beside, *made}
    ]
    if ended and action.succeeds is None:
        return changed(action, f"addition {ended[0].id} was made since, and ends on {ended[0].cancelled}")
    seen = action.succeeds.addition if action.succeeds else None
    differing = [
        difference for a in live if seen and a.id == seen.id and (difference := tell_differing(seen, a, {}))
    ]
    return changed(action, differing[0]) if differing else None


def _continues_other(action: CreateAddition, addition: Addition, live: Iterable[Addition]) -> bool:
    """Return whether an addition continues, by day and mark or lack of one, another than a successor would.

    Each contract of a product has a successor of its own: it stands in the way of no other's.
    """
    mark = addition.contract_mark.casefold()
    if action.succeeds is None or mark == action.succeeds.addition.contract_mark.casefold():
        return False
    return any(
        one.id in action.beside
        and one.item_id == addition.item_id
        and one.contract_mark.casefold() == mark
        and one.cancelled is not None
        and addition.effective == one.cancelled + dt.timedelta(days=1)
        for one in live
        if addition.id not in action.beside
    )


def _is_as_wanted(action: CreateAddition, addition: Addition) -> bool:
    """Return whether an addition bills what an action would create: contract, units, cost and first day."""
    wanted = (action.quantity, action.unit_cost, action.effective)
    live = (addition.quantity, addition.unit_cost, addition.effective)
    is_like = all(wish in (None, now) for wish, now in zip(wanted, live, strict=True))
    return is_like and _may_be_of_contract(action, addition)


def _may_be_of_contract(action: CreateAddition, addition: Addition) -> bool:
    """Return whether no mark says that an addition bills another contract than an action would."""
    continued = action.succeeds.addition.contract_mark if action.succeeds else ""
    contracts = {(action.contract_id or continued).casefold(), addition.contract_mark.casefold()}
    return len(contracts - {""}) < 2


def _tell_made(addition: Addition) -> str:
    """Say what an addition bills: its units, cost and first day."""
    words = f"with {counted_units(addition.quantity)}"
    if addition.unit_cost is not None:
        words += f" at cost {tell_field('unitCost', addition.unit_cost)}"
    return f"{words} from {addition.effective} on" if addition.effective else words


def judge_new_agreement(action: CreateAddition, live: AgreementNow | None) -> Outcome | None:
    """Return the outcome skipped if the agreement that was to be created is ended, or of another currency."""
    start = live.start if live else None
    basis = Basis(live.id if live else 0, currency=action.currency)
    return judge_agreement(action, basis, live, action.effective or start or dt.date.min)


def judge_item(action: CreateAddition, live: ItemNow | None) -> Outcome | None:
    """Return the outcome skipped if a new addition's product is gone, inactive or of another price."""
    if live is None:
        return changed(action, "the product is no longer in the catalog")
    if not live.is_active:
        return changed(action, "the product is inactive now")
    if other := judge_product(action, live.identifier):
        return other
    if action.seen_price is not None and live.price != action.seen_price:
        return changed(action, tell_change("Unit Price", "unitPrice", action.seen_price, live.price))
    return None


def _taken_over(seen: Addition, now: Addition) -> dict[str, Any]:
    """Return the fields that a successor keeps: present values, with the end from before this run.

    Empty values of custom fields, which every record shows, are left out of a POST.
    """
    customs = [without_empty(field) for field in now.carried_over.get("customFields") or ()]
    return {
        **now.carried_over,
        "customFields": customs or None,
        "unitPrice": now.unit_price,
        "lessIncluded": now.less_included or None,
        "cancelledDate": write_date(seen.cancelled) if seen.cancelled else None,
    }


def take_back(write: Write) -> SetFields | None:
    """Make the undo of a creation: the addition ends on the day it began, if its fields are unchanged."""
    if write.id is None:
        return None
    path = write.record
    begun = dt.date.fromisoformat(str(write.body.get("effectiveDate") or write.at)[:10])
    ends = to_setting("cancelledDate", write.body.get("cancelledDate"))
    names = [name for name in ("quantity", "unitCost", "unitPrice") if write.body.get(name) is not None]
    values = {name: to_setting(name, write.body[name]) for name in names}
    as_made = (FieldChange(name, value, value) for name, value in values.items())
    return SetFields(
        key=path,
        rows=(),
        kind=CANCEL,
        path=path,
        changes=(FieldChange("cancelledDate", ends, begun), *as_made),
        what=f"end {write.subject} on the day it began",
        subject=write.subject,
        agreement=agreement_in(write.path),
        begins=begun,
        ends_own=True,
        succeeds=write.succeeds,
        company=write.company,
    )


@dataclass(frozen=True, slots=True)
class AdditionUpdate(Handler):
    """Handler of new units or cost on one addition."""

    action: UpdateAddition

    def judge(self, live: Live) -> Outcome | None:
        """Compare the addition's present state with the approved values."""
        return judge_update(self.action, live.addition(self.action.seen))

    def judge_needed(self, live: Live) -> Outcome | None:
        """Skipped, where the addition has no price of its own and the catalog's is another than was shown."""
        action = self.action
        if action.catalog_price is None:
            return None
        item = live.item(action.seen.item_id)
        if item is None or item.price == action.catalog_price:
            return None
        return changed(action, tell_change("Unit Price", "unitPrice", action.catalog_price, item.price))

    def request(self, live: Live) -> HttpWrite:  # noqa: ARG002
        """Make the request: one operation for each value."""
        seen = self.action.seen
        path = f"/finance/agreements/{seen.agreement_id}/additions/{seen.id}"
        return HttpWrite("PATCH", path, [operation(str(c.field), c.wanted) for c in self.action.changes])

    def read_replaced(self, live: Live) -> dict[str, Any]:
        """Return the present values."""
        now = live.addition(self.action.seen) or self.action.seen
        return {str(change.field): change.field.value_on(now) for change in self.action.changes}

    def looked_at(self, live: Live) -> Look | None:
        """Return the look that showed the present values."""
        return live.look_at(self.action.seen)

    def confirm(self, live: Live) -> Outcome | None:
        """Return the outcome done if the addition has every wanted value."""
        seen = self.action.seen
        return self._confirm(live.connectwise.read_addition(seen.agreement_id, seen.id))

    def confirm_listed(self, live: Live) -> Outcome | None:
        """Return the outcome done if the list that was read after the write shows every wanted value."""
        return self._confirm(live.listed(self.action.seen))

    def _confirm(self, now: Addition | None) -> Outcome | None:
        action = self.action
        if now is None or any(c.field.value_on(now) != c.wanted for c in action.changes):
            return None
        return outcome(action, State.DONE, ", ".join(map(str, action.changes)), action.seen.id)

    def tell_stored_otherwise(self, live: Live) -> str:
        """Name the values that ConnectWise stored otherwise, such as a cost of more decimals than it has."""
        seen = self.action.seen
        now = live.connectwise.read_addition(seen.agreement_id, seen.id)
        stored = [(c, c.field.value_on(now)) for c in self.action.changes if now is not None]
        return "; ".join(
            f"ConnectWise stored {change.field.word} {tell_setting(change.field, value)} instead of "
            f"{tell_setting(change.field, change.wanted)}"
            for change, value in stored
            if value not in {change.wanted, change.field.value_on(seen)}
        )


def judge_update(action: UpdateAddition, live: Addition | None) -> Outcome | None:
    """Compare seen, live and wanted values: return the outcome if nothing is to be sent, else None.

    Every value that the approved rows showed must still hold, unless it is the wanted one already.
    """
    if live is None:
        return outcome(action, State.SKIPPED, f"addition {action.seen.id} is no longer there")
    if live.cancelled != action.seen.cancelled:
        return changed(action, _tell_cancelled(live))
    if all(change.field.value_on(live) == change.wanted for change in action.changes):
        detail = ", ".join(
            counted_units(c.wanted)
            if c.field is Field.QUANTITY
            else f"{c.field.word} {tell_field(c.field, c.wanted)}"
            for c in action.changes
        )
        return outcome(action, State.ALREADY, detail, live.id)
    if other := judge_product(action, live.product):
        return other
    wanted = {str(change.field): change.wanted for change in action.changes}
    differing = tell_differing(action.seen, live, wanted)
    return changed(action, differing) if differing else None


def _tell_cancelled(live: Addition) -> str:
    if live.cancelled is None:
        return "the addition is not cancelled any more"
    return f"the addition has been cancelled as of {live.cancelled}"
