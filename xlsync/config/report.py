"""Settings for distributors' reports: columns and kinds of charge under other names, the order of days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from xlsync.config.problems import SettingProblems
from xlsync.settings import ReportSettings

_KINDS_OF_CHARGE: Final = frozenset({"recurring", "credit", "usage", "one-time"})


def read_report(given: Mapping[str, Any], problems: SettingProblems) -> ReportSettings:
    """Read the settings for distributors' reports from their section."""
    dates = given.get("dates")
    if dates not in (None, "day-first", "month-first"):
        problems.add(
            f'{problems.file_name}: [report] dates must be "day-first" or "month-first", not {dates!r}'
        )
        dates = None
    ignore = given.get("ignore", [])
    if not isinstance(ignore, list) or not all(isinstance(text, str) for text in ignore):
        problems.add(
            f'{problems.file_name}: [report] ignore must be a list of headers, such as ["Contact Date"]'
        )
        ignore = []
    types = _read_names(given, "types", 'kinds of charge, such as Credit = ["Retour"]', problems)
    for kind in [kind for kind in types if kind.casefold() not in _KINDS_OF_CHARGE]:
        problems.add(
            f"{problems.file_name}: [report.types] {kind} must be Recurring, Credit, Usage or One-time"
        )
        del types[kind]
    headers = _read_names(given, "headers", 'columns, such as Units = ["Qty"]', problems)
    return ReportSettings(headers=headers, types=types, dates=dates, ignore=tuple(ignore))


def _read_names(
    given: Mapping[str, Any], name: str, what: str, problems: SettingProblems
) -> dict[str, tuple[str, ...]]:
    """Read names with their other spellings: each one text, or a list of texts."""
    table = given.get(name, {})
    texts_by_name: dict[str, tuple[str, ...]] = {}
    for key, value in table.items() if isinstance(table, dict) else [("", table)]:
        texts = [value] if isinstance(value, str) else value
        if not key or not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            problems.add(f"{problems.file_name}: [report] {name} must name {what}")
        else:
            texts_by_name[key] = tuple(texts)
    return texts_by_name
