"""A report that a workbook names is opened only where it lies beside it, or was chosen here before."""

from __future__ import annotations

from pathlib import Path

import pytest

from xlsync.commands.report_files import UnaskedReports, find_reports, remember_chosen


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    folder = tmp_path / "mails"
    folder.mkdir()
    (folder / "own.csv").touch()
    (tmp_path / "far.csv").touch()
    return folder / "month.xlsx"


def test_a_report_in_the_workbooks_folder_is_opened(tmp_path: Path, workbook: Path) -> None:
    own = workbook.with_name("own.csv")
    assert find_reports(tmp_path / "home", [str(own)], workbook) == (own,)


def test_a_report_elsewhere_is_opened_once_it_was_chosen(tmp_path: Path, workbook: Path) -> None:
    far, home = tmp_path / "far.csv", tmp_path / "home"
    names = [str(far), str(workbook.parent / ".." / "far.csv")]
    with pytest.raises(UnaskedReports) as raised:
        find_reports(home, names, workbook)
    assert [str(path) for path in raised.value.paths] == names
    assert str(far) in raised.value.question
    remember_chosen(home, raised.value.paths)
    assert find_reports(home, names[:1], workbook) == (far,)


@pytest.mark.parametrize("name", ["", "/", "C:\\", r"\\files\billing"])
def test_a_report_without_a_name_is_a_folder_and_not_looked_for_on_another_machine(
    tmp_path: Path, workbook: Path, name: str
) -> None:
    try:
        paths = find_reports(tmp_path / "home", [name], workbook)
    except UnaskedReports as unasked:
        paths = unasked.paths
    assert all(path.is_dir() for path in paths)


def test_a_link_that_leads_out_of_the_folder_is_asked_about(tmp_path: Path, workbook: Path) -> None:
    link = workbook.with_name("link.csv")
    link.symlink_to(tmp_path / "far.csv")
    with pytest.raises(UnaskedReports):
        find_reports(tmp_path / "home", [str(link)], workbook)


@pytest.mark.parametrize("name", ["\\\\evil.example\\share\\own.csv", "//evil.example/share/own.csv"])
def test_another_machine_is_not_even_asked_whether_it_has_the_report(
    tmp_path: Path, workbook: Path, name: str
) -> None:
    assert find_reports(tmp_path / "home", [name], workbook) == (workbook.with_name("own.csv"),)
    with pytest.raises(UnaskedReports):
        find_reports(tmp_path / "home", [name.replace("own", "other")], workbook)


def test_a_report_that_is_nowhere_is_told_as_missing_later(tmp_path: Path, workbook: Path) -> None:
    gone = tmp_path / "gone.csv"
    assert find_reports(tmp_path / "home", [str(gone)], workbook) == (gone,)


@pytest.mark.parametrize("content", ["", "{", '{"a": 1}', "[1, null]"])
def test_a_damaged_list_of_chosen_reports_asks_again(tmp_path: Path, workbook: Path, content: str) -> None:
    (tmp_path / "reports.json").write_text(content, encoding="utf-8")
    far = tmp_path / "far.csv"
    with pytest.raises(UnaskedReports):
        find_reports(tmp_path, [str(far)], workbook)
    remember_chosen(tmp_path, [far])
    assert find_reports(tmp_path, [str(far)], workbook) == (far,)
