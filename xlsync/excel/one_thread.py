"""Calls to an open workbook from any thread, carried out by one thread.

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
    """An open workbook that any thread may use while `run` is at work in the thread of Excel."""

    def __init__(self, workbook: OpenWorkbook) -> None:
        self._workbook = workbook
        self._errands: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()

    def run(self, job: Callable[[], None]) -> None:
        """Run a job in another thread, and carry out its calls to the workbook in this one."""
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
        """Return the workbook's file on this machine."""
        return self._send(lambda: self._workbook.full_name).result()

    @property
    def is_shared(self) -> bool:
        """Return whether others may edit the workbook at the same time."""
        return self._send(lambda: self._workbook.is_shared).result()

    @property
    def is_edited(self) -> bool:
        """Return whether somebody edited the workbook since it was saved last."""
        return self._send(lambda: self._workbook.is_edited).result()

    def save(self) -> None:
        """Save the workbook."""
        self._send(self._workbook.save).result()

    def write(self, cells: Cells) -> None:
        """Put values into cells and save."""
        self._send(lambda: self._workbook.write(cells)).result()

    @contextmanager
    def put_away(self) -> Iterator[None]:
        """Close the workbook for a block that replaces its file, and open it again afterwards."""
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
        """Ask a question; True is yes."""
        return self._send(lambda: self._workbook.ask(question)).result()

    def tell(self, text: str) -> None:
        """Show a message, and wait until it is closed."""
        self._send(lambda: self._workbook.tell(text)).result()

    def prompt(self, question: str, default: str, *, is_secret: bool) -> str | None:
        """Ask for a text; None where the person cancels."""
        return self._send(lambda: self._workbook.prompt(question, default, is_secret=is_secret)).result()

    def choose_file(self, title: str) -> Path | None:
        """Let the person choose a file to read; None where the person cancels."""
        return self._send(lambda: self._workbook.choose_file(title)).result()

    def save_pdf(self, path: Path, pdf: Path) -> None:
        """Save a workbook that is open as a PDF."""
        self._send(lambda: self._workbook.save_pdf(path, pdf)).result()

    def status(self, text: str) -> None:
        """Show a text in the status bar, without waiting."""
        self._send(lambda: self._workbook.status(text))
