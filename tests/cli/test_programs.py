"""What programs and schedulers are told: errors as JSON, exit codes that tell of work, and profiles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.desk import OCTOBER, Desk
from tests.helpers.hand import MISMATCHES
from xlsync.config import own_settings_file


def error_of(text: str) -> dict[str, object]:
    (line,) = text.splitlines()
    found = json.loads(line)
    assert list(found) == ["error"]
    assert list(found["error"]) == ["message", "hint", "problems"]
    return dict(found["error"])


def test_cells_that_cannot_be_accepted_are_told_to_programs_one_by_one(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"Approve": "maybe"})
        hand.set(MISMATCHES, "add:38:15", {"Approve": "perhaps"})
    ran = desk.apply()
    assert ran.code == 1
    error = error_of(ran.out)
    assert "2 cells cannot be accepted" in str(error["message"])
    problems = error["problems"]
    assert isinstance(problems, list)
    assert [problem["where"].partition("!")[0] for problem in problems] == [MISMATCHES, MISMATCHES]
    assert "'maybe' is not an approval" in problems[0]["message"] + problems[1]["message"]


def test_missing_settings_are_told_to_programs_by_their_variables(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XLSYNC_CW_COMPANY", "XLSYNC_BSS_PASSWORD"):
        monkeypatch.delenv(name)
    ran = empty_desk.export()
    assert ran.code == 1
    problems = error_of(ran.out)["problems"]
    assert isinstance(problems, list)
    assert [problem["where"] for problem in problems] == ["XLSYNC_BSS_PASSWORD", "XLSYNC_CW_COMPANY"]


def test_a_wrong_word_is_told_to_programs_with_the_code_of_usage(empty_desk: Desk) -> None:
    ran = empty_desk.run("export", "--month", "soon", "--json")
    assert ran.code == 2
    assert "'soon' is not a month" in str(error_of(ran.out)["message"])


def test_a_workbook_that_is_none_is_told_to_programs_and_people_alike(desk: Desk) -> None:
    Path("notes.xlsx").write_bytes(b"no workbook")
    ran = desk.run("check", "notes.xlsx", "--json")
    assert ran.code == 1
    error = error_of(ran.out)
    assert str(error["message"]) in " ".join(ran.err.split())
    assert error["problems"] == []


@pytest.mark.parametrize(
    ("words", "done"),
    [
        (["apply", OCTOBER], "written"),
        (["undo", "last"], "written"),
        (["links", "forget", "Visio"], "forgotten"),
    ],
)
def test_where_nobody_agrees_programs_are_told_with_what_to_do(
    desk: Desk, words: list[str], done: str
) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    if words[0] == "undo":
        assert desk.apply().code == 0
    desk.run("links", "ignore", "--product", "Visio", "--reason", "ours")
    ran = desk.run(*words, "--json")
    assert ran.code == 1
    error = error_of(ran.out)
    assert error["message"] == f"Nothing was {done}: nobody agreed."
    assert "--yes" in str(error["hint"])


def test_without_json_nothing_but_people_is_told(desk: Desk) -> None:
    ran = desk.run("check", "none.xlsx")
    assert (ran.code, ran.out) == (1, "")


def test_exit_code_4_tells_that_there_is_something_to_do_if_asked(desk: Desk) -> None:
    found = desk.check()
    assert found.code == 0
    assert sum(found.json["mismatches"].values())
    asked = desk.check("--exit-code")
    assert asked.code == 4
    assert asked.json["mismatches"] == found.json["mismatches"]


def test_exit_code_is_0_where_nothing_is_to_do(empty_desk: Desk) -> None:
    """A month before the first line of all."""
    ran = empty_desk.run("export", "--month", "2020-01", "--exit-code", "--json")
    to_do = ran.json["unlinked"] + sum(ran.json["mismatches"].values())
    assert ran.code == (4 if to_do else 0)


def test_a_profile_is_chosen_by_option_or_variable_for_one_command_alone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = own_settings_file().with_name("xlsync.trial.toml")
    own.write_text('[limits]\nunits = "odd"\n')
    assert desk.run("check", str(desk.file)).code == 0
    chosen = desk.run("check", str(desk.file), "--profile", "trial")
    assert chosen.code == 1
    assert "units must be a number" in chosen.err
    assert desk.run("check", str(desk.file)).code == 0
    monkeypatch.setenv("XLSYNC_PROFILE", "trial")
    assert desk.run("check", str(desk.file)).code == 1


@pytest.mark.parametrize(
    "words", [["check", "--help"], ["links", "list", "--help"], ["ribbon", "build", "--help"]]
)
def test_every_command_takes_a_profile(empty_desk: Desk, words: list[str]) -> None:
    assert "--profile NAME" in empty_desk.run(*words).out
