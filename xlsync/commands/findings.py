"""The findings of `xlsync doctor`."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from msgspec import Struct


class CheckState(StrEnum):
    """The result of one check."""

    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"


class Finding(Struct, frozen=True):
    """The finding of one check: its subject, its result, and what to do next; nothing where it is good."""

    name: str
    state: CheckState
    detail: str
    next_step: str = ""

    @classmethod
    def judged(
        cls, name: str, detail: str, next_step: str, *, is_good: bool, otherwise: CheckState = CheckState.BAD
    ) -> Self:
        """Make the finding of a check that is good, or else says what to do next."""
        return cls(name, CheckState.GOOD, detail) if is_good else cls(name, otherwise, detail, next_step)
