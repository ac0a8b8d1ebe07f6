"""The sandbox's ConnectWise is as strict as the real one is known to be."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
import requests

from tests.helpers.client import API, COMPANY, Client, active_addition, codes, place
from tests.helpers.still_clock import stop_clock

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
        ((), {"Accept": "*/*"}, 200),  # what curl and requests send by themselves
        ((), {"Accept": None}, 200),
    ],
)
def test_connectwise_wants_keys_client_id_and_a_version_that_it_knows_if_one_is_named(
    client: Client, keys: Any, headers: dict[str, Any], status: int
) -> None:
    url = f"{client.sandbox.url}{API}/company/companies"
    auth = client.keys if keys == () else keys
    answer = requests.get(url, headers=client.headers | headers, auth=auth, timeout=60)
    assert answer.status_code == status


def test_system_info_needs_no_credentials_and_company_info_names_the_release(client: Client) -> None:
    url = client.sandbox.url
    assert requests.get(f"{url}{API}/system/info", timeout=60).json()["isCloud"] is True
    info = requests.get(f"{url}/login/companyinfo/maplemsp", timeout=60).json()
    path = f"{url}/{info['Codebase']}apis/3.0/company/countries"
    assert client.session.get(path, headers=client.headers, auth=client.keys, timeout=60).status_code == 200
    stale = path.replace("2026", "2024")
    assert client.session.get(stale, headers=client.headers, auth=client.keys, timeout=60).status_code == 404
    assert requests.get(f"{url}/login/companyinfo/nobody", timeout=60).json() is None


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
        answer = client.session.get(link, headers=client.headers, auth=client.keys, timeout=60)
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
        if any(
            custom["caption"] == "Subscription ID" and custom["value"] for custom in record["customFields"]
        )
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
        ({"status": {"id": 999}}, "NotFound status/id"),
        ({"country": {"name": "Atlantis"}}, "NotFound country/id"),
        ({"name": 5}, "InvalidField name"),
        ({"annualRevenue": "5"}, "InvalidField annualRevenue"),
        ({"dateAcquired": "2026-10-01T00:00:00.000Z"}, "UnsupportedFormat dateAcquired"),
        ({"dateAcquired": "2026-10-01"}, "UnsupportedFormat dateAcquired"),
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
    assert made["customFields"][0] | {"connectWiseId": ""} == {
        "id": 51, "caption": "Contract Owner", "type": "Text", "entryMethod": "EntryField",
        "numberOfDecimals": 0, "value": None, "connectWiseId": "", "rowNum": 4,
        "userDefinedFieldRecId": 51, "podId": "35",
    }  # fmt: skip


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
    assert [custom["value"] for custom in made["customFields"]] == ["abc", None, None]
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
        ([{"id": 41, "value": "a"}, {"id": 42, "value": "b"}], ["a", "b", None]),
        ([{"id": 42, "value": "c"}, {"id": 43, "value": True}], [None, "c", True]),
        ([], [None, None, None]),
    ):
        body = [{"op": "replace", "path": "customFields", "value": customs}]
        answer = client.cw("PATCH", place(addition), body).json()
        assert [custom.get("value") for custom in answer["customFields"]] == expected


def test_what_changed_since_is_found_by_last_updated(client: Client) -> None:
    now = stop_clock(client.sandbox) - dt.timedelta(seconds=2)
    text = f"lastUpdated > [{now:%Y-%m-%dT%H:%M:%SZ}]"
    assert client.read("/company/companies", conditions=text) == []
    client.cw("PATCH", "/company/companies/20", [{"op": "replace", "path": "name", "value": "Renamed"}])
    assert [r["name"] for r in client.read("/company/companies", conditions=text)] == ["Renamed"]


def test_a_body_that_is_no_json_is_refused(client: Client) -> None:
    url = f"{client.sandbox.url}{API}/company/companies"
    for data, kind, status in ((b"{", "application/json", 400), (b"a=b", "text/plain", 415)):
        headers = client.headers | {"Content-Type": kind}
        answer = client.session.post(url, data, headers=headers, auth=client.keys, timeout=60)
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
