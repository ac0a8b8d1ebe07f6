"""A copy of a shared store on this machine, which commands with and without the shared store write to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.link_stores import SITE
from xlsync.store import FileStore

Open = Callable[[str], FileStore]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens the store of a folder, as each command does for itself."""
    with ExitStack() as stack:

        def open_one(folder: str) -> FileStore:
            store = FileStore(tmp_path / folder, SITE, "links")
            stack.callback(store.close)
            return store

        yield open_one


class Slow(FileStore):
    """A shared store that takes its time to answer: something else happens meanwhile."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def items(self) -> list[tuple[str, Any]]:
        entries = super().items()
        self.meanwhile()
        return entries


def write(store: FileStore, **entries: int | None) -> None:
    with store.writing():
        for key, value in entries.items():
            if value is None:
                store.delete(key)
            else:
                store.set(key, value)


def test_what_a_command_without_a_shared_store_wrote_is_sent_by_the_next_one_that_has_it(
    opened: Open,
) -> None:
    shared, copy = opened("shared"), opened("copy")
    write(shared, theirs=1, gone=1)
    copy.exchange(shared, "db/x")
    write(opened("copy"), mine=2, gone=None)  # its settings name no store
    opened("copy").exchange(shared, "db/x")
    assert shared.items() == copy.items() == [("mine", 2), ("theirs", 1)]


@pytest.mark.parametrize("is_first", [True, False])
def test_what_another_command_writes_while_a_shared_store_answers_is_neither_lost_nor_overwritten(
    opened: Open, tmp_path: Path, *, is_first: bool
) -> None:
    shared, copy, other = Slow(tmp_path / "shared", SITE, "links"), opened("copy"), opened("copy")
    write(shared, both=1, gone=1, theirs=1)
    if not is_first:
        copy.exchange(shared, "db/x")
    write(shared, theirs=2)
    write(other, sent=3)
    shared.meanwhile = lambda: write(other, both=3, late=3, gone=None)
    copy.exchange(shared, "db/x")
    there, here = dict(shared.items()), dict(copy.items())
    assert (there["sent"], here["sent"], here["theirs"], here["both"], here["late"]) == (3, 3, 2, 3, 3)
    shared.meanwhile = lambda: None
    other.exchange(shared, "db/x")
    there = dict(shared.items())
    assert (there["late"], there["sent"], there == dict(copy.items())) == (3, 3, True)
    if not is_first:
        assert "gone" not in there
    shared.close()
