"""LibreOffice, which opens and converts the workbooks of these tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import pytest


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes, str], bytes]:
    """Convert a workbook with LibreOffice."""
    program = shutil.which("soffice")
    if not program:
        pytest.skip("LibreOffice is not installed")
    folder = tmp_path_factory.mktemp("office")

    def convert(data: bytes, kind: str) -> bytes:
        (folder / "in").mkdir(exist_ok=True)
        (folder / "in" / "book.xlsx").write_bytes(data)
        profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
        command = [program, profile, "--headless", "--convert-to", kind, "--outdir", str(folder / "out")]
        done = subprocess.run(
            [*command, str(folder / "in" / "book.xlsx")], capture_output=True, timeout=600, check=True
        )
        assert b"Error" not in done.stderr, done.stderr
        return (folder / "out" / f"book.{kind.partition(':')[0]}").read_bytes()

    return convert
