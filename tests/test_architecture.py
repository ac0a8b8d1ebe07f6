"""Who may know what: read from the imports, so that the shape of the program stays as it was meant.

Modules are known by name wherever they lie in the package.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import xlsync

ROOT = Path(xlsync.__file__).parent
FILES = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in sorted(ROOT.rglob("*.py"))}
TREES = {name: ast.parse(file.read_text("utf-8")) for name, file in FILES.items()}
PROGRAM = {name: tree for name, tree in TREES.items() if not name.startswith("sandbox")}

DECIDING = {  # they compare and decide: facts in, decisions out
    "matching", "folding", "picks", "memory", "agreement_links",
    "units", "targets", "unlinked", "differences", "unbilled", "explanation", "money", "reconcile",
    "compared", "actions", "plan", "creation", "labels",
}  # fmt: skip
WORDS = {"models", "errors", "cells"}
PLAIN = {
    "__future__", "calendar", "collections", "dataclasses", "datetime", "decimal", "enum", "functools",
    "html", "itertools", "math", "re", "types", "typing", "unicodedata",
}  # fmt: skip
OUTSIDE = {  # files, network, clock, randomness, processes
    "requests", "urllib3", "socket", "http", "zipfile", "openpyxl", "python_calamine", "diskcache", "sqlite3",
    "keyring", "pathlib", "os", "io", "shutil", "tempfile", "subprocess", "time", "random", "secrets",
    "threading", "concurrent", "xlwings", "typer", "rich",
}  # fmt: skip
XLSX_SIDE = {
    "archive", "xlsx", "parts", "workbook_part", "table_part", "values", "markup", "moves", "formulas",
    "plain", "rows", "renewal", "sheets", "book", "merging", "workbook",
    "look", "charts", "template", "template_start", "template_tables", "template_colors",
    "bss_report_tables", "report_workbook", "report_look", "report_charts", "report_page", "report_sheets",
    "addin", "vba", "ribbon",
}  # fmt: skip


def short(name: str) -> str:
    """A module by its own name, whichever package it lies in."""
    return name.removesuffix(".__init__").rsplit(".", 1)[-1]


def is_for_types(node: ast.AST) -> bool:
    """`if TYPE_CHECKING:`, which is never run."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(tree: ast.Module) -> Iterator[str]:
    """Every module that is imported, inside functions too; `from xlsync import x` is `xlsync.x`."""
    for_types = {id(inner) for node in ast.walk(tree) if is_for_types(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            if node.module == "xlsync" or f"{node.module}.".removeprefix("xlsync.").rstrip(".") not in FILES:
                known = {alias.name for alias in node.names}
                inner = node.module.removeprefix("xlsync").removeprefix(".")
                of = {name for name in known if (f"{inner}.{name}" if inner else name) in FILES}
                if node.module.partition(".")[0] == "xlsync" and of:
                    yield from (f"{node.module}.{name}" for name in of)
                    continue
            yield node.module


def own(tree: ast.Module) -> set[str]:
    """The modules of xlsync that it imports, without the package's name."""
    return {name.removeprefix("xlsync.") for name in imports(tree) if name.startswith("xlsync.")}


def top(tree: ast.Module) -> set[str]:
    """The packages that it imports."""
    return {name.partition(".")[0] for name in imports(tree)}


def is_pure(tree: ast.Module) -> bool:
    return "PURE" in (ast.get_docstring(tree) or "")


def calls(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """What is called, as it is written, and in which line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def test_the_modules_that_the_design_names_are_there() -> None:
    names = {short(name) for name in FILES}
    wanted = {
        "cli",
        "config",
        "errors",
        "models",
        "matching",
        "reconcile",
        "plan",
        "apply",
        "journal",
        "links",
    }
    assert wanted | {"workbook", "ribbon", "rest", "bss", "bss_report", "connectwise"} <= names
    assert {name.partition(".")[0] for name in FILES} >= {"sandbox"}


@pytest.mark.parametrize("name", [name for name in PROGRAM if short(name) in DECIDING])
def test_what_decides_imports_words_and_each_other_only(name: str) -> None:
    tree = PROGRAM[name]
    assert {short(other) for other in own(tree)} <= DECIDING | WORDS
    fuzzy = {"rapidfuzz"} if short(name) in {"folding", "matching"} else set()
    assert top(tree) - {"xlsync"} <= PLAIN | fuzzy


@pytest.mark.parametrize("name", [name for name in PROGRAM if short(name) in WORDS])
def test_the_words_import_nothing_but_words(name: str) -> None:
    assert {short(other) for other in own(PROGRAM[name])} <= WORDS
    assert top(PROGRAM[name]) - {"xlsync"} <= PLAIN


@pytest.mark.parametrize("name", [name for name, tree in PROGRAM.items() if is_pure(tree)])
def test_what_calls_itself_pure_reaches_no_file_network_clock_or_dice(name: str) -> None:
    tree = PROGRAM[name]
    assert not top(tree) & OUTSIDE
    outside = (
        "open",
        "input",
        "now",
        "today",
        "utcnow",
        "read_text",
        "write_text",
        "read_bytes",
        "write_bytes",
    )
    assert not [call for call in calls(tree) if call[0].rsplit(".", 1)[-1] in outside]


def test_what_decides_calls_itself_pure() -> None:
    assert not {name for name, tree in PROGRAM.items() if short(name) in DECIDING and not is_pure(tree)}


def test_only_rest_and_what_lies_beside_it_sends_http() -> None:
    senders = {
        short(name)
        for name, tree in PROGRAM.items()
        if top(tree) & {"requests", "urllib3", "httpx", "aiohttp", "socket"}
        or {"http.client", "urllib.request"} & set(imports(tree))
    }
    assert senders <= {"rest", "answers", "pace"}
    assert "rest" in senders


def test_only_the_xlsx_side_knows_workbook_libraries() -> None:
    libraries = {"zipfile", "openpyxl", "python_calamine", "xlsxwriter", "lxml"}
    assert {short(name) for name, tree in PROGRAM.items() if top(tree) & libraries} <= XLSX_SIDE


def test_only_what_belongs_to_excel_itself_knows_xlwings() -> None:
    knowing = {short(name) for name, tree in PROGRAM.items() if "xlwings" in top(tree)}
    assert knowing <= {"ribbon", "excel", "addin", "open_file"}


def test_nobody_imports_the_commands() -> None:
    def importers(module: str) -> set[str]:
        return {name for name, tree in TREES.items() if module in {short(other) for other in own(tree)}}

    assert importers("cli") <= {"__main__"}
    assert importers("links_cli") <= {"cli"}
    assert importers("terminal") <= {"cli", "links_cli"}


def test_only_the_commands_print_ask_and_exit() -> None:
    said = {
        "print",
        "input",
        "typer.echo",
        "typer.secho",
        "typer.confirm",
        "typer.prompt",
        "sys.exit",
        "exit",
    }
    found = {
        f"{name}:{line} {call}"
        for name, tree in PROGRAM.items()
        if short(name) not in {"cli", "links_cli", "terminal", "__main__"}
        for call, line in calls(tree)
        if call in said or call in {"sys.stdout.write", "sys.stderr.write"}
    }
    assert not found


def test_only_the_commands_know_typer() -> None:
    knowing = {short(name) for name, tree in PROGRAM.items() if "typer" in top(tree)}
    assert knowing == {"cli", "links_cli", "terminal"}


def test_no_error_is_swallowed_in_silence() -> None:
    silent = {
        f"{name}:{node.lineno}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or all(isinstance(one, ast.Pass) for one in node.body))
    }
    assert not silent


def test_nothing_is_run_that_was_read_and_no_certificate_goes_unchecked() -> None:
    bad = {
        f"{name}:{line} {call}"
        for name, tree in TREES.items()
        for call, line in calls(tree)
        if call in {"eval", "exec", "compile", "os.system"} or call.startswith(("pickle.", "marshal."))
    }
    assert not bad
    assert not {name for name, tree in TREES.items() if top(tree) & {"pickle", "marshal", "shelve"}}
    unchecked = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword)
        and node.arg == "verify"
        and isinstance(node.value, ast.Constant)
        and node.value.value is False
    }
    assert not unchecked


def test_no_module_has_a_name_of_the_standard_librarys() -> None:
    taken = {short(name) for name in PROGRAM} & sys.stdlib_module_names
    assert taken <= {"__main__"}


def test_the_bss_is_only_ever_read() -> None:
    reading = [name for name in PROGRAM if short(name).startswith("bss")]
    assert "bss" in {short(name) for name in reading}
    assert not [
        call
        for name in reading
        for call in calls(PROGRAM[name])
        if call[0].endswith((".send", ".post", ".patch", ".put"))
    ]


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    graph = {name: {other for other in own(tree) if other in TREES} - {name} for name, tree in TREES.items()}
    assert set(TopologicalSorter(graph).static_order()) >= set(TREES)


def test_no_module_takes_what_another_keeps_to_itself() -> None:
    taken = {
        f"{name}: {node.module}.{alias.name}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "xlsync"
        for alias in node.names
        if alias.name.startswith("_") and alias.name != "__version__"
    }
    assert not taken


def test_the_sandbox_does_not_know_the_program_it_stands_in_for() -> None:
    outside = {
        f"{name} -> {other}"
        for name, tree in TREES.items()
        if name.startswith("sandbox") and name != "sandbox.demo"  # which hands its settings to the commands
        for other in own(tree)
        if not other.startswith("sandbox")
    }
    assert not outside
