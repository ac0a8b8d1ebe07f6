"""The BSS (interworks.cloud, Infiterra): the billing lines of a month. It is only ever read.

Written after the description of its reseller API, version 3.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, Literal
from urllib.parse import quote

from xlsync.bss_lines import (
    Charged,
    Json,
    Unit,
    invoice_date,
    is_cancelled,
    keep_plan,
    part,
    read_lines,
    read_units,
    settle_ends,
    text_of,
    whole,
    with_plan,
)
from xlsync.errors import ApiError
from xlsync.models import BillingLine, Month
from xlsync.rest import Call, Service

By = Literal["invoice-date", "service-period"]
Progress = Callable[[int], None]

PAGE_SIZE: Final = 500  # the most that the API allows
# No rate is published (facts/bss): what is let through is cut down as soon as it says 429, 503 or 403.
SIDE_BY_SIDE: Final = 24
PER_MINUTE: Final = 3000
_ENDED: Final = frozenset({"cancelled", "canceled", "inactive"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An end customer as the BSS knows it: proposals for a new ConnectWise company."""

    name: str
    phone: str = ""
    email: str = ""
    address: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: str = ""


class Bss:
    """A reseller's own view of the distributor's BSS.

    `plans` keeps what is known of each subscription's billing plan, since asking costs a request each.
    """

    def __init__(
        self,
        url: str,
        client_key: str,
        client_secret: str,
        username: str,
        password: str,
        *,
        plans: MutableMapping[str, Any],
        workers: int = SIDE_BY_SIDE,
        patience: float = 1.0,
    ) -> None:
        self._keys = (client_key, client_secret)
        self._user = {"grant_type": "password", "username": username, "password": password}
        self._plans = plans
        self.service = Service(
            "BSS",
            url.strip().rstrip("/").removesuffix("/api"),
            headers={"X-Api-Version": "3"},
            authorize=self._token,
            workers=workers,
            per_minute=PER_MINUTE,
            patience=patience,
        )

    def check(self) -> None:
        """Try the keys, and the right to read invoices."""
        self.service.get("api/invoices", {"pageIndex": 1, "pageSize": 1})

    def list_billing_lines(
        self, month: Month, *, by: By, progress: Progress | None = None
    ) -> tuple[BillingLine, ...]:
        """What the distributor charged in a month, by invoice date or by the charged period.

        `progress` is told how many reads are done so far. Raises ApiError where the lines are not all
        there; a billing plan that could not be read is told in the line itself.
        """
        steps = _Steps(progress)
        # a period is invoiced from a month before it to three months after it, by the rule of
        # interworks' own reconciliation for Power BI
        first, last = (month.plus(-1), month.plus(3)) if by == "service-period" else (month, month)
        invoices = [
            invoice
            for invoice in self._list_invoices(first.first, last.last, steps)
            if not is_cancelled(invoice) and first.first <= invoice_date(invoice) <= last.last
        ]
        for invoice in invoices:
            _require_id("api/invoices", invoice)
        if not invoices:
            return ()
        units = self._read_units(steps)
        read = [
            one
            for invoice, items in zip(invoices, self._read_items(invoices, steps), strict=True)
            for one in read_lines(invoice, items, units, (month, by))
        ]
        lines = self._complete([one for one in settle_ends(read) if one.is_of(month, by)], steps)
        return tuple(sorted(lines, key=lambda line: (line.invoice, line.key)))

    def list_own_units(self, contracts: Iterable[BillingLine]) -> dict[str, Decimal | ApiError]:
        """The BSS's own quantity of each line's contract, by `BillingLine.contract`.

        Of the subscription or, for an add-on, of the add-on; a read that failed is its ApiError.
        """
        wanted = {line.contract: line for line in contracts if line.contract_id and line.source == "bss"}
        paths = {
            contract: f"api/subscriptions/{quote(line.contract_id, safe='')}"
            + ("/addons" if line.addon_id else "")
            for contract, line in wanted.items()
        }
        asked = list(dict.fromkeys(paths.values()))
        answers = dict(zip(asked, self.service.get_many([Call(path) for path in asked]), strict=True))
        return {
            contract: _own_units(line, paths[contract], answers[paths[contract]])
            for contract, line in wanted.items()
        }

    def read_account(self, customer_id: str) -> Account | None:
        """An end customer's name and address; None where these keys may not read it."""
        path = f"api/accounts/{quote(customer_id, safe='')}"
        found = self._read_if_allowed(path)
        if not isinstance(found, Mapping):
            return None
        place = found.get("billingAddress") or self._read_if_allowed(f"{path}/billingaddress")
        place = place if isinstance(place, Mapping) else {}
        state, country = part(place, "state"), part(place, "country")
        lines = (text_of(place.get("address")), text_of(place.get("address2")))
        return Account(
            name=text_of(found.get("name")),
            phone=text_of(found.get("phone")),
            email=text_of(found.get("email")),
            address=", ".join(line for line in lines if line),
            city=text_of(place.get("city")),
            state=text_of(state.get("code") or state.get("name")),
            zip=text_of(place.get("postCode")),
            country=text_of(country.get("name") or country.get("code")),
        )

    def _token(self) -> str:
        try:
            answer = self.service.post_form("oauth/token", self._user, auth=self._keys)
        except ApiError as error:
            if error.status in (400, 401, 403):
                error.hint = "Check the keys of the BSS: `xlsync login` stores them anew and tries them."
            raise
        token = answer.get("access_token") if isinstance(answer, Mapping) else None
        if not token:
            raise _odd("oauth/token", "it gave no token", method="POST")
        return f"Bearer {token}"

    def _list_invoices(self, first: dt.date, last: dt.date, steps: _Steps) -> list[Json]:
        """Invoices of a time and some around it, with their analytical items.

        Which fields can be filtered is not known for sure: the date on the invoice is tried, then that
        of its creation (an invoice may be dated back, so without an end), then none.
        """
        # a day more at both ends, since the filter's days may be of another time zone
        after = f"datetime'{first - dt.timedelta(days=2)}'"
        before = f"datetime'{last + dt.timedelta(days=2)}'"
        earlier = f"datetime'{first - dt.timedelta(days=60)}'"
        query = {"include": "analysisItems"}
        for text in (f"invoiceDate gt {after} and invoiceDate lt {before}", f"createdAt gt {earlier}"):
            try:
                return self._list("api/invoices", {**query, "$filter": text}, steps)
            except ApiError as error:
                if error.status != 400:
                    raise
        return self._list("api/invoices", query, steps)

    def _list(self, path: str, query: Mapping[str, str | int], steps: _Steps) -> list[Json]:
        """Every page of a list; an element that moved to a later page meanwhile is taken once.

        A bare list that comes again knows no pages: it is whole, unless it is as long as was asked for.
        """
        found: dict[str, Json] = {}
        pages: list[list[str]] = []
        size, count = PAGE_SIZE, 0
        while True:
            number = len(pages) + 1
            answer = self.service.get(path, {**query, "pageIndex": number, "pageSize": size})
            steps.add(1)
            data = answer.get("data") if isinstance(answer, Mapping) else answer
            if not isinstance(data, list) or not all(isinstance(one, Mapping) for one in data):
                raise _odd(path, "it is no list")
            ids = [_key(one) for one in data]
            if ids and ids in pages:
                if not isinstance(answer, Mapping) and len(ids) != PAGE_SIZE:
                    return list(found.values())
                raise _odd(path, f"page {number} is page {pages.index(ids) + 1} again")
            found |= zip(ids, data, strict=True)
            pages.append(ids)
            count += len(ids)
            paging = _Paging.of(answer)
            if not ids and count < (paging.records or 0):
                raise _odd(path, f"it has {paging.records} entries and gives only {count}")
            if not ids or paging.is_over(number, count):
                return list(found.values())
            if number == 1:  # what it serves at most, whatever was asked for
                size = min(size, paging.size or len(ids))

    def _read_units(self, steps: _Steps) -> dict[str, Unit]:
        try:
            return read_units(self._list("api/organization/unitGroups", {"include": "units"}, steps))
        except ApiError as error:
            if error.status in (403, 404):
                return {}  # not for these keys: the units' names must do
            raise

    def _read_items(self, invoices: Sequence[Json], steps: _Steps) -> list[Sequence[Json]]:
        """The items of each invoice, one subscription each: asked for where the list did not bring them."""
        brought = [invoice.get("analysisItems") or invoice.get("items") for invoice in invoices]
        items: list[Sequence[Json]] = [of_one if isinstance(of_one, list) else () for of_one in brought]
        poor = [n for n, of_one in enumerate(items) if not of_one or any(map(_is_several, of_one))]
        paths = [f"api/invoices/{quote(str(invoices[n].get('id')), safe='')}/items" for n in poor]
        calls = [Call(path, {"analysis": "true"}) for path in paths]
        for n, path, answer in zip(poor, paths, self._read_many(calls, steps), strict=True):
            if isinstance(answer, ApiError):
                raise answer
            answer = answer.get("data") if isinstance(answer, Mapping) else answer  # noqa: PLW2901
            if not isinstance(answer, list):
                raise _odd(path, "it is no list")
            items[n] = answer
        return items

    def _complete(self, charged: Sequence[Charged], steps: _Steps) -> list[BillingLine]:
        """Add the billing plans, each asked for once and kept."""
        asked: dict[str, str] = {}
        for one in charged:
            kept = self._plans.get(one.line.contract_id) if one.wants_plan else None
            is_own = not one.line.addon_id  # the plan is the subscription's: an add-on's unit may differ
            if one.wants_plan and (
                not isinstance(kept, Mapping) or (is_own and kept.get("unit") not in ("", one.unit_id))
            ):
                asked[one.line.contract_id] = (
                    one.unit_id if is_own else asked.get(one.line.contract_id, one.unit_id)
                )
        calls = [Call(f"api/subscriptions/{quote(id_, safe='')}/currentInstallmentplan") for id_ in asked]
        failed: dict[str, ApiError] = {}
        for (id_, unit_id), answer in zip(asked.items(), self._read_many(calls, steps), strict=True):
            if isinstance(answer, ApiError) and answer.status != 404:
                failed[id_] = answer
            else:
                self._plans[id_] = keep_plan(answer, unit_id)
        return [
            _unread(one.line, failed[one.line.contract_id])
            if one.wants_plan and one.line.contract_id in failed
            else with_plan(one, self._plans.get(one.line.contract_id) if one.wants_plan else None)
            for one in charged
        ]

    def _read_many(self, calls: Sequence[Call], steps: _Steps) -> list[Any | ApiError]:
        done = steps.done
        answers = self.service.get_many(calls, lambda count: steps.tell(done + count))
        steps.tell(done + len(calls))
        return answers

    def _read_if_allowed(self, path: str) -> Any:
        try:
            return self.service.get(path)
        except ApiError as error:
            if error.status in (403, 404):
                return None
            raise


class _Steps:
    """How many reads are done."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self.done = 0

    def add(self, count: int) -> None:
        self.tell(self.done + count)

    def tell(self, done: int) -> None:
        if self._progress is not None and done != self.done:
            self._progress(done)
        self.done = done


@dataclass(frozen=True, slots=True)
class _Paging:
    """What one page of a list tells of the whole; None where it does not."""

    pages: int | None
    records: int | None
    size: int | None
    has_next: bool | None

    @classmethod
    def of(cls, answer: Any) -> _Paging:
        answer = answer if isinstance(answer, Mapping) else {}
        paging, links = part(answer, "paging"), part(answer, "links")
        return cls(
            pages=_whole(paging, "totalPages", "pageCount"),
            records=_whole(paging, "totalRecords", "totalCount"),
            size=_whole(paging, "size") or None,
            has_next=bool(links["next"]) if "next" in links else None,
        )

    def is_over(self, number: int, count: int) -> bool:
        """Whether this page is the last, `count` entries being read. Where nothing tells, it is not."""
        if self.records is not None and count < self.records:
            return False
        if self.pages is not None:
            return number >= self.pages
        return self.has_next is False or (self.has_next is None and bool(self.records))


def _whole(paging: Json, *names: str) -> int | None:
    """The first of these numbers that is told."""
    told = (paging.get(name) for name in names)
    return next(
        (one for one in told if isinstance(one, int) and not isinstance(one, bool) and one >= 0), None
    )


def _key(thing: Json) -> str:
    """An entry's id; what has none is known by all that it holds."""
    found = thing.get("id")
    return f"no id: {thing!r}" if found is None else str(found)


def _require_id(path: str, thing: Json) -> None:
    if thing.get("id") is None:
        raise _odd(path, f"{thing.get('code') or thing.get('name') or 'an entry'} has no id")


def _is_several(item: object) -> bool:
    several = item.get("subscriptions") if isinstance(item, Mapping) else None
    return isinstance(several, list) and len(several) > 1


def _unread(line: BillingLine, error: ApiError) -> BillingLine:
    why = f"The billing plan could not be read ({error.message})."
    return replace(line, billing_period="", billing_months=None, unread=line.unread or why)


def _own_units(line: BillingLine, path: str, answer: Any) -> Decimal | ApiError:
    """The quantity in what the BSS answered about a line's contract."""
    if isinstance(answer, ApiError):
        return answer
    what = "subscription"
    if line.addon_id:
        what = "add-on"
        addons = answer.get("data") if isinstance(answer, Mapping) else answer
        addons = [one for one in addons if isinstance(one, Mapping)] if isinstance(addons, list) else []
        # whether a line names the add-on itself or its product is not known
        own = [one for one in addons if str(one.get("id")) == line.addon_id]
        own = own or [one for one in addons if _product_id(one) in (line.addon_id, line.product_id)]
        own = [one for one in own if _status(one) not in _ENDED] if len(own) > 1 else own
        if len(own) != 1:
            return _odd(path, f"it tells of {len(own)} add-ons {line.product}")
        answer = own[0]
    if not isinstance(answer, Mapping) or _number(answer.get("quantity")) is None:
        return _odd(path, f"the {what} has no quantity")
    if _status(answer) in _ENDED:
        return _odd(path, f"the {what} is {answer.get('status')}")
    return whole(Decimal(answer["quantity"]))


def _product_id(addon: Json) -> str:
    return str(part(addon, "product").get("id") or "?")


def _status(thing: Json) -> str:
    return str(thing.get("status") or "").casefold()


def _number(value: object) -> int | Decimal | None:
    return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _odd(path: str, why: str, method: str = "GET") -> ApiError:
    hint = "If it stays so, export from a report with --from."
    return ApiError(
        f"BSS: the answer of {method} /{path} cannot be used: {why}.", hint, method=method, path=path
    )
