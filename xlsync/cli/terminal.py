"""The terminal's part of commands: open both systems, ask, print, and exit."""

from __future__ import annotations

import datetime as dt
import errno
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal

import simplejson
import typer
from rich.prompt import Confirm, Prompt
from rich.text import Text

from xlsync.cli.command import command_line, tell_error, tell_stop, with_options
from xlsync.cli.console import err, say
from xlsync.cli.streams import DISK_FULL
from xlsync.commands.check import settings_to_check
from xlsync.config import home_folder, load_environment, load_settings
from xlsync.errors import ConfigError, NotNoted, OtherEnvironmentError, WorkbookError, XlsyncError
from xlsync.excel import addin
from xlsync.excel.open_file import SavePlan, reach, refuse_unusable
from xlsync.excel.window import find_in_excel
from xlsync.gather.systems import Systems
from xlsync.settings import Settings
from xlsync.workbook.read import read_workbook

_DONE: Final = {"write": "written", "forget": "forgotten", "open": "opened"}


@contextmanager
def errors_in_words() -> Iterator[None]:
    """Print errors that users can cause in two lines, without a traceback, and exit."""
    try:
        yield
    except XlsyncError as error:
        with suppress(OSError):  # where nothing can be printed, the exit code tells
            say(err, f"Error: {_ended(error.message)}", style="red")
            if error.hint:
                say(err, error.hint)
        if isinstance(error, NotNoted):  # the run's own object stands on standard output already
            raise typer.Exit(3) from None
        tell_stop(error)
        raise typer.Exit(1) from None
    except OSError as error:
        match error.errno:
            case errno.ENAMETOOLONG:  # raised for any long name, before anything is written
                what = "the name of a file is too long for this system, or for what is put beside it"
                hint = "Choose a shorter name or folder."
            case errno.ENOENT if not error.filename:  # asked for the working folder itself
                what = "the folder that you are in is not there any more"
                hint = "Change into another one, and try again."
            case errno.ENOSPC:  # standard output is full: the stores have messages of their own
                what, hint = DISK_FULL, "Make room, and try again."
            case _ if error.filename:  # a folder that may not be entered, a server that refuses the user
                what = f"{error.filename} cannot be reached: {error.strerror}"
                hint = "Give yourself the right to its folder, or name another place."
            case _:
                raise
        say(err, f"Error: {what}.", style="red")
        say(err, hint)
        if error.errno != errno.ENOSPC:  # nothing more can be printed there
            tell_error(what, hint)
        raise typer.Exit(1) from None
    except (KeyboardInterrupt, EOFError, typer.Abort):
        say(err, "Stopped.", style="red")
        tell_error("Stopped.")
        raise typer.Exit(1) from None


@contextmanager
def opened(
    *, demo: bool, bss: bool = True, workbook: Path | None = None, is_writing: bool = False
) -> Iterator[Systems]:
    """Open both systems by the settings, or the sandbox's.

    A `workbook` that the command is given must be there before settings are asked for, and tells
    whether the BSS is needed. Of those who write, there is one at a time.
    """
    with errors_in_words(), demo_workbook_named(workbook, demo=demo), ExitStack() as stack:
        if workbook:
            refuse_unusable(workbook, is_written=False)
        tell_notices(filter(None, [addin.renew()]))
        if demo:
            from xlsync.commands.demo import demo_settings  # noqa: PLC0415 - only those who try it need it

            settings = stack.enter_context(demo_settings(home_folder()))
        else:
            settings = (
                settings_to_check(workbook) if workbook and bss else load_settings(bss=bss, connectwise=True)
            )
        tell_notices(settings.notices)
        systems = stack.enter_context(Systems(settings))
        if is_writing:
            stack.enter_context(systems.one_writer())
        yield systems


def settings_for(*, demo: bool, workbook: Path | None = None) -> Settings:
    """Load the settings of commands that read stores only and send nothing; `workbook` must be there."""
    if workbook:
        refuse_unusable(workbook, is_written=False)
    if demo:
        from xlsync.commands.demo import kept_settings  # noqa: PLC0415

        return kept_settings(home_folder())
    settings = load_environment()
    tell_notices(settings.notices)
    return settings


@contextmanager
def opened_here(*, demo: bool, workbook: Path | None = None) -> Iterator[Systems]:
    """Open the stores for commands that send nothing to either system."""
    with (
        errors_in_words(),
        demo_workbook_named(workbook, demo=demo),
        Systems(settings_for(demo=demo, workbook=workbook)) as systems,
    ):
        tell_notices(systems.notices)
        yield systems


@contextmanager
def demo_workbook_named(path: Path | None, *, demo: bool) -> Iterator[None]:
    """Say what to type where a workbook of the demo is given to a command without `--demo`."""
    try:
        yield
    except (ConfigError, OtherEnvironmentError):
        from xlsync.commands.demo import environment  # noqa: PLC0415 - the sandbox takes long to load

        if path is None or demo or read_workbook(path).about.environment != environment():
            raise
        what_to_do = f"Type: `{command_line(str(path), '--demo')}`"
        raise WorkbookError(f"{path.name} is a workbook of the demo.", what_to_do) from None


def written_beside(file: Path, written: Path) -> list[str]:
    """Return the notice that names the file of the results, if that is not the workbook itself."""
    if written.resolve() == file.resolve():
        return []
    return [f"{file} could not be written; the results are in {written}"]


def now() -> dt.datetime:
    """Return the present time, with its offset from UTC."""
    return dt.datetime.now().astimezone()


def confirm(question: str, verb: Literal["write", "forget", "open"]) -> bool:
    """Ask on a terminal whether to go on; elsewhere nobody can answer, so it is a no. Prints each no."""
    if not sys.stdin.isatty():
        say(err, f"Not {_DONE[verb]}: nobody can confirm here. Add --yes to {verb} without asking.")
        return False
    with ending_line():
        agreed = Confirm.ask(Text(question, "prompt"), console=err)
    if not agreed:
        say(err, f"Nothing was {_DONE[verb]}.")
        return False
    return True


def need_agreement(question: str, verb: Literal["write", "forget"]) -> None:
    """Ask whether to go on; exits with 1 where nobody agrees."""
    try:
        agreed = confirm(question, verb)
    except (KeyboardInterrupt, EOFError, typer.Abort):
        agreed = False
        say(err, f"Stopped: nothing was {_DONE[verb]}.", style="red")
    if not agreed:
        tell_error(f"Nothing was {_DONE[verb]}: nobody agreed.", f"Add --yes to {verb} without asking.")
        raise typer.Exit(1)


def ask(question: str, default: str) -> str:
    """Ask for a line of text on the terminal; Enter alone answers the default."""
    with ending_line():
        return Prompt.ask(Text(question, "prompt"), console=err, default=default)


@contextmanager
def ending_line() -> Iterator[None]:
    """End the line of a question that is not answered, so that what follows begins a line of its own."""
    try:
        yield
    except (KeyboardInterrupt, EOFError, typer.Abort):
        err.print()
        raise


def tell_notices(notices: Iterable[str]) -> None:
    """Print notices on standard error."""
    for notice in notices:
        say(err, f"Note: {_ended(notice)}", style="yellow")


def _ended(sentence: str) -> str:
    """Return a sentence with the full stop that it may lack; a list of several lines stays as it is."""
    is_ended = sentence.endswith((".", "!", "?", ":")) or "\n" in sentence
    return sentence if is_ended else f"{sentence}."


def tell_json(facts: Any) -> None:
    """Print one JSON object on standard output."""
    # ASCII, so that the terminal's encoding does not matter.
    typer.echo(with_options(simplejson.dumps(facts, use_decimal=True)))


def refuse_other_ending(path: Path, ending: str, what: str) -> None:
    """Raise a usage error where the name of a file to write has another ending; `what` names its kind."""
    if path.suffix.lower() != ending:
        own_name = f"xlsync{ending}"
        if path.name in {"", ".."}:
            message = f"{path} is a folder: name a file in it, such as {path / own_name}"
        elif path.name.lower() == ending:
            message = (
                f"{path} is an ending without a name: write one before it, such as {path.with_name(own_name)}"
            )
        else:
            better = path.with_suffix(ending)
            message = f"{path} is not the name of {what}: let it end in {ending}, such as {better}"
        raise typer.BadParameter(message, param_hint="--output")


def find_save_plan(file: Path, *, is_written: bool = True) -> SavePlan:
    """Find out how to write a workbook that somebody may have open, and print what is special about it."""
    place = reach(file, find_in_excel, is_written=is_written)
    tell_notices(filter(None, [place.notice]))
    return place
