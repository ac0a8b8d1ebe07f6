"""What is wrong with the settings, collected so that all of it is told at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable


class SettingProblems(list[tuple[str, str]]):
    """Pairs of a variable and a sentence; the variable is empty for what only a settings file holds.

    `unset` are the variables that are set nowhere.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unset: set[str] = set()

    def add(self, text: str, variable: str = "") -> None:
        """Note one thing that is wrong."""
        self.append((variable, text))

    def add_unset(self, text: str, variable: str) -> None:
        """Note that a needed setting is set nowhere."""
        self.add(text, variable)
        self.unset.add(variable)

    def is_signed_out(self, systems: Iterable[Collection[str]]) -> bool:
        """Whether all that is wrong is that a system lacks its address and whatever else it needs.

        The address is the first variable of each system.
        """
        addresses = {next(iter(variables)) for variables in systems if not self.unset.isdisjoint(variables)}
        return len(self.unset) == len(self) and addresses <= self.unset
