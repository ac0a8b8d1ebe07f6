"""The modules of xlsync as they are written, each parsed once for all tests that read them."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import xlsync

ROOT = Path(xlsync.__file__).parent


@functools.cache
def modules() -> dict[str, ast.Module]:
    """The parsed modules by their dotted names without `xlsync.`; a package is called by its folder."""
    parsed = {}
    for file in sorted(ROOT.rglob("*.py")):
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        parsed[name.removesuffix(".__init__")] = ast.parse(file.read_text("utf-8"))
    return parsed


@functools.cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """Everything in a parsed module, which several tests look through."""
    return tuple(ast.walk(tree))


def program() -> dict[str, ast.Module]:
    """The modules without those of the sandbox and the package's own."""
    return {
        name: tree
        for name, tree in modules().items()
        if name != "__init__" and name.partition(".")[0] != "sandbox"
    }
