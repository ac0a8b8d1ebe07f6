"""What the creations of companies, contacts, agreements and products share: finding a record first."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xlsync.apply.actions import CreateAgreement, CreateCatalogItem, CreateCompany, CreateContact
from xlsync.apply.kinds.handler import Handler
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome, State, outcome
from xlsync.connectwise.client import quote
from xlsync.connectwise.records import id_of, record_of
from xlsync.errors import ApiError

RecordAction = CreateCompany | CreateContact | CreateAgreement | CreateCatalogItem


@dataclass(frozen=True, slots=True)
class Existing:
    """A record that stands where one was to be created; `hint` tells what to do where it is another."""

    id: int
    is_same: bool = True
    hint: str = ""


class RecordCreation(Handler):
    """A creation that is looked for by the journal, an identifier or a name before it is sent."""

    __slots__ = ()
    is_proved_by_answer = True

    @property
    @abstractmethod
    def creation(self) -> RecordAction:
        """The action."""

    @abstractmethod
    def find(self, live: Live) -> Existing | None:
        """The record that the action would create, if it is there already."""

    def judge(self, live: Live) -> Outcome | None:
        """Already, where the very record is there; skipped, where its identifier is taken."""
        existing = self.find(live)
        if existing is None:
            return None
        if existing.is_same:
            return outcome(self.creation, State.ALREADY, f"there (id {existing.id})", existing.id)
        return outcome(self.creation, State.SKIPPED, existing.hint)

    def confirm(self, live: Live) -> Outcome | None:
        """The record, where ConnectWise shows it."""
        existing = self.judge(live)
        return existing if existing is not None and existing.state is State.ALREADY else None


def find_made_before(live: Live, key: str, path: str, gone_field: str) -> Existing | None:
    """What an earlier run made for this row, if it still stands: lists may not show it for minutes."""
    for id_ in live.earlier.ids_of(key, path):
        try:
            record = live.connectwise.service.get(f"{path}/{id_}", {"fields": f"id,{gone_field}"})
        except ApiError as error:
            if not error.is_absence:
                raise
            continue
        if not record_of(record, path).get(gone_field):
            return Existing(id_)
    return None


def find_like(
    live: Live, path: str, conditions: str, fields: str, is_it: Callable[[Mapping[str, Any]], bool]
) -> Existing | None:
    """A record of this very name under another identifier, and not made by xlsync for another row."""
    records, _ = live.connectwise.list_records(path, fields=fields, conditions=conditions)
    for record in records:
        if is_it(record) and id_of(record, path) not in live.earlier.made:
            taken = f"{record.get('name') or record.get('description')} [{record.get('identifier')}]"
            todo = "choose it on sheet Billing Lines, or give the new one another name"
            return Existing(id_of(record, path), False, f"{taken} is there already: {todo}")
    return None


def find_by_identifier(
    live: Live, path: str, identifier: str, name_field: str, name: str, gone_field: str
) -> Existing | None:
    """The record of this identifier: it is the wanted one where its name is alike and it is not gone."""
    records, _ = live.connectwise.list_records(
        path, fields=f"id,identifier,{name_field},{gone_field}", conditions=f"identifier={quote(identifier)}"
    )
    for record in records:
        if folded(str(record.get("identifier") or "")) == folded(identifier):
            taken = str(record.get(name_field) or "")
            is_same = folded(taken) == folded(name) and not record.get(gone_field)
            state = " (deleted)" if record.get(gone_field) else ""
            hint = f"identifier {identifier} belongs to {taken}{state}: choose another"
            return Existing(id_of(record, path), is_same, hint)
    return None


def find_by_name(
    live: Live, path: str, conditions: str, fields: str, is_it: Callable[[Mapping[str, Any]], bool]
) -> Existing | None:
    """The first record that is the wanted one by its name."""
    records, _ = live.connectwise.list_records(path, fields=f"id,{fields}", conditions=conditions)
    return next((Existing(id_of(record, path)) for record in records if is_it(record)), None)


def folded(text: str) -> str:
    """A name without regard to case and blanks."""
    return " ".join(text.split()).casefold()


def reference(id_: int | None) -> dict[str, int] | None:
    """A record that another one refers to, as ConnectWise writes it."""
    return None if id_ is None else {"id": id_}


def without_empty(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body without the fields that have no value."""
    return {name: value for name, value in body.items() if value is not None}
