"""Formulas follow the rows that they point at, and everything else in them stays letter for letter."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlsync.xlsx.cells import LAST_COLUMN, LAST_ROW
from xlsync.xlsx.formulas import translated, with_references
from xlsync.xlsx.moves import Moves

HERE = "Billing Lines"
FIRST, LAST = 1, 40  # K2:K41

OPAQUE = [
    "Prices!#REF!",
    "Prices!rate",
    "[1]!rate",
    "[1]Prices!A2",
    "'[1]Billing Lines'!B5",
    r"'C:\books\[B.xlsx]Billing Lines'!$A$10",
    "January:March!B5",
    "'January 1:March 3'!B5",
    "#SPILL!",
    "#REF!",
    "#REF!$A$10",
    "#N/A",
    "Server|Topic!A10",
    "Excel|'Billing Lines'!A10",
    "DDE|'a topic'!'A10'",
    "T[[#This Row],[A10]]",
    "T[it''s '[A10']]",
    "LOG10(2)",
    "A10.B",
    "rate_A10",
    "XFE10",
    "A1048577",
    "1E5",
    '"A10 ""B10"""',
    "Prices!A2:B50",
    "'Prices of A10'!$A$2:$B$50",
    "'it''s A10'!C10",
    "K:K",
    "TRUE",
    "über10",
    "ราคาก่!A10",  # letters with marks on them
    "हिन्दी!$A$10:B12",
    "cafe\u0301A10",
    "😀!A10",
    "!$A$10",  # of whichever sheet is shown
]

BROKEN = [  # no program writes them, but a part may hold them
    *(
        "=",
        "A10!",
        "!A10",
        "'A10",
        '"A10',
        "[A10",
        "A10]",
        "[[A10]",
        "A10:",
        ":A10",
        "#",
        "@",
        "A10#A10",
        "A0",
    ),
    *("'Mismatches'!", "'Mismatches!A10", "Mismatches!!A10", "A1048577", "SUM(A10", "A10))", "{A10", "\\"),
    *(
        "LET(",
        "LAMBDA(A10",
        "A10\nA10",
        "é😀A10",
        "<f>A10</f>",
        "]]>",
        "&amp;A10",
        "A10::A10",
        "A10!A10:A10!A10",
    ),
    *("[#This Row]A10", "T[[#A10]", "#REF!A10", "#N/AA10", "%A10%", "|A10|", "A10 A10"),
]
SHAPES = [  # `~` is a plain reference; whatever else looks like one is none
    "SUM(Mismatches[[#This Row],[Units]:[Cost]])+~",
    "Mismatches[@[New Units]]*~",
    "XLOOKUP(~,Mismatches[Customer],Mismatches[[#All],[Units]])",
    "T[[#Totals],[A10]]-~",
    "_xlfn.LET(_xlpm.a1x,~,_xlpm.r,_xlpm.a1x*2,_xlpm.r)",
    "_xlfn.LAMBDA(_xlpm.x,_xlpm.y,_xlpm.x+_xlpm.y)(~,2)",
    "_xlfn._xlws.FILTER(Prices!A2:B9,Prices!A2:A9=~)",
    "_xlfn.ANCHORARRAY(~)",
    "@~",
    "_xlfn.SINGLE(~)+SUM(@~:~)",
    "_xlfn._xlws.SORT(_xlfn.ANCHORARRAY(~),,-1)",
    "_xlfn.BYROW(~,_xlfn.LAMBDA(_xlpm.r,SUM(_xlpm.r)))",
    "_xlfn.LET(_xlpm.A10,~,_xlpm.A10)",
    "SUM((~,~) ~)-Prices!#REF!+#REF!#REF!",
    "'a ''b'' !c'!A10&'It''s \"A10\"'!A10&~",
    "'[it''s.xlsx]A''10!'!A10:B10+~",
    'IF(~="""A10""","A10""","""")&~',
    "SUM(January:March!A:A,January:March!5:5,~)",
    "~#",
    "SUM(January:March!B5,~)",
    "SUM('January 1:It''s A10'!B5,~)",
    "'[b.xlsx]S'!A1+~",
    r"'C:\my books\[b.xlsx]It''s A10!'!A1+~",
    "[2]Prices!$A$10&~",
    "[2]!A10&~",
    "SUM((Prices!A1:B9,Prices!C1:D9) Prices!A:A)+~",
    "'It''s! A10'!A10+~",
    "'[!]A10'!A10+~",
    "'R1C1'!R1C1+~",
    "R1C1+RC+R[-1]C[2]+A10B+A10.5+~",
    'IF(~="say ""A10""",1,{1,"A10";TRUE,#N/A})',
    'SUMIFS(Prices!B:B,Prices!A:A,"<>"&~)%^-2',
    'INDIRECT("A10")+~',
    "OFFSET(~,0,-1,1,1)",
    "~:INDEX(Prices!A:A,3)",
    'GETPIVOTDATA("Units",Prices!$A$10,"A10",~)',
    "cmd|'/c calc'!A10&~",
    "TRUE=~<>FALSE",
    "1.5E-3*~+.5",
    " ( ~ )\n",
    "Prices!A10:B10 ~",
    "LOG10(~)+ATAN2(1,~)+DEC2BIN(~)+BIN2DEC(1)",
    "SUM(~,~;~)",
    "über10+_A10+\\A10+A10?+~",
]


@pytest.mark.parametrize("operand", OPAQUE)
@pytest.mark.parametrize("formula", ["{}", "SUM({})", "-{}%", "IF(1,{},2)", "{}&1"])
def test_whatever_is_no_plain_reference_to_the_sheet_stays_letter_for_letter(
    operand: str, formula: str
) -> None:
    moves = Moves(FIRST, LAST, LAST + 5, {row: row + 5 for row in range(FIRST, LAST + 1)})
    whole = formula.format(operand)
    assert moves.formula(whole, HERE) == whole


@pytest.mark.parametrize(
    ("formula", "moved"),
    [
        ("K10/$K$43", "K12/$K$45"),
        ("RANK(K10,$K$2:$K$41)", "RANK(K12,$K$2:$K$43)"),
        ("VLOOKUP(A10,Prices!A2:B50,2,0)", "VLOOKUP(A12,Prices!A2:B50,2,0)"),
        ("SUM(K$2:K10)", "SUM(K$2:K12)"),
        ("SUM(K10:K$41)", "SUM(K12:K$43)"),
        ("SUM(B10:D10)", "SUM(B12:D12)"),
        ("SUM(K5:K9)", "SUM(K5:K11)"),  # two new rows stand between
        ("K1", "K1"),
        ("SUM(10:10)", "SUM(12:12)"),
        ("SUM($2:$41)", "SUM($2:$43)"),
        ("SUM(K10:K1048576)", "SUM(K12:K1048576)"),
        ("'billing lines'!K10", "'billing lines'!K12"),
        ("K10#", "K12#"),
        ("@K10", "@K12"),
        ("K10:INDEX(K:K,9)", "K12:INDEX(K:K,9)"),
        ("K9:K5", "K11:K5"),
        ("{1,2}*K10", "{1,2}*K12"),
        ('"open K10', '"open K10'),
        ("'open K10", "'open K10"),
        ("T[open+K10", "T[open+K10"),
    ],
)
def test_references_follow_the_rows_that_they_meant(formula: str, moved: str) -> None:
    to = {row: row if row < 7 else row + 2 for row in range(FIRST, LAST + 1)}
    assert Moves(FIRST, LAST, LAST + 2, to).formula(formula, HERE) == moved


@pytest.mark.parametrize(
    ("formula", "moved"),
    [
        ("K10+1", "#REF!+1"),
        ("'Billing Lines'!$K$10", "'Billing Lines'!#REF!"),
        ("SUM(K10:K10)", "SUM(#REF!)"),
        ("SUM(K9:K10)", "SUM(K9:K9)"),
        ("SUM(K9:K11)", "SUM(K9:K10)"),
        ("SUM(K$2:K10)", "SUM(K$2:K9)"),
        ("SUM(K10:K41)", "SUM(K10:K40)"),
        ("K11", "K10"),
        ("K43", "K42"),
    ],
)
def test_what_pointed_at_a_row_that_dropped_becomes_an_error_as_in_excel(formula: str, moved: str) -> None:
    to = {row: row if row < 9 else row - 1 for row in range(FIRST, LAST + 1) if row != 9}
    assert Moves(FIRST, LAST, LAST - 1, to).formula(formula, HERE) == moved


def above(kept: set[int] | None = None) -> Moves:
    """Two new rows come before the first row, one behind the last; rows that are not kept go."""
    rows = [row for row in range(FIRST, LAST + 1) if kept is None or row in kept]
    to = {row: FIRST + 2 + place for place, row in enumerate(rows)}
    return Moves(FIRST, LAST, FIRST + 2 + len(rows), to)


@pytest.mark.parametrize(
    ("formula", "moved"),
    [
        ("SUM(K2:K41)", "SUM(K2:K44)"),  # all rows
        ("SUM($K$2:$K$41)", "SUM($K$2:$K$44)"),
        ("SUM(K1:K41)", "SUM(K1:K44)"),
        ("SUM(K2:K43)", "SUM(K2:K46)"),
        ("SUM(K2:K9)", "SUM(K4:K11)"),  # some rows, as in Excel
        ("SUM($K$2:$K$9)", "SUM($K$4:$K$11)"),
        ("SUM(K33:K41)", "SUM(K35:K43)"),
        ("SUM(K1:K9)", "SUM(K1:K11)"),
        ("SUM(K33:K43)", "SUM(K35:K46)"),
        ("SUM(2:9)", "SUM(4:11)"),
        ("K2", "K4"),
        ("K41", "K43"),
        ("SUM(K2:K1048576)", "SUM(K2:K1048576)"),
    ],
)
def test_a_range_over_all_rows_takes_new_ones_in_and_any_other_follows_its_rows(
    formula: str, moved: str
) -> None:
    moves = above()
    assert moves.formula(formula, HERE, where="a cell") == moved
    assert not moves.notices(HERE)


@pytest.mark.parametrize(
    ("formula", "moved"),
    [
        ("SUM(Mismatches!K10:Mismatches!K12)", "SUM(Mismatches!K12:Mismatches!K14)"),
        ("SUM(Mismatches!K$2:Mismatches!K41)", "SUM(Mismatches!K$2:Mismatches!K44)"),
        ("SUM('Mismatches'!K2:'Mismatches'!K41)", "SUM('Mismatches'!K2:'Mismatches'!K44)"),
        ("SUM(K10:Mismatches!K12)", "SUM(K12:Mismatches!K14)"),
        ("SUM(Prices!A10:Prices!A12,K10)", "SUM(Prices!A10:Prices!A12,K12)"),
        ("SUM(May:Mismatches!K12)", "SUM(May:Mismatches!K12)"),
        ("SUM(K2 :\nK41)", "SUM(K2 :\nK44)"),
        ("SUM(Mismatches!K10 : Mismatches!$K$12)", "SUM(Mismatches!K12 : Mismatches!$K$14)"),
        ("SUM(K10 K12)+INDEX(K:K,1) : K12", "SUM(K12 K14)+INDEX(K:K,1) : K14"),
    ],
)
def test_a_range_that_names_its_sheet_twice_or_is_written_with_blanks_follows_as_one(
    formula: str, moved: str
) -> None:
    assert above().formula(formula, "Mismatches") == moved


@pytest.mark.parametrize(
    ("formula", "moved"),
    [
        ("SUM(K2:K9)", "SUM(K4:K10)"),
        ("SUM(K2:K3)", "SUM(K4:K4)"),
        ("SUM(K2:L2)", "SUM(#REF!)"),
        ("SUM(K2:K41)", "SUM(K2:K43)"),
    ],
)
def test_a_range_whose_first_row_goes_begins_with_the_next_as_in_excel(formula: str, moved: str) -> None:
    assert above(set(range(FIRST + 1, LAST + 1))).formula(formula, HERE) == moved


@pytest.mark.parametrize(
    ("formula", "moved"),
    [
        ("SUM(K$2:K10)", "SUM(K$2:K12)"),  # from the top to this row
        ("COUNTIF(K$2:K9,K10)", "COUNTIF(K$2:K11,K12)"),
        ("SUM(K$1:K9)", "SUM(K$1:K11)"),
        ("SUM(K10:K$41)", "SUM(K12:K$44)"),
        ("SUM(K11:K$43)", "SUM(K13:K$46)"),
        ("SUM(B10:D10)", "SUM(B12:D12)"),
        ("SUM(K$2:K5)", "SUM(K$4:K7)"),  # another row
        ("SUM($K$2:$K$10)", "SUM($K$4:$K$12)"),
    ],
)
def test_a_running_range_in_a_data_row_runs_from_the_first_row_whatever_that_is(
    formula: str, moved: str
) -> None:
    assert above().formula(formula, HERE, row=9) == moved


def test_what_stands_in_the_only_row_still_means_that_row_when_more_come() -> None:
    moves = Moves(1, 1, 5, {1: 3})
    assert moves.formula("SUM(B2:D2)+SUM(K$2:K2)+SUM(K$2:K$2)", HERE, row=1) == (
        "SUM(B4:D4)+SUM(K$2:K4)+SUM(K$2:K$6)"
    )
    assert moves.formula("SUM(K2:K2)", HERE) == "SUM(K2:K6)"


@pytest.mark.parametrize("formula", ["SUM(K2:K4)", "SUM(K1:K3)", "SUM(K39:K43)", "SUM($K$39:$K$41)"])
def test_a_range_from_either_end_whose_rows_came_apart_is_told(formula: str) -> None:
    to = {row: row for row in range(FIRST, LAST + 1)} | {2: 20, 20: 2, 39: 21, 21: 39}
    moves = Moves(FIRST, LAST, LAST, to)
    moves.formula(formula, HERE, where="a cell")
    assert len(moves.notices(HERE)) == 1


def test_a_range_over_all_rows_of_xlsync_takes_new_ones_in_also_where_a_persons_row_stands_below() -> None:
    """The row of a person is row 41, as it is when a sum was typed right below a table."""
    to = {row: row for row in range(FIRST, LAST)} | {LAST: LAST + 3}
    moves = Moves(FIRST, LAST, LAST + 3, to, (FIRST, LAST - 1), (FIRST, LAST + 2))
    assert moves.formula("SUM(K2:K40)", HERE, row=LAST) == "SUM(K2:K43)"
    assert moves.formula("SUM(K2:K41)", HERE) == "SUM(K2:K44)"
    assert moves.formula("SUM(K3:K40)+K41", HERE) == "SUM(K3:K40)+K44"
    assert moves.followed("K2:K40") == "K2:K43"
    assert moves.followed("K2:K41") == "K2:K44"
    assert moves.followed("K2:K9 K20:K40") == "K2:K9 K20:K43"


def test_a_range_over_all_rows_holds_a_persons_row_among_them_that_comes_last() -> None:
    moves = Moves(1, 4, 8, {1: 1, 4: 2, 2: 6, 3: 8}, (2, 4), (2, 7))
    assert moves.formula("SUM(K3:K5)+SUM(K1:K5)", HERE) == "SUM(K3:K9)+SUM(K1:K9)"
    assert moves.stretched("A1:D5") == "A1:D9"
    assert moves.followed("K3:K5") == "K3:K9"


@pytest.mark.parametrize(
    ("cells", "followed"),
    [
        (
            "K2:K9 K11:K41",
            "K2:K11 K13:K45",
        ),  # a cell was pasted over row 10; new rows beside it belong to all
        ("K3:K41", "K4:K45"),
        ("K10", "K12"),
        ("K2:K9 K12:K41", "K2:K10 K15:K45"),  # two rows: what comes beside them may be like them
    ],
)
def test_a_new_row_beside_a_single_one_that_a_rule_for_all_rows_lacks_belongs_to_it(
    cells: str, followed: str
) -> None:
    """New rows come before the first, before and behind row 10, and behind the last."""
    to = {row: row + 1 + (row >= 9) + (row >= 10) for row in range(FIRST, LAST + 1)}
    assert Moves(FIRST, LAST, LAST + 4, to).followed(cells) == followed


def test_a_range_that_is_written_upside_down_moves_as_any_other() -> None:
    assert above().place("H5:G3") == "G5:H7"
    assert above().pieces("H5:H3") == ["H5:H7"]
    assert above().stretched("H41:H2") == "H2:H44"
    assert above().followed("H5:G3") == "G5:H7"


def test_a_reference_that_is_pushed_beyond_the_sheet_becomes_an_error() -> None:
    to = {row: row for row in range(FIRST, LAST + 1)}
    assert Moves(FIRST, LAST, LAST + 9, to).formula("A1048570", HERE) == "#REF!"


@pytest.mark.parametrize(
    ("formula", "filled"),
    [
        ("K2*2", "K7*2"),
        ("K2/K43", "K7/K46"),
        ("VLOOKUP(A2,Prices!A2:B50,2,0)", "VLOOKUP(A7,Prices!A2:B50,2,0)"),
        ("SUM(K$2:K2)", "SUM(K$2:K7)"),
        ("RANK(K2,K2:K41)", "RANK(K7,K2:K44)"),
        ("K2-K1", "K7-K6"),
    ],
)
def test_a_new_row_takes_over_the_formula_of_its_column(formula: str, filled: str) -> None:
    to = {row: row for row in range(FIRST, LAST + 1)}
    assert Moves(FIRST, LAST, LAST + 3, to).filled(formula, HERE, 1, 6) == filled


def test_a_shared_formula_begins_anew_at_the_end_of_the_sheet() -> None:
    assert translated("A1+$B$2+Other!C3", (5, 5), (4, 4)) == "XFD1048576+$B$2+Other!B2"


@pytest.mark.parametrize(
    ("formula", "moved"),
    [
        ("cmd|'/c calc'!A10&A10", "cmd|'/c calc'!A10&C13"),
        ("Server|Topic!A10", "Server|Topic!A10"),
        ("Prices!A2:$B$50", "Prices!C5:$B$50"),
        ("'[1]Prices'!A2+[1]Prices!A2", "'[1]Prices'!C5+[1]Prices!C5"),
        ("SUM(January:March!B5)", "SUM(January:March!D8)"),
        ("@A10:INDEX(B:B,3)", "@C13:INDEX(D:D,3)"),
        ("SUM(5:$6,$B:C)", "SUM(8:$6,$B:E)"),
    ],
)
def test_a_shared_formula_reads_in_another_cell_as_if_it_was_filled_there(formula: str, moved: str) -> None:
    assert translated(formula, (19, 4), (22, 6)) == moved


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("old", "new"), [("A10", "A12"), ("$K$43", "$K$45"), (f"'{HERE}'!B9", f"'{HERE}'!B11")]
)
def test_in_a_formula_of_any_shape_the_plain_references_follow_and_nothing_else(
    shape: str, old: str, new: str
) -> None:
    to = {row: row if row < 7 else row + 2 for row in range(FIRST, LAST + 1)}
    moved = Moves(FIRST, LAST, LAST + 2, to).formula(shape.replace("~", old), HERE)
    assert moved == shape.replace("~", new)


columns = st.sampled_from(["A", "K", "AA", "XFD"])
fixed = st.sampled_from(["", "$"])
cells = st.builds(lambda a, c, b, r: f"{a}{c}{b}{r + 1}", fixed, columns, fixed, st.integers(0, 60))
sheets = st.sampled_from(["", "", "'Billing Lines'!", "Prices!", "'[1]Billing Lines'!"])
single = st.builds(lambda s, c: f"{s}{c}", sheets, cells)
ranges = st.builds(lambda s, a, b: f"{s}{a}:{b}", sheets, cells, cells)
numbers = st.builds(lambda a, r: f"{a}{r + 1}", fixed, st.integers(0, 60))
whole_rows = st.builds(lambda s, a, b: f"{s}{a}:{b}", sheets, numbers, numbers)
whole_columns = st.builds(lambda s, a, b: f"{s}{a}A:{b}{'XFD'}", sheets, fixed, fixed)
operands = st.one_of(single, ranges, whole_rows, whole_columns, st.sampled_from(OPAQUE))


@st.composite
def formulas(draw: st.DrawFn) -> str:
    text = draw(operands)
    for _ in range(draw(st.integers(0, 4))):
        join = draw(st.sampled_from(["+", "/", "&", ",", " ", "=", "<>", "^"]))
        shape = draw(
            st.sampled_from(["{0}{1}{2}", "SUM({0}{1}{2})", "IF({2}{1}{0},{{1,2}},T[a])", "-{0}{1}{2}%"])
        )
        text = shape.format(text, join, draw(operands))
    return draw(st.sampled_from(["~", *SHAPES])).replace("~", text)


@given(formulas(), st.permutations(range(FIRST, LAST + 1)), st.integers(0, 9))
def test_moving_cells_there_and_back_is_the_identity(formula: str, order: list[int], shift: int) -> None:
    """All rows are kept, in any order, and new ones come and go behind them."""
    there = Moves(FIRST, LAST, LAST + shift, dict(zip(range(FIRST, LAST + 1), order, strict=True)))
    back = Moves(FIRST, LAST + shift, LAST, {new: old for old, new in there.to.items()})
    whole = with_references(formula, str)

    def without_ranges(text: str) -> str:
        return with_references(text, lambda found: "" if len(found.corners) > 1 else str(found))

    moved = back.formula(there.formula(whole, HERE), HERE)
    assert without_ranges(moved) == without_ranges(whole)


@given(formulas(), st.lists(st.integers(0, 3), min_size=LAST + 1, max_size=LAST + 1))
def test_inserting_rows_and_taking_them_away_again_is_the_identity(formula: str, gaps: list[int]) -> None:
    """New rows come before, between and behind the others, which keep their order: ranges come back too."""
    to, row = {}, FIRST
    for old, gap in zip(range(FIRST, LAST + 1), gaps[1:], strict=True):
        row += gap
        to[old] = row
        row += 1
    last = row - 1 + gaps[0]
    there = Moves(FIRST, LAST, last, to)
    back = Moves(FIRST, last, LAST, {new: old for old, new in to.items()})
    assert back.formula(there.formula(formula, HERE), HERE) == formula


pieces = st.sampled_from(
    [
        *(
            "A10",
            "$K$41",
            "K:K",
            "2:9",
            "XFD1048576",
            "XFE1",
            "A1048577",
            "A0",
            "1E5",
            "R1C1",
            "Prices",
            HERE,
        ),
        *(
            "'",
            '"',
            "[",
            "]",
            "[#This Row]",
            "[@",
            "#",
            "#REF!",
            "#SPILL!",
            "!",
            ":",
            "@",
            "(",
            ")",
            ",",
            ";",
        ),
        *("_xlfn.LET(", "LAMBDA(", "SUM(", " ", "{", "}", "%", "&", "\\", "|", "''", '""', "\n", "\0"),
        *("é", "\ud800", "😀", "&amp;", "<f>"),
    ]
)


@given(
    st.lists(pieces, max_size=14).map("".join),
    st.integers(0, 9),
    st.sets(st.integers(FIRST, LAST), max_size=LAST),
)
def test_no_formula_whatever_ends_in_an_error_when_rows_come_and_go(
    formula: str, more: int, kept: set[int]
) -> None:
    to = dict(zip(sorted(kept), range(FIRST, FIRST + len(kept)), strict=True))
    moves = Moves(FIRST, LAST, FIRST + len(kept) + more - 1, to)
    for moved in (
        moves.formula(formula, HERE, where="a cell"),
        moves.formula(formula, HERE, here=False),
        moves.fixed(formula, HERE),
        moves.anchored(formula, HERE, 1, 30),
        moves.filled(formula, HERE, 1, 30),
    ):
        assert isinstance(moved, str)
    assert isinstance(moves.notices(HERE), list)


@given(st.text(alphabet="AK$19:!'\"[]#REF.(),+ |éx{}@%\\?_-\n", max_size=60))
def test_no_text_whatever_is_lost_or_ends_in_an_error(formula: str) -> None:
    moves = Moves(FIRST, LAST, LAST, {row: row for row in range(FIRST, LAST + 1)})
    assert with_references(formula, str).casefold() == formula.casefold()
    assert moves.formula(formula, HERE) == formula
    assert isinstance(translated(formula, (3, 3), (LAST_ROW - 1, LAST_COLUMN - 1)), str)


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4)), min_size=1, max_size=4),
    st.permutations(range(2, 9)),
    st.integers(0, 7),
    st.integers(0, 3),
    st.randoms(use_true_random=False),
)
def test_a_rule_covers_each_row_that_it_covered_and_no_piece_overlaps_another(
    pieces: list[tuple[int, int]], order: list[int], kept: int, new: int, random: Random
) -> None:
    to = dict(zip(order[:kept], random.sample(range(2, 2 + kept + new), kept), strict=True))
    moves = Moves(2, 8, 1 + kept + new, to)
    old = {row for top, more in pieces for row in range(top, top + more + 1)}
    cells = " ".join(f"L{top + 1}:L{top + more + 1}" for top, more in pieces)
    covered = [
        row
        for piece in moves.followed(cells).split()
        for row in range(
            int(piece.partition(":")[0][1:]) - 1,
            int((piece.partition(":")[2] or piece.partition(":")[0])[1:]),
        )
    ]
    assert len(covered) == len(set(covered))
    assert {moved for row in old if (moved := moves.row(row)) is not None} <= set(covered)
    kept_rows = set(to.values())
    added = set(covered) - {moves.row(row) for row in old}
    assert not added & kept_rows
