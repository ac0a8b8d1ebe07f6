"""Client of the BSS (interworks.cloud, Infiterra), which reads the billing of a month and writes nothing.

Written after the description of its reseller API, version 3.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, TypeVar
from urllib.parse import quote

from msgspec import Struct

from xlsync.billing.bss_answers import Json, entries_of, number_of, odd, part, read_pages, text_of, whole
from xlsync.billing.bss_lines import (
    ChargedLine,
    Unit,
    invoice_date,
    is_cancelled,
    keys_apart,
    read_lines,
    read_total,
    read_unit_groups,
    settle_ends,
)
from xlsync.billing.bss_plans import plan_to_cache, plans_to_ask, with_plan, without_plan
from xlsync.errors import ApiError
from xlsync.models import Account, BillingLine, By, Month, Progress
from xlsync.reconcile.billed import Billing, InvoiceTotal
from xlsync.rest.service import Call, Service
from xlsync.settings import BssSettings

_ENDED: Final = frozenset({"cancelled", "canceled", "inactive"})

T = TypeVar("T")

# No rate is published (facts/bss): what is let through is cut down as soon as it says 429, 503 or 403.
SIDE_BY_SIDE: Final = 24
PER_MINUTE: Final = 3000
_READING: Final = "Reading the month's billing"


class ChargedMonth(Struct, frozen=True, kw_only=True):
    """The lines charged in a month before its billing plans are read.

    `plans` are those known already, by subscription; `to_ask` names the subscriptions whose plan has to be
    read, each with a line of it.
    """

    charged: tuple[ChargedLine, ...]
    invoices: tuple[InvoiceTotal, ...] | None
    plans: Mapping[str, Any]
    to_ask: Mapping[str, ChargedLine]

    def known_lines(self) -> tuple[list[BillingLine], list[BillingLine]]:
        """Return the lines that are complete already, and those whose billing period a plan may change."""
        complete: list[BillingLine] = []
        waiting: list[BillingLine] = []
        for charge in self.charged:
            if charge.wants_plan and charge.line.contract_id in self.to_ask:
                waiting.append(charge.line)
            else:
                complete.append(
                    with_plan(charge, self.plans.get(charge.line.contract_id) if charge.wants_plan else None)
                )
        return complete, waiting


class Bss:
    """Client of the distributor's BSS with a reseller's keys.

    `plans` keeps what is known of each subscription's billing plan, since asking costs a request each; what
    this client asked itself is not asked again.
    """

    def __init__(
        self,
        settings: BssSettings,
        *,
        plans: MutableMapping[str, Any],
        workers: int = SIDE_BY_SIDE,
        patience: float = 1.0,
    ) -> None:
        self._keys = (settings.client_key, settings.client_secret)
        self._user = {
            "grant_type": "password",
            "username": settings.username,
            "password": settings.password,
        }
        self._plans = plans
        self._asked: set[str] = set()
        self._units: dict[str, Unit] | None = None
        self.service = Service(
            "BSS",
            settings.url.strip().rstrip("/").removesuffix("/api"),
            headers={"X-Api-Version": "3"},
            authorize=self._token,
            workers=workers,
            per_minute=PER_MINUTE,
            patience=patience,
        )

    def check(self) -> None:
        """Read one invoice, to try the keys; raises ApiError where that fails."""
        self.service.get("api/invoices", {"pageIndex": 1, "pageSize": 1})

    def read_charged(
        self, month: Month, *, by: By, progress: Progress | None, refresh: bool = False
    ) -> ChargedMonth:
        """Read the lines that the distributor billed in a month, by invoice date or by charged period.

        The billing plans are not read yet: `read_plans` reads and adds them, with `refresh` also those that
        were read before this client was made. The invoices' totals are there if the invoice date decides.
        `progress` is told how many reads are done. Raises ApiError where the lines are not all there.
        """
        steps = _Steps(progress)
        # a period is invoiced from a month before it to three months after it, by the rule of
        # interworks' own reconciliation for Power BI
        first, last = (month.plus(-1), month.plus(3)) if by == "service-period" else (month, month)
        read: list[ChargedLine] = []
        totals: list[InvoiceTotal] = []
        poor: list[Json] = []  # asked about when the list is at its end: it may change while it is read
        with ThreadPoolExecutor(1) as pool:
            reading_units = pool.submit(self._read_units)  # while the first page of invoices comes
            for invoice in chain.from_iterable(self._list_invoices(first.first, last.last, steps)):
                if is_cancelled(invoice) or not first.first <= invoice_date(invoice) <= last.last:
                    continue
                _require_id(invoice)
                totals.append(read_total(invoice))
                items = _items_of(invoice)
                if items:
                    read += read_lines(invoice, items, reading_units.result(), (month, by))
                else:
                    poor.append(invoice)
            for invoice, items in zip(poor, self._read_items(poor, steps), strict=True):
                read += read_lines(invoice, items, reading_units.result(), (month, by))
        steps.end()
        charged = tuple(keys_apart(charge for charge in settle_ends(read) if charge.is_of(month, by)))
        wanted = dict.fromkeys(charge.line.contract_id for charge in charged if charge.wants_plan)
        known = {
            id_: plan
            for id_ in wanted
            if (not refresh or id_ in self._asked) and (plan := self._plans.get(id_)) is not None
        }
        return ChargedMonth(
            charged=charged,
            invoices=tuple(totals) if by == "invoice-date" else None,
            plans=known,
            to_ask=plans_to_ask(charged, known),
        )

    def read_plans(self, month: ChargedMonth, progress: Progress | None) -> Billing:
        """Read the billing plans that are not known, cache them, and return the month's complete lines.

        A billing plan that could not be read is told in the line itself.
        """
        calls = [
            Call(f"api/subscriptions/{quote(id_, safe='')}/currentInstallmentplan") for id_ in month.to_ask
        ]
        count = self.service.counting(progress, "Reading billing plans", len(calls)) if progress else None
        answers = self.service.get_many(calls, count)
        plans = dict(month.plans)
        failed: dict[str, ApiError] = {}
        for (id_, charge), answer in zip(month.to_ask.items(), answers, strict=True):
            if isinstance(answer, ApiError) and answer.status != 404:
                failed[id_] = answer
            else:
                self._asked.add(id_)
                self._plans[id_] = plans[id_] = plan_to_cache(answer, charge)
        lines = [
            without_plan(charge, failed[charge.line.contract_id])
            if charge.wants_plan and charge.line.contract_id in failed
            else with_plan(charge, plans.get(charge.line.contract_id) if charge.wants_plan else None)
            for charge in month.charged
        ]
        return Billing(
            lines=tuple(sorted(lines, key=lambda line: (line.invoice, line.key))), invoices=month.invoices
        )

    def list_invoice_totals(self, first: dt.date, last: dt.date) -> tuple[InvoiceTotal, ...]:
        """Read the totals of the invoices between two days, without their lines."""
        steps = _Steps(None)
        return tuple(
            read_total(invoice)
            for invoice in chain.from_iterable(self._list_invoices(first, last, steps, {}))
            if not is_cancelled(invoice) and first <= invoice_date(invoice) <= last
        )

    def list_own_units(self, contracts: Iterable[BillingLine]) -> dict[str, Decimal | ApiError]:
        """Read the BSS's own quantity of each line's contract, by `BillingLine.contract`.

        The quantity is the subscription's or the add-on's; a failed read is its ApiError.
        """
        wanted = {line.contract: line for line in contracts if line.contract_id and line.source == "bss"}
        asked = list(dict.fromkeys(path_of(line) for line in wanted.values()))
        answers = dict(zip(asked, self.service.get_many([Call(path) for path in asked]), strict=True))
        return {contract: own_units_of(line, answers[path_of(line)]) for contract, line in wanted.items()}

    def read_account(self, customer_id: str) -> Account | None:
        """Read an end customer's name and address; None where the keys may not read it."""
        path = f"api/accounts/{quote(customer_id, safe='')}"
        account = _if_allowed(lambda: self.service.get(path))
        if not isinstance(account, Mapping):
            return None
        place = account.get("billingAddress") or _if_allowed(
            lambda: self.service.get(f"{path}/billingaddress")
        )
        place = place if isinstance(place, Mapping) else {}
        state, country = part(place, "state"), part(place, "country")
        lines = (text_of(place.get("address")), text_of(place.get("address2")))
        return Account(
            name=text_of(account.get("name")),
            email=text_of(account.get("email")),
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
            raise odd("oauth/token", "it gave no token", method="POST")
        return f"Bearer {token}"

    def _list_invoices(
        self,
        first: dt.date,
        last: dt.date,
        steps: _Steps,
        query: Mapping[str, str] = MappingProxyType({"include": "analysisItems"}),
    ) -> Iterator[list[Json]]:
        """Yield the invoices of some days and a few around them, with their analytical items, page by page.

        Which fields can be filtered is not known for sure: the date on the invoice is tried, then that
        of its creation (an invoice may be dated back, so without an end), then none. A BSS may answer a field
        that it does not know with an empty list, so that one by the first date is proved by the second.
        """
        # a day more at both ends, since the filter's days may be of another time zone
        after = f"datetime'{first - dt.timedelta(days=2)}'"
        before = f"datetime'{last + dt.timedelta(days=2)}'"
        earlier = f"datetime'{first - dt.timedelta(days=60)}'"
        filters = (f"invoiceDate gt {after} and invoiceDate lt {before}", f"createdAt gt {earlier}")
        for number, asked in enumerate((*({**query, "$filter": text} for text in filters), query)):
            pages = read_pages(self.service, "api/invoices", asked, steps.one_more)
            try:
                first_page = next(pages)
            except ApiError as error:
                if error.status != 400 or asked is query:
                    raise
                continue
            if not first_page and number == 0:
                continue
            yield first_page
            yield from pages
            return

    def _read_units(self) -> dict[str, Unit]:
        """Read the billing cycles, once; empty where the keys may not: the names of the units decide then."""
        if self._units is None:
            path = "api/organization/unitGroups"
            pages = read_pages(self.service, path, {"include": "units"}, lambda: None)
            self._units = read_unit_groups(chain.from_iterable(_if_allowed(lambda: list(pages)) or ()))
        return self._units

    def _read_items(self, invoices: Sequence[Json], steps: _Steps) -> list[Sequence[Json]]:
        """Read the items of invoices, one subscription each."""
        paths = [f"api/invoices/{quote(str(invoice.get('id')), safe='')}/items" for invoice in invoices]
        items: list[Sequence[Json]] = []
        calls = [Call(path, {"analysis": "true"}) for path in paths]
        done = steps.done
        answers = self.service.get_many(calls, lambda count: steps.tell(done + count))
        steps.tell(done + len(calls))
        for path, answer in zip(paths, answers, strict=True):
            if isinstance(answer, ApiError):
                raise answer
            entries = entries_of(answer)
            if not isinstance(entries, list):
                raise odd(path, "it is no list")
            items.append(entries)
        return items


class _Steps:
    """A counter of reads done, for progress."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self.done = 0

    def one_more(self) -> None:
        self.tell(self.done + 1)

    def tell(self, done: int) -> None:
        if self._progress is not None and done != self.done:
            self._progress(_READING, done, None)
        self.done = done

    def end(self) -> None:
        if self._progress is not None:
            self._progress(_READING, self.done, self.done)


def _require_id(invoice: Json) -> None:
    if invoice.get("id") is None:
        raise odd("api/invoices", f"{invoice.get('code') or invoice.get('name') or 'an entry'} has no id")


def _items_of(invoice: Json) -> Sequence[Json]:
    """Return the items in an entry of the list; empty where they have to be read."""
    items = invoice.get("analysisItems") or invoice.get("items")
    return items if isinstance(items, list) and not any(map(_is_several, items)) else ()


def _is_several(item: object) -> bool:
    several = item.get("subscriptions") if isinstance(item, Mapping) else None
    return isinstance(several, list) and len(several) > 1


def _if_allowed(read: Callable[[], T]) -> T | None:
    """Return the result of a read; None where the keys may not read it."""
    try:
        return read()
    except ApiError as error:
        if error.status in (403, 404):
            return None
        raise


def path_of(line: BillingLine) -> str:
    """Return the path of a line's subscription, or of its add-ons."""
    return f"api/subscriptions/{quote(line.contract_id, safe='')}" + ("/addons" if line.addon_id else "")


def own_units_of(line: BillingLine, answer: Any) -> Decimal | ApiError:
    """Return the quantity in the BSS's answer about a line's contract."""
    if isinstance(answer, ApiError):
        return answer
    what = "subscription"
    if line.addon_id:
        what = "add-on"
        addons = entries_of(answer)
        addons = [addon for addon in addons if isinstance(addon, Mapping)] if isinstance(addons, list) else []
        # whether a line names the add-on itself or its product is not known
        own = [addon for addon in addons if str(addon.get("id")) == line.addon_id]
        own = own or [addon for addon in addons if _product_id(addon) in (line.addon_id, line.product_id)]
        own = [addon for addon in own if _status(addon) not in _ENDED] if len(own) > 1 else own
        if len(own) != 1:
            return odd(path_of(line), f"it tells of {len(own)} add-ons {line.product}")
        answer = own[0]
    if not isinstance(answer, Mapping) or number_of(answer.get("quantity")) is None:
        return odd(path_of(line), f"the {what} has no quantity")
    if _status(answer) in _ENDED:
        return odd(path_of(line), f"the {what} is {answer.get('status')}")
    return whole(Decimal(answer["quantity"]))


def _product_id(addon: Json) -> str:
    return str(part(addon, "product").get("id") or "?")


def _status(entry: Json) -> str:
    return str(entry.get("status") or "").casefold()
