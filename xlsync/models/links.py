"""Links: which company, agreement and catalog item a billing line belongs to, and on what evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from msgspec import Struct

CREATE_NEW: Final = "(create new)"


class Evidence(StrEnum):
    """The reason for which a part of a link was taken, strongest first."""

    REMEMBERED = "remembered"
    MARKED = "marked in ConnectWise"
    EXACT = "exact"
    ONLY_AGREEMENT = "only agreement"  # on the sheets `automatic: only agreement`
    CONFIRMED = "confirmed"
    CHOSEN = "chosen"
    SUGGESTED = "suggested"

    @property
    def strength(self) -> int:
        """The rank of the evidence; 0 is the strongest."""
        return _STRENGTHS[self]

    @property
    def is_by_people(self) -> bool:
        """Tell apart what a person confirmed or chose from what was found."""
        return self in {Evidence.CONFIRMED, Evidence.CHOSEN}


_STRENGTHS: Final = {evidence: strength for strength, evidence in enumerate(Evidence)}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a link's three parts: a company, agreement or catalog item, and why it was taken.

    `to` is its ConnectWise id, or the row key (text) of a row of *New in ConnectWise* where it is
    still to be created. `score` is the percentage of a suggestion. `of_product` is True where the evidence
    for an agreement holds for this product only, not for all of the customer's.
    """

    to: int | str
    evidence: Evidence
    score: int | None = None
    of_product: bool = field(default=False, compare=False)


class Link(Struct, frozen=True, kw_only=True):
    """The decision that a billing line belongs to a company, an agreement and a catalog item."""

    company: Choice | None = None
    agreement: Choice | None = None
    item: Choice | None = None

    @property
    def parts(self) -> tuple[Choice, ...]:
        """The parts that are known."""
        return tuple(part for part in (self.company, self.agreement, self.item) if part is not None)

    @property
    def is_complete(self) -> bool:
        """Return whether company, agreement and item are all known."""
        return self.company is not None and self.agreement is not None and self.item is not None

    @property
    def is_suggested(self) -> bool:
        """Return whether a part is only a suggestion, which a person has to confirm."""
        # Called very often: a loop is the fastest form.
        for part in (self.company, self.agreement, self.item):
            if part is not None and part.evidence is Evidence.SUGGESTED:
                return True
        return False

    @property
    def counts(self) -> bool:
        """Return whether the link is complete and confirmed: only then are its lines compared."""
        for part in (self.company, self.agreement, self.item):
            if part is None or part.evidence is Evidence.SUGGESTED:
                return False
        return True

    @property
    def match(self) -> str:
        """The text of the *Match* column: the evidence of the weakest part."""
        if not self.parts or not (self.is_complete or self.is_suggested):
            return ""
        weakest = max(self.parts, key=lambda part: (part.evidence.strength, -(part.score or 0)))
        if weakest.evidence is Evidence.SUGGESTED:
            return f"{Evidence.SUGGESTED} {weakest.score or 0}%"
        if weakest.evidence is Evidence.ONLY_AGREEMENT:
            return f"automatic: {weakest.evidence}"
        return str(weakest.evidence)


class Target(Struct, frozen=True):
    """One agreement and one catalog item: what a line's units are compared with.

    Either may be the row key of something still to be created. `contract_id` is filled where
    several additions of the target are told apart by their `Subscription ID` mark.
    """

    agreement: int | str
    item: int | str
    contract_id: str = ""
