"""How far a step is: told to whoever waits, and shown by the terminal or Excel's status bar. PURE."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]  # what, how many, of how many


def silent(_what: str, _done: int, _of: int | None) -> None:
    """No progress is shown."""
