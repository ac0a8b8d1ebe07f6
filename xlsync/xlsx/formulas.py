"""Formulas as they read in another cell."""

from __future__ import annotations

from openpyxl.formula.translate import Translator, TranslatorError

from xlsync.xlsx.cells import Position, address


def translated(formula: str, origin: Position, destination: Position) -> str:
    """A formula as it reads when its cell is moved: relative references move along."""
    if origin == destination or not formula:
        return formula
    try:
        moved = Translator(f"={formula}", address(*origin)).translate_formula(address(*destination))
    except TranslatorError:  # a reference would leave the sheet
        return formula
    return str(moved).removeprefix("=")
