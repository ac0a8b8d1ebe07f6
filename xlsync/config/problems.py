"""The problems of the settings, collected for one error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from xlsync.errors import ConfigError, NotSignedInError


class SettingProblems(list[tuple[str, str]]):
    """Pairs of a variable and a sentence; the variable is empty for what only a settings file holds.

    `unset` are the variables that are set nowhere; `file_name` is the name of the settings file in use.
    """

    def __init__(self) -> None:
        super().__init__()
        self.file_name = "xlsync.toml"
        self.unset: set[str] = set()

    def add(self, text: str, variable: str = "") -> None:
        """Add a problem."""
        self.append((variable, text))

    def add_unset(self, text: str, variable: str) -> None:
        """Note that a needed setting is set nowhere."""
        self.add(text, variable)
        self.unset.add(variable)

    def refuse(self, systems: Mapping[str, Mapping[str, str]], profile: str, file: Path) -> None:
        """Raise ConfigError with all that is wrong, if anything is; `systems` are their variables by name.

        Raises NotSignedInError where only the address of a system and whatever else it needs is missing.
        """
        if not self:
            return
        option = f" --profile {profile}" if profile else ""
        login = f"Run `xlsync login{option}`, or add --demo to try sample data."
        texts = list(self)
        is_new = bool(profile) and not file.exists()
        if is_new:
            texts.insert(0, ("", f"The profile {profile} has no settings file: {file}"))
        places = [(variable or str(file), text) for variable, text in texts]
        unset_of = {
            name: [v for v in variables if v in self.unset]
            for name, variables in systems.items()
            if not self.unset.isdisjoint(variables)
        }
        lack_address = all(next(iter(systems[name])) in self.unset for name in unset_of)
        if len(self.unset) == len(self) and lack_address and not is_new:
            unset = ", ".join(variable for variables in unset_of.values() for variable in variables)
            raise NotSignedInError(
                "Not signed in to the BSS yet." if list(unset_of) == ["bss"] else "Not signed in yet.",
                f"{login} (On servers: set {unset}; all but the secrets may stand in {file}.)",
                places,
            )
        asked_by_login = {variable for variables in systems.values() for variable in variables}
        hint = f"{login} (On servers: set the variables; all but the secrets may stand in {file}.)"
        if not is_new and asked_by_login.isdisjoint(variable for variable, _ in self):
            hint = "Mend what is named, in the settings file or the variable, and try again."
        raise ConfigError(
            "Settings are missing or cannot be used:\n  " + "\n  ".join(text for _, text in texts),
            hint,
            places,
        )
