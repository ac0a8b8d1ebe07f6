"""The cache: thrown away at any time, JSON only."""

from __future__ import annotations

import pickle
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.link_stores import FULL_DISK, SITE, Bomb, tamper
from xlsync.errors import XlsyncError
from xlsync.links.store import Links
from xlsync.store import Cache, NotJsonError, open_store


def test_the_cache_is_a_mapping_of_json_that_lasts(tmp_path: Path) -> None:
    large = [{"id": number, "name": "x" * 50} for number in range(2000)]
    with Cache(tmp_path / "cache") as cache:
        cache["companies"] = large
        cache.update({"a": None, "b": 0.5, "=\ud800\x00": "\ud800"})
    with Cache(tmp_path / "cache") as cache:
        assert dict(cache) == {"companies": large, "a": None, "b": 0.5, "=\ud800\x00": "\ud800"}
        assert "c" not in cache
        del cache["a"]
        assert cache.get("a", "gone") == "gone"
        assert len(cache) == 3
        with pytest.raises(KeyError):
            del cache["a"]


def test_the_cache_takes_no_value_or_key_that_json_has_not(tmp_path: Path) -> None:
    with Cache(tmp_path / "cache") as cache:
        for value in (Bomb(), b"bytes", float("nan")):
            with pytest.raises((TypeError, ValueError)):
                cache["a"] = value
        with pytest.raises(TypeError):
            cache[1] = "a"  # type: ignore[index]
        assert not cache


def test_a_pickled_value_in_the_cache_is_not_there(tmp_path: Path) -> None:
    with Cache(tmp_path / "cache") as cache:
        cache["a"] = 1
        tamper(tmp_path / "cache", "UPDATE Cache SET mode = 4, value = ?", pickle.dumps(Bomb()))
        assert cache.get("a") is None
        cache["a"] = 2
        assert cache["a"] == 2
        tamper(tmp_path / "cache", "UPDATE Cache SET raw = 0, key = ?", pickle.dumps(Bomb()))
        assert list(cache) == []
        cache["a"] = 3
        tamper(tmp_path / "cache", "UPDATE Cache SET key = '5'")
        assert list(cache) == []


def test_opening_a_store_again_writes_nothing_to_it(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        cache["a"] = 1
    before = (tmp_path / "cache.db").read_bytes()
    (tmp_path / "cache.db").touch()
    stamp = (tmp_path / "cache.db").stat().st_mtime_ns
    with Cache(tmp_path) as cache:
        assert cache["a"] == 1
        assert not (tmp_path / "cache.db-wal").stat().st_size
    assert (tmp_path / "cache.db").read_bytes() == before
    assert (tmp_path / "cache.db").stat().st_mtime_ns == stamp


@pytest.mark.parametrize("lost", ["", "TRIGGER Settings_size_delete", "TABLE Cache", "TABLE Settings"])
def test_a_store_that_was_half_made_or_made_with_other_settings_is_opened_as_asked_for(
    tmp_path: Path, lost: str
) -> None:
    Cache(tmp_path).close()
    if lost:
        tamper(tmp_path, f"DROP {lost}")
    with Cache(tmp_path, size_limit=1_000_000) as cache:
        for number in range(60):
            cache[str(number)] = "x" * 40_000
        assert 10 < len(cache) < 30


def test_a_damaged_cache_is_begun_anew(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        cache["a"] = 1
    (tmp_path / "cache.db").write_bytes(b"not a database" * 1000)
    with Cache(tmp_path) as cache:
        assert not cache


def test_a_damaged_cache_that_cannot_be_removed_is_told(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "elsewhere")  # which is not removed as a folder
    (tmp_path / "elsewhere" / "cache.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(XlsyncError, match="is damaged and cannot be removed") as told:
        Cache(tmp_path / "cache")
    assert "delete the folder" in told.value.hint


def test_a_cache_on_a_full_disk_keeps_nothing_and_stops_nobody(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        tamper(tmp_path, FULL_DISK)
        cache["a"] = 1
        assert "a" not in cache


@contextmanager
def written_elsewhere(folder: Path, store: Any) -> Iterator[None]:
    """Let another program write to a store's file all the while; the store waits for a moment only."""
    store._sql("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(folder / "cache.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def test_a_cache_that_cannot_be_written_keeps_nothing_and_what_must_go_from_it_is_told(
    tmp_path: Path,
) -> None:
    with Cache(tmp_path) as cache:
        cache["a"] = 1
        with written_elsewhere(tmp_path, cache._store):
            cache["b"] = 2
            assert list(cache) == ["a"]
            with pytest.raises(XlsyncError, match=r"The cache in .* cannot be written: it may only be read"):
                del cache["a"]
        del cache["a"]
        assert list(cache) == []


def test_links_that_cannot_be_written_are_told_and_the_command_ends(tmp_path: Path) -> None:
    with Links(tmp_path, SITE) as links, written_elsewhere(links.folder, links._store._cache):
        with pytest.raises(XlsyncError, match=r"The remembered links in .* cannot be written: it may only"):
            links.forget([])
        assert links.list() == ()


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(XlsyncError, match="cannot be used"):
        Links(tmp_path / "file", SITE)
    with pytest.raises(XlsyncError, match="cannot be used"):
        Cache(tmp_path / "file")
    (tmp_path / "cache" / "cache.db").mkdir(parents=True)
    with pytest.raises(XlsyncError, match="cannot be used"):
        Cache(tmp_path / "cache")


def test_the_cache_stays_within_its_size(tmp_path: Path) -> None:
    with Cache(tmp_path, size_limit=1_000_000) as cache:
        for number in range(60):
            cache[str(number)] = "x" * 40_000
        assert 10 < len(cache) < 30
        assert "59" in cache


def test_a_large_value_that_is_damaged_is_not_there(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        cache["a"] = "x" * 100_000
        (value,) = tmp_path.rglob("*.val")
        value.write_bytes(b"\xff")
        assert "a" not in cache
        value.unlink()
        assert "a" not in cache


def test_what_is_not_json_is_refused_by_the_store_itself(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, pytest.raises(TypeError):
        store.set("a", sys.stdin, read=True)
    with open_store(tmp_path) as store:
        store["a"] = 1
        with pytest.raises(NotJsonError):
            store.get("a", read=True)
