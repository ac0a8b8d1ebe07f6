"""Progress bars for the terminal; no other command needs what rich loads for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.text import Text

from xlsync.amounts import tell_time_left
from xlsync.models import Progress as Step


class _Count(ProgressColumn):
    """The steps that are done, and of how many where that is known: `3 of 90`."""

    def render(self, task: Task) -> Text:
        """Write the count of one bar."""
        total = "" if task.total is None else f" of {task.total:,.0f}"
        return Text(f"{task.completed:,.0f}{total}", style="progress.download")


class _TimeLeft(ProgressColumn):
    """The time that a step still takes, by its speed and by the rate of requests."""

    def render(self, task: Task) -> Text:
        """Write the time left of one bar, such as `2 min left`."""
        by_rate = task.fields["ends_after"] - task.get_time()
        by_speed = task.time_remaining
        if task.finished or (by_speed is None and by_rate <= 0):
            return Text("")
        return Text(tell_time_left(max(by_speed or 0, by_rate)), style="progress.remaining")


@contextmanager
def bars(console: Console) -> Iterator[Step]:
    """Show progress bars with counts.

    The bars are complete when they end, and leave no trace: print only after that.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        _Count(),
        _TimeLeft(),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        tasks: dict[str, TaskID] = {}

        def step(what: str, done: int, total: int | None, at_least: float = 0.0) -> None:
            ends_after = shown.get_time() + at_least if at_least else 0.0
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total, completed=done, ends_after=ends_after)
            shown.update(tasks[what], completed=done, total=total, ends_after=ends_after)

        yield step
        for task in shown.tasks:
            shown.update(task.id, total=max(task.completed, 1), completed=max(task.completed, 1))
