"""The template is what the script makes of `sheets.py`, and programs open it without complaint."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import openpyxl
import pytest
from openpyxl.formula.tokenizer import Token, Tokenizer

from tests.helpers.office import Office
from xlsync.models import ActionLabel, MismatchKind
from xlsync.reconcile.billed import Fate
from xlsync.template import build as template
from xlsync.workbook import layout as sheets
from xlsync.workbook import style as look
from xlsync.xlsx.cells import Row, address
from xlsync.xlsx.package import Package

TEMPLATE = Path(__file__).parents[2] / "workbook_template.xlsx"
DESIGN = {
    "Billing Lines": "Customer · Contract ID · Product · Billing Period · Commitment Period · Units · Cost"
    " · Effective Date · Amount · Currency · Type · Invoice · ConnectWise Customer · ConnectWise Agreement"
    " · ConnectWise Product · Match · Status · Note · Candidates · Evidence · Source · Line Key",
    "Mismatches": "Customer · Agreement · Product · Mismatch · BSS Units · ConnectWise Units · Difference"
    " · BSS Cost · ConnectWise Cost · Unit Price · Monthly Impact · Action · New Units · New Cost"
    " · Effective From · Approve · Result · Explanation · Candidates · Row Key · Reason · Until · Since",
    "New in ConnectWise": "Kind · For · Name · Identifier · Customer · Type · Category · Billing Cycle"
    " · Start Date · Price · Cost · Address · City · State · Zip · Country · Contact First Name"
    " · Contact Last Name · Contact Email · Approve · Result · Looks Like · Row Key",
    "Invoices": "Customer · Agreement · Next Invoice Date · Next Invoice Amount · BSS Amount · Margin"
    " · Unapplied Mismatches · Approve · Result · Row Key",
}
INPUTS = {
    "Billing Lines": {
        "ConnectWise Customer",
        "ConnectWise Agreement",
        "ConnectWise Product",
        "Match",
        "Note",
    },
    "Mismatches": {"Action", "New Units", "New Cost", "Effective From", "Approve", "Reason", "Until"},
    "Invoices": {"Approve"},
}

TITLES = (sheets.START, *(sheet.title for sheet in sheets.TABLES), sheets.LISTS, sheets.MEMORY)


@pytest.fixture(scope="module")
def workbook() -> openpyxl.Workbook:
    return openpyxl.load_workbook(TEMPLATE)  # a warning would be an error


def test_the_template_is_what_the_script_makes() -> None:
    with zipfile.ZipFile(TEMPLATE) as kept, zipfile.ZipFile(io.BytesIO(template.build())) as made:
        assert kept.namelist() == made.namelist()
        for name in kept.namelist():
            assert kept.read(name) == made.read(name), f"{name}: run python -m xlsync.template"


def test_the_formulas_of_dropdowns_are_no_longer_than_excel_takes_in_any_row() -> None:
    for sheet in sheets.TABLES:
        for column in sheet.columns:
            formula = re.sub(r"(\$[A-Z]+)2\b", r"\g<1>100000", sheet.choices(column))
            assert len(formula) <= 255, (sheet.title, column.header)


def test_a_long_evidence_spills_into_no_cell_that_a_person_fills_in() -> None:
    """A spreadsheet shows a long text in the empty cells beside it, and a note would seem to stand there."""
    headers = [column.header for column in sheets.BILLING_LINES.columns]
    assert not sheets.BILLING_LINES.columns[headers.index("Evidence") + 1].is_input


def test_the_script_writes_the_same_bytes_each_time() -> None:
    assert template.build() == template.build()


@pytest.mark.parametrize("title", DESIGN)
def test_headers_are_those_of_the_design(title: str, workbook: openpyxl.Workbook) -> None:
    headers = [cell.value for cell in workbook[title][1]]
    assert sorted(headers) == sorted(DESIGN[title].split(" · "))  # their order is free
    sheet = next(sheet for sheet in sheets.TABLES if sheet.title == title)
    assert list(sheet.headers) == headers
    table = workbook[title].tables[sheet.table]
    assert [column.name for column in table.tableColumns] == headers
    assert table.ref == table.autoFilter.ref == f"A1:{address(1, len(headers) - 1)}"


@pytest.mark.parametrize("title", INPUTS)
def test_what_a_person_may_edit_is_coloured_as_input(title: str, workbook: openpyxl.Workbook) -> None:
    fills = {
        head.value
        for head, cell in zip(*workbook[title]["1:2"], strict=True)
        if cell.fill.fill_type == "solid"
    }
    assert fills == INPUTS[title]


def test_sheets_stand_in_order_and_helpers_are_hidden(workbook: openpyxl.Workbook) -> None:
    assert workbook.sheetnames == list(TITLES)
    states = {page.title: page.sheet_state for page in workbook if page.sheet_state != "visible"}
    assert states == {"Lists": "hidden", "_xlsync": "veryHidden"}


def test_every_dropdown_takes_its_entries_from_defined_names_only(workbook: openpyxl.Workbook) -> None:
    seen = 0
    for page in workbook:
        for validation in page.data_validations.dataValidation:
            if validation.type != "list":
                continue
            seen += 1
            tokens = Tokenizer(f"={validation.formula1}").items
            operands = {
                token.value
                for token in tokens
                if token.type == Token.OPERAND and token.subtype == Token.RANGE
            }
            names = {operand for operand in operands if not operand.startswith("$")}
            assert names
            assert names <= set(workbook.defined_names), validation.formula1
            assert {
                operand for operand in operands - names if not re.fullmatch(r"\$[A-Z]2", operand)
            } == set()
            assert len(validation.formula1) <= 255  # Excel's limit
            assert validation.errorStyle == "warning"
            assert validation.allow_blank
    assert seen == 1 + sum(bool(column.choices) for sheet in sheets.TABLES for column in sheet.columns)


def test_prompts_and_titles_are_as_short_as_excel_wants_them(workbook: openpyxl.Workbook) -> None:
    for page in workbook:
        for validation in page.data_validations.dataValidation:
            assert len(validation.promptTitle or "") <= 32
            assert len(validation.errorTitle or "") <= 32
            assert len(validation.prompt or "") <= 255


def test_dependent_dropdowns_look_at_the_column_they_depend_on() -> None:
    for sheet, header, other in (
        (sheets.BILLING_LINES, "ConnectWise Agreement", "ConnectWise Customer"),
        (sheets.MISMATCHES, "Action", "Mismatch"),
        (sheets.NEW, "Type", "Kind"),
    ):
        formula = sheet.choices(sheet.columns[sheet.index(header)])
        assert f"${address(1, sheet.index(other))}" in formula
        assert "{" not in formula


def test_the_formula_of_a_dropdown_is_as_short_as_excel_demands(workbook: openpyxl.Workbook) -> None:
    for page in workbook:
        for rule in page.data_validations.dataValidation:
            last_row = (rule.formula1 or "").replace("$2", "").replace("2", "1048576")
            assert len(last_row) <= 255, last_row


def test_names_stand_for_their_lists(workbook: openpyxl.Workbook) -> None:
    page = workbook["Lists"]
    assert [cell.value for cell in page[1]] == [column.header for column in sheets.LIST_COLUMNS]
    for index, column in enumerate(sheets.LIST_COLUMNS):
        if column.name:
            reference = workbook.defined_names[column.name].attr_text
            assert reference.startswith(f"Lists!${address(1, index)[:-1]}$2")
    names = {column.name for column in sheets.LIST_COLUMNS if column.name} | set(sheets.START_NAMES)
    names |= set(sheets.FIRST_OPEN_NAMES)
    assert set(workbook.defined_names) == names


@pytest.mark.parametrize("kind", MismatchKind)
def test_the_actions_of_a_mismatch_are_found_by_offset_and_count(kind: MismatchKind) -> None:
    at = sheets.FIXED_LISTS["Mismatch"].index(kind)
    first, count = sheets.FIXED_LISTS["First Action"][at], sheets.FIXED_LISTS["Action Count"][at]
    assert isinstance(first, int)
    assert isinstance(count, int)
    assert sheets.FIXED_LISTS["Action"][first : first + count] == tuple(map(str, ActionLabel.offered(kind)))


def test_start_has_a_place_for_every_fact_and_a_chart_of_the_mismatches(workbook: openpyxl.Workbook) -> None:
    page = workbook["Start"]
    for name, cell in sheets.START_CELLS.items():
        assert page[cell].value is None
        assert page[cell].offset(0, -1).value or name in {"money_of", "billed_of", "verdict", "notices"}
    for label, cells in sheets.START_MISMATCH_CELLS.items():
        assert page[f"E{cells[0][1:]}"].value == label
    assert list(sheets.START_MISMATCH_CELLS) == list(MismatchKind)
    for label, cells in sheets.START_BILLED_CELLS.items():
        assert page[f"E{cells[0][1:]}"].value == label
    assert {"Invoices", "Lines", "Unexplained", *Fate} == set(sheets.START_BILLED_CELLS)
    assert (
        workbook.defined_names["xlsync_month"].attr_text == f"Start!${'$'.join(sheets.START_CELLS['month'])}"
    )
    with zipfile.ZipFile(TEMPLATE) as package:
        chart = package.read("xl/charts/chart1.xml").decode()
    assert re.findall(r"<(?:c:)?f>([^<]*)<", chart) == [
        "'Start'!G5",
        "'Start'!$E$6:$E$15",
        "'Start'!$G$6:$G$15",
        "'Start'!H5",
        "'Start'!$E$6:$E$15",
        "'Start'!$H$6:$H$15",
    ]


def test_columns_and_first_rows_carry_the_formats_that_new_rows_take(workbook: openpyxl.Workbook) -> None:
    page = workbook["Billing Lines"]
    for header, form in {
        "Contract ID": "@",
        "Units": "#,##0_)_)",
        "Cost": "#,##0.00##_)_)",
        "Effective Date": "yyyy-mm-dd",
    }.items():
        name = address(1, sheets.BILLING_LINES.index(header))
        assert page[name].number_format == form
        assert page.column_dimensions[name[:-1]].number_format == form


def test_panes_are_frozen_below_the_header(workbook: openpyxl.Workbook) -> None:
    assert {title: workbook[title].freeze_panes for title in DESIGN} == {
        "Billing Lines": "C2",
        "Mismatches": "D2",
        "New in ConnectWise": "D2",
        "Invoices": "D2",
    }


def test_the_keys_of_rows_are_hidden(workbook: openpyxl.Workbook) -> None:
    for sheet in sheets.TABLES:
        dimensions = workbook[sheet.title].column_dimensions
        hidden = [letters for letters, dimension in dimensions.items() if dimension.hidden]
        assert hidden == [address(1, len(sheet.columns) - 1)[:-1]]
        assert sheet.columns[-1].is_key


def test_pages_on_paper_name_their_rows_and_can_be_read(workbook: openpyxl.Workbook) -> None:
    for sheet in sheets.TABLES:
        page = workbook[sheet.title]
        assert (page.print_title_rows, page.print_title_cols) == (
            "$1:$1",
            f"$A:${address(1, sheet.frozen - 1)[:-1]}",
        )
        assert page.page_setup.orientation == "landscape"
        shown = sum(column.width for column in sheet.columns if not column.is_key)
        assert shown / page.page_setup.fitToWidth < 250  # half the size of the screen's letters
        assert page.page_setup.fitToHeight == 0


def test_start_tells_every_colour_of_the_sheets(workbook: openpyxl.Workbook) -> None:
    used = {
        rule.dxf.fill.bgColor.rgb
        for sheet in sheets.TABLES
        for entry in workbook[sheet.title].conditional_formatting
        for rule in entry.rules
        if rule.dxf.fill
    }
    legend = {cell.fill.start_color.rgb for (cell,) in workbook["Start"]["E33:E39"]}
    assert used - {f"FF{look.IDLE[0]}"} == legend - {f"FF{look.INPUT}"}
    assert f"FF{look.INPUT}" in legend


def test_start_leads_to_the_sheets(workbook: openpyxl.Workbook) -> None:
    links = [cell.hyperlink.location for row in workbook["Start"] for cell in row if cell.hyperlink]
    assert links == list(sheets.FIRST_OPEN_NAMES)  # a check lets each name stand for the first open row


@pytest.mark.parametrize("header", [column.header for column in sheets.NEW.columns if column.is_input])
def test_what_is_not_asked_of_a_kind_looks_empty(header: str, workbook: openpyxl.Workbook) -> None:
    page = workbook["New in ConnectWise"]
    letter = address(1, sheets.NEW.index(header))[:-1]
    rules = [
        rule.formula[0]
        for entry in page.conditional_formatting
        if str(entry.sqref) == f"{letter}2"
        for rule in entry.rules
        if rule.dxf.fill and rule.dxf.fill.bgColor.rgb == f"FF{look.IDLE[0]}"
    ]
    asked = {kind for kind in sheets.ASKED if header in sheets.ASKED[kind]} or set(sheets.ASKED)
    told = {kind for formula in rules for kind in re.findall(r'\$B2="(\w+)"', formula)}
    assert told == (asked if asked != set(sheets.ASKED) else set())


def filled() -> bytes:
    package = Package.open(TEMPLATE)
    for sheet in sheets.TABLES:
        rows = [
            Row(None, {column: f"{sheet.title} {row}.{column}" for column in range(len(sheet.columns))})
            for row in range(3)
        ]
        package.replace_rows(sheet.title, rows)
    return package.to_bytes()


def test_rules_and_dropdowns_cover_rows_that_are_added() -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(filled()))
    for sheet in sheets.TABLES:
        page = workbook[sheet.title]
        assert page.tables[sheet.table].ref.endswith("4")
        for validation in page.data_validations.dataValidation:
            assert re.fullmatch(r"([A-Z]+)2:(\1)4", str(validation.sqref))
        for rule in page.conditional_formatting:
            assert re.fullmatch(r"([A-Z]+)2:(\1)4", str(rule.sqref))
        styles = [[cell.style_id for cell in row] for row in page["A2:V4"]]
        assert styles[0] == styles[1] == styles[2]


def test_libreoffice_opens_the_template_and_keeps_its_cells(office: Office, tmp_path: Path) -> None:
    (tmp_path / "book.xlsx").write_bytes(filled())
    office.convert(tmp_path / "book.xlsx", tmp_path / "saved.xlsx")
    package = Package.open(tmp_path / "saved.xlsx")
    assert package.sheets == TITLES
    for sheet in sheets.TABLES:
        grid = package.grid(sheet.title)
        assert grid[0] == list(sheet.headers)
        assert grid[3][0] == f"{sheet.title} 2.0"


def test_dependent_dropdowns_of_added_rows_look_at_cells_that_are_there() -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(filled()))
    formulas = [v.formula1 or "" for page in workbook for v in page.data_validations.dataValidation]
    assert sum("OFFSET" in formula for formula in formulas) == 2
    assert not [formula for formula in formulas if "#REF!" in formula]


def test_money_of_several_other_currencies_has_as_many_lines_as_it_needs(workbook: openpyxl.Workbook) -> None:
    page = workbook["Start"]
    for label, (_, _, cell) in sheets.START_BILLED_CELLS.items():
        if label != "Unexplained":  # its text has a whole line below
            assert page[cell].alignment.wrap_text
            assert not page[cell].alignment.shrink_to_fit
            assert page.row_dimensions[page[cell].row].height is None, "a fixed height would cut the text"


def test_start_is_printed_on_one_upright_page(workbook: openpyxl.Workbook) -> None:
    setup = workbook["Start"].page_setup
    assert (setup.orientation, setup.fitToWidth, setup.fitToHeight) == ("portrait", 1, 1)


def test_the_text_about_unexplained_money_has_a_line_of_its_own(workbook: openpyxl.Workbook) -> None:
    page = workbook["Start"]
    note = sheets.START_BILLED_CELLS["Unexplained"][2]
    assert f"{note}:H{page[note].row}" in {str(area) for area in page.merged_cells.ranges}
    assert page._charts[1].anchor._from.row >= page[note].row


def test_the_tip_of_approve_names_every_entry_of_its_list_that_writes() -> None:
    book = openpyxl.load_workbook(TEMPLATE)
    entries = [text for text in sheets.FIXED_LISTS["Approve"] if str(text).startswith("Yes")]
    assert entries == ["Yes", "Yes, over limit"]
    for sheet in (sheets.MISMATCHES, sheets.NEW, sheets.INVOICES):
        (tip,) = (
            one.prompt
            for one in book[sheet.title].data_validations.dataValidation
            if one.promptTitle == "Approve"
        )
        assert all(f"{entry} " in tip for entry in entries)
