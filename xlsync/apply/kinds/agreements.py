"""Handler of the creation of an agreement; undo cancels it unless it has additions of others."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Any, Final

from xlsync.apply.actions import CreateAgreement
from xlsync.apply.kinds.handler import HttpWrite
from xlsync.apply.kinds.records import (
    Existing,
    RecordCreation,
    find_made_before,
    reference,
    without_empty,
)
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome, State, outcome
from xlsync.apply.runs import Run
from xlsync.connectwise.client import AGREEMENT_FIELDS
from xlsync.connectwise.records import AgreementNow, folded, read_agreement_now, write_date

PATH: Final = "/finance/agreements"
_WITHOUT_CONTACT: Final = (
    "an agreement needs a contact, and the customer has no default contact in ConnectWise: fill in Contact "
    "First Name on its row"
)


@dataclass(frozen=True, slots=True)
class AgreementCreation(RecordCreation):
    """Handler of the creation of an agreement."""

    creation: CreateAgreement
    word = "agreement"

    def find(self, live: Live, *, is_counted: bool) -> Existing | None:
        """Find the agreement by journal, then by name at the company; None if there is no company yet."""
        action = self.creation
        if not isinstance(action.company, int):
            return None
        before = find_made_before(live, action.key, PATH, "cancelledFlag", company=action.company)
        return before or self._find_same(live, is_counted=is_counted)

    def judge_needed(self, live: Live) -> Outcome | None:
        """Skipped, where the row names no contact and the company has none."""
        action = self.creation
        if action.contact is not None or not isinstance(action.company, int):
            return None
        if live.default_contact(action.company) is not None:
            return None
        return outcome(action, State.SKIPPED, _WITHOUT_CONTACT)

    def request(self, live: Live) -> HttpWrite | str:
        """Make the request, with the company's default contact if the row names none.

        `billStartDate` is set to the start, since ConnectWise would set the day of creation.
        """
        action = self.creation
        contact = action.contact
        if contact is None and isinstance(action.company, int):
            contact = live.default_contact(action.company)
        if contact is None:
            return _WITHOUT_CONTACT
        body = {
            **self.typed,
            "company": {"id": action.company},
            "contact": {"id": contact},
            "billStartDate": self.typed["startDate"],
            "noEndingDateFlag": True,
        }
        return HttpWrite("POST", PATH, without_empty(body))

    @property
    def typed(self) -> dict[str, Any]:
        """The name, type, billing cycle and start."""
        action = self.creation
        return {
            "name": action.name,
            "type": {"id": action.type_id},
            "billingCycle": reference(action.billing_cycle_id),
            "startDate": write_date(action.start) if action.start else None,
        }

    def find_twins(self, live: Live, created_id: int) -> tuple[int, ...]:
        """Find further agreements of the name at the company."""
        same = self._list_same(live, is_counted=False)
        return tuple(agreement.id for agreement in same if agreement.id != created_id)

    def _find_same(self, live: Live, *, is_counted: bool) -> Existing | None:
        """Find an agreement of the name that can take the place of the new one, else one that cannot."""
        unlike: Existing | None = None
        for agreement in self._list_same(live, is_counted=is_counted):
            why = tell_unlike(self.creation, agreement)
            if not why:
                return Existing(agreement.id)
            hint = (
                f"agreement {agreement.name} (id {agreement.id}) is there already, and {why}: "
                "give the new one another name, or choose that one on sheet Billing Lines"
            )
            unlike = unlike or Existing(agreement.id, False, hint)
        return unlike

    def _list_same(self, live: Live, *, is_counted: bool) -> list[AgreementNow]:
        action = self.creation
        records = live.connectwise.list_where(
            PATH,
            fields=AGREEMENT_FIELDS,
            condition=f"company/id={action.company}",
            is_counted=is_counted,
        )
        same = (record for record in records if folded(str(record.get("name") or "")) == folded(action.name))
        return [read_agreement_now(record) for record in same if not record.get("cancelledFlag")]


def tell_unlike(action: CreateAgreement, there: AgreementNow) -> str:
    """Say why an agreement of the name cannot take the place of a new one; empty where it can."""
    if there.closed:
        return f"is {there.closed.casefold()}"
    if there.end is not None and action.start is not None and there.end < action.start:
        return f"has ended on {there.end}"
    cycles = {action.billing_cycle_id, there.billing_cycle} - {None}
    return "is billed by another billing cycle" if len(cycles) > 1 else ""


def find_users(id_: int, live: Live, own: Set[str], runs: Iterable[Run]) -> list[str]:  # noqa: ARG001
    """List the additions on the agreement that the run did not create itself and that nobody took back."""
    path = f"{PATH}/{id_}/additions"
    additions = live.list_additions(id_, is_counted=True)
    return [f"addition {a.id}" for a in additions if not a.is_taken_back and f"{path}/{a.id}" not in own]
