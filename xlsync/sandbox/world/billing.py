"""The made-up distributor: subscriptions, and the invoices of August, September and October 2026."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random

from xlsync.sandbox.state import Record, SandboxBss
from xlsync.sandbox.world.names import CITIES, COUNTRIES, STREETS, Offer
from xlsync.sandbox.world.sales import (
    LICENSE,
    LICENSES,
    MONTH,
    MONTHS,
    MSP,
    OCTOBER,
    PRICE,
    SETUP_FEE,
    YEAR,
    Customer,
    ListedProduct,
    Subscription,
    Term,
    first,
    last,
    money,
    stamp,
)


class Distributor:
    """A distributor that sells subscriptions and collects the lines to be invoiced."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.bss = SandboxBss()
        self.numbers = 100
        self.customers = 600
        self.runs: dict[tuple[int, int], list[Record]] = {month: [] for month in MONTHS}
        self.held: list[Subscription] = []  # that are billed
        self.held_addons: list[tuple[Subscription, ListedProduct, Decimal, str]] = []
        self.apart = 0  # lines on October's other invoices
        self._units()

    def guid(self) -> str:
        """Make up a repeatable id."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def _units(self) -> None:
        def unit(base: Record, kind: str, duration: int, mnemonic: str) -> Record:
            return {
                **base,
                "mnemonic": mnemonic,
                "type": kind,
                "baseQuantity": duration or 1,
                "billingCycleDuration": duration,
                "billingCycleUnitType": "Month",
                "isActive": True,
                "isDefault": base is MONTH,
            }

        recurring = [unit(MONTH, "UserDefined", 1, "M"), unit(YEAR, "UserDefined", 12, "Y")]
        once = [unit(LICENSE, "License", 0, "L"), unit(SETUP_FEE, "SetupFee", 0, "S")]
        self.bss.unit_groups = [
            {"id": 17, "name": "Recurring Charge", "isRecurringChargeUnit": True, "units": recurring},
            {"id": 18, "name": "One Time Charge", "isRecurringChargeUnit": False, "units": once},
        ]

    # Customers, products, subscriptions

    def customer(self, name: str) -> Customer:
        """Add an end customer."""
        self.customers += 1
        city, code = CITIES[self.customers % len(CITIES)]
        country = next(name for name, country_code in COUNTRIES if country_code == code)
        created = stamp(dt.date(2023, 3, 1 + self.customers % 28), "09:15:22.327")
        self.bss.accounts[self.customers] = {
            "id": self.customers,
            "name": name,
            "phone": f"+00 555 {self.customers:06}",
            "email": f"office{self.customers}@customer.example",
            "createdAt": created,
            "updatedAt": created,
            "billingAddress": {
                "id": 9000 + self.customers,
                "address": f"{self.customers % 90 + 1} {STREETS[self.customers % len(STREETS)]}",
                "address2": None,
                "city": city,
                "postCode": f"{10000 + self.customers}",
                "country": {"id": COUNTRIES.index((country, code)) + 1, "name": country, "code": code},
                "state": None,
            },
            "customFields": [],
        }
        return Customer(self.customers, name)

    def product(self, offer: Offer) -> ListedProduct:
        """Add an entry to the price list."""
        code = f"MQX7{self.rng.getrandbits(36):09X}:0001"
        product = ListedProduct(self.guid(), code, offer)
        created = stamp(dt.date(2024, 1, 15), "12:17:22.32")
        self.bss.products[product.id] = {
            **product.short,
            "type": "Addon" if offer.kind == "addon" else "Primary",
            "category": {"id": "66666666-0000-4000-8000-00000000000c", "name": "Cloud"},
            "unitOfMeasure": LICENSES,
            "industries": [],
            "chargeType": {"usage": "PayPerUse", "once": "OneTimeCharge"}.get(offer.kind, "Prepaid"),
            "unitGroup": {"id": 18, "name": "One Time Charge"}
            if offer.kind == "once"
            else {"id": 17, "name": "Recurring Charge"},
            "productGroup": None,
            "createdAt": created,
            "updatedAt": created,
        }
        return product

    def subscribe(
        self,
        customer: Customer,
        product: ListedProduct,
        units: Sequence[Decimal],
        term: Term = "month",
        *,
        cost: Decimal | None = None,
        now: Decimal | None = None,
        start: dt.date | None = None,
        discount: Record | None = None,
        status: str = "Active",
        billed: bool = True,
    ) -> Subscription:
        """Add a subscription with the regular lines of its months (an annual charge in its month only)."""
        listed = Decimal(product.offer.cost)
        factor = {"month": Decimal(1), "annual-monthly": Decimal("0.9"), "annual": Decimal(10)}[term]
        price = listed * factor if cost is None else cost
        begun = start or dt.date(2025, self.rng.randint(2, 7), 1)
        held = Subscription(self.guid(), customer, product, term, price, list(units), now or units[2], begun)
        self._describe(held, status)
        if billed:
            self.held.append(held)
            for month, count in zip(MONTHS, held.units, strict=True):
                if count and (term != "annual" or (begun.month == month[1] and begun.year < month[0])):
                    self.charge(held, month, count, discount=discount)
        return held

    def _describe(self, held: Subscription, status: str) -> None:
        usage = held.product.offer.kind == "usage"
        unit = MONTH if held.term == "month" else YEAR
        created = stamp(held.start, "08:12:44.5")
        renewal = held.start.replace(year=2027 if held.start.month <= 10 else 2026)
        ends = last(OCTOBER) if held.term == "month" else renewal - dt.timedelta(days=1)
        self.bss.subscriptions[held.id] = {
            "id": held.id,
            "name": f"{held.customer.name} - {held.product.offer.name}",
            "status": status,
            "currency": "EUR",
            "order": {"id": self.guid(), "code": f"ORD-{len(self.bss.subscriptions) + 1:06}"},
            "account": held.customer.short,
            "billingTo": MSP,
            "billToContact": None,
            "startDate": stamp(held.start),
            "endDate": stamp(ends, "23:59:59"),
            "activationDate": created,
            "automaticRenewal": True,
            "isUsageBased": usage,
            "isBackordering": False,
            "isTrial": False,
            "product": {**held.product.short, "isBundle": False},
            "unit": unit,
            "quantity": int(held.now) if held.now == held.now.to_integral() else held.now,
            "subscriptionAmount": money(held.cost * held.now),
            "createdAt": created,
            "updatedAt": created,
            "characteristics": [],
            "customFields": [],
        }
        # An annual subscription that is billed once a year may have a plan of one instalment or none.
        plan = {"annual-monthly": (12, 1), "annual": (1, 12)}.get(held.term)
        if plan and not (held.term == "annual" and len(self.bss.subscriptions) % 2):
            self.bss.plans[held.id] = {
                "id": self.guid(),
                "parentId": None,
                "account": held.customer.short,
                "billingAccount": MSP,
                "product": held.product.short,
                "unit": unit,
                "installments": plan[0],
                "installmentsFrequency": plan[1],
                "status": "Active",
                "createdAt": created,
                "updatedAt": created,
            }

    # Lines

    def line(
        self,
        held: Subscription,
        start: dt.date,
        end: dt.date,
        price: Decimal,
        units: Decimal,
        *,
        discount: Record | None = None,
        addon: tuple[ListedProduct, str] | None = None,
    ) -> Record:
        """Make an invoice line of a subscription, or of one of its add-ons."""
        product = addon[0] if addon else held.product
        related = {"id": addon[1], "name": product.offer.name} if addon else None
        original = money(price * units)
        total = original
        if discount:
            off = discount["value"]
            total = (
                money(original * (100 - off) / 100) if discount["type"] == "Percentage" else original - off
            )
        subscription = {
            "id": held.id,
            "name": f"{held.customer.name} - {product.offer.name}",
            "account": held.customer.short,
        }
        return {
            "id": self.guid(),
            "position": 0,
            "description": product.offer.name,
            "product": product.short,
            "subscriptions": [{**subscription, "relatedAddon": related, "usages": []}],
            "assets": [],
            "startDate": stamp(start),
            "endDate": stamp(end, "23:59:59"),
            "unit": MONTH if held.term == "month" else YEAR,
            "unitOfMeasure": LICENSES,
            "unitPrice": price,
            "quantity": units + Decimal("0.0") if units == units.to_integral() else units,
            "totalOriginal": original,
            "discount": discount,
            "promotion": None,
            "total": total,
        }

    def charge(
        self, held: Subscription, month: tuple[int, int], units: Decimal, *, discount: Record | None = None
    ) -> None:
        """Add the charge of a full period, for the month's great invoices."""
        start = first(month)
        end = (
            start.replace(year=start.year + 1) - dt.timedelta(days=1)
            if held.term == "annual"
            else last(month)
        )
        self.runs[month].append(self.line(held, start, end, held.cost, units, discount=discount))

    def add_on(self, held: Subscription, product: ListedProduct, units: Decimal) -> None:
        """Add an add-on to a subscription, charged in all three months."""
        key = self.guid()
        self.held_addons.append((held, product, units, key))
        self.bss.addons.setdefault(held.id, []).append(
            {
                "id": key,
                "status": "Active",
                "order": self.bss.subscriptions[held.id]["order"],
                "activationDate": stamp(held.start, "08:20:00"),
                "product": product.short,
                "quantity": units,
                "createdAt": stamp(held.start, "08:20:00"),
            }
        )
        for month in MONTHS:
            line = self.line(
                held, first(month), last(month), Decimal(product.offer.cost), units, addon=(product, key)
            )
            self.runs[month].append(line)

    def change(self, held: Subscription, day: dt.date, units: Decimal) -> None:
        """Add an increase (negative: a decrease) within a period, with its own invoice (or credit)."""
        month = (day.year, day.month)
        begin, end = first(month), last(month)
        if held.term == "annual":
            begin = held.start.replace(year=2026 if held.start.month <= day.month else 2025)
            end = begin.replace(year=begin.year + 1) - dt.timedelta(days=1)
        share = Decimal((end - day).days + 1) / Decimal((end - begin).days + 1)
        line = self.line(held, day, end, (held.cost * share).quantize(PRICE), abs(units))
        self.invoice(day, "11:32:05.1", [line], credit=units < 0)

    def invoice(
        self,
        day: dt.date,
        time: str,
        lines: list[Record],
        *,
        credit: bool = False,
        status: str = "Unpaid",
        account: Record | None = None,
    ) -> None:
        """Issue an invoice. Credits carry positive amounts."""
        self.numbers += 1
        for position, line in enumerate(lines, 1):
            line["position"] = position
        moment = stamp(day, time)
        net = sum((line["total"] for line in lines), Decimal(0))
        tax = money(net / 5)
        statuses = {"Unpaid": 1, "Paid": 2, "Canceled": 3}
        self.bss.invoices.append(
            {
                "id": self.guid(),
                "code": f"EX-26-{self.numbers:06}",
                "status": {"id": statuses[status], "name": status, "type": status},
                "type": {"id": 2, "name": "Credit Invoice", "type": "Credit"}
                if credit
                else {"id": 1, "name": "Debit Invoice", "type": "Debit"},
                "invoiceDate": moment,
                "dueDate": stamp(day + dt.timedelta(days=30), time),
                "paidDate": None,
                "account": account or MSP,
                "billingTo": MSP,
                "contact": None,
                "billingAdress": "1 Sample Street",
                "paymentMethod": None,
                "isReceipt": False,
                "tradeName": None,
                "taxNumber": None,
                "taxAuthority": None,
                "currency": "EUR",
                "transactionCurrency": "EUR",
                "exchangeRate": Decimal("1.0"),
                "totalBeforeTax": net,
                "totalTaxes": [{"id": 1, "name": "VAT 20%", "amount": tax}],
                "total": net + tax,
                "unpaidAmount": net + tax,
                "createdAt": moment,
                "updatedAt": moment,
                "customFields": [],
                "items": lines,
            }
        )
        self.apart += len(lines) * ((day.year, day.month) == OCTOBER)

    @property
    def october_lines(self) -> int:
        """Count October's lines, before `close`."""
        return len(self.runs[OCTOBER]) + self.apart

    def close(self) -> None:
        """Issue the great invoices of the months: several customers on each, the first at midnight."""
        for month, lines in self.runs.items():
            size = 30 if len(lines) < 1000 else 120
            for number, at in enumerate(range(0, len(lines), size)):
                part = lines[at : at + size]
                if number == 0:
                    part = _joined(part, self.guid)
                self.invoice(first(month), f"{number % 12:02}:{10 + number % 50}:22.327", part)
        self.bss.invoices.sort(key=lambda record: dt.datetime.fromisoformat(record["invoiceDate"]))


def _joined(lines: list[Record], guid: Callable[[], str]) -> list[Record]:
    """Merge the first two lines that agree in product, unit and price."""
    seen: dict[tuple[object, ...], Record] = {}
    for line in lines:
        key = (line["description"], line["unit"]["id"] if line["unit"] else "", line["unitPrice"])
        other = seen.setdefault(key, line)
        if other is line or line["discount"] or other["discount"] or not line["subscriptions"]:
            continue
        if line["subscriptions"][0]["relatedAddon"] or line["subscriptions"][0]["usages"]:
            continue
        both = {
            **other,
            "id": guid(),
            "subscriptions": other["subscriptions"] + line["subscriptions"],
            "_parts": [other, line],
        }
        for name in ("quantity", "totalOriginal", "total"):
            both[name] = other[name] + line[name]
        return [both if charged is other else charged for charged in lines if charged is not line]
    return lines
