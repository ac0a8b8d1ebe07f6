"""ConnectWise PSA: list what the month needs, create what is approved, set what is approved.

Facts: the vendor's Developer Guide and OpenAPI description (2025.1). Additions can only be listed per
agreement; a PATCH takes bare field names and must be read back, since a path inside an object gets a
200 that does nothing; dates are midnight UTC of the calendar date, without milliseconds.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, cast
from urllib.parse import urlsplit

from xlsync.config import ConnectWiseSettings
from xlsync.errors import ApiError
from xlsync.models import Addition, Agreement, CatalogItem, Company, Recap
from xlsync.rest import Call, Service

PAGE_SIZE: Final = 1000  # the most that ConnectWise allows
MARK_ID: Final = "Subscription ID"
MARK_NAME: Final = "Subscription Name"
_MONTHS: Final = {"Monthly": 1, "BiMonthly": 2, "Quarterly": 3, "SemiAnnual": 6, "Yearly": 12}
COMPANY_FIELDS: Final = "id,identifier,name,deletedFlag,defaultContact/id"
AGREEMENT_FIELDS: Final = (
    "id,name,company/id,billingCycle/id,billingCycle/name,currency,startDate,endDate,"
    "noEndingDateFlag,cancelledFlag,agreementStatus,nextInvoiceDate,prorateFlag"
)
ITEM_FIELDS: Final = (
    "id,identifier,description,price,cost,inactiveFlag,vendorSku,integrationXRef,manufacturerPartNumber"
)
_ADDITION: Final = (
    "id,product/id,product/identifier,quantity,lessIncluded,unitPrice,unitCost,billCustomer,"
    "effectiveDate,cancelledDate,description,invoiceDescription,taxableFlag,customFields"
)
_RECAP: Final = "id,nextInvoiceDate,nextInvoiceAmount,lastInvoiceDate,lastInvoiceNumber"

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Setup:
    """One entry of a setup table of the tenant; `parent` is the category of a subcategory.

    `months` is the length of a billing cycle, None where it does not recur in months.
    """

    id: int
    name: str
    parent: str = ""
    months: int | None = None
    is_default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupTables:
    """The tenant's choices that creation needs; statuses and types differ from tenant to tenant."""

    company_types: tuple[Setup, ...] = ()
    agreement_types: tuple[Setup, ...] = ()
    billing_cycles: tuple[Setup, ...] = ()
    product_types: tuple[Setup, ...] = ()
    subcategories: tuple[Setup, ...] = ()
    countries: tuple[Setup, ...] = ()


class ConnectWise:
    """A ConnectWise PSA site, through the keys of one API member."""

    def __init__(self, settings: ConnectWiseSettings) -> None:
        self._settings = settings
        self.side_by_side = settings.side_by_side
        self.service = self._connect(settings.url)

    def _connect(self, url: str) -> Service:
        settings = self._settings
        return Service(
            "ConnectWise",
            url,
            headers={
                "clientId": settings.client_id,
                "Accept": f"application/vnd.connectwise.com+json; version={settings.release}",
            },
            auth=(f"{settings.company}+{settings.public_key}", settings.private_key),
            workers=settings.side_by_side,
            per_minute=settings.requests_per_minute,
        )

    def list_records(
        self,
        path: str,
        *,
        fields: str = "",
        conditions: str = "",
        progress: Progress | None = None,
    ) -> tuple[list[dict[str, Any]], str]:
        """All records of a list, by id, and the server's time of the first page (an HTTP date).

        Pages are asked for by `id >` the last one seen, so that rows that move between pages while
        reading are neither lost nor doubled.
        """
        records: list[dict[str, Any]] = []
        asked_at = ""
        last = 0
        while True:
            parts = [f"({conditions})"] if conditions and last else [conditions] if conditions else []
            query: dict[str, str | int] = {
                "conditions": " and ".join([*parts, *([f"id>{last}"] if last else [])]),
                "orderBy": "id asc",
                "pageSize": PAGE_SIZE,
                "fields": fields,
            }
            page = self.service.get_page(path, {name: value for name, value in query.items() if value != ""})
            found = _records(page.data, path)
            asked_at = asked_at or page.headers.get("Date", "")
            records.extend(found)
            if progress:
                progress(len(found))
            if len(found) < PAGE_SIZE:
                return records, asked_at
            newest = max(_id(record, path) for record in found)
            if newest <= last:
                raise ApiError(
                    f"ConnectWise: GET {path} gave the same page twice",
                    "Try again; if it stays, tell the makers of xlsync.",
                    method="GET",
                    path=path,
                    status=200,
                )
            last = newest

    def list_additions(
        self, agreement_ids: Iterable[int], progress: Progress | None = None
    ) -> dict[int, tuple[Addition, ...] | ApiError]:
        """The additions of each agreement, side by side; a failed read is its error, never "none"."""
        ids = sorted(set(agreement_ids))
        query: dict[str, str | int] = {"fields": _ADDITION, "pageSize": PAGE_SIZE, "orderBy": "id asc"}
        calls = [Call(f"/finance/agreements/{id_}/additions", query) for id_ in ids]
        answers = self.service.get_many(calls, progress)
        additions: dict[int, tuple[Addition, ...] | ApiError] = {}
        for id_, call, answer in zip(ids, calls, answers, strict=True):
            if isinstance(answer, ApiError):
                additions[id_] = answer
                continue
            try:
                records = _records(answer, call.path)
                if len(records) >= PAGE_SIZE:
                    records, _ = self.list_records(call.path, fields=_ADDITION)
                additions[id_] = tuple(read_addition(record, id_) for record in records)
            except ApiError as error:
                additions[id_] = error
        return additions

    def list_recaps(self, agreement_ids: Iterable[int]) -> dict[int, Recap] | ApiError:
        """The recap of each agreement, asked in pieces that fit an address; the error where one failed.

        The description's list path ends with a slash.
        """
        pieces = _pieces(sorted(set(agreement_ids)))
        calls = [
            Call(
                "/finance/agreementrecap/",
                {"conditions": f"id in ({piece})", "pageSize": PAGE_SIZE, "fields": _RECAP},
            )
            for piece in pieces
        ]
        recaps: dict[int, Recap] = {}
        for answer in self.service.get_many(calls):
            if isinstance(answer, ApiError):
                return answer
            try:
                for record in _records(answer, "/finance/agreementrecap/"):
                    recap = read_recap(record)
                    recaps[recap.agreement_id] = recap
            except ApiError as error:
                return error
        return recaps

    def read_recap(self, agreement_id: int) -> Recap:
        """An agreement's last and next invoice as they are now."""
        path = f"/finance/agreementrecap/{agreement_id}"
        return read_recap(_record(self.service.get(path, {"fields": _RECAP}), path))

    def read_addition(self, agreement_id: int, addition_id: int) -> Addition | None:
        """One addition as it is now; None where there is none of that id."""
        path = f"/finance/agreements/{agreement_id}/additions/{addition_id}"
        try:
            record = self.service.get(path, {"fields": _ADDITION})
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return read_addition(_record(record, path), agreement_id)

    def list_setup(self, path: str, fields: str) -> tuple[Setup, ...]:
        """A setup table, without its inactive entries, by name."""
        records, _ = self.list_records(path, fields=fields)
        return tuple(sorted(map(_setup, filter(_is_shown, records)), key=lambda entry: entry.name.casefold()))

    def create(self, path: str, fields: Mapping[str, object]) -> int | None:
        """Create a record; its id, or None where the answer does not tell it (then look it up)."""
        answer = self.service.send("POST", path, {k: v for k, v in fields.items() if v is not None})
        found = answer.get("id") if isinstance(answer, dict) else None
        return found if isinstance(found, int) else None

    def find_invoice(self, number: str) -> int | None:
        """The id of an invoice by its number."""
        records, _ = self.list_records(
            "/finance/invoices", fields="id,invoiceNumber", conditions=f"invoiceNumber={quote(number)}"
        )
        return next((r["id"] for r in records if r.get("invoiceNumber") == number), None)

    def read_invoice(self, invoice_id: int) -> str | None:
        """The number of an invoice; None where there is none of that id."""
        path = f"/finance/invoices/{invoice_id}"
        try:
            record = _record(self.service.get(path, {"fields": "id,invoiceNumber"}), path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return str(record.get("invoiceNumber") or invoice_id)

    def find_codebase(self) -> str | None:
        """The path of this company's release, such as `v2025_1/`, from the site's own answer.

        None where the site does not know the login company (its answer is `null` then).
        """
        parts = urlsplit(self._settings.url)
        with Service("ConnectWise", f"{parts.scheme}://{parts.netloc}", headers={}) as site:
            answer = site.get(f"/login/companyinfo/{self._settings.company}")
        return str(answer["Codebase"]) if isinstance(answer, dict) and answer.get("Codebase") else None

    def check(self) -> None:
        """Read one company, to try address and keys; raises ApiError that says what is wrong.

        The cloud may answer 404 to wrong keys, and to an outdated codebase in the path: the site's
        own companyinfo tells them apart (Developer Guide, "Authentication").
        """
        try:
            self.service.get("/company/companies", {"pageSize": 1, "fields": "id"})
        except ApiError as error:
            if error.status != 404:
                raise
            self._explain_404(error)

    def _explain_404(self, error: ApiError) -> None:
        codebase = self.find_codebase()
        if codebase is None:
            raise ApiError(
                f"ConnectWise: the site does not know the company id {self._settings.company}",
                "Check XLSYNC_CW_COMPANY: it is the one you type at login.",
                method=error.method,
                path=error.path,
                status=404,
            ) from error
        parts = urlsplit(self._settings.url)
        url = f"{parts.scheme}://{parts.netloc}/{codebase.strip('/')}/apis/3.0"
        wrong_keys = ApiError(
            "ConnectWise: GET /company/companies answered 404, which on the cloud may mean wrong keys",
            "Check XLSYNC_CW_COMPANY, XLSYNC_CW_PUBLIC_KEY, XLSYNC_CW_PRIVATE_KEY and XLSYNC_CW_URL.",
            method="GET",
            path="/company/companies",
            status=404,
        )
        if url == self._settings.url:
            raise wrong_keys from error
        other = self._connect(url)
        try:
            other.get("/company/companies", {"pageSize": 1, "fields": "id"})
        except ApiError as second:
            other.close()
            if second.status != 404:
                raise
            raise wrong_keys from second
        self.service.close()
        self.service = other


def read_company(record: Mapping[str, Any]) -> Company | None:
    """A company of the list; None for one in the recycle bin."""
    if record.get("deletedFlag"):
        return None
    path = "/company/companies"
    contact = record.get("defaultContact") or {}
    return Company(
        id=_id(record, path),
        identifier=_text(record, "identifier", path),
        name=_text(record, "name", path),
        default_contact_id=contact.get("id"),
    )


def read_agreement(record: Mapping[str, Any], cycles: Mapping[int, Setup]) -> Agreement | None:
    """An agreement of the list; None for a cancelled, expired or inactive one."""
    if record.get("cancelledFlag") or record.get("agreementStatus") in {"Cancelled", "Expired", "Inactive"}:
        return None
    path = "/finance/agreements"
    cycle = record.get("billingCycle") or {}
    currency = record.get("currency") or {}
    known = cycles.get(cycle.get("id", 0))
    company = _record(record.get("company"), f"{path}/{record.get('id')} (company)")
    return Agreement(
        id=_id(record, path),
        name=_text(record, "name", path),
        company_id=_id(company, path),
        billing_cycle=known.name if known else str(cycle.get("name") or ""),
        billing_months=known.months if known else None,
        currency=str(currency.get("currencyCode") or currency.get("currencyIdentifier") or ""),
        start=read_date(record.get("startDate")),
        end=None if record.get("noEndingDateFlag") else read_date(record.get("endDate")),
        next_invoice=read_date(record.get("nextInvoiceDate")),
        prorated=bool(record.get("prorateFlag")),
    )


def read_item(record: Mapping[str, Any]) -> CatalogItem | None:
    """A product of the catalog; None for an inactive one."""
    if record.get("inactiveFlag"):
        return None
    path = "/procurement/catalog"
    codes = (record.get(name) for name in ("vendorSku", "integrationXRef", "manufacturerPartNumber"))
    return CatalogItem(
        id=_id(record, path),
        identifier=_text(record, "identifier", path),
        description=str(record.get("description") or ""),
        price=read_number(record.get("price"), path),
        cost=read_number(record.get("cost"), path),
        codes=tuple(str(code).strip() for code in codes if code),
    )


def read_addition(record: Mapping[str, Any], agreement_id: int) -> Addition:
    """An addition of an agreement, with its mark."""
    path = f"/finance/agreements/{agreement_id}/additions"
    product = _record(record.get("product"), f"{path}/{record.get('id')} (product)")
    quantity = read_number(record.get("quantity"), path)
    custom = record.get("customFields") or []
    marks = [field.get("value") for field in custom if field.get("caption") == MARK_ID]
    kept = ("billCustomer", "taxableFlag", "invoiceDescription", "description", "customFields")
    return Addition(
        id=_id(record, path),
        agreement_id=agreement_id,
        item_id=_id(product, path),
        quantity=Decimal(0) if quantity is None else quantity,
        less_included=read_number(record.get("lessIncluded"), path) or Decimal(0),
        unit_price=read_number(record.get("unitPrice"), path),
        unit_cost=read_number(record.get("unitCost"), path),
        effective=read_date(record.get("effectiveDate")),
        cancelled=read_date(record.get("cancelledDate")),
        contract_mark=clean(str(marks[0] or "")) if marks else "",
        kept={name: record[name] for name in kept if record.get(name) is not None},
    )


def read_recap(record: Mapping[str, Any]) -> Recap:
    """What the recap tells of the last and the next invoice; its dates are text."""
    path = "/finance/agreementrecap/"
    return Recap(
        agreement_id=_id(record, path),
        next_date=read_date(record.get("nextInvoiceDate")),
        next_amount=read_number(record.get("nextInvoiceAmount"), path),
        last_date=read_date(record.get("lastInvoiceDate")),
        last_number=str(record.get("lastInvoiceNumber") or ""),
    )


def read_date(value: object) -> dt.date | None:
    """A calendar date: the first ten characters, never converted through a local time."""
    text = str(value or "").strip()
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        found = re.match(r"(\d{1,2})/(\d{1,2})/(\d{4})", text)  # recaps give text dates of unknown form
        try:
            return dt.date(int(found[3]), int(found[1]), int(found[2])) if found else None
        except ValueError:
            return None


def write_date(day: dt.date) -> str:
    """A calendar date as ConnectWise takes it: midnight UTC, whole seconds."""
    return f"{day.isoformat()}T00:00:00Z"


def read_number(value: object, path: str) -> Decimal | None:
    """A number as it was sent; absent is None."""
    match value:
        case None:
            return None
        case bool():
            pass
        case Decimal() | int():
            return Decimal(value)
        case str() if re.fullmatch(r"-?\d+(\.\d+)?", value.strip()):
            return Decimal(value.strip())
    raise _broken(path, f"{value!r} where a number belongs")


def clean(text: str) -> str:
    """A text without the zero-width marks that turn up in values."""
    return re.sub("[\u200b-\u200f\u2060\ufeff]", "", text).strip()


def quote(text: str) -> str:
    """A text as a condition takes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _pieces(ids: Iterable[int]) -> list[str]:
    """Lists of ids for conditions; an address of more than 2000 characters is refused (Developer Guide)."""
    pieces: list[str] = []
    for id_ in ids:
        if pieces and len(pieces[-1]) + len(str(id_)) < 1200 and pieces[-1].count(",") < 99:
            pieces[-1] += f",{id_}"
        else:
            pieces.append(str(id_))
    return pieces


def _setup(record: Mapping[str, Any]) -> Setup:
    parent = record.get("category") or {}
    return Setup(
        id=_id(record, "setup table"),
        name=str(record.get("name") or record.get("description") or ""),
        parent=str(parent.get("name") or ""),
        months=_MONTHS.get(str(record.get("billingOptions") or "")),
        is_default=bool(record.get("defaultFlag")),
    )


def _is_shown(record: Mapping[str, Any]) -> bool:
    return not record.get("inactiveFlag")


def _records(data: object, path: str) -> list[dict[str, Any]]:
    if isinstance(data, list) and all(isinstance(record, dict) for record in data):
        return cast("list[dict[str, Any]]", data)
    raise _broken(path, "no list of records")


def _record(data: object, path: str) -> dict[str, Any]:
    if isinstance(data, dict):
        return data
    raise _broken(path, "no record")


def _id(record: Mapping[str, Any], path: str) -> int:
    found = record.get("id")
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    raise _broken(path, "a record without an id")


def _text(record: Mapping[str, Any], name: str, path: str) -> str:
    found = record.get(name)
    if isinstance(found, str) and found:
        return found
    raise _broken(path, f"record {record.get('id')} has no {name}")


def _broken(path: str, what: str) -> ApiError:
    return ApiError(
        f"ConnectWise: GET {path} answered with {what}",
        "Try again; if it stays, ask ConnectWise's support what changed.",
        method="GET",
        path=path,
        status=200,
    )
