"""The buttons *Sign in*, *Check connection* and *What I remember*."""

from __future__ import annotations

import os
from pathlib import Path

from xlsync.amounts import counted
from xlsync.commands import demo
from xlsync.commands import doctor as checks
from xlsync.commands.findings import CheckState, Finding
from xlsync.commands.remembered_sheet import (
    TITLE,
    environment_of,
    keep_changes,
    open_sheet,
    read_changes,
    tell_older,
    write_sheet,
)
from xlsync.config import home_folder, load_environment
from xlsync.errors import XlsyncError
from xlsync.ribbon.front import Front, opened
from xlsync.settings import Settings
from xlsync.workbook.read import read_workbook


class StoppedError(XlsyncError):
    """The person cancelled a box."""


def sign_in(front: Front) -> None:
    """Ask for the settings of both systems in boxes, try them, and store them: secrets in the keyring."""
    from xlsync.commands import login as keys  # noqa: PLC0415 - keyrings are slow to load

    works: list[str] = []

    def ask(question: keys.Question, stored: str) -> str:
        text = f"{question.title}\n\n{question.explanation}"
        if stored and question.is_secret:
            text += "\n\nLeave this empty to keep what is stored."
        default = "" if question.is_secret else stored
        answer = front.prompt(text, default, is_secret=question.is_secret)
        if answer is None:
            raise StoppedError("Stopped: nothing was stored.")
        return answer

    def again(error: XlsyncError) -> bool:
        if isinstance(error, StoppedError):
            return False
        return front.ask(error.message, error.hint, "Enter these settings again?")

    stored = keys.log_in(ask, again, os.environ, works.append)
    front.tell(
        f"Signed in: {' and '.join(works)} answered.",
        f"Settings: {stored.file}\nSecrets: in {stored.backend}",
        "Now choose a month with Export.",
    )


def check_connection(front: Front) -> None:
    """Run the checks of `xlsync doctor` and show what is not good, each with what to do."""
    findings: list[Finding] = []
    for finding in checks.examine(checks.load, lambda: front.now, home_folder(), folder=front.folder()):
        front.log.info("%s: %s: %s", finding.state, finding.name, finding.detail)
        front.progress(f"Checking: {finding.name}", len(findings), None)
        findings.append(finding)
    bad = [entry for entry in findings if entry.state is CheckState.BAD]
    unsure = [entry for entry in findings if entry.state is CheckState.UNSURE]
    good = counted(sum(entry.state is CheckState.GOOD for entry in findings), "check")
    heading = "Something does not work:" if bad else "Both systems answer."
    front.tell(
        heading,
        "\n".join(_tell_finding(entry) for entry in bad),
        front.noted([_tell_finding(entry) for entry in unsure]),
        f"{good} found nothing wrong; the log holds all of them.",
    )


def _tell_finding(finding: Finding) -> str:
    """Return a finding and what to do about it, as sentences."""
    return " ".join(filter(None, (f"{finding.name}: {finding.detail.rstrip('.')}.", finding.next_step)))


def remembered(front: Front) -> None:
    """Show the links and rules that are remembered as a sheet; with that sheet in front, read it back."""
    path = front.workbook.full_name
    sheet = open_sheet(path) if path is not None else None
    if sheet is None:
        _show_remembered(front, path)
        return
    path = front.file()
    if not sheet.is_still(path):
        sheet = open_sheet(path) or sheet
    with opened(front, _stores_of(environment_of(sheet))) as systems:
        changes = read_changes(systems, sheet)
        front.note(tell_older(sheet))
        if not changes.text:
            front.tell(
                "Nothing was changed on this sheet.",
                "Change or delete rows, then click What I remember again.",
            )
        elif front.ask(f"From this sheet: {changes.text}.", "Remember it so?"):
            keep_changes(systems, changes)
            text = "Remembered. Check shows what it changes in a month's workbook."
            front.tell(text, front.noted(systems.notices))
        else:
            front.tell("Nothing was changed.")


def _show_remembered(front: Front, path: Path | None) -> None:
    environment = ""
    if path is not None and path.exists():
        try:
            environment = read_workbook(path).about.environment
        except XlsyncError:  # another workbook, or none: the settings name the environment
            front.log.info("%s is no workbook of xlsync", path)
    with opened(front, _stores_of(environment)) as systems:
        is_demo = systems.settings.environment == demo.environment()
        file = front.folder() / f"xlsync{'-demo' if is_demo else ''}-remembered.xlsx"
        write_sheet(systems, file)
        links, rules = len(systems.links.list()), len(systems.rules.list())
        notes = front.noted(systems.notices)
    front.workbook.open(file)
    front.tell(
        f"{TITLE}: {counted(links, 'link')} and {counted(rules, 'rule')}.",
        "Change cells, or delete a row to forget it. Then click What I remember again to keep the changes.",
        notes,
    )


def _stores_of(environment: str) -> Settings:
    """Load the settings of an environment's stores; of the settings' environment where none is named."""
    return demo.kept_settings(home_folder()) if environment == demo.environment() else load_environment()
