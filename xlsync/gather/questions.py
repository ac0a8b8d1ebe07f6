"""Reads that depend on a month's lines and lists; each is sent once during a command."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from decimal import Decimal
from typing import Final

from msgspec import Struct, field

from xlsync.amounts import counted, shortened
from xlsync.connectwise.client import Recaps
from xlsync.errors import ApiError
from xlsync.gather.recent import Recent
from xlsync.gather.systems import Systems
from xlsync.models import Account, Addition, BillingLine, Progress, Recap
from xlsync.plain_json import fingerprint
from xlsync.records import replace
from xlsync.waiting import result_of

Question = tuple[str, str]  # the path of a list, and conditions
_NAMED: Final = 3  # additions that a notice names one by one
_KEPT_TOGETHER: Final = 100  # agreements whose additions are cached while others are still being read
Additions = tuple[Addition, ...] | ApiError


class Asked(Struct, frozen=True, kw_only=True):
    """The reads made: additions and recaps by agreement, keys of lines, BSS ids by customer, identifiers."""

    agreements: tuple[int, ...] = ()
    recaps: tuple[int, ...] = ()
    lines: tuple[str, ...] = ()
    customers: Mapping[str, str] = field(default_factory=dict)
    identifiers: tuple[Question, ...] = ()


class _Needed(Struct):
    """The reads that a command needed, in their order; `customers` are ids of the BSS by customer key."""

    agreements: dict[int, None] = field(default_factory=dict)
    recaps: dict[int, None] = field(default_factory=dict)
    lines: dict[str, None] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)
    identifiers: dict[Question, None] = field(default_factory=dict)


class Asking:
    """Reader that sends each read once, and fingerprints the answers."""

    def __init__(
        self,
        systems: Systems,
        progress: Progress,
        now: dt.datetime,
        *,
        uses_recent: bool = False,
    ) -> None:
        self._systems, self._progress = systems, progress
        self._uses_recent, self.today = uses_recent, now.date()
        self._recent = Recent[tuple[Addition, ...]]("", tuple[Addition, ...], systems.additions, now)
        self._recent_recaps = Recent[Recap | None]("recaps", Recap | None, systems.additions, now)
        self._as_of: dict[str, dt.datetime] = {}  # when reused answers were read, by their kind
        self._needed = _Needed()
        self._additions: dict[int, Additions] = {}
        self._read = 0  # agreements whose additions were asked for, not found in the cache
        self._begun: dict[str, Future[None]] = {}  # reads in threads, by their kind
        self._recaps: dict[int, Recap | None] = {}
        self._no_recaps: ApiError | None = None
        self._own_units: dict[str, Decimal | ApiError] = {}  # by contract
        self._contracts: dict[str, str] = {}  # by line key
        self._addresses: dict[str, Account | None] = {}
        self._identifiers: dict[Question, tuple[str, ...] | ApiError] = {}

    def begin_additions(self, find: Callable[[], Iterable[int]]) -> None:
        """Begin to read the additions of the agreements that `find` names, in a thread of its own."""
        before = self._begun.get("additions")
        self._begun["additions"] = self._systems.threads.submit(self._read_in_thread, before, find)

    def _read_in_thread(self, before: Future[None] | None, find: Callable[[], Iterable[int]]) -> None:
        if before is not None:
            before.result()
        try:
            self._read_additions(sorted(set(find())))
        finally:
            self._systems.additions.close()  # only this thread can close its connection

    def additions(self, agreements: Iterable[int]) -> dict[int, Additions]:
        """Read the additions of agreements, by id; a failed read is its error.

        Those that are being read already are waited for.
        """
        wanted = sorted(set(agreements))
        self._end("additions")
        self._needed.agreements |= dict.fromkeys(wanted)
        self._read_additions(wanted)
        return {id_: _without_status(self._additions[id_]) for id_ in wanted}

    def _read_additions(self, wanted: Iterable[int]) -> None:
        new = [id_ for id_ in wanted if id_ not in self._additions]
        if new and self._uses_recent:
            recent, as_of = self._recent.find(new)
            self._additions |= recent
            self._note_reused("additions", as_of)
            new = [id_ for id_ in new if id_ not in recent]
        if new:
            service = self._systems.connectwise.service
            read, self._read = self._read, self._read + len(new)
            count = service.counting(self._progress, "Reading additions", self._read)
            count(read)
            unkept: dict[int, tuple[Addition, ...]] = {}
            reading = self._systems.connectwise.each_additions(new, with_status=True, is_counted=True)
            with closing(reading) as coming:
                for done, (id_, answer) in enumerate(coming, start=1):
                    self._additions[id_] = additions = self._with_odd_status(answer)
                    if not isinstance(additions, ApiError):
                        unkept[id_] = additions
                    if len(unkept) == _KEPT_TOGETHER:
                        self._recent.keep(unkept)
                        unkept = {}
                    count(read + done)
            self._recent.keep(unkept)

    @property
    def notices(self) -> tuple[str, ...]:
        """The notices about reused answers, and about additions whose status contradicts their dates."""
        return (*self._tell_reused(), *self._tell_contradictions())

    def _tell_reused(self) -> Iterator[str]:
        if self._as_of:
            what, when = " and ".join(sorted(self._as_of)).capitalize(), f"{min(self._as_of.values()):%H:%M}"
            yield f"{what} were read at {when}, less than ten minutes ago; add --refresh to read them anew"

    def _note_reused(self, kind: str, as_of: dt.datetime | None) -> None:
        if as_of is not None:
            self._as_of[kind] = min(as_of, self._as_of.get(kind, as_of))

    def _with_odd_status(self, answer: Additions) -> Additions:
        """Return additions with their status where it contradicts their dates, and without it elsewhere."""
        if isinstance(answer, ApiError):
            return answer
        return tuple(
            record if not record.status or record.contradiction(self.today) else replace(record, status="")
            for record in answer
        )

    def _tell_contradictions(self) -> Iterator[str]:
        odd = [
            text
            for id_ in self._needed.agreements
            if not isinstance(answer := self._additions[id_], ApiError)
            for record in answer
            if (text := record.contradiction(self.today))
        ]
        if odd:
            yield (
                f"The status of {counted(len(odd), 'addition')} contradicts the dates, by which xlsync goes: "
                f"{shortened(odd, _NAMED)}. Look at them in ConnectWise"
            )

    def recaps(self, agreements: Iterable[int]) -> Recaps:
        """Read the recaps of agreements, by id; the error where that failed."""
        wanted = sorted(set(agreements))
        self._needed.recaps |= dict.fromkeys(wanted)
        self._end("recaps")
        self._read_recaps(wanted)
        if self._no_recaps is not None:
            return self._no_recaps
        return {id_: recap for id_ in wanted if (recap := self._recaps[id_]) is not None}

    def _read_recaps(self, wanted: Iterable[int]) -> None:
        new = [id_ for id_ in wanted if id_ not in self._recaps]
        if new and self._no_recaps is None:
            recaps = self._systems.connectwise.list_recaps(new, self._read_unlisted)
            if isinstance(recaps, ApiError):
                self._no_recaps = recaps
            else:
                self._recaps |= {id_: recaps.get(id_) for id_ in new}

    def _read_unlisted(self, wanted: list[int]) -> Recaps:
        """Read the recaps that ConnectWise does not list by their ids, or take those read minutes ago."""
        if not wanted:
            return {}
        try:
            recent, as_of = self._recent_recaps.find(wanted) if self._uses_recent else ({}, None)
            self._note_reused("recaps", as_of)
            new = [id_ for id_ in wanted if id_ not in recent]
            recaps = self._systems.connectwise.read_recaps(new)
            if isinstance(recaps, ApiError):
                return recaps
            self._recent_recaps.keep({id_: recaps.get(id_) for id_ in new})
            return {id_: recap for id_, recap in recent.items() if recap is not None} | recaps
        finally:
            self._systems.additions.close()  # only this thread can close its connection

    def own_units(self, lines: Sequence[BillingLine]) -> Mapping[str, Decimal | ApiError]:
        """Read the BSS's own units of the lines, by contract."""
        self._needed.lines |= dict.fromkeys(line.key for line in lines)
        self._end("own units")
        self._read_own_units(lines)
        return self._own_units

    def _read_own_units(self, lines: Iterable[BillingLine]) -> None:
        new = [line for line in lines if line.key not in self._contracts]
        if new:
            self._own_units |= self._systems.bss.list_own_units(new)
            self._contracts |= {line.key: line.contract for line in new}

    def addresses(self, customers: Mapping[str, str]) -> dict[str, Account]:
        """Read the addresses of customers by key; failed reads are left out, since these are proposals.

        `customers` are the ids of the BSS by key.
        """
        self._needed.customers |= customers
        self._end("addresses")
        self._read_addresses(customers.values())
        return {
            key: address for key, id_ in customers.items() if (address := self._addresses[id_]) is not None
        }

    def _read_addresses(self, ids: Iterable[str]) -> None:
        new = [id_ for id_ in dict.fromkeys(ids) if id_ not in self._addresses]
        if new:
            bss = self._systems.bss
            answers = bss.service.side_by_side(bss.read_account, new)
            known = (None if isinstance(answer, ApiError) else answer for answer in answers)
            self._addresses |= zip(new, known, strict=True)

    def taken(self, questions: Iterable[Question]) -> frozenset[str]:
        """Look up which identifiers belong to deleted or inactive records; they are returned folded.

        A failed read is harmless: an identifier is looked up again before it is created.
        """
        wanted = list(questions)
        self._needed.identifiers |= dict.fromkeys(wanted)
        self._end("identifiers")
        self._look_up(wanted)
        answers = (self._identifiers[question] for question in wanted)
        return frozenset(
            identifier for answer in answers if not isinstance(answer, ApiError) for identifier in answer
        )

    def _look_up(self, wanted: Iterable[Question]) -> None:
        new = [question for question in wanted if question not in self._identifiers]
        if new:
            service = self._systems.connectwise.service
            self._identifiers |= zip(new, service.side_by_side(self._read_identifiers, new), strict=True)

    def _read_identifiers(self, question: Question) -> tuple[str, ...]:
        path, conditions = question
        records, _ = self._systems.connectwise.list_records(
            path, fields="id,identifier", conditions=conditions
        )
        return tuple(str(record.get("identifier") or "").casefold() for record in records)

    @property
    def asked(self) -> Asked:
        """The reads that this command needed, those that were made ahead among them."""
        return Asked(
            agreements=tuple(sorted(self._needed.agreements)),
            recaps=tuple(sorted(self._needed.recaps)),
            lines=tuple(self._needed.lines),
            customers=dict(self._needed.customers),
            identifiers=tuple(self._needed.identifiers),
        )

    def begin_again(self, asked: Asked) -> None:
        """Begin to repeat the reads of an earlier command, but for those that need the month's lines.

        Both systems have to be opened by then: their first use in two threads would open them twice.
        """
        submit = self._systems.threads.submit
        self.begin_additions(lambda: asked.agreements)
        self._begun |= {
            "recaps": submit(self._read_recaps, asked.recaps),
            "addresses": submit(self._read_addresses, asked.customers.values()),
            "identifiers": submit(self._look_up, asked.identifiers),
        }

    def begin_own_units_again(self, asked: Asked, lines: Iterable[BillingLine]) -> None:
        """Begin to repeat the reads of an earlier command that are about the month's lines."""
        wanted = set(asked.lines)
        known = [line for line in lines if line.key in wanted]
        self._begun["own units"] = self._systems.threads.submit(self._read_own_units, known)

    def _end(self, *kinds: str) -> None:
        """Wait for reads that were begun; raises their error."""
        for kind in kinds:
            if (reading := self._begun.pop(kind, None)) is not None:
                result_of(reading)

    def fingerprint(self, asked: Asked) -> str:
        """Return a fingerprint of the answers to these reads; empty where one of them failed or is missing.

        Another time the answer may be there.
        """
        self._end("additions", "recaps", "addresses", "identifiers", "own units")
        additions = [self._additions.get(id_) for id_ in asked.agreements]
        identifiers = [(question, self._identifiers.get(question)) for question in sorted(asked.identifiers)]
        contracts = [self._contracts.get(key) for key in asked.lines]
        own_units = [
            (contract, self._own_units.get(contract)) for contract in sorted(filter(None, set(contracts)))
        ]
        answers = (*additions, *contracts, *(answer for _, answer in identifiers))
        others = (*(answer for _, answer in own_units), self._no_recaps)
        if None in answers or any(isinstance(answer, ApiError) for answer in (*answers, *others)):
            return ""
        return fingerprint(
            (addition for of_one in additions if isinstance(of_one, tuple) for addition in of_one),
            (self._recaps.get(id_) for id_ in asked.recaps),
            own_units,
            ((key, self._addresses.get(id_)) for key, id_ in sorted(asked.customers.items())),
            identifiers,
        )


def _without_status(answer: Additions) -> Additions:
    """Return additions as commands compare them: by their dates alone."""
    if isinstance(answer, ApiError) or not any(record.status for record in answer):
        return answer
    return tuple(replace(record, status="") for record in answer)
