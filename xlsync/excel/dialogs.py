"""Dialogs of the operating system, for what Excel's own boxes cannot do: hide what is typed, and macOS."""

from __future__ import annotations

import subprocess

_MAC_DIALOG = (
    "text returned of (display dialog (item 1 of argv) default answer (item 2 of argv) "
    'with title "xlsync"{hidden})'
)


def mac_dialog(script: str, *arguments: str) -> str | None:
    """Run one expression of AppleScript with arguments; None where the person cancels."""
    words = ["/usr/bin/osascript", "-e", "on run argv", "-e", f"return {script}", "-e", "end run", *arguments]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - the system's own
    return done.stdout.removesuffix("\n") if done.returncode == 0 else None


def mac_prompt(question: str, default: str, *, is_secret: bool) -> str | None:
    """Ask for a text on macOS; a secret shows as dots. None where the person cancels."""
    return mac_dialog(
        _MAC_DIALOG.format(hidden=" with hidden answer" if is_secret else ""), question, default
    )


def windows_prompt(question: str, default: str, *, is_secret: bool) -> str | None:
    """Ask for a text on Windows; a secret shows as dots. None where the person cancels."""
    import tkinter as tk  # noqa: PLC0415 - only Windows needs it, and some systems lack it
    from tkinter import simpledialog  # noqa: PLC0415

    root = tk.Tk()
    try:
        root.withdraw()
        root.attributes("-topmost", True)
        shown = {"show": "\u2022"} if is_secret else {}
        return simpledialog.askstring("xlsync", question, initialvalue=default, parent=root, **shown)
    finally:
        root.destroy()
