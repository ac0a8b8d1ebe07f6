"""Creations of earlier runs, by the journal: ids, and requests without an answer. PURE.

A creation is known by the key of its action, and by what it creates: the key of a row changes where a
customer or product is linked meanwhile.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Set
from typing import Any, Final

from xlsync.apply.actions import Action, CreateAddition, CreateAgreement, CreateContact
from xlsync.apply.plan import State
from xlsync.apply.runs import Run, Write
from xlsync.connectwise.records import folded

# During this time a list without a record does not prove its absence.
UNSURE: Final = dt.timedelta(minutes=10)
_Place = tuple[str, ...]  # where a record is created, and what distinguishes it there


class EarlierCreations:
    """The creations that the journal holds, by the key of their action and by what they create."""

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._by_key: dict[str, list[Write]] = {}
        self._by_place: dict[_Place, list[Write]] = {}
        self._created: dict[str, set[int]] = {}  # ids of created records by path: each kind counts its own
        for run in sorted(runs, key=lambda run: run.id):
            for write in run.writes:
                if run.command != "undo" and write.method == "POST":
                    self._by_key.setdefault(write.key, []).append(write)
                    place = _place_of_write(write)
                    if place is not None:
                        self._by_place.setdefault(place, []).append(write)
                    if write.id is not None and write.state != State.ALREADY:
                        self.add_created(write.path, write.id)

    def add_created(self, path: str, id_: int) -> None:
        """Note that a record was created on a path."""
        self._created.setdefault(path, set()).add(id_)

    def created_on(self, path: str) -> Set[int]:
        """Return the ids of the records created on a path: those of another path count apart."""
        return frozenset(self._created.get(path, ()))

    def ids_of(self, key: str, path: str) -> tuple[int, ...]:
        """Return the ids created by an action's key on a path, the newest first."""
        ids = (w.id for w in reversed(self._by_key.get(key, ())) if w.path == path and w.id is not None)
        return tuple(ids)

    def body_of(self, key: str, path: str, id_: int) -> Mapping[str, Any]:
        """Return what was sent when an action's key created a record; empty where it was there by then."""
        made = (
            w for w in self._by_key.get(key, ()) if (w.path, w.id) == (path, id_) and w.state == State.DONE
        )
        return next((w.body for w in made if isinstance(w.body, Mapping)), {})

    def additions_like(self, action: CreateAddition, path: str) -> tuple[int, ...]:
        """Return the ids of additions created on a path by an action's key, or of its product."""
        place = _place_of(action)
        like = () if place is None else (write.id for write in self._by_place.get(place, ()))
        return tuple(
            dict.fromkeys((*self.ids_of(action.key, path), *(id_ for id_ in like if id_ is not None)))
        )

    def find_unanswered(self, action: Action, now: dt.datetime) -> Write | None:
        """Return a creation of what an action creates, if its outcome, minutes ago, is unknown.

        Runs of machines whose clocks differ stand in no sure order, so that each of them counts.
        """
        place = _place_of(action)
        writes = (
            *self._by_key.get(action.key, ()),
            *(() if place is None else self._by_place.get(place, ())),
        )
        unsure = (write for write in writes if write.is_unsure and now < sure_from(write))
        return max(unsure, key=_sent_at, default=None)


def sure_from(write: Write) -> dt.datetime:
    """Return the moment from which a list without the record proves that a write did not create it."""
    return _sent_at(write) + UNSURE


def _sent_at(write: Write) -> dt.datetime:
    """Return the latest time by this machine's clock at which a write may have been sent."""
    return write.latest_at or dt.datetime.fromisoformat(write.at)


def _place_of(action: Action) -> _Place | None:
    """Return where an action creates a record, and what distinguishes it there."""
    match action:
        case CreateAddition(agreement=int(agreement), item=int(item)):
            return (f"/finance/agreements/{agreement}/additions", str(item))
        case CreateContact(company=int(company)):
            return ("/company/contacts", str(company), folded(f"{action.first_name} {action.last_name}"))
        case CreateAgreement(company=int(company)):
            return ("/finance/agreements", str(company), folded(action.name))
    return None


def _place_of_write(write: Write) -> _Place | None:
    """Return where a creation of the journal created a record, and what distinguishes it there."""
    body: Mapping[str, Any] = write.body if isinstance(write.body, Mapping) else {}
    match write.kind:
        case CreateAddition.__name__:
            return (write.path, reference_in(body, "product"))
        case CreateContact.__name__:
            name = folded(f"{body.get('firstName') or ''} {body.get('lastName') or ''}")
            return (write.path, reference_in(body, "company"), name)
        case CreateAgreement.__name__:
            return (write.path, reference_in(body, "company"), folded(str(body.get("name") or "")))
    return None


def reference_in(body: Mapping[str, Any], name: str) -> str:
    """Return as text the id of the record that a field of a creation refers to; empty where it names none."""
    reference = body.get(name)
    id_ = reference.get("id") if isinstance(reference, Mapping) else None
    return "" if id_ is None else str(id_)


def tell_unanswered(write: Write) -> str:
    """Say how long to wait before a creation is sent again."""
    at, sure = _sent_at(write), sure_from(write)
    return (
        f"it was sent at {at:%H:%M} without an answer and is not seen in ConnectWise yet, which proves "
        f"nothing for some minutes: apply it after {sure:%H:%M}, then it is looked for and sent"
    )
