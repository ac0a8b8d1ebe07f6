"""One interface, two stores: what holds of entries on this machine holds of a team's PostgreSQL too."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.helpers.link_stores import OCTOBER, SITE
from tests.helpers.postgres import PASSWORD, Postgres, why_not
from xlsync.errors import XlsyncError
from xlsync.links.ages import Ages, ReportSums, merge_months
from xlsync.links.memory import Memory, Names, Remembered
from xlsync.links.store import Links, Rules
from xlsync.models import Month
from xlsync.reconcile.ages import MonthSeen
from xlsync.reconcile.billed import MonthSums
from xlsync.reconcile.rules import Rule, RuleKind, Scope
from xlsync.settings import StoreSettings
from xlsync.store import FileStore, Store
from xlsync.team_store import FORMAT, StoreUnreachable, TeamStore

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "it can")


def settings_of(server: Postgres, password: str = PASSWORD) -> StoreSettings:
    return StoreSettings(url=server.url(), password=password, place="the test's")


@pytest.fixture
def team(postgres: Postgres, request: pytest.FixtureRequest) -> Iterator[Callable[[], TeamStore]]:
    """Opens the team's store as often as there are people."""
    with ExitStack() as stack:

        def connect() -> TeamStore:
            one = TeamStore(settings_of(postgres), f"{SITE} {request.node.name}")
            stack.callback(one.close)
            return one

        yield connect


@pytest.fixture(params=["this machine", "a team's"])
def store(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> Iterator[Store]:
    if request.param == "this machine":
        local = FileStore(tmp_path / "entries", SITE, "entries")
        yield local
        local.close()
    else:
        one = TeamStore(settings_of(postgres), f"{SITE} {request.node.name}")
        yield one.entries("entries", "entries")
        one.close()


TEXTS = [
    "plain",
    "株式会社",
    "a\x00b",
    "\ud83d",
    "'; DROP TABLE xlsync_entry; --",
    '"',
    "%s",
    "a\nb",
    "format ",
]


def test_any_key_and_value_comes_back_as_it_was(store: Store) -> None:
    with store.writing():
        for text in TEXTS:
            store.set(text, {"name": text, "when": None, "n": [0, 1.5]})
    assert dict(store.items()) == {text: {"name": text, "when": None, "n": [0, 1.5]} for text in TEXTS}
    assert store.get("a\x00b") == {"name": "a\x00b", "when": None, "n": [0, 1.5]}
    assert store.get("absent") is None


def test_a_transaction_that_fails_leaves_nothing_behind(store: Store) -> None:
    with store.writing():
        store.set("a", 1)
    before = store.revision

    def write_and_fail() -> None:
        with store.writing():
            store.set("a", 2)
            store.delete("a")
            store.set("b", 1 // 0)

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert store.items() == [("a", 1)]
    assert store.revision == before


def test_every_change_has_another_revision_and_none_has_the_same(store: Store) -> None:
    assert store.revision == ""
    with store.writing():
        store.set("a", 1)
    first = store.revision
    assert first
    with store.writing():
        assert not store.delete("b")
        assert store.get("a") == 1
    assert store.revision == first
    with store.writing():
        assert store.delete("a")
    assert store.revision != first
    assert store.items() == []


def test_links_and_rules_are_remembered_alike(store: Store, tmp_path: Path) -> None:
    links = Links(tmp_path, SITE, store)
    memory = Memory(customers={"bss:42": Remembered(company_id=7, names=Names(customer="Contoso"))})
    assert links.remember(lambda _: memory, when=OCTOBER, workbook="a.xlsx") == 1
    assert links.remember(lambda _: memory, when=OCTOBER, workbook="b.xlsx") == 0
    (one,) = links.find("contoso")
    assert (one.link.company_id, one.link.workbook) == (7, "a.xlsx")
    links.forget(links.find_by_name("Contoso"))
    assert links.list() == ()
    rules = Rules(tmp_path, SITE, store)
    rule = Rule(kind=RuleKind.IGNORE, scope=Scope.PRODUCT, about="Backup", reason="ours")
    rules.keep(rule)
    assert rules.list() == (rule,)
    rules.drop(rule.key)
    assert rules.list() == ()


# a team


def test_what_one_person_stores_the_other_sees_at_once(team: Callable[[], TeamStore]) -> None:
    mine, other = (team().entries("links", "links") for _ in range(2))
    with mine.writing():
        mine.set("customer bss:1", {"company_id": 1})
    with other.writing():
        assert other.get("customer bss:1") == {"company_id": 1}
        other.set("customer bss:2", {"company_id": 2})
    assert [key for key, _ in mine.items()] == ["customer bss:1", "customer bss:2"]


def test_one_person_writes_at_a_time_and_a_killed_one_holds_nobody_up(
    team: Callable[[], TeamStore], postgres: Postgres
) -> None:
    mine, other = team(), team()
    with (
        mine.one_writer(),
        pytest.raises(XlsyncError, match="Somebody of the team writes"),
        other.one_writer(),
    ):
        raise AssertionError("two wrote at once")
    program = f"""
        import os
        from xlsync.settings import StoreSettings
        from xlsync.team_store import TeamStore
        settings = StoreSettings(url={postgres.url()!r}, password={PASSWORD!r}, place="x")
        with TeamStore(settings, {mine.environment!r}).one_writer():
            print("alone", flush=True)
            os._exit(9)
    """
    words = [sys.executable, "-c", textwrap.dedent(program)]
    killed = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (killed.returncode, killed.stdout) == (9, "alone\n")
    with other.one_writer():
        pass


def test_a_writer_waits_a_moment_for_one_that_is_ending(
    team: Callable[[], TeamStore], postgres: Postgres
) -> None:
    mine, other = team(), team()

    def write() -> str:
        with other.one_writer():
            return "wrote"

    with (
        psycopg.connect(postgres.url(), password=PASSWORD, autocommit=True) as connection,
        ThreadPoolExecutor() as people,
    ):
        with mine.one_writer():
            writing = people.submit(write)
            waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while not writing.done() and connection.execute(waits).fetchone() == (0,):
                pass
        assert writing.result() == "wrote"


def test_people_who_write_at_the_same_time_lose_nothing(
    team: Callable[[], TeamStore], postgres: Postgres
) -> None:
    """Two processes add a hundred entries each, entry by entry, and one of three is cut off in the middle."""
    environment = team().environment
    program = f"""
        import os, sys
        from xlsync.settings import StoreSettings
        from xlsync.team_store import TeamStore
        settings = StoreSettings(url={postgres.url()!r}, password={PASSWORD!r}, place="x")
        entries = TeamStore(settings, {environment!r}).entries("links", "links")
        who = sys.argv[1]
        for number in range(100):
            with entries.writing():
                entries.set("count", (entries.get("count") or 0) + 1)
                entries.set(f"{{who}} {{number}}", number)
                if who == "cut off" and number == 50:
                    os._exit(9)
    """
    people = ("ada", "bob", "cut off")
    words = [sys.executable, "-c", textwrap.dedent(program)]
    running = [subprocess.Popen([*words, who]) for who in people]
    assert [one.wait(timeout=600) for one in running] == [0, 0, 9]
    stored = dict(team().entries("links", "links").items())
    assert stored.pop("count") == 250
    assert len(stored) == 250


def test_a_copy_on_this_machine_sends_what_was_written_apart_and_takes_the_rest(
    team: Callable[[], TeamStore], tmp_path: Path
) -> None:
    def at(day: int) -> str:
        return dt.datetime(2026, 11, day, tzinfo=dt.UTC).isoformat()

    shared = team().entries("links", "links")
    with shared.writing():
        shared.set("theirs", {"id": 1, "when": at(1)})
        shared.set("both", {"id": 1, "when": at(1)})
    copy = FileStore(tmp_path / "copy", SITE, "links")
    with copy.writing():
        copy.set("mine", {"id": 2, "when": at(2)})
        copy.set("both", {"id": 2, "when": at(2)})
    copy.exchange(shared, "db/x")
    assert [(key, value["id"]) for key, value in shared.items()] == [("both", 1), ("mine", 2), ("theirs", 1)]
    assert copy.items() == shared.items()
    with copy.writing():
        copy.set("both", {"id": 3, "when": at(3)})
        copy.set("theirs", {"id": 3, "when": at(3)})
        copy.delete("mine")
    with shared.writing():
        shared.set("theirs", {"id": 4, "when": at(4)})
        shared.set("new", {"id": 4, "when": at(4)})
    copy.exchange(shared, "db/x")
    assert [(key, value["id"]) for key, value in shared.items()] == [("both", 3), ("new", 4), ("theirs", 4)]
    assert copy.items() == shared.items()
    copy.close()


def test_a_mismatch_seen_apart_stays_seen_whoever_looked_last(
    team: Callable[[], TeamStore], tmp_path: Path
) -> None:
    def at(day: int) -> dt.datetime:
        return dt.datetime(2026, 11, day, tzinfo=dt.UTC)

    def seen(*keys: str) -> MonthSeen:
        return MonthSeen(frozenset(keys), dict.fromkeys(keys, "row"))

    def report(name: str) -> ReportSums:
        return ReportSums("Pax8", name, MonthSums(1, {}))

    september = Month(2026, 9)
    shared = team().entries("ages", "ages")
    copy = FileStore(tmp_path / "copy", SITE, "ages")
    mine, theirs = Ages(tmp_path, SITE, copy), Ages(tmp_path, SITE, shared)
    mine.keep(september, seen("at first here"), None, at(9))  # before the team's store was set
    theirs.keep(september, seen("at first there"), report("there"), at(1))
    copy.exchange(shared, "db/x", merge_months)
    assert theirs.months()[september] == MonthSeen(
        frozenset({"at first here", "at first there"}), {"at first there": "row"}
    )
    mine.keep(september, seen("apart here"), report("here"), at(3))
    theirs.keep(september, seen("meanwhile there"), None, at(4))
    copy.exchange(shared, "db/x", merge_months)
    everything = frozenset({"at first here", "at first there", "apart here", "meanwhile there"})
    assert theirs.months()[september] == MonthSeen(everything, {"meanwhile there": "row"})
    assert theirs.reports(september) == [report("here"), report("there")]
    assert copy.items() == shared.items()
    copy.close()


def test_a_store_that_is_not_there_or_refuses_is_told_without_a_secret(postgres: Postgres) -> None:
    with pytest.raises(StoreUnreachable, match="cannot be reached") as refused:
        TeamStore(settings_of(postgres, "wrong-word"), SITE)
    assert "wrong-word" not in refused.value.message + refused.value.hint
    nowhere = StoreSettings(url="postgresql://team@127.0.0.1:1/none", password="wrong-word", place="none")
    with pytest.raises(StoreUnreachable, match="The team's store at none cannot be reached"):
        TeamStore(nowhere, SITE)


def test_a_newer_format_is_refused(postgres: Postgres, team: Callable[[], TeamStore]) -> None:
    team()
    statement = b"UPDATE xlsync_format SET format = %s"
    with psycopg.connect(postgres.url(), password=PASSWORD, autocommit=True) as connection:
        connection.execute(statement, [FORMAT + 1])
        try:
            with pytest.raises(XlsyncError, match="newer xlsync"):
                TeamStore(settings_of(postgres), SITE)
        finally:
            connection.execute(statement, [FORMAT])


def test_a_writer_that_lost_the_connection_ends_as_it_would_have_ended(
    team: Callable[[], TeamStore], postgres: Postgres
) -> None:
    """The lock is gone with the connection, so there is nothing to tell of it."""
    mine, other = team(), team()
    with psycopg.connect(postgres.url(), password=PASSWORD, autocommit=True) as connection:
        with mine.one_writer():
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            )
        with other.one_writer():
            pass


def test_who_lacks_the_library_of_a_team_is_told_how_to_install_it_wherever_xlsync_came_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever owns the name xlsync among public packages need not be xlsync's makers."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(XlsyncError) as raised:
        TeamStore(StoreSettings(url="postgresql://db.example.com/x", password="", place="there"), SITE)
    assert raised.value.hint == 'Install it beside xlsync: pip install "psycopg[binary]"'
