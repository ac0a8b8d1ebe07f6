"""What is proposed to be created: each thing once, filled in as far as the evidence goes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.tables import OCTOBER, read_line, read_link
from xlsync.models import (
    Account,
    BillingLine,
    CatalogItem,
    Choice,
    Company,
    Evidence,
    Link,
    Setup,
    SetupTables,
)
from xlsync.reconcile.proposals import (
    DESCRIPTION_LENGTH,
    ITEM_IDENTIFIER_LENGTH,
    CreationKind,
    Known,
    Proposal,
    category_label,
    customers_to_ask,
    propose_creations,
    shorten,
)
from xlsync.records import replace


def entry(name: str, parent: str = "", *, months: int | None = None, is_default: bool = False) -> Setup:
    return Setup(len(name), name, parent, months, is_default)


TABLES = SetupTables(
    company_types=(entry("Vendor"), entry("Customer")),
    agreement_types=(entry("Block Time"), entry("Cloud Services")),
    billing_cycles=(
        entry("Annual", months=12),
        entry("Monthly", months=1),
        entry("Per visit"),
        entry("Quarterly", months=3),
    ),
    product_types=(entry("Inventory"), entry("Service")),
    subcategories=(entry("Cables", "Hardware"), entry("Licences", "Software")),
    countries=(entry("Austria"), entry("Germany")),
)
NOTHING = SetupTables()


def known(companies: Sequence[Company] = (), items: Sequence[CatalogItem] = (), **more: Any) -> Known:
    labels = {company.id: company.name for company in companies}
    return Known(companies=companies, items=items, labels=labels, **{"setup": TABLES, **more})


@dataclass
class Asked:
    """Lines with links, as rows: key, then whatever is not as usual."""

    lines: list[BillingLine] = field(default_factory=list)
    links: dict[str, Link] = field(default_factory=dict)

    def add(self, key: str, link: str | Link = "", **facts: Any) -> Asked:
        row = {name: value for name, value in facts.items() if isinstance(value, str)}
        more = {name: value for name, value in facts.items() if not isinstance(value, str)}
        line = read_line({"line": key, "contract": f"S-{key}", **row})
        self.lines.append(replace(line, **more))
        self.links[key] = read_link(link) if isinstance(link, str) else link
        return self

    def rows(
        self, where: Known | None = None, addresses: Mapping[str, Account] | None = None
    ) -> list[Proposal]:
        return list(propose_creations(OCTOBER, self.lines, self.links, addresses or {}, where or known()))

    def row(self, kind: CreationKind, where: Known | None = None) -> Proposal:
        (found,) = [row for row in self.rows(where) if row.kind is kind]
        return found


def ask(key: str, link: str | Link = "", **facts: Any) -> Asked:
    return Asked().add(key, link, **facts)


# --- which rows there are


def test_an_unlinked_line_gives_a_row_for_customer_agreement_and_product() -> None:
    rows = ask("a").rows()
    assert [(row.kind, row.key, row.for_) for row in rows] == [
        (CreationKind.CUSTOMER, "customer:bss:Contoso", "Contoso"),
        (CreationKind.AGREEMENT, "agreement:bss:Contoso|Monthly", "Contoso · Monthly"),
        (CreationKind.PRODUCT, "product:bss:Backup|Monthly|", "Backup · Monthly"),
    ]


def test_a_linked_line_gives_none() -> None:
    assert ask("a", "1:10").rows() == []


def test_only_what_a_line_lacks_is_proposed() -> None:
    assert [row.kind for row in ask("a", "1:-").rows()] == [CreationKind.PRODUCT]
    assert [row.kind for row in ask("a", "-:10").rows()] == [CreationKind.AGREEMENT]


def test_a_suggestion_still_has_its_row_in_case_it_is_wrong() -> None:
    assert [row.kind for row in ask("a", "1:10?").rows()] == list(CreationKind)


def test_a_customer_that_is_only_suggested_has_the_row_of_its_agreement_too() -> None:
    """So that choosing `(create new)` instead, filling in and approving is one pass."""
    suggested = replace(read_link("1:10"), company=read_link("1:10?").company)
    rows = ask("a", suggested).rows(known([Company(id=100, identifier="CONTOSO", name="Contoso Group")]))
    assert [(row.kind, row.customer) for row in rows] == [
        (CreationKind.CUSTOMER, ""),
        (CreationKind.AGREEMENT, "(create new)"),
    ]


def test_a_choice_to_create_has_its_row() -> None:
    chosen = Link(item=Choice("product:bss:Backup|Monthly|", Evidence.CHOSEN))
    linked = read_link("1:10")
    rows = ask("a", replace(linked, item=chosen.item)).rows()
    assert [row.key for row in rows] == ["product:bss:Backup|Monthly|"]


@pytest.mark.parametrize("type_", ["Usage", "One-time"])
def test_what_is_never_compared_is_not_proposed_but_may_be_asked_for(type_: str) -> None:
    assert ask("a", type=type_).rows() == []
    asked = Link(company=Choice("customer:bss:Contoso", Evidence.CHOSEN))
    assert [row.kind for row in ask("a", asked, type=type_).rows()] == [CreationKind.CUSTOMER]


def test_one_thing_is_created_once_however_many_lines_ask_for_it() -> None:
    asked = ask("a").add("b").add("c", product="Mailbox")
    assert [row.key for row in asked.rows()] == [
        "customer:bss:Contoso",
        "agreement:bss:Contoso|Monthly",
        "product:bss:Backup|Monthly|",
        "product:bss:Mailbox|Monthly|",
    ]


def test_each_billing_period_of_a_customer_has_an_agreement_of_its_own() -> None:
    agreements = [row for row in ask("a").add("b", months="12").rows() if row.kind is CreationKind.AGREEMENT]
    assert [(row.for_, row.billing_cycle) for row in agreements] == [
        ("Contoso · Annual", "Annual"),
        ("Contoso · Monthly", "Monthly"),
    ]
    assert {row.source for row in agreements} == {"customer:bss:Contoso"}


def test_rows_stand_by_kind_then_by_what_they_are_for() -> None:
    asked = ask("a", customer="beta", product="Zebra").add("b", customer="Alpha", product="apple")
    assert [row.for_ for row in asked.rows()] == [
        "Alpha",
        "beta",
        "Alpha · Monthly",
        "beta · Monthly",
        "apple · Monthly",
        "Zebra · Monthly",
    ]


def test_a_line_without_a_product_proposes_none() -> None:
    assert [row.kind for row in ask("a", product="").rows()] == [
        CreationKind.CUSTOMER,
        CreationKind.AGREEMENT,
    ]


@given(st.permutations(range(6)))
def test_the_order_of_lines_does_not_matter(order: list[int]) -> None:
    facts = [
        {"customer": "Contoso"},
        {"customer": "Contoso", "customer_id": "C-2", "units": "3"},
        {"customer": "CONTOSO!", "product": "Suite", "code": "X"},
        {"product": "Suite", "code": "X", "months": "12", "cost": "8"},
        {"product": "Suite", "code": "X", "cost": "9"},
        {"product": "Suite", "code": "X", "cost": "9", "link": "1:10?"},
    ]

    def asked(order: Sequence[int]) -> list[Proposal]:
        found = Asked()
        for number in order:
            more = dict(facts[number])
            found.add(f"L{number}", more.pop("link", ""), **more)
        return found.rows()

    assert asked(order) == asked(range(6))


# --- customers


def test_a_customers_identifier_is_its_name_in_plain_letters() -> None:
    row = ask("a", customer="Müller & Söhne GmbH").row(CreationKind.CUSTOMER)
    assert (row.identifier, row.name, row.type) == ("MullerSohneGmbH", "Müller & Söhne GmbH", "Customer")


def test_a_name_without_latin_letters_takes_the_bss_id() -> None:
    asked = ask("a", customer="株式会社")
    asked.lines[0] = replace(asked.lines[0], customer_id="4711")
    assert asked.row(CreationKind.CUSTOMER).identifier == "BSS4711"
    assert ask("a", customer="株式会社").row(CreationKind.CUSTOMER).identifier == "Customer"


def test_identifiers_are_at_most_as_long_as_the_settings_say_and_never_taken() -> None:
    taken = [
        Company(id=1, identifier="ABCDEFGHIJ", name="x"),
        Company(id=2, identifier="abcdefgh-2", name="y"),
    ]
    row = ask("a", customer="Abcdefghijklmn").row(CreationKind.CUSTOMER, known(taken, identifier_length=10))
    assert row.identifier == "Abcdefgh-3"


def test_two_customers_of_one_name_have_two_rows_and_two_identifiers() -> None:
    asked = Asked()
    asked.add("a").add("b")
    asked.lines = [replace(line, customer_id=f"C{n}") for n, line in enumerate(asked.lines)]
    rows = [row for row in asked.rows() if row.kind is CreationKind.CUSTOMER]
    assert [(row.for_, row.identifier) for row in rows] == [
        ("Contoso (C0)", "Contoso"),
        ("Contoso (C1)", "Contoso-2"),
    ]


def test_a_long_name_is_shortened_to_the_settings_length_and_kept_whole() -> None:
    name = "The Very Long Name Of A Company That Goes On And On Incorporated"
    row = ask("a", customer=name).row(CreationKind.CUSTOMER)
    assert row.name == "The Very Long Name Of A Company That Goes On And"
    assert row.whole_name == name


def test_the_address_of_the_bss_is_proposed_with_a_country_that_connectwise_knows() -> None:
    address = Account(
        name="",
        address="Street " * 20,
        city="Wien",
        zip="1234567890123",
        country="AUSTRIA",
        email="a@example.com",
    )
    (row, *_) = ask("a").rows(addresses={"bss:Contoso": address})
    assert row.address.country == "Austria"
    assert (row.address.city, row.address.zip, row.address.email) == ("Wien", "123456789012", "a@example.com")
    assert len(row.address.address) <= 50
    (row, *_) = ask("a").rows(addresses={"bss:Contoso": replace(address, country="Narnia")})
    assert row.address.country == ""


def test_addresses_are_asked_for_only_where_a_customer_may_have_to_be_created() -> None:
    asked = ask("a").add("b", "1:10", customer="Linked").add("c", customer="Hand-typed")
    asked.lines[0] = replace(asked.lines[0], customer_id="C1")
    asked.lines[1] = replace(asked.lines[1], customer_id="C2")
    assert customers_to_ask(asked.lines, asked.links) == {"bss:C1": "C1"}


# --- agreements


def test_an_agreement_takes_its_cycle_from_the_billing_period_and_begins_with_the_month() -> None:
    row = ask("a", months="3").row(CreationKind.AGREEMENT)
    assert (row.name, row.billing_cycle, row.type) == (
        "Cloud Subscriptions - Quarterly",
        "Quarterly",
        "Cloud Services",
    )
    assert row.start_date == dt.date(2026, 10, 1)


def test_a_period_without_a_cycle_of_its_length_is_left_to_the_person() -> None:
    assert ask("a", months="3").row(CreationKind.AGREEMENT, known(setup=NOTHING)).billing_cycle == ""
    assert ask("a", months="").row(CreationKind.AGREEMENT).billing_cycle == ""


def test_an_agreement_names_its_customer_or_that_it_is_created_with_it() -> None:
    company = Company(id=100, identifier="CON", name="Contoso Ltd")
    assert ask("a", "-:10").row(CreationKind.AGREEMENT, known([company])).customer == "Contoso Ltd"
    assert ask("a").row(CreationKind.AGREEMENT).customer == "(create new)"


# --- products


def test_a_products_name_has_at_most_sixty_characters_and_the_whole_name_is_kept() -> None:
    name = "Enterprise Mobility and Security Suite E5 for Nonprofit Organisations"
    row = ask("a", product=name, code="CFQ7").row(CreationKind.PRODUCT)
    assert row.name == "Enterprise Mobility and Security Suite E5 for Nonprofit"
    assert len(row.name) <= DESCRIPTION_LENGTH
    assert (row.whole_name, row.identifier, row.code) == (name, "CFQ7", "CFQ7")
    assert (row.type, row.category) == ("Service", "Software / Licences")


def test_a_product_without_a_code_is_identified_by_its_name() -> None:
    assert ask("a").row(CreationKind.PRODUCT).identifier == "Backup"


def test_one_code_billed_in_two_ways_gives_two_identifiers_that_tell_the_way() -> None:
    rows = ask("a", code="X").add("b", code="X", months="12").rows()
    assert [row.identifier for row in rows if row.kind is CreationKind.PRODUCT] == ["X Annual", "X Monthly"]


def test_a_product_identifier_that_is_taken_gets_a_number() -> None:
    taken = [CatalogItem(id=1, identifier="backup", description="")]
    assert ask("a").row(CreationKind.PRODUCT, known(items=taken)).identifier == "Backup-2"


def test_a_products_cost_is_that_of_a_full_period_and_its_price_is_left_empty() -> None:
    asked = ask("a", **{"cost": "4.11", "from": "10-17"}).add("b", cost="8.50")
    row = asked.row(CreationKind.PRODUCT)
    assert (row.cost, row.price) == (Decimal("8.50"), None)
    assert ask("a", **{"cost": "4.11", "from": "10-17"}).row(CreationKind.PRODUCT).cost is None
    assert ask("a", cost="0").row(CreationKind.PRODUCT).cost == 0


def test_setup_tables_prefer_their_default_then_a_fitting_name_then_their_first() -> None:
    def type_of(*entries: Setup) -> str:
        setup = replace(TABLES, product_types=entries)
        return ask("a").row(CreationKind.PRODUCT, known(setup=setup)).type

    assert type_of(entry("A"), entry("My Subscriptions"), entry("B", is_default=True)) == "B"
    assert type_of(entry("A"), entry("Services"), entry("My Subscriptions")) == "My Subscriptions"
    assert type_of(entry("A"), entry("B")) == "A"
    assert type_of() == ""


def test_a_category_is_shown_with_its_subcategory() -> None:
    assert category_label(entry("Licences", "Software")) == "Software / Licences"
    assert category_label(entry("Licences")) == "Licences"


# --- shortening


@pytest.mark.parametrize(
    ("text", "length", "short"),
    [
        ("Backup", 6, "Backup"),
        ("Backup Plus", 10, "Backup"),
        ("Backup Plus", 11, "Backup Plus"),
        ("Backup\t  Plus\n", 11, "Backup Plus"),
        ("Backup (Plus edition)", 14, "Backup (Plus"),
        ("Backup - Plus", 9, "Backup"),
        ("Abcdefghijklmno", 10, "Abcdefghij"),
        ("A bcdefghijklmno", 10, "A bcdefghi"),  # a word that long is cut
        ("", 5, ""),
    ],
)
def test_texts_are_shortened_at_a_word(text: str, length: int, short: str) -> None:
    assert shorten(text, length) == short


@given(st.text(max_size=200), st.integers(5, 100))
def test_a_shortened_text_is_never_longer_and_always_a_beginning(text: str, length: int) -> None:
    short = shorten(text, length)
    assert len(short) <= length
    assert " ".join(text.split()).startswith(short)


@given(st.lists(st.text(min_size=1, max_size=90).filter(str.strip), min_size=1, max_size=8))
def test_proposed_identifiers_are_unique_and_fit(names: list[str]) -> None:
    asked = Asked()
    for number, name in enumerate(names):
        asked.add(f"L{number}", customer=name, product=name)
    for kind, length in ((CreationKind.CUSTOMER, 25), (CreationKind.PRODUCT, ITEM_IDENTIFIER_LENGTH)):
        identifiers = [row.identifier.casefold() for row in asked.rows() if row.kind is kind]
        assert len(set(identifiers)) == len(identifiers)
        assert all(0 < len(identifier) <= length for identifier in identifiers)
