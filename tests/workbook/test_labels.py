"""Labels: what the dropdowns show, each for one thing only."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from xlsync.models import CREATE_NEW, Agreement, CatalogItem, Company, Lists, Setup, SetupTables
from xlsync.reconcile.proposals import category_label
from xlsync.workbook.contents import list_columns
from xlsync.workbook.labels import LabelDirectory, label_key, make_labels, name_setup_apart
from xlsync.xlsx.cells import LONGEST


def companies(*entries: tuple[str, str]) -> dict[int, str]:
    made = [Company(id=n, name=name, identifier=ident) for n, (name, ident) in enumerate(entries, 1)]
    return dict(make_labels(made, [], []).companies)


def agreements(*entries: tuple[int, str]) -> dict[int, str]:
    made = [Agreement(id=n, name=name, company_id=company) for n, (company, name) in enumerate(entries, 1)]
    return dict(make_labels([], made, []).agreements)


def items(*entries: tuple[str, str]) -> dict[int, str]:
    made = [CatalogItem(id=n, identifier=i, description=d) for n, (i, d) in enumerate(entries, 1)]
    return dict(make_labels([], [], made).items)


def test_a_customer_is_its_name() -> None:
    assert companies(("Contoso", "CON"), ("Fabrikam", "FAB")) == {1: "Contoso", 2: "Fabrikam"}


def test_two_customers_of_one_name_carry_their_identifiers() -> None:
    assert companies(("Contoso", "CON"), ("Contoso", "CON2"), ("Fabrikam", "FAB")) == {
        1: "Contoso [CON]",
        2: "Contoso [CON2]",
        3: "Fabrikam",
    }


def test_names_that_differ_in_case_only_are_one_name_to_a_spreadsheet() -> None:
    assert companies(("Contoso", "CON"), ("CONTOSO", "CON2")) == {1: "Contoso [CON]", 2: "CONTOSO [CON2]"}


def test_an_agreement_is_its_name_and_its_id_only_where_two_of_one_company_share_it() -> None:
    assert agreements((1, "Cloud"), (1, "Cloud"), (2, "Cloud"), (2, "Phones")) == {
        1: "Cloud [1]",
        2: "Cloud [2]",
        3: "Cloud",
        4: "Phones",
    }


def test_a_product_is_its_identifier_and_description() -> None:
    assert items(("B1", "Backup"), ("B2", "Backup")) == {1: "B1: Backup", 2: "B2: Backup"}


def test_two_products_of_one_identifier_and_description_carry_their_ids() -> None:
    assert items(("B1", "Backup"), ("B1", "Backup")) == {1: "B1: Backup [1]", 2: "B1: Backup [2]"}


def test_nothing_is_called_like_the_entry_that_creates() -> None:
    assert companies((CREATE_NEW, "X")) == {1: "(create new) [X]"}


def test_a_name_that_reads_like_anothers_label_is_told_apart_too() -> None:
    found = companies(("Contoso", "CON"), ("Contoso", "C2"), ("Contoso [CON]", "C3"))
    assert len({label.casefold() for label in found.values()}) == 3


def test_names_are_shown_as_a_workbook_can_hold_them() -> None:
    assert companies(("A\x00B\r\nC", "X")) == {1: "A\ufffdB\nC"}
    assert len(companies(("A" * 40_000, "X"))[1]) == LONGEST


def test_a_name_that_looks_like_a_formula_is_left_as_it_is() -> None:
    assert companies(("=1+1", "X")) == {1: "=1+1"}


NAMES = st.sampled_from(
    ["Contoso", "CONTOSO ", "Contoso [1]", "Contoso [A]", "Straße", "STRASSE", CREATE_NEW]
)


@example([("Contoso", "1"), ("Contoso", "1"), ("Contoso [1]", "A"), ("Contoso [1]", "1")])
@given(st.lists(st.tuples(NAMES, st.sampled_from(["A", "B", "1", "2"])), max_size=8))
def test_no_two_customers_share_a_label(entries: list[tuple[str, str]]) -> None:
    found = companies(*entries)
    assert found.keys() == set(range(1, len(entries) + 1))
    assert len({label.strip().casefold() for label in found.values()}) == len(entries)
    assert CREATE_NEW not in found.values()


@given(st.lists(st.tuples(st.sampled_from([1, 2]), NAMES), max_size=8))
def test_no_two_agreements_of_one_customer_share_a_label(entries: list[tuple[int, str]]) -> None:
    found = agreements(*entries)
    labels = [(entries[id_ - 1][0], label.strip().casefold()) for id_, label in found.items()]
    assert len(set(labels)) == len(entries)


BLANKS = st.sampled_from(["", " ", "  ", "\n", "\u00a0"])
WORDS = st.sampled_from(
    ["Acme", "ACME", "Trading", "[1]", "[A]", "(create", "new)", "Straße", "STRASSE", "A" * 40_000]
)
LOOKALIKES = st.builds(
    lambda blanks, words: "".join(b + w for b, w in zip(blanks, words, strict=False)),
    st.lists(BLANKS, min_size=3, max_size=3),
    st.lists(WORDS, max_size=3),
)
IDENTIFIERS = st.sampled_from(["", "A", "a ", "1", "2"])


@settings(max_examples=80)
@example([("Acme  Trading", "A"), ("Acme Trading", "B"), ("(create  new)", "C"), (" ", "")])
@given(st.lists(st.tuples(LOOKALIKES, IDENTIFIERS), max_size=7))
def test_every_label_reads_back_as_its_own_id(entries: list[tuple[str, str]]) -> None:
    """Companies, agreements, products, and every setup table, by the dropdowns that the workbook has."""
    named = list(enumerate(entries, 1))
    table = tuple(Setup(n, name) for n, (name, _) in named)
    setup = name_setup_apart(
        SetupTables(
            company_types=table,
            agreement_types=table,
            billing_cycles=table,
            product_types=table,
            subcategories=tuple(Setup(n, name, parent) for n, (name, parent) in named),
            countries=table,
        )
    )
    lists = Lists(
        companies=tuple(Company(id=n, name=name, identifier=i) for n, (name, i) in named),
        agreements=tuple(Agreement(id=n, name=name, company_id=1 + n % 2) for n, (name, _) in named),
        items=tuple(CatalogItem(id=n, identifier=i, description=name) for n, (name, i) in named),
        setup=setup,
    )
    labels = make_labels(lists.companies, lists.agreements, lists.items)
    directory = LabelDirectory(list_columns(lists, labels, (), frozenset(), ()))
    assert {n: directory.ids("Customer")[label_key(label)] for n, label in labels.companies.items()} == {
        n: n for n, _ in named
    }
    assert {n: directory.ids("Product")[label_key(label)] for n, label in labels.items.items()} == {
        n: n for n, _ in named
    }
    for agreement in lists.agreements:
        if agreement.company_id in labels.companies:
            own = directory.agreements[agreement.company_id]
            assert own[label_key(labels.agreements[agreement.id])] == agreement.id
    for entry in setup.company_types:
        for dropdown in ("Customer Type", "Agreement Type", "Product Type", "Billing Cycle", "Country"):
            assert directory.ids(dropdown)[label_key(category_label(entry))] == entry.id
    for entry in setup.subcategories:
        assert directory.ids("Category")[label_key(category_label(entry))] == entry.id
    created = label_key(CREATE_NEW)
    assert created not in directory.ids("Customer")
    assert created not in directory.ids("Product")
    assert not any(created in own for own in directory.agreements.values())


def test_entries_that_a_text_may_mean_are_named_for_the_first_different_texts_only() -> None:
    directory = LabelDirectory({"Customer": ("Contoso", "Fabrikam"), "Company Id": ("1", "2")})
    texts = [f"Contos{n}" for n in range(1000, 1060)]
    said = [directory.tell_unknown("Customer", text) for text in texts]
    assert said[0] == "'Contos1000' is not in the list; it has 'Contoso'"
    assert said[-1] == "'Contos1059' is not in the list"
    assert directory.tell_unknown("Customer", texts[0]) == said[0]
