"""The building of both made-up systems together: customers, products and agreements, and their numbers."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Final, Self

from xlsync.sandbox.state import Record
from xlsync.sandbox.world.billing import Distributor
from xlsync.sandbox.world.names import FIRST, FORMS, OFFERS, OWN, REGIONS, SECOND, SERVICES, Offer
from xlsync.sandbox.world.sales import Customer, ListedProduct, Subscription, Term
from xlsync.sandbox.world.tenant import TenantBuilder, price_of

MOST_LINES: Final = 20_000  # billing lines in October
# What one line in October stands for: everything grows with the lines, by a power that takes
# 170 lines with 60 customers to 20,000 lines with 2,000.
_GROWTH: Final = {
    "customers": (60, 2000),
    "agreements": (90, 4000),
    "additions": (400, 40000),
    "items": (300, 30000),
}
_WELL_KNOWN: Final = {"vendorSku", "integrationXRef", "manufacturerPartNumber", "same", "folded"}
_CODES: Final = {"vendorSku", "integrationXRef", "manufacturerPartNumber"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The numbers of records of each kind."""

    lines: int
    customers: int
    agreements: int
    additions: int
    items: int

    @classmethod
    def for_lines(cls, lines: int) -> Self:
        """Compute the numbers that fit so many billing lines in October (at most MOST_LINES)."""
        lines = min(max(lines, 1), MOST_LINES)
        share = max(lines, 170) / 170
        sizes = {
            name: round(
                small * (large / small) ** (Decimal(share).ln() / Decimal(MOST_LINES / 170).ln()).__float__()
            )
            for name, (small, large) in _GROWTH.items()
        }
        return cls(lines=lines, **sizes)


class Story:
    """The builder of the month: who buys what, and which of it ConnectWise has."""

    def __init__(self, scale: Scale, seed: int) -> None:
        self.scale = scale
        self.rng = Random(seed)  # noqa: S311 - made-up names and numbers
        self.sold = Distributor(Random(seed + 1_000))  # noqa: S311
        self.psa = TenantBuilder(Random(seed + 2_000))  # noqa: S311
        self.products: dict[str, ListedProduct] = {}
        self.items: dict[str, Record] = {}
        self.own: list[Record] = []
        self.agreed: list[Subscription] = []  # on which both systems agree
        self.names = self._names()
        self._price_list()

    def _names(self) -> Any:
        pairs = list(itertools.product(FIRST, SECOND))
        self.rng.shuffle(pairs)
        forms = itertools.cycle(FORMS)
        # Several rounds: prospects and vendors of a great tenant need more names than there are pairs.
        for town in ("", "North", "South", "East", "West"):
            for one, two in pairs:
                yield " ".join(part for part in (one, two, town, next(forms)) if part)

    # Products

    def _price_list(self) -> None:
        offers = list(OFFERS)
        more = round(self.scale.items / 100) - 3
        for number, (service, region, size) in enumerate(
            itertools.product(SERVICES, REGIONS, (50, 100, 250, 500))
        ):
            if number >= more:
                break
            known = ("vendorSku", "integrationXRef", "same")[number % 3]
            offers.append(Offer(f"{service} {region} {size}", f"{number % 40 + 2}.{number % 10}0", known))
        for offer in offers:
            product = self.sold.product(offer)
            self.products[offer.name] = product
            self._stock(product, len(self.products))
        # An inactive item that holds the code of a product nobody sells any more.
        gone = self.products["Dark Web Watch"]
        self.psa.item("OLD-DWW", "Dark Web Watch", Decimal("0.80"), inactive=True, vendorSku=gone.code)
        for number in range(len(self.psa.state.catalog) + 1, self.scale.items + 1):
            name = f"{OWN[number % len(OWN)]} {chr(65 + number % 26)}{number:05}"
            name += "\0" if number % 50 == 0 else ""  # NUL characters turn up in texts of live servers
            item = self.psa.item(f"OWN-{number:05}", name, Decimal(number % 70 + 5), subcategory=4)
            item["inactiveFlag"] = number % 17 == 0
            self.own.append(item)

    def _stock(self, product: ListedProduct, number: int) -> None:
        """Put the product into ConnectWise's catalog in the way in which it is known there."""
        offer, identifier = product.offer, f"CL-{number:04}"
        cost, described = Decimal(offer.cost), offer.name
        if offer.known == "none":
            return
        codes: dict[str, Any] = {offer.known: product.code} if offer.known in _CODES else {}
        if offer.known in _CODES and number % 3:
            described = described.replace(" (New Commerce)", "").replace(" - ", " ")
        elif offer.known == "folded":
            described = (
                described.upper().replace("É", "E").replace("–", "-").replace("(", "").replace(")", "")
            )
        elif offer.known == "fuzzy":
            described = described.replace("Annual Edition", "Anual Edition").replace("Agent Pro", "Agents")
        elif offer.known == "tie":
            codes = {"vendorSku": product.code}
            self.psa.item(f"{identifier}-B", described, cost, vendorSku=product.code)
        self.items[offer.name] = self.psa.item(identifier, described, cost, **codes)

    # Customers

    def linked(self, name: str, known_as: str = "", **agreement: Any) -> tuple[Customer, Record]:
        """Add a customer to both systems, with one agreement for the cloud."""
        customer = self.sold.customer(name)
        company = self.psa.company(known_as or name)
        return customer, self.psa.agreement(company, "Cloud Services", **agreement)

    def company_of(self, agreement: Record) -> Record:
        """Return the company of an agreement."""
        company: Record = self.psa.state.companies[agreement["company"]["id"]]
        return company

    def yearly(self, agreement: Record, next_invoice: str = "2026-10-31") -> Record:
        """Add another agreement to an agreement's company, billed once a year."""
        company = self.company_of(agreement)
        return self.psa.agreement(company, "Cloud Services Yearly", kind=2, next_invoice=next_invoice)

    # Sales

    def buys(
        self, customer: Customer, name: str, units: str | Decimal, term: Term = "month", **more: Any
    ) -> Subscription:
        """Add a subscription with equal units in all three months."""
        count = Decimal(units)
        return self.sold.subscribe(customer, self.products[name], [count] * 3, term, **more)

    def holds(
        self, agreement: Record, bought: Subscription, units: str | Decimal | None = None, **more: Any
    ) -> Record:
        """Add the addition of a subscription: right, unless other units or cost are given."""
        quantity = bought.now if units is None else Decimal(units)
        more.setdefault("cost", bought.cost)
        return self.psa.addition(agreement, self.items[bought.product.offer.name], quantity, **more)

    def right(self, customer: Customer, agreement: Record, name: str, units: str) -> Subscription:
        """Add a subscription that ConnectWise has right."""
        bought = self.buys(customer, name, units)
        self.holds(agreement, bought)
        self.agreed.append(bought)
        return bought

    # The many

    def crowd(self) -> None:
        """Add ordinary customers until October has its lines; about one line in twelve is wrong."""
        names = [
            name for name, item in self.items.items() if self._is_ordinary(name) and not item["inactiveFlag"]
        ]
        left = self.scale.customers - len(self.sold.bss.accounts)
        for number in range(max(left, 0)):
            name = next(self.names)
            customer, agreement = self.linked(name, self._as_known(name, number))
            lines_left = self.scale.lines - self.sold.october_lines
            share = lines_left / (left - number)
            count = max(1, min(len(names), round(share * self.rng.uniform(0.6, 1.4))))
            if number == left - 1:
                count = max(1, min(len(names), lines_left))
            chosen = self.rng.sample(names, count)
            for product in chosen:
                if self.sold.october_lines < self.scale.lines:
                    self._ordinary(customer, agreement, product)
            if number % 6 == 2:
                self.psa.agreement(self.company_of(agreement), "Managed Services", kind=3)
            other = self.rng.choice([product for product in names if product not in chosen] or names)
            if number % 10 == 5 and self.sold.october_lines < self.scale.lines:
                bought = self.buys(customer, other, "4", "annual", start=dt.date(2024, 10, 1))
                self.holds(self.yearly(agreement), bought)
            elif number % 25 == 7:
                self.psa.addition(agreement, self.items[other], Decimal(2))

    def _is_ordinary(self, name: str) -> bool:
        offer = self.products[name].offer
        return offer.kind == "seat" and offer.known in _WELL_KNOWN

    def _as_known(self, name: str, number: int) -> str:
        """Spell a customer's name for ConnectWise: mostly alike, some without company form or in capitals."""
        words = name.split()
        if number % 9 == 4:
            return " ".join(words[:-1]) if words[-1] in FORMS else f"{name} Ltd"
        return name.upper() if number % 17 == 6 else name

    def _ordinary(self, customer: Customer, agreement: Record, product: str) -> None:
        dice = self.rng.random()
        units = Decimal(self.rng.choice((1, 2, 3, 5, 8, 12, 15, 20, 25, 40, 75)) + self.rng.randrange(3))
        earlier = [units - 1 if units > 1 and self.rng.random() < 0.1 else units, units, units]
        term: Term = "annual-monthly" if self.rng.random() < 0.25 else "month"
        change, now = Decimal(0), units
        if self.rng.random() < 0.06:
            change = Decimal(self.rng.choice((1, 2, 3, -1)))
            change = change if units + change > 0 else Decimal(1)
            now = units + change
        sold = self.products[product]
        bought = self.sold.subscribe(customer, sold, earlier, term, now=now, discount=None)
        if change:
            self.sold.change(bought, dt.date(2026, 10, self.rng.randint(4, 28)), change)
        mark = bought.id if self.rng.random() < 0.2 else ""
        if dice < 0.03:
            self.holds(
                agreement, bought, max(Decimal(1), now - self.rng.randint(1, 4)) if now > 1 else now + 1
            )
        elif dice < 0.05:
            self.holds(agreement, bought, now + self.rng.randint(1, 3), mark=mark)
        elif dice < 0.065:
            self.holds(agreement, bought, cost=bought.cost - Decimal("0.15"), price=price_of(bought.cost))
        elif dice < 0.075:
            return
        elif dice < 0.08:
            self.holds(agreement, bought, "1")
            self.holds(agreement, bought, now)
        else:
            self.holds(agreement, bought, mark=mark)

    def surroundings(self) -> None:
        """Add to ConnectWise other companies, the MSP's own services and last month's invoices."""
        state, scale = self.psa.state, self.scale
        usual = [agreement for agreement in state.agreements.values() if not agreement["cancelledFlag"]]
        for number in range(scale.customers // 2):
            name = next(self.names)
            self.psa.company(name, kind=2 + number % 2, deleted=number % 11 == 3, contact=number % 3 > 0)
        others = [company for company in state.companies.values() if not company["deletedFlag"]]
        number = 0
        while len(state.agreements) < scale.agreements:
            number += 1
            company = others[-number % len(others)]
            kind = f"Managed Services {1 + number // len(others)}"
            usual.append(self.psa.agreement(company, kind, kind=3, cancelled=number % 5 == 0))
        usual = [
            agreement for agreement in usual if agreement["type"]["name"] != "Cloud Subscriptions Yearly"
        ]
        services = [item for item in self.own if not item["inactiveFlag"]]
        while len(state.additions) < scale.additions:
            agreement = usual[len(state.additions) % len(usual)]
            item = services[self.rng.randrange(len(services))]
            cancelled = "2026-06-30" if self.rng.random() < 0.05 else ""
            self.psa.addition(agreement, item, Decimal(self.rng.randint(1, 30)), cancelled=cancelled)
        for agreement in usual:
            if not agreement["cancelledFlag"]:
                self.psa.invoiced(agreement, Decimal(self.rng.randint(8_000, 400_000)) / 100)
