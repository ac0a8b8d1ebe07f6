"""A check of `xlsync doctor`: what was looked at, how it is, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckState(StrEnum):
    """How a check ended."""

    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, how it is, and what to do next where it is not good."""

    name: str
    state: CheckState
    detail: str
    next_step: str = ""
