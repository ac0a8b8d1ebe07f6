"""Conversion of the BSS's invoices (reseller API v3) to billing lines. PURE.

What the fields mean was read in the API's description and in public clients, not tried on a live BSS:
credit invoices carry positive amounts; `unitPrice` is before the discount, unless it makes the total;
`account` of the subscription is the end customer. The billing period of a line is told by the billing plan of
its subscription (`bss_plans`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from xlsync.amounts import tell_number
from xlsync.billing.bss_answers import Json, count_of, id_of, number_of, odd, part, text_of, whole
from xlsync.billing.periods import ChargedPeriod, is_midnight, last_days, months_in, months_of, period_name
from xlsync.errors import ApiError
from xlsync.models import BillingLine, LineType, Month
from xlsync.reconcile.billed import InvoiceTotal
from xlsync.records import replace

CENT: Final = Decimal("0.01")
_CANCELLED: Final = frozenset({"canceled", "cancelled", "void", "voided"})
_CHARGING: Final = frozenset({"", "invoice"})
FOUR_PLACES: Final = Decimal("0.0001")


class Unit(Struct, frozen=True):
    """A billing cycle of the BSS: the term after which a subscription renews."""

    months: int | None
    is_recurring: bool


class ChargedLine(Struct, frozen=True):
    """A billing line with the data that completes it and decides its month."""

    line: BillingLine
    unit_id: str
    invoiced: dt.date
    ends_at_midnight: bool = False
    is_deduction: bool = False  # units at a negative price, on an invoice that charges

    @property
    def wants_plan(self) -> bool:
        """Return whether a billing plan is needed: a term of one month has no installments."""
        line = self.line
        return line.charge is LineType.RECURRING and line.contract_id != "" and line.commitment_months != 1

    def is_of(self, month: Month, by: str) -> bool:
        """Return whether the line belongs to a month, by invoice date or by charged period."""
        return _is_of(month, by, self.line.start, self.line.end, self.invoiced)


def read_unit_groups(groups: Iterable[Json]) -> dict[str, Unit]:
    """Read the billing cycles by id from the organization's unit groups."""
    units: dict[str, Unit] = {}
    for group in groups:
        recurs = group.get("isRecurringChargeUnit") is not False
        own = group.get("units") or []
        if not isinstance(own, list) or not all(isinstance(unit, Mapping) for unit in own):
            raise odd("api/organization/unitGroups", "the units of a group have an unknown shape")
        for unit in own:
            length = months_in(text_of(unit.get("billingCycleUnitType")))
            months = count_of(unit.get("billingCycleDuration")) * length
            # the words of the type are not known for sure
            units[id_of(unit)] = Unit(months or months_of(text_of(unit.get("name"))), recurs)
    return units


def is_cancelled(invoice: Json) -> bool:
    """Return whether an invoice is cancelled, so that nothing on it is owed."""
    status = part(invoice, "status")
    return text_of(status.get("type") or status.get("name")).casefold() in _CANCELLED


def _is_credit_invoice(invoice: Json) -> bool:
    """Return whether an invoice gives money back, by its type."""
    return "credit" in _type_of(invoice).casefold()


def _tell_unknown_type(invoice: Json) -> str:
    """Say that the type of an invoice tells neither a charge nor a credit; one without a type charges."""
    own = _type_of(invoice).casefold()
    if "credit" in own or "debit" in own or own in _CHARGING:
        return ""
    return (
        f"Whether invoice {_number_of(invoice)} charges or credits is not told: its type is "
        f"“{_type_of(invoice)}”."
    )


def _number_of(invoice: Json) -> str:
    """Return the number of an invoice as people know it, else its id."""
    return str(invoice.get("code") or invoice.get("id") or "")


def _type_of(invoice: Json) -> str:
    own = part(invoice, "type")
    return text_of(own.get("type") or own.get("name"))


def invoice_date(invoice: Json) -> dt.date:
    """Return the date of an invoice, in the calendar of its own offset."""
    where = f"invoice {_number_of(invoice)}"
    date = _date(invoice.get("invoiceDate"), where)
    if date is None:
        raise _unusable(where, "it has no date")
    return date


def read_total(invoice: Json) -> InvoiceTotal:
    """Read the total of an invoice; a credit's is negative, whatever its sign in the BSS.

    An invoice of an unknown type counts as it is written, and says so.
    """
    number = _number_of(invoice)
    where = f"invoice {number}"
    total = _checked_number(invoice.get("totalBeforeTax"), where, "total before tax")
    is_credit = _is_credit_invoice(invoice)
    return InvoiceTotal(
        number=number,
        currency=text_of(invoice.get("currency")).upper(),
        total=-abs(total) if is_credit and total is not None else total,
        date=invoice_date(invoice),
        customer=id_of(part(invoice, "account")) or text_of(part(invoice, "account").get("name")),
        doubt=_tell_unknown_type(invoice),
    )


def read_lines(
    invoice: Json, items: Sequence[Json], units: Mapping[str, Unit], month_by: tuple[Month, str] | None = None
) -> list[ChargedLine]:
    """Read the billing lines of an invoice, with ends as written.

    Raises ApiError, naming the invoice, for what cannot be used. With `month_by`, a month and what
    decides it, lines that are surely of another month are passed over instead.
    """
    invoiced = invoice_date(invoice)
    charged = []
    for item in items:
        try:
            charged.append(_charged(invoice, item, units, invoiced))
        except ApiError:
            if month_by is None or _may_be_of(*month_by, item, invoiced):
                raise
    return _with_keys([_as_discount(one, charged) for one in charged])


def _as_discount(one: ChargedLine, charged: Iterable[ChargedLine]) -> ChargedLine:
    """Return a deduction from a charge of its own invoice, contract and period as money that is not compared.

    It is one where it is for another price than that of the charge: an invoice that charges takes no units
    back, and discount lines can be added to it.
    """
    line = one.line
    if not one.is_deduction or line.charge is not LineType.RECURRING:
        return one
    place = line.contract, line.bss_product, line.start, line.end
    prices = [
        other.line.cost
        for other in charged
        if other.line.type is LineType.RECURRING
        and (other.line.contract, other.line.bss_product, other.line.start, other.line.end) == place
    ]
    if not prices or line.cost in prices:
        return one
    discount = replace(
        line,
        charge=LineType.ONE_TIME,
        units=Decimal(0),
        cost=None,
        billing_period="",
        billing_months=None,
        commitment_months=None,
    )
    return replace(one, line=discount)


def settle_ends(charged: Sequence[ChargedLine]) -> list[ChargedLine]:
    """Decide the last days of the lines of one listing, by all of them together."""
    ends = last_days(
        [
            ChargedPeriod(charge.line.contract, charge.line.start, charge.line.end, charge.ends_at_midnight)
            for charge in charged
        ]
    )
    return [
        one if one.line.end == end else replace(one, line=replace(one.line, end=end))
        for one, end in zip(charged, ends, strict=True)
    ]


def _charged(invoice: Json, item: Json, units: Mapping[str, Unit], invoiced: dt.date) -> ChargedLine:
    try:
        line = _line(invoice, item, units)
        return ChargedLine(
            line,
            id_of(part(item, "unit")),
            invoiced,
            is_midnight(text_of(item.get("endDate"))),
            is_deduction=(
                line.amount < 0 and _required(item, "quantity", "") > 0 and not _is_credit_invoice(invoice)
            ),
        )
    except (AttributeError, TypeError) as error:
        raise _unusable(f"invoice {_number_of(invoice)}", "a line of it has an unknown shape") from error


def _may_be_of(month: Month, by: str, item: object, invoiced: dt.date) -> bool:
    """Return whether an unusable item may belong to the month."""
    if not isinstance(item, Mapping):
        return True
    try:
        return _is_of(month, by, _date(item.get("startDate"), ""), _date(item.get("endDate"), ""), invoiced)
    except ApiError:
        return True


def _is_of(month: Month, by: str, start: dt.date | None, end: dt.date | None, invoiced: dt.date) -> bool:
    start, end = start or end, end or start
    if by == "invoice-date" or start is None or end is None:
        return month.first <= invoiced <= month.last
    return start <= month.last and end >= month.first


def _with_keys(charged: list[ChargedLine]) -> list[ChargedLine]:
    """Give lines with one id (an analysed item) distinct keys that do not depend on their order."""
    often = Counter(charge.line.key for charge in charged)
    seen: Counter[str] = Counter()
    keyed = []

    def place(charge: ChargedLine) -> tuple[str, ...]:
        line = charge.line  # only lines that share an id are compared by all their values
        return (line.key,) if often[line.key] == 1 else (line.key, line.contract, repr(line))

    for one in sorted(charged, key=place):
        line = one.line
        key = line.key
        if often[key] > 1:
            part = line.contract_id or line.product_id or line.product
            key = f"{key}:{part}" + (f"/{line.addon_id}" if line.addon_id else "")
        seen[key] += 1
        key += f":{seen[key]}" if seen[key] > 1 else ""
        keyed.append(one if key == line.key else replace(one, line=replace(line, key=key)))
    return keyed


def keys_apart(charged: Iterable[ChargedLine]) -> list[ChargedLine]:
    """Give the lines of a month distinct keys: one id on several invoices gets their numbers before it."""
    own = list(charged)
    invoices: dict[str, set[str]] = {}
    for charge in own:
        invoices.setdefault(charge.line.key, set()).add(charge.line.invoice)
    named = [
        one
        if len(invoices[one.line.key]) == 1
        else replace(one, line=replace(one.line, key=f"{one.line.invoice}:{one.line.key}"))
        for one in own
    ]
    return _with_keys(named)


def _line(invoice: Json, item: Json, units: Mapping[str, Unit]) -> BillingLine:
    code = _number_of(invoice)
    where = f"invoice {code}, line {item.get('position') or item.get('description') or '?'}"
    if not item.get("id"):
        raise _unusable(where, "it has no id")
    subscriptions, assets = list(item.get("subscriptions") or ()), list(item.get("assets") or ())
    first: Json = (subscriptions or assets or [{}])[0]
    subscription: Json = subscriptions[0] if subscriptions else {}
    product, addon = part(item, "product"), part(subscription, "relatedAddon")
    customer = part(first, "account") or part(invoice, "account")
    unit_name = text_of(part(item, "unit").get("name"))
    unit = units.get(id_of(part(item, "unit"))) or Unit(months_of(unit_name), is_recurring=True)
    is_credit = _is_credit_invoice(invoice)
    units_charged, amount = _units_and_amount(invoice, item, where, is_credit=is_credit)
    charge = _charge(subscriptions, assets, product, unit)
    is_money_only = amount < 0 and not units_charged
    gives_back = is_credit and not units_charged > 0  # a credit note may take back a part of itself
    if is_money_only and charge is LineType.RECURRING:
        charge = LineType.ONE_TIME
    recurs = charge is not LineType.ONE_TIME
    commitment = period_name(unit.months) if unit.months and recurs else unit_name
    line = BillingLine(
        key=str(item["id"]),
        invoice=code,
        type=LineType.CREDIT if gives_back or units_charged < 0 or is_money_only else charge,
        charge=charge,
        customer=text_of(customer.get("name")),
        customer_id=id_of(customer),
        product=text_of(product.get("name") or addon.get("name") or item.get("description")),
        product_id=id_of(product),
        product_code=text_of(product.get("code")),
        contract_id=id_of(subscription),
        addon_id=id_of(addon),
        units=units_charged,
        cost=None if is_money_only else _cost(item, where, is_credit=is_credit or units_charged < 0),
        amount=amount,
        currency=text_of(invoice.get("currency")).upper(),
        billing_period=commitment if recurs else "",
        billing_months=unit.months if recurs else None,
        commitment_period=commitment,
        commitment_months=unit.months if recurs else None,
        start=_date(item.get("startDate"), where),
        end=_date(item.get("endDate"), where),
        unread=_tell_unknown_type(invoice) or _unread(subscriptions, units_charged, amount),
    )
    for name in ("customer", "product", "currency"):
        if not getattr(line, name):
            raise _unusable(where, f"it has no {name}")
    return line


def _units_and_amount(invoice: Json, item: Json, where: str, *, is_credit: bool) -> tuple[Decimal, Decimal]:
    """Return the units and the amount of a line, both negative where it credits.

    As far as is known, credit invoices carry positive numbers; one with a negative total is signed already.
    A line of a charging invoice credits if its amount is negative, whatever the sign of its units. Money that
    is given back for no units is a discount, which is not compared.
    """
    units, amount = whole(_required(item, "quantity", where)), _required(item, "total", where)
    if not is_credit:
        return (-abs(units), amount) if amount < 0 else (units, amount)
    totals = (_checked_number(invoice.get(name), where, name) for name in ("total", "totalBeforeTax"))
    is_signed = any(total is not None and total < 0 for total in totals)
    return (-abs(units), amount) if is_signed else (-units, -amount)


def _unread(subscriptions: Sequence[Json], units: Decimal, amount: Decimal) -> str:
    """Say why the units of a line are not told; empty where they are."""
    if len(subscriptions) > 1:
        return f"The BSS charges {len(subscriptions)} subscriptions in this one line."
    if units * amount < 0:
        return (
            f"The line has {tell_number(units)} units and an amount of {amount:,.2f}: which of them has the "
            "wrong sign is not told."
        )
    if amount > 0 and not units:
        return f"The line has an amount of {amount:,.2f} and no units: how many it is for is not told."
    return ""


def _charge(subscriptions: Sequence[Json], assets: Sequence[Json], product: Json, unit: Unit) -> LineType:
    """Return the kind of charge of a line; hand-typed lines have neither subscription nor product."""
    if not subscriptions and (assets or not product):
        return LineType.ONE_TIME
    if any(subscription.get("usages") for subscription in subscriptions):
        return LineType.USAGE
    return LineType.RECURRING if unit.is_recurring else LineType.ONE_TIME


def _cost(item: Json, where: str, *, is_credit: bool) -> Decimal | None:
    """Return the cost per unit after discount, None where no price is told.

    A price that makes the line's total is after discount already. Whether a discount's amount is for the line
    or for each unit is decided by the line's totals. A division is rounded to 4 places.
    """
    price = _checked_number(item.get("unitPrice"), where, "unit price")
    if price is None:
        return None
    price = abs(price) if is_credit else price
    units = abs(_required(item, "quantity", where))
    total = abs(_required(item, "total", where))
    if total and abs(price * units - total) <= CENT / 2:
        return price
    original = _checked_number(item.get("totalOriginal"), where, "original total")
    original = price * units if original is None else abs(original)
    discount = part(item, "discount")
    value = _checked_number(discount.get("value"), where, "discount")
    saved = original - total
    if value is not None and str(discount.get("type")).casefold() == "percentage":
        return price * (100 - value) / 100
    if saved == 0 or not units:
        return price
    is_for_line = value is not None and abs(saved - value) < CENT
    if value is not None and not is_for_line and abs(saved - value * units) < CENT:
        return price - value
    return ((price * units - saved if is_for_line else total) / units).quantize(FOUR_PLACES)


_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?=T|\s|$)")


def _date(value: object, where: str) -> dt.date | None:
    """Read a calendar date as written: converting to UTC could move the first of a month."""
    if value is None or value == "":
        return None
    match = _DAY.match(str(value))
    try:
        day = dt.date.fromisoformat(match[0] if match else "")
    except ValueError:
        raise _unusable(where, f"{value!r} is not a date") from None
    return None if day == dt.date.min else day  # how .NET writes that there is none


def _checked_number(value: object, where: str, name: str) -> Decimal | None:
    if value is None:
        return None
    number = number_of(value)
    if number is None:
        raise _unusable(where, f"its {name} is not a number")
    return Decimal(number)


def _required(item: Json, name: str, where: str) -> Decimal:
    value = _checked_number(item.get(name), where, name)
    if value is None:
        raise _unusable(where, f"it has no {name}")
    return value


def _unusable(where: str, why: str) -> ApiError:
    hint = "Look at it in the BSS, or export from a report with --from."
    return ApiError(f"BSS: {where} cannot be used: {why}.", hint, method="GET", path="api/invoices")
