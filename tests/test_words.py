"""The words of the code: one meaning each, and docstrings that stand on their own."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from tests.helpers.source import modules, nodes

POINTING_AWAY = ("The same", "Of ", "Its ", "Whether ")  # beginnings that need something before them
NO_NAMES = {"told", "kept", "of", "said", "settled"}  # words that leave open what a thing is
ONE_MEANING = ("lines_of", "counted", "compare_import", "chosen_month")  # functions that once had several


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every docstring, and every text that stands by itself behind what it explains, with its line."""
    for node in nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            text = node.value.value
            if isinstance(text, str):
                yield node.lineno, text.strip()


def defined(kind: type[ast.ClassDef | ast.FunctionDef]) -> dict[str, list[str]]:
    """Where each name of a kind of definition is defined, at the top of a module."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for name, tree in modules().items():
        for node in tree.body:
            if isinstance(node, kind):
                places[node.name].append(f"{name}:{node.lineno}")
    return places


def names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name that a module gives: variables, fields, parameters, functions and classes, with its line."""
    for node in nodes(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield node.lineno, name
            case ast.MatchMapping(rest=str(name)):
                yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield node.lineno, name


def test_every_kind_of_name_is_looked_at() -> None:
    tree = ast.parse(
        "import a as told\n"
        "kept = 1\n"
        "def of(told, *, kept=0, **settled): self._of = lambda kept: [of for of in ()]\n"
        "class Told: settled: int\n"
        "match told:\n case {'a': [of, *kept], **settled}: pass\n"
    )
    expected = ["kept", "kept", "kept", "kept", "of", "of", "of", "of", "settled", "settled", "settled"]
    assert sorted(name.strip("_").lower() for _, name in names(tree)) == [*expected, "told", "told", "told"]


def test_no_name_leaves_open_what_a_thing_is() -> None:
    assert [
        f"{module}:{line} {name}"
        for module, tree in modules().items()
        for line, name in names(tree)
        if name.strip("_") in NO_NAMES
    ] == []


def test_no_docstring_begins_with_what_stands_elsewhere() -> None:
    assert [
        f"{module}:{line} {text[:60]}"
        for module, tree in modules().items()
        for line, text in texts(tree)
        if text.startswith(POINTING_AWAY)
    ] == []


def test_no_two_classes_have_one_name() -> None:
    assert not {name: places for name, places in defined(ast.ClassDef).items() if len(places) > 1}


def test_a_function_of_one_name_is_one_function() -> None:
    functions = defined(ast.FunctionDef)
    assert [functions[name] for name in ONE_MEANING if len(functions[name]) > 1] == []
