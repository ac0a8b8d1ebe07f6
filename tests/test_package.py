"""The wheel: what people install holds the program, the template and what an index shows of it."""

from __future__ import annotations

import configparser
import email
import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from email.message import Message
from pathlib import Path

import pytest

import xlsync

TOP = Path(xlsync.__file__).parent.parent
pytestmark = pytest.mark.skipif(
    not (TOP / "pyproject.toml").exists(), reason="xlsync is not in its source tree"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the source tree, built as a release is."""
    folder = tmp_path_factory.mktemp("wheel")
    if importlib.util.find_spec("build") is None:
        pytest.skip("`build` is not installed")
    here = ["--no-isolation"] if importlib.util.find_spec("hatchling") else []
    try:
        made = subprocess.run(
            [sys.executable, "-m", "build", "--wheel", *here, "--outdir", str(folder), str(TOP)],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("the build tools could not be fetched in a minute")
    told = made.stdout + made.stderr
    if made.returncode and any(
        word in told for word in ("No matching distribution", "ConnectionError", "Retrying")
    ):
        pytest.skip("hatchling is not installed and cannot be fetched from here")
    assert made.returncode == 0, told
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def test_every_module_of_the_tree_is_in_the_wheel(names: set[str]) -> None:
    package = TOP / "xlsync"
    modules = {file.relative_to(TOP).as_posix() for file in package.rglob("*.py")}
    assert modules <= names
    assert "xlsync/py.typed" in names


def test_the_template_is_in_the_wheel_as_it_is_in_the_tree(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("xlsync/workbook_template.xlsx") == (TOP / "workbook_template.xlsx").read_bytes()


def test_nothing_else_is_in_the_wheel(names: set[str]) -> None:
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"xlsync"}
    assert not [
        name for name in names if "__pycache__" in name or "/tests/" in name or name.endswith(".toml")
    ]


def test_the_metadata_say_what_it_is_what_it_needs_and_where_it_runs(metadata: Message) -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]
    assert metadata["Name"] == "xlsync"
    assert metadata["Version"] == project["version"] == xlsync.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).lstrip().startswith("# xlsync")
    extras = [one for extra in project["optional-dependencies"].values() for one in extra]
    assert len(metadata.get_all("Requires-Dist") or ()) == len(project["dependencies"]) + len(extras)


def test_the_command_is_called_xlsync(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        entries = configparser.ConfigParser()
        entries.read_string(archive.read(name).decode())
    module, _, function = entries["console_scripts"]["xlsync"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_all_that_the_program_imports_is_declared(metadata: Message) -> None:
    declared = {
        re.split(r"[;[<>=]", requirement)[0].strip().lower().replace("-", "_")
        for requirement in metadata.get_all("Requires-Dist") or ()
    }
    distributions = importlib.metadata.packages_distributions()
    needed: set[str] = set()
    for file in (TOP / "xlsync").rglob("*.py"):
        for line in file.read_text("utf-8").splitlines():
            word, _, rest = line.strip().partition(" ")
            top = rest.split(" ")[0].split(".")[0].strip(",") if word in {"import", "from"} else ""
            if top in distributions and top != "xlsync" and top not in sys.stdlib_module_names:
                needed |= {name.lower().replace("-", "_") for name in distributions[top]}
    assert needed - {"urllib3"} <= declared  # urllib3 is requests' own


def test_the_unpacked_wheel_runs_and_finds_its_template(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    home = {"PYTHONPATH": str(tmp_path / "installed"), "XLSYNC_HOME": str(tmp_path / "home")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XLSYNC_")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env={**kept, **home, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=600,
            check=False,
        )

    where = run("-c", "import xlsync; print(xlsync.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(tmp_path / "installed"), where.stderr
    made = run("-m", "xlsync", "export", "--month", "2026-10", "--demo", "--output", "october.xlsx")
    assert made.returncode == 0, made.stderr
    assert zipfile.is_zipfile(tmp_path / "october.xlsx")
