"""Waiting for jobs in threads, a moment at a time: on Windows no Ctrl-C interrupts a wait of any length."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future, wait
from typing import Any, Final, TypeVar

T = TypeVar("T")
_MOMENT: Final = 0.2  # seconds


def wait_for(jobs: Collection[Future[Any]]) -> None:
    """Wait until all jobs have ended or were cancelled; raises the error of the first that failed.

    Of a job that was cancelled before it began, `wait` alone never tells that it is done.
    """
    while not all(job.done() for job in jobs):
        wait(jobs, timeout=_MOMENT)
    for job in jobs:
        job.result()


def result_of(job: Future[T]) -> T:
    """Wait until a job has ended, and return its result; raises its error."""
    wait_for([job])
    return job.result()
