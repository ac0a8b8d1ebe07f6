"""What each kind of action must answer to be performed: judge, request, replaced values, confirmation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

from xlsync.apply.actions import Setting
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome


@dataclass(frozen=True, slots=True)
class HttpWrite:
    """One write as it is sent, and as the journal keeps it.

    `succeeds` is the addition that a new one continues.
    """

    method: Literal["POST", "PATCH"]
    path: str
    body: Any
    succeeds: int | None = None


class Handler(ABC):
    """One action with all that depends on its kind; each method may raise ApiError.

    `word` stands before the id of what was created. `is_proved_by_answer` tells that an answer with an id
    is proof enough of a creation; otherwise ConnectWise is looked at again.
    """

    __slots__ = ()
    word = "id"
    is_proved_by_answer = False

    @abstractmethod
    def judge(self, live: Live) -> Outcome | None:
        """The outcome, where ConnectWise's present state leaves nothing to send; else None."""

    def judge_needed(self, live: Live) -> Outcome | None:  # noqa: ARG002
        """Skipped, where something else that the write needs has changed since it was approved."""
        return None

    @abstractmethod
    def request(self, live: Live) -> HttpWrite | str:
        """What is sent, or in words why it cannot be."""

    @abstractmethod
    def confirm(self, live: Live) -> Outcome | None:
        """The outcome, where ConnectWise shows that the write was carried out; else None."""

    def read_replaced(self, live: Live) -> dict[str, Setting] | None:  # noqa: ARG002
        """The values that the write replaces, as they are just before it."""
        return None

    def find_twins(self, live: Live, made: int) -> tuple[int, ...]:  # noqa: ARG002
        """Others that are like what was just created, and were not there when it was approved."""
        return ()
