"""The oddities of the month, one by one, which make reconciling by hand take hours."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING

from xlsync.sandbox.state import Record
from xlsync.sandbox.world.sales import OCTOBER, Customer, Subscription, last, stamp

if TYPE_CHECKING:
    from xlsync.sandbox.world.story import Story

BASIC = "M365 - Business Basic (New Commerce)"
STANDARD = "M365 - Business Standard (New Commerce)"
PREMIUM = "M365 - Business Premium (New Commerce)"
EXCHANGE = "M365 - Exchange Online Plan 1 (New Commerce)"
E3 = "M365 - E3 without Teams (New Commerce)"
BACKUP = "Cloud Backup - Server"


def tell(story: Story) -> None:
    """Put all oddities into both systems."""
    for scene in (_changes, _yearly_terms, _credits, _discounts, _add_ons, _other_charges):
        scene(story)
    for scene in (_names_that_fold, _names_that_tie, _strangers, _products_not_known, _odd_names):
        scene(story)
    for scene in (_wrong_units_and_cost, _missing, _left_over, _several, _agreements, _midnight):
        scene(story)


def _changes(story: Story) -> None:
    """Increases and decreases in the middle of October, entered in ConnectWise or forgotten."""
    customer, agreement = story.linked("Thistle & Fern Catering")
    bought = story.buys(customer, STANDARD, "12", now=Decimal(15))
    story.sold.change(bought, dt.date(2026, 10, 14), Decimal(3))
    story.holds(agreement, bought, "12")
    bought = story.buys(customer, BACKUP, "6", now=Decimal(4))
    story.sold.change(bought, dt.date(2026, 10, 20), Decimal(-2))
    story.holds(agreement, bought, "6")
    customer, agreement = story.linked("Cedar Point Surveyors")
    bought = story.buys(customer, PREMIUM, "20", "annual-monthly", now=Decimal(22))
    story.sold.change(bought, dt.date(2026, 10, 9), Decimal(2))
    story.holds(agreement, bought, mark=bought.id)
    bought = story.buys(customer, EXCHANGE, "5", now=Decimal(4))
    story.sold.change(bought, dt.date(2026, 10, 16), Decimal(-1))
    story.holds(agreement, bought)


def _yearly_terms(story: Story) -> None:
    """Annual terms: renewed in October, increased half-way, not due; one on an agreement billed monthly."""
    october, may = dt.date(2025, 10, 1), dt.date(2026, 5, 1)
    customer, agreement = story.linked("Willowbrook Solicitors")
    yearly = story.yearly(agreement)
    story.right(customer, agreement, STANDARD, "9")
    bought = story.buys(customer, PREMIUM, "14", "annual", start=october)
    story.holds(yearly, bought)
    bought = story.buys(customer, E3, "20", "annual", start=may, now=Decimal(25))
    story.sold.change(bought, dt.date(2026, 10, 12), Decimal(5))
    story.holds(yearly, bought, "20")
    # Billed yearly, not due this month: held by both, and no line tells of it.
    bought = story.buys(customer, "Visio Plan 2 (New Commerce)", "3", "annual", start=may)
    story.holds(yearly, bought)

    customer, agreement = story.linked("Marram Dunes Hotel")
    yearly = story.yearly(agreement, "2027-04-30")
    bought = story.buys(customer, E3, "8", "annual", start=may, now=Decimal(10))
    story.sold.change(bought, dt.date(2026, 10, 6), Decimal(2))
    story.holds(yearly, bought)

    customer, agreement = story.linked("Bracken Veterinary Centre")
    bought = story.buys(customer, "Visio Plan 2 (New Commerce)", "2", "annual", start=october)
    story.holds(agreement, bought)
    story.right(customer, agreement, STANDARD, "7")


def _credits(story: Story) -> None:
    """A credit of an earlier month, one without any charge, and an invoice that was cancelled a day later."""
    customer, agreement = story.linked("Sorrel Printworks")
    bought = story.right(customer, agreement, BACKUP, "5")
    line = story.sold.line(bought, dt.date(2026, 9, 10), dt.date(2026, 9, 30), Decimal("6.776"), Decimal(1))
    story.sold.invoice(dt.date(2026, 10, 8), "10:00:00", [line], credit=True)
    bought = story.buys(customer, "Cloud Backup - Workstation", "9")
    story.holds(agreement, bought)

    customer, agreement = story.linked("Quince Orchard Foods")
    story.right(customer, agreement, STANDARD, "11")
    ended = story.buys(customer, E3, "4", "annual", start=dt.date(2026, 3, 1), status="Cancelled")
    line = story.sold.line(ended, dt.date(2026, 10, 5), dt.date(2027, 2, 28), Decimal("119.0000"), Decimal(4))
    story.sold.invoice(dt.date(2026, 10, 5), "15:41:07", [line], credit=True)
    line = story.sold.line(ended, dt.date(2026, 10, 5), last(OCTOBER), Decimal("29.75"), Decimal(40))
    story.sold.invoice(dt.date(2026, 10, 5), "09:00:00", [line], status="Canceled")


def _discounts(story: Story) -> None:
    """Discounts of both types: the cost is what is left."""
    customer, agreement = story.linked("Hazel & Rowan Interiors")
    tenth = {"value": Decimal("10.0"), "type": "Percentage"}
    bought = story.buys(customer, "M365 - Apps for Business (New Commerce)", "10", discount=tenth)
    story.holds(agreement, bought, cost=Decimal("7.56"))
    off = {"value": Decimal("6.00"), "type": "Amount"}
    bought = story.buys(customer, STANDARD, "12", discount=off)
    story.holds(agreement, bought, cost=Decimal("9.80"))


def _add_ons(story: Story) -> None:
    """Add-ons share the subscription's id; their marks count together with the product."""
    customer, agreement = story.linked("Plover Bay Clinic")
    bought = story.right(customer, agreement, PREMIUM, "25")
    for name, units in (("Defender for Office Plan 2 (Add-on)", "25"), ("Audio Conferencing (Add-on)", "3")):
        story.sold.add_on(bought, story.products[name], Decimal(units))
        held = story.psa.addition(agreement, story.items[name], Decimal(units), mark=bought.id)
        held["customFields"][1]["value"] = f"Plover Bay Clinic - {name}"[:100]
    customer, agreement = story.linked("Gannet Rock Charters")
    bought = story.right(customer, agreement, STANDARD, "6")
    name = "Defender for Office Plan 1 (Add-on)"
    story.sold.add_on(bought, story.products[name], Decimal(6))
    story.psa.addition(agreement, story.items[name], Decimal(5))


def _other_charges(story: Story) -> None:
    """Bill what is never compared: usage, one-time purchases, a set-up fee, lines typed by hand."""
    sold = story.sold
    for name in ("Moorhen Analytics", "Teasel Robotics"):
        customer, agreement = story.linked(name)
        story.right(customer, agreement, BASIC, "8")
        bought = sold.subscribe(customer, story.products["Azure Plan"], [Decimal(1)] * 3, billed=False)
        line = sold.line(bought, dt.date(2026, 9, 1), dt.date(2026, 9, 30), Decimal("83.4512"), Decimal(1))
        line["subscriptions"][0]["usages"] = [
            {
                "id": sold.guid(),
                "description": description,
                "unitPrice": Decimal(price),
                "unit": unit,
                "quantity": Decimal(quantity),
                "totalOriginal": Decimal(total),
                "discount": None,
                "total": Decimal(total),
            }
            for description, price, unit, quantity, total in (
                ("Virtual machines B2s", "0.0416", "1 Hour", "672.0", "27.9552"),
                ("Storage LRS", "0.018", "1 GB", "3083.1111", "55.496"),
            )
        ]
        sold.invoice(dt.date(2026, 10, 3), "03:20:11.04", [line])
    onboarding = _one_time_charges(story, bought, customer)
    _typed_charges(story, onboarding, customer)


def _one_time_charges(story: Story, bought: Subscription, customer: Customer) -> Record:
    """Invoice a purchase and a set-up fee; returns the line of the fee."""
    sold = story.sold
    server = sold.line(bought, dt.date(2026, 10, 7), dt.date(2026, 10, 7), Decimal("812.00"), Decimal(2))
    perpetual = story.products["Server Standard 2025 - 16 Core (perpetual)"]
    asset = {
        "id": sold.guid(),
        "name": f"{customer.name} - {perpetual.offer.name}",
        "account": customer.short,
    }
    license_unit, setup_unit = sold.bss.unit_groups[1]["units"]
    server |= {
        "product": perpetual.short,
        "description": perpetual.offer.name,
        "subscriptions": [],
        "assets": [asset],
        "startDate": None,
        "endDate": None,
        "unit": {"id": license_unit["id"], "name": license_unit["name"]},
    }
    fee = story.products["Onboarding fee"]
    onboarding = server | {
        "id": sold.guid(),
        "product": fee.short,
        "description": fee.offer.name,
        "assets": [{**asset, "id": sold.guid(), "name": fee.offer.name}],
        "unit": {"id": setup_unit["id"], "name": setup_unit["name"]},
        "unitPrice": Decimal("95.00"),
        "quantity": Decimal("1.0"),
        "totalOriginal": Decimal("95.00"),
        "total": Decimal("95.00"),
    }
    sold.invoice(dt.date(2026, 10, 7), "16:02:30", [server, onboarding])
    return onboarding


def _typed_charges(story: Story, onboarding: Record, customer: Customer) -> None:
    """Invoice a line typed by hand, and credit another; `onboarding` is the line that they are made like."""
    sold = story.sold
    typed = onboarding | {
        "id": sold.guid(),
        "product": None,
        "assets": [],
        "unit": None,
        "description": "Migration help, October\nas agreed by phone",
    }
    sold.invoice(dt.date(2026, 10, 21), "15:00:00", [typed], account=customer.short)
    typed = typed | {
        "id": sold.guid(),
        "description": "Goodwill",
        "unitPrice": Decimal("0.1"),
        "quantity": Decimal("0.5"),
    }
    typed |= {"totalOriginal": Decimal("0.05"), "total": Decimal("0.05")}
    sold.invoice(dt.date(2026, 10, 22), "15:00:00", [typed], credit=True)


def _names_that_fold(story: Story) -> None:
    """Customers whose names are written differently in the two systems."""
    pairs = (
        ("AMBER LEAF BAKERY LTD", "Amber Leaf Bakery"),
        ("Café Solène", "Cafe Solene GmbH"),
        ("St. Hilda's School", "ST HILDAS SCHOOL"),
        ("Nightjar\u200b Studios", "Nightjar Studios"),
    )
    for name, known_as in pairs:
        customer, agreement = story.linked(name, known_as)
        story.right(customer, agreement, STANDARD, "4")
        story.right(customer, agreement, "Password Vault (Team)", "4")


def _names_that_tie(story: Story) -> None:
    """Two companies that could be meant, two customers of one name, and names left in the recycle bin."""
    psa = story.psa
    for name in ("Delta Ltd", "Delta GmbH"):
        psa.agreement(psa.company(name), "Cloud Services")
    story.buys(story.sold.customer("DELTA"), STANDARD, "5")
    for number in (1, 2):
        psa.agreement(psa.company("Kestrel Optics", identifier=f"KESTREL{number}"), "Cloud Services")
    story.buys(story.sold.customer("Kestrel Optics"), EXCHANGE, "7")
    # Two branches of one company, the first at its address: their units stand together on one addition.
    customer, agreement = story.linked("Juniper Studio")
    address, company = story.sold.bss.accounts[customer.id]["billingAddress"], story.company_of(agreement)
    company["city"], company["zip"] = address["city"], address["postCode"]
    other = story.sold.customer("Juniper Studio")
    story.buys(customer, STANDARD, "6")
    bought = story.buys(other, STANDARD, "3")
    story.holds(agreement, bought, "9")
    customer, agreement = story.linked("Larch Motors")
    psa.company("Larch Motors", identifier="LARCHOLD", deleted=True)
    story.right(customer, agreement, BASIC, "10")


def _strangers(story: Story) -> None:
    """Customers that ConnectWise does not know, knows only as deleted, or knows by a similar name."""
    for name, units in (("Quillfeather Books", "3"), ("Ypsilon Tauchschule", "2"), ("Zephyr Kitesurf", "5")):
        story.buys(story.sold.customer(name), BASIC, units)
    story.psa.company("Mistral Sails", deleted=True)
    story.buys(story.sold.customer("Mistral Sails"), PREMIUM, "4")
    for name, known_as in (
        ("Harbour Dentl Clinic", "Harbour Dental Clinic"),
        ("Nordwind Logistik Hamburg", "Nordwind Logistics Hamburg"),
    ):
        customer, agreement = story.linked(name, known_as)
        story.right(customer, agreement, STANDARD, "13")


def _products_not_known(story: Story) -> None:
    """Products that the catalog lacks, has twice, or has under a similar name."""
    customer, agreement = story.linked("Lapwing Recruitment")
    for name, units in (("Dark Web Watch", "30"), ("Phishing Simulator", "30"), ("eSignature Business", "2")):
        story.buys(customer, name, units)
    story.right(customer, agreement, STANDARD, "30")
    customer, agreement = story.linked("Tansy Accountants")
    for name in ("Awareness Training Platform Annual Edition", "Remote Monitoring Agent Pro"):
        story.right(customer, agreement, name, "16")
    story.buys(customer, "Virtual Phone System Extension", "16")
    story.buys(customer, "Copilot Studio Messages (New Commerce)", "1")


def _odd_names(story: Story) -> None:
    """Names that spreadsheets and queries stumble over."""
    for name in (
        '"Quoted" & O\'Brien Daughters',
        "+Plus Pharmacy",
        "@Home Care",
        "Κυψέλη Catering",
        "株式会社ひかり",
        "مخبز النور",
        "Łódź Optyka",
        "Blå Bølge 🌊 AS",
    ):
        customer, agreement = story.linked(name)
        story.right(customer, agreement, STANDARD, "8")
    story.right(customer, agreement, "=1+1", "3")
    story.right(customer, agreement, "Rocket Chat 🚀 Cloud", "12")
    story.right(customer, agreement, "Совместная доска", "2")
    long = "Extended Security Monitoring and Managed Response for Hybrid Server Estates, 24x7, per Server"
    story.right(customer, agreement, long, "2")
    story.right(customer, agreement, "Mail Archive, per GB", "0.5")


def _wrong_units_and_cost(story: Story) -> None:
    """Units and costs that differ, both ways; some units included in the agreement; a free product."""
    customer, agreement = story.linked("Redstart Textiles")
    bought = story.buys(customer, PREMIUM, "18")
    story.holds(agreement, bought, "15")
    bought = story.buys(customer, "Teams Enterprise (New Commerce)", "18")
    story.holds(agreement, bought, "21")
    bought = story.buys(customer, "Entra ID P1 (New Commerce)", "18")
    story.holds(agreement, bought, cost=Decimal("4.80"))
    bought = story.buys(customer, "Power BI Pro (New Commerce)", "4")
    story.holds(agreement, bought, "3", cost=Decimal("9.10"))
    bought = story.buys(customer, "Intune Plan 1 (New Commerce)", "18")
    story.holds(agreement, bought, included=Decimal(2))
    bought = story.buys(customer, "Planner Plan 1 (New Commerce)", "2", cost=Decimal(0))
    story.holds(agreement, bought, cost=Decimal(0))


def _missing(story: Story) -> None:
    """Billed and not in ConnectWise: never entered, cancelled too early, beginning too late."""
    customer, agreement = story.linked("Siskin Electrics")
    story.right(customer, agreement, STANDARD, "5")
    story.buys(customer, "Windows 365 Business 2 vCPU 8 GB 128 GB", "2")
    bought = story.buys(customer, EXCHANGE, "3")
    story.holds(agreement, bought, cancelled="2026-09-30")
    bought = story.buys(customer, "Web Filter – Standard", "5")
    story.holds(agreement, bought, effective="2026-11-01")


def _left_over(story: Story) -> None:
    """In ConnectWise and no longer billed."""
    customer, agreement = story.linked("Dipper Brewery")
    story.right(customer, agreement, STANDARD, "9")
    ended = story.sold.subscribe(
        customer,
        story.products[PREMIUM],
        [Decimal(2), Decimal(2), Decimal(0)],
        now=Decimal(2),
        status="Cancelled",
    )
    story.holds(agreement, ended)
    customer, agreement = story.linked("Ouzel Upholstery")
    story.right(customer, agreement, BASIC, "3")
    story.psa.addition(agreement, story.items[EXCHANGE], Decimal(1))


def _several(story: Story) -> None:
    """More than one addition of a product: told apart by their marks, or not at all."""
    customer, agreement = story.linked("Fieldfare Landscapes")
    for units in ("4", "11"):
        bought = story.buys(customer, STANDARD, units)
        story.holds(agreement, bought, mark=bought.id)
    bought = story.buys(customer, BACKUP, "3")
    story.holds(agreement, bought, "1")
    story.holds(agreement, bought, "2")
    customer, agreement = story.linked("Brambling Roofing")
    first, second = story.buys(customer, E3, "10"), story.buys(customer, E3, "2")
    story.holds(agreement, first, "8", mark=first.id)
    story.holds(agreement, second, mark=second.id)


def _agreements(story: Story) -> None:
    """Agreements: in another currency, already invoiced, cancelled, of the same name, or one of two."""
    psa = story.psa
    customer, agreement = story.linked("Wheatear Marine", currency=2)
    story.right(customer, agreement, STANDARD, "6")
    customer, agreement = story.linked("Twite Joinery", next_invoice="2026-11-30")
    bought = story.buys(customer, STANDARD, "7")
    story.holds(agreement, bought, "6")
    story.right(customer, agreement, BACKUP, "1")
    customer, agreement = story.linked("Whinchat Travel", next_invoice="2026-11-30")
    story.right(customer, agreement, BASIC, "2")
    customer, agreement = story.linked("Linnet Laundry")
    psa.agreement(story.company_of(agreement), "Cloud Services", cancelled=True)
    story.yearly(agreement, "2027-01-31")
    story.right(customer, agreement, STANDARD, "5")
    story.right(customer, agreement, "Endpoint Detection & Response", "5")
    customer, agreement = story.linked("Dunnock Cycles")
    psa.agreement(story.company_of(agreement), "Cloud Services")
    story.right(customer, agreement, STANDARD, "4")
    customer, agreement = story.linked("Pipit Tutors")
    psa.agreement(story.company_of(agreement), "Cloud Services Extra")
    story.right(customer, agreement, STANDARD, "3")
    story.buys(customer, EXCHANGE, "3")


def _midnight(story: Story) -> None:
    """Invoices issued just before and after midnight, whose month is that of their own offset."""
    customer, agreement = story.linked("Nightingale Events")
    bought = story.right(customer, agreement, STANDARD, "6")
    extra = story.buys(customer, EXCHANGE, "2", billed=False)
    story.holds(agreement, extra)
    for day, time in (
        (dt.date(2026, 8, 31), "23:50:00"),
        (dt.date(2026, 10, 1), "00:05:30.5"),
        (dt.date(2026, 11, 1), "00:30:00.25"),
    ):
        start = day.replace(day=1)
        line = story.sold.line(extra, start, last((day.year, day.month)), extra.cost, Decimal(2))
        story.sold.invoice(day, time, [line])
    story.sold.bss.subscriptions[bought.id]["updatedAt"] = stamp(dt.date(2026, 10, 2), "00:00:01")
