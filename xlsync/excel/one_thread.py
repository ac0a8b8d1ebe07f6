"""Lets any thread ask for something in an open workbook, while one thread alone does it.

Excel answers only the thread that called it first (on Windows, COM's apartments), and requests to both
systems are sent side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from xlsync.excel.open_file import Cells, OpenWorkbook

T = TypeVar("T")


class Switchboard:
    """An open workbook that may be asked from any thread, while `run` is at work in its own."""

    def __init__(self, workbook: OpenWorkbook) -> None:
        self._workbook = workbook
        self._errands: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()

    def run(self, job: Callable[[], None]) -> None:
        """Do a job in another thread, and meanwhile here what it asks of the workbook."""
        with ThreadPoolExecutor(1, thread_name_prefix="ribbon") as pool:
            working = pool.submit(job)
            working.add_done_callback(lambda _: self._errands.put(None))
            while (errand := self._errands.get()) is not None:
                what, answer = errand
                try:
                    answer.set_result(what())
                except BaseException as error:
                    answer.set_exception(error)
            working.result()

    def _send(self, what: Callable[[], T]) -> Future[T]:
        answer: Future[T] = Future()
        self._errands.put((what, answer))
        return answer

    @property
    def full_name(self) -> Path | None:
        """The file on this machine."""
        return self._send(lambda: self._workbook.full_name).result()

    def save(self) -> None:
        """Save what was edited."""
        self._send(self._workbook.save).result()

    def write(self, cells: Cells) -> None:
        """Put values into cells and save."""
        self._send(lambda: self._workbook.write(cells)).result()

    @contextmanager
    def put_away(self) -> Iterator[None]:
        """Close the workbook, so that its file may be replaced, and open it again afterwards."""
        stack = ExitStack()
        self._send(lambda: stack.enter_context(self._workbook.put_away())).result()
        try:
            yield
        finally:
            self._send(stack.close).result()

    def open(self, path: Path) -> None:
        """Open another workbook."""
        self._send(lambda: self._workbook.open(path)).result()

    def ask(self, question: str) -> bool:
        """Ask yes or no."""
        return self._send(lambda: self._workbook.ask(question)).result()

    def tell(self, text: str) -> None:
        """Say something that is to be read before going on."""
        self._send(lambda: self._workbook.tell(text)).result()

    def status(self, text: str) -> None:
        """Say what is going on; nobody waits for that."""
        self._send(lambda: self._workbook.status(text))
