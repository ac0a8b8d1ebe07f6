"""The parts shared by all commands: `--profile`, and a JSON object for errors too."""

from __future__ import annotations

import functools
import inspect
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Annotated, Any, Final

import simplejson
import typer
from typer.core import TyperCommand, TyperGroup

from xlsync.errors import ConfigError, Problem, XlsyncError
from xlsync.printable import as_typed

Profile = Annotated[
    str,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="Use the settings file xlsync.NAME.toml and its own secrets.",
        show_default=False,
    ),
]
_PROFILE: Final = "XLSYNC_PROFILE"
_words: ContextVar[str] = ContextVar("words", default="xlsync")
_is_demo: ContextVar[bool] = ContextVar("is_demo", default=False)
_own_profile: ContextVar[str] = ContextVar("own_profile", default="")
_COMMAND: Final = re.compile(
    r"`(xlsync (?:(?P<has_demo>export|check|apply|undo|history|links|invoice|report|doctor)|login|ribbon)\b"
    r"[^`]*)`"
)
_BRACES: Final = re.compile(r"^\{([A-Z.]+)\}")
_wants_json: ContextVar[bool] = ContextVar("wants_json", default=False)


_UsageError: Final[type[Exception]] = typer.BadParameter.__mro__[1]  # of the parser that typer brings along


class _Command(TyperCommand):
    """A command whose help gives each argument its name, without the braces of a choice."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the options and arguments of the usage line."""
        return [_BRACES.sub(r"\1", piece) for piece in super().collect_usage_pieces(ctx)]


class Commands(TyperGroup):
    """All commands of xlsync; with `--json`, a usage error is printed as a JSON object too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words before the command."""
        with _usage_in_json(args):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Parse the words of the command, and run it."""
        with _usage_in_json([*ctx._protected_args, *ctx.args]):  # noqa: SLF001 - they have no public name
            return super().invoke(ctx)


def _message_of(error: Exception) -> str:
    """Return the message of the parser's error as people read it."""
    format_message: Callable[[], str] = getattr(error, "format_message", error.__str__)
    return format_message()


def _wrap_at_words(message: str) -> str:
    """Wrap the message of a usage error to the terminal's width: the parser prints it as one line."""
    if not sys.stderr.isatty() or "\n" in message:  # a help text has its own lines
        return message
    width = shutil.get_terminal_size().columns
    lines = textwrap.wrap(f"Error: {message}", width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).removeprefix("Error: ")


@contextmanager
def _usage_in_json(words: Iterable[str]) -> Iterator[None]:
    """Print a usage error as JSON too, if `--json` is among the words of the command line."""
    with _json(wants="--json" in words):
        try:
            yield
        except _UsageError as error:
            message = _message_of(error)
            tell_error(message, "`--help` shows what it takes.")
            error.__dict__["format_message"] = lambda: _wrap_at_words(message)
            raise


def command(
    app: typer.Typer, name: str | None = None, *, example: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a command with the options that all commands share; `example` is told by its help."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(*, profile: str = "", **options: Any) -> None:
            with (
                _profile(profile),
                _remember_command(f"xlsync {function.__name__}", bool(options.get("demo")), profile),
            ):
                function(**options)

        own = inspect.signature(function, eval_str=True)
        option = inspect.Parameter("profile", inspect.Parameter.KEYWORD_ONLY, default="", annotation=Profile)
        parameters = [*own.parameters.values(), option]
        run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        app.command(name, cls=_Command, epilog=f"Example: {example}")(run)
        return function

    return register


@contextmanager
def _profile(name: str) -> Iterator[None]:
    """Set the profile for one command and for the processes that it starts."""
    if not name:
        yield
        return
    from xlsync.config.accounts import profile_name  # noqa: PLC0415 - few commands name a profile

    try:
        profile_name({_PROFILE: name})
    except ConfigError as error:
        raise typer.BadParameter(f"{error.message} {error.hint}", param_hint="--profile") from None
    before = os.environ.get(_PROFILE)
    os.environ[_PROFILE] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ[_PROFILE]
        else:
            os.environ[_PROFILE] = before


@contextmanager
def _json(*, wants: bool) -> Iterator[None]:
    """Remember for a block whether errors are printed as JSON."""
    token = _wants_json.set(wants)
    try:
        yield
    finally:
        _wants_json.reset(token)


@contextmanager
def _remember_command(words: str, is_demo: bool, profile: str) -> Iterator[None]:
    """Remember for a block which command runs, whether it is one of the demo, and its own profile."""
    tokens = _words.set(words), _is_demo.set(is_demo), _own_profile.set(profile)
    try:
        yield
    finally:
        _words.reset(tokens[0])
        _is_demo.reset(tokens[1])
        _own_profile.reset(tokens[2])


def command_line(*arguments: str) -> str:
    """Return the command that runs, with other arguments, as a person would type it."""
    return " ".join((_words.get(), *map(as_typed, arguments)))


def with_options(message: str) -> str:
    """Return a message whose commands have `--demo` and `--profile`, if the command that runs has them.

    Another profile, or none, would name other runs and links.
    """

    def completed(command: re.Match[str]) -> str:
        text = command[1]
        if _is_demo.get() and command["has_demo"] and "--demo" not in text:
            text += " --demo"
        if _own_profile.get() and "--profile" not in text:
            text += f" --profile {_own_profile.get()}"
        return f"`{text}`"

    return _COMMAND.sub(completed, message)


def tell_error(message: str, hint: str = "", problems: tuple[Problem | tuple[str, str], ...] = ()) -> None:
    """Print the JSON object of an error, if `--json` was given."""
    if not _wants_json.get():
        return
    listed = [
        {"where": problem.where, "message": f"{problem.what}; {problem.todo}"}
        if isinstance(problem, Problem)
        else {"where": problem[0], "message": problem[1]}
        for problem in problems
    ]
    error = {"error": {"message": with_options(message), "hint": with_options(hint), "problems": listed}}
    with suppress(OSError):  # the message is on standard error already, and the exit code stays
        typer.echo(simplejson.dumps(error, use_decimal=True))


def tell_stop(error: XlsyncError) -> None:
    """Print the JSON object of an error that people were shown, if `--json` was given."""
    tell_error(error.message, error.hint, error.problems)
