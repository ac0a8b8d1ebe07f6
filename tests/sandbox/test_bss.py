"""The sandbox's BSS is as strict as the real one is known to be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.client import Client


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"password": "wrong"}, "invalid_grant"),
    ],
)
def test_the_bss_gives_a_token_for_the_right_password_only(
    client: Client, changed: dict[str, str], error: str
) -> None:
    assert client.token().json()["expires_in"] == 3599
    answer = client.token(**changed)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_client_keys_in_the_body_are_refused(client: Client) -> None:
    form = {"grant_type": "password", "client_id": "made-up-client", "client_secret": "made-up-client-secret"}
    answer = client.session.post(f"{client.sandbox.url}/oauth/token", form, timeout=60)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


def test_an_expired_token_is_answered_401(client: Client) -> None:
    headers = {"Authorization": f"Bearer {client.token().json()['access_token']}", "X-Api-Version": "3.0"}
    url = f"{client.sandbox.url}/api/invoices"
    assert client.session.get(url, headers=headers, timeout=60).status_code == 200
    client.sandbox.bss.expire_tokens()
    assert client.session.get(url, headers=headers, timeout=60).status_code == 401


def test_without_the_api_version_the_bss_answers_404(client: Client) -> None:
    answer = client.session.get(f"{client.sandbox.url}/api/invoices", timeout=60)
    assert (answer.status_code, answer.json()["type"]) == (404, "InvalidApiVersionError")
    assert answer.json()["isRetriableError"] is False


@pytest.mark.parametrize(
    "query",
    [
        {"pageSize": 501},
        {"pageSize": 0},
        {"pageIndex": 0},
        {"include": "everything"},
        {"filter": "x"},
        {"$filter": "code eq 'EX'"},
        {"$filter": "invoiceDate gt '2026-10-01'"},
        {"$filter": "invoiceDate gt datetime'2026-10-01' or createdAt gt datetime'2026-10-01'"},
        {"$filter": "invoiceDate gt datetime'October'"},
        {"$orderby": "invoiceDate down"},
    ],
)
def test_the_bss_refuses_what_it_does_not_take(client: Client, query: dict[str, Any]) -> None:
    assert client.bss("/api/invoices", **query).status_code == 400


def test_invoices_come_in_pages_of_ten_with_the_number_of_pages(client: Client) -> None:
    first = client.bss("/api/invoices").json()
    assert len(first["data"]) == first["paging"]["size"] == 10
    assert "items" not in first["data"][0]
    pages = range(1, first["paging"]["totalPages"] + 1)
    found = [
        one["id"] for page in pages for one in client.bss("/api/invoices", pageIndex=page).json()["data"]
    ]
    assert found == [invoice["id"] for invoice in client.sandbox.bss.invoices]
    assert client.bss("/api/invoices", pageIndex=99).json()["data"] == []


def test_a_filter_without_an_offset_means_utc(client: Client) -> None:
    text = "invoiceDate ge datetime'2026-10-01' and invoiceDate lt datetime'2026-11-01'"
    found = client.bss("/api/invoices", **{"$filter": text, "pageSize": 500}).json()["data"]
    moments = [dt.datetime.fromisoformat(one["invoiceDate"]) for one in found]
    assert {moment.astimezone(dt.UTC).month for moment in moments} == {10}
    assert {moment.month for moment in moments} == {10, 11}


def test_a_bss_that_cannot_filter_by_invoice_date_says_400(client: Client) -> None:
    client.sandbox.bss.filterable.discard("invoiceDate")
    text = "gt datetime'2026-10-01T00:00:00'"
    assert client.bss("/api/invoices", **{"$filter": f"invoiceDate {text}"}).status_code == 400
    assert client.bss("/api/invoices", **{"$filter": f"createdAt {text}"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "text", "holds"),
    [
        ("subscriptions", "status eq 'Active'", lambda one: one["status"] == "Active"),
        (
            "subscriptions",
            "quantity gt 20 and contains(name,'m365 - ')",
            lambda one: one["quantity"] > 20 and "M365 - " in one["name"],
        ),
        ("subscriptions", "createdAt ge datetime'2026-01-01'", lambda one: one["createdAt"] >= "2026-01"),
        ("accounts", "contains(name,'delta')", lambda one: "delta" in one["name"].casefold()),
        ("accounts", "id eq 601", lambda one: one["id"] == 601),
    ],
)
def test_subscriptions_and_accounts_are_filtered_and_sorted(
    client: Client, path: str, text: str, holds: Callable[[dict[str, Any]], bool]
) -> None:
    everything = client.bss(f"/api/{path}", pageSize=500).json()["data"]
    query = {"$filter": text, "$orderBy": "name desc", "pageSize": 500}
    found = client.bss(f"/api/{path}", **query).json()["data"]
    wanted = [one for one in everything if holds(one)]
    assert 0 < len(wanted) < len(everything)
    assert found == sorted(wanted, key=lambda one: one["name"], reverse=True)


def test_what_subscriptions_have_not_is_no_filter(client: Client) -> None:
    for text in ("colour eq 'red'", "createdAt eq '2026-01-01'", "name eq datetime'2026-01-01'", "name eq"):
        assert client.bss("/api/subscriptions", **{"$filter": text}).status_code == 400
    assert client.bss("/api/subscriptions", include="customFields").status_code == 200


def test_analytical_items_are_of_one_subscription_each_and_add_up(client: Client) -> None:
    joined = next(
        invoice
        for invoice in client.sandbox.bss.invoices
        if any(len(line["subscriptions"]) > 1 for line in invoice["items"])
    )
    plain = client.bss(f"/api/invoices/{joined['id']}/items").json()
    single = client.bss(f"/api/invoices/{joined['id']}/items", analysis="true").json()
    included = client.bss(f"/api/invoices/{joined['id']}", include="analysisItems").json()["analysisItems"]
    assert single == included
    assert len(single) == len(plain) + 1
    assert all(len(line["subscriptions"]) <= 1 for line in single)
    assert round(sum(line["total"] for line in plain), 2) == round(sum(line["total"] for line in single), 2)
    assert "_parts" not in {name for line in plain for name in line}


def test_a_subscription_without_a_plan_is_answered_204_or_404(client: Client) -> None:
    bss = client.sandbox.bss
    statuses = {
        (key in bss.plans, client.bss(f"/api/subscriptions/{key}/currentInstallmentplan").status_code)
        for key in list(bss.subscriptions)[:40]
    }
    assert statuses == {(True, 200), (False, 204), (False, 404)}
    unknown = client.bss("/api/subscriptions/00000000-0000-4000-8000-000000000000")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "SubscriptionNotFoundError")


def test_the_bss_tells_of_accounts_products_units_and_add_ons(client: Client) -> None:
    bss = client.sandbox.bss
    key = next(iter(bss.addons))
    assert len(client.bss(f"/api/subscriptions/{key}/addons").json()) == 2
    account = client.bss("/api/accounts/601").json()
    assert account["billingAddress"]["country"]["code"]
    assert client.bss("/api/accounts/601/billingaddress").json() == account["billingAddress"]
    units = client.bss("/api/organization/unitGroups", include="units").json()["data"]
    assert units[0]["units"][0]["billingCycleDuration"] == 1
    assert "units" not in client.bss("/api/organization/unitGroups").json()["data"][0]
    assert client.bss("/api/products", pageSize=500).json()["paging"]["totalRecords"] == len(bss.products)


def test_the_bss_refuses_every_write(client: Client) -> None:
    key = next(iter(client.sandbox.bss.subscriptions))
    assert client.bss(f"/api/subscriptions/{key}/cancel", "POST").status_code == 403
