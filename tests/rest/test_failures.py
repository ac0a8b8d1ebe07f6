"""Answers that are refusals, and what is repeated: against a small server on loopback."""

from __future__ import annotations

import contextlib
import datetime as dt
import email.utils
import gzip
import html
import inspect
import json
import socket
import threading
from typing import Any
from urllib.parse import urlencode

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import Timeout
from werkzeug import Request, Response
from werkzeug.serving import make_server

from tests.helpers.closed_port import closed_port
from tests.helpers.remote import Remote, Silent, hang_up, reply
from xlsync.errors import ApiError, ConfigError, NoAnswer
from xlsync.plain_json import RepeatedField
from xlsync.rest.answer_time import TimedAdapter
from xlsync.rest.failures import describe, read_http_date, read_json, retry_after
from xlsync.rest.service import Service


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


@pytest.mark.parametrize("text", ['{"quantity": 5, "quantity": 7}', '[{"id": 1, "a": {"b": 0, "b": null}}]'])
def test_a_field_that_stands_twice_with_different_values_is_an_error_that_names_it(
    remote: Remote, service: Service, text: str
) -> None:
    remote.answer = lambda _: Response(text, content_type="application/json")
    with pytest.raises(ApiError, match=r"the field '(quantity|b)' twice, with different values"):
        service.get("x")
    assert service.send("POST", "x", {}) is None  # it did act, and has to be looked up


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(-1000, 1000, places=4) | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["a", "b", "a:", 'a"', "\\", "é"]), inner)
    ),
)


@given(
    _VALUES,
    st.sampled_from([(",", ":"), (", ", ": "), (",\n", "\t:"), (",", " :")]),
    st.booleans(),
)
def test_json_is_read_exactly_however_it_is_written(
    value: object, separators: tuple[str, str], ascii_only: bool
) -> None:
    text = simplejson.dumps(value, use_decimal=True, separators=separators, ensure_ascii=ascii_only)
    read = read_json(text.encode("utf-8", "surrogatepass"))
    assert repr(read) == repr(simplejson.loads(text, use_decimal=True))


@given(
    st.sampled_from(["a", "é", "\\", 'a"']),
    _VALUES,
    st.sampled_from(["{k}:1,{k}:2", "{k} :1,{k} :2", "{k}\n:1,{k}:2", '"x":"\\":","y" :0,{k}:1,{k}:2']),
    st.integers(0, 3),
)
def test_a_field_with_two_values_is_refused_however_it_is_written_and_wherever_it_stands(
    name: str, beside: object, fields: str, depth: int
) -> None:
    inner = "{" + fields.replace("{k}", simplejson.dumps(name)) + "}"
    text = f"[{simplejson.dumps(beside, use_decimal=True)}, {'[' * depth}{inner}{']' * depth}]"
    with pytest.raises(RepeatedField):
        read_json(text.encode())


def test_a_field_that_stands_twice_with_one_value_is_read(remote: Remote, service: Service) -> None:
    remote.answer = lambda _: Response('{"id": 1, "id": 1}', content_type="application/json")
    assert service.get("x") == {"id": 1}


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


@pytest.mark.parametrize(
    "repeated",
    [
        "got {form}",
        'got {{"password": {json}}}',
        "<html><title>{html}</title></html>",
        "z" * 590 + "{plain}",
    ],
    ids=["form", "json", "page", "cut off"],
)
def test_no_secret_stands_in_a_message_in_whatever_form_the_service_repeats_it(
    remote: Remote, repeated: str
) -> None:
    secret = "p@ss wörd+1/<x>"
    forms = {
        "form": urlencode({"password": secret}),
        "json": json.dumps(secret),
        "html": html.escape(secret),
        "plain": secret,
    }
    text = repeated.format(**forms)
    page = Response(text, 400, content_type="text/html")
    remote.answer = lambda _: page if text.startswith("<") else reply({"message": text}, 400)
    with Service("BSS", remote.url, headers={}) as service, pytest.raises(ApiError) as caught:
        service.post_form("token", {"password": secret})
    assert "…" in caught.value.message
    assert not [part for part in ("p@ss", "p%40ss", "wörd", "w%C3", "&lt;x") if part in caught.value.message]


def test_a_header_that_cannot_be_sent_is_told_without_its_value() -> None:
    with pytest.raises(ConfigError) as caught:
        Service("ConnectWise", "https://cw.example.com", headers={"clientId": "abc\n"})
    assert "clientId" in caught.value.message
    assert "abc" not in caught.value.message


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 520, 527])
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
    def busy(_: Request) -> Response:
        then = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)
        return reply({}, 503, Retry_After=email.utils.format_datetime(then, usegmt=True))

    remote.script = [busy]
    with Service("BSS", remote.url, headers={}, patience=0.005) as service:
        service.get("x")
    assert remote.times[1] - remote.times[0] >= 0.15  # a minute is 0.3 s here, less what a busy machine takes


@pytest.mark.parametrize("hours", [-30, 0, 30])
def test_a_retry_after_as_a_date_is_held_against_the_services_own_clock(hours: int) -> None:
    there = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
    date, then = (
        email.utils.format_datetime(there + dt.timedelta(seconds=seconds), usegmt=True) for seconds in (0, 30)
    )
    assert retry_after({"Retry-After": then, "Date": date}) == 30


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


@pytest.mark.parametrize("status", [502, 504, *range(520, 528)])
def test_a_write_that_a_gateway_lost_is_unknown(remote: Remote, service: Service, status: int) -> None:
    remote.answer = lambda _: reply({}, status)
    with pytest.raises(NoAnswer):
        service.send("POST", "x", {})
    assert len(remote.seen) == 1


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_page_of_a_gateway_leaves_a_write_unknown(remote: Remote, service: Service, status: int) -> None:
    remote.answer = lambda _: Response("<html><title>Just a moment...</title></html>", status)
    with pytest.raises(NoAnswer, match=f"answered {status}: Just a moment"):
        service.send("POST", "x", {})
    assert len(remote.seen) == 1


def test_a_page_of_a_gateway_is_no_matter_of_rights(remote: Remote, service: Service) -> None:
    remote.answer = lambda _: Response("<html><title>Just a moment...</title></html>", 403)
    with pytest.raises(ApiError) as caught:
        service.get("x")
    assert "A gateway before ConnectWise refuses this network" in caught.value.hint


def test_a_write_is_never_sent_again_but_after_429_it_is_told_when_it_may_be(
    remote: Remote, service: Service
) -> None:
    remote.script = [reply({}, 429, Retry_After="7")]
    with pytest.raises(ApiError) as caught:
        service.send("POST", "x", {"a": 1})
    assert 7 <= (caught.value.repeat_after or 0) < 8
    assert len(remote.seen) == 1


def test_a_body_that_is_cut_off_or_no_json_is_read_again(remote: Remote, service: Service) -> None:
    def cut(request: Request) -> Response:
        connection = request.environ["werkzeug.socket"]
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[{")
        return hang_up(request)

    remote.script = [cut, Response("[{", content_type="application/json"), Response("<p>busy</p>")]
    assert service.get("x") == {}
    assert len(remote.seen) == 4


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_host_of_the_cloud_without_its_prefix_is_told(
    remote: Remote, service: Service, status: int
) -> None:
    body = {"code": "Security", "message": "SSL is required.", "errors": None}
    remote.answer = lambda _: reply(body, status)
    with pytest.raises(ApiError) as caught:
        service.get("finance/agreements")
    assert "the host begins with api-" in caught.value.hint


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("NotFound", "It was deleted, or moved"),
        ("ConnectWiseApi", "The address, the release in its path, or the keys are wrong"),
    ],
)
def test_the_two_kinds_of_404_are_told_apart(remote: Remote, service: Service, code: str, hint: str) -> None:
    remote.answer = lambda _: reply({"code": code, "message": "m", "errors": None}, 404)
    with pytest.raises(ApiError) as caught:
        service.get("x")
    assert caught.value.is_absence is (code == "NotFound")
    assert hint in caught.value.hint


def test_a_release_that_is_not_served_names_the_setting(remote: Remote, service: Service) -> None:
    text = "The endpoint /company/companies does not support the API version '2021.1'."
    remote.answer = lambda _: reply({"code": "ConnectWiseApi", "message": text, "errors": None}, 400)
    with pytest.raises(ApiError) as caught:
        service.get("x")
    assert "[connectwise] release" in caught.value.hint


def test_an_answer_may_not_grow_without_end_while_it_is_unpacked(remote: Remote) -> None:
    packed = gzip.compress(b" " * 5_000_000)
    remote.answer = lambda _: Response(packed, headers={"Content-Encoding": "gzip"})
    with Service("BSS", remote.url, headers={}, largest=1_000_000) as service:
        with pytest.raises(ApiError, match="answered with more than 1,000,000 bytes"):
            service.get("x")
        assert service.requests == 1


@pytest.mark.parametrize(
    ("begins", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[", b" "),
        (b"HTTP/1.1 200 OK\r\nX-Odd: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"")),
    ],
    ids=["body", "header", "continue", "trailer", "empty gzip"],
)
def test_an_answer_that_drips_is_given_up_after_a_total_time(
    remote: Remote, begins: bytes, drop: bytes
) -> None:
    def drip(request: Request) -> Response:
        connection = request.environ["werkzeug.socket"]
        connection.sendall(begins)
        with contextlib.suppress(OSError):  # xlsync has closed the connection
            while not remote.released.wait(0.02):
                connection.sendall(drop)
        return hang_up(request)

    remote.answer = drip
    with Service("BSS", remote.url, headers={}, longest=0.2, time_out=(60, 60)) as service:
        with pytest.raises(ApiError, match=r"did not end its answer within 0\.2 seconds"):
            service.get("x")
        assert service.requests == 1
    remote.released.set()


def test_a_write_without_an_answer_is_unknown_and_sent_once(remote: Remote, service: Service) -> None:
    remote.script = [hang_up]
    with pytest.raises(NoAnswer) as caught:
        service.send("POST", "x", {})
    assert (caught.value.sent, caught.value.status) == (True, None)
    assert len(remote.seen) == 1


def test_a_write_that_times_out_is_unknown_and_a_read_is_repeated(remote: Remote) -> None:
    def wait(_: Request) -> Response:
        remote.released.wait(60)
        return reply({})

    def wait_once(request: Request) -> Response:
        remote.answer = lambda _: reply({})
        service._connections._time_out = Timeout(60)  # the next try may take as long as a busy machine needs
        return wait(request)

    with Service("BSS", remote.url, headers={}, patience=0.1, time_out=(60, 0.1)) as service:
        remote.answer = wait
        with pytest.raises(NoAnswer, match="got no answer in time"):
            service.send("PATCH", "x", [])
        assert service.requests == 1
        remote.answer = wait_once
        assert service.get("x") == {}
        assert service.requests > 2


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
        assert service.requests == 1
    assert (caught.value.sent, type(caught.value)) == (False, ApiError)
    assert caught.value.repeat_after is not None
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
            service._connections.use_environment = False
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


@pytest.mark.parametrize(
    "text", ["", "soon", "Fri, 01 Jan 1700 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 99 Nov 2026"]
)
def test_a_date_of_a_header_that_cannot_be_is_none(text: str) -> None:
    assert read_http_date(text) is None


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_answers_of_a_connection_are_not_made_by_a_method_of_it(scheme: str) -> None:
    with contextlib.closing(TimedAdapter(1.0)) as adapter:
        connection = adapter.poolmanager.pool_classes_by_scheme[scheme].ConnectionCls
    # Python 3.14 turns a partial function in a class into a method, which is given the connection too.
    assert isinstance(inspect.getattr_static(connection, "response_class"), staticmethod)
