"""The October of the demo from the first command to the last: the cells and commands that it takes."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.helpers.desk import OCTOBER, Desk, settle
from tests.helpers.hand import LINES, MISMATCHES, NEW, Hand
from tests.helpers.world import CopiedSandbox

README = Path(__file__).parent.parent.parent / "README.md"
NEW_CUSTOMER = "Zephyr Kitesurf"
CHOICES = {  # what a person decides where the evidence is not clear
    ("DELTA", "M365 - Business Standard (New Commerce)"): {"ConnectWise Customer": "Delta GmbH"},
    ("Kestrel Optics", "M365 - Exchange Online Plan 1 (New Commerce)"): {
        "ConnectWise Customer": "Kestrel Optics [KESTREL1]"
    },
    ("Lapwing Recruitment", "eSignature Business"): {"ConnectWise Product": "CL-0037: eSignature Business"},
    ("Pipit Tutors", "M365 - Exchange Online Plan 1 (New Commerce)"): {
        "ConnectWise Agreement": "Cloud Services"
    },
    (NEW_CUSTOMER, "M365 - Business Basic (New Commerce)"): {
        "ConnectWise Customer": "(create new)",
        "ConnectWise Agreement": "(create new)",
    },
}


class Person:
    """Somebody who does the month, and counts."""

    def __init__(self, folder: Desk) -> None:
        self.desk = folder
        self.cells = 0
        self.commands: list[str] = []

    def run(self, *words: str) -> None:
        ran = self.desk.run(*words)
        assert ran.code == 0, ran.err
        self.commands.append(words[0])

    def fill(self, hand: Hand, sheet: str, key: str, cells: dict[str, str]) -> None:
        hand.set(sheet, key, cells)
        self.cells += len(cells)


def test_october_takes_at_most_35_cells_and_4_commands_and_the_readme_says_how_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CopiedSandbox() as whole_demo:
        settle(monkeypatch, whole_demo, tmp_path)
        _do_october(Desk(whole_demo, tmp_path, tmp_path / OCTOBER))


def _do_october(desk: Desk) -> None:
    person = Person(desk)
    person.run("export", "--month", "2026-10")
    with desk.editing() as hand:
        for key in hand.rows(LINES):
            names = hand.get(LINES, key, "Customer"), hand.get(LINES, key, "Product")
            if hand.get(LINES, key, "Status") == "Confirm link":
                person.fill(hand, LINES, key, {"Match": "confirmed"})
            elif names in CHOICES and hand.get(LINES, key, "Status") == "Not linked":
                person.fill(hand, LINES, key, CHOICES[names])
    person.run("check", OCTOBER)
    with desk.editing() as hand:
        for key in hand.rows(NEW):
            if NEW_CUSTOMER in str(hand.get(NEW, key, "For")):
                is_agreement = hand.get(NEW, key, "Kind") == "Agreement"
                contact = {"Contact First Name": "Zoe"} if is_agreement else {}
                person.fill(hand, NEW, key, {"Approve": "Yes", **contact})
        for key in hand.rows(MISMATCHES):
            if hand.get(MISMATCHES, key, "Action") not in {None, "", "Ignore"}:
                person.fill(hand, MISMATCHES, key, {"Approve": "Yes"})
    person.run("apply", OCTOBER, "--yes")
    person.run("report", OCTOBER)
    hand = desk.read()
    approved = [key for key in hand.rows(MISMATCHES) if hand.get(MISMATCHES, key, "Approve") == "Yes"]
    results = {key: str(hand.get(MISMATCHES, key, "Result")) for key in approved}
    assert [key for key, result in results.items() if not result.startswith("done")] == []
    made = [one for one in desk.sandbox.connectwise.companies.values() if one["name"] == NEW_CUSTOMER]
    assert len(made) == 1
    assert person.cells <= 35
    assert person.commands == ["export", "check", "apply", "report"]
    readme = " ".join(README.read_text(encoding="utf-8").split())
    told = re.search(r"(\d+) cells and (\d+) commands", readme)
    assert told is not None
    assert (int(told[1]), int(told[2])) == (person.cells, len(person.commands))
    person.run("check", OCTOBER)
    assert [key for key in results if key in desk.read().rows(MISMATCHES)] == []
    hand = desk.read()
    left = Counter(hand.get(NEW, key, "Kind") for key in hand.rows(NEW))
    assert f"; {left['Customer']} more customers and {left['Product']} products to create remain" in readme
