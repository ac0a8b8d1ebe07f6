"""Waiting for jobs in threads."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

import pytest

from xlsync.waiting import result_of


def test_a_job_that_is_cancelled_before_it_begins_is_waited_for_no_longer() -> None:
    job: Future[None] = Future()
    pool = ThreadPoolExecutor(1)
    waiting = pool.submit(result_of, job)
    job.cancel()
    try:
        with pytest.raises(CancelledError):
            waiting.result(timeout=10)
    finally:
        job.set_running_or_notify_cancel()  # lets the thread end also where the test fails
        pool.shutdown()
