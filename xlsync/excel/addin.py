"""The Excel add-in: a tab of buttons, built from the add-in of xlwings and installed into Excel.

No Excel is needed to build it. Of xlwings' file three parts change: the ribbon ([MS-CUSTOMUI2], namespace
2009/07), the one VBA module that the buttons call, and the sheet that names the Python to start.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from xlsync import __version__
from xlsync.errors import WorkbookError, XlsyncError
from xlsync.files import read_file, write_file
from xlsync.xlsx.cells import Value, escape_markup
from xlsync.xlsx.package import Package
from xlsync.xlsx.parts import packed, unpacked

NAME: Final = "xlsync.xlam"
FOLDER_FILE: Final = "startup-folder.txt"  # beside the add-in that is installed
SOURCE: Final = "quickstart_addin_ribbon.xlam"
NAMESPACE: Final = "http://schemas.microsoft.com/office/2009/07/customui"
MODULE: Final = "RibbonMyAddin"
CALLBACK: Final = f"{MODULE}.RunMain"
MONTH_LABEL: Final = f"{MODULE}.MonthLabel"
CONFIGURATION: Final = "myaddin.conf"  # the sheet that xlwings' VBA looks for: the name of its project
MONTHS_BACK: Final = range(13)
_WINDOWS_AND_MAC: Final = ("win32", "darwin")
_LOADED: Final = "from xlsync.excel.loading import load_xlwings; load_xlwings()"


class Button(Struct, frozen=True):
    """One button of the ribbon: id, label, image and explanation."""

    id: str
    label: str  # empty for a month, whose name VBA tells
    image: str  # name of an image of Office
    screentip: str
    supertip: str


def _export_button(back: int) -> Button:
    """Return the button of a month; VBA gives it the month's name when the menu is shown."""
    when = {0: "This month", 1: "Last month"}.get(back, f"{back} months ago")
    explanation = "Bring that month's billing into a new workbook."
    return Button(f"Export{back}", "", "CalendarInsert", f"Export: {when.casefold()}", explanation)


MONTHS: Final = (
    *map(_export_button, MONTHS_BACK),
    Button(
        "FromReport",
        "From a report file…",
        "ImportExcel",
        "Export: the distributor's report",
        "Choose the report (Excel or CSV) that holds the month's billing lines.",
    ),
    Button(
        "ExportChosen",
        "The month on Start",
        "CalendarInsert",
        "Export: the month on the sheet Start",
        "Choose a month beside Month on the sheet Start, then click here.",
    ),
)
EXPORT: Final = Button(
    "Export",
    "Export",
    "ExportExcel",
    "Bring a month into a workbook",
    "Reads the month's billing and ConnectWise, links and compares them. Nothing is written to ConnectWise.",
)
GROUPS: Final[Mapping[str, tuple[Button, ...]]] = {
    "Month": (
        EXPORT,
        Button(
            "Check",
            "Check",
            "RefreshAll",
            "Look again",
            "Saves the workbook, reads both systems anew and renews it. Every edit of yours is kept.",
        ),
    ),
    "ConnectWise": (
        Button(
            "Apply",
            "Apply",
            "AcceptInvitation",
            "Write what is approved",
            "Shows what the approved rows would change in ConnectWise, and asks before anything is written.",
        ),
        Button(
            "Invoices",
            "Invoices",
            "AccountingFormat",
            "Create approved invoices",
            "Shows which approved rows of the sheet Invoices would be invoiced, and asks first.",
        ),
        Button(
            "Report",
            "Report",
            "CreateReport",
            "Report the month",
            "Makes a report of the month from this workbook.",
        ),
        Button(
            "Undo",
            "Undo",
            "Undo",
            "Take a run back",
            "Choose a run of this workbook. Shows what would take it back, and asks before it is written.",
        ),
    ),
    "Settings": (
        Button(
            "SignIn",
            "Sign in",
            "Lock",
            "Enter the keys of both systems",
            "Asks for the keys of the marketplace and of ConnectWise, tries them, and stores them safely.",
        ),
        Button(
            "CheckConnection",
            "Check connection",
            "ServerConnection",
            "Look whether everything works",
            "Checks settings, connections, rights and versions, and says what to do. Nothing is written.",
        ),
        Button(
            "Remembered",
            "What I remember",
            "TableInsert",
            "Links and rules as a sheet",
            "Shows what is remembered. Change or delete rows there, then click again to keep the changes.",
        ),
    ),
    "More": (
        Button(
            "Demo",
            "Demo",
            "HappyFace",
            "Try it with made-up data",
            "Makes a workbook from a made-up distributor and a made-up ConnectWise. No account is needed.",
        ),
        Button(
            "Help", "Help", "Help", "What the buttons do", "The steps of a month, and where things are kept."
        ),
    ),
}
IDS: Final = (
    *(button.id for button in MONTHS),
    *(button.id for group in GROUPS.values() for button in group if button is not EXPORT),
)

# xlwings takes its configuration from the open workbook first, and puts the workbook's name into a command
# line: a workbook that came by mail must not choose what runs here.
VBA: Final = f"""\
Attribute VB_Name = "{MODULE}"
Dim D As Date
Sub MonthLabel(control As IRibbonControl, ByRef label)
    If D = 0 Then D = Date
    label = Format(DateAdd("m", -Mid(control.ID, 7), D), "mmmm yyyy")
End Sub
Sub RunMain(control As IRibbonControl)
    If ActiveWorkbook Is Nothing Then Workbooks.Add
    If SheetExists(ActiveWorkbook, "{CONFIGURATION}") Or ActiveWorkbook.FullName Like "/*[$`""\\|]*" Then
        MsgBox "xlsync does not run here: this workbook has a sheet {CONFIGURATION} or a name like a command."
        Exit Sub
    End If
    RunPython "import xlsync.ribbon as r;r.main('" & control.ID & "','" & Format(D, "yyyy-mm-dd") & "')"
End Sub
""".replace("\n", "\r\n")  # fmt: skip


def ribbon_xml() -> str:
    """Return the XML of the ribbon's tab; every button calls one callback with its id."""

    def attributes(button: Button, *, size: str = "") -> str:
        values = {
            "id": button.id,
            **({"label": button.label} if button.label else {"getLabel": MONTH_LABEL}),
            "imageMso": button.image,
            "screentip": button.screentip,
            "supertip": button.supertip,
            **({"size": size} if size else {}),
        }
        return " ".join(f'{name}="{escape_markup(value)}"' for name, value in values.items())

    def written(button: Button) -> str:
        if button is not EXPORT:
            return f'<button {attributes(button, size="large")} onAction="{CALLBACK}"/>'
        months = "".join(f'<button {attributes(month)} onAction="{CALLBACK}"/>' for month in MONTHS)
        return f"<menu {attributes(button, size='large')}>{months}</menu>"

    groups = "".join(
        f'<group id="{label}Group" label="{label}">{"".join(map(written, buttons))}</group>'
        for label, buttons in GROUPS.items()
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<customUI xmlns="{NAMESPACE}"><ribbon>'
        f'<tabs><tab id="xlsyncTab" label="xlsync">{groups}</tab></tabs></ribbon></customUI>'
    )


def xlwings_version() -> str:
    """Return the installed version of xlwings; empty where there is none."""
    try:
        return importlib.metadata.version("xlwings")
    except importlib.metadata.PackageNotFoundError:
        return ""


def _source() -> Path:
    """Return the path of xlwings' own add-in."""
    spec = importlib.util.find_spec("xlwings")
    for folder in (spec and spec.submodule_search_locations) or ():
        file = Path(folder) / SOURCE
        if file.exists():
            return file
    raise XlsyncError(
        "The add-in is made from the one that xlwings ships, and xlwings is not installed here.",
        "Install it beside xlsync: pip install xlwings",
    )


def configuration(interpreter: str) -> dict[str, str]:
    """Return the settings of the add-in's configuration sheet, in the order of its rows.

    It holds every setting that xlwings' VBA knows: a missing one would be looked for in files beside
    the open workbook.
    """
    empty = ("PYTHONPATH", "CONDA PATH", "CONDA ENV", "UDF MODULES", "LICENSE_KEY")
    clouds = ("ONEDRIVE_CONSUMER", "ONEDRIVE_COMMERCIAL", "SHAREPOINT")
    return {
        "INTERPRETER_WIN": interpreter,
        "INTERPRETER_MAC": interpreter,
        "INTERPRETER": interpreter,
        **dict.fromkeys(empty, ""),
        **{f"{cloud}_{system}": "" for cloud in clouds for system in ("WIN", "MAC")},
        "DEBUG UDFS": "False",
        "USE UDF SERVER": "False",
        "SHOW CONSOLE": "False",
        "ADD_WORKBOOK_TO_PYTHONPATH": "false",
        "SHOW_ERROR_POPUPS": "True",
        "TEMP DIR": "%TEMP%",  # used on Windows only
        "XLSYNC": __version__,
        "XLWINGS": xlwings_version(),
    }


def build(interpreter: str = sys.executable, platform: str = sys.platform) -> bytes:
    """Build the add-in's file for a Python interpreter."""
    if platform == "darwin" and re.search(r"[\s'\"$`\\|;&<>()*?]", interpreter):
        raise XlsyncError(
            f"Excel for Mac cannot start a Python in a folder of such a name: {interpreter}",
            "Install xlsync where the path has letters, digits, dots, dashes and slashes only.",
        )
    from xlsync.excel.vba import with_source  # noqa: PLC0415 - each command looks whether it has to build

    package = Package.from_bytes(read_file(_source()), SOURCE)
    title = package.sheets[0]
    cells: dict[tuple[int, int], Value] = {}
    for row, (name, value) in enumerate(configuration(interpreter).items()):
        cells[row, 0], cells[row, 1] = name, value or None
    package.change_cells(title, cells)
    parts = unpacked(package.to_bytes(), SOURCE)
    workbook = parts.text("xl/workbook.xml")
    renamed = re.sub(r'(<sheet\s[^>]*\bname=)"[^"]*"', rf'\1"{CONFIGURATION}"', workbook, count=1)
    # Excel for Mac saved xlwings' file with a resolution that its own schema does not know
    parts.put("xl/workbook.xml", re.sub(r'\s[\w:]*defaultImageDpi="32767"', "", renamed))
    parts.put("customUI/customUI.xml", ribbon_xml())
    parts.put("xl/vbaProject.bin", with_source(parts["xl/vbaProject.bin"], MODULE, VBA))
    return packed(parts.all())


def write_addin(path: Path) -> Path:
    """Build the add-in into a file."""
    write_file(path, build(), None)
    return path


class Built(Struct, frozen=True):
    """An add-in file as read: the Python that it starts, and the versions that it was built from."""

    interpreter: str
    xlsync: str
    xlwings: str

    @property
    def is_ours(self) -> bool:
        """Return whether the add-in starts this Python."""
        return Path(self.interpreter).parent == Path(sys.executable).parent  # python and python3 are the same

    @property
    def is_current(self) -> bool:
        """Return whether the add-in starts this Python and was built from the installed versions."""
        return self.is_ours and (self.xlsync, self.xlwings) == (__version__, xlwings_version())


def read_addin(path: Path) -> Built | None:
    """Read an add-in file; None where it is not xlsync's."""
    try:
        package = Package.open(path)
        if CONFIGURATION not in package.sheets:
            return None
        grid = package.grid(CONFIGURATION)
    except WorkbookError:
        return None
    values = {str(line[0]): str(line[1] or "") for line in grid if len(line) > 1 and line[0] is not None}
    if "XLSYNC" not in values:
        return None
    return Built(values.get("INTERPRETER_WIN", ""), values["XLSYNC"], values.get("XLWINGS", ""))


def startup_folders(platform: str = sys.platform, home: Path | None = None) -> tuple[Path, ...]:
    """Return the folders from which Excel loads add-ins: the one that Excel told, and the usual one.

    `home` is somebody's own folder, in place of that of the person at work.
    """
    if platform not in _WINDOWS_AND_MAC:
        return ()
    of_this_person = home is None
    home = home or Path.home()
    if platform == "win32":
        roaming = os.environ.get("APPDATA", "") if of_this_person else ""
        usual = Path(roaming or home / "AppData/Roaming") / "Microsoft/Excel/XLSTART"
    else:
        group = home / "Library/Group Containers/UBF8T346G9.Office/User Content.localized"
        usual = group / "Startup.localized/Excel"
    own = told_folder() if of_this_person else None
    return (usual,) if own in {None, usual} else (own, usual)


def told_folder() -> Path | None:
    """Return the startup folder that Excel itself told at the last installation; None where it told none."""
    from xlsync.config import home_folder  # noqa: PLC0415  (settings are slow to load for a look at a file)

    try:
        folder = (home_folder() / "addin" / FOLDER_FILE).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return Path(folder) if folder else None


def installed(platform: str = sys.platform, home: Path | None = None) -> Path | None:
    """Return the path of the installed add-in; None where there is none."""
    files = (folder / NAME for folder in startup_folders(platform, home))
    return next((file for file in files if file.exists()), None)


def renew(platform: str = sys.platform, home: Path | None = None) -> str:
    """Rebuild the installed add-in after an update of xlsync or xlwings; returns a notice, or nothing.

    An add-in for another Python is left alone. While Excel has the file loaded, Windows lets
    nobody replace it; the next command tries again.
    """
    file = installed(platform, home)
    built = read_addin(file) if file else None
    if file is None or built is None or not built.is_ours or built.is_current:
        return ""
    made = f"made by xlsync {built.xlsync} with xlwings {built.xlwings}"
    try:
        write_addin(file)
        if platform == "darwin":
            _bring_script(home or Path.home())
    except XlsyncError as error:
        return (
            f"The Excel add-in is out of date ({made}) and could not be renewed: {error.message} "
            "Quit Excel, and the next command renews it."
        )
    now = f"xlsync {__version__} with xlwings {xlwings_version()}"
    return f"The Excel add-in ({made}) was renewed for {now}: Excel takes it when it starts next."


def install(folder: Path, platform: str = sys.platform) -> str:
    """Build the add-in and install it with xlwings' installer; returns the installer's message."""
    file = folder / NAME
    folder.mkdir(parents=True, exist_ok=True)
    _need_excel(platform, "install")
    message = _xlwings("install", write_addin(file))
    write_file(folder / FOLDER_FILE, _ask_excel_for_folder().encode(), None)
    return message


def _ask_excel_for_folder() -> str:
    """Ask Excel for its startup folder, which may be redirected; empty where it does not tell it."""
    done = run_python("from xlwings.cli import get_addin_dir; print(get_addin_dir())")
    return "" if done.returncode else done.stdout.strip().rpartition("\n")[2]


def run_python(code: str, *words: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a program that asks Excel, in a process of its own; raises XlsyncError where Excel lets it wait."""
    command = [sys.executable, "-c", f"{_LOADED}; {code}", *words]
    environ = {**os.environ, "PYTHONIOENCODING": "utf-8"}  # Windows' code page lacks letters of some names
    try:
        return subprocess.run(  # noqa: S603 - this Python
            command, capture_output=True, encoding="utf-8", env=environ, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise XlsyncError(
            f"Excel did not answer within {seconds:.0f} seconds.",
            "Look whether Excel asks something, answer it or quit Excel, and try again.",
        ) from None


def mac_script(home: Path) -> Path:
    """Return where Excel for Mac looks for the script of the installed xlwings, which starts Python."""
    return (
        home / "Library/Application Scripts/com.microsoft.Excel" / f"xlwings-{xlwings_version()}.applescript"
    )


def _bring_script(home: Path) -> None:
    """Put xlwings' own script where the renewed add-in looks for it: it carries the version in its name."""
    target = mac_script(home)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise XlsyncError(
            f"{target.parent} cannot be made: {error.strerror}.", "Let yourself write there."
        ) from None
    write_file(target, read_file(_source().parent / target.name), None)


def remove(folder: Path, platform: str = sys.platform) -> str:
    """Remove the add-in with xlwings' installer; returns the installer's message."""
    _need_excel(platform, "remove")
    return _xlwings("remove", folder / NAME)


def _need_excel(platform: str, verb: str) -> None:
    if platform not in _WINDOWS_AND_MAC:
        raise XlsyncError(
            f"There is no desktop Excel on this system, so no add-in to {verb}.",
            f"Run `xlsync ribbon {verb}` where Excel is; `xlsync ribbon build` makes {NAME} here.",
        )


def _xlwings(verb: str, file: Path) -> str:
    """Run `xlwings addin VERB --file FILE`, which reports errors as text, with exit code 0."""
    code = "import sys; from xlwings.cli import main; sys.exit(main())"
    done = run_python(code, "addin", verb, "--file", str(file))
    message = done.stdout.strip()
    if done.returncode or "uccessfully" not in message:
        why = message or done.stderr.strip().rpartition("\n")[2][-300:] or "it does not say why"
        raise XlsyncError(
            f"xlwings could not {verb} the add-in: {why}",
            "Quit Excel, and try again.",
        )
    return message
