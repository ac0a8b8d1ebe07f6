"""The progress of a command: bars on a terminal, nothing elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console

from xlsync.apply.plan import Outcome
from xlsync.gather.systems import silent
from xlsync.models import Progress as Step
from xlsync.rest.service import Service

_REQUESTS_A_WRITE: Final = 2  # at least: the write itself, and the look at what it made


@contextmanager
def progress(console: Console, *, is_shown: bool) -> Iterator[Step]:
    """Show progress bars with counts; silent off a terminal."""
    if not is_shown or not console.is_terminal:
        yield silent
        return
    from xlsync.cli.progress_bars import bars  # noqa: PLC0415 - off a terminal nobody needs it

    with bars(console) as step:
        yield step


def count_outcomes(step: Step, what: str, count: int, service: Service) -> Callable[[Outcome], None]:
    """Return a function that moves a progress bar on with each outcome.

    How long the others take at the rate of requests is judged by how many requests were sent so far, also
    for those that are under way.
    """
    done, begun = 0, service.requests

    def tell() -> None:
        under_way = min(count, done + service.workers)
        requests = max(_REQUESTS_A_WRITE, (service.requests - begun) / max(under_way, 1))
        step(what, done, count, service.seconds_for(math.ceil(requests * (count - done))))

    def next_one(_outcome: Outcome) -> None:
        nonlocal done
        done += 1
        tell()

    tell()
    return next_one
