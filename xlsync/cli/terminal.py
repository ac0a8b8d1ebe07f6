"""The terminal's part of commands: open both systems, ask, print, and exit."""

from __future__ import annotations

import datetime as dt
import errno
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import simplejson
import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.prompt import Confirm
from rich.segment import Segment

from xlsync.cli.command import tell_error, tell_stop
from xlsync.cli.streams import DISK_FULL
from xlsync.commands.check import settings_to_check
from xlsync.config import home_folder, load_environment, load_settings
from xlsync.errors import NotNoted, XlsyncError
from xlsync.excel import addin
from xlsync.excel.open_file import SavePlan, reach, refuse_unusable
from xlsync.excel.window import find_in_excel
from xlsync.gather.systems import Systems
from xlsync.printable import printable
from xlsync.settings import Settings


class CleanConsole(Console):
    """A console that replaces control characters in the names of other systems."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render, with every control character replaced."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


out = CleanConsole()
err = CleanConsole(stderr=True)


@contextmanager
def errors_in_words() -> Iterator[None]:
    """Print errors that users can cause in two lines, without a traceback, and exit."""
    try:
        yield
    except XlsyncError as error:
        err.print(f"Error: {error.message}", style="red", markup=False, highlight=False, soft_wrap=True)
        if error.hint:
            err.print(error.hint, markup=False, highlight=False, soft_wrap=True)
        tell_stop(error)
        raise typer.Exit(3 if isinstance(error, NotNoted) else 1) from None
    except OSError as error:
        match error.errno:
            case errno.ENAMETOOLONG:  # raised for any long name, before anything is written
                what = "the name of a file is too long for this system, or for what is put beside it"
                hint = "Choose a shorter name or folder."
            case errno.ENOSPC:  # standard output is full: the stores have messages of their own
                what, hint = DISK_FULL, "Make room, and try again."
            case _:
                raise
        err.print(f"Error: {what}.", style="red", soft_wrap=True)
        err.print(hint)
        if error.errno != errno.ENOSPC:  # nothing more can be printed there
            tell_error(what, hint)
        raise typer.Exit(1) from None
    except (KeyboardInterrupt, EOFError, typer.Abort):
        err.print("Stopped.", style="red")
        tell_error("Stopped.")
        raise typer.Exit(1) from None


@contextmanager
def opened(
    *, demo: bool, bss: bool = True, of: Path | None = None, is_writing: bool = False
) -> Iterator[Systems]:
    """Open both systems by the settings, or the sandbox's.

    Where the command is `of` a workbook, that one must be there before settings are asked for, and tells
    whether the BSS is needed. Of those who write, there is one at a time.
    """
    with errors_in_words(), ExitStack() as stack:
        if of:
            refuse_unusable(of, is_written=False)
        tell_notices(filter(None, [addin.renew()]))
        if demo:
            from xlsync.commands.demo import demo_settings  # noqa: PLC0415 - only those who try it need it

            settings = stack.enter_context(demo_settings(home_folder()))
        else:
            settings = settings_to_check(of) if of and bss else load_settings(bss=bss, connectwise=True)
        tell_notices(settings.notices)
        systems = stack.enter_context(Systems(settings))
        if is_writing:
            stack.enter_context(systems.one_writer())
        yield systems


def settings_for(*, demo: bool, of: Path | None = None) -> Settings:
    """The settings of commands that look at what is kept here and send nothing; `of` must be there."""
    if of:
        refuse_unusable(of, is_written=False)
    if demo:
        from xlsync.commands.demo import demo_home, environment  # noqa: PLC0415

        return Settings(home=demo_home(home_folder()), environment=environment())
    settings = load_environment()
    tell_notices(settings.notices)
    return settings


@contextmanager
def opened_here(*, demo: bool, of: Path | None = None) -> Iterator[Systems]:
    """What is kept here and in the team's store, for commands that send nothing to either system."""
    with errors_in_words(), Systems(settings_for(demo=demo, of=of)) as systems:
        tell_notices(systems.notices)
        yield systems


def tell_beside(file: Path, written: Path) -> None:
    """Print where a workbook was written, if that is not its own place."""
    if written.resolve() != file.resolve():
        err.print(f"{file} could not be written; the results are in {written}", markup=False)


def now() -> dt.datetime:
    """Return the present time, with its offset from UTC."""
    return dt.datetime.now().astimezone()


def confirmed(question: str, verb: Literal["write", "forget"]) -> bool:
    """Ask on a terminal; elsewhere nobody can answer, so the answer is no. A no is told."""
    done = "written" if verb == "write" else "forgotten"
    if not sys.stdin.isatty():
        err.print(f"Not {done}: nobody can confirm here. Add --yes to {verb} without asking.")
        return False
    if not Confirm.ask(question, console=err):
        err.print(f"Nothing was {done}.")
        return False
    return True


def tell_notices(notices: Iterable[str]) -> None:
    """Print notices on standard error."""
    for notice in notices:
        err.print(f"Note: {notice}", style="yellow", markup=False, highlight=False, soft_wrap=True)


def tell_json(facts: Any) -> None:
    """Print one JSON object on standard output."""
    typer.echo(
        simplejson.dumps(facts, use_decimal=True)
    )  # ASCII, so that the terminal's encoding does not matter


def new_workbook(path: Path) -> Path:
    """Check the name of a workbook to write; raises a usage error for another kind of file."""
    if path.suffix.lower() != ".xlsx":
        raise typer.BadParameter(
            f"{path} is not the name of a workbook: let it end in .xlsx, such as {path.with_suffix('.xlsx')}"
            if path.name
            else f"{path} is a folder: name a file in it, such as {path / 'xlsync.xlsx'}",
            param_hint="--output",
        )
    return path


def reached(file: Path, *, is_written: bool = True) -> SavePlan:
    """Find out how to write a workbook that somebody may have open, and print it."""
    place = reach(file, find_in_excel, is_written=is_written)
    tell_notices(filter(None, [place.notice]))
    return place
