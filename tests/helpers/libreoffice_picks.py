"""Dropdown entries picked in a real LibreOffice, as a person picks them."""

from __future__ import annotations

import functools
import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.helpers.desk import Desk

HAND = Path(__file__).with_name("libreoffice.py")


@functools.cache
def office_python() -> str:
    """A Python that can talk to LibreOffice; empty where there is none."""
    for python in ("/usr/bin/python3", shutil.which("python3") or ""):
        if python and Path(python).exists() and shutil.which("soffice"):
            done = subprocess.run([python, "-c", "import uno"], capture_output=True, check=False)
            if done.returncode == 0:
                return python
    return ""


@contextmanager
def office(folder: Path) -> Iterator[str]:
    """Run a LibreOffice of our own; yields the name of the pipe on which it listens."""
    pipe = f"xlsync{secrets.token_hex(8)}"
    command = [
        "soffice", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--norestore",
        f"--accept=pipe,name={pipe};urp",
    ]  # fmt: skip
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield pipe
        program.wait(timeout=600)  # the hand closes it when it is done
    finally:
        program.kill()
        program.wait()


def pick(desk: Desk, *picks: tuple[str, str, str, str]) -> list[dict[str, Any]]:
    """Pick dropdown entries in a real LibreOffice: sheet, row key, header, what the entry holds."""
    with office(desk.folder) as pipe:
        done = subprocess.run(
            [office_python(), str(HAND), pipe, str(desk.file)],
            input=json.dumps(picks), capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found
