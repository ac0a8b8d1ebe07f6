"""Who may import whom, and who may reach outside, read from the imports: the floors of the house."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import xlsync

ROOT = Path(xlsync.__file__).parent
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "models", "amounts", "printable", "settings", "gc_tuning"}),
    frozenset({"files", "keyring_secrets", "store", "rest", "reconcile", "team_store"}),
    frozenset({"xlsx", "billing", "connectwise", "config"}),
    frozenset({"links", "apply"}),
    frozenset({"workbook"}),
    frozenset({"gather", "report", "template", "excel"}),
    frozenset({"commands"}),
    frozenset({"cli", "ribbon"}),
    frozenset({"__main__"}),
)
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
MOST_LINES = 500  # of a module: a longer one has two subjects

PURE = (  # facts in, decisions out: no file, network, clock or randomness
    "reconcile",
    "links.names",
    "links.choices",
    "links.matching",
    "links.agreements",
    "links.companies",
    "links.items",
    "links.products",
    "links.proposed",
    "links.suggestions",
    "links.evidence",
    "links.memory",
    "links.learning",
    "apply.actions",
    "apply.action_base",
    "apply.plan",
    "apply.limits",
    "apply.kinds",  # reaches ConnectWise only through what it is handed
    "workbook.candidates",
    "workbook.contents",
    "workbook.labels",
    "billing.periods",
    "billing.bss_lines",
)
OUTSIDE = {
    "requests", "urllib3", "socket", "http", "zipfile", "openpyxl", "python_calamine", "diskcache", "sqlite3",
    "keyring", "pathlib", "os", "io", "shutil", "tempfile", "subprocess", "time", "random", "secrets",
    "threading", "concurrent", "xlwings", "typer", "rich",
}  # fmt: skip
ASKING = {"open", "input", "now", "today", "utcnow", "read_text", "write_text", "read_bytes", "write_bytes"}
ONLY = {  # library: the packages and modules that may use it
    "requests": ("rest",),
    "urllib3": ("rest",),
    "zipfile": ("xlsx", "excel", "billing", "template", "workbook", "report"),
    "openpyxl": ("commands.remembered_sheet", "xlsx", "excel", "billing", "template", "workbook", "report"),
    "python_calamine": ("xlsx", "billing"),
    "xlwings": ("excel", "ribbon"),
    "typer": ("cli",),
    "diskcache": ("store",),
    "psycopg": ("team_store",),
}
PRINTING = {
    "print", "input", "typer.echo", "typer.secho", "typer.confirm", "typer.prompt", "sys.exit", "exit",
    "sys.stdout.write", "sys.stderr.write",
}  # fmt: skip


def _modules() -> dict[str, ast.Module]:
    """The parsed modules by their dotted names without `xlsync.`; a package is called by its folder."""
    modules = {}
    for file in sorted(ROOT.rglob("*.py")):
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        modules[name.removesuffix(".__init__")] = ast.parse(file.read_text("utf-8"))
    return {name: tree for name, tree in modules.items() if name != "__init__"}


MODULES = _modules()
PROGRAM = {name: tree for name, tree in MODULES.items() if name.partition(".")[0] != "sandbox"}


def is_for_types(node: ast.AST) -> bool:
    """`if TYPE_CHECKING:`, which is never run."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(tree: ast.Module) -> Iterator[str]:
    """Every imported module, inside functions too; `from xlsync.rest import url` is `xlsync.rest.url`."""
    for_types = {id(inner) for node in ast.walk(tree) if is_for_types(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            inner = node.module.removeprefix("xlsync").removeprefix(".")
            for alias in node.names:
                name = f"{inner}.{alias.name}" if inner else alias.name
                is_module = node.module.partition(".")[0] == "xlsync" and name in MODULES
                yield f"{node.module}.{alias.name}" if is_module else node.module


def own(tree: ast.Module) -> set[str]:
    """The modules of xlsync that a module imports, without the package's name."""
    return {name.removeprefix("xlsync.") for name in imports(tree) if name.startswith("xlsync.")}


def libraries(tree: ast.Module) -> set[str]:
    """The first names of everything that a module imports."""
    return {name.partition(".")[0] for name in imports(tree)}


def calls(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """What is called, as it is written, and in which line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def lies_in(name: str, places: tuple[str, ...]) -> bool:
    """Whether a module is one of these places, or lies inside one."""
    return any(name == place or name.startswith(f"{place}.") for place in places)


@pytest.mark.parametrize("name", PROGRAM)
def test_a_module_imports_only_from_lower_floors_and_its_own_package(name: str) -> None:
    package = name.partition(".")[0]
    others = {other.partition(".")[0] for other in own(MODULES[name])} - {package}
    if package in {"commands", "cli", "ribbon"}:
        others.discard("sandbox")
    upward = {other for other in others if other not in FLOOR or FLOOR[other] >= FLOOR[package]}
    assert not upward, f"{name} imports {', '.join(sorted(upward))}, which does not lie below it"


def test_every_package_has_a_floor_and_every_floor_its_packages() -> None:
    assert {name.partition(".")[0] for name in MODULES} - {"sandbox"} == set(FLOOR)


def test_the_sandbox_does_not_know_the_program_it_stands_in_for() -> None:
    sandbox = {name: tree for name, tree in MODULES.items() if name not in PROGRAM}
    assert sandbox
    strangers = {
        name: {o for o in own(tree) if not o.startswith("sandbox")} for name, tree in sandbox.items()
    }
    assert not {name: others for name, others in strangers.items() if others}


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    graph = {name: {o for o in own(tree) if o in MODULES} - {name} for name, tree in MODULES.items()}
    assert set(TopologicalSorter(graph).static_order()) >= set(MODULES)


CLAIMED = tuple(name for name, tree in PROGRAM.items() if "PURE." in (ast.get_docstring(tree) or ""))


@pytest.mark.parametrize("place", sorted({*PURE, *CLAIMED}))
def test_what_decides_reaches_no_file_network_clock_or_randomness(place: str) -> None:
    deciding = {name: tree for name, tree in PROGRAM.items() if lies_in(name, (place,))}
    assert deciding
    for name, tree in deciding.items():
        assert not libraries(tree) & OUTSIDE, name
        assert not [call for call in calls(tree) if call[0].rsplit(".", 1)[-1] in ASKING], name


@pytest.mark.parametrize("library", ONLY)
def test_a_library_is_used_only_where_it_belongs(library: str) -> None:
    users = {name for name, tree in PROGRAM.items() if library in libraries(tree)}
    assert users
    assert not {name for name in users if not lies_in(name, ONLY[library])}


def test_only_the_command_line_prints_asks_and_exits() -> None:
    printing = {
        f"{name}:{line} {call}"
        for name, tree in PROGRAM.items()
        if not lies_in(name, ("cli", "__main__", "template.__main__"))
        for call, line in calls(tree)
        if call in PRINTING
    }
    assert not printing


def test_no_error_is_swallowed_in_silence() -> None:
    silent = {
        f"{name}:{node.lineno}"
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or all(isinstance(one, ast.Pass) for one in node.body))
    }
    assert not silent


def test_nothing_that_was_read_is_run_and_no_certificate_goes_unchecked() -> None:
    running = {
        f"{name}:{line} {call}"
        for name, tree in MODULES.items()
        for call, line in calls(tree)
        if call in {"eval", "exec", "compile", "os.system"} or call.startswith(("pickle.", "marshal."))
    }
    assert not running
    assert not {name for name, tree in MODULES.items() if libraries(tree) & {"pickle", "marshal", "shelve"}}
    unchecked = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword)
        and node.arg == "verify"
        and isinstance(node.value, ast.Constant)
        and node.value.value is False
    }
    assert not unchecked


def test_the_bss_is_only_ever_read() -> None:
    reading = [name for name in PROGRAM if name.startswith("billing.bss")]
    assert "billing.bss" in reading
    writing = (".send", ".post", ".patch", ".put")
    assert not [call for name in reading for call in calls(PROGRAM[name]) if call[0].endswith(writing)]


def test_no_module_has_a_name_of_the_standard_librarys() -> None:
    top = {name for name in PROGRAM if "." not in name}
    assert top & sys.stdlib_module_names <= {"__main__"}


def test_no_module_takes_what_another_keeps_to_itself() -> None:
    taken = {
        f"{name}: {node.module}.{alias.name}"
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "xlsync"
        for alias in node.names
        if alias.name.startswith("_") and alias.name != "__version__"
    }
    assert not taken


def test_no_module_is_longer_than_its_subject() -> None:
    lengths = {file: len(file.read_text("utf-8").splitlines()) for file in ROOT.rglob("*.py")}
    assert not {str(file.relative_to(ROOT)): n for file, n in lengths.items() if n > MOST_LINES}
