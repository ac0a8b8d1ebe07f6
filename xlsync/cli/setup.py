"""The commands `xlsync login`, `doctor`, `ribbon` and `sandbox`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import typer

from xlsync.cli.console import err, out, say
from xlsync.cli.terminal import (
    ending_line,
    errors_in_words,
    need_agreement,
    now,
    refuse_other_ending,
    tell_json,
    tell_notices,
)
from xlsync.config import home_folder
from xlsync.errors import XlsyncError
from xlsync.excel import addin
from xlsync.gather.systems import Systems
from xlsync.settings import Settings

MARKS = {"good": ("✓", "green"), "bad": ("✗", "red"), "unsure": ("?", "yellow")}


def sandbox(*, port: int, lines: int, seed: int) -> None:
    """Run `xlsync sandbox`."""
    from xlsync.sandbox.server import Sandbox  # noqa: PLC0415
    from xlsync.sandbox.world.story import MOST_LINES  # noqa: PLC0415

    if not 0 <= port <= 65535:
        raise typer.BadParameter(f"{port} is no port: choose one from 0 to 65535", param_hint="--port")
    if not 0 <= lines <= MOST_LINES:
        raise typer.BadParameter(f"{lines}: choose a number from 0 to {MOST_LINES}", param_hint="--lines")
    with errors_in_words(), ExitStack() as stack:
        try:
            served = stack.enter_context(Sandbox(port=port, seed=seed, lines=lines or None))
        except OSError as error:
            what = f"Port {port} of this machine is taken, or may not be listened at."
            raise XlsyncError(what, "Choose another with --port; 0 takes one that is free.") from error
        word = "$env:{} = '{}'" if sys.platform == "win32" else "export {}='{}'"
        for name, value in served.environ.items():
            say(out, word.format(name, value))
        with suppress(KeyboardInterrupt):
            say(err, "Serving. Paste these lines into another terminal; Ctrl-C ends it.")
            served.serve_forever()


def build_addin(*, output: Path | None) -> None:
    """Run `xlsync ribbon build`."""
    path = output or Path(addin.NAME)
    refuse_other_ending(path, Path(addin.NAME).suffix, "an add-in")
    with errors_in_words():
        if path.exists() and addin.read_addin(path) is None:
            what = f"{path} exists and is not the add-in of xlsync, so it is not overwritten."
            raise XlsyncError(what, "Choose another file with --output.")
        addin.write_addin(path)
        say(err, f"Made {path}, whose buttons start {sys.executable}")


def install_addin() -> None:
    """Run `xlsync ribbon install`."""
    with errors_in_words():
        say(err, addin.install(home_folder() / "addin"))


def remove_addin() -> None:
    """Run `xlsync ribbon remove`."""
    with errors_in_words():
        say(err, addin.remove(home_folder() / "addin"))


def login(*, demo: bool, json: bool) -> None:
    """Run `xlsync login`."""
    from xlsync.commands import login as keys  # noqa: PLC0415 - keyrings are slow to load

    def ask(question: keys.Question, stored: str) -> str:
        say(err, f"\n{question.title}: {question.explanation}")
        hidden = question.is_secret
        with ending_line():
            answer = typer.prompt(question.title, default=stored or None, hide_input=hidden, err=True)
        return str(answer)

    def again(error: XlsyncError) -> bool | str:
        say(err, f"{error.message}\n{error.hint}", style="red")
        question = "Ask again? (y, n, or the right address; what you type is not shown)"
        while True:
            with ending_line():
                typed = typer.prompt(question, default="y", show_default=False, hide_input=True, err=True)
            match str(typed).strip().casefold():
                case "y" | "yes":
                    return True
                case "n" | "no":
                    return False
                case _ if keys.is_address(str(typed).strip()):
                    return str(typed).strip()
            say(err, "That is neither y nor n, nor an address such as https://bss.example.com.")

    def works(system: str) -> None:
        say(err, f"{system} works.", style="green")

    with errors_in_words():
        if demo:
            say(err, "The demo needs no keys.")
            if json:
                tell_json({"settings": None, "keyring": None, "tried": []})
            return
        tell_notices(keys.folder_notices())
        stored = keys.log_in(ask, again, works=works)
        facts = {"settings": str(stored.file), "keyring": stored.backend, "tried": list(stored.tried)}
        if json:
            tell_json(facts)
        else:
            say(err, f"Settings: {stored.file}; secrets: {stored.backend}")


def doctor(*, demo: bool, json: bool, write_test: str, yes: bool) -> None:
    """Run `xlsync doctor`."""
    from xlsync.commands import doctor as checks  # noqa: PLC0415
    from xlsync.commands.findings import CheckState, Finding  # noqa: PLC0415
    from xlsync.commands.write_test import find_test_company, try_writing  # noqa: PLC0415

    findings: list[Finding] = []

    def tell(finding: Finding) -> None:
        findings.append(finding)
        if json:
            return
        mark, colour = MARKS[finding.state]
        mark = mark if "utf" in out.encoding.lower() else finding.state
        say(out, f"{mark} {finding.name}: {finding.detail}", words={mark: colour}, hanging="  ")
        if finding.next_step:
            say(out, f"  {finding.next_step}")

    with errors_in_words(), ExitStack() as stack:
        home = home_folder()
        load: Callable[[bool, bool], Settings] = checks.load
        if demo:
            from xlsync.commands.demo import demo_settings  # noqa: PLC0415

            settings = stack.enter_context(demo_settings(home))
            load, home = lambda _bss, _connectwise: settings, settings.home
        if write_test:
            systems = stack.enter_context(Systems(load(False, True)))
            stack.enter_context(systems.one_writer())
            company = find_test_company(systems.connectwise, write_test)
            question = (
                f"Create two agreements and an addition on {company.name} in "
                f"{systems.settings.environment}, change the addition, and cancel all three?"
            )
            if not yes:
                need_agreement(question, "write")
            for finding in try_writing(systems, company, now(), time.sleep):
                tell(finding)
        else:
            for finding in checks.examine(load, now, home, is_demo=demo):
                tell(finding)
        if json:
            names = ("name", "state", "detail", "next_step")
            tell_json({"checks": [{name: str(getattr(f, name)) for name in names} for f in findings]})
        if any(finding.state is CheckState.BAD for finding in findings):
            raise typer.Exit(3 if write_test else 1)
