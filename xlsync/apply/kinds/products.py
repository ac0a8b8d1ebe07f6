"""Handler of the creation of a catalog item; undo sets it inactive unless another run used it."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Any, Final

from xlsync.apply.actions import CreateAddition, CreateCatalogItem
from xlsync.apply.earlier_creations import reference_in
from xlsync.apply.kinds.handler import HttpWrite
from xlsync.apply.kinds.records import (
    Existing,
    RecordCreation,
    SameRecord,
    find_by_identifier,
    find_like,
    find_made_before,
    list_twins,
    without_empty,
)
from xlsync.apply.lookup import Live
from xlsync.apply.runs import Run
from xlsync.connectwise.records import folded

PATH: Final = "/procurement/catalog"
_LONGEST_CODE: Final = 50  # characters of a field that holds the marketplace's code


@dataclass(frozen=True, slots=True)
class ProductCreation(RecordCreation):
    """Handler of the creation of a catalog item."""

    creation: CreateCatalogItem

    def find(self, live: Live, *, is_counted: bool) -> Existing | None:
        """Find the item by journal, by identifier, then by description and code under another identifier."""
        action = self.creation
        return (
            find_made_before(live, action.key, PATH, "inactiveFlag")
            or find_by_identifier(
                live,
                PATH,
                action.identifier,
                "description",
                action.description,
                "inactiveFlag",
                is_counted=is_counted,
            )
            or find_like(live, PATH, self._same(live), is_counted=is_counted)
        )

    def find_twins(self, live: Live, created_id: int) -> tuple[int, ...]:
        """Find further items of the description and code that xlsync did not create for another row."""
        return list_twins(live, PATH, self._same(live), created_id)

    def _same(self, live: Live) -> SameRecord:
        action, field = self.creation, live.creation.code_field
        has_code = field != "none"
        return (
            "description",
            action.description,
            "identifier,inactiveFlag" + (f",{field}" if has_code else ""),
            lambda record: (
                folded(str(record.get("description") or "")) == folded(action.description)
                and not record.get("inactiveFlag")
                and (not has_code or str(record.get(field) or "") == action.code[:_LONGEST_CODE])
            ),
        )

    def request(self, live: Live) -> HttpWrite:
        """Make the request, with the marketplace's code in the field that the settings name."""
        body, field = {**self.typed, "productClass": "Agreement"}, live.creation.code_field
        if field != "none":
            body[field] = self.creation.code[:_LONGEST_CODE] or None
        return HttpWrite("POST", PATH, without_empty(body))

    @property
    def typed(self) -> dict[str, Any]:
        """The names, category, type, price and cost."""
        action = self.creation
        return {
            "identifier": action.identifier,
            "description": action.description,
            "customerDescription": action.customer_description,
            "subcategory": {"id": action.subcategory_id},
            "type": {"id": action.type_id},
            "price": action.price,
            "cost": action.cost,
        }


def find_users(id_: int, live: Live, own: Set[str], runs: Iterable[Run]) -> list[str]:
    """List the additions of the item that the run did not make: on every agreement, and of other runs."""
    agreements = live.agreements_in_force()
    known = {
        f"/finance/agreements/{addition.agreement_id}/additions/{addition.id}": addition
        for agreement in agreements
        for addition in live.known_of(agreement)
    }
    by_others = [
        f"addition {one.id} on {agreements[one.agreement_id]}"
        for record, one in known.items()
        if one.item_id == id_ and not one.is_taken_back and record not in own
    ]
    by_runs = [
        f"addition {write.id} of run {run.number}"
        for run in runs
        for write in run.writes
        if write.kind == CreateAddition.__name__
        and write.id is not None
        and write.record not in own
        and write.record not in known
        and reference_in(write.body, "product") == str(id_)
    ]
    return [*by_others, *by_runs]
