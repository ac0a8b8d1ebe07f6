"""What a workbook remembers of itself is read back as it was written, in this format and in the first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlsync.errors import WorkbookError
from xlsync.workbook.hidden_sheet import (
    FORMAT,
    About,
    HiddenSheet,
    StoredRow,
    _checksum,
    _packed,
    read_hidden_sheet,
    write_hidden_sheet,
)
from xlsync.xlsx.cells import Cell, Row, Value

ABOUT = About(
    format=FORMAT, version="0.0.1", environment="here", month="2026-10", by="invoice-date", exported_at=""
)
VALUES = st.one_of(
    st.none(),
    st.text(),
    st.booleans(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.datetimes().map(lambda moment: moment.replace(fold=0)),
)
FACTS = st.dictionaries(st.text(), st.text() | st.none())


def grid_of(rows: list[Row]) -> list[list[Value]]:
    """The sheet that these rows make, as it is read."""
    return [[], *([cell for cell in row.cells.values() if not isinstance(cell, Cell)] for row in rows)]


def told(rows: Mapping[str, StoredRow]) -> list[tuple[str, dict[str, str], dict[str, Any]]]:
    """Each row with what it showed, to the last digit, and its facts."""
    return [
        (key, {header: repr(value) for header, value in row.shown.items()}, row.facts)
        for key, row in rows.items()
    ]


@given(
    st.lists(st.text(min_size=1), unique=True, max_size=4).flatmap(
        lambda headers: st.dictionaries(
            st.text(), st.tuples(st.fixed_dictionaries(dict.fromkeys(headers, VALUES)), FACTS)
        )
    )
)
def test_rows_are_read_back_to_the_last_digit(
    written: dict[str, tuple[dict[str, Value], dict[str, Any]]],
) -> None:
    rows = {key: StoredRow.from_facts(shown, facts) for key, (shown, facts) in written.items()}
    kept = read_hidden_sheet(
        grid_of(write_hidden_sheet(HiddenSheet(ABOUT, {"Sheet": rows}), {})), {}, "x.xlsx", {}
    )
    assert kept.about == ABOUT
    assert told(kept.rows["Sheet"]) == told(rows)


def test_rows_with_other_headers_keep_what_they_showed() -> None:
    rows = {
        "a": StoredRow.from_facts({"One": "1"}, {"is": "a"}),
        "b": StoredRow.from_facts({"Two": Decimal("2.50")}, {"is": "b"}),
    }
    kept = read_hidden_sheet(
        grid_of(write_hidden_sheet(HiddenSheet(ABOUT, {"Sheet": rows}), {})), {}, "x.xlsx", {}
    ).rows["Sheet"]
    assert kept["a"].shown == {"One": "1", "Two": None}
    assert kept["b"].shown == {"One": None, "Two": Decimal("2.50")}
    assert [row.facts for row in kept.values()] == [{"is": "a"}, {"is": "b"}]


def vars_of(about: About) -> dict[str, Any]:
    return {name: getattr(about, name) for name in About.__slots__}


def read_as_sealed(texts: list[tuple[str, str]]) -> HiddenSheet:
    return read_hidden_sheet([[], *map(list, texts), ["checksum", _checksum(texts, {})]], {}, "x.xlsx", {})


def test_an_unknown_layout_is_told_as_such() -> None:
    about = json.dumps(vars_of(ABOUT))
    for texts in ([("Mismatches", "{}")], [("Mismatches", _packed([b"[]", b'["a"]']))]):
        with pytest.raises(
            WorkbookError, match=r"another xlsync \(0.0.1\) in a way this one does not"
        ) as raised:
            read_as_sealed([("about", about), *texts])
        assert "Export the month again" in raised.value.hint


@pytest.mark.parametrize("facts", ["", "nonsense", _packed([b"{}"])])
def test_facts_that_cannot_be_read_are_told_when_they_are_asked_for(facts: str) -> None:
    shown = _packed([b"[]", b'["a","b"]'])
    kept = read_as_sealed(
        [("about", json.dumps(vars_of(ABOUT))), ("Mismatches", shown), ("facts of Mismatches", facts)]
    )
    with pytest.raises(WorkbookError, match="altered or is damaged"):
        kept.rows["Mismatches"]["a"].facts  # noqa: B018
