"""Memory of a large month: what is freed can be used again, by whichever thread."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_THREADS_THAT_ALLOCATE = """
import ctypes, threading
from xlsync.gc_tuning import use_one_heap
use_one_heap()
together = threading.Barrier(8)
def allocate():
    together.wait()
    bytearray(50_000)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="glibc alone gives each thread a heap of its own"
)
def test_all_threads_share_one_heap() -> None:
    words = [sys.executable, "-c", _THREADS_THAT_ALLOCATE]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert told.count("<heap nr=") == 1
