"""ConnectWise as it is now, for the actions of one run: looked up just before they are planned and done."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, assert_never

from xlsync.apply.actions import (
    Action,
    Basis,
    CreateAddition,
    CreateAgreement,
    CreateCatalogItem,
    CreateCompany,
    CreateContact,
    CreateInvoice,
    FieldChange,
    SetFields,
    Setting,
    UpdateAddition,
)
from xlsync.apply.earlier import Earlier, tell_unanswered
from xlsync.apply.looks import Looks
from xlsync.apply.marks import marks_of_additions, marks_of_definitions
from xlsync.apply.plan import (
    Outcome,
    Plan,
    State,
    build_plan,
    judge_agreement,
    judge_creation,
    judge_invoice,
    judge_item,
    judge_settings,
    judge_update,
    outcome,
)
from xlsync.connectwise.client import ConnectWise, quote
from xlsync.connectwise.records import (
    AgreementNow,
    ItemNow,
    id_of,
    read_date,
    read_date_strictly,
    read_number,
    record_of,
)
from xlsync.errors import ApiError
from xlsync.models import Addition, Month
from xlsync.settings import Creation

Additions = tuple[Addition, ...] | ApiError


@dataclass(frozen=True, slots=True)
class _Found:
    """A record that already stands where one was to be created."""

    id: int
    is_same: bool
    told: str


class Live:
    """ConnectWise as it is now, for the actions of one run: what was read, and how long ago.

    `earlier` is what the journal tells of creations before this run.
    """

    def __init__(self, connectwise: ConnectWise, creation: Creation, earlier: Earlier | None = None) -> None:
        self.connectwise = connectwise
        self.creation = creation
        self.earlier = earlier or Earlier()
        self._items: Looks[ItemNow | None] = Looks()
        self._additions: Looks[Additions] = Looks()
        self._agreements: Looks[AgreementNow | None] = Looks()
        self._marks: dict[str, dict[str, Any]] | None = None
        self._lock = threading.Lock()

    def read_additions(
        self, actions: Iterable[Action], progress: Callable[[int], None] | None = None
    ) -> None:
        """Read the additions of every agreement that the actions touch, side by side."""
        ids = {id_ for action in actions if (id_ := agreement_of(action)) is not None}
        began = time.monotonic()
        self._additions.keep(self.connectwise.list_additions(ids, progress, whole=True), began)

    def plan(
        self,
        actions: Sequence[Action],
        progress: Callable[[int], None] | None = None,
        spent: Mapping[str, Outcome] = MappingProxyType({}),
    ) -> Plan:
        """Order the actions and settle those that need no request, by what ConnectWise holds now.

        `spent` are the outcomes of those that an earlier run carried out, by key.
        """
        self.read_additions((action for action in actions if action.key not in spent), progress)
        self.read_agreements(action for action in actions if action.key not in spent)
        ids: dict[str, int] = {}

        def judge(action: Action) -> Outcome | None:
            result = self.judge(resolve(action, ids))
            if result is not None and result.id is not None:
                ids[action.key] = result.id
            return result

        ids |= {key: result.id for key, result in spent.items() if result.id is not None}
        return build_plan(actions, judge, spent)

    def read_agreements(self, actions: Iterable[Action]) -> None:
        """Read every agreement that the actions rest upon, in one request where that is possible."""
        ids = {basis.agreement for action in actions if (basis := basis_of(action)) is not None}
        began = time.monotonic()
        try:
            agreements = self.connectwise.read_agreements(ids)
        except ApiError:
            return  # each write looks at its own agreement then, and tells what is wrong
        self._agreements.keep({id_: agreements.get(id_) for id_ in ids}, began)

    def _judge_basis(self, action: Action) -> Outcome | None:
        """Skipped, where the agreement that an action rests upon was ended or moved since it was approved."""
        basis = basis_of(action)
        if basis is None:
            return None
        agreement = self._agreements.latest(
            basis.agreement, lambda id_: self.connectwise.read_agreements([id_]).get(id_)
        )
        today = dt.datetime.now().astimezone().date()
        begins = action.effective if isinstance(action, CreateAddition) else None
        return judge_agreement(action, basis, agreement, max(today, begins or today))

    def judge(self, action: Action) -> Outcome | None:
        """What ConnectWise's present state already says of an action; None where it is to be done."""
        settled = self._judge_record(action)
        if settled is not None:
            return settled
        unanswered = self.earlier.find_unanswered(action.key, dt.datetime.now().astimezone())
        if unanswered is not None:
            return outcome(action, State.SKIPPED, tell_unanswered(unanswered))
        try:
            return self._judge_basis(action) or self._judge_item(action)
        except ApiError as error:
            return outcome(action, State.SKIPPED, f"could not be looked up: {error.message}")

    def _judge_item(self, action: Action) -> Outcome | None:
        """Skipped, where the product of a new addition is another now than its row showed."""
        if not isinstance(action, CreateAddition) or not isinstance(action.item, int) or action.succeeds:
            return None
        return judge_item(action, self._items.latest(action.item, self.connectwise.read_item_now))

    def _judge_record(self, action: Action) -> Outcome | None:
        try:
            match action:
                case UpdateAddition():
                    return judge_update(action, self.addition(action.seen))
                case CreateAddition(agreement=int() as agreement):
                    return judge_creation(action, self._with_made_before(action, agreement))
                case CreateAddition():
                    return None
                case SetFields():
                    guard = self.addition(action.guard) if action.guard else None
                    settled = judge_settings(action, self.settings(action), guard)
                    return settled or self._judge_begin(action)
                case CreateInvoice():
                    return judge_invoice(action, self.connectwise.read_recap(action.agreement))
                case CreateCompany() | CreateContact() | CreateAgreement() | CreateCatalogItem():
                    return judge_found(action, self.find(action))
                case _:
                    assert_never(action)
        except ApiError as error:
            return outcome(action, State.SKIPPED, f"could not be looked up: {error.message}")

    def forget(self, action: Action) -> None:
        """Let what an action creates or changes be read anew, however short ago it was read."""
        agreement = agreement_of(action)
        if agreement is not None:
            self._additions.drop(agreement)

    def _with_made_before(self, action: CreateAddition, agreement: int) -> tuple[Addition, ...]:
        """The additions of an agreement, with those that earlier runs made and the list does not show yet."""
        listed = self._additions_of(agreement)
        known = {addition.id for addition in listed}
        path = f"/finance/agreements/{agreement}/additions"
        hidden = [id_ for id_ in self.earlier.ids_of(action.key, path) if id_ not in known]
        read = (self.connectwise.read_addition(agreement, id_) for id_ in hidden)
        return (*listed, *(addition for addition in read if addition is not None))

    def find_twins(self, action: CreateAddition | CreateAgreement, made: int) -> tuple[int, ...]:
        """Others that are like what was just created, and were not there when it was approved."""
        match action:
            case CreateAddition(agreement=int() as agreement):
                additions = self.connectwise.list_additions([agreement])[agreement]
                if isinstance(additions, ApiError):
                    raise additions
                known = {*action.beside, made, action.succeeds.addition.id if action.succeeds else made}
                return tuple(
                    a.id
                    for a in additions
                    if a.item_id == action.item
                    and a.cancelled is None
                    and a.id not in known
                    and (a.contract_mark in {"", action.contract_id} or not action.contract_id)
                )
            case CreateAgreement(company=int() as company):
                path = "/finance/agreements"
                asked = f"company/id={company} and cancelledFlag=False"
                records, _ = self.connectwise.list_records(path, fields="id,name", conditions=asked)
                same = [r for r in records if _folded(str(r.get("name") or "")) == _folded(action.name)]
                return tuple(id_ for r in same if (id_ := id_of(r, path)) != made)
        return ()

    def _additions_of(self, agreement: int) -> tuple[Addition, ...]:
        additions = self._additions.latest(
            agreement, lambda id_: self.connectwise.list_additions([id_], whole=True)[id_]
        )
        if isinstance(additions, ApiError):
            raise additions
        return additions

    def addition(self, seen: Addition) -> Addition | None:
        """An addition as it is now, whole; None where it is gone."""
        if not self._additions.is_fresh(seen.agreement_id):
            return self.connectwise.read_addition(seen.agreement_id, seen.id)
        return next(
            (addition for addition in self._additions_of(seen.agreement_id) if addition.id == seen.id), None
        )

    def _judge_begin(self, action: SetFields) -> Outcome | None:
        """Skipped, where a change would begin in a period that the agreement has invoiced already.

        A month is invoiced where the recap's next invoice date lies after its end.
        """
        if action.begins is None or action.agreement is None:
            return None
        recap = self.connectwise.read_recap(action.agreement)
        following, last = recap.next_date, recap.last_date
        if recap.unclear:
            told = f"whether {action.begins} is invoiced already is not sure: {recap.unclear} of the recap"
            return outcome(action, State.SKIPPED, f"{told} can be read two ways")
        month = Month(action.begins.year, action.begins.month)
        if following is None and (last is None or action.begins > last):
            return None
        if following is not None and following <= month.last:
            return None
        return outcome(
            action,
            State.SKIPPED,
            f"{action.begins} lies in a period already invoiced (next invoice {following or 'none'}): "
            "choose a later Effective From, or clear it to change the addition in place",
        )

    def settings(self, action: SetFields) -> dict[str, Setting]:
        """The fields as they are now, each read in the form of the value that is wanted or was seen."""
        names = ",".join(change.name for change in action.changes)
        found = record_of(self.connectwise.service.get(action.path, {"fields": f"id,{names}"}), action.path)
        return {
            change.name: _read_setting(found.get(change.name), change, action.path)
            for change in action.changes
        }

    def find(
        self, action: CreateCompany | CreateContact | CreateAgreement | CreateCatalogItem
    ) -> _Found | None:
        """The record that an action would create, if it is there already, by the journal or by list."""
        match action:
            case CreateCompany():
                path = "/company/companies"
                return (
                    self._find_made_before(action, path, "deletedFlag")
                    or self._find_by_identifier(path, action.identifier, "name", action.name, "deletedFlag")
                    or self._find_like(
                        path,
                        f"name={quote(action.name)} and deletedFlag=False",
                        lambda r: _folded(str(r.get("name") or "")) == _folded(action.name),
                    )
                )
            case CreateCatalogItem():
                path, field = "/procurement/catalog", self.creation.code_field
                return (
                    self._find_made_before(action, path, "inactiveFlag")
                    or self._find_by_identifier(
                        path, action.identifier, "description", action.description, "inactiveFlag"
                    )
                    or self._find_like(
                        path,
                        f"description={quote(action.description)} and inactiveFlag=False",
                        lambda r: field == "none" or str(r.get(field) or "") == action.code[:50],
                        field,
                    )
                )
            case CreateContact(company=int()) if made := self._find_made_before(
                action, "/company/contacts", "inactiveFlag"
            ):
                return made
            case CreateAgreement(company=int()) if made := self._find_made_before(
                action, "/finance/agreements", "cancelledFlag"
            ):
                return made
            case CreateContact(company=int() as company):
                name = _folded(f"{action.first_name} {action.last_name}")
                return self._find_by_name(
                    "/company/contacts",
                    f"company/id={company}",
                    "firstName,lastName",
                    lambda r: _folded(f"{r.get('firstName') or ''} {r.get('lastName') or ''}") == name,
                )
            case CreateAgreement(company=int() as company):
                name = _folded(action.name)
                return self._find_by_name(
                    "/finance/agreements",
                    f"company/id={company} and cancelledFlag=False",
                    "name",
                    lambda r: _folded(str(r.get("name") or "")) == name,
                )
            case CreateContact() | CreateAgreement():
                return None  # of a company that does not exist yet
            case _:
                assert_never(action)

    def _find_made_before(self, action: Action, path: str, gone_field: str) -> _Found | None:
        """What an earlier run made for this row, if it still stands: lists may not show it for minutes."""
        for id_ in self.earlier.ids_of(action.key, path):
            try:
                record = self.connectwise.service.get(f"{path}/{id_}", {"fields": f"id,{gone_field}"})
            except ApiError as error:
                if not error.is_absence:
                    raise
                continue
            if not record_of(record, path).get(gone_field):
                return _Found(id_, is_same=True, told="")
        return None

    def _find_like(
        self, path: str, conditions: str, is_it: Callable[[Mapping[str, Any]], bool], field: str = "none"
    ) -> _Found | None:
        """A record of this very name under another identifier, and not made by xlsync for another row."""
        fields = "id,identifier,name" if "companies" in path else "id,identifier,description"
        fields += f",{field}" if field != "none" else ""
        records, _ = self.connectwise.list_records(path, fields=fields, conditions=conditions)
        for record in records:
            if is_it(record) and id_of(record, path) not in self.earlier.made:
                taken = f"{record.get('name') or record.get('description')} [{record.get('identifier')}]"
                todo = "choose it on sheet Billing Lines, or give the new one another name"
                return _Found(id_of(record, path), False, f"{taken} is there already: {todo}")
        return None

    def _find_by_identifier(
        self, path: str, identifier: str, name_field: str, name: str, gone_field: str
    ) -> _Found | None:
        records, _ = self.connectwise.list_records(
            path,
            fields=f"id,identifier,{name_field},{gone_field}",
            conditions=f"identifier={quote(identifier)}",
        )
        for record in records:
            if _folded(str(record.get("identifier") or "")) == _folded(identifier):
                taken = str(record.get(name_field) or "")
                is_same = _folded(taken) == _folded(name) and not record.get(gone_field)
                state = " (deleted)" if record.get(gone_field) else ""
                return _Found(
                    id_of(record, path),
                    is_same,
                    f"identifier {identifier} belongs to {taken}{state}: choose another",
                )
        return None

    def _find_by_name(
        self, path: str, conditions: str, fields: str, is_it: Callable[[Mapping[str, Any]], bool]
    ) -> _Found | None:
        records, _ = self.connectwise.list_records(path, fields=f"id,{fields}", conditions=conditions)
        return next(
            (_Found(id_of(record, path), is_same=True, told="") for record in records if is_it(record)), None
        )

    def find_made(self, agreement: int, body: Mapping[str, Any]) -> tuple[int, ...]:
        """The additions that hold what a creation asked for whose outcome nobody knows."""
        additions = self.connectwise.list_additions([agreement])[agreement]
        if isinstance(additions, ApiError):
            raise additions
        asked = (
            body["product"]["id"],
            read_number(body.get("quantity"), "journal"),
            read_date(body.get("effectiveDate")),
        )
        return tuple(a.id for a in additions if (a.item_id, a.quantity, a.effective) == asked)

    def default_contact(self, company: int) -> int | None:
        """The company's main contact, for an agreement that names none."""
        path = f"/company/companies/{company}"
        record = record_of(self.connectwise.service.get(path, {"fields": "id,defaultContact/id"}), path)
        contact = record.get("defaultContact")
        return id_of(record_of(contact, path), path) if contact else None

    def email_type(self) -> int | None:
        """The tenant's communication type for e-mail."""
        path = "/company/communicationTypes"
        types, _ = self.connectwise.list_records(path, fields="id,emailFlag,defaultFlag")
        mails = [entry for entry in types if entry.get("emailFlag")]
        mails.sort(key=lambda entry: not entry.get("defaultFlag"))
        return id_of(mails[0], path) if mails else None

    def marks(self, agreement: int) -> dict[str, dict[str, Any]]:
        """The additions' custom fields `Subscription ID` and `Subscription Name`, where the tenant has them.

        An addition that exists shows their ids; without one their definitions tell them, unless several
        screens have a field of that caption. Where the keys may not read the definitions, there are none.
        """
        with self._lock:
            if self._marks is None:
                known = [
                    additions for additions in self._additions.things() if not isinstance(additions, ApiError)
                ]
                known.append(self._additions_of(agreement))
                self._marks = marks_of_additions(known) or marks_of_definitions(self.connectwise)
            return self._marks


def _read_setting(value: object, change: FieldChange, path: str) -> Setting:
    example = change.wanted if change.wanted is not None else change.seen
    if isinstance(example, bool):
        return bool(value)
    return read_date_strictly(value, path) if isinstance(example, dt.date) else read_number(value, path)


def resolve(action: Action, ids: Mapping[str, int]) -> Action:
    """The action with the ids of what was created before it."""

    def known(reference: int | str) -> int | str:
        return ids.get(reference, reference) if isinstance(reference, str) else reference

    match action:
        case CreateContact():
            return replace(action, company=known(action.company))
        case CreateAgreement():
            contact = None if action.contact is None else known(action.contact)
            return replace(action, company=known(action.company), contact=contact)
        case CreateAddition():
            return replace(action, agreement=known(action.agreement), item=known(action.item))
        case CreateCompany() | CreateCatalogItem() | UpdateAddition() | SetFields() | CreateInvoice():
            return action
        case _:
            assert_never(action)


def judge_found(action: Action, found: _Found | None) -> Outcome | None:
    """Already, where the very record is there; skipped, where its identifier is taken."""
    if found is None:
        return None
    if found.is_same:
        return outcome(action, State.ALREADY, f"there (id {found.id})", found.id)
    return outcome(action, State.SKIPPED, found.told)


def basis_of(action: Action) -> Basis | None:
    """The agreement that an action rests upon, as it was approved."""
    return action.basis if isinstance(action, UpdateAddition | SetFields | CreateAddition) else None


def agreement_of(action: Action) -> int | None:
    """The agreement whose additions an action touches."""
    match action:
        case UpdateAddition():
            return action.seen.agreement_id
        case CreateAddition(agreement=int() as agreement):
            return agreement
        case SetFields():
            return action.agreement
        case _:
            return None


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
