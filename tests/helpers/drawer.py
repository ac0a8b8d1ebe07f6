"""A keyring that tests look into."""

from __future__ import annotations

import keyring.backend
import keyring.errors


class Drawer(keyring.backend.KeyringBackend):
    """A keyring in memory, in place of the operating system's."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False
        self.is_sealed = False  # what is in it cannot be read

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_sealed:
            raise keyring.errors.KeyringLocked("nobody is here to unlock it")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.is_locked:
            raise keyring.errors.PasswordSetError("it is locked")
        self.kept[service, username] = password

    def secrets(self) -> dict[str, str]:
        """The stored secrets by their variable."""
        return {name.partition(" ")[0]: secret for (_, name), secret in self.kept.items()}
