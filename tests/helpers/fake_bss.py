"""A small BSS on loopback, whose invoices and answers a test writes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from werkzeug import Request, Response

from tests.helpers.remote import Remote, reply
from xlsync.billing.bss import Bss
from xlsync.models import BillingLine, By, Month, Progress
from xlsync.reconcile.billed import Billing

MARCH = Month(2026, 3)

ANNA, BORIS = {"id": 601, "name": "Anna's Bakery"}, {"id": 602, "name": "Boris Clinic"}

MSP = {"id": 501, "name": "Made-up MSP"}

MONTH, YEAR, ONCE = (
    {"id": "u-1", "name": "Month"},
    {"id": "u-12", "name": "Annual"},
    {"id": "u-0", "name": "Setup"},
)

GROUPS = [
    {
        "id": 1,
        "isRecurringChargeUnit": True,
        "units": [
            {"id": "u-1", "billingCycleDuration": 1, "billingCycleUnitType": "Month"},
            {"id": "u-12", "billingCycleDuration": 12, "billingCycleUnitType": "Month"},
            {"id": "u-36", "billingCycleDuration": 3, "billingCycleUnitType": "Years"},
            {"id": "u-odd", "billingCycleDuration": 30, "billingCycleUnitType": "Day"},
        ],
    },
    {"id": 2, "isRecurringChargeUnit": False, "units": [{"id": "u-0", "billingCycleDuration": 1}]},
]


def d(text: str) -> Decimal:
    return Decimal(text)


def sub(id_: str = "s-1", account: Any = ANNA, **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": "a name", "account": account, "relatedAddon": None, "usages": [], **more}


def item(id_: str = "i-1", **more: Any) -> dict[str, Any]:
    quantity = more.get("quantity", Decimal(12))
    price = more.get("unitPrice", Decimal("10.30"))
    total = quantity * price if isinstance(quantity, Decimal) and isinstance(price, Decimal) else None
    return {
        "id": id_,
        "position": 1,
        "description": "As typed",
        "product": {"id": "p-1", "name": "Mail Standard", "code": "CODE:0001"},
        "subscriptions": [sub()],
        "assets": [],
        "startDate": "2026-03-01T00:00:00+02:00",
        "endDate": "2026-03-31T23:59:59+03:00",
        "unit": MONTH,
        "unitPrice": price,
        "quantity": quantity,
        "totalOriginal": total,
        "discount": None,
        "promotion": None,
        "total": total,
    } | more


def invoice(code: str = "EX-1", *items: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": f"id-{code}",
        "code": code,
        "status": {"id": 1, "name": "Unpaid", "type": "Unpaid"},
        "type": {"id": 1, "name": "Debit Invoice", "type": "Debit"},
        "invoiceDate": "2026-03-01T04:10:22.327+02:00",
        "createdAt": "2026-03-01T04:10:22.327+02:00",
        "account": MSP,
        "billingTo": MSP,
        "currency": "EUR",
        "total": Decimal(100),
        "analysisItems": list(items),
    } | more


CREDIT = {"id": 2, "name": "Credit Invoice", "type": "Credit"}


class Fake:
    """A BSS that holds what a test puts there. `page_size` caps its pages.

    A filter by a field that is `refused` is answered 400, by one that is `unmet` with an empty list.
    """

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.invoices: list[dict[str, Any]] = []
        self.refused: tuple[str, ...] = ()
        self.unmet: tuple[str, ...] = ()
        self.page_size = 500
        self.answers: dict[str, Callable[[Request], Response] | Response | object] = {
            "/oauth/token": {"access_token": "made-up-token", "expires_in": 3599},
            "/api/organization/unitGroups": {"data": GROUPS, "paging": {"totalPages": 1}},
            "/api/invoices": self.page,
        }
        remote.answer = self.answer

    def answer(self, request: Request) -> Response:
        found = self.answers.get(request.path)
        if found is None:
            return reply({"code": "NotFound", "developerMessage": "not found"}, 404)
        if isinstance(found, Response):
            return found
        return found(request) if callable(found) else reply(found)

    def page(self, request: Request) -> Response:
        assert request.headers["X-Api-Version"] == "3"
        assert request.headers["Authorization"] == "Bearer made-up-token"
        if any(word in request.args.get("$filter", "") for word in self.refused):
            return reply({"code": "BadFilter", "developerMessage": "no such field"}, 400)
        size, page = min(self.page_size, int(request.args["pageSize"])), int(request.args["pageIndex"])
        is_met = not any(word in request.args.get("$filter", "") for word in self.unmet)
        invoices = self.invoices if is_met else []
        shown = invoices[(page - 1) * size : page * size]
        pages = -(-len(invoices) // size)
        return reply({"data": shown, "paging": {"page": page, "size": size, "totalPages": pages}})

    def asked(self, part: str) -> list[str]:
        return [path for _, path in self.remote.seen if part in path]


def read_billing(bss: Bss, month: Month, *, by: By, progress: Progress | None = None) -> Billing:
    return bss.read_plans(bss.read_charged(month, by=by, progress=progress), progress)


def march(bss: Bss) -> tuple[BillingLine, ...]:
    return read_billing(bss, MARCH, by="invoice-date", progress=None).lines


def only(fake: Fake, bss: Bss, *items: Any, **more: Any) -> BillingLine:
    fake.invoices = [invoice("EX-1", *items, **more)]
    (line,) = march(bss)
    return line
