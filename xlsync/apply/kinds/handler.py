"""The interface of handlers: judge, request, replaced values and confirmation of one kind of action."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from xlsync.apply.freshness import Look
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome
from xlsync.apply.set_fields import Setting


class HttpWrite(Struct, frozen=True):
    """One write as it is sent and stored in the journal.

    `succeeds` is the addition that a new one succeeds. `note` is what the result adds, such as what was
    left out. `was` are the values that it replaces.
    """

    method: Literal["POST", "PATCH"]
    path: str
    body: Any
    succeeds: int | None = None
    note: str = ""
    was: Mapping[str, Setting] | None = None


class Handler(ABC):
    """An action with the code of its kind; each method may raise ApiError.

    `word` stands before the id of a created record. `is_proved_by_answer` says that an answer with an id
    proves a creation; otherwise ConnectWise is read again. `waits_when_unanswered` says that some minutes
    must pass after a lost answer; otherwise a person decides.
    """

    __slots__ = ()
    word = "id"
    is_proved_by_answer = False
    waits_when_unanswered = True

    @abstractmethod
    def judge(self, live: Live) -> Outcome | None:
        """Return the outcome if ConnectWise's present state leaves nothing to send; else None."""

    def judge_needed(self, live: Live) -> Outcome | None:  # noqa: ARG002
        """Return the outcome skipped if something else that the write needs changed since its approval."""
        return None

    @abstractmethod
    def request(self, live: Live) -> HttpWrite | str:
        """Make the request, or say why it cannot be made."""

    @abstractmethod
    def confirm(self, live: Live) -> Outcome | None:
        """Return the outcome if ConnectWise shows that the write was carried out; else None."""

    def confirm_listed(self, live: Live) -> Outcome | None:  # noqa: ARG002
        """Return the outcome done if the list that was read after the write shows it; else None."""
        return None

    def read_replaced(self, live: Live) -> dict[str, Setting] | None:  # noqa: ARG002
        """Return the values that the write is about to replace."""
        return None

    def looked_at(self, live: Live) -> Look | None:  # noqa: ARG002
        """Return the look that showed the replaced values; None where it was the last one."""
        return None

    def tell_stored_otherwise(self, live: Live) -> str:  # noqa: ARG002
        """Name the fields of a change that have neither the wanted nor the old value now; else empty."""
        return ""

    def compare_with_approved(self, live: Live, made: Outcome) -> Outcome:  # noqa: ARG002
        """Return the outcome with what ConnectWise made otherwise than approved, where that is looked up."""
        return made

    def find_twins(self, live: Live, created_id: int) -> tuple[int, ...]:  # noqa: ARG002
        """Find records like the one just created that were created since the approval."""
        return ()

    def tell_unlike_row(self, answer: object) -> str:  # noqa: ARG002
        """Say what ConnectWise decided otherwise than the row showed, of what is not sent; else empty."""
        return ""
