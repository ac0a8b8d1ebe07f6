"""Empty lists before a creation: records that the list lacks are counted, and nothing is made twice."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from xlsync.apply.actions import (
    Action,
    CreateAddition,
    CreateAgreement,
    CreateCatalogItem,
    CreateCompany,
    CreateContact,
)
from xlsync.apply.handlers import REVERSALS
from xlsync.apply.judging import judge
from xlsync.apply.lookup import Live
from xlsync.apply.plan import State
from xlsync.connectwise.client import ConnectWise
from xlsync.errors import ApiError
from xlsync.sandbox.server import Sandbox
from xlsync.settings import Creation


def there_is_the_company(sandbox: Sandbox) -> Action:
    company = next(one for one in sandbox.connectwise.companies.values() if not one["deletedFlag"])
    return CreateCompany(key="k", rows=("r",), name=company["name"], identifier="NEW1")


def there_is_the_contact(sandbox: Sandbox) -> Action:
    contact = next(one for one in sandbox.connectwise.contacts.values() if not one.get("inactiveFlag"))
    return CreateContact(
        key="k",
        rows=("r",),
        company=contact["company"]["id"],
        first_name=contact["firstName"],
        last_name=contact.get("lastName") or "",
    )


def there_is_the_agreement(sandbox: Sandbox) -> Action:
    there = next(one for one in sandbox.connectwise.agreements.values() if not one["cancelledFlag"])
    company = there["company"]["id"]
    return CreateAgreement(key="k", rows=("r",), company=company, contact=1, name=there["name"], type_id=1)


def there_is_the_product(sandbox: Sandbox) -> Action:
    item = next(one for one in sandbox.connectwise.catalog.values() if not one["inactiveFlag"])
    return CreateCatalogItem(
        key="k",
        rows=("r",),
        identifier="NEW1",
        description=item["description"],
        customer_description=item["description"],
        type_id=1,
        subcategory_id=1,
        code=item.get("vendorSku") or "",
    )


def there_is_the_addition(sandbox: Sandbox) -> Action:
    addition = next(one for one in sandbox.connectwise.additions.values() if not one.get("cancelledDate"))
    return CreateAddition(
        key="k",
        rows=("r",),
        agreement=addition["agreementId"],
        item=addition["product"]["id"],
        quantity=Decimal(addition["quantity"]) + 1,
        unit_cost=None,
        effective=None,
        customer="Contoso",
        product="Backup",
    )


KINDS = pytest.mark.parametrize(
    ("make", "path"),
    [
        (there_is_the_company, "/company/companies$"),
        (there_is_the_contact, "/company/contacts$"),
        (there_is_the_agreement, "/finance/agreements$"),
        (there_is_the_product, "/procurement/catalog$"),
        (there_is_the_addition, r"/finance/agreements/\d+/additions$"),
    ],
)


@KINDS
def test_nothing_is_created_on_the_strength_of_an_empty_list_whose_records_are_counted(
    sandbox: Sandbox, connectwise: ConnectWise, make: Callable[[Sandbox], Action], path: str
) -> None:
    sandbox.fail("empty", path=f"GET {path}", times=99)
    judged = judge(make(sandbox), Live(connectwise, Creation()))
    assert judged is not None
    assert judged.state is State.SKIPPED
    assert "gave an empty list, and counts" in judged.detail


@KINDS
def test_a_list_that_was_empty_once_is_read_again(
    sandbox: Sandbox, connectwise: ConnectWise, make: Callable[[Sandbox], Action], path: str
) -> None:
    action = make(sandbox)
    known = judge(action, Live(connectwise, Creation()))
    assert known is not None  # it is there, as it is wanted or otherwise
    sandbox.fail("empty", path=f"GET {path}")
    assert judge(action, Live(connectwise, Creation())) == known


@KINDS
def test_where_the_keys_may_not_count_an_empty_list_is_believed(
    sandbox: Sandbox, connectwise: ConnectWise, make: Callable[[Sandbox], Action], path: str
) -> None:
    sandbox.fail("empty", path=f"GET {path}", times=99)
    sandbox.fail("forbid", path="GET .*/count$", times=99)
    judged = judge(make(sandbox), Live(connectwise, Creation()))
    assert judged is None or "contact" in judged.detail


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("CreateAgreement", r"/finance/agreements/\d+/additions$"),
        ("CreateContact", "/finance/agreements$"),
        ("CreateCatalogItem", "/finance/agreements$"),
    ],
)
def test_nothing_is_taken_back_on_the_strength_of_an_empty_list_of_its_users(
    sandbox: Sandbox, connectwise: ConnectWise, kind: str, path: str
) -> None:
    state = sandbox.connectwise
    addition = next(one for one in state.additions.values() if not one.get("cancelledDate"))
    agreement = state.agreements[addition["agreementId"]]
    used = {
        "CreateAgreement": agreement["id"],
        "CreateContact": agreement["contact"]["id"],
        "CreateCatalogItem": addition["product"]["id"],
    }[kind]
    live = Live(connectwise, Creation())
    live.read_additions([agreement["id"]])
    find_users = REVERSALS[kind].find_users
    assert find_users(used, live, set(), [])
    sandbox.fail("empty", path=f"GET {path}", times=99)
    fresh = Live(connectwise, Creation())
    with pytest.raises(ApiError, match="gave an empty list, and counts"):
        find_users(used, fresh, set(), [])
