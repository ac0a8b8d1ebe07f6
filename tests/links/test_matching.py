from __future__ import annotations

import math
import random
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.helpers.linking import (
    NO_MEMORY,
    addition,
    catalog,
    companies,
    learnt,
    line,
    linked,
    propose_links,
    shown,
)
from xlsync.links.agreements import Held, agreements_to_read, decide_agreements, propose_agreements
from xlsync.links.choices import NOTHING, Picked, confirmed
from xlsync.links.companies import propose_companies, tell_apart
from xlsync.links.items import propose_items
from xlsync.links.learning import correct
from xlsync.links.memory import (
    Inactive,
    Memory,
    Names,
    Remembered,
    find_inactive,
)
from xlsync.links.names import (
    Place,
    company_words,
    digits,
    fold_company,
    fold_product,
    fold_spelling,
    foldings,
    without_any_remark,
)
from xlsync.links.products import MicrosoftId, ProductName, read_microsoft_id, read_product_name
from xlsync.links.suggestions import NameIndex, numbers_in
from xlsync.models import (
    Addition,
    Agreement,
    BillingLine,
    CatalogItem,
    Choice,
    Company,
    Evidence,
    LineType,
    Link,
)
from xlsync.records import replace


def companies_of(
    lines: Sequence[BillingLine],
    known: Sequence[Company],
    memory: Memory = NO_MEMORY,
    picked: Mapping[str, Picked] | None = None,
) -> dict[str, str]:
    return shown(propose_companies(lines, known, memory, picked or {}).choices)


def items_of(
    lines: Sequence[BillingLine],
    known: Sequence[CatalogItem],
    memory: Memory = NO_MEMORY,
    picked: Mapping[str, Picked] | None = None,
) -> dict[str, str]:
    return shown(propose_items(lines, known, memory, picked or {}).choices)


# Folding


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Delta Ltd", "DELTA"),
        ("Delta Limited", "Delta GmbH"),
        ("Müller GmbH & Co. KG", "muller"),
        ("Café Zürich AG", "Cafe  Zurich"),
        ("Foo S.A.", "Foo SA"),
        ("Foo S. A.", "Foo"),
        ("Foo Sp. z o.o.", "FOO"),
        ("Storebælt A/S", "Storebaelt"),
        ("Oy Karhu Ab", "Karhu"),
        ("Acme B.V.", "acme-bv"),
        ("O’Neil, Inc.", "O'Neil"),
        ("Straße 🚀", "STRASSE"),
        ("Zero\u200bWidth\ufeff", "ZeroWidth"),
        ("Blue Sky", "BlueSky"),
        ("Azure™", "Azure"),
        ("I.B.M.", "IBM"),
        ("Ελλάς Α.Ε.", "ΕΛΛΑΣ"),
        ("ООО Ромашка", "ромашка"),
        ("株式会社日立", "日立(株)"),
        ("ｶﾞｽ", "ガス"),
        ("شركة الأمل", "شركة الامل"),
        ("Işık", "IŞIK"),
        ("Plan ①", "plan 1"),
        ("Foo Aktiengesellschaft", "Foo AG"),
        ("Foo Société Anonyme", "Foo S.A."),
        ("Foo Public Limited Company", "Foo plc"),
        ("Foo Besloten Vennootschap", "Foo B.V."),
        ("Foo Gesellschaft mit beschränkter Haftung", "Foo GmbH"),
        ("Smith and Sons", "Smith & Sons"),
        ("Müller und Söhne", "Müller & Söhne GmbH & Co. KG"),
        ("Pain et Vin SARL", "Pain & Vin"),
        ("Καφές και Μέλι", "Καφές & Μέλι Μονοπρόσωπη ΙΚΕ"),
        ("Bäckerei Foo e.K.", "Bäckerei Foo"),
        ("Klinik Foo gGmbH", "Klinik Foo"),
        ("Kanzlei Foo PartG mbB", "Kanzlei Foo"),
        ("AT&T Inc.", "AT and T"),
        ("The Foo Company", "Foo"),
        ("Foo AB (publ)", "Foo"),
        ("Foo Inc. (Class A)", "FOO INC"),
        ("Foo, S.A. de C.V.", "Foo"),
        ("Packaging Corporation of Foo", "Packaging Corp of Foo"),
        ("A. O. Smith", "Smith A O"),
        ("FULLER H B CO", "H. B. Fuller Company"),
        ("Foo.com, Inc.", "Foo"),
        ("Müller und Co. KG", "Müller"),
    ],
)
def test_names_that_differ_in_spelling_only_fold_to_one(one: str, other: str) -> None:
    assert fold_company(one) == fold_company(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ガス", "カス"),
        ("हिन्दी", "हिन्द"),
        ("1.5 TB", "15 TB"),
        ("Delta", "Delta Hellas"),
        ("AS Roma", "Roma"),
        ("SC Johnson", "Johnson"),
        ("A. B. Smith", "Smith"),
        ("Limited", "GmbH"),
        ("🚀", "🎉"),
        ("日立", "日産"),
        ("Foo Bank /NC/", "Foo Bank /PR/"),
        ("Foo Inc /DE/", "Foo"),
        ("FULLER H B CO", "Fuller"),
        ("Foo (Athens)", "Foo (Patras)"),
        ("Foo Holdings", "Foo"),
        ("First Bank", "Bank First"),
        ("Band", "B"),
        ("Et Cetera", "Cetera"),
        ("Foo Und", "Foo"),
    ],
)
def test_different_names_stay_different_after_folding(one: str, other: str) -> None:
    assert fold_company(one) != fold_company(other)


@pytest.mark.parametrize("other", ["Mueller GmbH", "Muller", "MÜLLER", "Mu\u0308ller"])
def test_an_umlaut_may_be_written_as_two_letters_or_as_one(other: str) -> None:
    assert foldings("Müller") & foldings(other)
    assert not foldings("Muller") & foldings("Mueller")


def test_a_product_keeps_its_plus_and_its_words() -> None:
    assert fold_product("Plan 1+") != fold_product("Plan 1")
    assert fold_product("Microsoft 365 (E3)") == fold_product("microsoft 365 e3")
    assert fold_product("Support Inc") != fold_product("Support")


@given(st.text())
@example("株式 会社 Foo")
@example("1 2 株式会社株式会社3 4")
@example("S. A. S. A.")
@example("ﬁ ǅ ͅ")
@example("0:¼:A")  # digits before a letter, of which joining makes one word
@example("Corporation株式会社")  # a word with a short form, beside a form that is attached
@example("com pany")
def test_folding_twice_is_folding_once_and_never_leaves_nothing(name: str) -> None:
    for look in (fold_company, fold_spelling, fold_product):
        assert look(look(name)) == look(name)
        assert look(name) or not any(map(str.isalpha, name))
        assert bool(look(name)) == bool(name.strip())


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_composed_and_decomposed_letters_fold_to_one(name: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    assert fold_company(composed) == fold_company(decomposed)


# Companies


def test_equal_as_written_comes_before_equal_after_folding() -> None:
    assert companies_of([line("a", "Delta Ltd")], companies("Delta GmbH", "Delta Ltd")) == {"a": "2 exact"}
    assert companies_of([line("a", "DELTA LTD.")], companies("Delta GmbH", "Delta Ltd")) == {"a": "2 exact"}


def test_delta_ltd_and_delta_gmbh_are_a_tie_for_delta() -> None:
    assert companies_of([line("a", "DELTA")], companies("Delta GmbH", "Delta Ltd")) == {}


def test_two_companies_of_one_name_are_a_tie() -> None:
    assert companies_of([line("a", "Contoso")], companies("Contoso", "Contoso")) == {}


def test_a_company_is_not_given_to_two_customers_whose_names_only_fold_to_one() -> None:
    lines = [line("a", "Delta Ltd", customer_id="1"), line("b", "Delta GmbH", customer_id="2")]
    assert companies_of(lines, companies("Delta Ltd")) == {"a": "1 exact", "b": "1 suggested 97%"}
    assert companies_of(lines, companies("Delta")) == {"a": "1 suggested 97%", "b": "1 suggested 97%"}
    assert companies_of(lines[1:], companies("Delta")) == {"b": "1 exact"}


def test_a_company_remembered_for_another_name_is_only_suggested() -> None:
    memory = Memory(
        customers={"bss:1": Remembered(company_id=1, names=Names(customer="Delta Ltd"))},
    )
    delta = [line("b", "Delta GmbH", customer_id="2")]
    assert companies_of(delta, companies("Delta"), memory) == {"b": "1 suggested 97%"}


def test_two_accounts_of_one_name_may_be_two_customers_so_their_company_is_only_suggested() -> None:
    lines = [line("a", "Contoso, Ltd.", customer_id="1"), line("b", "CONTOSO LTD", customer_id="2")]
    assert companies_of(lines, companies("Contoso")) == {"a": "1 suggested 99%", "b": "1 suggested 99%"}
    assert companies_of(lines, companies("Contoso Ltd")) == {"a": "1 suggested 99%", "b": "1 suggested 99%"}
    assert companies_of(lines[:1], companies("Contoso")) == {"a": "1 exact"}
    assert companies_of([*lines[:1], line("c", "Contoso, Ltd.", customer_id="1")], companies("Contoso")) == {
        "a": "1 exact",
        "c": "1 exact",
    }


def test_a_second_account_of_a_remembered_customers_name_is_only_suggested() -> None:
    memory = Memory(customers={"bss:1": Remembered(company_id=1, names=Names(customer="Contoso"))})
    lines = [line("a", "Contoso", customer_id="1"), line("b", "Contoso", customer_id="2")]
    assert companies_of(lines, companies("Contoso"), memory) == {"a": "1 remembered", "b": "1 suggested 99%"}
    assert companies_of(lines[1:], companies("Contoso"), memory) == {"b": "1 suggested 99%"}
    others = {"bss:1": Remembered(company_id=1, names=Names(customer="Contoso Labs"))}
    assert companies_of(lines[1:], companies("Contoso"), Memory(customers=others)) == {"b": "1 exact"}


def test_customers_without_an_id_or_of_different_reports_are_one_by_their_name() -> None:
    spelled = [line("a", "Contoso, Ltd."), line("b", "CONTOSO LTD")]
    assert companies_of(spelled, companies("Contoso")) == {"a": "1 exact", "b": "1 exact"}
    two = [line("a", "Contoso", customer_id="A-1"), line("b", "Contoso", customer_id="77")]
    reports = [replace(one, source="report", report=f"{one.key}.csv") for one in two]
    assert companies_of(reports, companies("Contoso")) == {"a": "1 exact", "b": "1 exact"}
    same = [replace(one, report="a.csv") for one in reports]
    assert companies_of(same, companies("Contoso")) == {"a": "1 suggested 99%", "b": "1 suggested 99%"}


def test_of_two_accounts_of_one_report_with_one_name_neither_is_remembered_from_the_bss() -> None:
    memory = Memory(customers={"bss:1": Remembered(company_id=2, names=Names(customer="Contoso"))})
    two = [line("a", "Contoso", customer_id="A-1"), line("b", "CONTOSO", customer_id="77")]
    same = [replace(one, source="report", report="a.csv") for one in two]
    known = companies("Fabrikam", "Contoso Labs")
    assert companies_of(same[:1], known, memory) == {"a": "2 remembered"}
    assert "2 remembered" not in companies_of(same, known, memory).values()
    apart = [replace(one, report=f"{one.key}.csv") for one in same]  # the ids of two reports are two lists
    assert companies_of(apart, known, memory) == {"a": "2 remembered", "b": "2 remembered"}


@pytest.mark.parametrize(
    ("id_", "name", "is_remembered"),
    [
        ("1001", "Fabrikam", False),
        ("1001", "CONTOSO Ltd.", True),
        ("72f988bf-86f1-41af-91ab-2d7cd011db47", "Fabrikam", True),  # Microsoft's id of a tenant
    ],
)
def test_a_reports_customer_number_may_be_another_customer_of_another_distributor(
    id_: str, name: str, is_remembered: bool
) -> None:
    memory = Memory(customers={f"report:{id_}": Remembered(company_id=1, names=Names(customer="Contoso"))})
    one = line("a", name, customer_id=id_, source="report", report="b.csv")
    known = companies("Contoso Labs", "Northwind")
    assert companies_of([one], known, memory) == ({"a": "1 remembered"} if is_remembered else {})
    assert companies_of(
        [replace(one, source="bss")],
        known,
        Memory(customers={f"bss:{id_}": memory.customers[f"report:{id_}"]}),
    ) == {"a": "1 remembered"}


@pytest.mark.parametrize(
    ("code", "name", "is_remembered"),
    [
        ("10023", "Dropbox Business", False),
        ("10023", "Acronis Cyber Backup (New Commerce)", True),
        ("CFQ7TTC0LDPB:0001", "Entra ID P1", True),  # Microsoft renames its products
    ],
)
def test_a_reports_product_number_may_be_another_product_of_another_distributor(
    code: str, name: str, is_remembered: bool
) -> None:
    names = Names(product="Acronis Backup")
    memory = Memory(products={f"report:{code}||": Remembered(item_id=2, names=names)})
    one = line("a", product=name, product_code=code, source="report", report="b.csv")
    known = catalog("Visio", "Backup of servers")
    linked_to = propose_links([one], [], [], known, {}, memory, {})["a"].item
    assert (linked_to == Choice(2, Evidence.REMEMBERED)) is is_remembered


def test_a_second_account_of_the_bss_is_not_the_customer_that_a_report_remembers() -> None:
    named = Names(customer="Contoso")
    report = {"report:C-77": Remembered(company_id=2, names=named)}
    first = {"bss:1": Remembered(company_id=2, names=named)}
    second = [line("a", "Contoso", customer_id="2")]
    known = companies("Fabrikam", "Contoso")
    assert companies_of(second, known, Memory(customers=report)) == {"a": "2 remembered"}
    assert companies_of(second, known, Memory(customers=report | first)) == {"a": "2 suggested 99%"}
    other = [replace(one, source="report", customer_id="99") for one in second]  # another distributor's
    assert companies_of(other, known, Memory(customers=report | first)) == {"a": "2 remembered"}


def test_a_choice_for_one_of_two_accounts_of_one_name_corrects_nothing_that_the_bss_remembers() -> None:
    memory = Memory(customers={"bss:1": Remembered(company_id=2, names=Names(customer="Contoso"))})
    two = [line("a", "Contoso", customer_id="A-1"), line("b", "Contoso", customer_id="77")]
    same = [replace(one, source="report", report="a.csv") for one in two]
    picked = {"a": Picked(company=1)}
    assert correct(memory, same, picked) == memory
    assert correct(memory, same[:1], picked) != memory


def test_of_two_accounts_of_one_name_the_one_that_is_where_the_company_is_belongs_to_it() -> None:
    lines = [line("a", "Contoso", customer_id="1"), line("b", "Contoso", customer_id="2")]
    known = [replace(one, town="Athens") for one in companies("Contoso")]
    proposed = propose_companies(lines, known, NO_MEMORY, {})

    def apart(first: str, second: str) -> dict[str, str]:
        places = {"bss:1": Place(first), "bss:2": Place(second)}
        return shown(tell_apart(lines, proposed, known, places).choices)

    assert apart("Athens", "Patras") == {"a": "1 exact", "b": "1 suggested 99%"}
    unsure = {"a": "1 suggested 99%", "b": "1 suggested 99%"}
    assert apart("Athens", "Athens") == apart("Athens", "") == apart("Patras", "Patras") == unsure


def test_the_place_of_a_second_account_alone_does_not_make_it_the_remembered_ones_company() -> None:
    memory = Memory(customers={"bss:1": Remembered(company_id=1, names=Names(customer="Contoso"))})
    lines = [line("a", "Contoso", customer_id="1"), line("b", "Contoso", customer_id="2")]
    known = [replace(one, town="Athens") for one in companies("Contoso")]
    proposed = propose_companies(lines, known, memory, {})

    def apart(places: dict[str, Place]) -> dict[str, str]:
        return shown(tell_apart(lines, proposed, known, places).choices)

    unsure = {"a": "1 remembered", "b": "1 suggested 99%"}
    assert apart({"bss:2": Place("Athens")}) == unsure
    assert apart({"bss:1": Place("Athens"), "bss:2": Place("Athens")}) == unsure
    alone = tell_apart(lines[1:], proposed, known, {"bss:2": Place("Athens")})
    assert shown(alone.choices)["b"] == "1 exact"


def candidates_of(one: BillingLine, known: Sequence[Company]) -> str:
    proposed = propose_companies([one], known, NO_MEMORY, {})
    names = {company.id: company.name for company in known}
    return " · ".join(f"{names[near.id]} {near.score}" for near in proposed.candidates(one))


def test_a_near_name_is_suggested_with_its_score() -> None:
    known = companies("Northwind Traders", "Contoso", "Fabrikam Dental Clinic")
    assert companies_of([line("a", "Northwind Trader")], known) == {"a": "1 suggested 91%"}
    assert companies_of([line("a", "Contoso Pharmaceuticals")], known) == {}


def test_rare_words_weigh_more_than_common_ones() -> None:
    known = companies("Apple Dental Clinic", "Pear Dental Clinic", "Quince Dental Clinic", "Zebra Surgery")
    assert candidates_of(line("a", "Zebra Dental Clinic"), known).startswith("Zebra Surgery ")


def test_equal_names_are_candidates_of_one_score_and_none_is_suggested() -> None:
    known = companies("Delta GmbH", "Delta Ltd", "Deltona")
    assert candidates_of(line("a", "DELTA"), known).startswith("Delta GmbH 97 · Delta Ltd 97")
    assert companies_of([line("a", "DELTA")], known) == {}
    assert candidates_of(line("a", "Delta"), companies("Delta", "Delta")) == "Delta 99 · Delta 99"


def test_there_are_at_most_five_candidates_the_nearest_first() -> None:
    others = [f"Contoso {letter * 5}" for letter in "abcdefghijkl"]
    known = companies("Northwind", *(f"Northwind {letter * 3}" for letter in "abcdef"), *others)
    told = candidates_of(line("a", "Northwinds"), known).split(" · ")
    assert len(told) == 5
    assert told[0].startswith("Northwind ")


@pytest.mark.parametrize("name", ["A & B Ltd", "A&B", "A and B Ltd", "A + B"])
def test_two_letters_with_an_ampersand_are_another_company_than_without(name: str) -> None:
    assert companies_of([line("a", name)], companies("A and B Limited")) == {"a": "1 exact"}
    assert "exact" not in companies_of([line("a", name)], companies("AB Ltd")).get("a", "")
    assert companies_of([line("a", "AT&T Inc.")], companies("AT and T")) == {"a": "1 exact"}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Calgary Dental AB", ["Calgary Dental BC", "Calgary Dental"]),
        ("Calgary Dental", ["Calgary Dental AB", "Calgary Dental BC"]),
        ("Desert Dental, NV", ["Desert Dental AZ", "Desert Dental Inc"]),
    ],
)
def test_a_state_that_is_a_company_form_too_does_not_fold_where_other_states_are_there(
    name: str, known: list[str]
) -> None:
    assert companies_of([line("a", name)], companies(*known)) == {}
    assert companies_of([line("a", name)], companies(*known, name))["a"] == "3 exact"
    assert companies_of([line("a", "Desert Dental NV")], companies("Desert Dental", "Zebra AZ")) == {
        "a": "1 exact"
    }


def test_a_suggestion_whose_runner_up_ties_is_none() -> None:
    assert companies_of([line("a", "Northwint")], companies("Northwind", "Northwink")) == {}


def test_products_of_one_brand_are_not_near() -> None:
    offered = catalog(
        "Microsoft 365 Business Premium", "Microsoft 365 E3 (no Teams)", "Power BI Premium", "Visio Plan 2",
        "Exchange Online (Plan 2)", "Microsoft 365 E5", "Office 365 E1", "Teams Phone Standard",
    )  # fmt: skip
    for wanted in ("Microsoft 365 Business Basic", "Power BI Pro", "Exchange Online (Plan 1)"):
        assert items_of([line("a", product=wanted)], offered) == {}


def index_of(*names: str) -> NameIndex:
    return NameIndex(dict(enumerate(names, 1)), company_words, numbers_in)


def test_names_whose_numbers_differ_are_never_near() -> None:
    assert index_of("Studio 54").nearest("Studio 55") == []
    assert [near.id for near in index_of("Studio 54").nearest("Studio")] == [1]


@given(st.text(max_size=12), st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_a_score_is_below_100_and_scores_fall(name: str, names: list[str]) -> None:
    scores = [near.score for near in index_of(*names).nearest(name)]
    assert scores == sorted(scores, reverse=True)
    assert all(25 <= score < 100 for score in scores)


@given(st.text("abc 1", max_size=9), st.lists(st.text("abc 1", max_size=9), min_size=1, max_size=40))
def test_the_index_finds_what_comparing_every_name_finds(wanted: str, names: list[str]) -> None:
    def trigrams(name: str) -> set[str]:
        text = f" {' '.join(company_words(name))} "
        return {text[at : at + 3] for at in range(len(text) - 2)}

    named = [name for name in names if company_words(name)]
    holders = Counter(trigram for name in named for trigram in trigrams(name))

    def weight(of: set[str]) -> float:
        count = len(named) + 1
        return sum(math.log(count / ((holders[one] or 1) + 0.5)) ** 2 for one in of)

    def likeness(name: str) -> float:
        own, other = trigrams(wanted), trigrams(name)
        numbers = numbers_in(company_words(wanted)), numbers_in(company_words(name))
        if all(numbers) and numbers[0] != numbers[1]:
            return 0.0
        return weight(own & other) / math.sqrt(weight(own) * weight(other))

    if company_words(wanted):
        near = sorted((round(likeness(name), 6) for name in named), reverse=True)
        found = [round(one.likeness, 6) for one in index_of(*names).nearest(wanted)]
        assert found == [one for one in near if one >= 0.25][:5]


@given(
    st.lists(
        st.sampled_from(["Delta", "Delta Ltd", "Deltona", "Adelta", "Northwind", "Nord Wind"]), max_size=6
    ),
    st.sampled_from(["Delta GmbH", "Northwint", "Wind", "Nord"]),
    st.randoms(use_true_random=False),
)
def test_no_order_of_companies_changes_the_candidates(
    names: list[str], wanted: str, chance: random.Random
) -> None:
    known = companies(*names)
    shuffled = chance.sample(known, len(known))
    assert candidates_of(line("a", wanted), shuffled) == candidates_of(line("a", wanted), known)


TAGGED = st.sampled_from(
    [
        "Delta Inc",
        "Delta Inc /DE/",
        "Delta Corp/DE",
        "Delta Inc /NY/",
        "Delta (new)",
        "Delta GmbH /DE/",
        "Eta",
    ]
)


def test_a_registers_remark_folds_away_where_no_other_company_is_called_so() -> None:
    for listed in ("Delta Inc /DE/", "DELTA CORP/DE", "Delta Co /NEW/", "Delta (new)"):
        assert companies_of([line("a", "Delta")], companies(listed, "Eta")) == {"a": "1 exact"}
        assert companies_of([line("a", listed)], companies("Delta", "Eta")) == {"a": "1 exact"}
    for listed in ("Delta GmbH /DE/", "Delta Ltd /DE/", "Delta Inc /NY/", "Delta (Athens)"):
        assert "exact" not in str(companies_of([line("a", "Delta")], companies(listed, "Eta")))


@given(st.lists(TAGGED, max_size=4), TAGGED)
def test_no_remark_leads_from_one_of_two_companies_to_the_other(names: list[str], wanted: str) -> None:
    """A link that takes a remark away from a name is automatic only where its base is one company's."""
    known = companies(*names)
    choice = propose_companies([line("a", wanted)], known, NO_MEMORY, {}).choices.get("a")
    if choice is None or choice.evidence is Evidence.SUGGESTED:
        return
    linked_to = known[int(choice.to) - 1].name
    if not foldings(wanted) & foldings(linked_to):
        base = foldings(without_any_remark(wanted))
        assert [one for one in names if foldings(without_any_remark(one)) & base] == [linked_to]


@given(st.lists(st.sampled_from(["Delta", "Deltos", "Delta Ltd", "Eta", "Beta", "Delta Bank", "The Delta"])))
def test_an_automatic_link_never_leads_to_a_name_that_differs_in_a_word_that_is_not_folded_away(
    names: list[str],
) -> None:
    known = companies(*names)
    for wanted in ("Delta", "Delta GmbH", "Bank Delta"):
        choice = propose_companies([line("a", wanted)], known, NO_MEMORY, {}).choices.get("a")
        if choice is not None and choice.evidence is not Evidence.SUGGESTED:
            assert company_words(known[int(choice.to) - 1].name) == company_words(wanted)


ODD_NAMES = st.text("aeE\u00e9s1\uff112\u0663\u00bd\u2163\u4e09 .,-+'\u2122\u0149", max_size=9)


@given(ODD_NAMES, ODD_NAMES)
def test_names_without_the_same_digits_are_not_equal(one: str, other: str) -> None:
    looks = (str.strip, fold_company, fold_product, fold_spelling)
    if any(look(one) == look(other) for look in looks) or foldings(one) & foldings(other):
        assert digits(one) == digits(other)


# Places


def towns_told(towns: Mapping[int, tuple[str, str]], town: str, post_code: str = "") -> dict[str, str]:
    known = [replace(one, town=towns[one.id][0], post_code=towns[one.id][1]) for one in companies("A", "A")]
    proposed = propose_companies([line("a", "A")], known, NO_MEMORY, {})
    places = {"bss:A": Place(town, post_code)}
    return shown(tell_apart([line("a", "A")], proposed, known, places).choices)


def test_a_town_or_post_code_tells_equal_names_apart() -> None:
    assert towns_told({1: ("Athens", ""), 2: ("Patras", "")}, "ATHENS") == {"a": "1 exact"}
    assert towns_told({1: ("Athens", "105 57"), 2: ("Athens", "10680")}, "Athens", "10557") == {
        "a": "1 exact"
    }


def test_a_place_that_one_of_them_lacks_or_both_share_tells_nothing() -> None:
    assert towns_told({1: ("Athens", ""), 2: ("", "")}, "Athens") == {}
    assert towns_told({1: ("Athens", ""), 2: ("Athens", "")}, "Athens") == {}
    assert towns_told({1: ("Athens", ""), 2: ("Patras", "")}, "") == {}


def test_what_is_remembered_for_the_contract_comes_before_the_customer() -> None:
    memory = Memory(
        contracts={"bss:S-b": Remembered(company_id=2)},
        customers={"bss:Contoso": Remembered(company_id=1)},
    )
    lines = [line("a"), line("b")]
    assert companies_of(lines, companies("One", "Two"), memory) == {"a": "1 remembered", "b": "2 remembered"}


def test_a_remembered_company_that_is_gone_counts_as_absent_and_is_told_by_name() -> None:
    memory = Memory(
        customers={"bss:Contoso": Remembered(company_id=9, names=Names(company="Contoso (old)"))},
        products={"bss:Backup||": Remembered(item_id=8)},
    )
    assert companies_of([line("a")], companies("Contoso"), memory) == {"a": "1 exact"}
    assert find_inactive([line("a")], memory, companies("Contoso"), [], []) == (
        Inactive("Customer", "Contoso (old)", 9),
        Inactive("Product", "8", 8),
    )
    assert find_inactive([line("a", "Other", "Other")], memory, companies("Contoso"), [], []) == ()
    assert find_inactive([line("a")], memory, companies(*"123456789"), [], catalog(*"12345678")) == ()


def test_a_mark_fills_no_product_that_a_person_emptied_in_an_earlier_month() -> None:
    memory = Memory(contracts={"bss:S-a": Remembered(for_product="bss:Backup||", emptied=("item",))})
    agreements = [Agreement(id=1, name="Cloud", company_id=1)]
    marked = {1: [addition(1, 1, mark="S-a")]}
    for remembered, item in ((NO_MEMORY, 1), (memory, None)):
        links = propose_links(
            [line("a")], companies("Contoso"), agreements, catalog("Storage"), marked, remembered, {}
        )
        found = links["a"].item
        assert (found.to if found else None) == item


def test_what_a_person_chose_for_one_contract_and_is_gone_is_not_replaced_by_what_its_customer_has() -> None:
    """Neither a company nor an item is; what was found by evidence is looked for anew."""
    memory = Memory(
        contracts={
            "bss:S-b": Remembered(company_id=9, item_id=8, evidence=Evidence.CHOSEN),
            "bss:S-c": Remembered(company_id=9, item_id=8, evidence=Evidence.EXACT),
        },
        customers={"bss:Contoso": Remembered(company_id=1)},
        products={"bss:Backup||": Remembered(item_id=1)},
    )
    lines = [line("a"), line("b"), line("c")]
    remembered = {"a": "1 remembered", "c": "1 remembered"}
    assert companies_of(lines, companies("Contoso"), memory) == remembered
    assert items_of(lines, catalog("Backup"), memory) == remembered
    same = Memory(contracts=memory.contracts, customers={"bss:Contoso": Remembered(company_id=9)})
    assert companies_of(lines, companies("Contoso"), same) == dict.fromkeys("abc", "1 exact")


def test_a_remembered_agreement_that_is_gone_is_told_with_its_customer() -> None:
    """Many customers have an agreement of the same name."""
    names = Names(company="Contoso", agreement="Cloud Services")
    memory = Memory(customers={"bss:Contoso": Remembered(company_id=1, agreement_id=7, names=names)})
    assert find_inactive([line("a")], memory, companies("Contoso"), [], []) == (
        Inactive("Agreement", "Cloud Services of Contoso", 7),
    )


def test_a_pick_holds_for_the_customer_but_not_for_a_remembered_contract() -> None:
    memory = Memory(contracts={"bss:S-c": Remembered(company_id=1)})
    lines = [line("a"), line("b"), line("c"), line("d", "Fabrikam")]
    picked = {"a": Picked(company=2)}
    assert companies_of(lines, companies("Contoso", "Two"), memory, picked) == {
        "a": "2 chosen",
        "b": "2 chosen",
        "c": "1 remembered",
    }


def test_a_pick_holds_for_its_own_contract_whatever_is_remembered() -> None:
    memory = Memory(contracts={"bss:S": Remembered(company_id=1)})
    lines = [line("a", contract_id="S"), line("b", contract_id="S", type=LineType.CREDIT)]
    assert companies_of(lines, companies("One", "Two"), memory, {"a": Picked(company=2)}) == {
        "a": "2 chosen",
        "b": "2 chosen",
    }


def test_two_different_picks_stay_two_and_spread_nowhere() -> None:
    lines = [line("a"), line("b"), line("c")]
    picked = {"a": Picked(company=1), "b": Picked(company="customer:bss:Contoso")}
    assert companies_of(lines, companies("One", "Contoso"), picked=picked) == {
        "a": "1 chosen",
        "b": "customer:bss:Contoso chosen",
        "c": "2 exact",
    }


def test_an_emptied_part_stays_empty_for_its_contract_and_spreads_no_further() -> None:
    lines = [line("a"), line("b"), line("c", contract_id="S-a")]
    picked = {"a": Picked(company=NOTHING)}
    assert companies_of(lines, companies("Contoso"), picked=picked) == {"b": "1 exact"}
    both = picked | {"c": Picked(company=1)}
    assert companies_of(lines, companies("Contoso"), picked=both) == {"b": "1 chosen", "c": "1 chosen"}
    links = propose_links(
        lines, companies("Contoso"), [Agreement(id=5, name="A", company_id=1)], [], {5: ()}, NO_MEMORY, picked
    )
    assert links["a"] == Link()
    assert links["b"].agreement == Choice(5, Evidence.ONLY_AGREEMENT)


def test_an_emptied_part_is_remembered_and_no_evidence_fills_it_the_month_after() -> None:
    lines = [line("a"), line("b")]
    world = (companies("Contoso"), [Agreement(id=5, name="A", company_id=1)], catalog("Backup"), {5: ()})
    picked = {"a": Picked(item=NOTHING)}
    kept = learnt(lines, propose_links(lines, *world, NO_MEMORY, picked), picked)
    assert kept.contracts["bss:S-a"] == Remembered(
        emptied=("item",),
        for_product="bss:Backup||",
        names=Names(customer="Contoso", product="Backup", contract="S-a"),
    )
    after = propose_links([*lines, line("c", "Contoso", "Vault", contract_id="S-a")], *world, kept, {})
    assert after["a"] == Link(
        company=Choice(1, Evidence.REMEMBERED), agreement=Choice(5, Evidence.REMEMBERED), item=None
    )
    assert after["b"].item == Choice(1, Evidence.REMEMBERED)
    chosen = propose_links(lines, *world, kept, {"a": Picked(item=1)})
    assert chosen["a"].item == Choice(1, Evidence.CHOSEN)
    again = learnt(lines, chosen, {"a": Picked(item=1)}).contracts["bss:S-a"]
    assert (again.item_id, again.emptied) == (1, ())


def test_an_emptied_customer_or_agreement_is_remembered_too() -> None:
    lines = [line("a")]
    world = (companies("Contoso"), [Agreement(id=5, name="A", company_id=1)], catalog("Backup"), {5: ()})
    for part in ("company", "agreement"):
        picked = {"a": Picked(**{part: NOTHING})}  # type: ignore[arg-type]
        kept = learnt(lines, propose_links(lines, *world, NO_MEMORY, picked), picked)
        assert kept.contracts["bss:S-a"].emptied == (part,)
        assert getattr(propose_links(lines, *world, kept, {})["a"], part) is None


def test_a_pick_that_is_no_longer_offered_is_not_replaced_by_a_guess() -> None:
    lines = [line("a"), line("b")]
    assert companies_of(lines, companies("Contoso"), picked={"a": Picked(company=77)}) == {"b": "1 exact"}


def test_a_confirmed_suggestion_is_a_pick_of_its_suggested_parts() -> None:
    link = Link(
        company=Choice(1, Evidence.SUGGESTED, 90),
        agreement=Choice(5, Evidence.ONLY_AGREEMENT),
        item=Choice(7, Evidence.EXACT),
    )
    picked = {"a": confirmed(link)}
    assert picked["a"] == Picked(company=1, evidence=Evidence.CONFIRMED)
    assert companies_of([line("a"), line("b")], companies("Contosso"), picked=picked) == {
        "a": "1 confirmed",
        "b": "1 confirmed",
    }


def test_lines_without_a_customer_share_nothing() -> None:
    lines = [line("a", ""), line("b", "")]
    picked = {"a": Picked(company=1)}
    assert companies_of(lines, companies("One", ""), picked=picked) == {"a": "1 chosen"}


# Products


def test_a_product_code_is_compared_exactly_and_without_case() -> None:
    known = [
        CatalogItem(id=1, identifier="A", description="Other", codes=("CFQ7TTC0LH18:0001",)),
        CatalogItem(id=2, identifier="B", description="Backup", codes=("x",)),
    ]
    coded = line("a", product_code=" cfq7ttc0lh18:0001 ")
    assert items_of([coded], known) == {"a": "1 marked in ConnectWise"}


def test_two_items_of_one_code_are_told_apart_by_an_equal_name_or_not_at_all() -> None:
    known = [
        CatalogItem(id=1, identifier="A", description="Backup", codes=("K",)),
        CatalogItem(id=2, identifier="B", description="Backup yearly", codes=("K",)),
        CatalogItem(id=3, identifier="C", description="Vault"),
    ]
    lines = [line("a", product_code="K"), line("b", product="Vault", product_code="K ")]
    assert items_of(lines[:1], known) == {"a": "1 exact"}
    assert items_of(lines[1:], known) == {}


def test_a_product_name_equals_a_description_or_an_identifier() -> None:
    known = [
        CatalogItem(id=1, identifier="M365-E3", description="Microsoft 365 E3"),
        CatalogItem(id=2, identifier="VAULT", description="Vault"),
    ]
    lines = [
        line("a", product="m365 e3"),
        line("b", product="Microsoft  365 (E3)"),
        line("c", product="Vault"),
    ]
    assert items_of(lines, known) == {"a": "1 exact", "b": "1 exact", "c": "2 exact"}


def test_a_hand_typed_line_without_a_product_gets_no_item_but_its_own_pick() -> None:
    lines = [line("a", product="", contract_id=""), line("b", product="", contract_id="")]
    assert items_of(lines, catalog("")) == {}
    assert items_of(lines, catalog("X"), picked={"a": Picked(item=1)}) == {"a": "1 chosen"}


def test_a_product_billed_otherwise_is_another_product() -> None:
    lines = [line("a", billing_period="Monthly"), line("b", billing_period="Yearly")]
    assert items_of(lines, catalog("One"), picked={"a": Picked(item=1)}) == {"a": "1 chosen"}


def test_a_contracts_item_holds_for_its_product_only() -> None:
    memory = Memory(contracts={"bss:S": Remembered(item_id=1, for_product="bss:Backup||")})
    lines = [line("a", contract_id="S"), line("b", product="Vault", contract_id="S")]
    assert items_of(lines, catalog("One", "Vault"), memory) == {"a": "1 remembered", "b": "2 exact"}


@pytest.mark.parametrize(
    ("name", "plain", "term"),
    [
        ("Microsoft 365 Business Premium", "m365 business premium", None),
        ("M365 Bus. Prem. (NCE) 1YR COMMIT RRP 20.60", "m365 business premium", 12),
        ("MS NCE O365 E3 MTH SUB", "o365 e3", 1),
        ("Office 365 E3 - annual commitment, billed monthly", "o365 e3", 12),
        ("Exchange Online (Plan 1)", "exchange online p1", None),
        ("EXO P1 P1M", "exchange online p1", 1),
        ("Power BI Pro 3 Year (New Commerce)", "power bi pro", 36),
        ("Teams Phone STD CSP $8.00", "teams phone standard", None),
        ("Backup 1.5 TB", "backup 1 5 tb", None),
        ("Visio Plan 2 (annual, monthly billing)", "visio p2", 12),
        ("Microsoft", "microsoft", None),
    ],
)
def test_brands_terms_and_prices_are_no_part_of_a_products_name(
    name: str, plain: str, term: int | None
) -> None:
    assert read_product_name(name) == ProductName(tuple(plain.split()), term)


def test_a_product_in_the_catalogs_spelling_is_suggested_and_the_term_decides_between_two() -> None:
    known = catalog(
        "M365 BUS PREM NCE 1YR COMMIT RRP 20.60", "M365 BUS PREM NCE MTH SUB", "M365 BUS STD NCE 1YR COMMIT",
        "Visio Plan 2", "Exchange Online (Plan 1)",
    )  # fmt: skip
    for months, item in ((12, 1), (1, 2)):
        one = line("a", product="Microsoft 365 Business Premium", commitment_months=months)
        assert items_of([one], known) == {"a": f"{item} suggested 99%"}
    assert items_of([line("a", product="Microsoft 365 Business Premium")], known) == {}
    of_three_years = line("a", product="Microsoft 365 Business Premium", commitment_months=36)
    assert items_of([of_three_years], known) == {}
    proposed = propose_items([of_three_years], known, NO_MEMORY, {})
    assert {near.id for near in proposed.candidates(of_three_years)} >= {1, 2}


# Microsoft's ids


@pytest.mark.parametrize(
    ("code", "read"),
    [
        ("CFQ7TTC0LDPB:0001", MicrosoftId("cfq7ttc0ldpb:0001")),
        (" cfq7ttc0ldpb:0001 ", MicrosoftId("cfq7ttc0ldpb:0001")),
        ("P1Y:CFQ7TTC0LDPB:0001", MicrosoftId("cfq7ttc0ldpb:0001", 12)),
        ("P1M:CFQ7TTC0LDPB:0001", MicrosoftId("cfq7ttc0ldpb:0001", 1)),
        ("P3Y:CFQ7TTC0LDPB:0001:Commercial", MicrosoftId("cfq7ttc0ldpb:0001", 36, "commercial")),
        ("CFQ7TTC0LDPB:0001:Commercial", MicrosoftId("cfq7ttc0ldpb:0001", segment="commercial")),
        ("CFQ7TTC0LDPB", None),
        ("XCFQ7TTC0LDPB:0001", None),
        ("", None),
    ],
)
def test_an_id_of_microsofts_is_read_in_every_form(code: str, read: MicrosoftId | None) -> None:
    assert read_microsoft_id(code) == read


@pytest.mark.parametrize("form", ["{}", "P1Y:{}", "{}:Commercial", "p1y:{}:Commercial"])
@pytest.mark.parametrize("is_identifier", [True, False])
def test_microsofts_id_links_by_itself_from_every_field_and_form(form: str, is_identifier: bool) -> None:
    code = form.format("CFQ7TTC0LDPB:0001")
    known = [
        CatalogItem(
            id=1,
            identifier=code if is_identifier else "X",
            description="Something else",
            codes=() if is_identifier else (code,),
        ),
        CatalogItem(id=2, identifier="Y", description="Vault", codes=("P1Y:CFQ7TTC0LDPB:0002",)),
    ]
    one = line("a", product="Suite", product_code="CFQ7TTC0LDPB:0001", commitment_months=12)
    assert items_of([one], known) == {"a": "1 marked in ConnectWise"}


def test_the_term_of_microsofts_id_must_agree_with_the_commitment() -> None:
    known = [
        CatalogItem(id=1, identifier="A", description="Suite A", codes=("P1Y:CFQ7TTC0LDPB:0001",)),
        CatalogItem(id=2, identifier="B", description="Suite B", codes=("P1M:CFQ7TTC0LDPB:0001",)),
    ]
    ids = {"product": "Other", "product_code": "CFQ7TTC0LDPB:0001"}
    for months, item in ((12, "1"), (1, "2")):
        assert items_of([line("a", **ids, commitment_months=months)], known) == {
            "a": f"{item} marked in ConnectWise"
        }
    for months_unknown in (36, None):
        assert items_of([line("a", **ids, commitment_months=months_unknown)], known) == {}
    without = [*known, CatalogItem(id=3, identifier="C", description="Suite", codes=("CFQ7TTC0LDPB:0001",))]
    assert items_of([line("a", **ids)], without) == {"a": "3 marked in ConnectWise"}
    assert items_of([line("a", **ids, commitment_months=12)], without) == {"a": "1 marked in ConnectWise"}


@pytest.mark.parametrize(
    "code",
    ["P1M:CFQ7TTC0LDPB:0001", "CFQ7TTC0LDPB:0002", "P1Y:CFQ7TTC0LH18:0001", "CFQ7TTC0LDPB:0001:Education"],
)
@pytest.mark.parametrize("name", ["Microsoft 365 E3", "Microsoft 365 E3 (no Teams)"])
def test_no_product_whose_id_is_another_is_linked_or_suggested_by_its_name(code: str, name: str) -> None:
    known = [CatalogItem(id=1, identifier="A", description=name, codes=(code,))]
    ids = {"product": "Microsoft 365 E3", "product_code": "CFQ7TTC0LDPB:0001:Commercial"}
    one = line("a", **ids, commitment_months=12)
    assert items_of([one], known) == {}
    assert [near.id for near in propose_items([one], known, NO_MEMORY, {}).candidates(one)] == [1]
    own = [*known, CatalogItem(id=2, identifier="B", description="Suite", codes=("CFQ7TTC0LDPB:0001",))]
    assert items_of([one], own) == {"a": "2 marked in ConnectWise"}


def test_the_segment_of_microsofts_id_tells_two_products_apart() -> None:
    known = [
        CatalogItem(id=1, identifier="A", description="Suite", codes=("CFQ7TTC0LDPB:0001:Commercial",)),
        CatalogItem(id=2, identifier="B", description="Suite", codes=("CFQ7TTC0LDPB:0001:Education",)),
    ]
    for code, linked_to in (("Education", {"a": "2 marked in ConnectWise"}), ("Charity", {}), ("", {})):
        one = line("a", product="Suite", product_code=f"CFQ7TTC0LDPB:0001:{code}".removesuffix(":"))
        assert items_of([one], known) == linked_to


@pytest.mark.parametrize("code", ["N/A", "-", "0", "00-00", "none", "T.B.D."])
def test_what_stands_in_place_of_a_code_links_nothing(code: str) -> None:
    known = [CatalogItem(id=1, identifier="A", description="Firewall", codes=(code,))]
    assert items_of([line("a", product_code=code)], known) == {}


# Agreements

TWO = [Agreement(id=10, name="Cloud", company_id=1), Agreement(id=11, name="Office", company_id=1)]
EXACT_COMPANY = {"a": Choice(1, Evidence.EXACT)}
EXACT_ITEM = {"a": Choice(7, Evidence.EXACT)}


def agreement_of(
    additions: Mapping[int, Sequence[Addition]],
    *,
    company: Mapping[str, Choice] = EXACT_COMPANY,
    agreements: Sequence[Agreement] = TWO,
    memory: Memory = NO_MEMORY,
    picked: Mapping[str, Picked] | None = None,
) -> str:
    lines = [line("a")]
    decided = decide_agreements(lines, company, agreements, memory, picked or {})
    found = propose_agreements(lines, company, EXACT_ITEM, decided, Held(agreements, additions))
    return shown(found).get("a", "")


def test_the_only_agreement_is_taken_even_unread_and_for_a_suggested_company() -> None:
    assert agreement_of({}, agreements=TWO[:1]) == "10 only agreement"
    suggested = {"a": Choice(1, Evidence.SUGGESTED, 90)}
    assert agreement_of({}, company=suggested, agreements=TWO[:1]) == "10 only agreement"


def test_a_link_that_stands_on_the_only_agreement_is_called_automatic_on_the_sheet() -> None:
    link = linked(1, 10, 7, Evidence.EXACT)
    assert replace(link, agreement=Choice(10, Evidence.ONLY_AGREEMENT)).match == "automatic: only agreement"


def test_the_only_agreement_that_holds_the_product_is_taken() -> None:
    assert agreement_of({10: (), 11: (addition(11, 7),)}) == "11 only agreement"
    assert agreement_of({10: (addition(10, 7),), 11: (addition(11, 7),)}) == ""


def test_nothing_is_concluded_where_an_agreement_was_not_read() -> None:
    assert agreement_of({11: (addition(11, 7, "S-a"),)}) == ""


def test_nothing_is_read_from_additions_of_a_suggested_company() -> None:
    suggested = {"a": Choice(1, Evidence.SUGGESTED, 90)}
    assert agreement_of({10: (), 11: (addition(11, 7, "S-a"),)}, company=suggested) == ""


def test_a_mark_counts_with_its_product_and_comes_before_the_only_agreement() -> None:
    both = {10: (addition(10, 7),), 11: (addition(11, 7, " s-A "),)}
    assert agreement_of(both) == "11 marked in ConnectWise"
    assert agreement_of({10: (addition(10, 8, "S-a"),), 11: (addition(11, 7),)}) == "11 only agreement"
    assert agreement_of({10: (addition(10, 7, "S-a"),), 11: (addition(11, 7, "S-a"),)}) == ""
    assert agreement_of({10: (addition(10, 7, "S-a"),)}, agreements=TWO[:1]) == "10 marked in ConnectWise"


def test_an_agreement_of_another_company_does_not_count() -> None:
    others = [*TWO[:1], Agreement(id=20, name="Other", company_id=2)]
    memory = Memory(customers={"bss:Contoso": Remembered(agreement_id=20)})
    assert agreement_of({}, agreements=others, memory=memory) == "10 only agreement"
    assert agreement_of({}, agreements=others, picked={"a": Picked(agreement=20)}) == "10 only agreement"


def test_a_remembered_agreement_comes_before_marks() -> None:
    memory = Memory(customers={"bss:Contoso": Remembered(agreement_id=10)})
    assert agreement_of({10: (), 11: (addition(11, 7, "S-a"),)}, memory=memory) == "10 remembered"


def test_an_agreement_to_be_created_spreads_within_its_billing_period() -> None:
    lines = [
        line("a", billing_period="Monthly"),
        line("b", billing_period="Monthly"),
        line("c", billing_period="Yearly"),
    ]
    company = {one.key: Choice(1, Evidence.EXACT) for one in lines}
    new = "agreement:bss:Contoso|Monthly"
    picked = {"a": Picked(agreement=new)}
    decided = decide_agreements(lines, company, TWO, NO_MEMORY, picked)
    found = propose_agreements(lines, company, {}, decided, Held(TWO, {}))
    assert shown(found) == {"a": f"{new} chosen", "b": f"{new} chosen"}


def test_a_mark_tells_the_product_of_a_contract_with_one_product() -> None:
    additions = {10: (addition(10, 1, "S-a"),), 11: (addition(11, 1),)}
    world = (companies("Contoso"), TWO, catalog("Something else"), additions, NO_MEMORY)
    one = propose_links([line("a")], *world, {})
    assert one["a"] == Link(
        company=Choice(1, Evidence.EXACT),
        agreement=Choice(10, Evidence.MARKED),
        item=Choice(1, Evidence.MARKED),
    )
    addon = line("b", product="Add-on", contract_id="S-a", addon_id="X")
    assert propose_links([line("a"), addon], *world, {})["a"].item is None
    assert propose_links([line("a")], *world, {"a": Picked(item=NOTHING)})["a"].item is None


def test_a_mark_on_two_additions_tells_nothing() -> None:
    additions = {10: (addition(10, 1, "S-a"), addition(10, 2, "S-a", 2)), 11: ()}
    links = propose_links([line("a")], companies("Contoso"), TWO, catalog("X", "Y"), additions, NO_MEMORY, {})
    assert (links["a"].item, links["a"].agreement) == (None, None)


def test_a_mark_is_stronger_than_a_suggested_product() -> None:
    additions = {10: (addition(10, 2, "S-a"),), 11: ()}
    links = propose_links(
        [line("a")], companies("Contoso"), TWO, catalog("Backups", "Vault"), additions, NO_MEMORY, {}
    )
    assert links["a"].item == Choice(2, Evidence.MARKED)


# What must be read


def test_agreements_are_read_where_a_line_is_open_and_else_only_the_decided() -> None:
    lines = [line("a"), line("b"), line("c", "Fabrikam"), line("d", "Near")]
    agreements = [*TWO, Agreement(id=20, name="F", company_id=2), Agreement(id=30, name="N", company_id=3)]
    company = {
        "a": Choice(1, Evidence.EXACT),
        "b": Choice(1, Evidence.EXACT),
        "c": Choice(2, Evidence.EXACT),
        "d": Choice(3, Evidence.SUGGESTED, 90),
    }

    def read(memory: Memory, picked: Mapping[str, Picked]) -> set[int]:
        decided = decide_agreements(lines, company, agreements, memory, picked)
        return set(agreements_to_read(lines, company, agreements, decided))

    assert read(NO_MEMORY, {}) == {10, 11, 20}
    assert read(Memory(customers={"bss:Contoso": Remembered(agreement_id=10)}), {}) == {10, 20}
    assert read(Memory(contracts={"bss:S-a": Remembered(agreement_id=10)}), {}) == {10, 11, 20}
    assert read(NO_MEMORY, {"a": Picked(agreement=11)}) == {11, 20}
    assert read(NO_MEMORY, {"a": Picked(agreement=NOTHING), "b": Picked(agreement="new")}) == {20}


# Properties

PLAIN = ("Contoso", "Fabrikam", "日立")  # names that lead to complete links
NAMES = ("Delta", "Delta Ltd", "DELTA GmbH", "Contoso", "Contosso", "Contoso Ltd", "日立", "Fabrikam", "")
PRODUCTS = ("Backup", "Backups", "Vault", "Microsoft 365 E3", "Microsoft 365 E5", "")


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    pick = st.sampled_from([None, None, None, NOTHING, 1, 2, 9, "new"])
    count = draw(st.integers(1, 7))
    plain = draw(st.booleans())
    names = PLAIN if plain else NAMES
    lines = [
        line(
            str(number),
            draw(st.sampled_from(names)),
            draw(st.sampled_from(PRODUCTS)),
            product_code=draw(st.sampled_from(["", "", "K1", "K2"])),
            customer_id=draw(st.sampled_from(["", "", "1"])),
            contract_id=draw(st.sampled_from(["", f"S-{number}", f"S-{number}"])),
        )
        for number in range(count)
    ]
    others = st.lists(st.sampled_from(NAMES[:-1]), max_size=5)
    known = companies(*PLAIN) if plain else companies(*draw(others))
    items = [
        CatalogItem(
            id=number,
            identifier=f"P{number}",
            description=draw(st.sampled_from(PRODUCTS[:-1])),
            codes=draw(st.sampled_from([(), ("k1",), ("K2",)])),
        )
        for number in range(1, draw(st.integers(1, 5)))
    ]
    agreements = [
        Agreement(id=number, name=f"A{number}", company_id=number if plain else draw(st.integers(1, 5)))
        for number in range(1, draw(st.integers(1, 6)))
    ]
    additions = {
        agreement.id: tuple(
            addition(agreement.id, draw(st.integers(1, 4)), draw(st.sampled_from(["", "S-0", "S-1"])), number)
            for number in range(draw(st.integers(0, 2)))
        )
        for agreement in agreements
        if draw(st.booleans())
    }
    picked = {
        one.key: Picked(company=draw(pick), agreement=draw(pick), item=draw(pick))
        for one in lines
        if draw(st.booleans())
    }
    return {
        "lines": lines,
        "companies": known,
        "agreements": agreements,
        "catalog": items,
        "additions": additions,
        "picked": picked,
    }


@given(worlds(), st.randoms(use_true_random=False))
def test_no_order_of_lines_companies_or_catalog_changes_a_link(
    world: dict[str, Any], chance: random.Random
) -> None:
    def shuffled(values: Sequence[Any]) -> list[Any]:
        return chance.sample(values, len(values))

    other = {name: shuffled(values) if isinstance(values, list) else values for name, values in world.items()}
    links = propose_links(memory=NO_MEMORY, **world)
    assert propose_links(memory=NO_MEMORY, **other) == links
    assert learnt(other["lines"], links, world["picked"]) == learnt(world["lines"], links, world["picked"])


@given(worlds())
def test_every_line_has_a_link_and_an_agreement_is_always_its_companys(world: dict[str, Any]) -> None:
    links = propose_links(memory=NO_MEMORY, **world)
    company_of = {agreement.id: agreement.company_id for agreement in world["agreements"]}
    assert links.keys() == {one.key for one in world["lines"]}
    for link in links.values():
        if link.agreement and isinstance(link.agreement.to, int):
            assert link.company
            assert company_of[link.agreement.to] == link.company.to


@given(worlds())
def test_a_tie_never_yields_a_link(world: dict[str, Any]) -> None:
    """A twin of every company and item leaves nothing that stands on names or codes."""
    doubled = world | {
        "companies": [
            *world["companies"],
            *(Company(id=one.id + 100, identifier="", name=one.name) for one in world["companies"]),
        ],
        "catalog": [
            *world["catalog"],
            *(
                CatalogItem(id=one.id + 100, identifier="", description=one.description, codes=one.codes)
                for one in world["catalog"]
            ),
        ],
    }
    for link in propose_links(memory=NO_MEMORY, **doubled).values():
        assert link.company is None or link.company.evidence is Evidence.CHOSEN
        assert link.item is None or link.item.evidence in (Evidence.CHOSEN, Evidence.MARKED)


@given(worlds())
def test_what_was_proposed_and_kept_is_proposed_again_as_remembered(world: dict[str, Any]) -> None:
    lines = world["lines"]
    links = propose_links(memory=NO_MEMORY, **world)
    # Two hand-typed lines of one customer and product are one contract, so that of two picks none is kept.
    counting = {one.key: links[one.key] for one in lines if one.contract_id and links[one.key].counts}
    kept = learnt(lines, links, world["picked"])
    again = propose_links(memory=kept, **(world | {"picked": {}}))
    for key, link in counting.items():
        ids = [part.to for part in link.parts]
        if not all(isinstance(part, int) for part in ids):
            continue
        assert [part.to for part in again[key].parts] == ids
        assert {part.evidence for part in again[key].parts} == {Evidence.REMEMBERED}
