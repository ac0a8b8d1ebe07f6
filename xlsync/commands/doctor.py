"""Doctor: check whether everything that xlsync needs is there; nothing is written."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from xlsync import __version__
from xlsync.commands.findings import CheckState, Finding
from xlsync.commands.login import trusted_backend
from xlsync.commands.platform_checks import platform_checks
from xlsync.commands.tenant_checks import tenant_checks
from xlsync.commands.write_test import read_tenant
from xlsync.config import load_settings, settings_file
from xlsync.errors import ApiError, ConfigError, XlsyncError
from xlsync.excel import addin
from xlsync.gather.systems import Systems
from xlsync.report.write import find_office
from xlsync.settings import Settings

_PACKAGES: Final = ("openpyxl", "requests", "xlwings", "keyring")


def examine(
    open_settings: Callable[[bool, bool], Settings],
    now: Callable[[], dt.datetime],
    home: Path,
    *,
    folder: Path | None = None,
    is_demo: bool = False,
) -> Iterator[Finding]:
    """Run all checks, and yield each finding as soon as it is there.

    `open_settings` loads the settings of the BSS, of ConnectWise, or of both; `folder` holds the workbooks,
    the working folder where none is given.
    """
    yield versions()
    if not is_demo:
        yield settings_file_check(settings_file())
        yield keyring_check(os.environ)
    yield writable(home)
    yield from bss_checks(open_settings)
    yield from connectwise_checks(open_settings, now)
    yield from store_checks(open_settings)
    yield excel_check(sys.platform)
    yield addin_check(sys.platform)
    yield from platform_checks(sys.platform, folder or Path.cwd(), home, os.environ)
    yield libreoffice_check(find_office())


def load(bss: bool, connectwise: bool) -> Settings:
    """Load the settings as every command does."""
    return load_settings(bss=bss, connectwise=connectwise)


def versions() -> Finding:
    """Name the versions in use, for the person who helps."""
    parts = [f"xlsync {__version__}", f"Python {platform.python_version()}", platform.platform(terse=True)]
    for package in _PACKAGES:
        try:
            parts.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return Finding("Versions", CheckState.GOOD, ", ".join(parts))


def settings_file_check(file: Path) -> Finding:
    """Check whether there is a settings file."""
    if file.exists():
        return Finding("Settings file", CheckState.GOOD, str(file))
    detail = f"{file} is not there: without it every setting must be an environment variable"
    return Finding("Settings file", CheckState.UNSURE, detail, "Run `xlsync login`.")


def writable(home: Path) -> Finding:
    """Check whether links, journal and caches can be written."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            free = shutil.disk_usage(home).free // 1_000_000
    except OSError as error:
        return Finding(
            "Folder",
            CheckState.BAD,
            f"{home} cannot be written ({error.strerror})",
            "Set XLSYNC_HOME to a folder where you may write.",
        )
    if free < 100:
        return Finding("Folder", CheckState.BAD, f"{home} has {free} MB left", "Make room on the disk.")
    return Finding("Folder", CheckState.GOOD, f"{home}, {free:,} MB free")


def keyring_check(environ: Mapping[str, str]) -> Finding:
    """Check whether there is a keyring for secrets."""
    try:
        return Finding("Keyring", CheckState.GOOD, trusted_backend(environ))
    except ConfigError as error:
        return Finding("Keyring", CheckState.UNSURE, error.message, error.hint)


def bss_checks(open_settings: Callable[[bool, bool], Settings]) -> Iterator[Finding]:
    """Check whether the BSS gives a token, and allows reading invoices, subscriptions and customers."""
    try:
        systems = Systems(open_settings(True, False))
    except XlsyncError as error:
        yield Finding("BSS settings", CheckState.BAD, error.message, error.hint)
        return
    with systems:
        yield from _tried(
            "BSS: token and invoices",
            systems.bss.check,
            next_step="Let the BSS's user read invoices, and look whether XLSYNC_BSS_URL is its address.",
        )
        reads = (("subscriptions", "api/subscriptions"), ("customers", "api/accounts"))
        for what, path in reads:
            yield from _tried(
                f"BSS: {what}",
                lambda path=path: systems.bss.service.get(path, {"pageIndex": 1, "pageSize": 1}),  # type: ignore[misc]
                CheckState.UNSURE,
                "Export works without this read, but leaves billing periods or addresses empty.",
            )


def connectwise_checks(
    open_settings: Callable[[bool, bool], Settings], now: Callable[[], dt.datetime]
) -> Iterator[Finding]:
    """Check whether ConnectWise accepts the keys, and allows reading everything that commands read."""
    try:
        systems = Systems(open_settings(False, True))
    except XlsyncError as error:
        yield Finding("ConnectWise settings", CheckState.BAD, error.message, error.hint)
        return
    with systems:
        are_refused = False
        for finding in tenant_checks(systems.connectwise, now()):
            yield finding
            are_refused |= finding.name == "ConnectWise: keys" and finding.state is CheckState.BAD
        if are_refused:
            return
        yield _tried_writes(systems)
        if systems.settings.invoicing:
            yield Finding("Invoicing", CheckState.GOOD, "enabled")
        else:
            yield Finding(
                "Invoicing",
                CheckState.UNSURE,
                "not enabled: `xlsync invoice` shows the next invoices and creates none",
                "Set XLSYNC_INVOICING=enabled to create invoices.",
            )


def store_checks(open_settings: Callable[[bool, bool], Settings]) -> Iterator[Finding]:
    """Try to reach the store that a team shares, where one is set."""
    try:
        systems = Systems(open_settings(False, True))
    except XlsyncError:  # told by the checks of ConnectWise
        return
    if systems.settings.store is None:
        return
    name, place = "Team's store", systems.settings.store.place
    with systems:
        try:
            is_reached = systems.team is not None
        except XlsyncError as error:
            yield Finding(name, CheckState.BAD, error.message, error.hint)
            return
        if is_reached:
            yield Finding(name, CheckState.GOOD, place)
        else:
            step = f"{systems.settings.store.hint} Until then export and check use the copy on this machine."
            yield Finding(name, CheckState.BAD, "; ".join(systems.notices), step)


def _tried_writes(systems: Systems) -> Finding:
    """Summarise the test of writing on this tenant, where one was made."""
    tenant = read_tenant(systems.home, systems.settings.environment)
    if tenant is None:
        step = "`xlsync doctor --write-test COMPANY` tries it on a test company, after asking."
        return Finding("Rights to write", CheckState.UNSURE, "not tried: doctor only reads", step)
    return Finding("Rights to write", CheckState.GOOD, f"tried on {tenant.tested_on}: {tenant}")


def _tried(
    name: str, read: Callable[[], object], otherwise: CheckState = CheckState.BAD, next_step: str = ""
) -> Iterator[Finding]:
    try:
        read()
    except ApiError as error:
        step = next_step if error.status in {403, 404} and next_step else error.hint or next_step
        yield Finding(name, otherwise, error.message, step)
    else:
        yield Finding(name, CheckState.GOOD, "works")


def excel_check(system: str) -> Finding:
    """Check whether desktop Excel is installed; only the ribbon needs it."""
    where = {
        "win32": (
            Path("C:/Program Files/Microsoft Office/root/Office16/EXCEL.EXE"),
            Path("C:/Program Files (x86)/Microsoft Office/root/Office16/EXCEL.EXE"),
        ),
        "darwin": (Path("/Applications/Microsoft Excel.app"),),
    }
    if system not in where:
        return Finding(
            "Excel",
            CheckState.UNSURE,
            "there is no desktop Excel for this system",
            "Every command works without Excel; only the ribbon needs it.",
        )
    installed = next((path for path in where[system] if path.exists()), None)
    if installed is None:
        step = "If Excel is installed elsewhere, nothing is wrong."
        return Finding("Excel", CheckState.UNSURE, "is not at its usual place", step)
    if not addin.xlwings_version():
        step = "Install it beside xlsync: pip install xlwings"
        return Finding("Excel", CheckState.BAD, "xlwings is not installed, so the ribbon cannot work", step)
    return Finding("Excel", CheckState.GOOD, str(installed))


def addin_check(system: str, home: Path | None = None) -> Finding:
    """Check whether the ribbon's add-in is installed and starts this installation of xlsync."""
    if system not in {"win32", "darwin"}:
        step = "`xlsync ribbon install` puts it there, on a machine with Excel."
        return Finding("Add-in", CheckState.UNSURE, "is for Excel on Windows and macOS", step)
    file = addin.installed(system, home)
    if file is None:
        step = "`xlsync ribbon install` puts it there."
        return Finding("Add-in", CheckState.UNSURE, "is not at its usual place", step)
    built = addin.read_addin(file)
    if built is None or not built.is_current:
        about = f" (made by xlsync {built.xlsync} with xlwings {built.xlwings})" if built else ""
        step = "`xlsync ribbon install` renews it."
        if built is not None and built.is_ours:
            step = (
                "Quit Excel: the next export, check or apply renews it, and so does `xlsync ribbon install`."
            )
        return Finding("Add-in", CheckState.BAD, f"{file} is not of this version{about}", step)
    return Finding("Add-in", CheckState.GOOD, str(file))


def libreoffice_check(program: str | None) -> Finding:
    """Check whether LibreOffice is installed: it opens workbooks without Excel, and makes PDFs."""
    if program:
        return Finding("LibreOffice", CheckState.GOOD, program)
    return Finding("LibreOffice", CheckState.UNSURE, "is not found", "Needed for `xlsync report --pdf` only.")
