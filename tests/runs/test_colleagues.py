"""Colleagues: links, rules and journal of one person that another imports, or looks at."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import LINES, MISMATCHES, day


def at(monkeypatch: pytest.MonkeyPatch, desk: Desk, name: str) -> None:
    """From now on commands are this person's."""
    monkeypatch.setenv("XLSYNC_HOME", str(desk.folder / name))
    monkeypatch.setenv("LOGNAME", name)


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.DictReader(text))


def choose_delta(desk: Desk, company: str) -> None:
    with desk.editing() as hand:
        choice = {"ConnectWise Customer": company, "ConnectWise Agreement": "Cloud Services"}
        hand.set(LINES, hand.line("DELTA"), choice)
    assert desk.check().code == 0


def test_exported_links_spare_a_colleague_the_linking(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, desk, "ada")
    choose_delta(desk, "Delta Ltd")
    assert desk.run("links", "export", "links.csv").code == 0
    links = desk.links()
    assert len(rows_of(desk.folder / "links.csv")) == len(links) > 50
    at(monkeypatch, desk, "ben")
    assert desk.links() == []
    imported = desk.run("links", "import", "links.csv")
    assert (imported.code, f"{len(links)} added" in imported.err) == (0, True)
    assert desk.links() == links
    desk.file.unlink()
    desk.export()
    hand = desk.read()
    assert hand.get(LINES, hand.line("DELTA"), "ConnectWise Customer") == "Delta Ltd"
    assert hand.get(LINES, hand.line("DELTA"), "Match") == "remembered"
    again = desk.run("links", "import", "links.csv")
    assert (again.code, f"0 added, {len(links)} known already" in again.err) == (0, True)


def test_every_links_command_tells_programs_what_it_did(desk: Desk) -> None:
    choose_delta(desk, "Delta Ltd")
    count = len(desk.links())
    kept = desk.run("links", "ignore", "--product", "Visio", "--reason", "ours", "--json").json["kept"]
    assert [(rule["kind"], rule["scope"], rule["about"]) for rule in kept] == [("ignore", "product", "Visio")]
    ended = desk.run("links", "units", "--contract", "c", "--free", "0", "--json").json
    assert (ended["kept"], ended["ended"][0]["units"]) == ([], 0)
    exported = desk.run("links", "export", "links.csv", "--json").json
    assert exported == {"file": "links.csv", "links": count, "rules": 1}
    forgotten = desk.run("links", "forget", "DELTA", "Visio", "--yes", "--json").json["forgotten"]
    assert {link["company_id"] for link in forgotten["links"] if link["kind"] == "customer"}
    assert [rule["about"] for rule in forgotten["rules"]] == ["Visio"]
    imported = desk.run("links", "import", "links.csv", "--json").json
    gone = len(forgotten["links"])
    assert imported["links"] == {"added": gone, "known": count - gone, "replaced": 0, "conflicts": []}
    assert imported["rules"] == {"added": 1, "known": 0, "replaced": 0, "conflicts": []}
    choose_delta(desk, "Delta GmbH")
    again = desk.run("links", "import", "links.csv", "--json")
    assert (again.code, bool(again.json["links"]["conflicts"])) == (1, True)


def test_conflicts_are_named_kept_and_replaced_only_if_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    untouched = desk.file.read_bytes()
    at(monkeypatch, desk, "ada")
    choose_delta(desk, "Delta Ltd")
    desk.run("links", "export", "links.csv")
    of_ada = desk.links()
    desk.file.write_bytes(untouched)
    at(monkeypatch, desk, "ben")
    choose_delta(desk, "Delta GmbH")
    of_ben = desk.links()
    imported = desk.run("links", "import", "links.csv")
    told = imported.err.replace("\n", " ")
    assert imported.code != 0
    assert "1 in conflict" in told or "2 in conflict" in told
    assert "DELTA" in told
    assert "Delta Ltd" in told
    assert "Delta GmbH" in told
    assert desk.links() == of_ben
    replaced = desk.run("links", "import", "links.csv", "--replace")
    assert replaced.code == 0
    assert "0 in conflict" in replaced.err
    company_of = {key: company for kind, key, company, *_ in desk.links() if kind == "customer"}
    assert company_of == {key: company for kind, key, company, *_ in of_ada if kind == "customer"}


def ruled(desk: Desk) -> list[tuple[Any, ...]]:
    """The rules that are kept, without when."""
    rules = desk.run("links", "rules", "--json").json["rules"]
    return sorted(
        (r["kind"], r["scope"], r["about"], r.get("units"), r.get("until"), r.get("reason")) for r in rules
    )


def test_exported_rules_ignore_and_count_for_a_colleague_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, desk, "ada")
    contract = str(desk.read().get(LINES, desk.read().line("Redstart Textiles", "Premium"), "Contract ID"))
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:53", {"Action": "Ignore", "Reason": "agreed", "Until": day("2026-12-31")})
    assert desk.check().code == 0
    words = ("links", "ignore", "--reason", "=paid by hand", "--product", "Visio Plan 2")
    assert desk.run(*words).code == 0
    assert desk.run("links", "units", "--contract", contract, "--free", "1.5").code == 0
    of_ada = ruled(desk)
    assert len(of_ada) == 3
    exported = desk.run("links", "export", "links.csv")
    assert "3 rules written to links.csv" in exported.err
    at(monkeypatch, desk, "ben")
    imported = desk.run("links", "import", "links.csv")
    assert (imported.code, "Rules: 3 added, 0 known already" in imported.err) == (0, True)
    assert ruled(desk) == of_ada
    desk.file.unlink()
    assert desk.export().code == 0
    hand = desk.read()
    assert hand.get(MISMATCHES, "units:53", "Action") == "Ignore"
    assert "Ignored until 2026-12-31: agreed" in hand.get(MISMATCHES, "units:53", "Explanation")
    assert "1.5 of 18 units are free by rule" in hand.get(MISMATCHES, "units:52", "Explanation")
    again = desk.run("links", "import", "links.csv")
    assert (again.code, "Rules: 0 added, 3 known already" in again.err) == (0, True)


def test_a_rule_that_a_colleague_made_otherwise_is_named_kept_and_replaced_only_if_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, units in (("ada", "2"), ("ben", "3")):
        at(monkeypatch, desk, name)
        assert desk.run("links", "units", "--contract", "S-1", "--free", units, "--reason", name).code == 0
        assert desk.run("links", "export", f"{name}.csv").code == 0
    imported = desk.run("links", "import", "ada.csv")
    assert imported.code == 1
    assert "free 2: contract S-1 (ada): remembered otherwise, kept as it is (free 3: contract S-1 (ben))" in (
        imported.err
    )
    assert [rule[3] for rule in ruled(desk)] == [3]
    replaced = desk.run("links", "import", "ada.csv", "--replace")
    assert (replaced.code, "1 replaced, 0 in conflict" in replaced.err) == (0, True)
    assert [rule[3] for rule in ruled(desk)] == [2]


def test_links_of_another_connectwise_are_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, desk, "ada")
    desk.check()
    desk.run("links", "export", "links.csv")
    monkeypatch.setenv("XLSYNC_CW_COMPANY", "another")
    imported = desk.run("links", "import", "links.csv")
    assert imported.code == 1
    assert "Traceback" not in imported.err


# The journal of several people


def test_a_shared_journal_tells_who_and_anyone_may_take_a_run_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = {}
    for name, row in (("ada", "units:52"), ("ben", "units:53")):
        monkeypatch.setenv("LOGNAME", name)
        with desk.editing() as hand:
            hand.approve(row)
        ran = desk.apply()
        assert ran.code == 0
        runs[name] = ran.json["run"]
    told = desk.run("history", "--json").json["runs"]
    assert [(run["run"], run["who"]) for run in told] == [(runs["ben"], "ben"), (runs["ada"], "ada")]
    assert [len(run["writes"]) for run in told] == [1, 1]  # what Ada had done was already there
    assert desk.run("undo", runs["ada"], "--yes").code == 0
    assert desk.changes == {("additions", 53): {"quantity": 18}}


def test_one_workbook_applied_by_two_people_is_applied_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "add:38:15")
        hand.approve("units:53", Effective_From=day("2026-10-14"))
    copy = desk.file.read_bytes()
    at(monkeypatch, desk, "ada")
    assert desk.apply().code == 0
    sent = len(desk.sent())
    desk.file.write_bytes(copy)
    at(monkeypatch, desk, "ben")
    ran = desk.apply()
    assert (ran.code, len(desk.sent()), set(ran.states.values())) == (0, sent, {"already"})
