"""Formulas follow rows that come and go as they do in LibreOffice, which nobody here wrote."""

from __future__ import annotations

import openpyxl
import pytest

from tests.helpers.office import Office
from tests.xlsx.test_formulas import FIRST, HERE, LAST, SHAPES
from xlsync.xlsx.moves import Moves
from xlsync.xlsx.package import Package

BELOW = 60  # a 0-based row below the data, from which formulas stand
SCENARIOS = {
    "nothing": [],
    "before the first": [("insert", FIRST, 3)],
    "behind the last": [("insert", LAST + 1, 2)],
    "the first goes": [("delete", FIRST, 1)],
    "the last goes": [("delete", LAST, 1)],
    "many go": [("delete", 4, 30)],
    "some come and go": [("insert", 20, 4), ("insert", 3, 1), ("delete", 9, 5)],
}
RANGES = [
    *("A2:B9", "$A$2:$B$9", "A2:A41", "B5:B41", "B40:B41", "B2:B2", "B3:B30", "B10:D10", "$B$10:D10"),
    *("B1:B9", "B30:B45", "B1:B50", "5:5", "$2:$9", "2:41", "A:A", "$A:$C", "A2", "$B$9", "C$10", "$C41"),
    *("B42:B44", "B43", "B1", "A9:C9", "B10:B11", "B9:B10", "AB5:XFD12"),
]
COVERING = "A2:A41", "2:41"  # new rows at their ends join them, as in a table; not so in LibreOffice


def formulas() -> list[str]:
    on_sheet = [f"SUM({text})" for text in RANGES]
    elsewhere = [f"SUM('{HERE}'!{text})" for text in RANGES]
    shapes = [
        shape.replace("~", reference)
        for shape in SHAPES
        if "\\A10" not in shape  # for LibreOffice this is no name
        for reference in ("B10", "$B$43", f"'{HERE}'!B9", "SUM(B5:B12)", f"SUM('{HERE}'!$B$9:$C$20)")
    ]
    names = [f"SUM('It''s A10'!A10:B12,'{HERE}'!A10)", f"'A!10'!A10&'{HERE}'!A10", "rate*A10", "SUM(all)+A9"]
    unions = ["SUM((A2:A9,C3:C12))", "SUM(A2:C9 B3:D20)", "SUM(A5:INDEX(A2:A30,4))", "SUM(B4:B9 A5:C5)"]
    return [*on_sheet, *elsewhere, *shapes, *names, *unions]


def moves_of(steps: list[tuple[str, int, int]]) -> Moves:
    """Insertions and deletions, as moves of rows."""
    rows: list[int | None] = list(range(FIRST, LAST + 1))
    for what, row, count in steps:
        at = row - FIRST
        rows[at : at + (count if what == "delete" else 0)] = [None] * count if what == "insert" else []
    to = {old: FIRST + place for place, old in enumerate(rows) if old is not None}
    return Moves(FIRST, LAST, FIRST + len(rows) - 1, to)


@pytest.fixture(scope="module")
def moved_by_libreoffice(office: Office, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What became of each formula in each scenario, as LibreOffice writes it."""
    folder = tmp_path_factory.mktemp("rows")
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = HERE
    for title in ("Prices", "January", "March", "January 1", "It's A10", "A!10", "R1C1"):
        book.create_sheet(title)
    for row, formula in enumerate(formulas(), BELOW + 1):
        page.cell(row, 5).value = f"={formula}"
    book.save(folder / "book.xlsx")
    scenarios = [(folder / f"{name}.xlsx", steps) for name, steps in SCENARIOS.items()]
    office.move_rows(folder / "book.xlsx", HERE, scenarios)
    moved: dict[str, list[str]] = {}
    for name, steps in SCENARIOS.items():
        found = Package.open(folder / f"{name}.xlsx").formulas(HERE)
        below = BELOW + moves_of(steps).shift
        moved[name] = [found.get((below + number, 4), "") for number in range(len(formulas()))]
    return moved


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "nothing"])
def test_formulas_read_as_libreoffice_leaves_them_where_rows_come_and_go(
    moved_by_libreoffice: dict[str, list[str]], scenario: str
) -> None:
    moves = moves_of(SCENARIOS[scenario])
    before, after = moved_by_libreoffice["nothing"], moved_by_libreoffice[scenario]
    ours = [moves.formula(formula, HERE) for formula in before]
    at_an_end = scenario in {"before the first", "behind the last"}
    different = [
        (old, new, theirs)
        for old, new, theirs in zip(before, ours, after, strict=True)
        if new.replace(f"'{HERE}'!#REF!", "#REF!") != theirs
        if not (at_an_end and any(f"{text})" in old for text in COVERING))
    ]
    assert not different
    assert sum(map(bool, before)) > len(before) // 2
