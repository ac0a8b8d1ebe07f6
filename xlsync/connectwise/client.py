"""Client of ConnectWise PSA: lists and reads of the records that xlsync needs.

Facts: the vendor's Developer Guide and OpenAPI description (2025.1). Additions can only be listed per
agreement; a PATCH takes bare field names and must be read back, since a path inside an object gets a
200 that does nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from typing import Any, Final

from xlsync.connectwise.connection import Connection
from xlsync.connectwise.records import (
    TAKEN_OVER,
    AgreementNow,
    InvoiceNow,
    ItemNow,
    id_of,
    read_addition,
    read_agreement_now,
    read_invoice_now,
    read_number,
    read_recap,
    read_setup,
    record_of,
    records_of,
)
from xlsync.errors import ApiError
from xlsync.models import Addition, Recap, Setup
from xlsync.rest.service import Page
from xlsync.settings import ConnectWiseSettings

PAGE_SIZE: Final = 1000  # the most that ConnectWise allows
MOST_PAGES: Final = 5000  # most pages of one list, against a server that never ends it
COMPANY_FIELDS: Final = "id,identifier,name,city,zip,deletedFlag,defaultContact/id"
AGREEMENT_FIELDS: Final = (
    "id,name,company/id,billingCycle/id,billingCycle/name,currency,startDate,billStartDate,endDate,"
    "noEndingDateFlag,cancelledFlag,agreementStatus,nextInvoiceDate,prorateFlag,"
    "parentAgreement/id,parentAgreement/name"
)
_NOT_COUNTED: Final = frozenset({400, 403, 404, 405})
_COMPANY: Final = "id,name,deletedFlag"
_INVOICE: Final = "id,invoiceNumber,type,date,agreementAmount,subtotal,total,currency"
ITEM_FIELDS: Final = (
    "id,identifier,description,price,cost,inactiveFlag,vendorSku,integrationXRef,manufacturerPartNumber,"
    "productClass"
)
_ADDITION: Final = (
    "id,agreementId,product/id,product/identifier,quantity,lessIncluded,unitPrice,unitCost,"
    "effectiveDate,cancelledDate,billCustomer,customFields"
)
_WHOLE_ADDITION: Final = ",".join(dict.fromkeys([*_ADDITION.split(","), *TAKEN_OVER]))
_RECAP: Final = "id,nextInvoiceDate,nextInvoiceAmount,lastInvoiceDate,lastInvoiceNumber"
Recaps = dict[int, Recap] | ApiError  # by agreement


class ConnectWise(Connection):
    """Client of one ConnectWise PSA site, with the keys of one API member."""

    def __init__(self, settings: ConnectWiseSettings, *, most_pages: int = MOST_PAGES) -> None:
        super().__init__(settings)
        self._most_pages = most_pages
        self.side_by_side = settings.side_by_side
        self.seconds_until_unknown = settings.seconds_until_unknown
        self._shows_status: bool | None = None  # whether additions have a status here; None: not seen yet
        self._longest: dict[str, int] = {}  # longest page of each kind of list so far

    def list_records(
        self,
        path: str,
        *,
        fields: str = "",
        conditions: str = "",
        progress: Callable[[int], None] | None = None,
    ) -> tuple[list[dict[str, Any]], str]:
        """Read all records of a list by id, and the server's time of the first page (an HTTP date).

        Pages are asked for by `id >` the last one seen, so that rows that move between pages while
        reading are neither lost nor doubled. A short page is not taken for the last one where the server
        may have cut it; an empty page where the one before promised more is an error, never the end.
        """
        records: list[dict[str, Any]] = []
        asked_at = ""
        last = 0
        was_promised = False
        kind = re.sub(r"\d+", "", path)
        for _ in range(self._most_pages):
            parts = [f"({conditions})"] if conditions and last else [conditions] if conditions else []
            query: dict[str, str | int] = {
                "conditions": " and ".join([*parts, *([f"id>{last}"] if last else [])]),
                "orderBy": "id asc",
                "pageSize": PAGE_SIZE,
                "fields": fields,
            }
            page = self.service.get_page(path, {name: value for name, value in query.items() if value != ""})
            on_page = records_of(page.data, path)
            if not on_page and was_promised:
                raise _odd_list(path, "gave an empty page where more was promised")
            if not on_page and last and conditions:  # joined conditions find nothing on some servers
                count = self.count_records(path, conditions)
                if count > len(records):
                    raise _odd_list(path, f"ended after {len(records):,} records, and counts {count:,}")
            was_promised = page.next_url is not None
            asked_at = asked_at or page.headers.get("Date", "")
            records.extend(on_page)
            if progress:
                progress(len(on_page))
            longest = self._longest.get(kind, 0)
            self._longest[kind] = max(longest, len(on_page))
            if _is_last(page, len(on_page), longest):
                return records, asked_at
            newest = max(id_of(record, path) for record in on_page)
            if newest <= last:
                raise _odd_list(path, "gave the same page twice")
            last = newest
        raise _odd_list(path, f"did not end after {self._most_pages} pages")

    def list_where(
        self, path: str, *, fields: str, condition: str = "", is_counted: bool = True
    ) -> list[dict[str, Any]]:
        """Read the records that meet one condition, on whose absence a write may depend.

        A live server was seen to answer an empty list of records that it has, where conditions were joined
        by `and`: there is one condition, and the caller selects by further fields. Where `is_counted`, an
        empty list is held against the count of its records: it is read once more where there are any, and is
        an error where it stays empty. What was created a moment ago may be in the count and not yet in the
        list: whoever looks for that does not count.
        """
        for _ in range(2):
            records, _ = self.list_records(path, fields=fields, conditions=condition)
            if records or not is_counted or not (count := self.count_records(path, condition)):
                return records
        raise _odd_list(path, f"gave an empty list, and counts {count:,}")

    def list_named(
        self, path: str, *, fields: str, field: str, text: str, is_counted: bool = True
    ) -> list[dict[str, Any]]:
        """Read the records whose field may have a text, for the caller to compare.

        The developer guide writes a `[` in a value as `[[]`, and may mean patterns of `like` alone: a text
        with one is asked for in both ways.
        """
        spelled = dict.fromkeys((text, text.replace("[", "[[]")))
        conditions = (f"{field}={quoted_text(one)}" for one in spelled)
        found = [
            self.list_where(path, fields=fields, condition=condition, is_counted=is_counted)
            for condition in conditions
        ]
        return [record for records in found for record in records]

    def count_records(self, path: str, condition: str = "") -> int:
        """Return the number of records of a list; 0 where this server does not count them for these keys."""
        try:
            answer = self.service.get(f"{path}/count", {"conditions": condition} if condition else {})
        except ApiError as error:
            if error.status in _NOT_COUNTED:
                return 0
            raise
        count = record_of(answer, path).get("count")
        return count if isinstance(count, int) else 0

    def list_additions(
        self,
        agreement_ids: Iterable[int],
        progress: Callable[[int], None] | None = None,
        *,
        whole: bool = False,
        with_status: bool = False,
        is_counted: bool = False,
    ) -> dict[int, tuple[Addition, ...] | ApiError]:
        """Read the additions of agreements, side by side; a failed read is its error, never empty.

        With `whole`, additions have the fields that a successor takes over. `with_status` asks for the
        status where this server has it, `is_counted` holds empty lists against the counts of their records.
        """
        read: dict[int, tuple[Addition, ...] | ApiError] = {}
        reading = self.each_additions(
            agreement_ids, whole=whole, with_status=with_status, is_counted=is_counted
        )
        with closing(reading) as coming:
            for id_, additions in coming:
                read[id_] = additions
                if progress:
                    progress(len(read))
        return {id_: read[id_] for id_ in sorted(read)}

    def each_additions(
        self,
        agreement_ids: Iterable[int],
        *,
        whole: bool = False,
        with_status: bool,
        is_counted: bool = False,
    ) -> Generator[tuple[int, tuple[Addition, ...] | ApiError]]:
        """Read as `list_additions` does; yield each agreement's additions as soon as they are there.

        Where `is_counted`, an empty list is held against the count of its records, as in `list_where`. What
        a list shows of another agreement, such as a child, is left to that agreement.
        """
        fields = _WHOLE_ADDITION if whole else _ADDITION

        def read(id_: int) -> tuple[Addition, ...]:
            path = f"/finance/agreements/{id_}/additions"
            if with_status:
                records = self._list_with_status(path, fields)
            else:
                records, _ = self.list_records(path, fields=fields)
            if not records and is_counted:
                records = self.list_where(path, fields=fields) if self.count_records(path) else []
            own = (record for record in records if record.get("agreementId") in {id_, None})
            return tuple(read_addition(record, id_, whole=whole) for record in own)

        return self.service.as_they_come(read, sorted(set(agreement_ids)))

    def _list_with_status(self, path: str, fields: str) -> list[dict[str, Any]]:
        """Read additions with their status, which live servers show and the API's description does not name.

        A server may refuse a field that it does not know, so that the first additions are read completely:
        what they show decides whether the others are asked for it.
        """
        shows = self._shows_status
        asked = "" if shows is None else f"{fields},additionStatus" if shows else fields
        try:
            records, _ = self.list_records(path, fields=asked)
        except ApiError as error:
            if not shows or error.status != 400:
                raise
            self._shows_status = False
            records, _ = self.list_records(path, fields=fields)
        if self._shows_status is None and records:
            self._shows_status = any("additionStatus" in record for record in records)
        return records

    def list_recaps(
        self, agreement_ids: Iterable[int], read_unlisted: Callable[[list[int]], Recaps] | None = None
    ) -> Recaps:
        """Read the recaps of agreements, in requests whose address is not too long; the error if one failed.

        The path of this list ends with a slash in the API's description. A recap that the list does not show
        is read by its id, or by `read_unlisted`: live servers were seen to list nothing of what they have.
        """

        def read(piece: str) -> list[Recap]:
            records, _ = self.list_records(
                "/finance/agreementrecap/", fields=_RECAP, conditions=f"id in ({piece})"
            )
            return [read_recap(record) for record in records]

        recaps: dict[int, Recap] = {}
        wanted = sorted(set(agreement_ids))
        for answer in self.service.side_by_side(read, _pieces(wanted)):
            if isinstance(answer, ApiError):
                return answer
            recaps |= {recap.agreement_id: recap for recap in answer}
        unlisted = (read_unlisted or self.read_recaps)([id_ for id_ in wanted if id_ not in recaps])
        return unlisted if isinstance(unlisted, ApiError) else recaps | unlisted

    def read_recaps(self, agreement_ids: Iterable[int]) -> Recaps:
        """Read recaps by their ids; the error if one failed. An agreement without one is missing."""
        answers = self.service.side_by_side(self.read_recap, list(agreement_ids))
        failed = (one for one in answers if isinstance(one, ApiError) and not one.is_absence)
        return next(failed, None) or {one.agreement_id: one for one in answers if isinstance(one, Recap)}

    def read_agreements(self, agreement_ids: Iterable[int]) -> dict[int, AgreementNow]:
        """Read the present state of agreements by id, in few requests; those that are gone are missing."""
        path = "/finance/agreements"
        agreements: dict[int, AgreementNow] = {}
        for piece in _pieces(sorted(set(agreement_ids))):
            records, _ = self.list_records(
                path, fields=f"{AGREEMENT_FIELDS},company/name", conditions=f"id in ({piece})"
            )
            agreements |= {agreement.id: agreement for agreement in map(read_agreement_now, records)}
        return agreements

    def read_agreement(self, agreement_id: int) -> AgreementNow | None:
        """Read the present state of one agreement, which a list may not show yet; None where it is gone."""
        path = f"/finance/agreements/{agreement_id}"
        record = self._read_record(path, f"{AGREEMENT_FIELDS},company/name")
        return None if record is None else read_agreement_now(record)

    def find_companies(self, company_ids: Iterable[int]) -> dict[int, str]:
        """Read the names of companies by id, in few requests; those that were deleted are missing."""
        path = "/company/companies"
        names: dict[int, str] = {}
        for piece in _pieces(sorted(set(company_ids))):
            records, _ = self.list_records(path, fields=_COMPANY, conditions=f"id in ({piece})")
            for record in records:
                if not record.get("deletedFlag"):
                    names[id_of(record, path)] = str(record.get("name") or "")
        return names

    def read_company_name(self, company_id: int) -> str | None:
        """Read the name of a company, which a list may not show yet; None where it was deleted."""
        record = self._read_record(f"/company/companies/{company_id}", _COMPANY)
        return None if record is None or record.get("deletedFlag") else str(record.get("name") or "")

    def read_item_now(self, item_id: int) -> ItemNow | None:
        """Read the present state of a catalog item; None where there is none of the id."""
        path = f"/procurement/catalog/{item_id}"
        record = self._read_record(path, "id,identifier,price,inactiveFlag")
        if record is None:
            return None
        price = read_number(record.get("price"), path)
        return ItemNow(
            id=id_of(record, path),
            price=price,
            is_active=not record.get("inactiveFlag"),
            identifier=str(record.get("identifier") or ""),
        )

    def read_default_contact(self, company_id: int) -> int | None:
        """Read the id of a company's default contact; None where it has none."""
        path = f"/company/companies/{company_id}"
        record = record_of(self.service.get(path, {"fields": "id,defaultContact/id"}), path)
        contact = record.get("defaultContact")
        return id_of(record_of(contact, path), path) if contact else None

    def read_company_of_contact(self, contact_id: int) -> int | None:
        """Read the id of a contact's company; None where it has none."""
        path = f"/company/contacts/{contact_id}"
        record = record_of(self.service.get(path, {"fields": "id,company/id"}), path)
        company = record.get("company")
        return id_of(record_of(company, path), path) if company else None

    def read_recap(self, agreement_id: int) -> Recap:
        """Read an agreement's recap."""
        path = f"/finance/agreementrecap/{agreement_id}"
        return read_recap(record_of(self.service.get(path, {"fields": _RECAP}), path))

    def read_addition(self, agreement_id: int, addition_id: int) -> Addition | None:
        """Read the present state of an addition with all fields; None where there is none of the id."""
        path = f"/finance/agreements/{agreement_id}/additions/{addition_id}"
        record = self._read_record(path, _WHOLE_ADDITION)
        return None if record is None else read_addition(record, agreement_id, whole=True)

    def list_setup(self, path: str, fields: str) -> tuple[Setup, ...]:
        """Read the active entries of a setup table, by name."""
        records, _ = self.list_records(path, fields=fields)
        entries = [read_setup(record) for record in records if not record.get("inactiveFlag")]
        return tuple(sorted(entries, key=lambda entry: entry.name.casefold()))

    def list_invoices(self, agreement_id: int, since: dt.date) -> list[InvoiceNow]:
        """Read an agreement's invoices from a day on, the oldest first; one without a date is among them.

        Invoices of another kind, such as one of the hours worked under the agreement, bill no period of it.
        Live servers were seen to answer nothing to a condition on a date, or to two conditions, and one where
        some fields of invoices were asked for: an empty list is read once more, with all fields.
        """
        path, condition = "/finance/invoices", f"agreement/id={agreement_id}"
        records = self.list_where(path, fields=_INVOICE, condition=condition, is_counted=False)
        records = records or self.list_where(path, fields="", condition=condition, is_counted=False)
        invoices = map(read_invoice_now, records)
        return [one for one in invoices if one.may_bill_period and max(one.days, default=since) >= since]

    def find_invoice(self, number: str) -> int | None:
        """Find the id of an invoice by its number."""
        path = "/finance/invoices"
        asked = f"invoiceNumber={quoted_text(number)}"
        records, _ = self.list_records(path, fields="id,invoiceNumber", conditions=asked)
        return next((id_of(r, path) for r in records if r.get("invoiceNumber") == number), None)

    def read_invoice(self, invoice_id: int) -> InvoiceNow | None:
        """Read an invoice; None where there is none of the id."""
        record = self._read_record(f"/finance/invoices/{invoice_id}", _INVOICE)
        return None if record is None else read_invoice_now(record)

    def _read_record(self, path: str, fields: str) -> dict[str, Any] | None:
        """Read one record; None where there is none of its id."""
        try:
            return record_of(self.service.get(path, {"fields": fields}), path)
        except ApiError as error:
            if error.is_absence:
                return None
            raise


def _odd_list(path: str, what: str) -> ApiError:
    """Make the error of a list that cannot be read to its end."""
    hint = "Try again in some minutes; if it stays, ask ConnectWise's support what is wrong with this list."
    return ApiError(f"ConnectWise: GET {path} {what}", hint, method="GET", path=path, status=200)


def _is_last(page: Page, count: int, longest: int) -> bool:
    """Return whether a page of `count` records is the last; `longest` is the longest page so far.

    The Link header shows it (Developer Guide, "Pagination"). Without one a short page may be cut
    by a server with a lower limit: it is surely the last if a longer one was seen.
    """
    if count == 0:
        return True
    if page.next_url is not None or count >= PAGE_SIZE:
        return False
    return "Link" in page.headers or count < longest


def quoted_text(text: str) -> str:
    """Write a text in quotes, as it stands in a condition."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _pieces(ids: Iterable[int]) -> list[str]:
    """Split ids into lists for conditions; addresses over 2000 characters are refused (Developer Guide)."""
    pieces: list[str] = []
    for id_ in ids:
        if pieces and len(pieces[-1]) + len(str(id_)) < 1200 and pieces[-1].count(",") < 99:
            pieces[-1] += f",{id_}"
        else:
            pieces.append(str(id_))
    return pieces
