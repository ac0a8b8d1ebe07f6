"""The read-only part of the BSS's reseller API v3."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Set
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

from werkzeug import Request, Response
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule

from xlsync.sandbox.bss import filters
from xlsync.sandbox.bss.filters import BadFilter
from xlsync.sandbox.connectwise.api import json_response
from xlsync.sandbox.state import Record, SandboxBss

CLIENT_KEY: Final = "made-up-client"
CLIENT_SECRET: Final = "made-up-client-secret"  # noqa: S105 - made up, for loopback only
USERNAME: Final = "billing@maple-msp.example"
PASSWORD: Final = "made-up-password"  # noqa: S105 - made up, for loopback only
MAX_PAGE: Final = 500

_PAGING: Final = {"pageIndex", "pageSize"}
_ASKED: Final = {"$filter", "$orderby", "$orderBy"}
_INVOICE_LIST: Final = _ASKED | {"include", "transactionCurrency", "skipRounding"}
_OF_ACCOUNTS: Final = {"id", "name", "phone", "email", "createdAt", "updatedAt"}
_OF_SUBSCRIPTIONS: Final = {
    "id", "name", "status", "quantity", "startDate", "endDate", "createdAt", "updatedAt"
}  # fmt: skip
_RULES: Final = {
    "/api/invoices": "invoices",
    "/api/invoices/<key>": "invoice",
    "/api/invoices/<key>/items": "lines",
    "/api/subscriptions": "subscriptions",
    "/api/subscriptions/<key>": "subscription",
    "/api/subscriptions/<key>/addons": "addons",
    "/api/subscriptions/<key>/currentInstallmentplan": "plan",
    "/api/organization/unitGroups": "units",
    "/api/accounts": "accounts",
    "/api/accounts/<int:key>": "account",
    "/api/accounts/<int:key>/billingaddress": "billing_address",
    "/api/products": "products",
    "/api/products/<key>": "product",
}


@cache
def _map() -> Map:
    return Map([Rule(path, endpoint=name) for path, name in _RULES.items()], merge_slashes=False)


class BssRefused(Exception):
    """An error answer of the BSS, with its type."""

    def __init__(self, status: int, kind: str, message: str, **place: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            **place,
            "type": kind,
            "code": kind,
            "developerMessage": message,
            "isRetriableError": False,
        }


def _missing(entity: str, key: object) -> BssRefused:
    message = f"{entity} with id '{key}' was not found!"
    return BssRefused(404, f"{entity}NotFoundError", message, entity=entity, property="id", value=str(key))


class BssApi:
    """Answers `/oauth/token` and `/api/...`."""

    def __init__(self, state: SandboxBss) -> None:
        self.state = state
        self.given = 0

    def answer(self, request: Request, path: str) -> Response:
        """Answer a request."""
        try:
            if path == "/oauth/token":
                return self._token(request)
            self._check_access(request)
            try:
                name, values = _map().bind("sandbox").match(path, method="GET")
            except (NotFound, MethodNotAllowed):
                raise BssRefused(404, "NotFoundError", "The resource was not found!") from None
            answered: Response = getattr(self, f"_{name}")(request, **values)
        except BssRefused as refused:
            return json_response(refused.body, refused.status)
        except BadFilter as bad:
            body = {"type": "InvalidFilterError", "code": "InvalidFilterError", "developerMessage": str(bad)}
            return json_response({**body, "isRetriableError": False}, 400)
        return answered

    # Access

    def _token(self, request: Request) -> Response:
        client = base64.b64encode(f"{CLIENT_KEY}:{CLIENT_SECRET}".encode()).decode()
        if request.method != "POST" or request.mimetype != "application/x-www-form-urlencoded":
            return json_response({"error": "invalid_request"}, 400)
        if request.headers.get("Authorization") != f"Basic {client}":
            return json_response({"error": "invalid_client"}, 400)
        if request.form.get("grant_type") != "password":
            return json_response({"error": "unsupported_grant_type"}, 400)
        if (request.form.get("username"), request.form.get("password")) != (USERNAME, PASSWORD):
            return json_response({"error": "invalid_grant"}, 400)
        self.given += 1
        token = hashlib.sha256(f"{id(self)} {self.given}".encode()).hexdigest()
        self.state.tokens.add(token)
        return json_response({"access_token": token, "token_type": "bearer", "expires_in": 3599})

    def _check_access(self, request: Request) -> None:
        if request.headers.get("X-Api-Version") not in {"3", "3.0"}:
            raise BssRefused(404, "InvalidApiVersionError", "The API version header is missing or not valid.")
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or token not in self.state.tokens:
            raise BssRefused(401, "UnauthorizedError", "The access token is missing, wrong or expired.")
        if request.method != "GET":
            raise BssRefused(403, "ForbiddenError", "This API user may only read.")

    # Invoices

    def _invoices(self, request: Request) -> Response:
        self._only(request, _PAGING | _INVOICE_LIST)
        shown = self._invoice_shape(request)
        records = self._asked(request, self.state.invoices, self.state.filterable)
        return self._page(request, records, shown)

    def _invoice(self, request: Request, key: str) -> Response:
        self._only(request, _INVOICE_LIST - _ASKED)
        shape = self._invoice_shape(request)
        return json_response(shape(self._invoice_record(key)))

    def _lines(self, request: Request, key: str) -> Response:
        self._only(request, {"analysis", "transactionCurrency", "skipRounding"})
        analysis = request.args.get("analysis", "false").lower()
        if analysis not in {"true", "false"}:
            raise BssRefused(400, "ValidationError", "analysis must be true or false.")
        lines = self._invoice_record(key)["items"]
        return json_response(_single(lines) if analysis == "true" else [_plain(line) for line in lines])

    def _invoice_record(self, key: str) -> Record:
        invoice = next((record for record in self.state.invoices if record["id"] == key), None)
        if invoice is None:
            raise _missing("Invoice", key)
        return invoice

    def _invoice_shape(self, request: Request) -> Any:
        include = {part for part in request.args.get("include", "").split(",") if part}
        if include - {"items", "analysisItems", "customFields"}:
            raise BssRefused(400, "ValidationError", "include is not valid.")

        def shape(record: Record) -> Record:
            shown = {name: value for name, value in record.items() if name not in {"items", "customFields"}}
            if "items" in include:
                shown["items"] = [_plain(line) for line in record["items"]]
            if "analysisItems" in include:
                shown["analysisItems"] = _single(record["items"])
            if "customFields" in include:
                shown["customFields"] = record.get("customFields", [])
            return shown

        return shape

    # Everything else

    def _subscriptions(self, request: Request) -> Response:
        self._only(request, _PAGING | _ASKED | {"include"})
        records = list(self.state.subscriptions.values())
        return self._page(request, self._asked(request, records, _OF_SUBSCRIPTIONS))

    def _subscription(self, request: Request, key: str) -> Response:
        self._only(request, {"include"})
        return json_response(self._subscription_record(key))

    def _subscription_record(self, key: str) -> Record:
        if key not in self.state.subscriptions:
            raise _missing("Subscription", key)
        return self.state.subscriptions[key]

    def _addons(self, request: Request, key: str) -> Response:
        self._only(request, set())
        self._subscription_record(key)
        return json_response(self.state.addons.get(key, []))

    def _plan(self, request: Request, key: str) -> Response:
        self._only(request, set())
        self._subscription_record(key)
        if key in self.state.plans:
            return json_response(self.state.plans[key])
        # How "no plan" is answered is not known: both ways are in use here.
        if int(key[-1], 16) % 2:
            return Response(status=204)
        raise _missing("InstallmentPlan", key)

    def _units(self, request: Request) -> Response:
        self._only(request, _PAGING | {"include"})
        groups = self.state.unit_groups
        if request.args.get("include") != "units":
            groups = [{name: value for name, value in group.items() if name != "units"} for group in groups]
        return self._page(request, groups)

    def _accounts(self, request: Request) -> Response:
        self._only(request, _PAGING | _ASKED)
        records = list(self.state.accounts.values())
        return self._page(request, self._asked(request, records, _OF_ACCOUNTS))

    def _account(self, request: Request, key: int) -> Response:
        self._only(request, {"include"})
        if key not in self.state.accounts:
            raise _missing("Account", key)
        return json_response(self.state.accounts[key])

    def _billing_address(self, request: Request, key: int) -> Response:
        self._only(request, set())
        if key not in self.state.accounts:
            raise _missing("Account", key)
        return json_response(self.state.accounts[key]["billingAddress"])

    def _products(self, request: Request) -> Response:
        self._only(request, _PAGING | {"include"})
        return self._page(request, list(self.state.products.values()))

    def _product(self, request: Request, key: str) -> Response:
        self._only(request, {"include"})
        if key not in self.state.products:
            raise _missing("Product", key)
        return json_response(self.state.products[key])

    # Queries

    def _only(self, request: Request, allowed: set[str]) -> None:
        for name in request.args:
            if name not in allowed:
                raise BssRefused(400, "ValidationError", f"{name} is not a parameter of this request.")

    def _asked(self, request: Request, records: list[Record], known: Set[str]) -> list[Record]:
        """Return the records that meet `$filter`, sorted by `$orderby`."""
        if text := request.args.get("$filter"):
            test = filters.parse_filter(text, known)
            records = [record for record in records if test(record)]
        if text := request.args.get("$orderby") or request.args.get("$orderBy"):
            records = filters.parse_order(text, known)(records)
        return records

    def _page(self, request: Request, records: list[Record], shape: Any = dict) -> Response:
        numbers = []
        for name, default, most in (("pageIndex", 1, 10**9), ("pageSize", 10, MAX_PAGE)):
            text = request.args.get(name, str(default))
            if not re.fullmatch(r"\d{1,9}", text) or not 1 <= int(text) <= most:
                raise BssRefused(400, "ValidationError", f"{name} must be between 1 and {most}.")
            numbers.append(int(text))
        page, size = numbers[0], min(numbers[1], self.state.largest_page)
        pages = max(1, -(-len(records) // size))

        rest = {name: value for name, value in request.args.items() if name not in {"pageIndex", "pageSize"}}
        query = urlencode({**rest, "pageSize": size})

        def link(number: int) -> str:
            return f"{request.base_url}?{query}&pageIndex={number}"

        links = {
            "self": link(page),
            "first": link(1),
            "last": link(pages),
            "next": link(page + 1) if page < pages else None,
            "previous": link(page - 1) if page > 1 else None,
        }
        paging = {"page": page, "size": size, "totalPages": pages, "totalRecords": len(records)}
        shown = [shape(record) for record in records[(page - 1) * size : page * size]]
        return json_response({"data": shown, "paging": paging, "links": links})


def _plain(line: Record) -> Record:
    if "_parts" not in line:
        return line
    return {name: value for name, value in line.items() if name != "_parts"}


def _single(lines: Iterable[Record]) -> list[Record]:
    """Return an invoice's analytical lines: one for each subscription."""
    return [_plain(part) for line in lines for part in line.get("_parts", (line,))]
