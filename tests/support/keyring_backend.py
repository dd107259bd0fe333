# SPDX-License-Identifier: MIT
"""A keyring in memory that holds one password."""

from __future__ import annotations

from keyring.backend import KeyringBackend


def backend_with(service: str, user: str, password: str) -> KeyringBackend:
    """Return a keyring with one password."""
    backend = _OnePassword()
    backend.entry = (service, user, password)
    return backend


class _OnePassword(KeyringBackend):  # type: ignore[misc]
    priority = 0.1
    entry = ("", "", "")

    def get_password(self, service: str, username: str) -> str | None:
        """Return the password, None for any other entry."""
        return self.entry[2] if (service, username) == self.entry[:2] else None

    def set_password(self, service: str, username: str, password: str) -> None:
        """Replace the password."""
        self.entry = (service, username, password)
