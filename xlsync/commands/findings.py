"""The findings of `xlsync doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckState(StrEnum):
    """The result of one check."""

    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Finding:
    """The finding of one check: its subject, its result, and what to do next; nothing where it is good."""

    name: str
    state: CheckState
    detail: str
    next_step: str = ""
