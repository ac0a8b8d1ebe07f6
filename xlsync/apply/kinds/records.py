"""The base of handlers that create companies, contacts, agreements and products: they search first."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from xlsync.apply.actions import CreateAgreement, CreateCatalogItem, CreateCompany, CreateContact
from xlsync.apply.field_names import FIELDS
from xlsync.apply.kinds.handler import Handler
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome, State, outcome
from xlsync.connectwise.records import folded, id_of, record_of
from xlsync.errors import ApiError
from xlsync.records import replace

# A record like the one to create: the field that names it, the name, further fields, and what decides.
SameRecord = tuple[str, str, str, Callable[[Mapping[str, Any]], bool]]
RecordAction = CreateCompany | CreateContact | CreateAgreement | CreateCatalogItem


class Existing(Struct, frozen=True):
    """An existing record in place of the one to create; `hint` says what to do if it is another one.

    `sent` are the fields with which an earlier run created it for the row; empty where none did.
    """

    id: int
    is_same: bool = True
    hint: str = ""
    sent: Mapping[str, Any] = field(default_factory=dict)


class RecordCreation(Handler):
    """Handler of a creation that first searches for the record by journal, identifier or name."""

    __slots__ = ()
    is_proved_by_answer = True

    @property
    @abstractmethod
    def creation(self) -> RecordAction:
        """The action of the handler."""

    @property
    @abstractmethod
    def typed(self) -> dict[str, Any]:
        """The fields of the record that the row shows, as they are sent."""

    @abstractmethod
    def find(self, live: Live, *, is_counted: bool) -> Existing | None:
        """Find the record that the action would create; `is_counted` holds empty lists against a count."""

    def judge(self, live: Live) -> Outcome | None:
        """Return the outcome already if the record exists, skipped if its identifier is taken; else None."""
        return self._judge(live, is_counted=True)

    def _judge(self, live: Live, *, is_counted: bool) -> Outcome | None:
        existing = self.find(live, is_counted=is_counted)
        if existing is None:
            return None
        if not existing.is_same:
            return outcome(self.creation, State.SKIPPED, existing.hint)
        there = outcome(self.creation, State.ALREADY, f"there (id {existing.id})", existing.id)
        other = tell_other(existing.sent, self.typed) if existing.sent else ""
        if not other:
            return there
        detail = f"{there.detail}, and was created with {other}: change it in ConnectWise"
        return replace(there, detail=detail, differs=True)

    def confirm(self, live: Live) -> Outcome | None:
        """Return the outcome done if ConnectWise shows the record; lists may lack it for some minutes."""
        existing = self._judge(live, is_counted=False)
        return existing if existing is not None and existing.state is State.ALREADY else None


def find_made_before(
    live: Live, key: str, path: str, gone_field: str, *, company: int | None = None
) -> Existing | None:
    """Find the record that an earlier run created for the row: lists may not show it for minutes.

    That of another `company`, where one is given, was created before the row got another customer.
    """
    fields = f"id,{gone_field}" if company is None else f"id,{gone_field},company/id"
    for id_ in live.earlier.ids_of(key, path):
        try:
            record = record_of(live.connectwise.service.get(f"{path}/{id_}", {"fields": fields}), path)
        except ApiError as error:
            if not error.is_absence:
                raise
            continue
        is_own = company is None or id_of(record_of(record.get("company"), path), path) == company
        if is_own and not record.get(gone_field):
            return Existing(id_, sent=live.earlier.body_of(key, path, id_))
    return None


def tell_other(sent: Mapping[str, Any], typed: Mapping[str, Any]) -> str:
    """Name the fields that were sent with other values than a row shows now; empty where there are none."""
    return ", ".join(
        f"{FIELDS.get(name, name)} {_tell(sent.get(name))} instead of {_tell(value)}"
        for name, value in typed.items()
        if sent.get(name) != value
    )


def _tell(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case {"id": id_} | [{"id": id_}]:
            return f"id {id_}"
    return str(value)


def find_like(live: Live, path: str, same: SameRecord, *, is_counted: bool) -> Existing | None:
    """Find a record of equal name under another identifier, not created by xlsync for another row."""
    field, name, fields, is_it = same
    own = live.earlier.created_on(path)
    for record in live.connectwise.list_named(
        path, fields=f"id,{field},{fields}", field=field, text=name, is_counted=is_counted
    ):
        if is_it(record) and id_of(record, path) not in own:
            taken = f"{record.get('name') or record.get('description')} [{record.get('identifier')}]"
            todo = "choose it on sheet Billing Lines, or give the new one another name"
            return Existing(id_of(record, path), False, f"{taken} is there already: {todo}")
    return None


def find_by_identifier(
    live: Live,
    path: str,
    identifier: str,
    name_field: str,
    name: str,
    gone_field: str,
    *,
    is_counted: bool,
) -> Existing | None:
    """Find the record of an identifier: it is the wanted one if its name is equal and it is not gone."""
    records = live.connectwise.list_named(
        path,
        fields=f"id,identifier,{name_field},{gone_field}",
        field="identifier",
        text=identifier,
        is_counted=is_counted,
    )
    for record in records:
        if folded(str(record.get("identifier") or "")) == folded(identifier):
            taken = str(record.get(name_field) or "")
            is_same = folded(taken) == folded(name) and not record.get(gone_field)
            state = " (deleted)" if record.get(gone_field) else ""
            hint = f"identifier {identifier} belongs to {taken}{state}: choose another"
            return Existing(id_of(record, path), is_same, hint)
    return None


def list_twins(live: Live, path: str, same: SameRecord, created_id: int) -> tuple[int, ...]:
    """List the ids of records like the one just created, but for those that xlsync made for another row."""
    field, name, fields, is_it = same
    own = {created_id, *live.earlier.created_on(path)}
    records = live.connectwise.list_named(
        path, fields=f"id,{field},{fields}", field=field, text=name, is_counted=False
    )
    ids = (id_of(record, path) for record in records if is_it(record))
    return tuple(id_ for id_ in ids if id_ not in own)


def reference(id_: int | None) -> dict[str, int] | None:
    """Make a reference to a record as ConnectWise writes it."""
    return None if id_ is None else {"id": id_}


def without_empty(body: Mapping[str, Any]) -> dict[str, Any]:
    """Remove the fields of a body that have no value."""
    return {name: value for name, value in body.items() if value is not None}
