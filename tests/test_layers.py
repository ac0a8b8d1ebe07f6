"""Who may import whom, and who may reach outside, read from the imports: the floors of the house."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Collection, Iterator, Mapping
from graphlib import TopologicalSorter

from tests.helpers.source import ROOT, modules, nodes, program

FLOORS: tuple[frozenset[str], ...] = (
    frozenset(
        {
            "errors",
            "models",
            "amounts",
            "printable",
            "settings",
            "gc_tuning",
            "plain_json",
            "records",
            "waiting",
        }
    ),
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
MOST_FUNCTION_LINES = 70  # a longer one does several things

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
    "apply.set_fields",
    "apply.plan",
    "apply.limits",
    "apply.kinds",  # reaches ConnectWise only through what it is handed
    "workbook.candidates",
    "workbook.contents",
    "workbook.labels",
    "billing.periods",
    "billing.bss_lines",
    "billing.bss_plans",
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
    "zipfile": ("files", "xlsx", "excel", "billing", "template", "workbook", "report"),
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


def is_for_types(node: ast.AST) -> bool:
    """`if TYPE_CHECKING:`, which is never run."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@functools.cache
def imports(tree: ast.Module) -> frozenset[str]:
    """Every imported module, inside functions too; `from xlsync.rest import url` is `xlsync.rest.url`."""
    return frozenset(_imports(tree))


def _imports(tree: ast.Module) -> Iterator[str]:
    for_types = {id(inner) for node in nodes(tree) if is_for_types(node) for inner in ast.walk(node)}
    for node in nodes(tree):
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
                is_module = node.module.partition(".")[0] == "xlsync" and name in modules()
                yield f"{node.module}.{alias.name}" if is_module else node.module


def own(tree: ast.Module) -> set[str]:
    """The modules of xlsync that a module imports, without the package's name."""
    return {name.removeprefix("xlsync.") for name in imports(tree) if name.startswith("xlsync.")}


def libraries(tree: ast.Module) -> set[str]:
    """The first names of everything that a module imports."""
    return {name.partition(".")[0] for name in imports(tree)}


@functools.cache
def calls(tree: ast.Module) -> tuple[tuple[str, int], ...]:
    """What is called, as it is written, and in which line."""
    return tuple((ast.unparse(node.func), node.lineno) for node in nodes(tree) if isinstance(node, ast.Call))


def only_filled(found: Mapping[str, Collection[object]]) -> dict[str, Collection[object]]:
    """What was found, without the names for which nothing was found."""
    return {name: things for name, things in found.items() if things}


def lies_in(name: str, places: tuple[str, ...]) -> bool:
    """Whether a module is one of these places, or lies inside one."""
    return any(name == place or name.startswith(f"{place}.") for place in places)


def upward_imports(name: str, tree: ast.Module) -> set[str]:
    """The packages that a module imports from and that do not lie below it."""
    package = name.partition(".")[0]
    others = {other.partition(".")[0] for other in own(tree)} - {package}
    if package in {"commands", "cli", "ribbon"}:
        others.discard("sandbox")
    return {other for other in others if other not in FLOOR or FLOOR[other] >= FLOOR[package]}


def test_every_module_imports_only_from_lower_floors_and_its_own_package() -> None:
    assert program()
    assert only_filled({name: upward_imports(name, tree) for name, tree in program().items()}) == {}


def test_every_package_has_a_floor_and_every_floor_its_packages() -> None:
    assert {name.partition(".")[0] for name in modules()} - {"sandbox", "__init__"} == set(FLOOR)


def test_records_are_copied_by_the_one_function_that_knows_structs_too() -> None:
    of_dataclasses = {
        name
        for name, tree in program().items()
        for node in nodes(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses"
        if "replace" in {alias.name for alias in node.names}
    }
    assert of_dataclasses == {"records"}


def test_the_sandbox_does_not_know_the_program_it_stands_in_for() -> None:
    sandbox = {name: tree for name, tree in modules().items() if name not in program()}
    assert sandbox
    strangers = {
        name: {o for o in own(tree) if not o.startswith("sandbox")} for name, tree in sandbox.items()
    }
    assert only_filled(strangers) == {}


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    graph = {name: {o for o in own(tree) if o in modules()} - {name} for name, tree in modules().items()}
    assert set(TopologicalSorter(graph).static_order()) >= set(modules())


def test_what_decides_reaches_no_file_network_clock_or_randomness() -> None:
    claimed = {name for name, tree in program().items() if "PURE." in (ast.get_docstring(tree) or "")}
    places = {*PURE, *claimed}
    assert not {place for place in places if not any(lies_in(name, (place,)) for name in program())}
    deciding = {name: tree for name, tree in program().items() if lies_in(name, tuple(places))}
    assert only_filled({name: libraries(tree) & OUTSIDE for name, tree in deciding.items()}) == {}
    asking = {
        name: [call for call in calls(tree) if call[0].rsplit(".", 1)[-1] in ASKING]
        for name, tree in deciding.items()
    }
    assert only_filled(asking) == {}


def test_every_library_is_used_only_where_it_belongs() -> None:
    users = {
        library: {name for name, tree in program().items() if library in libraries(tree)} for library in ONLY
    }
    assert all(users.values()), users
    strangers = {
        library: {name for name in names if not lies_in(name, ONLY[library])}
        for library, names in users.items()
    }
    assert only_filled(strangers) == {}


def test_only_the_command_line_prints_asks_and_exits() -> None:
    printing = {
        f"{name}:{line} {call}"
        for name, tree in program().items()
        if not lies_in(name, ("cli", "__main__", "template.__main__"))
        for call, line in calls(tree)
        if call in PRINTING
    }
    assert not printing


def test_no_error_is_swallowed_in_silence() -> None:
    silent = {
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        for node in nodes(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or all(isinstance(one, ast.Pass) for one in node.body))
    }
    assert not silent


def test_nothing_that_was_read_is_run_and_no_certificate_goes_unchecked() -> None:
    running = {
        f"{name}:{line} {call}"
        for name, tree in modules().items()
        for call, line in calls(tree)
        if call in {"eval", "exec", "compile", "os.system"} or call.startswith(("pickle.", "marshal."))
    }
    assert not running
    assert not {name for name, tree in modules().items() if libraries(tree) & {"pickle", "marshal", "shelve"}}
    unchecked = {
        name
        for name, tree in modules().items()
        for node in nodes(tree)
        if isinstance(node, ast.keyword)
        and node.arg == "verify"
        and isinstance(node.value, ast.Constant)
        and node.value.value is False
    }
    assert not unchecked


def test_the_bss_is_only_ever_read() -> None:
    reading = [name for name in program() if name.startswith("billing.bss")]
    assert "billing.bss" in reading
    writing = (".send", ".post", ".patch", ".put")
    assert not [call for name in reading for call in calls(program()[name]) if call[0].endswith(writing)]


def test_no_module_has_a_name_of_the_standard_librarys() -> None:
    top = {name for name in program() if "." not in name}
    assert top & sys.stdlib_module_names <= {"__main__"}


def test_no_module_takes_what_another_keeps_to_itself() -> None:
    taken = {
        f"{name}: {node.module}.{alias.name}"
        for name, tree in modules().items()
        for node in nodes(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "xlsync"
        for alias in node.names
        if alias.name.startswith("_") and alias.name != "__version__"
    }
    assert not taken


def test_no_module_is_longer_than_its_subject() -> None:
    lengths = {file: len(file.read_text("utf-8").splitlines()) for file in ROOT.rglob("*.py")}
    assert not {str(file.relative_to(ROOT)): n for file, n in lengths.items() if n > MOST_LINES}


def test_no_function_is_longer_than_a_screen() -> None:
    lengths = {
        f"{name}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for name, tree in modules().items()
        for node in nodes(tree)
        if isinstance(node, ast.FunctionDef)
    }
    assert lengths
    assert not {name: lines for name, lines in lengths.items() if lines > MOST_FUNCTION_LINES}


def test_every_package_says_what_it_is_for() -> None:
    packages = list(ROOT.rglob("__init__.py"))
    silent = {file for file in packages if not ast.get_docstring(ast.parse(file.read_text("utf-8")))}
    assert packages
    assert not {str(file.relative_to(ROOT)) for file in silent}
