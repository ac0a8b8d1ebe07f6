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
POINTING_AWAY = ("The same", "Of ", "Its ")  # beginnings that need something before them
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
