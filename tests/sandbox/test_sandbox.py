"""The sandbox tells a month, fails as it is told, serves, and keeps what was written."""

from __future__ import annotations

import datetime as dt
import json
import re
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests

from tests.helpers.client import API, COMPANY, DESCRIPTION, Client, place
from xlsync.commands.demo import demo_home, demo_settings
from xlsync.errors import XlsyncError
from xlsync.sandbox.connectwise.fields import RECAP, RESOURCES
from xlsync.sandbox.listening import NO_LINGER
from xlsync.sandbox.server import Sandbox

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
    together = threading.Barrier(3, timeout=60)
    client.sandbox.fail("call", path="GET /company/countries", times=3, call=together.wait)
    url = f"{client.sandbox.url}{API}/company/countries"

    def ask(_: int) -> int:
        return requests.get(url, headers=client.headers, auth=client.keys, timeout=60).status_code

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
    assert left.wait(60)
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
            for record in records:
                record.pop("additionStatus", None)  # seen on live servers, not in the description
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
    assert resource.known - {"additionStatus"} <= set(description["properties"])
    assert set(resource.required) == set(description.get("required", ()))
    for name, field in resource.fields.items():
        if name == "additionStatus":
            continue  # seen on live servers, not in the description
        told = re.search(r"Max length: (\d+)", description["properties"][name].get("description", ""))
        if table != "companies" and field.kind == "text":  # a company's lengths changed with the releases
            assert field.limit == (int(told[1]) if told else None), name
        choices = description["properties"][name].get("enum")
        if field.kind == "choice":
            assert set(field.choices) == set(choices), name


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="the official description is not part of the project")
def test_every_field_that_the_official_description_names_may_be_asked_for() -> None:
    schemas = json.loads(DESCRIPTION.read_text(encoding="utf-8"))["components"]["schemas"]
    described = {name.casefold(): set(schema.get("properties", ())) for name, schema in schemas.items()}
    names = {"productCatalog": "catalogItem"}
    for resource in (*RESOURCES.values(), RECAP):
        fields = described.get(names.get(resource.name, resource.name).casefold(), set())
        assert fields <= resource.known, resource.name


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


@pytest.mark.parametrize(
    "line", [b"garbage", b"\xff\xfe", b"[1]", b'[["nothing", 1, {}]]', b'[["additions", 1, 5]]']
)
def test_a_damaged_state_of_the_demo_is_told_with_what_to_do(tmp_path: Path, line: bytes) -> None:
    with demo_settings(tmp_path):
        pass
    with (demo_home(tmp_path) / "sandbox" / "writes.jsonl").open("ab") as file:
        file.write(line + b"\n")
    told = r"The demo cannot begin: .*\(line 2 of .* cannot be read\)"
    with pytest.raises(XlsyncError, match=told) as refused, demo_settings(tmp_path):
        pass
    assert "to begin anew" in refused.value.hint


def test_heads_of_requests_are_read_in_whatever_way_programs_write_them(client: Client) -> None:
    port = int(client.sandbox.url.rpartition(":")[2])
    path = "/login/companyinfo/maplemsp"
    first = f"GET {path} HTTP/1.1\r\nhost: a\r\nX-ONE: 1\r\nx-one:2 \r\nconnection: Close\r\n\r\n"
    asked = "POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"
    for text, begins in (
        (first, "HTTP/1.1 200 OK"),
        (first.replace("HTTP/1.1", "HTTP/1.0"), "HTTP/1.1 200 OK"),
        (asked, "HTTP/1.1 100 Continue"),
        ("no request\r\n\r\n", ""),
    ):
        with socket.create_connection(("127.0.0.1", port), 60) as connection:
            connection.sendall(text.encode())
            if text is asked:
                answer = connection.recv(1000)
            else:
                answer = b"".join(iter(lambda: connection.recv(1000), b""))  # it is closed afterwards
        assert answer.decode().startswith(begins)
    seen = client.sandbox.log[0].headers
    assert (seen["Host"], seen["X-One"]) == ("a", "1,2")
