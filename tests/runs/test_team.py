"""Two people and a server on one ConnectWise: what one decided the other knows, and nothing is done twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.helpers.desk import OCTOBER, Desk
from tests.helpers.postgres import PASSWORD, Postgres, why_not
from xlsync.config import load_settings
from xlsync.gather.systems import Systems

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "it can")
Use = Callable[[str], None]


@pytest.fixture
def use(
    desk: Desk, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Use:
    """Sits down at the machine of somebody of the team, which has a folder of its own."""
    database = f"team_{abs(hash(request.node.name))}"
    with psycopg.connect(postgres.url(), password=PASSWORD, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}".encode())
    monkeypatch.setenv("XLSYNC_STORE_URL", postgres.url(database))
    monkeypatch.setenv("XLSYNC_STORE_PASSWORD", PASSWORD)

    def sit_down(person: str) -> None:
        monkeypatch.setenv("XLSYNC_HOME", str(desk.folder / person))

    sit_down("ada")
    return sit_down


def test_what_one_links_and_rules_the_other_knows_at_the_next_export(desk: Desk, use: Use) -> None:
    desk.run("links", "ignore", "--product", "Backup", "--reason", "ours")
    desk.check()
    mine = desk.links()
    assert mine
    use("bob")
    assert desk.links() == mine
    assert "Backup" in desk.run("links", "rules").out
    forgotten = desk.run("links", "forget", str(mine[0][1]), "--yes")
    assert forgotten.code == 0, forgotten.err
    use("ada")
    assert mine[0] not in desk.links()


def test_what_one_applied_the_other_neither_repeats_nor_overwrites(desk: Desk, use: Use) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "add:38:15")
    copy = desk.folder / "copy.xlsx"
    shutil.copy(desk.file, copy)
    first = desk.apply()
    assert (first.code, first.json["done"]) == (0, 2), first.err
    desk.forget_log()
    desk.addition(52)["quantity"] = 15
    use("bob")
    again = desk.run("apply", str(copy), "--yes", "--json")
    assert (again.code, again.json["already"]) == (0, 2), again.err
    assert desk.sent() == []
    runs = desk.run("history", "--json").json["runs"]
    assert [run["run"] for run in runs] == [first.json["run"]]


def test_one_of_the_team_takes_back_what_another_did(desk: Desk, use: Use) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    assert desk.apply().code == 0
    (run,) = [run["run"] for run in desk.run("history", "--json").json["runs"]]
    use("bob")
    looked = desk.run("undo", run, "--dry-run", "--json")
    assert (looked.code, set(looked.states.values())) == (0, {"planned"}), looked.err
    undone = desk.run("undo", run, "--yes", "--json")
    assert (undone.code, undone.json["done"]) == (0, 1), undone.err
    assert desk.changes == {}


def test_two_of_the_team_never_write_at_once(desk: Desk, use: Use) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    with ExitStack() as stack:
        mine = stack.enter_context(Systems(load_settings(bss=False, connectwise=True)))
        assert mine.team is not None
        stack.enter_context(mine.team.one_writer())  # at another machine, whose own lock is not ours
        use("bob")
        refused = desk.apply()
        assert refused.code == 1
        assert "Somebody of the team writes" in refused.err
        assert desk.sent() == []
    assert desk.apply().code == 0


def test_without_the_store_export_and_check_go_on_and_apply_stops(
    desk: Desk, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.check()
    mine = desk.links()
    url = load_settings(bss=False, connectwise=False).store
    assert url
    monkeypatch.setenv("XLSYNC_STORE_URL", "postgresql://team@127.0.0.1:1/none")
    for ran in (desk.check(), desk.run("export", "--month", "2026-09", "--json")):
        assert ran.code == 0, ran.err
        assert "cannot be reached" in " ".join(ran.err.split())
    assert desk.links() == mine
    stopped = desk.apply()
    assert stopped.code == 1
    assert "Nothing was sent: The team's store" in " ".join(stopped.err.split())
    looked = desk.run("apply", OCTOBER, "--dry-run")
    assert looked.code == 0
    assert "cannot be reached" in looked.err  # so nobody knows what a colleague has carried out
    assert desk.sent() == []
    assert PASSWORD not in stopped.err + stopped.out
    desk.run("links", "ignore", "--product", "Backup", "--reason", "said while apart")
    monkeypatch.setenv("XLSYNC_STORE_URL", url.url)
    use("ada")
    assert "Backup" in desk.run("links", "rules").out
    use("bob")
    assert "Backup" in desk.run("links", "rules").out


def test_doctor_says_whether_the_store_is_reached(
    desk: Desk, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look() -> dict[str, str]:
        checks = desk.run("doctor", "--json").json["checks"]
        (found,) = (check for check in checks if check["name"] == "Team's store")
        return dict(found)

    use("ada")
    assert look()["state"] == "good"
    monkeypatch.setenv("XLSYNC_STORE_PASSWORD", "wrong-word")
    refused = look()
    assert (refused["state"], "password" in refused["detail"]) == ("bad", True)
    assert "XLSYNC_STORE_PASSWORD" in refused["next_step"]
    assert "wrong-word" not in str(refused)


def test_no_secret_of_the_store_is_kept_in_a_file(desk: Desk, use: Use) -> None:
    use("ada")
    desk.check()
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.apply()
    files = [file for file in Path(desk.folder).rglob("*") if file.is_file()]
    assert desk.folder / OCTOBER in files
    assert not [file for file in files if PASSWORD.encode() in file.read_bytes()]


def test_who_may_only_read_and_write_the_tables_of_the_store_needs_no_right_to_make_some(
    desk: Desk, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The administrator of a database lets the first one make them, and takes the right away."""
    assert desk.check().code == 0
    mine = desk.links()
    settings = load_settings(bss=False, connectwise=False).store
    assert settings
    with psycopg.connect(settings.url, password=PASSWORD, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE clerk LOGIN PASSWORD '{PASSWORD}'".encode())
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk")
    use("bob")
    monkeypatch.setenv("XLSYNC_STORE_URL", settings.url.replace("team@", "clerk@"))
    assert desk.links() == mine
    with desk.editing() as hand:
        hand.approve("units:52")
    assert desk.apply().code == 0
