"""Creations of earlier runs, by the journal: ids, and requests without an answer. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

from xlsync.apply.journal import Run, Write
from xlsync.apply.plan import State

UNSURE: Final = dt.timedelta(
    minutes=10
)  # during this time a list without a record does not prove its absence


class Earlier:
    """The creations that the journal of this machine holds, by the key of their action."""

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._writes: dict[str, list[Write]] = {}
        self.made: set[int] = set()  # ids of all created records
        for run in sorted(runs, key=lambda run: run.id):
            for write in run.writes:
                if run.command != "undo" and write.method == "POST":
                    self._writes.setdefault(write.key, []).append(write)
                    self.made |= {write.id} if write.id is not None else set()

    def ids_of(self, key: str, path: str) -> tuple[int, ...]:
        """Return the ids created by an action's key on a path, the newest first."""
        ids = (w.id for w in reversed(self._writes.get(key, ())) if w.path == path and w.id is not None)
        return tuple(ids)

    def find_unanswered(self, key: str, now: dt.datetime) -> Write | None:
        """Return the last creation of a key, if it was sent minutes ago and its outcome is unknown."""
        last = next(reversed(self._writes.get(key, [])), None)
        if last is None or last.state != State.UNKNOWN or last.id is not None:
            return None
        return last if now - dt.datetime.fromisoformat(last.at) < UNSURE else None


def tell_unanswered(write: Write) -> str:
    """Say how long to wait before a creation is sent again."""
    at = dt.datetime.fromisoformat(write.at)
    return (
        f"it was sent at {at:%H:%M} without an answer and is not seen in ConnectWise yet, which proves "
        f"nothing for some minutes: apply it after {at + UNSURE:%H:%M}, then it is looked for and sent"
    )
