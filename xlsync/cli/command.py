"""The parts shared by all commands: `--profile`, and a JSON object for errors too."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Annotated, Any, Final

import simplejson
import typer

from xlsync.errors import Problem, XlsyncError

Profile = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="Use the settings file xlsync.NAME.toml and its own secrets.", show_default=False
    ),
]
_PROFILE: Final = "XLSYNC_PROFILE"
_wants_json: ContextVar[bool] = ContextVar("wants_json", default=False)


def command(
    app: typer.Typer, name: str | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a command with the options that all commands share."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(*, profile: str = "", **options: Any) -> None:
            with _profile(profile), _json(wants=bool(options.get("json"))):
                try:
                    function(**options)
                except typer.BadParameter as error:
                    tell_error(error.message, "`--help` shows what it takes.")
                    raise

        own = inspect.signature(function, eval_str=True)
        option = inspect.Parameter("profile", inspect.Parameter.KEYWORD_ONLY, default="", annotation=Profile)
        parameters = [*own.parameters.values(), option]
        run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        app.command(name)(run)
        return function

    return register


@contextmanager
def _profile(name: str) -> Iterator[None]:
    """Set the profile for one command and for the processes that it starts."""
    if not name:
        yield
        return
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
    token = _wants_json.set(wants)
    try:
        yield
    finally:
        _wants_json.reset(token)


def tell_error(message: str, hint: str = "", problems: tuple[Problem | tuple[str, str], ...] = ()) -> None:
    """Print the JSON object of an error, if `--json` was given."""
    if not _wants_json.get():
        return
    told = [
        {"where": one.where, "message": f"{one.what}; {one.todo}"}
        if isinstance(one, Problem)
        else {"where": one[0], "message": one[1]}
        for one in problems
    ]
    error = {"error": {"message": message, "hint": hint, "problems": told}}
    with suppress(OSError):  # the message is on standard error already, and the exit code stays
        typer.echo(simplejson.dumps(error, use_decimal=True))


def tell_stop(error: XlsyncError) -> None:
    """Print the JSON object of an error that people were shown, if `--json` was given."""
    tell_error(error.message, error.hint, error.problems)
