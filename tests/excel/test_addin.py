"""The Excel add-in, as far as it can be looked at without Excel."""

from __future__ import annotations

import ast
import base64
import hashlib
import importlib.util
import io
import os
import re
import subprocess
import sys
import types
import warnings
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import olefile
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import xlsync
from tests.helpers.office import Office
from tests.helpers.source import ROOT
from xlsync import __version__
from xlsync.cli import app
from xlsync.errors import WorkbookError, XlsyncError
from xlsync.excel import addin, vba
from xlsync.excel.loading import keep_in_bounds
from xlsync.xlsx.package import Package

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("xlwings") is None,
    reason="xlwings, whose add-in it is made from, is not installed",
)

# [MS-CUSTOMUI2] 2.2 and 5.1, for the elements that the ribbon uses: children, attributes, longest values.
NAMES = "{http://schemas.microsoft.com/office/2009/07/customui}"
COMMON = {"id", "label", "imageMso", "screentip", "supertip", "keytip", "enabled", "visible", "tag"}
CHILDREN: Mapping[str, set[str]] = {
    "customUI": {"commands", "ribbon", "backstage", "contextMenus"},
    "ribbon": {"qat", "tabs", "contextualTabs"},
    "tabs": {"tab"},
    "tab": {"group"},
    "group": {"button", "menu", "separator", "box", "splitButton", "labelControl"},
    "menu": {"button", "menu", "menuSeparator", "checkBox", "splitButton"},
    "button": set(),
}
ATTRIBUTES: Mapping[str, set[str]] = {
    "customUI": {"onLoad", "loadImage"},
    "ribbon": {"startFromScratch"},
    "tabs": set(),
    "tab": {"id", "label", "keytip", "visible", "tag", "insertAfterMso", "insertBeforeMso"},
    "group": COMMON | {"autoScale", "centerVertically"},
    "menu": COMMON | {"size", "itemSize", "description", "showImage", "showLabel"},
    "button": COMMON | {"size", "onAction", "getLabel", "description", "showImage", "showLabel"},
}
LONGEST = {"description": 4096, "keytip": 3}  # else 1024
NC_NAME = re.compile(r"[A-Za-z_][\w.-]*")


def source() -> bytes:
    return addin._source().read_bytes()


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def streams(project: bytes) -> dict[str, bytes]:
    with olefile.OleFileIO(io.BytesIO(project)) as ole:
        return {"/".join(path): ole.openstream(path).read() for path in ole.listdir()}


@cache
def olevba() -> Any:
    """The part of oletools that reads VBA; it is loaded with the warnings of its own parser."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("oletools.olevba")


def modules(data: bytes) -> dict[str, str]:
    """The VBA source by module, as oletools reads it."""
    parser = olevba().VBA_Parser("xlsync.xlam", data=data)
    try:
        return {name.partition(".")[0]: code for _, _, name, code in parser.extract_macros()}
    finally:
        parser.close()


@pytest.fixture(scope="module")
def built() -> bytes:
    return addin.build()


# the ribbon


def test_the_ribbon_keeps_the_rules_of_custom_ui() -> None:
    ids: list[str] = []

    def look(element: ET.Element) -> None:
        kind = element.tag.removeprefix(NAMES)
        assert kind in CHILDREN, element.tag
        assert not (element.text or "").strip()
        for name, value in element.attrib.items():
            assert name in ATTRIBUTES[kind], (kind, name)
            assert 1 <= len(value) <= LONGEST.get(name, 1024), (name, value)
        assert element.get("size", "large") in {"large", "normal"}
        if kind not in {"customUI", "ribbon", "tabs"}:
            ids.append(element.attrib["id"])
            assert NC_NAME.fullmatch(element.attrib["id"])
        for child in element:
            assert child.tag.removeprefix(NAMES) in CHILDREN[kind], (kind, child.tag)
            if kind == "menu":
                assert "size" not in child.attrib, "a menu's buttons have no size (2.2.3)"
            look(child)

    look(ET.fromstring(addin.ribbon_xml()))  # noqa: S314 - our own
    assert len(ids) == len(set(ids))


def test_the_tab_has_the_buttons_of_the_issue_in_their_order() -> None:
    root = ET.fromstring(addin.ribbon_xml())  # noqa: S314
    assert [tab.get("label") for tab in root.iter(f"{NAMES}tab")] == ["xlsync"]
    in_groups = [child.get("label") for group in root.iter(f"{NAMES}group") for child in group]
    assert in_groups == [
        "Export", "Check", "Apply", "Invoices", "Report", "Undo",
        "Sign in", "Check connection", "What I remember", "Demo", "Help",
    ]  # fmt: skip
    menu = next(root.iter(f"{NAMES}menu"))
    labels = [item.get("label") for item in menu]
    assert labels == [*[None] * 13, "From a report file…", "The month on Start"]


def test_vba_names_the_months_of_the_menu_and_passes_the_day_for_which_it_did() -> None:
    root = ET.fromstring(addin.ribbon_xml())  # noqa: S314
    named = {b.get("id"): b.get("getLabel") for b in root.iter(f"{NAMES}button") if b.get("getLabel")}
    assert named == {f"Export{back}": "RibbonMyAddin.MonthLabel" for back in range(13)}
    assert "Sub MonthLabel(control As IRibbonControl, ByRef label)" in addin.VBA
    assert 'DateAdd("m", -Mid(control.ID, 7), D), "mmmm yyyy"' in addin.VBA


def test_each_control_has_an_icon_and_a_screentip_and_each_button_the_one_callback() -> None:
    root = ET.fromstring(addin.ribbon_xml())  # noqa: S314
    for control in [*root.iter(f"{NAMES}button"), *root.iter(f"{NAMES}menu")]:
        assert control.get("imageMso")
        assert control.get("screentip")
    assert {b.get("onAction") for b in root.iter(f"{NAMES}button")} == {"RibbonMyAddin.RunMain"}
    assert tuple(b.get("id") for b in root.iter(f"{NAMES}button")) == addin.IDS


# the VBA project


def test_every_callback_stands_in_the_module_that_oletools_reads(built: bytes) -> None:
    found = modules(built)
    for name in re.findall(r'onAction="([^"]+)"', parts(built)["customUI/customUI.xml"].decode()):
        module, _, procedure = name.partition(".")
        assert f"Sub {procedure}(control As IRibbonControl)" in found[module]


def test_only_the_one_module_differs_from_the_project_that_xlwings_ships(built: bytes) -> None:
    was = streams(parts(source())["xl/vbaProject.bin"])
    now = streams(parts(built)["xl/vbaProject.bin"])
    changed = {name for name in was.keys() | now.keys() if was.get(name) != now.get(name)}
    assert changed == {"VBA/RibbonMyAddin"}
    offset = vba.module_offset(vba.decompress(was["VBA/dir"]), "RibbonMyAddin")
    assert now["VBA/RibbonMyAddin"][:offset] == was["VBA/RibbonMyAddin"][:offset]
    assert vba.decompress(now["VBA/RibbonMyAddin"][offset:]) == addin.VBA.encode("ascii")


def test_all_other_modules_read_as_before(built: bytes) -> None:
    was, now = modules(source()), modules(built)
    assert {name for name in was if was[name] != now[name]} == {"RibbonMyAddin"}
    arguments = '\'" & control.ID & "\',\'" & Format(D, "yyyy-mm-dd") & "\''
    assert f'RunPython "import xlsync.ribbon as r;r.main({arguments})"' in now["RibbonMyAddin"]


def test_a_button_runs_even_where_no_workbook_is_open() -> None:
    assert "If ActiveWorkbook Is Nothing Then Workbooks.Add" in addin.VBA


def test_a_workbook_that_would_choose_the_interpreter_is_refused_before_python_starts() -> None:
    guard = addin.VBA.index('SheetExists(ActiveWorkbook, "myaddin.conf")')
    assert guard < addin.VBA.index("Exit Sub") < addin.VBA.index("RunPython")
    assert 'FullName Like "/*[$`""\\|]*"' in addin.VBA


def test_the_vba_of_xlwings_still_reads_its_configuration_where_the_guard_looks() -> None:
    code = modules(source())["xlwings"]
    assert 'Public Const PROJECT_NAME As String = "myaddin"' in code
    assert "Function SheetExists(wb As Workbook, sheetName As String)" in code


def test_the_python_that_vba_calls_can_be_imported_and_called() -> None:
    line = re.search(r'RunPython "(import [^;]+);r\.main\(', addin.VBA)
    assert line
    command = f"{line[1]}; assert callable(r.main)"
    subprocess.run([sys.executable, "-W", "error", "-c", command], check=True)


@given(
    st.one_of(
        st.binary(min_size=1, max_size=600), st.text("abc \r\n", min_size=1, max_size=4096).map(str.encode)
    )
)
def test_compressed_source_reads_back(text: bytes) -> None:
    compressed = vba.compress(text)
    assert vba.decompress(compressed) == text
    assert bytes(olevba().decompress_stream(bytearray(compressed))) == text


def test_a_chunk_that_others_left_uncompressed_is_read() -> None:
    raw = hashlib.shake_256(b"noise").digest(4096)
    assert vba.decompress(b"\x01" + (0x3FFF).to_bytes(2, "little") + raw) == raw


@pytest.mark.parametrize("text", [b"", b"x" * 4097, hashlib.shake_256(b"noise").digest(4096)])
def test_what_does_not_fit_one_chunk_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="one chunk"):
        vba.compress(text)


def test_a_source_that_does_not_fit_its_place_is_refused() -> None:
    project = parts(source())["xl/vbaProject.bin"]
    noise = base64.b85encode(hashlib.shake_256(b"noise").digest(3200)).decode()
    with pytest.raises(WorkbookError, match="no room"):
        vba.with_source(project, "RibbonMyAddin", noise[:1000])
    with pytest.raises(WorkbookError, match="too long"):
        vba.with_source(project, "RibbonMyAddin", noise[:3000])


def test_a_shorter_source_takes_less_room_and_reads_back() -> None:
    project = parts(source())["xl/vbaProject.bin"]
    short = vba.with_source(project, "RibbonMyAddin", 'Attribute VB_Name = "RibbonMyAddin"\r\n')
    longer = vba.with_source(short, "RibbonMyAddin", addin.VBA)
    assert streams(longer) == streams(vba.with_source(project, "RibbonMyAddin", addin.VBA))


def test_a_project_without_the_module_is_named() -> None:
    with pytest.raises(WorkbookError, match="no module Other"):
        vba.with_source(parts(source())["xl/vbaProject.bin"], "Other", "x")


def test_a_project_with_compiled_code_is_refused() -> None:
    project = bytearray(parts(source())["xl/vbaProject.bin"])
    at = project.index(b"\xcc\x61\xff\xff\x00\x01\x00")
    project[at + 2] = 0x97
    with pytest.raises(WorkbookError, match="compiled code"):
        vba.with_source(bytes(project), "RibbonMyAddin", "x")


# the package


def test_the_package_keeps_every_part_that_it_does_not_need_to_change(built: bytes) -> None:
    was, now = parts(source()), parts(built)
    assert was.keys() == now.keys()
    assert {name for name in was if was[name] != now[name]} == {
        "customUI/customUI.xml",
        "xl/vbaProject.bin",
        "xl/workbook.xml",
        "xl/worksheets/sheet1.xml",
    }


def test_the_ribbon_is_the_part_that_excel_2010_and_later_look_for(built: bytes) -> None:
    relation = re.search(
        r'<Relationship [^>]*Target="customUI/customUI.xml"', parts(built)["_rels/.rels"].decode()
    )
    assert relation
    assert "http://schemas.microsoft.com/office/2007/relationships/ui/extensibility" in relation[0]


def test_the_configuration_sheet_names_the_interpreter_that_built_it(built: bytes) -> None:
    package = Package.from_bytes(built)
    assert package.sheets == ("myaddin.conf",)
    told = {line[0]: line[1] for line in package.grid("myaddin.conf")}
    assert told["INTERPRETER_WIN"] == told["INTERPRETER_MAC"] == sys.executable
    assert told["XLSYNC"] == xlsync.__version__
    assert told["XLWINGS"] == addin.xlwings_version()
    assert told["ADD_WORKBOOK_TO_PYTHONPATH"] == "false"


def test_no_setting_that_the_vba_asks_for_is_left_to_files_beside_the_workbook() -> None:
    asked = set(re.findall(r'GetConfig\("([^"]+)"', modules(source())["xlwings"]))
    assert asked <= addin.configuration("python").keys()


def test_the_settings_stand_without_a_gap_since_vba_reads_to_the_first_one(built: bytes) -> None:
    grid = Package.from_bytes(built).grid("myaddin.conf")
    names = [line[0] for line in grid]
    assert names == list(addin.configuration(sys.executable))
    assert all(name == str(name).upper() for name in names)


def test_the_same_python_builds_the_same_bytes(built: bytes) -> None:
    assert addin.build() == built


def test_a_path_that_a_mac_shell_would_take_apart_is_refused_on_macos() -> None:
    with pytest.raises(XlsyncError, match="Excel for Mac"):
        addin.build("/Users/Jo Doe/venv/bin/python", "darwin")
    assert addin.build("/Users/jo/venv/bin/python", "darwin")
    assert addin.build(r"C:\Users\Jo Doe\venv\Scripts\python.exe", "win32")


def test_libreoffice_opens_the_package_with_its_sheet_and_its_module(
    built: bytes, office: Office, tmp_path: Path
) -> None:
    workbook = parts(built)
    kind = b"application/vnd.ms-excel.%s.macroEnabled.main+xml"
    types = workbook["[Content_Types].xml"]
    assert kind % b"addin" in types
    workbook["[Content_Types].xml"] = types.replace(kind % b"addin", kind % b"sheet")
    with zipfile.ZipFile(tmp_path / "xlsync.xlsm", "w") as archive:
        for name, data in workbook.items():
            archive.writestr(name, data)
    office.convert(tmp_path / "xlsync.xlsm", tmp_path / "xlsync.ods")
    opened = parts((tmp_path / "xlsync.ods").read_bytes())
    assert sys.executable in opened["content.xml"].decode()
    macros = [data for name, data in opened.items() if name.endswith("RibbonMyAddin.xml")]
    assert len(macros) == 1
    assert b"import xlsync.ribbon as r" in macros[0]


# building, installing, removing


def test_ribbon_build_writes_the_file_and_says_which_python_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["ribbon", "build"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "xlsync.xlam").read_bytes() == built
    assert sys.executable in result.stderr
    result = CliRunner().invoke(app, ["ribbon", "build", "--output", "other.xlam"])
    assert result.exit_code == 0
    assert (tmp_path / "other.xlam").read_bytes() == built


def test_ribbon_build_overwrites_an_add_in_of_xlsync_and_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = Path("own.xlam")
    own.write_bytes(b"the add-in of another program")
    before = own.read_bytes()
    result = CliRunner().invoke(app, ["ribbon", "build", "--output", str(own)])
    assert (result.exit_code, own.read_bytes()) == (1, before)
    assert "is not the add-in of xlsync, so it is not overwritten" in result.stderr
    workbook = CliRunner().invoke(app, ["ribbon", "build", "--output", "own.xlsx"])
    assert workbook.exit_code == 2
    assert "let it end in .xlam" in workbook.stderr
    for _ in range(2):
        assert CliRunner().invoke(app, ["ribbon", "build"]).exit_code == 0


def test_a_built_add_in_tells_whether_it_is_of_this_version(tmp_path: Path) -> None:
    file = addin.write_addin(tmp_path / "xlsync.xlam")
    told = addin.read_addin(file)
    assert told
    assert told.is_current
    for other in (
        addin.Built(told.interpreter, told.xlsync, "0.1"),
        addin.Built(told.interpreter, "0.0.1", told.xlwings),
        addin.Built("/elsewhere/python", told.xlsync, told.xlwings),
    ):
        assert not other.is_current


def test_files_that_are_no_add_in_of_ours_are_none(tmp_path: Path) -> None:
    (tmp_path / "broken.xlam").write_bytes(b"PK nothing")
    (tmp_path / "other.xlam").write_bytes(source())
    assert addin.read_addin(tmp_path / "broken.xlam") is None
    assert addin.read_addin(tmp_path / "other.xlam") is None
    assert addin.read_addin(tmp_path / "none.xlam") is None


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_the_installed_add_in_is_found_at_excels_usual_place(tmp_path: Path, platform: str) -> None:
    assert addin.installed(platform, tmp_path) is None
    (folder,) = addin.startup_folders(platform, tmp_path)
    folder.mkdir(parents=True)
    file = addin.write_addin(folder / "xlsync.xlam")
    assert addin.installed(platform, tmp_path) == file


# an update of xlwings or xlsync


def put_addin(home: Path, platform: str, **versions: str) -> Path:
    """An add-in where Excel loads it, as another version made it."""
    (folder,) = addin.startup_folders(platform, home)
    folder.mkdir(parents=True)
    file = addin.write_addin(folder / addin.NAME)
    package = Package.open(file)
    names = list(addin.configuration(sys.executable))
    package.change_cells(
        addin.CONFIGURATION, {(names.index(name), 1): version for name, version in versions.items()}
    )
    file.write_bytes(package.to_bytes())
    return file


@pytest.mark.parametrize("platform", ["win32", "darwin"])
@pytest.mark.parametrize("name", ["XLWINGS", "XLSYNC"])
def test_an_add_in_of_an_older_version_is_rebuilt_once_and_that_is_told(
    tmp_path: Path, built: bytes, platform: str, name: str
) -> None:
    file = put_addin(tmp_path, platform, **{name: "0.0.7"})
    told = addin.renew(platform, tmp_path)
    assert "0.0.7" in told
    assert "was renewed" in told
    assert file.read_bytes() == built
    script = addin.mac_script(tmp_path)
    assert script.exists() == (platform == "darwin")  # with which an add-in on macOS starts Python
    if platform == "darwin":
        assert script.read_bytes() == addin._source().with_name(script.name).read_bytes()
    assert addin.renew(platform, tmp_path) == ""


def test_an_add_in_that_starts_another_python_is_left_to_it(tmp_path: Path) -> None:
    file = put_addin(tmp_path, "win32", XLWINGS="0.0.7", INTERPRETER_WIN="/elsewhere/bin/python")
    before = file.read_bytes()
    assert addin.renew("win32", tmp_path) == ""
    assert file.read_bytes() == before


def test_where_there_is_no_add_in_or_another_one_nothing_is_made(tmp_path: Path) -> None:
    assert addin.renew("win32", tmp_path) == ""
    assert list(tmp_path.iterdir()) == []
    (folder,) = addin.startup_folders("win32", tmp_path)
    folder.mkdir(parents=True)
    (folder / addin.NAME).write_bytes(source())
    assert addin.renew("win32", tmp_path) == ""
    assert (folder / addin.NAME).read_bytes() == source()


@pytest.mark.skipif(os.name != "posix", reason="no limits on files elsewhere")
def test_an_add_in_that_cannot_be_replaced_is_told_with_what_to_do(tmp_path: Path) -> None:
    """Excel has it loaded, or, as here, there is no room to write it."""
    import resource  # noqa: PLC0415 - posix alone has it

    file = put_addin(tmp_path, "win32", XLWINGS="0.0.7")
    before = file.read_bytes()
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, usual[1]))
    try:
        told = addin.renew("win32", tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert "0.0.7) and could not be renewed: " in told
    assert "Quit Excel, and the next command renews it." in told
    assert [path.read_bytes() for path in file.parent.iterdir()] == [before]


def test_the_next_command_rebuilds_the_add_in_and_says_so(tmp_path: Path, built: bytes) -> None:
    """Run as on Windows as far as the add-in is concerned: its default places are those."""
    file = put_addin(tmp_path, "win32", XLWINGS="0.0.7")
    code = (
        "import sys, zipfile; here = sys.platform; sys.platform = 'win32'; "
        "import xlsync.excel.addin; sys.platform = here; "
        "from xlsync.cli import main; main()"
    )
    environ = {**os.environ, "HOME": str(tmp_path), "XLSYNC_HOME": str(tmp_path / "xlsync")}
    words = [sys.executable, "-c", code, "export", "--demo", "--month", "2026-10", "--json"]
    told = []
    for number in range(2):
        done = subprocess.run(
            [*words, "--output", f"{number}.xlsx"],
            capture_output=True, text=True, env=environ, cwd=tmp_path, check=True,
        )  # fmt: skip
        told.append("The Excel add-in (made by" in done.stderr)
    assert told == [True, False]
    assert addin.read_addin(file) == addin.Built(sys.executable, __version__, addin.xlwings_version())
    assert file.read_bytes() == built


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="there would be an Excel to change")
@pytest.mark.parametrize("verb", ["install", "remove"])
def test_without_desktop_excel_there_is_nothing_to_install_or_remove(verb: str) -> None:
    result = CliRunner().invoke(app, ["ribbon", verb])
    assert result.exit_code == 1
    assert f"no add-in to {verb}" in result.stderr
    assert f"Run `xlsync ribbon {verb}` where Excel is" in " ".join(result.stderr.split())
    assert "xlsync ribbon build" in result.stderr


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_the_startup_folder_that_excel_told_comes_before_the_usual_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    """A company may redirect people's folders to a server."""
    monkeypatch.setenv("XLSYNC_HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path / "server"))
    (usual,) = addin.startup_folders(platform)
    assert (tmp_path / "server" in usual.parents) == (platform == "win32")
    (tmp_path / "addin").mkdir()
    (tmp_path / "addin" / addin.FOLDER_FILE).write_text(f"{tmp_path / 'XLSTART'}\n", encoding="utf-8")
    assert addin.startup_folders(platform) == (tmp_path / "XLSTART", usual)
    (tmp_path / "XLSTART").mkdir()
    file = addin.write_addin(tmp_path / "XLSTART" / addin.NAME)
    assert addin.installed(platform) == file


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="there would be an Excel to change")
def test_what_xlwings_own_installer_says_is_passed_on_in_two_lines(tmp_path: Path) -> None:
    with pytest.raises(XlsyncError, match=r"xlwings could not install the add-in: .+") as told:
        addin.install(tmp_path, "win32")
    assert told.value.hint == "Quit Excel, and try again."
    assert ("\n" in told.value.message, "Traceback" in told.value.message) == (False, False)
    assert addin.read_addin(tmp_path / "xlsync.xlam")
    with pytest.raises(XlsyncError, match=r"xlwings could not remove the add-in: .+"):
        addin.remove(tmp_path, "darwin")


def test_what_excel_tells_keeps_letters_that_the_code_page_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    assert addin.run_python("print('Łódź')").stdout.strip() == "Łódź"


def test_an_excel_that_waits_for_somebody_is_told_and_not_waited_for() -> None:
    with pytest.raises(XlsyncError, match="Excel did not answer within 1 seconds") as told:
        addin.run_python("import threading; threading.Event().wait()", seconds=0.7)
    assert "quit Excel" in told.value.hint


def test_no_excel_of_others_is_ended_by_force_and_no_call_is_repeated_for_ever() -> None:
    """What xlwings calls when Python ends, and when an Excel ends that it began, is all that kills one."""
    ended: list[str] = []

    class Apps:
        @staticmethod
        def cleanup() -> None:
            ended.append("taskkill /F")

    on_windows = types.SimpleNamespace(Apps=Apps, N_COM_ATTEMPTS=0)
    keep_in_bounds(types.SimpleNamespace(_xlwindows=on_windows))
    Apps.cleanup()
    assert (ended, on_windows.N_COM_ATTEMPTS > 0) == ([], True)

    (folder,) = importlib.util.find_spec("xlwings").submodule_search_locations
    tree = ast.parse(Path(folder, "_xlwindows.py").read_text("utf-8"))
    (apps,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Apps")
    killing = [
        [node.name for node in nodes if isinstance(node, ast.FunctionDef) and "taskkill" in ast.unparse(node)]
        for nodes in (apps.body, ast.walk(tree))
    ]
    assert killing == [["cleanup"], ["cleanup"]]
    assert "N_COM_ATTEMPTS = 0" in ast.unparse(tree)
    loading = [file.name for file in ROOT.rglob("*.py") if "  import xlwings" in file.read_text("utf-8")]
    assert loading == ["loading.py"]
