"""The words of the code: one meaning each, and docstrings that stand on their own."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import xlsync

ROOT = Path(xlsync.__file__).parent
TREES = {
    str(file.relative_to(ROOT)): ast.parse(file.read_text("utf-8")) for file in sorted(ROOT.rglob("*.py"))
}
POINTING_AWAY = ("The same", "Of ", "Its ", "Whether ")  # beginnings that need something before them
NO_NAMES = {"told", "kept", "of", "settled"}  # words that leave open what a thing is
ONE_MEANING = ("lines_of", "counted", "merge", "chosen_month")  # functions that once had several


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every docstring, and every text that stands by itself behind what it explains, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            text = node.value.value
            if isinstance(text, str):
                yield node.lineno, text.strip()


def defined(kind: type[ast.ClassDef | ast.FunctionDef]) -> dict[str, list[str]]:
    """Where each name of a kind of definition is defined, at the top of a module."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for name, tree in TREES.items():
        for node in tree.body:
            if isinstance(node, kind):
                places[node.name].append(f"{name}:{node.lineno}")
    return places


def names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name that a module gives: variables, fields, parameters, functions and classes, with its line."""
    for node in ast.walk(tree):
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


@pytest.mark.parametrize("name", TREES)
def test_no_name_leaves_open_what_a_thing_is(name: str) -> None:
    assert not [f"line {line}: {word}" for line, word in names(TREES[name]) if word.strip("_") in NO_NAMES]


@pytest.mark.parametrize("name", TREES)
def test_a_docstring_does_not_begin_with_what_stands_elsewhere(name: str) -> None:
    found = [
        f"line {line}: {text[:60]}" for line, text in texts(TREES[name]) if text.startswith(POINTING_AWAY)
    ]
    assert not found


def test_no_two_classes_have_one_name() -> None:
    assert not {name: places for name, places in defined(ast.ClassDef).items() if len(places) > 1}


@pytest.mark.parametrize("name", ONE_MEANING)
def test_a_function_of_one_name_is_one_function(name: str) -> None:
    assert len(defined(ast.FunctionDef)[name]) <= 1
