"""The sandbox is as strict as the two systems are known to be, fails as it is told, and tells a month."""

from __future__ import annotations

import datetime as dt
import json
import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
import simplejson

from xlsync.errors import XlsyncError
from xlsync.sandbox.demo import demo_home, demo_settings
from xlsync.sandbox.fields import RESOURCES
from xlsync.sandbox.listening import NO_LINGER
from xlsync.sandbox.server import Sandbox

API = "/v4_6_release/apis/3.0"
ACCEPT = "application/vnd.connectwise.com+json; version=2026.4"
DESCRIPTION = Path(__file__).resolve().parents[2] / "shared/facts/connectwise/openapi-subset.json"


class Client:
    """Requests to a sandbox, with the right credentials for both systems."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.environ = sandbox.environ
        self.session = requests.Session()
        self.keys = (
            f"{self.environ['XLSYNC_CW_COMPANY']}+{self.environ['XLSYNC_CW_PUBLIC_KEY']}",
            self.environ["XLSYNC_CW_PRIVATE_KEY"],
        )
        self.headers = {"clientId": self.environ["XLSYNC_CW_CLIENT_ID"], "Accept": ACCEPT}

    def cw(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        data = None if body is None else simplejson.dumps(body, use_decimal=True)
        headers = self.headers | ({"Content-Type": "application/json"} if data else {})
        url = f"{self.sandbox.url}{API}{path}"
        return self.session.request(
            method, url, params=query, data=data, headers=headers, auth=self.keys, timeout=10
        )

    def read(self, path: str, **query: Any) -> Any:
        answer = self.cw("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return simplejson.loads(answer.text, use_decimal=True)

    def token(self, **changed: str) -> requests.Response:
        form = {
            "grant_type": "password",
            "username": self.environ["XLSYNC_BSS_USERNAME"],
            "password": self.environ["XLSYNC_BSS_PASSWORD"],
        }
        keys = (self.environ["XLSYNC_BSS_CLIENT_KEY"], self.environ["XLSYNC_BSS_CLIENT_SECRET"])
        return self.session.post(f"{self.sandbox.url}/oauth/token", form | changed, auth=keys, timeout=10)

    def bss(self, path: str, method: str = "GET", **query: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token().json()['access_token']}", "X-Api-Version": "3"}
        url = f"{self.sandbox.url}{path}"
        return self.session.request(method, url, params=query, headers=headers, timeout=10)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    found = Client(sandbox)
    with found.session:
        yield found


def codes(answer: requests.Response) -> tuple[int, str, str]:
    """Status, outer code and inner field of a refusal."""
    body = answer.json()
    errors = body["errors"] or [{"field": "", "code": ""}]
    return answer.status_code, body["code"], f"{errors[0]['code']} {errors[0]['field']}".strip()


def active_addition(sandbox: Sandbox) -> dict[str, Any]:
    return next(
        record
        for record in sandbox.connectwise.additions.values()
        if "cancelledDate" not in record and record["quantity"] > 3
    )


def place(addition: dict[str, Any]) -> str:
    return f"/finance/agreements/{addition['agreementId']}/additions/{addition['id']}"


# The month


def test_the_same_seed_makes_the_same_month_and_another_seed_another() -> None:
    one, same, other = Sandbox(seed=4), Sandbox(seed=4), Sandbox(seed=5)
    assert one.bss.invoices == same.bss.invoices
    assert one.connectwise == same.connectwise
    assert one.bss.invoices != other.bss.invoices


@pytest.mark.parametrize("lines", [170, 1500])
def test_october_has_the_lines_asked_for_and_the_rest_grows_with_them(lines: int) -> None:
    made = Sandbox(lines=lines)
    october = [i for i in made.bss.invoices if i["invoiceDate"].startswith("2026-10")]
    count = sum(len(i["items"]) for i in october if i["status"]["type"] != "Canceled")
    assert abs(count - lines) <= 3
    assert len(made.bss.accounts) >= 60
    assert len(made.connectwise.agreements) >= 90
    assert len(made.connectwise.additions) >= 400
    assert len(made.connectwise.catalog) >= 300


def test_the_month_holds_every_oddity_of_a_distributors_billing() -> None:
    made = Sandbox()
    invoices = made.bss.invoices
    lines = [line for invoice in invoices for line in invoice["items"]]
    moments = [dt.datetime.fromisoformat(invoice["invoiceDate"]) for invoice in invoices]
    assert any(moment.month != moment.astimezone(dt.UTC).month for moment in moments)
    assert {moment.utcoffset() for moment in moments} == {dt.timedelta(hours=2), dt.timedelta(hours=3)}
    assert {invoice["type"]["type"] for invoice in invoices} == {"Debit", "Credit"}
    assert all(line["total"] >= 0 for line in lines)
    assert any(invoice["status"]["type"] == "Canceled" for invoice in invoices)
    assert any(line["product"] is None and not line["subscriptions"] for line in lines)
    assert any(line["assets"] for line in lines)
    assert any(len(line["subscriptions"]) == 2 for line in lines)
    bought = [one for line in lines for one in line["subscriptions"]]
    assert any(one["relatedAddon"] for one in bought)
    assert any(one["usages"] for one in bought)
    assert {line["discount"]["type"] for line in lines if line["discount"]} == {"Percentage", "Amount"}
    names = Counter(account["name"] for account in made.bss.accounts.values())
    assert names["Juniper Studio"] == 2
    assert {"+Plus Pharmacy", "@Home Care", "株式会社ひかり"} < set(names)
    assert any("\u200b" in name for name in names)
    products = {product["name"] for product in made.bss.products.values()}
    assert "=1+1" in products
    assert any(len(name) > 60 for name in products)


def test_contracts_last_over_the_months() -> None:
    made = Sandbox()

    def contracts(month: str) -> set[str]:
        return {
            one["id"]
            for invoice in made.bss.invoices
            if invoice["invoiceDate"].startswith(month)
            for line in invoice["items"]
            for one in line["subscriptions"]
        }

    october, september = contracts("2026-10"), contracts("2026-09")
    assert len(october & september) > 0.9 * len(september)


# The BSS


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
    answer = client.session.post(f"{client.sandbox.url}/oauth/token", form, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


def test_an_expired_token_is_answered_401(client: Client) -> None:
    headers = {"Authorization": f"Bearer {client.token().json()['access_token']}", "X-Api-Version": "3.0"}
    url = f"{client.sandbox.url}/api/invoices"
    assert client.session.get(url, headers=headers, timeout=10).status_code == 200
    client.sandbox.bss.expire_tokens()
    assert client.session.get(url, headers=headers, timeout=10).status_code == 401


def test_without_the_api_version_the_bss_answers_404(client: Client) -> None:
    answer = client.session.get(f"{client.sandbox.url}/api/invoices", timeout=10)
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


# Access to ConnectWise


@pytest.mark.parametrize(
    ("keys", "headers", "status"),
    [
        (None, {}, 401),
        (("maplemsp+wrong", "keys"), {}, 404),
        ((), {"clientId": ""}, 403),
        ((), {"Accept": "text/html"}, 406),
        ((), {"Accept": "application/vnd.connectwise.com+json"}, 406),
        ((), {"Accept": "application/json"}, 200),
    ],
)
def test_connectwise_wants_keys_client_id_and_a_version(
    client: Client, keys: Any, headers: dict[str, str], status: int
) -> None:
    url = f"{client.sandbox.url}{API}/company/companies"
    auth = client.keys if keys == () else keys
    answer = requests.get(url, headers=client.headers | headers, auth=auth, timeout=10)
    assert answer.status_code == status


def test_system_info_needs_no_credentials_and_company_info_names_the_release(client: Client) -> None:
    url = client.sandbox.url
    assert requests.get(f"{url}{API}/system/info", timeout=10).json()["isCloud"] is True
    info = requests.get(f"{url}/login/companyinfo/maplemsp", timeout=10).json()
    path = f"{url}/{info['Codebase']}apis/3.0/company/countries"
    assert client.session.get(path, headers=client.headers, auth=client.keys, timeout=10).status_code == 200
    stale = path.replace("2026", "2024")
    assert client.session.get(stale, headers=client.headers, auth=client.keys, timeout=10).status_code == 404
    assert requests.get(f"{url}/login/companyinfo/nobody", timeout=10).json() is None


def test_slashes_at_the_end_are_part_of_the_path(client: Client) -> None:
    for path in ("/procurement/subcategories/", "/finance/agreementrecap/", "/company/companies"):
        other = path.rstrip("/") if path.endswith("/") else f"{path}/"
        assert client.cw("GET", path).status_code == 200
        assert client.cw("GET", other).status_code == 404


def test_above_the_rate_connectwise_answers_429_in_another_shape(client: Client) -> None:
    client.sandbox.per_minute = 2
    statuses = [client.cw("GET", "/company/countries").status_code for _ in range(3)]
    answer = client.cw("GET", "/company/countries")
    assert statuses == [200, 200, 429]
    assert answer.json()["error"] == "ConnectWiseAPI"
    assert 50 <= int(answer.headers["Retry-After"]) <= 60


# Reading ConnectWise


def test_pages_hold_25_at_most_1000_and_are_linked(client: Client) -> None:
    answer = client.cw("GET", "/procurement/catalog", fields="id")
    assert len(answer.json()) == 25
    assert set(answer.links) == {"first", "next", "last"}
    refused = client.cw("GET", "/procurement/catalog", pageSize=1001)
    assert codes(refused) == (400, "InvalidObject", "OutOfRange pageSize")
    assert client.cw("GET", "/procurement/catalog", page=99).json() == []


def test_following_the_links_reads_everything_once(client: Client) -> None:
    answer = client.cw(
        "GET", "/procurement/catalog", fields="id", pageSize=70, conditions="inactiveFlag=false"
    )
    found = answer.json()
    while "next" in answer.links:
        link = answer.links["next"]["url"]
        answer = client.session.get(link, headers=client.headers, auth=client.keys, timeout=10)
        found += answer.json()
    active = [key for key, item in client.sandbox.connectwise.catalog.items() if not item["inactiveFlag"]]
    assert [record["id"] for record in found] == sorted(active)


def test_forward_only_paging_goes_on_after_an_id(client: Client) -> None:
    client.headers |= {"pagination-type": "forward-only"}
    answer = client.cw("GET", "/company/companies", fields="id", pageSize=40)
    assert "pageId=" in answer.links["next"]["url"]
    after = client.read("/company/companies", fields="id", pageSize=40, pageId=answer.json()[-1]["id"])
    assert after[0]["id"] > answer.json()[-1]["id"]
    assert client.cw("GET", "/company/companies", orderBy="id").status_code == 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('identifier="delta ltd" or identifier = "DELTALTD"', {"Delta Ltd"}),
        ('name like "Delta*" and not (name contains "gmbh")', {"Delta Ltd"}),
        ('name like "%elta G%"', {"Delta GmbH"}),
        ('name in ("Delta Ltd","Delta GmbH")', {"Delta Ltd", "Delta GmbH"}),
        ('name contains "Delta" and name not in ("Delta Ltd")', {"Delta GmbH"}),
        ('name="\\"Quoted\\" & O\'Brien Daughters"', {'"Quoted" & O\'Brien Daughters'}),
        ('name="株式会社ひかり"', {"株式会社ひかり"}),
        ('name="Mistral Sails" and deletedFlag=True', {"Mistral Sails"}),
        ('name="Mistral Sails" and deletedFlag=False', set()),
        ('name contains "Delta" and parentCompany/id=null', {"Delta Ltd", "Delta GmbH"}),
        (
            'name contains "Delta" and defaultContact/id != null and status/name="Active"',
            {"Delta Ltd", "Delta GmbH"},
        ),
        ('name contains "Delta" and lastUpdated > [2020-01-01T00:00:00Z]', {"Delta Ltd", "Delta GmbH"}),
        ('name contains "Delta" and _info/lastUpdated > [2030-01-01T00:00:00Z]', set()),
        ('name contains "Delta" and id>=0 and id<100000', {"Delta Ltd", "Delta GmbH"}),
    ],
)
def test_conditions_select(client: Client, text: str, expected: set[str]) -> None:
    found = client.read("/company/companies", conditions=text, fields="name", pageSize=1000)
    assert {record["name"] for record in found} == expected
    assert client.read("/company/companies/count", conditions=text) == {"count": len(found)}


@pytest.mark.parametrize(
    "text",
    [
        "name",
        "name=Delta",
        "name='Delta'",
        'nam="Delta"',
        'Name="Delta"',
        'name="Delta',
        'name="Delta" and',
        '(name="Delta"',
        'name="Delta")',
        'name = "x" name = "y"',
        'id="5"  and id in ()',
        'id = "5" or id > [yesterday]',
        "name > null",
        "status/colour=1",
        "id=5;",
        "name like 5",
        "identifier=5",
    ],
)
def test_a_condition_that_connectwise_cannot_read_is_400(client: Client, text: str) -> None:
    assert client.cw("GET", "/company/companies", conditions=text).status_code == 400


def test_child_and_custom_field_conditions_look_into_arrays(client: Client) -> None:
    marked = next(
        record
        for record in client.sandbox.connectwise.additions.values()
        if any("value" in custom for custom in record["customFields"])
    )
    value = marked["customFields"][0]["value"]
    path = f"/finance/agreements/{marked['agreementId']}/additions"
    text = f'caption="Subscription ID" and value="{value}"'
    assert marked["id"] in {record["id"] for record in client.read(path, customFieldConditions=text)}
    assert client.read(path, customFieldConditions='caption="Subscription ID" and value="x"') == []
    assert client.cw("GET", path, customFieldConditions='value in ("x")').status_code == 400
    vendors = client.read("/company/companies", childConditions='types/name="Vendor"', pageSize=1000)
    assert vendors
    assert all(record["types"][0]["name"] == "Vendor" for record in vendors)


def test_fields_are_those_asked_for(client: Client) -> None:
    found = client.read("/finance/agreements", fields="id,company/id,type/name", pageSize=1)[0]
    assert set(found) == {"id", "company", "type"}
    assert set(found["company"]) == {"id"}
    assert "_info" in client.read("/finance/agreements", fields="_info", pageSize=1)[0]
    assert "_info" in client.read("/finance/agreements", pageSize=1)[0]
    assert client.cw("GET", "/finance/agreements", fields="id,nme").status_code == 400


def test_order_by_sorts_both_ways(client: Client) -> None:
    names = [r["name"] for r in client.read("/company/companies", orderBy="name desc, id asc", pageSize=1000)]
    assert names == sorted(names, key=str.casefold, reverse=True)
    assert client.cw("GET", "/company/companies", orderBy="height").status_code == 400


def test_a_query_of_more_than_2000_characters_is_414(client: Client) -> None:
    text = f"id in ({','.join(str(n) for n in range(1000))})"
    assert client.cw("GET", "/company/companies", conditions=text).status_code == 414


def test_a_parameter_that_no_request_has_is_400(client: Client) -> None:
    assert client.cw("GET", "/company/companies", condition="id=1").status_code == 400


def test_additions_are_listed_under_their_agreement_only(client: Client) -> None:
    addition = active_addition(client.sandbox)
    assert client.read(place(addition))["extPrice"] == addition["quantity"] * addition["unitPrice"]
    stranger = place(addition).replace(f"/{addition['agreementId']}/", "/1/")
    if addition["agreementId"] == 1:
        stranger = place(addition).replace("/1/", "/2/")
    assert client.cw("GET", stranger).status_code == 404
    assert client.cw("GET", "/finance/additions").status_code == 404


def test_money_is_a_json_number_with_all_its_decimals(client: Client) -> None:
    item = next(i for i in client.sandbox.connectwise.catalog.values() if i["cost"] == Decimal("3.4567"))
    assert '"cost":3.4567' in client.cw("GET", f"/procurement/catalog/{item['id']}").text


# Writing to ConnectWise

COMPANY = {"identifier": "NEWCO", "name": "New Company", "city": "Testford"}


def test_a_company_gets_its_defaults_and_can_be_read_back(client: Client) -> None:
    answer = client.cw("POST", "/company/companies", COMPANY | {"types": [{"name": "Client"}]})
    assert answer.status_code == 201
    made = client.read(f"/company/companies/{answer.json()['id']}")
    assert made["status"]["name"] == "Active"
    assert made["types"][0]["name"] == "Client"
    assert made["deletedFlag"] is False
    assert made["currency"]["currencyCode"] == "EUR"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"identifier": None}, "MissingRequiredField identifier"),
        ({"name": ""}, "MissingRequiredField name"),
        ({"city": None}, "MissingRequiredField addressLine1"),
        ({"identifier": "X" * 31}, "MaxLength identifier"),
        ({"name": "X" * 51}, "MaxLength name"),
        ({"zip": "1234567890123"}, "MaxLength zip"),
        ({"identifier": "deltaltd"}, "ObjectExists identifier"),
        ({"nickName": "x"}, "InvalidField nickName"),
        ({"status": {"id": 999}}, "NotFound status/id"),
        ({"country": {"name": "Atlantis"}}, "NotFound country/id"),
        ({"name": 5}, "InvalidField name"),
        ({"annualRevenue": "5"}, "InvalidField annualRevenue"),
        ({"dateAcquired": "2026-10-01T00:00:00.000Z"}, "InvalidField dateAcquired"),
        ({"dateAcquired": "2026-10-01"}, "InvalidField dateAcquired"),
        ({"leadFlag": "true"}, "InvalidField leadFlag"),
    ],
)
def test_a_company_that_breaks_a_rule_is_refused(client: Client, changed: dict[str, Any], error: str) -> None:
    before = len(client.sandbox.connectwise.companies)
    answer = client.cw("POST", "/company/companies", COMPANY | changed)
    assert codes(answer) == (400, "InvalidObject", error)
    assert len(client.sandbox.connectwise.companies) == before


def test_the_longest_identifier_depends_on_the_release(client: Client) -> None:
    client.sandbox.connectwise.limits["companies", "identifier"] = 25
    answer = client.cw("POST", "/company/companies", COMPANY | {"identifier": "X" * 26})
    assert codes(answer) == (400, "InvalidObject", "MaxLength identifier")


def test_an_agreement_needs_a_contact_of_its_own_company(client: Client) -> None:
    company = client.cw("POST", "/company/companies", COMPANY).json()
    body = {"name": "Cloud", "type": {"id": 1}, "company": {"id": company["id"]}}
    assert codes(client.cw("POST", "/finance/agreements", body))[2] == "MissingRequiredField contact"
    stranger = next(iter(client.sandbox.connectwise.contacts))
    refused = client.cw("POST", "/finance/agreements", body | {"contact": {"id": stranger}})
    assert codes(refused)[2] == "InvalidField contact"
    contact = client.cw(
        "POST",
        "/company/contacts",
        {
            "firstName": "Ada",
            "lastName": "Made-Up",
            "company": {"id": company["id"]},
            "defaultFlag": True,
            "communicationItems": [
                {"type": {"name": "Email"}, "value": "ada@new.example", "communicationType": "Email"}
            ],
        },
    ).json()
    assert client.sandbox.connectwise.companies[company["id"]]["defaultContact"]["id"] == contact["id"]
    body |= {"contact": {"id": contact["id"]}, "startDate": "2026-10-01T00:00:00Z"}
    made = client.cw("POST", "/finance/agreements", body).json()
    assert made["billingCycle"]["name"] == "Monthly"
    assert made["nextInvoiceDate"] == "2026-10-31T00:00:00Z"
    assert made["agreementStatus"] == "Active"
    again = client.cw("POST", "/finance/agreements", body | {"name": "CLOUD"})
    assert codes(again) == (400, "InvalidObject", "ObjectExists name")


def test_a_contacts_mail_address_must_be_of_a_mail_type(client: Client) -> None:
    item = {"type": {"name": "Direct"}, "value": "ada@new.example", "communicationType": "Email"}
    answer = client.cw("POST", "/company/contacts", {"firstName": "Ada", "communicationItems": [item]})
    assert answer.status_code == 400


def test_a_catalog_item_takes_its_category_from_the_subcategory(client: Client) -> None:
    body = {
        "identifier": "CL-NEW",
        "description": "New product",
        "customerDescription": "New product,\nwith a line break",
        "subcategory": {"name": "Backup"},
        "type": {"id": 1},
        "price": Decimal("1.10"),
    }
    made = client.cw("POST", "/procurement/catalog", body).json()
    assert made["category"]["name"] == "Cloud"
    assert made["customerDescription"] == "New product, with a line break"
    assert made["productClass"] == "NonInventory"
    assert codes(client.cw("POST", "/procurement/catalog", body))[2] == "ObjectExists identifier"
    long = body | {"identifier": "CL-LONG", "description": "x" * 61}
    assert codes(client.cw("POST", "/procurement/catalog", long))[2] == "MaxLength description"


def test_an_addition_takes_price_and_cost_from_its_product(client: Client) -> None:
    item = next(i for i in client.sandbox.connectwise.catalog.values() if not i["inactiveFlag"])
    body: dict[str, Any] = {"product": {"id": item["id"]}, "quantity": 3}
    path = "/finance/agreements/1/additions"
    assert codes(client.cw("POST", path, body))[2] == "MissingRequiredField billCustomer"
    body |= {
        "billCustomer": "Billable",
        "effectiveDate": "2026-10-01T00:00:00Z",
        "customFields": [{"caption": "Subscription ID", "value": "abc"}],
    }
    made = client.cw("POST", path, body).json()
    stored = client.sandbox.connectwise.additions[made["id"]]
    assert (stored["unitPrice"], stored["unitCost"]) == (item["price"], item["cost"])
    assert [custom.get("value") for custom in made["customFields"]] == ["abc", None]
    assert made["agreementId"] == 1
    assert codes(client.cw("POST", path, body | {"quantity": "3"}))[2] == "InvalidField quantity"
    assert codes(client.cw("POST", path, body | {"billCustomer": "Yes"}))[2] == "InvalidField billCustomer"
    client.sandbox.connectwise.user_defined_fields[42]["requiredFlag"] = True
    assert codes(client.cw("POST", path, body))[2] == "MissingRequiredField customFields"
    client.sandbox.connectwise.user_defined_fields[42]["requiredFlag"] = False
    item["productClass"] = "Bundle"
    assert codes(client.cw("POST", path, body))[2] == "InvalidField product"


def test_a_patch_changes_the_field_and_the_time_of_change(client: Client) -> None:
    addition = active_addition(client.sandbox)
    before = addition["_info"]["lastUpdated"]
    body = [{"op": "replace", "path": "quantity", "value": Decimal("0.1")}]
    answer = client.cw("PATCH", place(addition), body)
    assert answer.status_code == 200
    assert '"quantity":0.1,' in answer.text
    stored = client.sandbox.connectwise.additions[addition["id"]]
    assert stored["quantity"] == Decimal("0.1")
    assert stored["_info"]["lastUpdated"] > before


@pytest.mark.parametrize("path", ["/quantity", "product/identifier", "customFields/value"])
def test_a_patch_inside_an_object_is_a_false_200(client: Client, path: str) -> None:
    addition = dict(active_addition(client.sandbox))
    answer = client.cw("PATCH", place(addition), [{"op": "replace", "path": path, "value": 7}])
    assert answer.status_code == 200
    assert client.sandbox.connectwise.additions[addition["id"]] == addition


@pytest.mark.parametrize(
    "step",
    [
        {"op": "replace", "path": "Quantity", "value": 7},
        {"op": "replace", "path": "units", "value": 7},
        {"op": "replace", "path": "quantity", "value": "7"},
        {"op": "replace", "path": "quantity", "value": True},
        {"op": "replace", "path": "cancelledDate", "value": "2026-10-31T00:00:00.000Z"},
        {"op": "move", "path": "quantity", "value": 7},
        {"op": "remove", "path": "product"},
        {"op": "replace", "path": "id", "value": 7},
    ],
)
def test_a_wrong_patch_is_400_and_changes_nothing(client: Client, step: dict[str, Any]) -> None:
    addition = dict(active_addition(client.sandbox))
    good = {"op": "replace", "path": "lessIncluded", "value": 1}
    answer = client.cw("PATCH", place(addition), [good, step])
    assert answer.status_code == 400
    assert client.sandbox.connectwise.additions[addition["id"]] == addition
    assert client.cw("PATCH", place(addition), step).status_code == 400


def test_custom_fields_are_replaced_as_a_whole(client: Client) -> None:
    addition = active_addition(client.sandbox)
    for customs, expected in (
        ([{"id": 41, "value": "a"}, {"id": 42, "value": "b"}], ["a", "b"]),
        ([{"id": 42, "value": "c"}], [None, "c"]),
        ([], [None, None]),
    ):
        body = [{"op": "replace", "path": "customFields", "value": customs}]
        answer = client.cw("PATCH", place(addition), body).json()
        assert [custom.get("value") for custom in answer["customFields"]] == expected


def test_what_changed_since_is_found_by_last_updated(client: Client) -> None:
    now = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=2)
    text = f"lastUpdated > [{now:%Y-%m-%dT%H:%M:%SZ}]"
    assert client.read("/company/companies", conditions=text) == []
    client.cw("PATCH", "/company/companies/20", [{"op": "replace", "path": "name", "value": "Renamed"}])
    assert [r["name"] for r in client.read("/company/companies", conditions=text)] == ["Renamed"]


def test_a_body_that_is_no_json_is_refused(client: Client) -> None:
    url = f"{client.sandbox.url}{API}/company/companies"
    for data, kind, status in ((b"{", "application/json", 400), (b"a=b", "text/plain", 415)):
        headers = client.headers | {"Content-Type": kind}
        answer = client.session.post(url, data, headers=headers, auth=client.keys, timeout=10)
        assert answer.status_code == status


def test_invoicing_an_agreement_bills_its_additions_and_moves_its_date(client: Client) -> None:
    path = "/finance/agreements/1"
    before = client.read("/finance/agreementrecap/1")
    answer = client.cw("POST", f"{path}/invoice")
    assert answer.status_code == 201
    made = client.read(f"/finance/invoices/{answer.json()}")
    assert made["type"] == "Agreement"
    assert made["agreement"]["id"] == 1
    assert made["total"] == before["nextInvoiceAmount"] > 0
    assert before["nextInvoiceDate"] == "2026-10-31T00:00:00Z"
    assert client.read(path)["nextInvoiceDate"] == "2026-11-30T00:00:00Z"
    after = client.read("/finance/agreementrecap/1")
    assert after["lastInvoiceNumber"] == made["invoiceNumber"]
    assert (before["unbilledPeriods"], after["unbilledPeriods"]) == (1, 0)
    assert client.cw("GET", f"/finance/invoices/{answer.json()}/pdf").content.startswith(b"%PDF")
    cancelled = next(a for a in client.sandbox.connectwise.agreements.values() if a["cancelledFlag"])
    assert client.cw("POST", f"/finance/agreements/{cancelled['id']}/invoice").status_code == 400


def test_deleting_works_so_that_tests_can_see_that_it_is_never_done(client: Client) -> None:
    addition = active_addition(client.sandbox)
    assert client.cw("DELETE", place(addition)).status_code == 204
    assert client.cw("GET", place(addition)).status_code == 404
    assert [request.method for request in client.sandbox.writes] == ["DELETE"]
    assert client.cw("PUT", place(addition)).status_code == 405


# Failing


def patch(client: Client, value: int) -> requests.Response:
    addition = client.sandbox.connectwise.additions[1]
    return client.cw("PATCH", place(addition), [{"op": "replace", "path": "quantity", "value": value}])


@pytest.mark.parametrize(
    ("kind", "committed"), [("refuse", False), ("hang-up-before", False), ("hang-up-after", True)]
)
def test_hanging_up_commits_or_not(client: Client, kind: str, committed: bool) -> None:
    assert patch(client, 501).status_code == 200
    client.sandbox.fail(kind, write=2)
    assert patch(client, 502).status_code == 200
    with pytest.raises(requests.ConnectionError):
        patch(client, 503)
    assert client.sandbox.connectwise.additions[1]["quantity"] == (503 if committed else 502)
    assert [request.status for request in client.sandbox.writes] == [200, 200, None]
    assert patch(client, 504).status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "committed"),
    [("error", 500, False), ("error-json", 500, False), ("error-after", 500, True), ("busy", 429, False)],
)
def test_errors_are_answered_as_told(client: Client, kind: str, status: int, committed: bool) -> None:
    client.sandbox.fail(kind, path="^PATCH /finance/agreements", times=2, seconds=3)
    assert client.cw("GET", "/company/countries").status_code == 200
    answers = [patch(client, value) for value in (601, 602)]
    assert [answer.status_code for answer in answers] == [status, status]
    assert (client.sandbox.connectwise.additions[1]["quantity"] == 602) is committed
    assert answers[0].headers.get("Retry-After") == ("3" if kind == "busy" else None)
    assert patch(client, 603).status_code == 200


def test_a_delay_lets_the_client_give_up_first(client: Client) -> None:
    client.sandbox.fail("delay", path="GET /company/countries", seconds=30)
    url = f"{client.sandbox.url}{API}/company/countries"
    with pytest.raises(requests.ReadTimeout):
        requests.get(url, headers=client.headers, auth=client.keys, timeout=0.2)


def test_a_function_is_called_before_or_after_committing(client: Client) -> None:
    seen: list[Decimal] = []

    def look() -> None:
        seen.append(client.sandbox.connectwise.additions[1]["quantity"])

    before = client.sandbox.connectwise.additions[1]["quantity"]
    client.sandbox.fail("call", write=1, call=look)
    client.sandbox.fail("call-after", write=2, call=look)
    patch(client, 701)
    patch(client, 702)
    assert seen == [before, 702]


def test_requests_are_answered_side_by_side(client: Client) -> None:
    together = threading.Barrier(3, timeout=10)
    client.sandbox.fail("call", path="GET /company/countries", times=3, call=together.wait)
    url = f"{client.sandbox.url}{API}/company/countries"

    def ask(_: int) -> int:
        return requests.get(url, headers=client.headers, auth=client.keys, timeout=10).status_code

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(ask, range(3))) == [200, 200, 200]


def test_after_a_reset_all_is_as_it_began(tmp_path: Path) -> None:
    with Sandbox(state=tmp_path) as sandbox:
        client = Client(sandbox)
        with client.session:
            patch(client, 5)
            sandbox.bss.invoices.clear()
            sandbox.fail("error", path=".*", times=99)
            sandbox.reset()
            assert sandbox.log == []
            assert client.read("/finance/agreements/count")
        fresh = Sandbox()
        sandbox.connectwise.journal = None
        assert sandbox.connectwise == fresh.connectwise
        assert sandbox.bss == fresh.bss
    assert Sandbox(state=tmp_path).connectwise.additions == fresh.connectwise.additions


def test_an_unknown_way_to_fail_is_an_error(client: Client) -> None:
    with pytest.raises(ValueError, match="explode"):
        client.sandbox.fail("explode")
    with pytest.raises(ValueError, match="function"):
        client.sandbox.fail("call")


# Serving


def test_the_log_tells_what_was_asked_and_answered_without_secrets(client: Client) -> None:
    client.read("/company/companies", conditions="id=20", fields="id")
    patch(client, 5)
    client.bss("/api/products")
    read, write, token, products = client.sandbox.log
    assert (read.number, read.service, read.method, read.path) == (
        1,
        "connectwise",
        "GET",
        "/company/companies",
    )
    assert read.query == {"conditions": "id=20", "fields": "id"}
    assert (write.is_write, write.body[0]["value"], write.status) == (True, 5, 200)
    assert (token.service, token.path, token.body, token.is_write) == ("bss", "/oauth/token", None, False)
    assert products.path == "/api/products"
    assert "Authorization" not in read.headers


def test_a_connection_serves_many_requests_and_big_answers_are_compressed(client: Client) -> None:
    answers = [client.cw("GET", "/procurement/catalog", pageSize=300) for _ in range(3)]
    assert {answer.headers["Content-Encoding"] for answer in answers} == {"gzip"}
    assert all(len(answer.json()) == 300 for answer in answers)
    assert client.sandbox._server is not None
    assert len(client.sandbox._server.connections) == 1


def test_after_stop_nothing_answers_and_a_taken_port_is_told(client: Client) -> None:
    port = int(client.sandbox.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Sandbox(port=port).start()
    assert client.cw("GET", "/company/countries").status_code == 200
    patch(client, 7)
    client.sandbox.stop()
    with pytest.raises(requests.ConnectionError):
        client.cw("GET", "/company/countries")
    client.sandbox.start()
    assert client.sandbox.url == f"http://127.0.0.1:{port}"
    assert client.read(place(client.sandbox.connectwise.additions[1]))["quantity"] == 7


def test_a_client_that_goes_away_before_the_answer_leaves_no_connection_open(sandbox: Sandbox) -> None:
    server = sandbox._server
    assert server is not None
    served: list[socket.socket] = []
    left = threading.Event()

    def leave() -> None:
        served.extend(server.connections)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        connection.close()  # with nothing to linger for: a reset, so that the answer cannot be written
        left.set()

    sandbox.fail("call", path="GET /company/countries", call=leave)
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(f"GET {API}/company/countries HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    assert left.wait(10)
    sandbox.stop()
    assert [connection.fileno() for connection in served] == [-1]


def test_the_environ_names_every_setting_of_both_systems(sandbox: Sandbox) -> None:
    assert len(sandbox.environ) == 10
    assert all(re.fullmatch(r"XLSYNC_(BSS|CW)_[A-Z_]+", name) for name in sandbox.environ)


def test_the_state_folder_keeps_writes_between_runs(tmp_path: Path) -> None:
    with Sandbox(state=tmp_path / "state") as first:
        client = Client(first)
        with client.session:
            patch(client, 801)
            made = client.cw("POST", "/company/companies", COMPANY).json()["id"]
            client.cw("POST", "/finance/agreements/1/invoice")
            client.cw("DELETE", place(first.connectwise.additions[2]))
        kept = first.connectwise
    second = Sandbox(state=tmp_path / "state").connectwise
    assert second.companies[made]["identifier"] == "NEWCO"
    assert second.additions[1]["quantity"] == Decimal(801)
    assert 2 not in second.additions
    assert {name: second.table(name) for name in ("companies", "agreements", "additions", "invoices")} == {
        name: kept.table(name) for name in ("companies", "agreements", "additions", "invoices")
    }


def test_a_torn_last_line_of_the_state_is_ignored(tmp_path: Path) -> None:
    for value in (811, 812):
        with Sandbox(state=tmp_path) as running:
            client = Client(running)
            with client.session:
                patch(client, value)
        with (tmp_path / "writes.jsonl").open("a", encoding="utf-8") as file:
            file.write('[["additions", 1, {"quan')
    assert Sandbox(state=tmp_path).connectwise.additions[1]["quantity"] == Decimal(812)


def test_the_state_of_another_seed_is_set_aside(tmp_path: Path) -> None:
    with Sandbox(state=tmp_path) as running:
        client = Client(running)
        with client.session:
            patch(client, 821)
    assert Sandbox(state=tmp_path, seed=2).connectwise.additions[1]["quantity"] != Decimal(821)
    assert (tmp_path / "writes.old").exists()


# The official description


def strict(schema: Any) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema: nullable is a type, and no unknown property is allowed."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    turned = {name: strict(part) for name, part in schema.items() if name not in {"nullable", "example"}}
    if schema.get("nullable") and isinstance(schema.get("type"), str):
        turned["type"] = [schema["type"], "null"]
        if "enum" in turned:
            turned["enum"] = [*turned["enum"], None]
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        turned["additionalProperties"] = False
    return turned


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="the official description is not part of the project")
def test_every_record_served_is_valid_under_the_official_description(client: Client) -> None:
    description = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    components = strict({"schemas": description["components"]["schemas"]})
    lists = {
        path: operation["get"]["responses"]["200"]["content"]
        for path, operation in description["paths"].items()
        if "get" in operation and operation["get"]["responses"].get("200", {}).get("content")
    }
    state = client.sandbox.connectwise
    agreements = {record["agreementId"] for record in state.additions.values()}
    checked = 0
    for path, content in lists.items():
        places = [path]
        if path == "/finance/agreements/{parentId}/additions":
            places = [path.replace("{parentId}", str(key)) for key in sorted(agreements)]
        schema = next(iter(content.values())).get("schema", {})
        if "{" in places[0] or path.endswith("/count") or schema.get("type") != "array":
            continue
        validator = jsonschema.Draft202012Validator({**strict(schema), "components": components})
        for where in places:
            answer = client.cw("GET", where, pageSize=1000)
            if answer.status_code == 404:
                continue  # a path that the sandbox does not have
            records = answer.json()
            validator.validate(records)
            checked += len(records)
    assert checked > 1000


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="the official description is not part of the project")
@pytest.mark.parametrize(
    ("table", "schema"),
    [
        ("companies", "Company"),
        ("contacts", "Contact"),
        ("agreements", "Agreement"),
        ("additions", "Addition"),
        ("catalog", "CatalogItem"),
    ],
)
def test_what_can_be_written_is_what_the_official_description_names(table: str, schema: str) -> None:
    description = json.loads(DESCRIPTION.read_text(encoding="utf-8"))["components"]["schemas"][schema]
    resource = RESOURCES[table]
    assert resource.known <= set(description["properties"])
    assert set(resource.required) == set(description.get("required", ()))
    for name, field in resource.fields.items():
        told = re.search(r"Max length: (\d+)", description["properties"][name].get("description", ""))
        if table != "companies" and field.kind == "text":  # a company's lengths changed with the releases
            assert field.limit == (int(told[1]) if told else None), name
        choices = description["properties"][name].get("enum")
        if field.kind == "choice":
            assert set(field.choices) == set(choices), name


# The demo


def test_only_one_command_at_a_time_uses_a_demo(tmp_path: Path) -> None:
    with (
        demo_settings(tmp_path),
        pytest.raises(XlsyncError, match="Another command is using the demo"),
        demo_settings(tmp_path, patience=0),
    ):
        pass
    with demo_settings(tmp_path, patience=0) as settings:
        assert settings.home == demo_home(tmp_path)


def test_a_second_command_waits_for_the_first(tmp_path: Path) -> None:
    entered = threading.Event()

    def second() -> None:
        with demo_settings(tmp_path):
            entered.set()

    with demo_settings(tmp_path):
        waiting = threading.Thread(target=second)
        waiting.start()
    waiting.join()
    assert entered.is_set()


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_lock_of_the_demo_that_cannot_be_used_is_told(tmp_path: Path, is_folder: bool) -> None:
    lock = demo_home(tmp_path) / "in-use.db"
    if is_folder:
        lock.mkdir(parents=True)
    else:
        lock.parent.mkdir()
        lock.write_text("no database " * 100)
    with pytest.raises(XlsyncError, match="The demo cannot begin"), demo_settings(tmp_path):
        pass
