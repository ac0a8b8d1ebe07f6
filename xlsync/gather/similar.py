"""Similar names that earlier commands looked up, used again while the names of the lists stay.

All names of a list are read and counted before the first is looked up: a twentieth of a check's time.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from msgspec import Struct

from xlsync import __version__
from xlsync.links.items import name_items
from xlsync.links.suggestions import Similar
from xlsync.models import Lists
from xlsync.plain_json import fingerprint, from_plain, to_plain

_KEY: Final = "similar names"


class _Stored(Struct, frozen=True):
    """Look-ups of names; `lists` is the fingerprint of the lists of names that were searched."""

    lists: str
    companies: Similar
    items: Similar


class SimilarNames:
    """Look-ups in the names of ConnectWise's companies and products, by this command and earlier ones."""

    def __init__(self, checks: MutableMapping[str, Any], lists: Lists) -> None:
        self._checks = checks
        companies = ((company.id, company.name) for company in lists.companies)
        self._lists = fingerprint((__version__,), companies, name_items(lists.sellable).items())
        stored = self._read()
        self.companies = stored.companies if stored else {}
        self.items = stored.items if stored else {}
        self._stored = self._count()

    def _read(self) -> _Stored | None:
        try:
            stored = from_plain(self._checks.get(_KEY), _Stored)
        except ValueError:  # nothing is stored, or in the form of another release
            return None
        return stored if stored.lists == self._lists else None

    def _count(self) -> int:
        return len(self.companies) + len(self.items)

    def store(self) -> None:
        """Store what was looked up, if there is more than before."""
        if self._count() > self._stored:
            self._checks[_KEY] = to_plain(_Stored(self._lists, self.companies, self.items))
