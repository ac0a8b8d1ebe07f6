"""What a workbook teaches of links, and what it corrects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.helpers.linking import (
    NO_MEMORY,
    after,
    catalog,
    companies,
    learnt,
    line,
    linked,
    propose_links,
    shown,
)
from xlsync.links.choices import NOTHING, Picked
from xlsync.links.learning import correct, current_names, learn, with_current_names
from xlsync.links.memory import PARTS, Memory, Names, PeriodAgreement, Recall, Remembered
from xlsync.models import Addition, Agreement, BillingLine, Choice, Evidence, Link
from xlsync.records import replace

CONTOSO = Remembered(company_id=1, names=Names(customer="Contoso"))
TWO = [Agreement(id=10, name="Cloud", company_id=1), Agreement(id=11, name="Office", company_id=1)]


def test_links_are_kept_for_the_customer_and_the_product_where_all_lines_agree() -> None:
    lines = [line("a"), line("b", product="Vault")]
    links = {"a": linked(1, 10, 7, Evidence.EXACT), "b": linked(1, 10, 8, Evidence.EXACT)}
    kept = learnt(lines, links, {})
    assert kept.contracts == {}
    assert {key: one.ids for key, one in kept.customers.items()} == {"bss:Contoso": (1, 10, None)}
    assert {key: one.ids for key, one in kept.products.items()} == {
        "bss:Backup||": (None, None, 7),
        "bss:Vault||": (None, None, 8),
    }
    assert kept.customers["bss:Contoso"].names.customer == "Contoso"


def test_two_different_choices_are_each_kept_for_their_contract() -> None:
    lines = [line("a"), line("b")]
    links = {"a": linked(1, 10, 7, Evidence.CHOSEN), "b": linked(1, 11, 7, Evidence.CHOSEN)}
    kept = learnt(lines, links, {})
    assert {key: one.ids for key, one in kept.contracts.items()} == {
        "bss:S-a": (None, 10, None),
        "bss:S-b": (None, 11, None),
    }
    assert kept.customers["bss:Contoso"].ids == (1, None, None)


def test_an_agreement_is_not_kept_for_a_customer_of_two_companies() -> None:
    links = {
        "a": linked(1, 10, 7, Evidence.CHOSEN),
        "b": Link(company=Choice(2, Evidence.CHOSEN), agreement=Choice("new", Evidence.CHOSEN)),
    }
    kept = learnt([line("a"), line("b")], links, {})
    assert kept.customers["bss:Contoso"].ids == (None, None, None)
    assert {key: one.ids for key, one in kept.contracts.items()} == {
        "bss:S-a": (1, 10, None),
        "bss:S-b": (2, None, None),
    }


def test_a_contract_of_two_products_keeps_no_item() -> None:
    lines = [line("a", contract_id="S"), line("b", product="Vault", contract_id="S")]
    links = {one.key: linked(1, 10, 7, Evidence.CHOSEN) for one in lines}
    kept = learnt(lines, links, {"a": Picked(company=1, item=7)})
    assert kept.contracts["bss:S"].ids == (1, None, None)


def test_an_own_pick_is_kept_for_its_contract_too() -> None:
    links = {"a": linked(1, 10, 7, Evidence.CHOSEN)}
    kept = learnt([line("a")], links, {"a": Picked(item=7)})
    assert kept.contracts["bss:S-a"].ids == (None, None, 7)
    assert kept.contracts["bss:S-a"].for_product == "bss:Backup||"


def test_suggestions_and_what_is_still_to_be_created_are_not_kept() -> None:
    suggested = linked(1, 10, 7, Evidence.SUGGESTED)
    assert learnt([line("a")], {"a": suggested}, {}) == NO_MEMORY
    new = linked("customer:x", "agreement:x", 7, Evidence.CHOSEN)
    kept = learnt([line("a")], {"a": new}, {})
    assert (dict(kept.contracts), dict(kept.customers)) == ({}, {})
    assert kept.products["bss:Backup||"].ids == (None, None, 7)


def test_an_incomplete_link_keeps_what_a_person_chose_and_nothing_else() -> None:
    link = Link(company=Choice(1, Evidence.CHOSEN), item=Choice(7, Evidence.EXACT))
    kept = learnt([line("a")], {"a": link}, {})
    assert kept.customers["bss:Contoso"].ids == (1, None, None)
    assert dict(kept.products) == {}


def test_kept_links_carry_the_names_of_today() -> None:
    links = {"a": linked(1, 10, 1, Evidence.EXACT)}
    names = current_names(companies("Contoso Ltd"), TWO, catalog("Backup"))
    kept = with_current_names(learnt([line("a")], links, {}), names)
    assert kept.customers["bss:Contoso"].names == Names(
        customer="Contoso", company="Contoso Ltd", agreement="Cloud"
    )
    assert kept.products["bss:Backup||"].names.item == "P1: Backup"


def test_a_contract_keeps_its_other_parts_and_no_agreement_of_another_company() -> None:
    memory = Memory(contracts={"bss:S-a": Remembered(company_id=1, agreement_id=10)})
    for pick, ids in (
        (Picked(item=7), (1, 10, 7)),
        (Picked(company=1), (1, 10, 7)),
        (Picked(company=2), (2, None, 7)),
    ):
        parts = {part: Choice(to, Evidence.CHOSEN) for part in PARTS if (to := getattr(pick, part))}
        memory = learn(memory, [line("a")], {"a": Link(**parts)}, {"a": pick})
        assert memory.contracts["bss:S-a"].ids == ids
    assert memory.contracts["bss:S-a"].for_product == "bss:Backup||"


def test_an_emptied_part_of_a_contract_lasts_until_it_is_chosen_again() -> None:
    memory = Memory(contracts={"bss:S-a": Remembered(item_id=7, for_product="bss:Backup||")})

    def keep(link: Link, pick: Picked) -> Remembered:
        nonlocal memory
        memory = learn(memory, [line("a")], {"a": link}, {"a": pick})
        return memory.contracts["bss:S-a"]

    kept = keep(Link(), Picked(agreement=NOTHING, item=NOTHING))
    assert (kept.ids, kept.emptied) == ((None,) * 3, ("agreement", "item"))
    kept = keep(Link(company=Choice(1, Evidence.CHOSEN)), Picked(company=1))
    assert kept.emptied == ("item",)  # another customer has other agreements
    link = Link(company=Choice(1, Evidence.CHOSEN), item=Choice(8, Evidence.CHOSEN))
    kept = keep(link, Picked(item=8))
    assert (kept.ids, kept.emptied, kept.for_product) == ((1, None, 8), (), "bss:Backup||")


# Correcting

EVERYWHERE = Memory(
    contracts={"bss:S-a": Remembered(company_id=1, agreement_id=10, item_id=7, for_product="bss:Backup||")},
    customers={
        "bss:Contoso": Remembered(company_id=1, agreement_id=10, names=Names(customer="Contoso")),
        "report:CONTOSO": Remembered(company_id=1, agreement_id=10, names=Names(customer="CONTOSO")),
    },
    products={
        "bss:Backup||": Remembered(item_id=7, names=Names(product="Backup")),
        "report:backup||": Remembered(item_id=7, names=Names(product="backup")),
    },
)


@pytest.mark.parametrize("other", [NOTHING, 2, "new"])
@pytest.mark.parametrize("part", PARTS)
def test_a_correction_replaces_what_was_remembered_at_once_and_everywhere(part: str, other: Any) -> None:
    """The old link stands on no level, from neither source, and for no line without an own choice."""
    lines = [line("a"), line("b"), line("c", source="report"), line("d", "Contoso", "Vault")]
    picked = {"a": replace(Picked(), **{part: other})}
    agreements = [Agreement(id=id_, name=f"{id_}", company_id=1) for id_ in (2, 10)]
    world = (companies("X", "Y"), agreements, catalog(*"ABCDEFG"), {2: (), 10: ()})
    known = correct(EVERYWHERE, lines, picked)
    links = propose_links(lines, *world, known, picked)
    old = {"company": 1, "agreement": 10, "item": 7}[part]
    for key, link in links.items():
        choice = getattr(link, part)
        assert choice is None or choice.to != old, key
    memory = after(EVERYWHERE, lines, links, picked)
    for entries in (memory.contracts, memory.customers, memory.products):
        assert all(entry.part(part) != old for entry in entries.values())
    later = propose_links(lines, *world, memory, {})
    assert all((choice := getattr(link, part)) is None or choice.to != old for link in later.values())


def test_a_contract_with_a_choice_of_its_own_keeps_it_when_another_line_is_corrected() -> None:
    memory = Memory(
        contracts={"bss:S-b": Remembered(item_id=7, for_product="bss:Backup||")},
        products={"bss:Backup||": Remembered(item_id=7)},
    )
    lines, picked = [line("a"), line("b"), line("c")], {"a": Picked(item=2)}
    known = correct(memory, lines, picked)
    links = propose_links(lines, [], [], catalog(*"ABCDEFG"), {}, known, picked)
    assert {key: link.item and link.item.to for key, link in links.items()} == {"a": 2, "b": 7, "c": 2}


def test_two_different_corrections_leave_nothing_of_the_old_link_for_a_third_line() -> None:
    memory = Memory(products={"bss:Backup||": Remembered(item_id=7)})
    lines, picked = [line("a"), line("b"), line("c")], {"a": Picked(item=2), "b": Picked(item=3)}
    known = correct(memory, lines, picked)
    links = propose_links(lines, [], [], catalog(*"ABCDEFG"), {}, known, picked)
    assert links["c"].item is None


def test_what_was_asked_to_be_created_in_place_of_a_remembered_link_is_never_filled_in_again() -> None:
    """Checked twice and in the month after, though the names are equal; until it is created or chosen."""
    memory = Memory(contracts={"bss:S-a": Remembered(company_id=1)}, customers={"bss:Contoso": CONTOSO})
    picked = {"a": Picked(company="new")}
    for _ in range(2):
        links = propose_links([line("a")], companies("Contoso"), [], [], {}, memory, picked)
        memory = after(memory, [line("a")], links, picked)
    assert memory.contracts["bss:S-a"].emptied == ("company",)
    assert propose_links([line("a")], companies("Contoso"), [], [], {}, memory, {})["a"].company is None
    made = {"a": Link(company=Choice(5, Evidence.CHOSEN))}
    entry = learn(memory, [line("a")], made, {"a": Picked(company=5)}).contracts["bss:S-a"]
    assert (entry.company_id, entry.emptied) == (5, ())


def test_an_earlier_workbook_does_not_bring_back_what_was_corrected_since() -> None:
    memory = Memory(products={"bss:Backup||": Remembered(item_id=8)})
    for evidence in (Evidence.REMEMBERED, Evidence.EXACT, Evidence.ONLY_AGREEMENT, Evidence.MARKED):
        shown = {"a": linked(1, 10, 7, evidence)}
        assert "bss:Backup||" not in learn(memory, [line("a")], shown, {}, is_earlier=True).products
    shown = {"a": linked(1, 10, 7, Evidence.CHOSEN)}
    kept = learn(memory, [line("a")], shown, {"a": Picked(item=7)}, is_earlier=True)
    assert kept.products["bss:Backup||"].item_id == 7


@pytest.mark.parametrize("is_earlier", [False, True])
@pytest.mark.parametrize(
    "pick",
    [
        Picked(company=1, agreement=10, item=7, is_new=False),
        Picked(company=1, agreement=10, item=7, evidence=Evidence.CONFIRMED, is_new=False),
        Picked(company=NOTHING, agreement=NOTHING, item=NOTHING, is_new=False),
        Picked(company="customer:x", agreement="agreement:x", item="product:x", is_new=False),
    ],
)
def test_what_was_picked_before_does_not_bring_back_what_was_corrected_since(
    pick: Picked, is_earlier: bool
) -> None:
    memory = Memory(
        contracts={
            "bss:S-a": Remembered(company_id=2, agreement_id=20, item_id=8, for_product="bss:Backup||")
        },
        customers={"bss:Contoso": Remembered(company_id=2, agreement_id=20)},
        products={"bss:Backup||": Remembered(item_id=8)},
    )
    to = linked(1, 10, 7, pick.evidence) if isinstance(pick.company, int) else Link()
    links = {"a": to, "b": to}  # the choice spreads to the line without one
    lines = [line("a"), line("b")]
    assert learn(memory, lines, links, {"a": pick}, is_earlier=is_earlier) == NO_MEMORY
    assert correct(memory, lines, {"a": pick}) == memory


def test_what_was_picked_before_teaches_what_is_remembered_no_more() -> None:
    pick = Picked(company=1, agreement=10, item=7, is_new=False)
    links = {"a": linked(1, 10, 7, Evidence.CHOSEN)}
    assert learnt([line("a")], links, {"a": pick}) == learnt(
        [line("a")], links, {"a": replace(pick, is_new=True)}
    )


def test_a_choice_of_before_that_holds_for_its_contract_alone_takes_nothing_from_its_customer() -> None:
    memory = Memory(
        contracts={"bss:S-a": Remembered(company_id=1)}, customers={"bss:Contoso": Remembered(company_id=2)}
    )
    links = {"a": Link(company=Choice(1, Evidence.CHOSEN))}
    new = learn(memory, [line("a")], links, {"a": Picked(company=1, is_new=False)})
    assert (dict(new.customers), new.contracts["bss:S-a"].company_id) == ({}, 1)


def test_an_agreement_of_a_company_that_was_corrected_since_is_not_learnt_without_it() -> None:
    memory = Memory(customers={"bss:Contoso": Remembered(company_id=2)})
    shown = {"a": linked(1, 10, 7, Evidence.ONLY_AGREEMENT)}
    assert dict(learn(memory, [line("a")], shown, {}, is_earlier=True).customers) == {}


# Billing periods

MONTHLY = Agreement(id=10, name="Cloud", company_id=1, billing_months=1)
YEARLY = Agreement(id=11, name="Yearly", company_id=1, billing_months=12)


def billed(key: str, months: int | None, **more: Any) -> BillingLine:
    return line(key, billing_months=months, billing_period=f"{months}", **more)


def agreements_of(
    lines: Sequence[BillingLine],
    memory: Memory,
    picked: Mapping[str, Picked],
    agreements: Sequence[Agreement] = (MONTHLY, YEARLY),
) -> dict[str, str]:
    additions: dict[int, tuple[Addition, ...]] = {agreement.id: () for agreement in agreements}
    links = propose_links(lines, companies("Contoso"), agreements, [], additions, memory, picked)
    return shown({key: link.agreement for key, link in links.items() if link.agreement is not None})


def test_a_customers_agreement_is_remembered_for_each_billing_period() -> None:
    lines = [billed("a", 1), billed("b", 12)]
    links = {"a": linked(1, 10, 7, Evidence.CHOSEN), "b": linked(1, 11, 8, Evidence.CHOSEN)}
    memory = learnt(lines, links, {})
    later = [billed("c", 1), billed("d", 12)]
    assert agreements_of(later, memory, {}) == {"c": "10 remembered", "d": "11 remembered"}


def test_a_yearly_agreement_is_still_remembered_after_months_without_a_yearly_line() -> None:
    links = {"a": linked(1, 10, 7, Evidence.CHOSEN), "b": linked(1, 11, 8, Evidence.CHOSEN)}
    memory = learnt([billed("a", 1), billed("b", 12)], links, {})
    for _ in range(2):
        memory = learn(memory, [billed("c", 1)], {"c": linked(1, 10, 7, Evidence.REMEMBERED)}, {})
    assert memory.customers["bss:Contoso"].agreement_billed(12) == 11
    assert agreements_of([billed("d", 12)], memory, {}) == {"d": "11 remembered"}
    picked = {"c": Picked(company=2, agreement=20)}
    moved = learn(memory, [billed("c", 1)], {"c": linked(2, 20, 7, Evidence.CHOSEN)}, picked)
    assert moved.customers["bss:Contoso"].by_period == (PeriodAgreement(1, 20),)


def test_a_yearly_line_goes_to_the_only_yearly_agreement_where_the_customers_is_monthly() -> None:
    lines = [billed("a", 1), billed("b", 12), billed("c", 3)]
    picked = {"a": Picked(agreement=10)}
    assert agreements_of(lines, NO_MEMORY, picked) == {
        "a": "10 chosen",
        "b": "11 only agreement",
        "c": "10 chosen",
    }
    memory = learnt([billed("a", 1)], {"a": linked(1, 10, 7, Evidence.CHOSEN)}, {})
    assert agreements_of([billed("b", 12)], memory, {}) == {"b": "11 only agreement"}
    two = (MONTHLY, YEARLY, replace(YEARLY, id=12))
    assert agreements_of([billed("b", 12)], memory, {}, two) == {}
    assert agreements_of([billed("b", 12)], NO_MEMORY, {}) == {}


def test_an_agreement_chosen_for_yearly_lines_against_their_period_is_remembered_so() -> None:
    memory = learnt([billed("a", 12)], {"a": linked(1, 10, 7, Evidence.CHOSEN)}, {})
    assert agreements_of([billed("b", 12)], memory, {}) == {"b": "10 remembered"}


def test_moving_a_customer_to_another_agreement_moves_all_periods_that_had_the_old_one() -> None:
    lines = [billed("a", 1), billed("b", 3)]
    memory = learnt(lines, {key: linked(1, 10, 7, Evidence.CHOSEN) for key in "ab"}, {})
    third = replace(MONTHLY, id=20)
    picked = {"a": Picked(agreement=20)}
    known = correct(memory, lines, picked)
    assert agreements_of(lines, known, picked, (MONTHLY, third)) == {"a": "20 chosen", "b": "20 chosen"}


# Sources


def test_the_bss_and_a_report_serve_each_other_for_one_customer_and_product() -> None:
    facts = {"billing_period": "Monthly", "commitment_period": "Annual"}
    of_bss = line("a", "Contoso Ltd.", customer_id="42", product_code="K", **facts)
    of_report = line(
        "b", "CONTOSO LTD", source="report", product="backup", **(facts | {"commitment_period": "1 Year"})
    )
    world = (companies("X"), [Agreement(id=10, name="A", company_id=1)], catalog("Y"), {10: ()})
    for first, second in ((of_bss, of_report), (of_report, of_bss)):
        memory = learnt([first], {first.key: linked(1, 10, 1, Evidence.CHOSEN)}, {})
        link = propose_links([second], *world, memory, {})[second.key]
        assert {part.evidence for part in link.parts} == {Evidence.REMEMBERED}
        assert len(link.parts) == 3


def test_another_name_or_period_and_two_customers_of_one_name_do_not_serve() -> None:
    memory = Memory(
        customers={
            "bss:1": Remembered(company_id=1, names=Names(customer="Contoso Ltd")),
            "bss:2": Remembered(company_id=1, names=Names(customer="Delta")),
            "bss:3": Remembered(company_id=2, names=Names(customer="Delta")),
        },
        products={"bss:K|Monthly|Annual": Remembered(item_id=1, names=Names(product="Backup"))},
    )
    recall = Recall(memory)
    for customer in ("Contoso", "Contoso GmbH", "Delta", ""):
        assert recall.customer(line("a", customer, source="report")) == Remembered()
    for periods in (("Monthly", "Monthly"), ("Annual", "Annual"), ("", "")):
        of_report = line("a", source="report", billing_period=periods[0], commitment_period=periods[1])
        assert recall.product(of_report) == Remembered()
