"""Several additions of one target, told apart by contract, case by case.

The docstrings hold tables, whose defaults `tables.py` tells.
"""

# ruff: noqa: D205, D212, D400, D403, D415  (docstrings hold tables)

from __future__ import annotations

from tests.helpers.tables import Case, read_addition
from xlsync.models import ActionLabel, MismatchKind


def test_several_active_additions_must_be_settled_by_a_person(case: Case) -> None:
    """
    line  units  amount
    a     5      40

    addition  quantity
    71        2
    72        3

    mismatch           key                bss  cw  difference  impact  action
    Several additions  several:1:10:S1    5    5   0           -       -

    line  status
    a     Mismatch
    """
    assert "71 with 2, 72 with 3" in case.explanation
    assert case.row("several:1:10:S1").addition is None
    assert ActionLabel.offered(MismatchKind.SEVERAL_ADDITIONS) == (ActionLabel.IGNORE,)


def test_two_marked_additions_are_each_compared_with_their_contract(case: Case) -> None:
    """
    line  contract  units
    a     S1        5
    b     S2        7

    addition  quantity  mark
    71        5         S1
    72        6         S2

    mismatch      key       bss  cw  lines
    Units differ  units:72  7    6   b

    line  status
    a     OK
    b     Mismatch
    """
    assert case.row("units:72").addition == read_addition({"addition": "72", "quantity": "6", "mark": "S2"})


def test_marks_are_compared_without_case(case: Case) -> None:
    """
    line  contract  units
    a     abc-1     5
    b     DEF-2     7

    addition  quantity  mark
    71        7         def-2
    72        5         ABC-1

    mismatch  key

    line  status
    a     OK
    b     OK
    """
    assert not case.findings.mismatches


def test_one_marked_and_one_unmarked_serve_two_contracts(case: Case) -> None:
    """
    line  contract  units
    a     S1        5
    b     S2        7

    addition  quantity  mark
    71        9         S1
    72        7         -

    mismatch      key       bss  cw
    Units differ  units:71  5    9

    line  status
    a     Mismatch
    b     OK
    """
    assert case.row("units:71").line_keys == ("a",)


def test_the_unmarked_one_takes_all_contracts_that_have_no_mark(case: Case) -> None:
    """
    line  contract  units
    a     S1        5
    b     S2        7
    c     S3        1

    addition  quantity  mark
    71        5         S1
    72        7         -

    mismatch      key       bss  cw  lines
    Units differ  units:72  8    7   b c
    """
    assert "(7 + 1, of 2 contracts)" in case.explanation


def test_both_marked_the_same_are_several(case: Case) -> None:
    """
    line  contract  units
    a     S1        5

    addition  quantity  mark
    71        5         S1
    72        5         s1

    mismatch           key              bss  cw
    Several additions  several:1:10:S1  5    10
    """
    assert "71 with 5, 72 with 5" in case.explanation


def test_several_unmarked_beside_a_marked_one_are_several_for_the_rest(case: Case) -> None:
    """
    line  contract  units
    a     S1        5
    b     S2        7

    addition  quantity  mark
    71        5         S1
    72        1         -
    73        2         -

    mismatch           key              lines
    Several additions  several:1:10:S2  b

    line  status
    a     OK
    b     Mismatch
    """
    assert "72 with 1, 73 with 2" in case.explanation


def test_an_addition_marked_for_a_contract_that_is_not_billed_is_only_in_connectwise(case: Case) -> None:
    """
    line  contract  units
    a     S1        5

    addition  quantity  mark
    71        5         S1
    72        7         S2

    mismatch             key      cw
    Only in ConnectWise  only:72  7

    line  status
    a     OK
    """
    assert case.row("only:72").action is None


def test_an_only_addition_that_is_marked_for_another_contract_says_so(case: Case) -> None:
    """
    line  contract  units  link
    a     S1        5      1:10
    b     S3        5      2:10

    addition  agreement  quantity  mark
    71        1          7         S2
    72        2          7         s3

    mismatch      key
    Units differ  units:71
    Units differ  units:72
    """
    assert "marked with S2, which none of these lines is of" in case.row("units:71").explanation
    assert "marked with" not in case.row("units:72").explanation


def test_marks_of_other_contracts_do_not_tell_apart(case: Case) -> None:
    """
    line  contract  units
    a     S9        5

    addition  quantity  mark
    71        5         S1
    72        7         S2

    mismatch           key
    Several additions  several:1:10:S9
    """
    assert not [row for row in case.findings.mismatches if row.kind is MismatchKind.ONLY_IN_CONNECTWISE]


def test_a_contract_without_an_addition_left_is_not_in_connectwise_with_its_mark(case: Case) -> None:
    """
    line  contract  units
    a     S1        5
    b     S2        7
    c     S3        1

    addition  quantity  mark
    71        5         S1
    72        7         S2

    mismatch            key          bss
    Not in ConnectWise  add:1:10:S3  1

    line  status
    a     OK
    b     OK
    c     Mismatch
    """
    assert case.row("add:1:10:S3").contract_id == "S3"


def test_the_only_active_addition_counts_for_all_contracts_whatever_its_mark(case: Case) -> None:
    """
    line  contract  units
    a     S1        5
    b     S2        7

    addition  quantity  mark  until
    71        12        S1    -
    72        7         S2    10-15

    mismatch  key

    line  status
    a     OK
    b     OK
    """
    assert not case.findings.mismatches


def test_an_add_on_shares_its_contracts_mark_but_not_its_product(case: Case) -> None:
    """
    line  contract  addon  product  units  link
    a     S1        -      Suite    5      1:10
    b     S1        A7     Voice    2      1:11

    addition  item  quantity  mark
    71        10    5         S1
    72        10    9         -
    73        11    2         S1
    74        11    8         -

    mismatch             key
    Only in ConnectWise  only:72
    Only in ConnectWise  only:74

    line  status
    a     OK
    b     OK
    """
    assert case.row("only:72").connectwise_units == 9


def test_lines_without_a_contract_are_never_told_apart_by_an_empty_mark(case: Case) -> None:
    """
    line  contract  units
    a     -         5

    addition  quantity  mark
    71        5         -
    72        7         -

    mismatch           key
    Several additions  several:1:10:rest
    """
    assert "71 with 5, 72 with 7" in case.explanation
