"""Standard output and standard error of the process, before and after any command."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

DISK_FULL: Final = "the disk is full, so not all output was written"
_NO_READER: Final = (errno.EPIPE, errno.EIO, errno.EINVAL)  # the last on Windows
NO_READER: Final = "nobody reads the output any more, so not all was written"


def open_what_is_closed() -> None:
    """Open nowhere each standard stream that the caller has closed: Python has None in its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def show_what_can_be_shown(system: str = sys.platform) -> None:
    """Replace characters that the terminal's encoding lacks, instead of failing.

    On Windows a file, such as one of the runs, gets UTF-8 unless PYTHONIOENCODING names another encoding:
    the system's code page lacks most names of strangers.
    """
    is_free = system == "win32" and "PYTHONIOENCODING" not in os.environ
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                encoding="utf-8" if is_free and not stream.isatty() else None, errors="replace"
            )


@contextmanager
def output_that_fails_is_an_error() -> Iterator[None]:
    """Exit with 1 and a message where output outside a command, such as a help text, cannot be written."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if error.filename or error.errno not in {errno.ENOSPC, *_NO_READER}:
            raise
        sys.stderr.write(f"Error: {DISK_FULL if error.errno == errno.ENOSPC else NO_READER}.\n")
        sys.exit(1)


def drop_output_that_cannot_be_written() -> None:
    """Discard pending output, which Python would otherwise fail to write when it exits."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
