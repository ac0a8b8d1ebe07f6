"""What real ConnectWise servers were seen to do, and the failures that can be asked for."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
import requests
import simplejson

from tests.helpers.client import COMPANY, Client, active_addition, codes, place
from tests.helpers.still_clock import stop_clock

ADDITION: dict[str, Any] = {"product": {"id": 1}, "billCustomer": "Billable", "quantity": 1}
ADDITIONS = "/finance/agreements/1/additions"


def message(answer: requests.Response) -> str:
    body = answer.json()
    return str((body.get("errors") or [body])[0]["message"])


def agreement_body(client: Client) -> dict[str, Any]:
    """What an agreement of a company of the sandbox needs."""
    company = client.sandbox.connectwise.agreements[1]["company"]["id"]
    contact = client.sandbox.connectwise.agreements[1]["contact"]["id"]
    start = "2026-10-01T00:00:00Z"
    return {
        "name": "Cloud Services", "type": {"id": 1}, "company": {"id": company},
        "contact": {"id": contact}, "startDate": start,
    }  # fmt: skip


# As they are


def test_a_company_without_a_site_is_refused(client: Client) -> None:
    refused = client.cw("POST", "/company/companies", {**COMPANY, "site": None})
    assert refused.status_code == 400
    assert message(refused) == "Company Site name is required."


def test_a_company_id_in_use_is_refused_with_its_own_words(client: Client) -> None:
    refused = client.cw("POST", "/company/companies", COMPANY | {"identifier": "deltaltd"})
    assert message(refused) == "Company ID already in use."


def test_an_agreement_without_a_bill_start_date_bills_from_today_and_not_from_its_start(
    client: Client,
) -> None:
    today = stop_clock(client.sandbox).date()
    made = client.cw("POST", "/finance/agreements", agreement_body(client)).json()
    assert made["startDate"] == "2026-10-01T00:00:00Z"
    assert made["billStartDate"] == f"{today}T00:00:00Z"
    refused = client.cw(
        "POST", f"/finance/agreements/{made['id']}/additions",
        ADDITION | {"effectiveDate": f"{today - dt.timedelta(days=1)}T00:00:00Z"},
    )  # fmt: skip
    assert message(refused) == "effectiveDate cannot be less than the agreement billing start date."


def test_agreements_of_one_name_on_one_company_are_taken(client: Client) -> None:
    body = agreement_body(client) | {"name": client.sandbox.connectwise.agreements[1]["name"]}
    made = [client.cw("POST", "/finance/agreements", body).status_code for _ in range(2)]
    assert made == [201, 201]


def test_an_agreement_needs_the_custom_fields_that_the_tenant_demands(client: Client) -> None:
    client.sandbox.connectwise.user_defined_fields[51]["requiredFlag"] = True
    body = agreement_body(client)
    refused = client.cw("POST", "/finance/agreements", body)
    assert codes(refused) == (400, "InvalidObject", "MissingRequiredField customFields")
    body["customFields"] = [{"id": 51, "value": "Ada"}]
    assert client.cw("POST", "/finance/agreements", body).status_code == 201


@pytest.mark.parametrize(("day", "status"), [("2026-10-31", 400), ("2026-11-01", 201)])
def test_an_addition_in_an_invoiced_period_is_refused_where_the_agreement_does_not_prorate(
    client: Client, day: str, status: int
) -> None:
    assert client.cw("POST", "/finance/agreements/1/invoice").status_code == 201
    answer = client.cw("POST", ADDITIONS, ADDITION | {"effectiveDate": f"{day}T00:00:00Z"})
    assert answer.status_code == status
    if status == 400:
        assert message(answer).startswith("Since this period has already been invoiced there will not be an")
        client.sandbox.connectwise.agreements[1]["prorateFlag"] = True
        prorated = client.cw("POST", ADDITIONS, ADDITION | {"effectiveDate": f"{day}T00:00:00Z"})
        assert prorated.status_code == 201


def test_a_child_agreement_is_invoiced_with_its_parent(client: Client) -> None:
    agreements = client.sandbox.connectwise.agreements
    agreements[1]["parentAgreement"] = {"id": 2, "name": agreements[2]["name"], "_info": {}}
    assert client.cw("POST", "/finance/agreements/1/invoice").status_code == 400
    assert client.cw("POST", "/finance/agreements/2/invoice").status_code == 201
    refused = client.cw("POST", ADDITIONS, ADDITION | {"effectiveDate": "2026-10-31T00:00:00Z"})
    assert message(refused).startswith("Since this period has already been invoiced there will not be an")
    taken = client.cw("POST", ADDITIONS, ADDITION | {"effectiveDate": "2026-11-01T00:00:00Z"})
    assert taken.status_code == 201


def test_an_agreement_billed_on_the_first_is_invoiced_for_the_month_that_begins(client: Client) -> None:
    agreement = client.sandbox.connectwise.agreements[1]
    for day, following in (("2026-10-01", "2026-11-01"), ("2026-11-30", "2026-12-31")):
        agreement["nextInvoiceDate"] = f"{day}T00:00:00Z"
        assert client.cw("POST", "/finance/agreements/1/invoice").status_code == 201
        agreement = client.sandbox.connectwise.agreements[1]
        assert agreement["nextInvoiceDate"] == f"{following}T00:00:00Z"
    agreement["nextInvoiceDate"] = "2026-11-01T00:00:00Z"
    for day, status in (("2026-10-31", 400), ("2026-11-01", 201)):
        answer = client.cw("POST", ADDITIONS, ADDITION | {"effectiveDate": f"{day}T00:00:00Z"})
        assert answer.status_code == status


def test_a_404_is_an_absence_only_with_its_code(client: Client) -> None:
    gone, nowhere = client.cw("GET", "/company/contacts/57919"), client.cw("GET", "/company/nothing")
    assert (gone.status_code, gone.json()["code"]) == (404, "NotFound")
    assert gone.json()["message"] == "Contact 57919 not found"
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "ConnectWiseApi")
    assert nowhere.json()["message"] == "The endpoint does not exist."


def test_an_unknown_name_in_conditions_has_a_code_of_its_own(client: Client) -> None:
    refused = client.cw("GET", "/finance/agreements", conditions='invoiceDate="x"')
    assert (refused.status_code, refused.json()["code"]) == (400, "ApiFindCondition")
    assert refused.json()["message"] == "invoiceDate is not a recognized name."


def test_an_unknown_field_in_a_body_and_a_release_that_is_not_served_are_told(client: Client) -> None:
    refused = client.cw("POST", "/company/contacts", {"firstName": "A", "shoeSize": 4})
    assert refused.json()["code"] == "ConnectWiseApi"
    assert "Could not find member 'shoeSize' on object of type 'Contact'" in refused.json()["message"]
    client.sandbox.connectwise.releases = ("2026.1", "2026.4")
    client.headers["Accept"] = "application/vnd.connectwise.com+json; version=2025.1"
    refused = client.cw("GET", "/company/companies")
    assert refused.status_code == 400
    assert "does not support the API version '2025.1'" in refused.json()["message"]


def test_a_contact_needs_a_first_name(client: Client) -> None:
    refused = client.cw("POST", "/company/contacts", {"lastName": "Lovelace"})
    assert codes(refused) == (400, "InvalidObject", "MissingRequiredField firstName")
    assert message(refused) == "The firstName field is required."


def test_every_custom_field_stands_in_a_record_even_without_a_value(client: Client) -> None:
    addition = active_addition(client.sandbox)
    customs = client.read(place(addition))["customFields"]
    assert [custom["caption"] for custom in customs] == ["Subscription ID", "Subscription Name", "Reviewed"]
    assert {type(custom["value"]) for custom in customs} <= {str, type(None), bool}
    assert {"connectWiseId", "rowNum", "userDefinedFieldRecId"} <= set(customs[0])
    assert customs[0]["podId"] == "66"


def test_an_addition_tells_its_status_beside_that_of_its_agreement(client: Client) -> None:
    addition = active_addition(client.sandbox)
    assert client.read(place(addition))["additionStatus"] == "Active"
    body = [{"op": "replace", "path": "cancelledDate", "value": "2026-01-31T00:00:00Z"}]
    assert client.cw("PATCH", place(addition), body).json()["additionStatus"] == "Cancelled"
    path = f"/finance/agreements/{addition['agreementId']}/additions"
    ended = client.read(path, conditions='additionStatus="Cancelled"')
    assert addition["id"] in {record["id"] for record in ended}


def test_records_without_dates_are_written_like_others(client: Client) -> None:
    addition = active_addition(client.sandbox)
    del addition["effectiveDate"], client.sandbox.connectwise.agreements[1]["billStartDate"]
    body = [{"op": "replace", "path": "quantity", "value": 3}]
    assert client.cw("PATCH", place(addition), body).json()["quantity"] == 3
    made = client.cw("POST", ADDITIONS, ADDITION | {"effectiveDate": "2026-10-01T00:00:00Z"})
    assert made.status_code == 201


def test_a_creation_answers_the_whole_record(client: Client) -> None:
    made = client.cw("POST", ADDITIONS, ADDITION | {"effectiveDate": "2026-10-01T00:00:00Z"}).json()
    assert made == client.cw("GET", f"{ADDITIONS}/{made['id']}").json()


def test_ones_own_rights_can_be_read(client: Client) -> None:
    rights = {right["moduleFunctionName"]: right for right in client.read("/system/mysecurity")}
    assert rights["Agreements"]["inquireLevel"] == "All"
    assert rights["Invoicing"]["addLevel"] == "None"


def test_company_info_tells_the_site_and_the_codebase(client: Client) -> None:
    url = client.sandbox.url
    info = requests.get(f"{url}/login/companyinfo/maplemsp", timeout=60).json()
    assert url.endswith(info["SiteUrl"])
    client.sandbox.move_codebase("v2026_2/")
    stale = requests.get(
        f"{url}/{info['Codebase']}apis/3.0/company/countries",
        headers=client.headers, auth=client.keys, timeout=60,
    )  # fmt: skip
    assert (stale.status_code, stale.json()["message"]) == (404, "The endpoint does not exist.")
    assert requests.get(f"{url}/login/companyinfo/maplemsp", timeout=60).json()["Codebase"] == "v2026_2/"


# As they may be


def test_a_list_hides_what_is_new_while_a_read_by_id_finds_it(client: Client) -> None:
    stop_clock(client.sandbox)
    client.sandbox.fail("hide-new", seconds=120)
    made = client.cw("POST", "/company/companies", COMPANY).json()
    look = {"conditions": f'identifier="{made["identifier"]}"'}
    assert client.read("/company/companies", **look) == []
    assert client.read("/company/companies/count", **look) == {"count": 0}
    assert client.read(f"/company/companies/{made['id']}")["identifier"] == made["identifier"]
    client.sandbox.move_clock(121)
    assert [record["id"] for record in client.read("/company/companies", **look)] == [made["id"]]


def test_conditions_joined_by_and_may_be_met_by_nothing(client: Client) -> None:
    client.sandbox.fail("no-joins")
    company = client.sandbox.connectwise.agreements[1]["company"]["id"]
    one = f"company/id={company}"
    assert client.read("/finance/agreements", conditions=one)
    assert client.read("/finance/agreements", conditions=f"{one} and cancelledFlag=False") == []


@pytest.mark.parametrize("seconds", [1, 5, 30])
def test_a_write_may_land_after_the_connection_was_cut(client: Client, seconds: int) -> None:
    stop_clock(client.sandbox)
    client.sandbox.fail("commit-late", write=1, seconds=seconds)
    before = len(client.sandbox.connectwise.companies)
    with pytest.raises(requests.ConnectionError):
        client.cw("POST", "/company/companies", COMPANY)
    client.read("/company/companies", pageSize=1)
    assert len(client.sandbox.connectwise.companies) == before
    client.sandbox.move_clock(seconds)
    assert len(client.sandbox.connectwise.companies) == before + 1


@pytest.mark.parametrize("status", [502, 504, 520, 521, 522, 523, 524])
@pytest.mark.parametrize(("kind", "more"), [("gateway", 0), ("gateway-after", 1)])
def test_a_gateway_answers_before_and_after_the_fact(
    client: Client, status: int, kind: str, more: int
) -> None:
    client.sandbox.fail(kind, write=1, status=status)
    before = len(client.sandbox.connectwise.companies)
    answer = client.cw("POST", "/company/companies", COMPANY)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html")
    assert len(client.sandbox.connectwise.companies) == before + more


def test_a_list_may_be_empty_from_its_second_page_on(client: Client) -> None:
    client.sandbox.fail("empty", path="GET /procurement/catalog$", skip=1)
    assert len(client.read("/procurement/catalog")) == 25
    assert client.read("/procurement/catalog", page=2) == []
    assert len(client.read("/procurement/catalog", page=2)) == 25


def test_a_patch_may_have_to_name_the_custom_fields(client: Client) -> None:
    client.sandbox.fail("demand-customs", path="/finance/agreements/")
    addition = active_addition(client.sandbox)
    step = {"op": "replace", "path": "quantity", "value": 7}
    assert codes(client.cw("PATCH", place(addition), [step]))[2] == "InvalidField customFields"
    customs = client.read(place(addition))["customFields"]
    steps = [step, {"op": "replace", "path": "customFields", "value": customs}]
    assert client.cw("PATCH", place(addition), steps).json()["quantity"] == 7


def test_a_creation_may_store_another_quantity_or_price(client: Client) -> None:
    client.sandbox.fail("stores", fields={"quantity": Decimal(1), "unitPrice": Decimal("9.99")})
    body = ADDITION | {"quantity": 5, "effectiveDate": "2026-10-01T00:00:00Z"}
    made = simplejson.loads(client.cw("POST", ADDITIONS, body).text, use_decimal=True)
    assert (made["quantity"], made["unitPrice"]) == (1, Decimal("9.99"))


def test_reading_back_may_meet_no_endpoint(client: Client) -> None:
    client.sandbox.fail("no-endpoint", path=r"GET .*/additions/\d+$")
    addition = active_addition(client.sandbox)
    assert client.cw("GET", place(addition)).json()["code"] == "ConnectWiseApi"
    assert client.cw("GET", place(addition)).status_code == 200


def test_one_setup_table_may_be_forbidden(client: Client) -> None:
    client.sandbox.fail("forbid", path="/company/countries$")
    assert client.cw("GET", "/company/countries").status_code == 403
    assert client.cw("GET", "/company/companies/types").status_code == 200


def test_recaps_may_tell_their_dates_day_first(client: Client) -> None:
    client.sandbox.fail("day-first")
    assert client.read("/finance/agreementrecap/1")["nextInvoiceDate"] == "31/10/2026"
    recaps = client.read("/finance/agreementrecap/", conditions="id=1")
    assert recaps[0]["nextInvoiceDate"] == "31/10/2026"


def test_an_answer_may_be_cut_off_or_be_no_json(client: Client) -> None:
    client.sandbox.fail("cut", path="/company/countries")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        client.cw("GET", "/company/countries").json()
    client.sandbox.fail("not-json", path="/company/countries")
    assert client.cw("GET", "/company/countries").text.startswith("<html>")


def test_a_kind_of_failure_that_does_not_exist_is_an_error(client: Client) -> None:
    with pytest.raises(ValueError, match="explode is not one of"):
        client.sandbox.fail("explode")


@pytest.mark.parametrize(("level", "status"), [("All", 200), ("My", 200), ("None", 403)])
def test_the_level_my_hides_the_records_of_others_without_an_error(
    client: Client, level: str, status: int
) -> None:
    made = client.cw("POST", "/company/companies", COMPANY).json()
    rights = client.sandbox.connectwise.security.values()
    right = next(one for one in rights if one["moduleFunctionName"] == "Company Maintenance")
    right["inquireLevel"] = level
    answer = client.cw("GET", "/company/companies", fields="id")
    assert answer.status_code == status
    if level == "My":
        assert [record["id"] for record in answer.json()] == [made["id"]]
        assert client.read("/company/companies/count") == {"count": 1}


@pytest.mark.parametrize(
    ("function", "level", "method", "path", "body"),
    [
        ("Company Maintenance", "inquireLevel", "GET", "/company/companies/20", None),
        ("Company Maintenance", "addLevel", "POST", "/company/companies", COMPANY),
        ("Agreements", "addLevel", "POST", ADDITIONS, ADDITION),
        ("Agreements", "editLevel", "PATCH", "/finance/agreements/1", []),
        ("Agreements", "inquireLevel", "GET", ADDITIONS, None),
        ("Agreement Invoicing", "addLevel", "POST", "/finance/agreements/1/invoice", None),
    ],
)
def test_what_a_role_does_not_grant_is_forbidden(
    client: Client, function: str, level: str, method: str, path: str, body: Any
) -> None:
    rights = client.sandbox.connectwise.security.values()
    right = next(one for one in rights if one["moduleFunctionName"] == function)
    right[level] = "None"
    assert client.cw(method, path, body).status_code == 403
    right[level] = "All"
    assert client.cw(method, path, body).status_code in {200, 201}
