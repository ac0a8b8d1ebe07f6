"""What holds whatever people approve, and in whatever order their rows and columns stand."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.helpers.desk import Desk, records, without_ids
from tests.helpers.hand import LINES, MISMATCHES, NEW, Hand, day
from tests.helpers.office import Office

UPDATES = ("units:1", "units:2", "units:52", "units:53", "units:55", "units:69", "units:72")
COSTS = ("cost:54", "cost:55")
ADDITIONS = (
    "add:38:15",
    "add:38:5",
)
ENDS = ("only:62", "only:64")
REVIEWED = UPDATES + COSTS + ADDITIONS + ENDS

few = settings(
    max_examples=3,
    deadline=None,
    derandomize=True,  # the same runs everywhere: a whole run is too dear to be tried by chance
    database=None,
    phases=[Phase.explicit, Phase.generate],  # nor is a failing one made smaller by hundreds of runs
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Said:
    """What a person put into one row."""

    key: str
    approve: str | None
    units: int | None = None
    effective: str | None = None
    action: str | None = None


@st.composite
def decisions(draw: st.DrawFn) -> tuple[Said, ...]:
    said = []
    for key in REVIEWED:
        approve = draw(st.sampled_from(["Yes", "Yes", "yes", "No", "no", None, " "]))
        units = draw(st.sampled_from([None, 1, 5, 18])) if key in UPDATES else None
        dated = key in UPDATES and key not in {"units:55", "units:72"}  # one is invoiced, one has a cost too
        effective = draw(st.sampled_from([None, None, "2026-10-14"])) if dated else None
        action = None
        if key in ENDS and approve is not None and approve.strip().casefold() == "yes":
            action = "Cancel addition"
        said.append(Said(key, approve, units, effective, action))
    return tuple(said)


def write_down(hand: Hand, said: tuple[Said, ...]) -> set[str]:
    """Put the decisions into the sheet; the keys that have a Yes."""
    for one in said:
        cells: dict[str, Any] = {"Approve": one.approve}
        if one.units is not None:
            cells["New Units"] = one.units
        if one.effective is not None:
            cells["Effective From"] = day(one.effective)
        if one.action is not None:
            cells["Action"] = one.action
        hand.set(MISMATCHES, one.key, cells)
    return {one.key for one in said if one.approve and one.approve.strip().casefold() == "yes"}


@pytest.fixture
def anew(desk: Desk) -> Anew:
    return Anew(desk, desk.folder / "first.xlsx")


class Anew:
    """The desk put back before each example."""

    def __init__(self, desk: Desk, kept: Path) -> None:
        self.desk, self.kept = desk, kept
        shutil.copy(desk.file, kept)
        self.home = desk.folder / "home-at-first"
        shutil.copytree(desk.home, self.home)

    def desk_again(self, world: Any) -> Desk:
        world.renew()
        shutil.copy(self.kept, self.desk.file)
        shutil.rmtree(self.desk.home)
        shutil.copytree(self.home, self.desk.home)
        return self.desk


@few
@given(said=decisions())
def test_apply_twice_is_apply_once_and_each_approved_row_has_one_result(
    anew: Anew, world: Any, said: tuple[Said, ...]
) -> None:
    desk = anew.desk_again(world)
    with desk.editing() as hand:
        approved = write_down(hand, said)
    first = desk.apply("--force")
    assert first.code == 0, first.err
    once = records(desk.sandbox)
    results = {key: text for key, text in desk.read().column(MISMATCHES, "Result").items() if text}
    assert results.keys() == approved
    assert all(str(text).startswith(("done", "already")) for text in results.values())
    keys = [action["key"] for action in first.json["actions"]]
    assert len(keys) == len(set(keys))
    touched = Counter(request.path for request in desk.sandbox.writes if request.method == "PATCH")
    assert set(touched.values()) <= {1}  # two actions on one addition are never planned
    desk.forget_log()
    second = desk.apply("--force")
    assert (second.code, desk.sent(), records(desk.sandbox)) == (0, [], once)
    assert {action["key"] for action in second.json["actions"]} == set(keys)


UNITS = ("units:52", "units:53", "units:69")
FOREIGN = st.tuples(
    st.sampled_from([52, 53, 54, 69]),
    st.sampled_from(["quantity", "unitCost", "unitPrice"]),
    st.integers(71, 99).map(Decimal),  # values that no approval asks for
)


@few
@given(steps=st.lists(st.one_of(st.none(), FOREIGN), min_size=2, max_size=4))
def test_each_approval_is_written_at_most_once_however_often_it_is_applied_and_whatever_others_change(
    anew: Anew, world: Any, steps: list[tuple[int, str, Decimal] | None]
) -> None:
    desk = anew.desk_again(world)
    with desk.editing() as hand:
        hand.approve(*UNITS, "cost:54", "add:38:15")
        hand.approve("only:62", Action="Cancel addition")
    file = desk.file.read_bytes()  # as it lies in somebody's mail: no Result is ever seen in it
    for step in (None, *steps, None):
        if step is None:
            desk.file.write_bytes(file)
            assert desk.apply("--force").code in {0, 3}
        else:
            id_, field, value = step
            desk.addition(id_)[field] = value
    sent = Counter(desk.sent())
    assert sent
    assert set(sent.values()) == {1}


@few
@given(others=st.lists(FOREIGN, max_size=3))
def test_undo_after_apply_is_as_before_and_leaves_what_others_changed_since(
    anew: Anew, world: Any, others: list[tuple[int, str, Decimal]]
) -> None:
    desk = anew.desk_again(world)
    before = records(desk.sandbox)
    with desk.editing() as hand:
        hand.approve(*UNITS, "cost:54")
    ran = desk.apply("--force")
    assert ran.code == 0, ran.err
    wanted = {key: dict(record) for key, record in before.items()}
    for id_, field, value in others:
        desk.addition(id_)[field] = value
        wanted["additions", id_][field] = value
    undone = desk.run("undo", ran.json["run"], "--yes", "--json")
    own = {(52, "quantity"), (53, "quantity"), (69, "quantity"), (54, "unitCost")}
    is_in_the_way = any((id_, field) in own for id_, field, _ in others)
    assert (undone.code, undone.json["failed"], undone.json["unknown"]) == (3 if is_in_the_way else 0, 0, 0)
    assert records(desk.sandbox) == wanted


@few
@given(said=decisions())
def test_without_an_approval_there_is_no_write(anew: Anew, world: Any, said: tuple[Said, ...]) -> None:
    desk = anew.desk_again(world)
    with desk.editing() as hand:
        write_down(hand, tuple(Said(one.key, None, one.units, one.effective, one.action) for one in said))
        hand.set(NEW, "customer:bss:622", {"Name": "Other", "Contact First Name": "Ada"})
        hand.set(LINES, hand.line("Quillfeather Books"), {"ConnectWise Customer": "(create new)"})
    ran = desk.apply("--force")
    assert (ran.code, desk.sent(), ran.json["actions"]) == (0, [], [])


def rearrange(hand: Hand, dice: random.Random) -> None:
    """Sort, hide, filter, move, delete and add, as people do."""
    for title in (LINES, MISMATCHES, NEW):
        sheet = hand.sheet(title)
        header, *rows = [[(cell.value, copy(cell._style)) for cell in line] for line in sheet.iter_rows()]
        approve = next((n for n, (value, _) in enumerate(header) if value == "Approve"), None)
        dice.shuffle(rows)
        if approve is not None:  # a row without a decision may go
            rows = [row for row in rows if row[approve][0] or dice.random() < 0.7]
        order = list(range(len(header)))
        dice.shuffle(order)
        gap = dice.choice([0, 2])
        sheet.delete_rows(1, sheet.max_row)
        table = [[*(header[n] for n in order), ("My sum", None), ("My word", None)]]
        table += [[*(row[n] for n in order), (7, None), ("x", None)] for row in rows]
        for number, line in enumerate(table, 1 + gap):
            for column, (value, style) in enumerate(line, 1):
                cell = sheet.cell(number, column)
                cell.value = value
                if style is not None:
                    cell._style = style
                if isinstance(value, str) and value.startswith("="):
                    cell.data_type = "s"  # still a text, as when a person moves it
            if dice.random() < 0.2:
                sheet.row_dimensions[number].hidden = number > 1 + gap
        sheet.column_dimensions["B"].hidden = True
        sheet.tables.clear()
        sheet.data_validations.dataValidation.clear()
        sheet.conditional_formatting = type(sheet.conditional_formatting)()
    hand.book.move_sheet(MISMATCHES, -1)
    hand.book.create_sheet("Mine", dice.choice([0, 3]))["B2"] = "=1+1"


@settings(few, max_examples=2)
@given(said=decisions(), seed=st.integers(0, 10**6))
def test_the_order_of_rows_and_columns_and_what_is_added_do_not_matter(
    anew: Anew, world: Any, said: tuple[Said, ...], seed: int
) -> None:
    ends = []
    for is_moved in (False, True):
        desk = anew.desk_again(world)
        with desk.editing() as hand:
            approved = write_down(hand, said)
            if is_moved:
                rearrange(hand, random.Random(seed))  # noqa: S311 - no secret
        ran = desk.apply("--force")
        assert ran.code == 0, ran.err
        results = {key for key, text in desk.read().column(MISMATCHES, "Result").items() if text}
        assert results == approved
        ends.append((without_ids(desk.sandbox), ran.states))
    assert ends[0] == ends[1]


@settings(few, max_examples=2)
@given(seed=st.integers(0, 10**6))
def test_check_keeps_decisions_whatever_the_order_and_apply_still_finds_them(
    anew: Anew, world: Any, seed: int
) -> None:
    desk = anew.desk_again(world)
    with desk.editing() as hand:
        hand.approve("units:52", New_Units=17)
        hand.approve("add:38:15")
        hand.set(LINES, hand.line("DELTA"), {"Note": "Ask Pia", "ConnectWise Customer": "Delta Ltd"})
        rearrange(hand, random.Random(seed))  # noqa: S311 - no secret
    assert desk.check().code == 0
    hand = desk.read()
    assert hand.get(MISMATCHES, "units:52", "New Units") == 17
    assert hand.get(LINES, hand.line("DELTA"), "Note") == "Ask Pia"
    assert hand.get(LINES, hand.line("DELTA"), "ConnectWise Customer") == "Delta Ltd"
    assert set(hand.column(LINES, "My sum").values()) == {7}
    assert hand.sheet("Mine")["B2"].value == "=1+1"
    assert desk.apply().code == 0
    assert desk.addition(52)["quantity"] == 17


@pytest.mark.parametrize("edit", ["rows above", "rows above a plain range", "row below the table"])
def test_check_follows_rows_that_left_their_table(desk: Desk, edit: str) -> None:
    with desk.editing() as hand:
        sheet = hand.sheet(MISMATCHES)
        hand.approve("units:52", New_Units=17)
        if edit == "row below the table":
            row, far = hand.rows(MISMATCHES)["units:52"], sheet.max_row + 3
            for cell in list(sheet[row]):
                sheet.cell(far, cell.column).value, cell.value = cell.value, None
        else:
            sheet.insert_rows(1, 2)
            sheet["A1"].value = "My title"
        if edit.endswith("plain range"):
            sheet.tables.clear()
    for _ in range(2):
        assert desk.check().code == 0
        hand = desk.read()
        assert hand.get(MISMATCHES, "units:52", "New Units") == 17
        assert hand.get(MISMATCHES, "units:53", "BSS Units") == 18
        assert (hand.at(MISMATCHES, "A1") == "My title") == edit.startswith("rows above")
    assert desk.apply().code == 0
    assert desk.changes == {("additions", 52): {"quantity": 17}}


def test_a_workbook_saved_by_libreoffice_means_the_same(desk: Desk, office: Office) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", New_Units=17.5)
        hand.approve("units:1", Effective_From=day("2026-10-14"))
        hand.approve("add:38:15", "cost:54")
        hand.set(LINES, hand.line("DELTA"), {"Note": "Ask Pia", "ConnectWise Customer": "Delta Ltd"})
    source = desk.file.rename(desk.folder / "source.xlsx")
    office.convert(source, desk.file)
    assert desk.check().code == 0
    hand = desk.read()
    assert hand.get(MISMATCHES, "units:52", "Approve") == "Yes"
    assert hand.get(LINES, hand.line("DELTA"), "ConnectWise Customer") == "Delta Ltd"
    ran = desk.apply()
    assert ran.code == 0, ran.err
    assert desk.addition(52)["quantity"] == Decimal("17.5")
    assert desk.addition(1)["cancelledDate"] == "2026-10-13T00:00:00Z"
    assert desk.addition(54)["unitCost"] == Decimal("5.05")
    assert len([1 for table, _ in desk.changes if table == "additions"]) == 5
