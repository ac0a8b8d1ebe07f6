"""Commands of xlsync in this process, with the parser that `xlsync` builds for every command built once."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from typing import Any

import simplejson
from typer.main import get_command
from typer.testing import CliRunner

from xlsync.cli import app

_RUNNER = CliRunner()


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code and what it told."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        found = simplejson.loads(self.out, use_decimal=True)
        assert isinstance(found, dict)
        return found

    @property
    def states(self) -> dict[str, str]:
        """What became of each action, by key."""
        return {action["key"]: action["state"] for action in self.json["actions"]}


@functools.cache
def _parser() -> Any:
    return get_command(app)


def run(*words: str, stdin: str = "") -> Ran:
    """Run one command; anything but an exit is a bug and fails the test."""
    with _RUNNER.isolation(input=stdin) as (out, err, _):
        try:
            _parser().main(args=words, prog_name="xlsync")
            code: Any = 0
        except SystemExit as end:
            code = end.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        assert isinstance(code, int), code
        told = (stream.getvalue().decode().replace("\r\n", "\n") for stream in (out, err))
        return Ran(code, *told)
