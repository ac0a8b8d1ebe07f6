"""How requests are sent: against a small server on loopback that answers what a test says."""

from __future__ import annotations

import base64
import datetime as dt
import email.utils
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st
from remote import Remote, Silent, hang_up, reply
from werkzeug import Request, Response
from werkzeug.serving import make_server

from xlsync.errors import ApiError, ConfigError, NoAnswer
from xlsync.rest.failures import describe, retry_after
from xlsync.rest.service import Call, Service


@pytest.fixture
def service(remote: Remote) -> Iterator[Service]:
    with Service("ConnectWise", remote.url, headers={"clientId": "made-up-client"}, patience=0.001) as one:
        yield one


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


# --- what is sent and what comes back


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
    """Its host does not count: keys never go to another one."""
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
    service._session.trust_env = True
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


# --- errors


@pytest.mark.parametrize(
    ("status", "body", "words", "codes"),
    [
        (
            400,
            {
                "code": "InvalidObject",
                "message": "company object is invalid",
                "errors": [
                    {"code": "ObjectExists", "message": "That identifier is taken.", "field": "identifier"},
                    {"code": "MissingRequired", "message": "must not be empty", "field": "name"},
                ],
            },
            "company object is invalid; That identifier is taken.; name: must not be empty",
            ("InvalidObject", "ObjectExists", "MissingRequired"),
        ),
        (403, {"code": "Security", "message": "SSL is\r\nrequired.", "errors": None},
         "SSL is required.", ("Security",)),
        (
            404,
            {"type": "InvoiceNotFoundError", "code": "InvoiceNotFound", "developerMessage": "No invoice"},
            "No invoice",
            ("InvoiceNotFound", "InvoiceNotFoundError"),
        ),
        (400, {"error": "invalid_client"}, "invalid_client", ("invalid_client",)),
    ],
)  # fmt: skip
def test_an_error_tells_the_services_own_words_and_codes(
    remote: Remote, service: Service, status: int, body: object, words: str, codes: tuple[str, ...]
) -> None:
    remote.answer = lambda _: reply(body, status)
    with pytest.raises(ApiError) as caught:
        service.get("finance/agreements", {"conditions": "secret=1"})
    error = caught.value
    assert error.message == f"ConnectWise: GET /finance/agreements answered {status}: {words}"
    assert (error.status, error.codes, error.method, error.path) == (
        status,
        codes,
        "GET",
        "finance/agreements",
    )
    assert error.hint
    assert len(remote.seen) == 1


def test_of_a_page_only_its_title_is_shown(remote: Remote, service: Service) -> None:
    page = f"<html><title>Server\n Error &amp; {'x' * 400}</title><body>stack trace</body>"
    remote.answer = lambda _: Response(page, 500, content_type="text/html")
    with pytest.raises(ApiError) as caught:
        service.get("x")
    assert "answered 500: Server Error & xxx" in caught.value.message
    assert "stack" not in caught.value.message
    assert len(caught.value.message) < 260
    assert len(remote.seen) == 5


def test_a_page_in_place_of_json_is_an_error_of_a_read(remote: Remote, service: Service) -> None:
    remote.answer = lambda _: Response("<title>Sign in</title>", content_type="text/html")
    with pytest.raises(ApiError, match="with something that is not JSON: Sign in"):
        service.get("x")
    with pytest.raises(ApiError, match="not JSON"):
        service.post_form("token", {})


@pytest.mark.parametrize("status", [200, 400, 500])
def test_what_is_nested_without_end_is_no_json(remote: Remote, service: Service, status: int) -> None:
    remote.answer = lambda _: Response("[" * 200_000, status, content_type="application/json")
    with pytest.raises(ApiError, match="GET /x"):
        service.get("x")
    if status == 200:
        assert service.send("POST", "x", {}) is None  # it did act, and has to be looked up


def test_a_404_of_connectwise_names_the_keys_too(remote: Remote, service: Service) -> None:
    remote.answer = lambda _: reply(None, 404)
    with pytest.raises(ApiError) as caught:
        service.get("company/companies")
    assert "keys" in caught.value.hint
    assert len(remote.seen) == 1


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_not_followed(remote: Remote, service: Service, status: int) -> None:
    remote.answer = lambda _: Response(status=status, headers={"Location": "https://other.example/x?key=s"})
    with pytest.raises(ApiError) as caught:
        service.send("POST", "x", {})
    assert f"answered {status}: it sends the request on to https://other.example" in caught.value.message
    assert "XLSYNC_CW_URL" in caught.value.hint
    assert "key=s" not in caught.value.message
    assert len(remote.seen) == 1


def test_no_secret_stands_in_a_message(remote: Remote) -> None:
    said = "keys acme+public:hunter22 and made-up-client and tok-en-1 are wrong"
    remote.answer = lambda request: (
        reply({"access_token": "tok-en-1"}) if request.path == "/token" else reply({"message": said}, 400)
    )
    with (
        Service(
            "BSS",
            remote.url,
            headers={"clientId": "made-up-client"},
            authorize=lambda: (
                f"Bearer {service.post_form('token', {'password': 'hunter22'})['access_token']}"
            ),
        ) as service,
        pytest.raises(ApiError) as caught,
    ):
        service.get("x")
    assert caught.value.message.endswith(": keys acme+public:… and … and … are wrong")


def test_a_header_that_cannot_be_sent_is_told_without_its_value() -> None:
    with pytest.raises(ConfigError) as caught:
        Service("ConnectWise", "https://cw.example.com", headers={"clientId": "abc\n"})
    assert "clientId" in caught.value.message
    assert "abc" not in caught.value.message


# --- what is repeated, and what is not


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_read_is_repeated_while_the_service_is_busy(remote: Remote, service: Service, status: int) -> None:
    remote.script = [reply({}, status)] * 4 + [reply({"id": 1})]
    assert service.get("x") == {"id": 1}
    assert service.requests == len(remote.seen) == 5


def test_a_read_is_given_up_after_five_tries(remote: Remote, service: Service) -> None:
    remote.answer = lambda _: reply({"error": "ConnectWiseAPI", "message": "Too many requests"}, 429)
    with pytest.raises(ApiError, match="answered 429: Too many requests") as caught:
        service.get("x")
    assert caught.value.codes == ("ConnectWiseAPI",)
    assert len(remote.seen) == 5


def test_a_403_is_repeated_only_where_it_says_so(remote: Remote, service: Service) -> None:
    remote.script = [
        reply({"isRetriableError": True}, 403),
        reply(1),
        reply({"isRetriableError": False}, 403),
    ]
    assert service.get("x") == 1
    with pytest.raises(ApiError):
        service.get("x")
    assert len(remote.seen) == 3


def test_a_read_is_repeated_after_a_lost_answer(remote: Remote, service: Service) -> None:
    remote.script = [hang_up, hang_up]
    assert service.get("x") == {}
    assert len(remote.seen) == 3


def test_retry_after_in_seconds_is_waited_for(remote: Remote) -> None:
    remote.script = [reply({}, 429, Retry_After="20")]
    with Service("BSS", remote.url, headers={}, patience=0.01) as service:
        service.get("x")
    assert remote.times[1] - remote.times[0] >= 0.2


def test_retry_after_as_a_date_is_waited_for(remote: Remote) -> None:
    then = email.utils.format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30), usegmt=True)
    remote.script = [reply({}, 503, Retry_After=then)]
    with Service("BSS", remote.url, headers={}, patience=0.01) as service:
        service.get("x")
    assert remote.times[1] - remote.times[0] >= 0.25


def test_a_wait_of_an_hour_is_an_error_at_once(remote: Remote, service: Service) -> None:
    remote.answer = lambda _: reply({}, 429, Retry_After="3600")
    with pytest.raises(ApiError):
        service.get("x")
    assert len(remote.seen) == 1


@given(st.text(max_size=30))
def test_an_odd_retry_after_is_no_wait(text: str) -> None:
    wait = retry_after({"Retry-After": text})
    assert wait is None or wait >= 0


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: (
    st.lists(inner) | st.dictionaries(st.sampled_from(["code", "message", "errors", "field", "error"]), inner)
)))  # fmt: skip
def test_any_error_body_gives_one_line(body: Any) -> None:
    text, codes = describe(json.dumps(body).encode())
    assert text.isprintable()
    assert len(text) <= 602
    assert all(isinstance(code, str) for code in codes)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500, 503])
def test_a_write_that_was_answered_is_never_sent_again(remote: Remote, service: Service, status: int) -> None:
    remote.answer = lambda _: reply({"isRetriableError": True}, status)
    with pytest.raises(ApiError) as caught:
        service.send("POST", "x", {})
    assert not isinstance(caught.value, NoAnswer)
    assert (caught.value.status, caught.value.sent) == (status, True)
    assert len(remote.seen) == 1


@pytest.mark.parametrize("status", [502, 504])
def test_a_write_that_a_gateway_lost_is_unknown(remote: Remote, service: Service, status: int) -> None:
    remote.answer = lambda _: reply({}, status)
    with pytest.raises(NoAnswer):
        service.send("POST", "x", {})
    assert len(remote.seen) == 1


def test_a_write_is_sent_again_after_429(remote: Remote, service: Service) -> None:
    remote.script = [reply({}, 429, Retry_After="1"), reply({}, 429), reply({"id": 7}, 201)]
    assert service.send("POST", "x", {"a": 1}) == {"id": 7}
    assert remote.bodies == [b'{"a": 1}'] * 3


def test_a_write_without_an_answer_is_unknown_and_sent_once(remote: Remote, service: Service) -> None:
    remote.script = [hang_up]
    with pytest.raises(NoAnswer) as caught:
        service.send("POST", "x", {})
    assert (caught.value.sent, caught.value.status) == (True, None)
    assert len(remote.seen) == 1


def test_a_write_that_times_out_is_unknown_and_a_read_is_repeated(remote: Remote) -> None:
    def wait(_: Request) -> Response:
        remote.released.wait(30)
        return reply({})

    with Service("BSS", remote.url, headers={}, patience=0, time_out=(5, 0.1)) as service:
        remote.script = [wait]
        with pytest.raises(NoAnswer, match="got no answer in time"):
            service.send("PATCH", "x", [])
        assert len(remote.seen) == 1
        remote.script = [wait]
        assert service.get("x") == {}
        assert len(remote.seen) == 3


def test_an_answer_cut_short_leaves_a_write_unknown(remote: Remote, service: Service) -> None:
    def cut(request: Request) -> Response:
        connection = request.environ["werkzeug.socket"]
        connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{")
        return hang_up(request)

    remote.script = [cut]
    with pytest.raises(NoAnswer):
        service.send("POST", "x", {})


def test_a_write_answered_well_but_not_in_json_is_done(remote: Remote, service: Service) -> None:
    remote.answer = lambda _: Response("<p>thanks</p>", content_type="text/html")
    assert service.send("POST", "x", {}) is None


def test_a_write_that_never_connected_says_so() -> None:
    with Service("BSS", f"http://127.0.0.1:{closed_port()}", headers={}, patience=0) as service:
        with pytest.raises(ApiError) as caught:
            service.send("POST", "x", {})
        assert service.requests == 5
    assert (caught.value.sent, type(caught.value)) == (False, ApiError)
    assert "XLSYNC_BSS_URL" in caught.value.hint


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_that_are_not_where_the_environment_says_are_told_and_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, "/no/such/file.pem")
    with Service("BSS", f"https://127.0.0.1:{closed_port()}", headers={}, patience=0) as service:
        with pytest.raises(ApiError, match="names no file of certificates") as caught:
            service.send("POST", "x", {})
        assert service.requests == 1
    assert (caught.value.sent, type(caught.value)) == (False, ApiError)


def test_an_earlier_failure_to_connect_is_not_mistaken(remote: Remote, service: Service) -> None:
    """A lost answer stays unknown, also while another error is being handled."""
    remote.script = [hang_up]
    try:
        socket.create_connection(("127.0.0.1", closed_port()))
    except OSError:
        with pytest.raises(NoAnswer):
            service.send("POST", "x", {})


def test_an_unknown_name_and_a_failed_handshake_are_not_sent(remote: Remote) -> None:
    secure = remote.url.replace("http://", "https://")
    for url in ("https://no-such-host.invalid", secure):
        with Service("BSS", url, headers={}, patience=0) as service:
            service._session.trust_env = False
            with pytest.raises(ApiError) as caught:
                service.send("POST", "x", {})
        assert (caught.value.sent, type(caught.value)) == (False, ApiError)
    assert remote.seen == []


def test_a_certificate_that_is_not_trusted_is_refused_at_once() -> None:
    pytest.importorskip("cryptography")
    server = make_server("127.0.0.1", 0, Response(b"{}"), ssl_context="adhoc", request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    with Service("BSS", f"https://127.0.0.1:{server.server_port}", headers={}, patience=0) as service:
        with pytest.raises(ApiError, match="its certificate is not trusted") as caught:
            service.send("POST", "x", {})
        assert service.requests == 1
    assert not caught.value.sent
    server.shutdown()
    thread.join()
    server.server_close()


# --- authorization


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


# --- side by side


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
    meet = threading.Barrier(3, timeout=20)

    def together(_: Request) -> Response:
        meet.wait()
        return reply({})

    remote.answer = together
    with Service("BSS", remote.url, headers={}, workers=3) as service:
        service.get_many([Call("x")] * 9)
    assert remote.most_beside == 3


def test_no_more_than_the_polite_rate_in_any_minute(remote: Remote) -> None:
    with Service("BSS", remote.url, headers={}, per_minute=5, patience=0.005) as service:
        service.get_many([Call("x")] * 17)
    starts = remote.times
    # a minute is 0.3 s here; a little is left for the way between the two ends
    assert all(later - earlier > 0.2 for earlier, later in zip(starts, starts[5:], strict=False))


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
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with Service("BSS", remote.url, headers={}, workers=1) as service, pytest.raises(KeyboardInterrupt):
        service.get_many([Call("x")] * 200, stop)
    assert len(remote.seen) < 150


def test_closing_ends_every_wait(remote: Remote) -> None:
    remote.answer = lambda _: reply({}, 429, Retry_After="100")
    service = Service("BSS", remote.url, headers={})
    answers: list[Any] = []
    reading = threading.Thread(target=lambda: answers.extend(service.get_many([Call("x")] * 9)))
    reading.start()
    while not remote.seen:
        reading.join(0.01)
    service.close()
    reading.join(20)
    assert len(answers) == 9
    assert all(isinstance(answer, ApiError) for answer in answers)
