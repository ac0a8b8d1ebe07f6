"""Handler of the creation of a contact; undo sets it inactive unless an agreement of others names it."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Any, Final

from xlsync.apply.actions import CreateContact
from xlsync.apply.kinds.handler import HttpWrite
from xlsync.apply.kinds.records import (
    Existing,
    RecordCreation,
    find_made_before,
    without_empty,
)
from xlsync.apply.lookup import Live
from xlsync.apply.runs import Run
from xlsync.connectwise.records import folded, id_of
from xlsync.errors import ApiError

PATH: Final = "/company/contacts"


@dataclass(frozen=True, slots=True)
class ContactCreation(RecordCreation):
    """Handler of the creation of a contact."""

    creation: CreateContact

    def find(self, live: Live, *, is_counted: bool) -> Existing | None:
        """Find the contact by journal, then by name at the company; None if there is no company yet."""
        action = self.creation
        if not isinstance(action.company, int):
            return None
        before = find_made_before(live, action.key, PATH, "inactiveFlag", company=action.company)
        return before or next(map(Existing, self._list_same(live, is_counted=is_counted)), None)

    def find_twins(self, live: Live, created_id: int) -> tuple[int, ...]:
        """Find further contacts of the name at the company."""
        same = self._list_same(live, is_counted=False)
        return tuple(id_ for id_ in same if id_ != created_id)

    def _list_same(self, live: Live, *, is_counted: bool) -> list[int]:
        action = self.creation
        wanted = folded(f"{action.first_name} {action.last_name}")
        records = live.connectwise.list_where(
            PATH,
            fields="id,firstName,lastName,inactiveFlag",
            condition=f"company/id={action.company}",
            is_counted=is_counted,
        )
        return [
            id_of(record, PATH)
            for record in records
            if folded(f"{record.get('firstName') or ''} {record.get('lastName') or ''}") == wanted
            and not record.get("inactiveFlag")
        ]

    def request(self, live: Live) -> HttpWrite:
        """Make the request, with the e-mail address if the tenant has a communication type for it."""
        action = self.creation
        email_type, note = _find_email_type(live) if action.email else (None, "")
        mail = {"value": action.email, "communicationType": "Email", "defaultFlag": True}
        body = {
            **self.typed,
            "company": {"id": action.company},
            "communicationItems": [{"type": {"id": email_type}, **mail}] if email_type else None,
        }
        return HttpWrite("POST", PATH, without_empty(body), note=note)

    @property
    def typed(self) -> dict[str, Any]:
        """The first and last name."""
        return {"firstName": self.creation.first_name, "lastName": self.creation.last_name or None}


def _find_email_type(live: Live) -> tuple[int | None, str]:
    """Find the tenant's communication type for e-mail; without one, say that the address is left out."""
    path = "/company/communicationTypes"
    try:
        types, _ = live.connectwise.list_records(path, fields="id,emailFlag,defaultFlag")
    except ApiError as error:
        if error.status not in {403, 404}:
            raise
        return (
            None,
            f"without the e-mail address, since the communication types cannot be read: {error.message}",
        )
    mails = [entry for entry in types if entry.get("emailFlag")]
    mails.sort(key=lambda entry: not entry.get("defaultFlag"))
    if not mails:
        return None, "without the e-mail address, since ConnectWise has no communication type for it"
    return id_of(mails[0], path), ""


def find_users(id_: int, live: Live, own: Set[str], runs: Iterable[Run]) -> list[str]:  # noqa: ARG001
    """List the agreements and the customer that name the contact and that the run did not create itself."""
    path = "/finance/agreements"
    records = live.connectwise.list_where(path, fields="id,cancelledFlag", condition=f"contact/id={id_}")
    agreements = (id_of(record, path) for record in records if not record.get("cancelledFlag"))
    users = [f"agreement {agreement}" for agreement in agreements if f"{path}/{agreement}" not in own]
    company = live.connectwise.read_company_of_contact(id_)
    is_of_others = company is not None and f"/company/companies/{company}" not in own
    if company is not None and is_of_others and live.connectwise.read_default_contact(company) == id_:
        users.append(f"customer {company}, whose default contact it is")
    return users
