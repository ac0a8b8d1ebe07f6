"""Why a customer or product is suggested, in words."""

from __future__ import annotations

import pytest

from tests.helpers.linking import line
from xlsync.links.evidence import tell_company_evidence, tell_item_evidence
from xlsync.links.names import Place
from xlsync.models import CatalogItem, Company


@pytest.mark.parametrize(
    ("customer", "company", "why"),
    [
        ("Fabrikam Dental Clinic Ltd", "North Dental Clinic, Inc.", 'shares "Dental Clinic"'),
        ("Blue Harbour & Sons", "Blue Bay Harbour", 'shares "Blue" and "Harbour"'),
        ("Northwint", "Northwind", "spelled nearly alike"),
    ],
)
def test_the_words_that_two_names_share_are_named_as_connectwise_writes_them(
    customer: str, company: str, why: str
) -> None:
    assert tell_company_evidence(customer, Company(id=1, identifier="C", name=company), Place()) == why


def test_a_town_or_post_code_that_both_systems_have_is_named() -> None:
    known = Company(id=1, identifier="C", name="Delta Foods", town="Athens", post_code="105 57")
    for place, told in (
        (Place("ATHENS"), ", same town"),
        (Place("Athens", "10557"), ", same post code"),
        (Place("Patras", ""), ""),
        (Place(), ""),
    ):
        assert tell_company_evidence("Delta Drinks", known, place) == f'shares "Delta"{told}'


def test_a_products_words_and_term_are_named() -> None:
    item = CatalogItem(id=1, identifier="P", description="M365 BUS PREM NCE 1YR COMMIT RRP 20.60")
    one = line("a", product="Microsoft 365 Business Premium", commitment_months=12)
    assert tell_item_evidence(one, item) == 'shares "m365 business premium", same term'
