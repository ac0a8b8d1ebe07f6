"""A keyring that tests look into."""

from __future__ import annotations

import keyring.backend
import keyring.errors

LOCKED = keyring.errors.KeyringLocked("nobody is here to unlock it")
# What the keyring of Windows raises in a scheduled task or over SSH: an error of its own kind.
NOBODY_LOGGED_ON = Exception(1312, "CredRead", "A specified logon session does not exist.")


class Drawer(keyring.backend.KeyringBackend):
    """A keyring in memory, in place of the operating system's."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.lock: Exception | None = None  # raised where a secret is stored
        self.seal: Exception | None = None  # raised where a secret is read

    def get_password(self, service: str, username: str) -> str | None:
        if self.seal is not None:
            raise self.seal
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.lock is not None:
            raise self.lock
        self.kept[service, username] = password

    def secrets(self) -> dict[str, str]:
        """The stored secrets by their variable."""
        return {name.partition(" ")[0]: secret for (_, name), secret in self.kept.items()}
