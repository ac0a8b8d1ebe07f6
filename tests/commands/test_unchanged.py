"""A check where nothing changed leaves the workbook as it is; whatever did change is seen."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils import coordinate_to_tuple
from python_calamine import CalamineWorkbook

from tests.helpers.desk import Desk, settle
from tests.helpers.hand import LINES, MISMATCHES
from tests.helpers.world import World, desk_in
from xlsync import __version__
from xlsync.gather.unchanged import NOTHING_CHANGED, find_stored_check
from xlsync.plain_json import fingerprint
from xlsync.workbook.layout import START_CELLS


@pytest.fixture(scope="module")
def checked(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose workbook was checked until nothing changed: the first check remembers its links."""
    folder = tmp_path_factory.mktemp("checked")
    world.renew()
    shutil.copytree(world.folder, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, world.sandbox, folder)
        assert desk_in(world, folder).check().code == 0
        assert desk_in(world, folder).check().code == 0
    return folder


@pytest.fixture
def settled(desk: Desk, checked: Path) -> Desk:
    """A desk with that workbook."""
    shutil.rmtree(desk.home)
    shutil.copytree(checked, desk.folder, dirs_exist_ok=True)
    desk.forget_log()
    return desk


def told(desk: Desk, *words: str) -> dict[str, Any]:
    """What a check tells, but for how long it took."""
    desk.later()
    ran = desk.check(*words)
    assert ran.code == 0, ran.err
    found = {name: value for name, value in ran.json.items() if name not in {"seconds", "requests"}}
    return {**found, "notices": [text for text in found["notices"] if text != NOTHING_CHANGED]}


def shown(path: Path) -> dict[str, list[list[Any]]]:
    """All cells of the sheets that people see; the moments of export and check aside."""
    with CalamineWorkbook.from_path(str(path)) as book:
        seen = [title for title in book.sheet_names if title != "_xlsync"]
        sheets = {title: book.get_sheet_by_name(title).to_python(skip_empty_area=False) for title in seen}
    for moment in ("exported_at", "checked_at"):
        row, column = coordinate_to_tuple(START_CELLS[moment])
        sheets["Start"][row - 1][column - 1] = ""
    return sheets


def test_where_nothing_changed_the_file_is_not_written_and_the_same_is_told(settled: Desk) -> None:
    first, before = told(settled, "--refresh"), settled.file.stat()
    assert told(settled) == first
    assert NOTHING_CHANGED in settled.check().err
    again = settled.file.stat()
    assert (again.st_mtime_ns, again.st_size) == (before.st_mtime_ns, before.st_size)


def test_it_asks_both_systems_for_what_the_whole_check_asks(settled: Desk) -> None:
    def asked() -> set[tuple[str, str]]:
        paths = {(request.service, request.path) for request in settled.sandbox.log}
        settled.forget_log()
        return paths

    told(settled)
    quick = asked()
    shutil.rmtree(next(settled.home.glob("cache/*")) / "checks")
    told(settled)
    assert asked() == quick


def test_a_stored_check_in_the_form_of_another_version_counts_as_none(tmp_path: Path) -> None:
    stored = {"version": __version__, "check": {"digest": "", "notices": []}}
    assert find_stored_check({str(tmp_path.resolve()): stored}, tmp_path) is None


def test_the_digest_is_the_same_too(settled: Desk) -> None:
    first = settled.run("check", str(settled.file), "--digest").out
    assert first.startswith("# xlsync 2026-10")
    assert settled.run("check", str(settled.file), "--digest").out == first


def more_units(desk: Desk) -> None:
    desk.addition(53)["quantity"] += Decimal(5)


def another_name(desk: Desk) -> None:
    company = desk.sandbox.connectwise.companies[next(iter(desk.sandbox.connectwise.companies))]
    desk.sandbox.connectwise.commit(("companies", company["id"], {**company, "name": "Renamed GmbH"}))


def another_bill(desk: Desk) -> None:
    invoices = (one for one in desk.sandbox.bss.invoices if "2026-10" in str(one["invoiceDate"]))
    item = next(invoices)["items"][0]
    item["quantity"] += 7


def another_rule(desk: Desk) -> None:
    line = desk.read().line("Quillfeather Books")
    product = desk.read().get(LINES, line, "Product")
    assert desk.run("links", "ignore", "--product", product, "--reason", "by hand").code == 0


def a_forgotten_link(desk: Desk) -> None:
    key = next(key for kind, key, *_ in desk.links() if kind == "contract")
    assert desk.run("links", "forget", key, "--yes").code == 0


def another_setting(desk: Desk) -> None:
    (desk.folder / "xlsync.toml").write_text("[creation]\nidentifier_length = 5\n")


def an_edit(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set(LINES, hand.line("", "Dark Web Watch"), {"ConnectWise Product": "(create new)"})


@pytest.mark.parametrize(
    "change",
    [more_units, another_name, another_bill, another_rule, a_forgotten_link, another_setting, an_edit],
)
def test_every_change_is_seen_as_without_what_the_last_check_left(
    settled: Desk, change: Callable[[Desk], None]
) -> None:
    change(settled)
    kept = settled.folder / "kept.xlsx"
    shutil.copy(settled.file, kept)
    home = settled.folder / "home-before"
    shutil.copytree(settled.home, home)
    quick = told(settled), shown(settled.file)
    shutil.copy(kept, settled.file)
    shutil.rmtree(settled.home)
    shutil.copytree(home, settled.home)
    shutil.rmtree(next(settled.home.glob("cache/*")) / "checks")
    assert (told(settled), shown(settled.file)) == quick
    assert settled.file.read_bytes() != kept.read_bytes()


def test_a_check_with_a_failed_read_leaves_nothing_so_that_the_next_one_reads_again(settled: Desk) -> None:
    more_units(settled)
    settled.sandbox.fail("forbid", path=r"GET /finance/agreements/\d+/additions", times=40)
    assert told(settled)["mismatches"]["Could not check"] > 0
    settled.sandbox._faults.waiting.clear()
    assert told(settled)["mismatches"]["Could not check"] == 0


def test_a_lapsed_approval_is_told_once_and_then_no_more(settled: Desk) -> None:
    with settled.editing() as hand:
        hand.approve("units:53")
    more_units(settled)
    assert "Yes was removed" in settled.check().err
    assert "Yes was removed" not in settled.check().err
    assert settled.read().get(MISMATCHES, "units:53", "Approve") is None


@given(st.lists(st.one_of(st.text(), st.integers(), st.decimals(allow_nan=False), st.none())))
def test_fingerprints_differ_where_values_differ(values: list[object]) -> None:
    assert fingerprint(values) == fingerprint(list(values))
    assert fingerprint(values) != fingerprint([*values, "more"])
    assert fingerprint(values, []) != fingerprint([], values) or not values
    assert fingerprint([Decimal(1)]) != fingerprint(["1"])
