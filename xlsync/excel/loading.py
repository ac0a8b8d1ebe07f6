"""Loading xlwings, which is slow, and without what it does to the Excels of other people."""

from __future__ import annotations

from typing import Any, Final

_ATTEMPTS: Final = 50_000  # of a call that Excel refuses at once: some seconds


def load_xlwings() -> Any:
    """Return the module xlwings; raises an error of its own, or of the system, where there is no Excel."""
    import xlwings  # noqa: PLC0415

    keep_in_bounds(xlwings)
    return xlwings


def keep_in_bounds(xlwings: Any) -> None:
    """Let xlwings end no Excel by force, and repeat no call for ever.

    On Windows, whenever Python or an Excel that it began ends, it kills each Excel whose workbooks it does
    not see: also those of other users of a server, and of other sessions, with all that is not saved there.
    While somebody edits a cell, Excel refuses every call, and xlwings repeats it without an end.
    """
    on_windows = getattr(xlwings, "_xlwindows", None)
    if on_windows is not None:
        on_windows.Apps.cleanup = staticmethod(lambda: None)
        on_windows.N_COM_ATTEMPTS = _ATTEMPTS
