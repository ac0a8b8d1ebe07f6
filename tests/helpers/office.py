"""A LibreOffice of our own, which stays open for all tests of a worker: to start one takes seconds."""

from __future__ import annotations

import functools
import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_PROGRAM = Path(__file__).with_name("libreoffice.py")


@functools.cache
def office_python() -> str:
    """A Python that can talk to LibreOffice; empty where there is none."""
    office = shutil.which("soffice")
    if not office:
        return ""
    its_own = Path(office).resolve().with_name("python")
    for python in ("/usr/bin/python3", shutil.which("python3") or "", str(its_own)):
        if python and Path(python).exists():
            done = subprocess.run([python, "-c", "import uno"], capture_output=True, check=False)
            if done.returncode == 0:
                return python
    return ""


class Office:
    """What tests ask of LibreOffice, done by a program that its own Python runs."""

    def __init__(self, pipe: str) -> None:
        words = [office_python(), str(_PROGRAM), pipe]
        self._program = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self) -> None:
        """Let LibreOffice and the program end."""
        self._program.communicate(timeout=600)

    def _ask(self, function: str, **order: Any) -> Any:
        assert self._program.stdin
        assert self._program.stdout
        self._program.stdin.write(json.dumps({"function": function, **order}, default=str) + "\n")
        self._program.stdin.flush()
        answer = json.loads(self._program.stdout.readline())
        assert "failed" not in answer, answer["failed"]
        return answer["done"]

    def convert(self, source: Path, target: Path) -> None:
        """Let LibreOffice save a workbook in the format that the target's ending names."""
        self._ask("convert", source=source, target=target)

    def pick(self, file: Path, *picks: tuple[str, str, str, str]) -> list[dict[str, Any]]:
        """Pick dropdown entries as a person does: sheet, row key, header, what the entry holds."""
        found = self._ask("pick", file=file, picks=picks)
        assert isinstance(found, list)
        return found

    def move_rows(self, book: Path, sheet: str, scenarios: Sequence[tuple[Path, object]]) -> None:
        """Insert and delete rows of a sheet: each scenario is a file to write, and steps."""
        self._ask("move_rows", book=book, sheet=sheet, scenarios=scenarios)


@contextmanager
def office_in(folder: Path) -> Iterator[Office]:
    """Run a LibreOffice whose profile lies in a folder."""
    pipe = f"xlsync{secrets.token_hex(8)}"
    command = [
        "soffice", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--norestore",
        f"--accept=pipe,name={pipe};urp",
    ]  # fmt: skip
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        office = Office(pipe)
        yield office
        office.close()
        program.wait(timeout=600)
    finally:
        program.kill()
        program.wait()
