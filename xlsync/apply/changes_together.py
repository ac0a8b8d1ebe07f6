"""Carry out changes of several additions of one agreement, which share the looks at that agreement's list.

So does a run of so many writes that the tolerated rate would make it wait for another minute. The list of
the agreement's additions is read, the changes that leave within half a second are sent, and the list is read
again: it proves them, and is the last look before the next ones. After any trouble the agreement is looked
at anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from xlsync.apply.actions import UpdateAddition
from xlsync.apply.handlers import handler_of
from xlsync.apply.journal import Journal
from xlsync.apply.judging import read_basis
from xlsync.apply.lookup import Live
from xlsync.apply.one_write import (
    Sent,
    carry_out,
    journal_request,
    journal_result,
    prepare,
    send,
    verify,
)
from xlsync.apply.plan import Outcome


def carry_out_together(
    changes: Sequence[UpdateAddition], live: Live, journal: Journal, may_go_on: Callable[[], bool]
) -> Iterator[Outcome]:
    """Carry out changes of additions of one agreement, in their order; yield each outcome.

    Where `may_go_on` says no, what was sent is still looked at, and the other changes have no outcome.
    """
    agreement = changes[0].agreement_id
    waiting, is_listed, is_believed = deque(changes), False, True
    while waiting and may_go_on():
        if not (is_listed and live.was_listed_just_now(agreement)):
            is_listed = is_believed and len(waiting) > 1 and _list_for(waiting, live)
        if not is_listed:
            yield carry_out(waiting.popleft(), live, journal)
            continue
        begun = list(_send_in_turn(waiting, live, journal, may_go_on))
        left = sum(isinstance(sent, Sent) for _, sent in begun)
        if left:
            is_listed = (left > 1 or bool(waiting)) and live.list_anew(agreement)
        for change, sent in begun:
            if isinstance(sent, Outcome):
                yield sent
                continue
            handler = handler_of(change)
            listed = handler.confirm_listed(live) if is_listed else None
            if is_listed and listed is None:
                is_believed = False  # a list that lags behind serves no other change
            yield journal_result(change, verify(change, handler, live, sent, listed), journal)
        is_listed = is_listed and is_believed


def _list_for(waiting: deque[UpdateAddition], live: Live) -> bool:
    """Read what changes rest upon, and last of all the list of their agreement's additions."""
    for change in waiting:
        read_basis(change, live)
    return live.list_anew(waiting[0].agreement_id)


def _send_in_turn(
    waiting: deque[UpdateAddition], live: Live, journal: Journal, may_go_on: Callable[[], bool]
) -> Iterator[tuple[UpdateAddition, Sent | Outcome]]:
    """Send the first change, and those behind it while the list is recent.

    A change with an outcome was not sent, was refused, or was settled before it was repeated.
    """
    while waiting:
        change = waiting.popleft()
        handler = handler_of(change)
        prepared = prepare(change, handler, live, anew=False)
        if isinstance(prepared, Outcome):
            yield change, prepared
        elif (unwritten := journal_request(change, prepared.request, journal)) is not None:
            yield change, unwritten
        else:
            sent = send(change, handler, live, prepared, journal)
            if isinstance(sent, Outcome):
                yield change, journal_result(change, sent, journal)
                return
            yield change, sent
            if sent.trouble is not None:
                return
        if not (may_go_on() and live.was_listed_just_now(change.agreement_id)):
            return
