"""Requests as they are sent, authorized and paced: against a small server on loopback."""

from __future__ import annotations

import base64
import gzip
import json
import threading
import time
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import simplejson
from werkzeug import Request, Response

from tests.helpers.closed_port import closed_port
from tests.helpers.remote import Remote, reply
from xlsync.errors import ApiError
from xlsync.rest.pacing import Gate
from xlsync.rest.service import Call, Service


def test_numbers_come_in_and_go_out_as_exact_decimals(remote: Remote, service: Service) -> None:
    remote.answer = lambda request: Response(request.get_data(), content_type="application/json")
    text = '{"quantity": 0, "cost": 0.10, "big": 12345678901234567.89, "name": "Ünïcode 株"}'
    body = simplejson.loads(text, use_decimal=True)
    assert service.send("POST", "things", body) == body
    assert remote.bodies == [
        b'{"quantity": 0, "cost": 0.10, "big": 12345678901234567.89, "name": "\\u00dcn\\u00efcode \\u682a"}'
    ]


def test_quantity_zero_survives_both_ways(remote: Remote, service: Service) -> None:
    remote.answer = lambda _: Response(b'{"quantity": 0, "less": 0.0}', content_type="application/json")
    answer = service.send("PATCH", "a/1", [{"op": "replace", "path": "quantity", "value": Decimal(0)}])
    assert answer == {"quantity": 0, "less": Decimal("0.0")}
    assert isinstance(answer["less"], Decimal)
    assert json.loads(remote.bodies[0]) == [{"op": "replace", "path": "quantity", "value": 0}]


def test_a_read_carries_its_query_and_headers_and_no_content_type(remote: Remote, service: Service) -> None:
    service.get("company/companies", {"page": 1, "conditions": 'name="A & B+C"'})
    request = remote.requests[0]
    assert request.path == "/company/companies"
    assert request.args["conditions"] == 'name="A & B+C"'
    assert request.headers["clientId"] == "made-up-client"
    assert request.headers["Accept"] == "application/json"
    assert request.headers["User-Agent"].startswith("xlsync/")
    assert "gzip" in request.headers["Accept-Encoding"]
    assert "Content-Type" not in request.headers


def test_the_accept_header_of_the_service_is_kept(remote: Remote) -> None:
    accept = "application/vnd.connectwise.com+json; version=2025.1"
    with Service("ConnectWise", remote.url, headers={"Accept": accept}) as service:
        service.get("x")
        service.get_bytes("x.pdf")
    assert [request.headers["Accept"] for request in remote.requests] == [accept, "*/*"]


def test_bytes_come_as_they_are(remote: Remote, service: Service) -> None:
    remote.answer = lambda _: Response(gzip.compress(b"%PDF-1.7 \xff"), headers={"Content-Encoding": "gzip"})
    assert service.get_bytes("invoice.pdf") == b"%PDF-1.7 \xff"


def test_an_empty_answer_is_none(remote: Remote, service: Service) -> None:
    remote.script = [Response(status=204), Response(b"")]
    assert service.get("plan") is None
    assert service.get("plan") is None


def test_the_next_page_is_read_from_the_link_header(remote: Remote, service: Service) -> None:
    """The host in the header does not count: keys never go to another one."""
    remote.script = [reply([1], Link='<https://elsewhere.example/api/x?page=2>; rel="next"'), reply([2])]
    page = service.get_page("api/x", {"page": 1})
    assert page.data == [1]
    assert page.next_url == "https://elsewhere.example/api/x?page=2"
    last = service.get_page(page.next_url)
    assert (last.data, last.next_url) == ([2], None)
    assert remote.seen == [("GET", "/api/x?page=1"), ("GET", "/api/x?page=2")]


def test_one_connection_is_used_again() -> None:
    ports: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # which werkzeug's own server does not keep open

        def do_GET(self) -> None:
            ports.append(self.client_address[1])
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with Service("BSS", f"http://127.0.0.1:{server.server_port}", headers={}) as service:
            for _ in range(3):
                service.get("x")
        server.shutdown()
        thread.join()
    assert len(ports) == 3
    assert len(set(ports)) == 1


def test_cookies_are_not_kept(remote: Remote, service: Service) -> None:
    remote.script = [reply({}, Set_Cookie="session=abc")]
    service.get("x")
    service.get("x")
    assert "Cookie" not in remote.requests[1].headers


def test_basic_keys_are_sent_as_utf8(remote: Remote) -> None:
    with Service("ConnectWise", remote.url, headers={}, auth=("acme+public", "prïvate")) as service:
        service.get("x")
    sent = remote.requests[0].headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == "acme+public:prïvate"


def test_keys_of_a_netrc_file_are_never_sent(
    remote: Remote, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    service._connections.use_environment = True
    service.get("x")
    assert "Authorization" not in remote.requests[0].headers


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Service("BSS", remote.url, headers={}, patience=0) as service:
        assert service.get("x") == {}


def test_a_proxy_that_refuses_the_tunnel_means_not_sent(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.answer = lambda _: Response(status=407)
    monkeypatch.setenv("HTTPS_PROXY", remote.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with (
        Service("BSS", "https://bss.example.test", headers={}, patience=0) as service,
        pytest.raises(ApiError) as caught,
    ):
        service.send("POST", "x", {})
    assert (caught.value.sent, type(caught.value)) == (False, ApiError)


def test_a_token_is_asked_for_once_and_again_after_401(remote: Remote) -> None:
    tokens = iter(["Bearer one", "Bearer two"])
    good = {"Bearer one"}
    remote.answer = lambda request: reply({}, 200 if request.headers["Authorization"] in good else 401)
    with Service("BSS", remote.url, headers={}, authorize=lambda: next(tokens)) as service:
        service.get("x")
        service.get("x")
        good.clear()
        good.add("Bearer two")
        service.get("x")
    sent = [request.headers["Authorization"] for request in remote.requests]
    assert sent == ["Bearer one", "Bearer one", "Bearer one", "Bearer two"]


def test_a_second_401_is_an_error(remote: Remote) -> None:
    remote.answer = lambda _: reply({}, 401)
    asked = []
    service = Service("BSS", remote.url, headers={}, authorize=lambda: asked.append(1) or "Bearer x")
    with service, pytest.raises(ApiError) as caught:
        service.get("x")
    assert caught.value.status == 401
    assert "xlsync login" in caught.value.hint
    assert (len(remote.seen), len(asked)) == (2, 2)


def test_reads_side_by_side_renew_a_token_once(remote: Remote) -> None:
    tokens = iter(f"Bearer {n}" for n in range(100))
    remote.answer = lambda request: reply({}, 401 if request.headers["Authorization"] == "Bearer 0" else 200)
    with Service("BSS", remote.url, headers={}, authorize=lambda: next(tokens)) as service:
        assert service.get_many([Call("x")] * 40) == [{}] * 40
    assert next(tokens) == "Bearer 2"


def test_a_token_is_asked_for_with_a_form_and_counted(remote: Remote, service: Service) -> None:
    remote.answer = lambda _: reply({"access_token": "t"})
    assert service.post_form("oauth/token", {"username": "a b"}, auth=("k", "s")) == {"access_token": "t"}
    assert remote.bodies == [b"username=a+b"]
    assert remote.requests[0].headers["Authorization"] == "Basic " + base64.b64encode(b"k:s").decode()
    assert service.requests == 1


def test_a_refused_login_is_not_tried_again(remote: Remote) -> None:
    """Else hundreds of reads would lock the account."""
    remote.answer = lambda _: reply({"error": "invalid_grant"}, 400)
    service = Service("BSS", remote.url, headers={}, authorize=lambda: str(service.post_form("token", {})))
    with service:
        answers = service.get_many([Call("x")] * 20)
    assert all(isinstance(answer, ApiError) and answer.status == 400 for answer in answers)
    assert remote.seen == [("POST", "/token")]


def test_many_reads_keep_their_order_and_a_failed_one_its_place(remote: Remote, service: Service) -> None:
    remote.answer = lambda request: (
        reply({}, 404) if request.path == "/3" else reply([request.path, request.args.get("q")])
    )
    told: list[int] = []
    answers = service.get_many([Call(str(n), {"q": n}) for n in range(30)], told.append)
    assert told == list(range(1, 31))
    assert isinstance(answers[3], ApiError)
    assert [answer for n, answer in enumerate(answers) if n != 3] == [
        [f"/{n}", str(n)] for n in range(30) if n != 3
    ]


def test_at_most_so_many_run_side_by_side(remote: Remote) -> None:
    meet = threading.Barrier(3, timeout=60)

    def together(_: Request) -> Response:
        meet.wait()
        return reply({})

    remote.answer = together
    with Service("BSS", remote.url, headers={}, workers=3) as service:
        service.get_many([Call("x")] * 9)
    assert remote.most_beside == 3


def test_no_more_than_the_polite_rate_in_any_minute(remote: Remote) -> None:
    """A minute is 0.3 s here. What is measured holds on a slow machine too, which only ends reads later."""
    ends: list[float] = []
    with Service("BSS", remote.url, headers={}, per_minute=5, patience=0.005) as service:
        began = time.monotonic()
        service.get_many([Call("x")] * 17, lambda _: ends.append(time.monotonic()))
    assert [int((end - began) / 0.3) >= number // 5 for number, end in enumerate(ends)] == [True] * 17


@pytest.mark.parametrize(
    ("sent", "count", "minutes"),
    [(0, 0, 0), (0, 5, 0), (0, 6, 1), (0, 10, 1), (0, 11, 2), (3, 2, 0), (3, 3, 1), (5, 1, 1), (5, 6, 2)],
)
def test_the_rate_tells_how_long_so_many_requests_take(sent: int, count: int, minutes: int) -> None:
    gate = Gate(workers=8, per_minute=5, patience=1)
    for _ in range(sent):
        with gate:
            pass
    assert gate.seconds_for(count) == pytest.approx(60 * minutes, abs=29)


def test_a_429_pauses_every_request_and_halves_how_many_run(remote: Remote) -> None:
    remote.script = [reply({}, 429, Retry_After="30")]
    with Service("BSS", remote.url, headers={}, workers=8, patience=0.01) as service:
        service.get("x")
        assert service._gate._allowed == 4
        service.get_many([Call("x")] * 19)
        assert service._gate._allowed == 5
        service.get_many([Call("x")] * 100)
        assert service._gate._allowed == 8
    assert remote.times[1] - remote.times[0] >= 0.3


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_is_overrun_is_asked_by_fewer_side_by_side(remote: Remote, status: int) -> None:
    remote.script = [reply({}, status)]
    with Service("BSS", remote.url, headers={}, workers=8, patience=0.01) as service:
        assert service.get("x") == {}
        assert service._gate._allowed == 4


def test_an_interrupted_list_of_reads_sends_no_more(remote: Remote) -> None:
    """The second read waits until the list is interrupted; the one thread of all reads ends with it."""

    def answer(_: Request) -> Response:
        if len(remote.seen) > 1:
            remote.released.wait(60)
        return reply({})

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    remote.answer = answer
    with Service("reads in a row", remote.url, headers={}, workers=1) as service:
        with pytest.raises(KeyboardInterrupt):
            service.get_many([Call("x")] * 200, stop)
        remote.released.set()
        for thread in threading.enumerate():
            if thread.name.startswith("reads in a row"):
                thread.join(60)
    assert len(remote.seen) <= 2


def test_closing_ends_every_wait(remote: Remote) -> None:
    remote.answer = lambda _: reply({}, 429, Retry_After="100")
    service = Service("BSS", remote.url, headers={})
    answers: list[Any] = []
    reading = threading.Thread(target=lambda: answers.extend(service.get_many([Call("x")] * 9)))
    reading.start()
    while not remote.seen:
        reading.join(0.01)
    service.close()
    reading.join(60)
    assert len(answers) == 9
    assert all(isinstance(answer, ApiError) for answer in answers)
