"""What is wrong with the settings, collected so that all of it is told at once."""

from __future__ import annotations


class SettingProblems(list[tuple[str, str]]):
    """Pairs of a variable and a sentence; the variable is empty for what only a settings file holds."""

    def add(self, text: str, variable: str = "") -> None:
        """Note one thing that is wrong."""
        self.append((variable, text))
