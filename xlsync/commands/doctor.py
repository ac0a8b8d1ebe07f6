"""Whether everything that xlsync needs is there, each check with what to do next. It only ever reads.

A right to write shows only when one writes: no list of one's own rights is known (facts of ConnectWise,
section 1), so what can be read is tried, and the security role is named for the rest.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from xlsync import __version__
from xlsync.commands.login import trusted_backend
from xlsync.config import load_settings, settings_file
from xlsync.connectwise.client import ConnectWise
from xlsync.errors import ApiError, ConfigError, XlsyncError
from xlsync.excel import addin
from xlsync.gather.systems import Systems
from xlsync.report.write import find_office
from xlsync.settings import Settings

SKEW: Final = dt.timedelta(minutes=5)
_PACKAGES: Final = ("openpyxl", "requests", "xlwings", "keyring")
_ONE: Final[Mapping[str, str | int]] = {"pageSize": 1, "fields": "id"}

# What each command reads, and the right of a security role that lets it.
RIGHTS: Final = (
    ("export", "/company/companies", "Companies > Company Maintenance: Inquire"),
    ("export", "/finance/agreements", "Finance > Agreements: Inquire All"),
    ("export", "/procurement/catalog", "Procurement > Product Catalog: Inquire"),
    ("apply", "/company/companies/types", "System > Table Setup: Inquire"),
    ("apply", "/company/contacts", "Companies > Contacts: Inquire"),
    ("apply", "/finance/agreements/types", "System > Table Setup: Inquire"),
    ("apply", "/finance/billingCycles", "System > Table Setup: Inquire"),
    ("apply", "/procurement/types", "System > Table Setup: Inquire"),
    ("apply", "/procurement/subcategories/", "System > Table Setup: Inquire"),
    ("apply", "/company/countries", "System > Table Setup: Inquire"),
    ("invoice", "/finance/agreementrecap/", "Finance > Agreement Invoicing: Inquire"),
    ("invoice", "/finance/invoices", "Finance > Invoicing: Inquire"),
)
TO_WRITE: Final = (
    "Only a write shows the right to write. The API member's security role needs Add and Edit on Finance > "
    "Agreements and, to create things, Add on Companies > Company Maintenance, Companies > Contacts and "
    "Procurement > Product Catalog; to invoice, Add on Finance > Agreement Invoicing."
)


class State(StrEnum):
    """How a check ended."""

    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, how it is, and what to do next where it is not good."""

    name: str
    state: State
    detail: str
    next_step: str = ""


def examine(
    open_settings: Callable[[bool, bool], Settings],
    now: Callable[[], dt.datetime],
    home: Path,
    *,
    environ: Mapping[str, str] = os.environ,
    system: str = sys.platform,
    is_demo: bool = False,
) -> Iterator[Finding]:
    """All checks, one after the other, each as soon as it is done.

    `open_settings` loads the settings of the BSS, of ConnectWise, or of both.
    """
    yield versions()
    if not is_demo:
        yield folder_check("Settings file", settings_file(), "Run `xlsync login`.")
        yield keyring_check(environ)
    yield writable(home)
    yield from bss_checks(open_settings)
    yield from connectwise_checks(open_settings, now)
    yield excel_check(system)
    yield addin_check(system)
    yield libreoffice_check(find_office())


def load(bss: bool, connectwise: bool) -> Settings:
    """The settings as every command loads them."""
    return load_settings(bss=bss, connectwise=connectwise)


def versions() -> Finding:
    """Which versions are at work: the first thing to tell whoever is to help."""
    told = [f"xlsync {__version__}", f"Python {platform.python_version()}", platform.platform(terse=True)]
    for package in _PACKAGES:
        try:
            told.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return Finding("Versions", State.GOOD, ", ".join(told))


def folder_check(name: str, file: Path, next_step: str) -> Finding:
    """Whether a file is there."""
    if file.exists():
        return Finding(name, State.GOOD, str(file))
    return Finding(name, State.UNSURE, f"{file} is not there: the variables must say all", next_step)


def writable(home: Path) -> Finding:
    """Whether links, journal and caches can be kept."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            free = shutil.disk_usage(home).free // 1_000_000
    except OSError as error:
        return Finding(
            "Folder", State.BAD, f"{home} cannot be written ({error.strerror})", "Set XLSYNC_HOME to another."
        )
    if free < 100:
        return Finding("Folder", State.BAD, f"{home} has {free} MB left", "Make room on the disk.")
    return Finding("Folder", State.GOOD, f"{home}, {free:,} MB free")


def keyring_check(environ: Mapping[str, str]) -> Finding:
    """Whether secrets have a keyring to be kept in."""
    try:
        return Finding("Keyring", State.GOOD, trusted_backend(environ))
    except ConfigError as error:
        return Finding("Keyring", State.UNSURE, error.message, error.hint)


def bss_checks(open_settings: Callable[[bool, bool], Settings]) -> Iterator[Finding]:
    """Whether the BSS gives a token, and lets invoices, subscriptions and customers be read."""
    try:
        systems = Systems(open_settings(True, False))
    except XlsyncError as error:
        yield Finding("BSS settings", State.BAD, error.message, error.hint)
        return
    with systems:
        yield from _tried("BSS: token and invoices", systems.bss.check)
        reads = (("subscriptions", "api/subscriptions"), ("customers", "api/accounts"))
        for what, path in reads:
            yield from _tried(
                f"BSS: {what}",
                lambda path=path: systems.bss.service.get(path, {"pageIndex": 1, "pageSize": 1}),  # type: ignore[misc]
                State.UNSURE,
                "Lines come without it; billing periods or addresses are missing then.",
            )


def connectwise_checks(
    open_settings: Callable[[bool, bool], Settings], now: Callable[[], dt.datetime]
) -> Iterator[Finding]:
    """Whether ConnectWise takes the keys, and lets everything be read that a command needs."""
    try:
        systems = Systems(open_settings(False, True))
    except XlsyncError as error:
        yield Finding("ConnectWise settings", State.BAD, error.message, error.hint)
        return
    with systems:
        keys = keys_check(systems.connectwise)
        yield keys
        if keys.state is State.BAD:
            return
        service = systems.connectwise.service
        if keys.state is State.GOOD:
            yield clock_check(service.get_page("/company/companies", _ONE).headers.get("Date", ""), now())
        found: Any = None
        for command, path, right in RIGHTS:
            read: list[Any] = []
            yield from _tried(
                f"{command}: read {path.rstrip('/')}",
                lambda path=path, read=read: read.append(service.get(path, _ONE)),  # type: ignore[misc]
                next_step=f"Give the API member's security role {right}.",
            )
            if path == "/finance/agreements" and read and read[0]:
                found = read[0][0].get("id")
        if found is not None:
            path = f"/finance/agreements/{found}/additions"
            yield from _tried(
                "export: read additions",
                lambda: service.get(path, _ONE),
                next_step="Give the API member's security role Finance > Agreements: Inquire All.",
            )
        yield Finding("Rights to write", State.UNSURE, "not tried: doctor only reads", TO_WRITE)
        if systems.settings.invoicing:
            yield Finding("Invoicing", State.GOOD, "enabled")
        else:
            yield Finding(
                "Invoicing",
                State.UNSURE,
                "not enabled: `xlsync invoice` only previews",
                "Set XLSYNC_INVOICING=enabled where invoices are to be created.",
            )


def keys_check(connectwise: ConnectWise) -> Finding:
    """Whether ConnectWise takes the keys; where it only withholds a right, the rights tell which."""
    try:
        connectwise.check()
    except ApiError as error:
        if error.status != 403:
            return Finding("ConnectWise: keys", State.BAD, error.message, error.hint)
        step = "Look at the rights that follow; where all of them are refused, check the client id."
        return Finding("ConnectWise: keys", State.UNSURE, error.message, step)
    return Finding("ConnectWise: keys", State.GOOD, "works")


def _tried(
    name: str, read: Callable[[], object], otherwise: State = State.BAD, next_step: str = ""
) -> Iterator[Finding]:
    try:
        read()
    except ApiError as error:
        step = next_step if error.status in {403, 404} and next_step else error.hint or next_step
        yield Finding(name, otherwise, error.message, step)
    else:
        yield Finding(name, State.GOOD, "works")


def clock_check(date: str, now: dt.datetime) -> Finding:
    """Whether this machine's clock agrees with the server's `Date` header (RFC 9110, 6.6.1)."""
    try:
        apart = abs(now - parsedate_to_datetime(date).astimezone(dt.UTC))
    except ValueError:
        step = "See that this machine's clock is right: tokens and dates depend on it."
        return Finding("Clock", State.UNSURE, "the server does not tell its time", step)
    told = f"{int(apart.total_seconds())} seconds apart from ConnectWise's"
    if apart > SKEW:
        return Finding("Clock", State.BAD, told, "Set the clock and time zone of this machine right.")
    return Finding("Clock", State.GOOD, told)


def excel_check(system: str) -> Finding:
    """Whether desktop Excel is at its usual place; it is needed for the ribbon only."""
    where = {
        "win32": (
            Path("C:/Program Files/Microsoft Office/root/Office16/EXCEL.EXE"),
            Path("C:/Program Files (x86)/Microsoft Office/root/Office16/EXCEL.EXE"),
        ),
        "darwin": (Path("/Applications/Microsoft Excel.app"),),
    }
    if system not in where:
        return Finding(
            "Excel", State.UNSURE, "there is no desktop Excel for this system", "The commands work without."
        )
    found = next((path for path in where[system] if path.exists()), None)
    if found is None:
        step = "If Excel is installed elsewhere, nothing is wrong."
        return Finding("Excel", State.UNSURE, "is not at its usual place", step)
    if not addin.xlwings_version():
        step = "Install it beside xlsync: pip install xlwings"
        return Finding("Excel", State.BAD, "xlwings is not installed, so the ribbon cannot work", step)
    return Finding("Excel", State.GOOD, str(found))


def addin_check(system: str, home: Path | None = None) -> Finding:
    """Whether the ribbon's add-in is where Excel loads it, and starts this very xlsync."""
    if system not in {"win32", "darwin"}:
        step = "`xlsync ribbon install` puts it there, on a machine with Excel."
        return Finding("Add-in", State.UNSURE, "is for Excel on Windows and macOS", step)
    file = addin.installed(system, home)
    if file is None:
        step = "`xlsync ribbon install` puts it there."
        return Finding("Add-in", State.UNSURE, "is not at its usual place", step)
    built = addin.read_addin(file)
    if built is None or not built.is_current:
        about = f" (made by xlsync {built.xlsync} with xlwings {built.xlwings})" if built else ""
        step = "`xlsync ribbon install` renews it."
        if built is not None and built.is_ours:
            step = (
                "Quit Excel: the next export, check or apply renews it, and so does `xlsync ribbon install`."
            )
        return Finding("Add-in", State.BAD, f"{file} is not of this version{about}", step)
    return Finding("Add-in", State.GOOD, str(file))


def libreoffice_check(found: str | None) -> Finding:
    """Whether LibreOffice is there, which opens workbooks where Excel is not, and makes PDFs of reports."""
    if found:
        return Finding("LibreOffice", State.GOOD, found)
    return Finding("LibreOffice", State.UNSURE, "is not found", "Needed for `xlsync report --pdf` only.")
