"""Handler of the creation of a company; it is never undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from xlsync.apply.actions import CreateCompany
from xlsync.apply.kinds.handler import HttpWrite
from xlsync.apply.kinds.records import (
    Existing,
    RecordCreation,
    SameRecord,
    find_by_identifier,
    find_like,
    find_made_before,
    list_twins,
    reference,
    without_empty,
)
from xlsync.apply.lookup import Live
from xlsync.connectwise.records import folded

PATH: Final = "/company/companies"


@dataclass(frozen=True, slots=True)
class CompanyCreation(RecordCreation):
    """Handler of the creation of a company."""

    creation: CreateCompany

    def find(self, live: Live, *, is_counted: bool) -> Existing | None:
        """Find the company by the journal, by identifier, then by equal name under another identifier."""
        action = self.creation
        return (
            find_made_before(live, action.key, PATH, "deletedFlag")
            or find_by_identifier(
                live, PATH, action.identifier, "name", action.name, "deletedFlag", is_counted=is_counted
            )
            or find_like(live, PATH, self._same, is_counted=is_counted)
        )

    def find_twins(self, live: Live, created_id: int) -> tuple[int, ...]:
        """Find further companies of the name that xlsync did not create for another row."""
        return list_twins(live, PATH, self._same, created_id)

    @property
    def _same(self) -> SameRecord:
        name = self.creation.name
        return (
            "name",
            name,
            "identifier,deletedFlag",
            lambda record: (
                folded(str(record.get("name") or "")) == folded(name) and not record.get("deletedFlag")
            ),
        )

    def request(self, live: Live) -> HttpWrite:
        """Make the request, with the site that the settings name."""
        return HttpWrite("POST", PATH, without_empty({**self.typed, "site": {"name": live.creation.site}}))

    @property
    def typed(self) -> dict[str, Any]:
        """The name, address, country and type."""
        action = self.creation
        return {
            "identifier": action.identifier,
            "name": action.name,
            "addressLine1": action.address or None,
            "city": action.city or None,
            "state": action.state or None,
            "zip": action.zip or None,
            "country": reference(action.country_id),
            "types": [{"id": action.type_id}] if action.type_id else None,
        }
