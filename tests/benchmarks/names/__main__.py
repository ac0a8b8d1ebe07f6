"""How right names are linked and suggested, on public names, side by side with rapidfuzz in the same run.

`pip install --group bench` and `pip install --no-deps edgartools==5.62.1`; nothing is downloaded.
"""

from __future__ import annotations

import time
from collections import Counter
from decimal import Decimal

from rapidfuzz import fuzz, process

from tests.benchmarks.names import companies as public
from tests.benchmarks.names.products import Shelf, shelf
from xlsync.links.companies import propose_companies
from xlsync.links.items import propose_items
from xlsync.links.memory import Memory
from xlsync.models import BillingLine, CatalogItem, Company, Evidence, LineType

SEEDS = range(20)


def line(key: int, customer: str, product: str = "Backup", commitment: int | None = None) -> BillingLine:
    """A recurring line."""
    return BillingLine(
        key=str(key),
        invoice="1",
        type=LineType.RECURRING,
        charge=LineType.RECURRING,
        customer=customer,
        product=product,
        units=Decimal(1),
        cost=None,
        amount=Decimal(1),
        currency="EUR",
        contract_id=str(key),
        commitment_period=str(commitment or ""),
        commitment_months=commitment,
    )


def count_companies(drawn: public.Draw) -> tuple[Counter[str], Counter[str]]:
    """What became of each customer of a draw: by xlsync, and by rapidfuzz's best scorer."""
    own: Counter[str] = Counter()
    other: Counter[str] = Counter()
    known = [Company(id=id_, identifier=str(id_), name=name) for id_, name in drawn.companies.items()]
    lines = [line(number, name) for number, name in enumerate(drawn.customers)]
    proposed = propose_companies(lines, known, Memory(), {})
    for one in lines:
        right = drawn.right.get(one.customer)
        is_hard = right is not None and public.simple_fold(one.customer) != public.simple_fold(
            drawn.companies[right]
        )
        choice = proposed.choices.get(one.key)
        is_automatic = choice is not None and choice.evidence is not Evidence.SUGGESTED
        is_right = choice is not None and choice.to == right
        own["with a company"] += right is not None
        own["hard"] += is_hard
        if choice is not None:
            own[("automatic" if is_automatic else "suggested") + (" right" if is_right else " wrong")] += 1
        own["hard told"] += is_hard and is_right
        among = right in {near.id for near in proposed.candidates(one)}
        own["hard among five"] += is_hard and ((is_automatic and is_right) or among)
        near = process.extract(one.customer.casefold(), _folded(drawn), scorer=fuzz.token_set_ratio, limit=5)
        best = near[0]
        if best[1] >= 90:
            other["automatic right" if best[2] == right else "automatic wrong"] += 1
        other["hard told"] += is_hard and best[2] == right
        other["hard among five"] += is_hard and right in {entry[2] for entry in near}
    return own, other


def _folded(drawn: public.Draw) -> dict[int, str]:
    return {id_: name.casefold() for id_, name in drawn.companies.items()}


def count_products(one: Shelf) -> tuple[Counter[str], Counter[str]]:
    """How often the right product is first and among five, by xlsync and by rapidfuzz."""
    own: Counter[str] = Counter()
    other: Counter[str] = Counter()
    known = [CatalogItem(id=id_, identifier=f"P{id_}", description=name) for id_, name in one.catalog.items()]
    lines = [line(number, "X", name, months) for number, (name, months) in enumerate(one.wanted)]
    proposed = propose_items(lines, known, Memory(), {})
    for at in lines:
        right = one.right[at.product, at.commitment_months or 0]
        near = [candidate.id for candidate in proposed.candidates(at)]
        choice = proposed.choices.get(at.key)
        own["all"] += 1
        own["first"] += near[:1] == [right]
        own["among five"] += right in near
        own["filled"] += choice is not None
        own["filled right"] += choice is not None and choice.to == right
        found = process.extract(at.product, one.catalog, scorer=fuzz.WRatio, limit=5)
        other["first"] += found[0][2] == right
        other["among five"] += right in {entry[2] for entry in found}
    return own, other


def measure_speed() -> float:
    """Seconds of the processor for 20,000 lines of 2,000 customers and 600 products that equal nothing."""
    names = [name for name, _ in public.listed().values()]
    known = [Company(id=id_, identifier=str(id_), name=name) for id_, name in enumerate(names, 1)]
    base = [text for seed in range(300) for text in shelf(seed).catalog.values()][:39_000]
    catalog = [
        CatalogItem(id=id_, identifier=f"P{id_}", description=f"{name} {id_ % 97}")
        for id_, name in enumerate([*base, *names[:1000]], 1)
    ]
    wanted = [f"{name.split()[0]} {names[-at].split()[-1]} Services" for at, name in enumerate(names, 1)]
    lines = [
        line(number, wanted[number % 2000], f"{base[number % 600]} Service", 12) for number in range(20_000)
    ]
    began = time.process_time()
    memory = Memory()
    for proposed in (propose_companies(lines, known, memory, {}), propose_items(lines, catalog, memory, {})):
        for at in lines:
            proposed.candidates(at)
    return time.process_time() - began


def main() -> None:
    """Print the tables."""
    listed = public.listed()
    known = public.pairs(listed)
    own: Counter[str] = Counter()
    other: Counter[str] = Counter()
    for seed in SEEDS:
        mine, beside = count_companies(public.draw(seed, known, listed))
        own += mine
        other += beside

    def share(count: int, of: int) -> str:
        return f"{100 * count / of:.1f} %"

    suggested = own["suggested right"] + own["suggested wrong"]
    print(f"{len(known)} pairs, {len(SEEDS)} draws, {own['with a company']} customers with a company")
    print("| companies | xlsync | rapidfuzz token_set ≥ 90 | to reach |\n|---|---:|---:|---:|")
    print(f"| automatic, wrong | {own['automatic wrong']} | {other['automatic wrong']} | 0 |")
    print(
        f"| automatic, right | {share(own['automatic right'], own['with a company'])} "
        f"| {share(other['automatic right'], own['with a company'])} | 82 % |"
    )
    print(f"| suggestions that are right | {share(own['suggested right'], suggested)} | | 90 % |")
    print(
        f"| harder names: right at first sight | {share(own['hard told'], own['hard'])} "
        f"| {share(other['hard told'], own['hard'])} | 75 % |"
    )
    print(
        f"| harder names: among five | {share(own['hard among five'], own['hard'])} "
        f"| {share(other['hard among five'], own['hard'])} | 97 % |"
    )
    own, other = Counter(), Counter()
    for seed in SEEDS:
        mine, beside = count_products(shelf(seed))
        own += mine
        other += beside
    print("\n| products without ids | xlsync | rapidfuzz WRatio | to reach |\n|---|---:|---:|---:|")
    for what, goal in (("first", "85 %"), ("among five", "95 %")):
        print(f"| {what} | {share(own[what], own['all'])} | {share(other[what], own['all'])} | {goal} |")
    print(f"| suggestions that are right | {share(own['filled right'], own['filled'])} | | |")
    seconds = measure_speed()
    print(f"\n20,000 lines against 8,000 companies and 40,000 products: {seconds:.1f} s of the processor")


if __name__ == "__main__":
    main()
