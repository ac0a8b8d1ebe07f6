"""Every request of a whole run is valid under ConnectWise's own description, taken at its word."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import NEW
from tests.helpers.world import Moments, approve_all
from xlsync.sandbox.server import ReceivedRequest

DESCRIPTION = Path(__file__).resolve().parents[3] / "shared/facts/connectwise/openapi-subset.json"
pytestmark = pytest.mark.skipif(not DESCRIPTION.exists(), reason="the description lies beside the repository")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_LENGTH = re.compile(r"max(?:imum)? length:?\s*(?:of\s*)?(\d+)", re.IGNORECASE)

# Fields that live servers show and the description does not name: asked for after an answer showed them.
SEEN_ON_LIVE_SERVERS = {("/finance/agreements/{parentId}/additions", "additionStatus")}


@cache
def description() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    return loaded


def operation(request: ReceivedRequest) -> tuple[str, dict[str, Any]]:
    """The one path of the description that fits, and its operation."""
    found = [
        (path, item)
        for path, item in description()["paths"].items()
        if re.fullmatch(re.sub(r"\{[^}]+\}", r"\\d+", path), request.path)
    ]
    literal = [one for one in found if "{" not in one[0].rpartition("/")[2]] or found
    assert len(literal) == 1, f"{request.path}: {[path for path, _ in found]}"
    path, item = literal[0]
    assert request.method.lower() in item, f"{request.method} {path} is not there"
    return path, item[request.method.lower()]


def resolved(thing: Mapping[str, Any]) -> dict[str, Any]:
    while "$ref" in thing:
        found: Any = description()
        for step in str(thing["$ref"]).removeprefix("#/").split("/"):
            found = found[step]
        thing = found
    return dict(thing)


def strict(thing: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """A schema for jsonschema that forbids every field it does not name, with the lengths of its texts."""
    schema = copy.deepcopy(resolved(thing))
    if depth > 6:
        return {}
    length = _LENGTH.search(schema.get("description", ""))
    if length and schema.get("type") == "string":
        schema["maxLength"] = min(int(length[1]), schema.get("maxLength", int(length[1])))
    if "properties" in schema:
        schema["properties"] = {name: strict(one, depth + 1) for name, one in schema["properties"].items()}
        schema["additionalProperties"] = False
    if "items" in schema:
        schema["items"] = strict(schema["items"], depth + 1)
    if schema.get("format") == "date-time":
        schema["pattern"] = f"^{_TIME.pattern}$"
    if schema.pop("nullable", False) and "type" in schema:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    schema.pop("format", None)
    return {name: value for name, value in schema.items() if not name.startswith("x-")}


def body_schema(of: Mapping[str, Any]) -> dict[str, Any]:
    body = resolved(of["requestBody"])
    return strict(next(iter(body["content"].values()))["schema"])


def record_schema(path: str) -> dict[str, Any]:
    """The schema of the record that stands at a path."""
    get = description()["paths"][path]["get"]
    return resolved(next(iter(get["responses"]["200"]["content"].values()))["schema"])


def check_query(request: ReceivedRequest, of: Mapping[str, Any], path: str) -> None:
    shared = description()["paths"][path].get("parameters", [])
    known = {resolved(one)["name"] for one in (*of.get("parameters", ()), *shared)}
    assert set(request.query) <= known, f"{request.path}: {set(request.query) - known}"
    assert 1 <= int(request.query.get("pageSize", 25)) <= 1000
    fields = request.query.get("fields", "")
    if fields:
        found = next(iter(of["responses"]["200"]["content"].values()))["schema"]
        schema = resolved(found)
        schema = resolved(schema["items"]) if "items" in schema else schema
        for name in fields.split(","):
            if (path, name) in SEEN_ON_LIVE_SERVERS:
                continue
            part = schema
            for step in name.split("/"):
                assert step in part["properties"], f"{path}: {name} is not a field"
                part = resolved(part["properties"][step])


def check_body(request: ReceivedRequest, of: Mapping[str, Any], path: str) -> None:
    if request.body is None:
        assert not resolved(of.get("requestBody", {})).get("required")
        return
    body = json.loads(json.dumps(request.body, default=float))
    assert not list(nulls(body)), f"{request.path}: nulls are left out"
    jsonschema.validate(body, body_schema(of))
    if request.method == "PATCH":
        schema = record_schema(path)
        for step in body:
            assert step["op"] in {"add", "replace", "remove"}
            assert step["path"] in schema["properties"], f"{step['path']} is no field"
            assert set(step) <= {"op", "path", "value"}
            if "value" in step:
                jsonschema.validate(step["value"], strict(schema["properties"][step["path"]]))


def nulls(thing: Any) -> Iterator[None]:
    if isinstance(thing, dict):
        for value in thing.values():
            yield from [None] if value is None else nulls(value)
    elif isinstance(thing, list):
        for value in thing:
            yield from nulls(value)


def assert_valid(request: ReceivedRequest) -> None:
    headers = {name.lower(): value for name, value in request.headers.items()}
    if request.path.startswith("/login/companyinfo/"):
        return  # the site's own page, not of the API
    path, of = operation(request)
    assert headers["clientid"]
    assert re.fullmatch(r"application/vnd\.connectwise\.com\+json; version=20\d\d\.\d", headers["accept"])
    check_query(request, of, path)
    if request.is_write:
        if request.body is not None:
            assert headers["content-type"] == "application/json; charset=utf-8"
        check_body(request, of, path)


@dataclass(frozen=True)
class Busy:
    """A run with every kind of write: what was asked for, and what it changed."""

    log: tuple[ReceivedRequest, ...]
    changes: Mapping[tuple[str, int], Mapping[str, Any]]  # of records that were there before
    addition: Mapping[str, Any]  # which a successor continues

    @property
    def writes(self) -> list[ReceivedRequest]:
        return [request for request in self.log if request.is_write]


@pytest.fixture(scope="module")
def busy(moments: Moments) -> Busy:
    with pytest.MonkeyPatch.context() as patch:
        desk = moments.desk_after(approve_all, patch)
        assert desk.check("--refresh").code == 0
        with desk.editing() as hand:
            hand.set(NEW, "customer:bss:622", {"Name": "Q" * 50, "Identifier": "Q" * 25})
        assert desk.apply().code == 0
        assert desk.check().code == 0
        changes = {key: of for key, of in desk.changes.items() if key in desk.before}
        return Busy(tuple(desk.sandbox.log), changes, dict(desk.addition(52)))


def test_every_request_of_a_whole_run_is_valid(busy: Busy) -> None:
    requests = [request for request in busy.log if request.service == "connectwise"]
    assert {request.method for request in requests} == {"GET", "POST", "PATCH"}
    for request in requests:
        assert_valid(request)


def test_every_request_of_doctor_and_of_its_write_test_is_valid(empty_desk: Desk) -> None:
    """But for the rights, which public clients read and the description does not name."""
    company = next(
        record["identifier"]
        for record in empty_desk.sandbox.connectwise.companies.values()
        if record.get("defaultContact") and not record["deletedFlag"]
    )
    empty_desk.sandbox.fail("demand-customs")
    assert empty_desk.run("doctor").code == 0
    assert empty_desk.run("doctor", "--write-test", str(company), "--yes").code == 0
    requests = [request for request in empty_desk.sandbox.log if request.service == "connectwise"]
    assert {request.method for request in requests} == {"GET", "POST", "PATCH"}
    for request in requests:
        if request.path != "/system/mysecurity":
            assert_valid(request)


def test_a_write_is_a_create_or_a_change_of_what_the_plan_may_touch(busy: Busy) -> None:
    kinds = {(r.method, re.sub(r"\d+", "N", r.path)) for r in busy.writes}
    assert kinds == {
        ("POST", "/company/companies"),
        ("POST", "/company/contacts"),
        ("POST", "/finance/agreements"),
        ("POST", "/procurement/catalog"),
        ("POST", "/finance/agreements/N/additions"),
        ("PATCH", "/finance/agreements/N/additions/N"),
    }
    steps = [step["path"] for r in busy.writes if r.method == "PATCH" for step in r.body]
    assert set(steps) == {"quantity", "unitCost", "cancelledDate"}


def test_price_and_description_are_never_touched_unless_a_row_says_so(busy: Busy) -> None:
    """The successor alone of all additions asked for names them: as they are on the one it continues."""
    names = ("unitPrice", "description", "invoiceDescription")
    posted = [r.body for r in busy.writes if r.method == "POST" and r.path.endswith("/additions")]
    told = [{name: body[name] for name in names if name in body} for body in posted]
    was = busy.addition
    assert len(told) == 5
    assert [named for named in told if named] == [{name: was[name] for name in names}]
    touched = {name for of in busy.changes.values() for name in of}
    assert touched == {"quantity", "unitCost", "cancelledDate"}


def test_the_bss_is_only_ever_read(busy: Busy) -> None:
    sent = {(r.method, r.path) for r in busy.log if r.service == "bss" and r.method != "GET"}
    assert sent <= {("POST", "/oauth/token")}


def test_the_strict_reading_of_the_description_refuses_what_it_should() -> None:
    """No test that cannot fail: the checks above do find a wrong field, a length, a date, a path."""
    company = body_schema(description()["paths"]["/company/companies"]["post"])
    good = {"identifier": "X", "name": "Y"}
    jsonschema.validate(good, company)
    for bad in (
        good | {"nickname": "Z"},
        {"name": "Y"},
        good | {"addressLine1": "x" * 51},
        good | {"dateAcquired": "2026-10-01T00:00:00.000Z"},
        good | {"country": {"id": 1, "colour": "red"}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, company)
    wrong = ReceivedRequest(
        number=1, service="connectwise", method="PATCH", path="/finance/agreements/1/additions/2",
        body=[{"op": "replace", "path": "product/id", "value": 1}],
    )  # fmt: skip
    path, of = operation(wrong)
    with pytest.raises(AssertionError):
        check_body(wrong, of, path)
