"""Colours with a meaning: what a cell of the workbook looks like for what stands in it or beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from openpyxl.formatting.rule import Rule
from openpyxl.styles import Font, PatternFill
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.styles.numbers import NumberFormat

from xlsync.models import MismatchKind
from xlsync.workbook.layout import ASKED, BILLING_LINES, MISMATCHES, NEW, WRITES, Sheet
from xlsync.workbook.style import AMBER, BLUE, DIM, FAINT, GREEN, IDLE, RED, VIOLET
from xlsync.xlsx.cells import letters

PAD: Final = "_)_)"  # keeps numbers off the next cell; LibreOffice loses an indent beside coloured cells
_RESULTS: Final = (
    (GREEN, ("done", "already")),
    (AMBER, ("skipped",)),
    (RED, ("failed",)),
    (VIOLET, ("unknown",)),
)


def rules_of(sheet: Sheet) -> dict[str, list[Rule]]:
    """The rules of a sheet's columns, by header, for their cells in row 2."""
    rules: dict[str, list[Rule]] = {}
    if sheet is BILLING_LINES:
        rules = _of_billing_lines()
    elif sheet is MISMATCHES:
        rules = _of_mismatches()
    elif sheet is NEW:
        rules = _of_new()
    for header, make in (("Approve", _of_approve), ("Result", _of_result)):
        if header in sheet.headers:
            rules[header] = make(_cell(sheet, header)) + rules.get(header, [])
    return rules


def fraction(cell: str) -> Rule:
    """Decimals where there are some: `#,##0.####` alone would show five as `5.`."""
    look = DifferentialStyle(numFmt=NumberFormat(numFmtId=170, formatCode=f"#,##0.####{PAD}"))
    return _when(f"AND(ISNUMBER({cell}),{cell}<>INT({cell}))", look)


def faint(formula: str) -> Rule:
    """What is there, and nothing to look at."""
    return _when(formula, DifferentialStyle(font=Font(color=f"FF{FAINT}")))


def _of_billing_lines() -> dict[str, list[Rule]]:
    status, match = _cell(BILLING_LINES, "Status"), _cell(BILLING_LINES, "Match")
    return {
        "Status": [
            _colored(GREEN, f'{status}="OK"'),
            _colored(AMBER, f'{status}="Mismatch"'),
            _colored(RED, f'{status}="Not linked"'),
            _colored(BLUE, f'{status}="Confirm link"'),
            _colored(DIM, f'OR({status}="Ignored",{status}="Not compared")'),
        ],
        "Match": [_colored(BLUE, _starts(match, "suggested"))],
    }


def _of_mismatches() -> dict[str, list[Rule]]:
    action, label = _cell(MISMATCHES, "Action"), _cell(MISMATCHES, "Mismatch")
    impact = _cell(MISMATCHES, "Monthly Impact")
    unknown = f'OR({label}="{MismatchKind.COULD_NOT_CHECK}",{label}="{MismatchKind.CHANGED_SINCE_EXPORT}")'
    return {
        header: [_colored(IDLE, f"NOT({_is_one_of(action, actions)})")] for header, actions in WRITES.items()
    } | {
        "Monthly Impact": [
            _colored(GREEN, f"AND(ISNUMBER({impact}),{impact}>0)"),
            _colored(AMBER, f"AND(ISNUMBER({impact}),{impact}<0)"),
        ],
        "Mismatch": [
            _colored(RED, f'{label}="{MismatchKind.NOT_LINKED}"'),
            _colored(VIOLET, unknown),
        ],
    }


def _of_new() -> dict[str, list[Rule]]:
    """What a kind of thing is not asked for looks idle."""
    kind = _cell(NEW, "Kind")
    rules = {}
    for column in NEW.columns:
        if column.is_input and column.header != "Approve":
            asked = [name for name in ASKED if column.header in ASKED[name]]
            if set(asked) != set(ASKED):
                idle = f'AND({kind}<>"",NOT({_is_one_of(kind, asked)}))'
                rules[column.header] = [_colored(IDLE, idle)]
    return rules


def _of_approve(cell: str) -> list[Rule]:
    return [_colored(GREEN, f'{cell}="Yes"', bold=True), _colored(DIM, f'{cell}="No"')]


def _of_result(cell: str) -> list[Rule]:
    return [_colored(colors, _starts(cell, *words)) for colors, words in _RESULTS]


def _colored(colors: tuple[str, str], formula: str, *, bold: bool = False) -> Rule:
    back, front = colors
    look = DifferentialStyle(
        font=Font(color=f"FF{front}", bold=bold or None),
        fill=PatternFill(bgColor=f"FF{back}", fill_type="solid"),
    )
    return _when(formula, look)


def _when(formula: str, look: DifferentialStyle) -> Rule:
    return Rule(type="expression", dxf=look, formula=[formula])


def _cell(sheet: Sheet, header: str) -> str:
    return f"${letters(sheet.index(header))}2"


def _starts(cell: str, *words: str) -> str:
    tests = ",".join(f'LEFT({cell},{len(word)})="{word}"' for word in words)
    return f"OR({tests})" if len(words) > 1 else tests


def _is_one_of(cell: str, words: Iterable[str]) -> str:
    tests = ",".join(f'{cell}="{word}"' for word in words)
    return f"OR({tests})"
