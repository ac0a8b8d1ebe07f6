"""ConnectWise's present state, looked up for the actions of one run just before they are planned and sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeVar

from xlsync.apply.earlier_creations import EarlierCreations
from xlsync.apply.freshness import SHARED, Clock, Look, Looks, Moment
from xlsync.apply.marks import (
    fields_of_additions,
    marks_of_definitions,
    read_definitions,
    read_fields_of,
)
from xlsync.connectwise.client import ConnectWise
from xlsync.connectwise.lists import SETUP
from xlsync.connectwise.records import MARK_ID, MARK_NAME, AgreementNow, ItemNow, clean, id_of
from xlsync.errors import ApiError
from xlsync.models import Addition, Setup
from xlsync.settings import Creation

AT_ONCE: Final = 99  # most agreements, or companies, that are read anew in one request
T = TypeVar("T")
Additions = tuple[Addition, ...] | ApiError
_LISTS: Final = {  # the list of each kind of record that has custom fields; additions have none of their own
    "company": "/company/companies",
    "contact": "/company/contacts",
    "agreement": "/finance/agreements",
    "product": "/procurement/catalog",
}


class Live:
    """ConnectWise's present state for the actions of one run.

    `earlier` is what the journal tells of creations before this run. `restates_custom_fields` tells that a
    PATCH must name the custom fields, as a test of writing or an earlier refusal showed; `list_lag` is after
    how many seconds a list shows what is new, where a test of writing told. `clock` tells how old a value is.
    `shares_looks` tells that several changes of an agreement may rest on one look that is half a second old.
    `made_by` gives the keys of the actions that created additions in this run, by the ids of these.
    """

    def __init__(
        self,
        connectwise: ConnectWise,
        creation: Creation,
        earlier: EarlierCreations | None = None,
        *,
        restates_custom_fields: bool = False,
        list_lag: int = 0,
        clock: Clock = Moment.now,
    ) -> None:
        self.clock = clock
        self.connectwise = connectwise
        self.creation = creation
        self.earlier = earlier or EarlierCreations()
        self.restates_custom_fields = restates_custom_fields
        self.list_lag = list_lag
        self.shares_looks = False
        self.made_by: dict[int, str] = {}
        self._contacts: Looks[int | None] = Looks(clock)
        self._items: Looks[ItemNow | None] = Looks(clock)
        self._additions: Looks[Additions] = Looks(clock)
        self._agreements: Looks[AgreementNow | None] = Looks(clock)
        self._companies: Looks[str | None] = Looks(clock)  # names; None where a company was deleted
        self._records: dict[int, Looks[Addition | None]] = {}  # additions read by id, by agreement
        self._at_once = AT_ONCE
        self._renewing = threading.Lock()
        self._in_force: dict[int, str] | None = None
        self._cycles: tuple[Setup, ...] | None = None
        self._marks: dict[str, dict[str, Any]] | None = None
        self._custom_fields: dict[tuple[str, ...], dict[str, list[dict[str, Any]]]] = {}
        self._lock = threading.Lock()

    def read_additions(
        self, agreements: Collection[int], progress: Callable[[int], None] | None = None
    ) -> None:
        """Read the additions of these agreements that were not read just now, side by side."""
        began = self.clock()
        old = [agreement for agreement in agreements if not self._additions.is_fresh(agreement)]
        self._additions.keep(self.connectwise.list_additions(old, progress, whole=True), began)

    def read_agreements(self, ids: Collection[int]) -> None:
        """Read these agreements, in one request where that is possible.

        One that the list does not show, and an error, is left to the write that needs it: a list may not show
        yet what is new.
        """
        began = self.clock()
        try:
            agreements = self.connectwise.read_agreements(ids)
        except ApiError:
            return
        self._agreements.keep(agreements, began)

    def read_companies(self, ids: Collection[int]) -> None:
        """Read the names of these companies, in one request where that is possible, like agreements."""
        began = self.clock()
        try:
            names = self.connectwise.find_companies(ids)
        except ApiError:
            return
        self._companies.keep(names, began)

    def company_name(self, id_: int) -> str | None:
        """Return a company's present name; None where it was deleted."""
        self._renew(self._companies, id_, self.connectwise.find_companies)
        return self._companies.latest(id_, self.connectwise.read_company_name)

    def forget_additions(self, agreement: int | None) -> None:
        """Forget an agreement's additions, so that they are read anew."""
        if agreement is not None:
            self._additions.drop(agreement)
            self._records.pop(agreement, None)

    def agreement(self, id_: int) -> AgreementNow | None:
        """Return an agreement's present state, invoiced with its parent; None where it is gone."""
        own = self._agreement(id_)
        if own is None or own.parent_id is None:
            return own
        parent = self._agreement(own.parent_id)
        return own if parent is None or parent.closed else own.invoiced_by(parent)

    def _agreement(self, id_: int) -> AgreementNow | None:
        self._renew(self._agreements, id_, self.connectwise.read_agreements)
        return self._agreements.latest(id_, self.connectwise.read_agreement)

    def _renew(self, looks: Looks[T], id_: int, read: Callable[[list[int]], Mapping[int, T]]) -> None:
        """Read a value that is not recent, and others that are not, in one request.

        One that the list does not show is left to be read by its id, and all are after an error.
        """
        with self._renewing:
            outdated = looks.outdated_from(id_, self._at_once)
            if len(outdated) > 1:
                began = self.clock()
                try:
                    looks.keep(read(outdated), began)
                except ApiError:
                    self._at_once = 1

    def billing_months(self, agreement: AgreementNow) -> int | None:
        """Return the months that an invoice of an agreement bills; None where that is not known."""
        with self._lock:
            if self._cycles is None:
                try:
                    self._cycles = self.connectwise.list_setup(*SETUP["billing_cycles"])
                except ApiError:
                    self._cycles = ()  # the keys may not read them
            return next((c.months for c in self._cycles if c.id == agreement.billing_cycle), None)

    def item(self, id_: int) -> ItemNow | None:
        """Return a catalog item's present state; None where it is gone."""
        return self._items.latest(id_, self.connectwise.read_item_now)

    def default_contact(self, company: int) -> int | None:
        """Return the id of a company's default contact; None where it has none."""
        return self._contacts.latest(company, self.connectwise.read_default_contact)

    def additions_of(self, agreement: int) -> tuple[Addition, ...]:
        """Return the additions of an agreement, read again if they are not recent."""
        return _sure(
            self._additions.latest(
                agreement, lambda id_: self.connectwise.list_additions([id_], whole=True)[id_]
            )
        )

    def known_additions(self) -> list[tuple[Addition, ...]]:
        """Return the additions that were read of any agreement, however long ago."""
        return [additions for additions in self._additions.all() if not isinstance(additions, ApiError)]

    def agreements_in_force(self) -> dict[int, str]:
        """Return the label of every agreement that is not cancelled, by id, as read once."""
        with self._lock:
            if self._in_force is None:
                records = self.connectwise.list_where(
                    "/finance/agreements", fields="id,name,company/name", condition="cancelledFlag=False"
                )
                self._in_force = {
                    id_of(record, "/finance/agreements"): _tell_agreement(record) for record in records
                }
            return self._in_force

    def known_of(self, agreement: int) -> tuple[Addition, ...]:
        """Return the additions of an agreement as they were read, however long ago."""
        known = self._additions.known(agreement)
        return self.additions_of(agreement) if known is None else _sure(known)

    def list_additions(self, agreement: int, *, is_counted: bool = False) -> tuple[Addition, ...]:
        """Read the additions of an agreement anew; `is_counted` holds an empty list against their count."""
        return _sure(self.connectwise.list_additions([agreement], is_counted=is_counted)[agreement])

    def addition(self, seen: Addition) -> Addition | None:
        """Return an addition's present state, read if it is not recent; None where it is gone."""
        if self._additions.is_fresh(seen.agreement_id):
            return self.listed(seen)
        records = self._records.setdefault(seen.agreement_id, Looks(self.clock))
        return records.latest(seen.id, lambda id_: self.connectwise.read_addition(seen.agreement_id, id_))

    def listed(self, seen: Addition) -> Addition | None:
        """Return an addition as the list of its agreement showed it last; None where that did not."""
        return next((one for one in self.known_of(seen.agreement_id) if one.id == seen.id), None)

    def list_anew(self, agreement: int) -> bool:
        """Read the additions of an agreement anew; False where that failed, and they are forgotten."""
        self.forget_additions(agreement)
        try:
            self.additions_of(agreement)
        except ApiError:
            self.forget_additions(agreement)
            return False
        return True

    def was_listed_just_now(self, agreement: int) -> bool:
        """Return whether the list of an agreement's additions is recent enough for several writes."""
        look = self._additions.look(agreement)
        is_fresh = self._additions.is_fresh(agreement)
        return is_fresh and look is not None and look.ended.is_fresh(self.clock(), SHARED)

    def look_at(self, seen: Addition) -> Look | None:
        """Return the look that showed an addition as it is known; None where it was not read."""
        records = self._records.get(seen.agreement_id)
        read = records.look(seen.id) if records is not None else None
        return read or self._additions.look(seen.agreement_id)

    def marks(self, agreement: int) -> dict[str, dict[str, Any]]:
        """Find the additions' custom fields `Subscription ID` and `Subscription Name`, if there are any.

        An existing addition shows their ids; without one their definitions do, unless several
        screens have a field of that caption, or the keys may not read the definitions.
        """
        with self._lock:
            if self._marks is None:
                known = [*self.known_additions(), self.additions_of(agreement)]
                self._marks = fields_of_additions(known, (MARK_ID, MARK_NAME)) or marks_of_definitions(
                    self.connectwise
                )
            return self._marks

    def custom_fields(self, names: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
        """Find custom fields by caption, or by id: the fields of each name, of whatever screen."""
        with self._lock:
            if names not in self._custom_fields:
                self._custom_fields[names] = read_definitions(self.connectwise, names)
            return self._custom_fields[names]

    def custom_fields_of(self, kind: str, captions: Collection[str]) -> dict[str, dict[str, Any]]:
        """Find those of the captions that a record of a kind shows, by caption."""
        if kind == "addition":
            return fields_of_additions(self.known_additions(), captions)
        shown = read_fields_of(self.connectwise, _LISTS[kind])
        return {caption: shown[caption] for caption in captions if caption in shown}


def _tell_agreement(record: Mapping[str, Any]) -> str:
    company = record.get("company")
    name = company.get("name") if isinstance(company, dict) else None
    return " · ".join(clean(str(text)) for text in (name, record.get("name")) if text)


def _sure(additions: Additions) -> tuple[Addition, ...]:
    """Return the additions; raises the error where they could not be read."""
    if isinstance(additions, ApiError):
        raise additions
    return additions
