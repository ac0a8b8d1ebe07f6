"""Rules are stored as safely as links: what is damaged is told by name, and an import is all or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.desk import Desk
from tests.helpers.link_stores import FULL_DISK, SITE, tamper
from xlsync.errors import XlsyncError
from xlsync.links.store import Rules
from xlsync.reconcile.rules import Rule, RuleKind, Scope
from xlsync.store import open_store


def ignore(about: str) -> Rule:
    return Rule(kind=RuleKind.IGNORE, scope=Scope.PRODUCT, about=about, reason="ours")


def test_a_file_of_rules_that_is_no_database_is_told_by_every_command(desk: Desk) -> None:
    desk.run("links", "ignore", "--product", "Backup", "--reason", "ours")
    (file,) = (desk.home / "links").glob("*-rules/cache.db")
    file.write_bytes(b"not a database, but someone's work" * 100)
    for words in (["links", "rules"], ["check", str(desk.file)], ["export", "--month", "2026-09"]):
        ran = desk.run(*words)
        assert ran.code == 1
        assert f"The rules in {file.parent} are damaged" in " ".join(ran.err.split())


@pytest.mark.parametrize("kind", ["[0-9a-f]", "-rules", "-ages"])
def test_a_damaged_store_stops_apply_before_any_write_whether_it_is_needed_or_not(
    desk: Desk, kind: str
) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    (folder,) = desk.home.glob(f"links/*{kind}")
    (folder / "cache.db").write_bytes(b"")
    ran = desk.run("apply", str(desk.file), "--yes")
    assert (ran.code, desk.sent()) == (1, [])
    assert f"{folder} are damaged: cache.db is empty" in " ".join(ran.err.split())


@pytest.mark.parametrize("kind", ["[0-9a-f]", "-rules"])
def test_a_store_that_cannot_be_written_stops_apply_before_any_write(desk: Desk, kind: str) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    (folder,) = desk.home.glob(f"links/*{kind}")
    tamper(folder, FULL_DISK.replace("INSERT", "UPDATE"))
    ran = desk.run("apply", str(desk.file), "--yes")
    assert (ran.code, desk.sent()) == (1, [])
    assert f"{folder} cannot be written: the disk is full" in " ".join(ran.err.split())


@pytest.mark.parametrize(
    "stored",
    [{"kind": "forbid", "scope": "product", "about": "Backup", "reason": ""}, {}, [], "text", 5, {"kind": 5}],
)
def test_an_entry_that_is_no_rule_is_named(tmp_path: Path, stored: Any) -> None:
    with Rules(tmp_path, SITE) as rules:
        with open_store(rules.folder) as store:
            store["ignore product backup"] = stored
        with pytest.raises(XlsyncError, match="the entry ignore product backup cannot be read"):
            rules.list()


def test_an_import_of_rules_is_all_or_nothing(tmp_path: Path) -> None:
    with Rules(tmp_path, SITE) as rules:
        rules.keep(ignore("Backup"))
        tamper(rules.folder, FULL_DISK)
        with pytest.raises(XlsyncError, match=r"The rules in .* cannot be written: the disk is full"):
            rules.import_from([ignore("Mail"), ignore("Files")])
        assert [rule.about for rule in rules.list()] == ["Backup"]


def test_rules_of_a_newer_format_are_refused(tmp_path: Path) -> None:
    with Rules(tmp_path, SITE) as rules, open_store(rules.folder) as store:
        store["format"] = {"format": 2, "environment": SITE}
    with pytest.raises(XlsyncError, match=r"The rules in .* newer xlsync"):
        Rules(tmp_path, SITE)


def test_where_the_rules_are_damaged_an_import_leaves_the_links_as_they_are(desk: Desk) -> None:
    assert desk.check().code == 0
    assert desk.run("links", "ignore", "--product", "Visio", "--reason", "ours").code == 0
    assert desk.run("links", "export", "links.csv").code == 0
    _, key, *_ = desk.links()[0]
    assert desk.run("links", "forget", key, "--yes", "--json").json["forgotten"]["links"]
    before = desk.links()
    (file,) = (desk.home / "links").glob("*-rules/cache.db")
    file.write_bytes(b"no database")
    assert desk.run("links", "import", "links.csv").code == 1
    assert desk.links() == before


def test_where_the_rules_cannot_be_written_links_of_the_same_names_are_not_forgotten_alone(
    desk: Desk,
) -> None:
    assert desk.check().code == 0
    assert desk.run("links", "ignore", "--product", "Visio", "--reason", "ours").code == 0
    before = desk.links()
    (folder,) = desk.home.glob("links/*-rules")
    tamper(folder, FULL_DISK.replace("INSERT", "UPDATE"))
    ran = desk.run("links", "forget", before[0][1], "Visio", "--yes")
    assert (ran.code, desk.links()) == (1, before)
    assert "Nothing was changed." in ran.err
    assert desk.run("links", "forget", before[0][1], "--yes").code == 0  # no rule has that name


def test_of_two_rules_that_are_set_together_both_are_stored_or_none(desk: Desk) -> None:
    words = ("links", "units", "--contract", "CO-1", "--reason", "agreed")
    assert desk.run(*words, "--free", "1").code == 0
    (folder,) = desk.home.glob("links/*-rules")
    tamper(folder, FULL_DISK)  # the one that is there is written over, the other one is new
    assert desk.run(*words, "--free", "2", "--minimum", "9").code == 1
    (rule,) = desk.run("links", "rules", "--json").json["rules"]
    assert (rule["kind"], rule["units"]) == ("free", 1)
