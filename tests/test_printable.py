"""Names of strangers cannot move a terminal's cursor or turn its writing around."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from xlsync.cli.console import CleanConsole
from xlsync.printable import printable


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    left = [sign for sign in printable(text) if unicodedata.category(sign) in {"Cc", "Cs"}]
    assert set(left) <= {"\n", "\t"}
    assert printable(printable(text)) == printable(text)


@pytest.mark.parametrize("name", ["Delta GmbH", "株式会社", "Łódź", "\u05d0\u05d1", "👩\u200d💻"])
def test_names_in_any_script_stay_as_they_are(name: str) -> None:
    assert printable(name) == name


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a\x1b]0;title\x07b", "a\u202eb", "a\x9bb", "a\rb"])
def test_the_console_prints_no_such_name_in_a_line_or_a_table(name: str) -> None:
    written = io.StringIO()
    console = CleanConsole(file=written, force_terminal=True, width=60)
    console.print(name, markup=False, style="red", soft_wrap=True)
    table = Table("Customer")
    table.add_row(name)
    console.print(table)
    for sign in ("\x1b[2J", "\x1b]", "\u202e", "\x9b", "\r", "\x07"):
        assert sign not in written.getvalue()
