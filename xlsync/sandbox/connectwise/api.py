"""ConnectWise's REST API, on made-up records: credentials, headers, paging, queries, and the paths in use."""

from __future__ import annotations

import base64
import math
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msgspec
import simplejson
from werkzeug import Request, Response
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule

from xlsync.sandbox.connectwise import conditions, invoicing
from xlsync.sandbox.connectwise.conditions import BadQuery, UnknownName
from xlsync.sandbox.connectwise.fields import RECAP, RESOURCES, Resource
from xlsync.sandbox.connectwise.writes import Refused, Writer, invalid
from xlsync.sandbox.state import Record, SandboxConnectWise

COMPANY_ID: Final = "maplemsp"
PUBLIC_KEY: Final = "Pub1icMadeUpKey0"
PRIVATE_KEY: Final = "Pr1vateMadeUpKey"
CLIENT_ID: Final = "5ad0b1ce-0000-4000-8000-5a4db0c5c11d"
VERSION: Final = "v2026.1.4001"
_KEYS: Final = base64.b64encode(f"{COMPANY_ID}+{PUBLIC_KEY}:{PRIVATE_KEY}".encode()).decode()
MAX_PAGE: Final = 1000
MAX_QUERY: Final = 2000
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")

_QUERY: Final = {"conditions", "childConditions", "customFieldConditions", "orderBy", "fields"}
_PAGING: Final = {"page", "pageSize", "pageId"}
_ONLY_IDS: Final = re.compile(r"id in \((?P<ids>\d+(?:,\d+)*)\)")
# One that names no version is served the newest model: that is all that most programs send at first.
_ACCEPT: Final = re.compile(
    r"\*/\*|application/(\*|json|vnd\.connectwise\.com\+json; ?version=(?P<release>20\d\d\.\d{1,2}))"
)
_NO_ENDPOINT: Final = "The endpoint does not exist."
_LISTS: Final = {
    "/company/companies": "companies",
    "/company/companies/statuses": "company_statuses",
    "/company/companies/types": "company_types",
    "/company/contacts": "contacts",
    "/company/communicationTypes": "communication_types",
    "/company/countries": "countries",
    "/company/states": "states",
    "/finance/agreements": "agreements",
    "/finance/agreements/types": "agreement_types",
    "/finance/agreements/<int:parent>/additions": "additions",
    "/finance/agreementrecap/": "recaps",
    "/finance/billingCycles": "billing_cycles",
    "/finance/currencies": "currencies",
    "/finance/invoices": "invoices",
    "/procurement/catalog": "catalog",
    "/procurement/types": "product_types",
    "/procurement/categories": "categories",
    "/procurement/subcategories/": "subcategories",
    "/procurement/unitOfMeasures": "units_of_measure",
    "/system/mysecurity": "security",
    "/system/userDefinedFields": "user_defined_fields",
}
_FUNCTIONS: Final = {  # the function of a security role that opens each kind of record
    "companies": "Company Maintenance",
    "contacts": "Contacts",
    "agreements": "Agreements",
    "additions": "Agreements",
    "catalog": "Product Catalog",
    "invoices": "Invoicing",
}
_LEVELS: Final = {"post": "addLevel", "invoice": "addLevel", "patch": "editLevel"}
_WRITTEN: Final = {"companies", "contacts", "agreements", "additions", "catalog"}


def _rules() -> Iterable[Rule]:
    for path, table in _LISTS.items():
        base = path.rstrip("/")
        yield Rule(path, endpoint=("list", table), methods=["GET"])
        if table != "recaps":
            yield Rule(f"{base}/count", endpoint=("count", table), methods=["GET"])
        yield Rule(f"{base}/<int:key>", endpoint=("get", table), methods=["GET"])
        if table in _WRITTEN:
            yield Rule(path, endpoint=("post", table), methods=["POST"])
            yield Rule(f"{base}/<int:key>", endpoint=("patch", table), methods=["PATCH"])
            yield Rule(f"{base}/<int:key>", endpoint=("delete", table), methods=["DELETE"])
    yield Rule("/finance/agreements/<int:key>/invoice", endpoint=("invoice", "agreements"), methods=["POST"])
    yield Rule("/finance/invoices/<int:key>/pdf", endpoint=("pdf", "invoices"), methods=["GET"])
    yield Rule("/system/info", endpoint=("info", ""), methods=["GET"])


def _release(text: str) -> tuple[int, ...]:
    """Read a release such as 2025.16 as numbers that can be compared."""
    return tuple(int(part) for part in text.split("."))


@cache
def _map() -> Map:
    # Slashes at the end are compared by hand: a redirect would hide a wrong one.
    return Map(list(_rules()), strict_slashes=False, merge_slashes=False)


def json_response(body: Any, status: int = 200) -> Response:
    """Make a JSON answer whose decimals stay JSON numbers."""
    return Response(_ENCODER.encode(body), status=status, content_type="application/json; charset=utf-8")


def refusal(status: int, code: str, message: str) -> Response:
    """Make ConnectWise's answer to a request that it refuses as a whole."""
    return json_response(Refused(status, code, message).body, status)


def too_many(seconds: float) -> Response:
    """Make ConnectWise's answer 429 to too many requests; its JSON differs from other errors."""
    response = json_response({"error": "ConnectWiseAPI", "message": "Too many requests."}, 429)
    response.headers["Retry-After"] = str(max(0, math.ceil(seconds)))
    return response


class ConnectWiseApi:
    """Answers requests below `/v4_6_release/apis/3.0`, as strictly as ConnectWise is known to be."""

    def __init__(self, state: SandboxConnectWise) -> None:
        self.state = state
        self.writer = Writer(state)
        self.recent: deque[float] = deque()
        self._hidden = 0.0  # seconds for which lists do not show what is new
        self._joins = True  # whether conditions that are joined by `and` are met by anything
        self._stored: Mapping[str, Any] = {}  # what a creation keeps in place of what was sent

    def company_info(self, company: str, site: str) -> Response:
        """Return the address of a tenant's API; `null` for an unknown company."""
        if company.lower() != COMPANY_ID:
            return json_response(None)
        names = {
            "CompanyName": "Maple MSP",
            "Codebase": self.state.codebase,
            "VersionCode": "v2026.1",
            "CompanyID": COMPANY_ID,
            "SiteUrl": urlsplit(site).netloc,
        }
        return json_response({**names, "VersionNumber": VERSION, "IsCloud": True})

    def answer(
        self,
        request: Request,
        path: str,
        *,
        hidden: float = 0.0,
        stored: Mapping[str, Any] | None = None,
        joins: bool = True,
    ) -> Response:
        """Answer a request for a path below the API's root.

        Lists leave out what was created within the last `hidden` seconds; `stored` are values that a POST
        stores in place of those that it sends. Without `joins` nothing meets conditions joined by `and`.
        """
        self._hidden, self._stored, self._joins = hidden, stored or {}, joins
        try:
            if path != "/system/info":
                self._check_access(request)
            return self._dispatch(request, path)
        except Refused as refused:
            if refused.status == 429:
                return too_many(60 - time.monotonic() + self.recent[0])
            return json_response(refused.body, refused.status)
        except UnknownName as unknown:
            return refusal(400, "ApiFindCondition", str(unknown))
        except BadQuery as bad:
            return refusal(400, "InvalidCondition", str(bad))
        except NotFound:
            return refusal(404, "ConnectWiseApi", _NO_ENDPOINT)
        except MethodNotAllowed:
            return refusal(405, "MethodNotAllowed", "The method is not allowed.")

    def _check_access(self, request: Request) -> None:
        given = request.headers.get("Authorization", "")
        if not given.startswith("Basic "):
            raise Refused(401, "Unauthorized", "Authorization has been denied for this request.")
        if given != f"Basic {_KEYS}":
            # The cloud answers wrong keys as if there were nothing here.
            raise Refused(404, "ConnectWiseApi", _NO_ENDPOINT)
        if request.headers.get("clientId", "").lower() != CLIENT_ID:
            raise Refused(403, "Security", "A valid clientId is required.")
        accept = request.headers.get("Accept", "*/*")
        known = _ACCEPT.fullmatch(accept.split(",")[0].strip())
        if not known and not request.path.endswith("/pdf"):
            raise Refused(406, "NotAcceptable", f"Accept {accept} is not supported.")
        release = known["release"] if known else None
        first, last = (_release(one) for one in self.state.releases)
        if release and not first <= _release(release) <= last:
            endpoint = request.path.partition("/apis/3.0")[2]
            message = f"The endpoint {endpoint} does not support the API version '{release}'."
            raise Refused(400, "ConnectWiseApi", message)
        if self.state.per_minute is not None:
            now = time.monotonic()
            while self.recent and self.recent[0] < now - 60:
                self.recent.popleft()
            if len(self.recent) >= self.state.per_minute:
                raise Refused(429, "", "")
            self.recent.append(now)

    def _dispatch(self, request: Request, path: str) -> Response:
        rule, values = _map().bind("sandbox").match(path, method=request.method, return_rule=True)
        if rule.rule.endswith("/") != path.endswith("/"):
            raise NotFound
        action, table = rule.endpoint
        self._check_query(request, action)
        function = "Agreement Invoicing" if action == "invoice" else _FUNCTIONS.get(table, "")
        if self._level(function, _LEVELS.get(action, "inquireLevel")) == "None":
            raise Refused(403, "Security", "You do not have permission.")
        parent = self._find("agreements", values["parent"]) if "parent" in values else None
        perform: dict[str, Callable[[], Response]] = {
            "list": lambda: self._list(request, table, parent),
            "count": lambda: json_response({"count": len(self._selected(request, table, parent))}),
            "get": lambda: self._shown(request, table, self._find(table, values["key"], parent)),
            "post": lambda: self._post(request, table, parent),
            "patch": lambda: self._patch(request, table, self._find(table, values["key"], parent)),
            "delete": lambda: self._delete(table, self._find(table, values["key"], parent)),
            "invoice": lambda: json_response(
                invoicing.invoice(self.state, self._find(table, values["key"])), 201
            ),
            "pdf": lambda: self._pdf(self._find(table, values["key"])),
            "info": lambda: json_response(
                {
                    "version": VERSION,
                    "isCloud": True,
                    "serverTimeZone": "UTC",
                    "cloudRegion": "EU",
                    "licenseBits": [],
                }
            ),
        }
        return perform[action]()

    def _check_query(self, request: Request, action: str) -> None:
        if len(request.query_string) > MAX_QUERY:
            raise Refused(414, "InvalidRequest", "The request URL is too long.")
        allowed = {"list": _QUERY | _PAGING, "count": _QUERY - {"orderBy", "fields"}}.get(action, {"fields"})
        for name in request.args:
            if name not in allowed:
                raise Refused(400, "InvalidRequest", f"{name} is not a parameter of this request.")

    # Reading

    def _find(self, table: str, key: int, parent: Record | None = None) -> Record:
        if table == "recaps":
            agreement = self._find("agreements", key)
            return invoicing.recap(self.state, agreement, invoicing.by_agreement(self.state).get(key, []))
        record: Record | None = self.state.table(table).get(key)
        if record is None or (parent is not None and record["agreementId"] != parent["id"]):
            name = RESOURCES[table].name
            raise Refused(404, "NotFound", f"{name[:1].upper()}{name[1:]} {key} not found")
        return record

    def _resource(self, table: str) -> Resource:
        return RECAP if table == "recaps" else RESOURCES[table]

    def _selected(self, request: Request, table: str, parent: Record | None) -> list[Record]:
        records: list[Record]
        if parent is not None:
            today = self.state.clock.today()
            records = [
                invoicing.with_amounts(record, today)
                for record in self.state.additions.on_agreement(parent["id"])
            ]
        elif table == "recaps":
            made = invoicing.by_agreement(self.state)
            agreements: Iterable[Record] = self.state.agreements.values()
            if ids := _ONLY_IDS.fullmatch(request.args.get("conditions", "")):  # a recap takes long to make
                asked = set(map(int, ids["ids"].split(",")))
                agreements = [record for record in agreements if record["id"] in asked]
            records = [
                invoicing.recap(self.state, record, made.get(record["id"], [])) for record in agreements
            ]
        else:
            records = list(self.state.table(table).values())
        records = self._allowed(table, records)
        if self._hidden:
            shown_from = self.state.clock.seconds() - self._hidden
            kept_in = "agreements" if table == "recaps" else table
            born = self.state.created
            records = [record for record in records if born.get((kept_in, record["id"]), 0) <= shown_from]
        known = self._resource(table).known
        if text := request.args.get("conditions"):
            test = conditions.parse_conditions(text, known)
            is_met = self._joins or " and " not in text
            records = [record for record in records if is_met and test(record)]
        if text := request.args.get("childConditions"):
            test = conditions.parse_child_conditions(text, known)
            records = [record for record in records if test(record)]
        if text := request.args.get("customFieldConditions"):
            test = conditions.parse_custom_field_conditions(text)
            records = [record for record in records if test(record)]
        return records

    def _allowed(self, table: str, records: list[Record]) -> list[Record]:
        """Leave only records that the API member may see: with the level *My* its own, without an error."""
        if self._level(_FUNCTIONS.get(table, ""), "inquireLevel") == "My":
            return [record for record in records if record["_info"]["updatedBy"] == "xlsync"]
        return records

    def _level(self, function: str, level: str) -> str:
        """Return the API member's level of a function: None, My or All; All where no role names it."""
        rights = (right for right in self.state.security.values() if right["moduleFunctionName"] == function)
        return next((str(right[level]) for right in rights), "All")

    def _list(self, request: Request, table: str, parent: Record | None) -> Response:
        size = self._whole(request, "pageSize", 25)
        if not 1 <= size <= MAX_PAGE:
            message = f"The field pageSize must be between 1 and {MAX_PAGE}."
            error = {
                "code": "OutOfRange",
                "message": message,
                "resource": "page",
                "field": "pageSize",
                "details": None,
            }
            raise Refused(400, "InvalidObject", "page object is invalid", [error])
        size = min(size, self.state.largest_page)
        records = sorted(self._selected(request, table, parent), key=lambda record: record["id"])
        project = self._projection(request, table)
        forward = request.headers.get("pagination-type", "").lower() == "forward-only"
        if order := request.args.get("orderBy"):
            if forward:
                raise Refused(400, "InvalidRequest", "orderBy cannot be used with forward-only paging.")
            records = conditions.parse_order(order, self._resource(table).known)(records)
        if forward:
            after = self._whole(request, "pageId", 0)
            shown = [record for record in records if record["id"] > after][:size]
            links = {"next": {"pageId": shown[-1]["id"]}} if len(shown) == size else {}
        else:
            page = self._whole(request, "page", 1)
            if page < 1:
                raise Refused(400, "InvalidObject", "The field page must be at least 1.")
            shown = records[(page - 1) * size : page * size]
            last = max(1, -(-len(records) // size))
            links = {"first": {"page": 1}, "last": {"page": last}}
            links |= {"prev": {"page": page - 1}} if page > 1 else {}
            links |= {"next": {"page": page + 1}} if page < last else {}
        response = json_response([project(record) for record in shown])
        rest = {name: value for name, value in request.args.items() if name not in {"page", "pageId"}}
        page_address = f"{request.base_url}?{urlencode({**rest, 'pageSize': size})}"
        response.headers["Link"] = ", ".join(
            f'<{page_address}&{parameter}={number}>; rel="{name}"'
            for name, place in links.items()
            for parameter, number in place.items()
        )
        return response

    def _whole(self, request: Request, name: str, default: int) -> int:
        text = request.args.get(name, str(default))
        if not re.fullmatch(r"-?\d{1,9}", text):
            raise Refused(400, "InvalidRequest", f"{name} must be a whole number.")
        return int(text)

    def _projection(self, request: Request, table: str) -> Callable[[Record], Record]:
        text = request.args.get("fields")
        return conditions.parse_fields(text, self._resource(table).known) if text else lambda record: record

    def _shown(self, request: Request, table: str, record: Record, status: int = 200) -> Response:
        if table == "additions":
            record = invoicing.with_amounts(record, self.state.clock.today())
        return json_response(self._projection(request, table)(record), status)

    def _pdf(self, record: Record) -> Response:
        text = f"%PDF-1.4\n% {record['invoiceNumber']} {record['total']}\n%%EOF\n"
        return Response(text.encode(), content_type="application/pdf")

    # Writing

    def _body(self, request: Request) -> Any:
        if request.mimetype != "application/json":
            raise Refused(415, "UnsupportedMediaType", "The body must be application/json.")
        try:
            return simplejson.loads(request.get_data(), use_decimal=True)
        except ValueError:
            raise Refused(400, "InvalidRequest", "The body is not valid JSON.", []) from None

    def _post(self, request: Request, table: str, parent: Record | None) -> Response:
        self._projection(request, table)
        record = self.writer.create(self._resource(table), self._body(request), parent)
        record |= {name: value for name, value in self._stored.items() if name in record}
        changes = [(table, record["id"], record)]
        if table == "contacts" and record["defaultFlag"] and "company" in record:
            company = self.state.companies[record["company"]["id"]]
            name = f"{record.get('firstName', '')} {record.get('lastName', '')}".strip()
            default = {"defaultContact": {"id": record["id"], "name": name, "_info": {}}}
            changes.append(("companies", company["id"], {**company, **default}))
        self.state.commit(*changes)
        return self._shown(request, table, record, 201)

    def _patch(self, request: Request, table: str, record: Record) -> Response:
        changed = self.writer.change(self._resource(table), record, self._body(request))
        if changed != record:
            self.state.commit((table, changed["id"], changed))
        return self._shown(request, table, changed)

    def _delete(self, table: str, record: Record) -> Response:
        if table == "agreements" and self.state.additions.on_agreement(record["id"]):
            raise Refused(409, "Conflict", "The agreement has additions.")
        if table == "catalog" and any(
            addition["product"]["id"] == record["id"] for addition in self.state.additions.values()
        ):
            raise invalid("productCatalog", "id", "The product is in use.", "InUse")
        self.state.commit(
            (table, record["id"], {**record, "deletedFlag": True} if table == "companies" else None)
        )
        return Response(status=204)
