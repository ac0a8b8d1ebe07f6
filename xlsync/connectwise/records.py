"""Conversion of ConnectWise's records; a record that cannot be used is an error that names it.

PURE. Dates are midnight UTC of the calendar date, without milliseconds; numbers are exact.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, cast

from msgspec import Struct

from xlsync.errors import ApiError
from xlsync.models import Addition, Agreement, CatalogItem, Company, Recap, Setup
from xlsync.printable import one_line
from xlsync.records import replace

CUSTOM_FIELDS: Final = "customFields"
MARK_ID: Final = "Subscription ID"
MARK_NAME: Final = "Subscription Name"
TAKEN_OVER: Final = ("billCustomer", "taxableFlag", "invoiceDescription", "description", CUSTOM_FIELDS)
_OTHER_INVOICES: Final = frozenset({"CreditMemo", "DownPayment", "Miscellaneous", "Progress", "Standard"})
_CLOSED: Final = frozenset({"Cancelled", "Expired", "Inactive"})
# Power of ten of the largest number: written out, a far larger one would fill the memory.
_LARGEST: Final = 18
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2100  # of invoices; an end may be said to lie in the year 9999
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_ZERO_WIDTH: Final = re.compile("[\u200b-\u200f\u2060\ufeff]")
_DAY_ISO: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?!\d)")
_DAY_IN_SLASHES: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?!\d)")
_EVENING: Final = re.compile(r".{10}T(1\d|2[0-3]):\d\d(:\d\d(\.\d+)?)?Z$")
_MONTHS: Final = {"Monthly": 1, "BiMonthly": 2, "Quarterly": 3, "SemiAnnual": 6, "Yearly": 12}


def read_company(record: Mapping[str, Any]) -> Company | None:
    """Read a company; None for one in the recycle bin."""
    if record.get("deletedFlag"):
        return None
    path = "/company/companies"
    contact = _inner(record, "defaultContact")
    return Company(
        id=id_of(record, path),
        identifier=_required_text(record, "identifier", path),
        name=_required_text(record, "name", path),
        default_contact_id=contact.get("id"),
        town=str(record.get("city") or ""),
        post_code=str(record.get("zip") or ""),
    )


def read_agreement(record: Mapping[str, Any], cycles: Mapping[int, Setup]) -> Agreement | None:
    """Read an agreement; None for a cancelled, expired or inactive one."""
    if record.get("cancelledFlag") or record.get("agreementStatus") in _CLOSED:
        return None
    path = "/finance/agreements"
    cycle = _inner(record, "billingCycle")
    known = cycles.get(cycle.get("id", 0))
    company = record_of(record.get("company"), f"{path}/{record.get('id')} (company)")
    return Agreement(
        id=id_of(record, path),
        name=_required_text(record, "name", path),
        company_id=id_of(company, path),
        billing_cycle=known.name if known else _text(cycle, "name"),
        billing_months=known.months if known else None,
        currency=_currency_of(record),
        start=read_date(record.get("startDate")),
        bill_start=read_date(record.get("billStartDate")),
        end=None if record.get("noEndingDateFlag") else read_date(record.get("endDate")),
        next_invoice=max(days_of(record.get("nextInvoiceDate")), default=None),
        prorated=bool(record.get("prorateFlag")),
        cycle_trouble=_cycle_trouble(cycle, known) if cycles else "",
        parent=_text(_inner(record, "parentAgreement"), "name"),
        parent_id=_inner(record, "parentAgreement").get("id"),
    )


def read_agreement_now(record: Mapping[str, Any]) -> AgreementNow:
    """Read an agreement of any state; a date that cannot be read is an error."""
    path = f"/finance/agreements/{record.get('id')}"
    status = str(record.get("agreementStatus") or "")
    closed = status if status in _CLOSED else ""
    return AgreementNow(
        id=id_of(record, path),
        company_id=id_of(record_of(record.get("company"), f"{path} (company)"), path),
        currency=_currency_of(record),
        closed="Cancelled" if record.get("cancelledFlag") else closed,
        start=read_date_strictly(record.get("startDate"), path),
        bill_start=read_date_strictly(record.get("billStartDate"), path),
        end=None if record.get("noEndingDateFlag") else read_date_strictly(record.get("endDate"), path),
        next_invoice=_latest_day(record.get("nextInvoiceDate"), path),
        prorated=bool(record.get("prorateFlag")),
        billing_cycle=_inner(record, "billingCycle").get("id"),
        name=_text(record, "name"),
        company=_text(_inner(record, "company"), "name"),
        parent=_text(_inner(record, "parentAgreement"), "name"),
        parent_id=_inner(record, "parentAgreement").get("id"),
    )


def _cycle_trouble(cycle: Mapping[str, Any], known: Setup | None) -> str:
    """Say why an agreement's units cannot be compared with billing per period; empty if they can."""
    name = str(cycle.get("name") or "")
    if not cycle or (known is not None and not known.recurs):
        return f"The agreement never recurs (billing cycle {name or 'none'}): nothing is billed each period."
    if known is None or known.months is None:
        return f"How often the agreement bills is not known (billing cycle {name or cycle.get('id')})."
    return ""


def read_item(record: Mapping[str, Any]) -> CatalogItem | None:
    """Read a catalog item; None for an inactive one."""
    if record.get("inactiveFlag"):
        return None
    path = "/procurement/catalog"
    codes = (record.get(name) for name in ("vendorSku", "integrationXRef", "manufacturerPartNumber"))
    return CatalogItem(
        id=id_of(record, path),
        identifier=_required_text(record, "identifier", path),
        description=_text(record, "description"),
        price=read_number(record.get("price"), path),
        cost=read_number(record.get("cost"), path),
        codes=tuple(str(code).strip() for code in codes if code),
        is_bundle=record.get("productClass") == "Bundle",
    )


def read_addition(record: Mapping[str, Any], agreement_id: int, *, whole: bool) -> Addition:
    """Read an addition with its mark; with `whole` also the fields that a successor takes over."""
    path = f"/finance/agreements/{agreement_id}/additions"
    product = record_of(record.get("product"), f"{path}/{record.get('id')} (product)")
    quantity = read_number(record.get("quantity"), path)
    if quantity is None:  # an absent quantity is not zero, and cannot be compared
        raise broken(path, f"addition {record.get('id')}, which has no quantity")
    custom = records_of(record.get("customFields") or [], f"{path}/{record.get('id')} (customFields)")
    marks = [field.get("value") for field in custom if field.get("caption") == MARK_ID]
    return Addition(
        id=id_of(record, path),
        agreement_id=agreement_id,
        item_id=id_of(product, path),
        quantity=quantity,
        less_included=read_number(record.get("lessIncluded"), path) or Decimal(0),
        unit_price=read_number(record.get("unitPrice"), path),
        unit_cost=read_number(record.get("unitCost"), path),
        effective=read_date_strictly(record.get("effectiveDate"), path),
        cancelled=read_date_strictly(record.get("cancelledDate"), path),
        contract_mark=clean(str(marks[0] or "")) if marks else "",
        bill_customer=str(record.get("billCustomer") or ""),
        status=str(record.get("additionStatus") or ""),
        carried_over={name: record[name] for name in TAKEN_OVER if whole and record.get(name) is not None},
        product=_text(product, "identifier") if whole else "",
    )


def read_recap(record: Mapping[str, Any]) -> Recap:
    """Read a recap; its dates are text, and those that cannot be read for sure are named in `unclear`."""
    path = "/finance/agreementrecap/"
    dates = {"next": record.get("nextInvoiceDate"), "last": record.get("lastInvoiceDate")}
    unclear = [
        f"{name} invoice date {str(date)[:40]}"
        for name, date in dates.items()
        if date is not None and date != "" and len(days_of(date)) != 1
    ]
    return Recap(
        agreement_id=id_of(record, path),
        next_date=read_date(record.get("nextInvoiceDate")),
        next_amount=read_number(record.get("nextInvoiceAmount"), path),
        last_date=read_date(record.get("lastInvoiceDate")),
        last_number=str(record.get("lastInvoiceNumber") or ""),
        unclear=", ".join(unclear),
    )


def days_of(value: object) -> list[dt.date]:
    """Return the calendar days that a date may mean, in order; none where it cannot be read.

    Midnight east of Greenwich is the evening before in UTC: such a time may belong to the day after. No
    invoice is of the year 1900, in which some programs put what has no date, or of another age.
    """
    day = read_date(value)
    if day is None or not _FIRST_YEAR < day.year <= _LAST_YEAR:
        return []
    return [day, day + dt.timedelta(days=1)] if _EVENING.match(str(value).strip()) else [day]


def read_date(value: object) -> dt.date | None:
    """Read a calendar date: the first ten characters, never converted through a local time.

    Recaps have text dates of unknown form: one that could be read in two ways is None, as one that cannot be
    read at all.
    """
    text = str(value or "").strip()
    if iso := _DAY_ISO.match(text):
        readings = {_day(iso[1], iso[2], iso[3])}
    elif match := _DAY_IN_SLASHES.match(text):
        readings = {_day(match[3], match[1], match[2]), _day(match[3], match[2], match[1])}
    else:
        return None
    days = [day for day in readings if day is not None]
    return days[0] if len(days) == 1 else None


def _day(year: str, month: str, day: str) -> dt.date | None:
    """Return a day; None for none, such as the zero dates that stand for no date in some programs."""
    try:
        return dt.date(int(year), int(month), int(day)) if int(year) >= _FIRST_YEAR else None
    except ValueError:
        return None


def read_date_strictly(value: object, path: str) -> dt.date | None:
    """Read a date such as an addition's end; raises an error where it cannot be read."""
    day = read_date(value)
    if day is None and value:
        raise broken(path, f"{value!r} where a date belongs")
    return day


def later_of(one: dt.date | None, other: dt.date | None) -> dt.date | None:
    """Return the later of two days, of which either may be unknown."""
    return max(filter(None, (one, other)), default=None)


def _latest_day(value: object, path: str) -> dt.date | None:
    """Return the last of the days that a date may mean; raises an error where it cannot be read."""
    read_date_strictly(value, path)
    return max(days_of(value), default=None)


def write_date(day: dt.date) -> str:
    """Write a calendar date for ConnectWise: midnight UTC, whole seconds."""
    return f"{day.isoformat()}T00:00:00Z"


def read_number(value: object, path: str) -> Decimal | None:
    """Read a number exactly; None where it is absent."""
    number = None
    match value:
        case None:
            return None
        case bool():
            pass
        case Decimal() | int():
            number = Decimal(value)
        case str() if _NUMBER.fullmatch(value.strip()):
            number = Decimal(value.strip())
    if number is None or number.adjusted() > _LARGEST:
        raise broken(path, f"{str(value)[:40]!r} where a number belongs")
    return number


def clean(text: str) -> str:
    """Remove zero-width marks from a text."""
    return (text if text.isascii() else _ZERO_WIDTH.sub("", text)).strip()


def folded(name: str) -> str:
    """Fold a name's case and blanks, by which no two records are told apart."""
    return " ".join(name.split()).casefold()


def read_setup(record: Mapping[str, Any]) -> Setup:
    """Read an entry of a setup table."""
    parent = _inner(record, "category")
    return Setup(
        id=id_of(record, "setup table"),
        name=_text(record, "name") or _text(record, "description"),
        parent=_text(parent, "name"),
        months=_MONTHS.get(str(record.get("billingOptions") or "")),
        is_default=bool(record.get("defaultFlag")),
        recurs=record.get("billingOptions") != "NotRecurring",
    )


def records_of(data: object, path: str) -> list[dict[str, Any]]:
    """Return the records in the answer of a list; raises an error for another shape."""
    if isinstance(data, list) and all(isinstance(record, dict) for record in data):
        return cast("list[dict[str, Any]]", data)
    raise broken(path, "no list of records")


def record_of(data: object, path: str) -> dict[str, Any]:
    """Return the record in an answer; raises an error for another shape."""
    if isinstance(data, dict):
        return data
    raise broken(path, "no record")


def id_of(record: Mapping[str, Any], path: str) -> int:
    """Return the id of a record; raises an error where it has none."""
    id_ = record.get("id")
    if isinstance(id_, int) and not isinstance(id_, bool):
        return id_
    raise broken(path, "a record without an id")


def _inner(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _currency_of(record: Mapping[str, Any]) -> str:
    """Return the code of a record's currency; empty where it has none."""
    currency = _inner(record, "currency")
    return str(currency.get("currencyCode") or currency.get("currencyIdentifier") or "")


def _text(record: Mapping[str, Any], name: str) -> str:
    """Return a text on one line; empty where there is none."""
    return one_line(str(record.get(name) or ""))


def _required_text(record: Mapping[str, Any], name: str, path: str) -> str:
    value = record.get(name)
    if isinstance(value, str) and clean(value):
        return one_line(value)
    raise broken(path, f"record {record.get('id')} has no {name}")


def broken(path: str, what: str) -> ApiError:
    """Make the error of an answer that cannot be used."""
    return ApiError(
        f"ConnectWise: GET {path} answered with {what}",
        "Try again; if it stays, ask ConnectWise's support what changed.",
        method="GET",
        path=path,
        status=200,
    )


class AgreementNow(Struct, frozen=True, kw_only=True):
    """An agreement as read just before a write to it; `closed` is its status, empty while it is active."""

    id: int
    company_id: int
    currency: str = ""
    closed: str = ""
    start: dt.date | None = None
    bill_start: dt.date | None = None
    end: dt.date | None = None
    next_invoice: dt.date | None = None
    prorated: bool = False
    billing_cycle: int | None = None
    name: str = ""
    company: str = ""
    parent: str = ""
    parent_id: int | None = None

    def invoiced_by(self, parent: AgreementNow) -> AgreementNow:
        """Return the agreement with the later of both next invoice dates: its parent's invoice bills it."""
        return replace(self, next_invoice=later_of(self.next_invoice, parent.next_invoice))

    @property
    def closed_until(self) -> dt.date | None:
        """The next invoice date, before which an agreement that does not prorate takes no addition."""
        return None if self.prorated else self.next_invoice


class InvoiceNow(Struct, frozen=True, kw_only=True):
    """An invoice of an agreement; `amounts` are those of the agreement, before tax, and with tax.

    `days` are those that its date may mean, `kind` is ConnectWise's type.
    """

    id: int
    number: str
    amounts: tuple[Decimal, ...] = ()
    currency: str = ""
    days: tuple[dt.date, ...] = ()
    kind: str = ""

    @property
    def may_bill_period(self) -> bool:
        """Return whether it may be the invoice of a period of the agreement; so may one of unknown type."""
        return self.kind not in _OTHER_INVOICES


def read_invoice_now(record: Mapping[str, Any]) -> InvoiceNow:
    """Read an invoice; amounts that ConnectWise leaves out are left out."""
    path = "/finance/invoices"
    amounts = (read_number(record.get(name), path) for name in ("agreementAmount", "subtotal", "total"))
    return InvoiceNow(
        id=id_of(record, path),
        number=str(record.get("invoiceNumber") or ""),
        amounts=tuple(amount for amount in amounts if amount is not None),
        currency=_currency_of(record),
        days=tuple(days_of(record.get("date"))),
        kind=str(record.get("type") or ""),
    )


class ItemNow(Struct, frozen=True, kw_only=True):
    """A catalog item as read just before an addition of it is created."""

    id: int
    price: Decimal | None
    is_active: bool
    identifier: str = ""
