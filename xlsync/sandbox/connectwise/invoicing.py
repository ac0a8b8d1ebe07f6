"""ConnectWise's computations: the amounts of additions, and the next invoice of an agreement."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Final

from xlsync.sandbox.connectwise.writes import MONTHS, Refused, months_later, next_date
from xlsync.sandbox.state import Record, SandboxConnectWise
from xlsync.sandbox.world.sales import money

# Up to when periods count as due: the sandbox's months end here, whatever day it is.
DUE: Final = dt.date(2026, 10, 31)


def with_amounts(addition: Record, today: str) -> Record:
    """Return an addition with the amounts that ConnectWise computes from quantity, price, cost and dates."""
    billed = _billed_units(addition)
    price, cost = _price(addition), billed * addition.get("unitCost", Decimal(0))
    end = addition.get("cancelledDate")
    status = "Cancelled" if end is not None and end < today else "Active"
    amounts = {"billedQuantity": billed, "extPrice": price, "extCost": cost, "margin": price - cost}
    return {**addition, **amounts, "additionStatus": status}


def _billed_units(addition: Record) -> Decimal:
    units: Decimal = (addition["quantity"] or Decimal(0)) - addition.get("lessIncluded", Decimal(0))
    return units


def _price(addition: Record) -> Decimal:
    price: Decimal = _billed_units(addition) * addition.get("unitPrice", Decimal(0))
    return price


def day_first(answer: Any) -> Any:
    """Return recaps with their dates as texts that have the day first."""
    if isinstance(answer, list):
        return [day_first(record) for record in answer]
    names = [name for name in ("nextInvoiceDate", "lastInvoiceDate") if answer.get(name)]
    days = {name: dt.date.fromisoformat(answer[name][:10]) for name in names}
    return {**answer, **{name: f"{day:%d/%m/%Y}" for name, day in days.items()}}


def next_amount(state: SandboxConnectWise, agreement: Record) -> Decimal:
    """Sum up the next invoice: the active, billable additions."""
    day = next_date(agreement)
    if day is None:
        return Decimal(0)
    text = f"{day.isoformat()}T00:00:00Z"
    total = Decimal(0)
    for addition in state.additions.on_agreement(agreement["id"]):
        begun = addition.get("effectiveDate", text) <= text
        lasting = addition.get("cancelledDate") is None or addition["cancelledDate"] >= text
        if begun and lasting and addition["billCustomer"] == "Billable":
            total += _price(addition)
    return money(total)


def by_agreement(state: SandboxConnectWise) -> dict[int, list[Record]]:
    """Group the invoices by agreement."""
    made: dict[int, list[Record]] = {}
    for record in state.invoices.values():
        if "agreement" in record:
            made.setdefault(record["agreement"]["id"], []).append(record)
    return made


def recap(state: SandboxConnectWise, agreement: Record, made: list[Record]) -> Record:
    """Make the recap of an agreement's last and next invoice; dates and the last amount are texts."""
    last = max(made, key=lambda invoice: (invoice["date"], invoice["id"]), default=None)
    day, periods = next_date(agreement), 0
    answer: Record = {
        "id": agreement["id"],
        "name": agreement["name"],
        "companyName": agreement["company"]["name"],
        "agreementStatus": agreement["agreementStatus"],
        "nextInvoiceAmount": next_amount(state, agreement),
        "isUnlimited": "No",
    }
    if day is not None:
        answer["nextInvoiceDate"] = agreement["nextInvoiceDate"]
        while day <= DUE and agreement["billingCycle"]["name"] in MONTHS:
            periods += 1
            day = _later(day, agreement)
    answer["unbilledPeriods"] = periods
    if last is not None:
        answer |= {
            "lastInvoiceAmount": str(last["total"]),
            "lastInvoiceDate": last["date"],
            "lastInvoiceNumber": last["invoiceNumber"],
        }
    return answer


def _later(day: dt.date, agreement: Record) -> dt.date:
    return months_later(day, MONTHS[agreement["billingCycle"]["name"]])


def invoice(state: SandboxConnectWise, agreement: Record) -> int:
    """Make the invoice of the agreement's next period, move its next date on, and give the invoice's id.

    A child agreement has none of its own: its parent's bills it.
    """
    day = next_date(agreement)
    if day is None or agreement["billingCycle"]["name"] not in MONTHS or "parentAgreement" in agreement:
        raise Refused(400, "InvalidObject", "The agreement cannot be invoiced.", [])
    amount = next_amount(state, agreement)
    if amount == 0 and not agreement.get("billZeroAmountFlag"):
        raise Refused(400, "InvalidObject", "There is nothing to invoice for the agreement.", [])
    key = state.next_id("invoices")
    record: Record = {
        "id": key,
        "invoiceNumber": f"AG{key:08}",
        "type": "Agreement",
        "status": {"id": 1, "name": "New", "_info": {}},
        "company": agreement["company"],
        "billToCompany": agreement["company"],
        "applyToType": "Agreement",
        "applyToId": agreement["id"],
        "date": f"{day.isoformat()}T00:00:00Z",
        "currency": agreement["currency"],
        "agreementAmount": amount,
        "subtotal": amount,
        "total": amount,
        "salesTax": Decimal(0),
        "payments": Decimal(0),
        "credits": Decimal(0),
        "balance": amount,
        "agreement": {"id": agreement["id"], "name": agreement["name"], "_info": {}},
    }
    moved = {**agreement, "nextInvoiceDate": f"{_later(day, agreement).isoformat()}T00:00:00Z"}
    state.commit(("invoices", key, record), ("agreements", agreement["id"], moved))
    return key
