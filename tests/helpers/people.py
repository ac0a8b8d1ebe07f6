"""People at machines of their own, whose commands can be killed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers.copies import COMMAND, Running, copies


@dataclass(frozen=True)
class Machine:
    """Somebody's own machine: a folder of its own, and the settings with which commands run there."""

    name: str
    home: Path
    environ: dict[str, str]


class People:
    """Who works in one folder, each at a machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, machine: Machine, *words: str, program: str = COMMAND, **facts: Any) -> Running:
        """Begin a command, or a program of the test's own, at somebody's machine."""
        machine.home.mkdir(parents=True, exist_ok=True)
        own = {"XLSYNC_HOME": str(machine.home), "XLSYNC_LOCKS": str(machine.home / "locks")}
        environ = {**os.environ, **machine.environ, **own}
        return copies().begin(environ, self._folder, *words, program=program, **facts)
