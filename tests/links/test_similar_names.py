"""Similar names that an earlier command looked up are used again for the lists in which it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.linking import NO_MEMORY, catalog, companies, line
from xlsync.gather.similar import SimilarNames
from xlsync.links.companies import propose_companies
from xlsync.links.items import propose_items
from xlsync.links.suggestions import Candidate
from xlsync.models import Lists, SetupTables
from xlsync.records import replace
from xlsync.store import Cache

LISTS = Lists(
    companies=tuple(companies("Northwind Traders", "Northern Trade Supplies", "Fabrikam")),
    agreements=(),
    items=tuple(catalog("Microsoft 365 Business Basic", "Microsoft 365 Business Standard", "Acronis Backup")),
    setup=SetupTables(),
)
LINES = [
    line("a", "Northwinds Trading", "M365 Business Basics"),
    line("b", "Contosso", "Acronis Cloud Backup"),
]


@pytest.fixture
def checks(tmp_path: Path) -> Iterator[Cache]:
    with Cache(tmp_path / "checks") as cache:
        yield cache


def look_up(checks: Cache) -> list[tuple[Candidate, ...]]:
    similar = SimilarNames(checks, LISTS)
    known = propose_companies(LINES, LISTS.companies, NO_MEMORY, {}, similar.companies)
    items = propose_items(LINES, LISTS.sellable, NO_MEMORY, {}, similar.items)
    candidates = [proposed.candidates(one) for proposed in (known, items) for one in LINES]
    similar.store()
    return candidates


def test_what_was_looked_up_is_used_again_and_is_what_would_be_looked_up_anew(checks: Cache) -> None:
    anew = look_up(checks)
    assert any(anew)
    stored = SimilarNames(checks, LISTS)
    assert stored.companies.keys() == {one.customer for one in LINES}
    assert stored.items.keys() == {one.product for one in LINES}
    assert look_up(checks) == anew


@pytest.mark.parametrize(
    "lists",
    [
        replace(LISTS, companies=LISTS.companies[1:]),
        replace(LISTS, companies=(*LISTS.companies, *companies("Contosso Ltd"))),
        replace(LISTS, items=(replace(LISTS.items[0], description="Visio"), *LISTS.items[1:])),
        replace(LISTS, items=(replace(LISTS.items[0], is_bundle=True), *LISTS.items[1:])),
    ],
    ids=["a company less", "a company more", "a product renamed", "a product that became a bundle"],
)
def test_nothing_is_used_again_where_the_names_of_a_list_changed(checks: Cache, lists: Lists) -> None:
    look_up(checks)
    assert not SimilarNames(checks, lists).companies
    assert not SimilarNames(checks, lists).items


def test_what_is_stored_in_another_form_counts_as_nothing(checks: Cache) -> None:
    anew = look_up(checks)
    checks["similar names"] = {"lists": "of another release", "items": 7}
    assert look_up(checks) == anew
