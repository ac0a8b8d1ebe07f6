"""Memory of a large month: garbage collection is switched off, and freed memory is given back."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_ARENA_MAX: Final = -8  # M_ARENA_MAX of malloc.h


@contextmanager
def not_collected() -> Iterator[None]:
    """Switch garbage collection off for a block that makes little garbage: it runs a sixth faster."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.freeze()
            gc.unfreeze()  # all that is there counts as old: it would be looked through at once otherwise
            gc.enable()


def use_one_heap() -> None:
    """Let all threads share one heap, where glibc gives each its own and leaves there what it has freed.

    A large month takes a sixth less memory. Call it before the first thread begins.
    """
    set_option = _glibc("mallopt")
    if set_option is not None:
        set_option(_ARENA_MAX, 1)


def give_back_memory() -> None:
    """Give freed memory back to the system, where glibc keeps it: a fifth of what a large month takes."""
    trim = _glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _glibc(name: str) -> Callable[..., int] | None:
    """Return a function of the C library; None where it has none of the name, as outside of Linux."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
