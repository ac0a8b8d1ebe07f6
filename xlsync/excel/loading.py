"""Loading xlwings, which is slow, and without what it does to the Excels of other people."""

from __future__ import annotations

from typing import Any


def load_xlwings() -> Any:
    """Return the module xlwings; raises an error of its own, or of the system, where there is no Excel."""
    import xlwings  # noqa: PLC0415

    leave_excels_alone(xlwings)
    return xlwings


def leave_excels_alone(xlwings: Any) -> None:
    """Let xlwings end no Excel by force.

    On Windows, whenever Python or an Excel that it began ends, it kills each Excel whose workbooks it does
    not see: also those of other users of a server, and of other sessions, with all that is not saved there.
    """
    on_windows = getattr(xlwings, "_xlwindows", None)
    if on_windows is not None:
        on_windows.Apps.cleanup = staticmethod(lambda: None)
