"""Propose what to create: a row for every customer, agreement and product that ConnectWise lacks. PURE."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

from msgspec import Struct

from xlsync.models import (
    CREATE_NEW,
    Account,
    BillingLine,
    CatalogItem,
    Choice,
    Company,
    Link,
    Month,
    Setup,
    SetupTables,
)
from xlsync.reconcile.charges import covers_full_period
from xlsync.records import replace

DESCRIPTION_LENGTH: Final = 60  # longest description of a catalog item (OpenAPI description, CatalogItem)
ITEM_IDENTIFIER_LENGTH: Final = 75
NO_ACCOUNT: Final = Account(name="")
T = TypeVar("T")


class CreationKind(StrEnum):
    """The kinds of records that rows of *New in ConnectWise* create."""

    CUSTOMER = "Customer"
    AGREEMENT = "Agreement"
    PRODUCT = "Product"


def new_customer_key(line: BillingLine) -> str:
    """Return the key of the row of *New in ConnectWise* that creates the line's customer."""
    return f"customer:{line.customer_key}"


def new_agreement_key(line: BillingLine) -> str:
    """Return the key of the row that creates an agreement for the line's customer and billing period."""
    return f"agreement:{line.customer_key}|{line.billing_period}"


def new_product_key(line: BillingLine) -> str:
    """Return the key of the row that creates the line's product."""
    return f"product:{line.product_key}"


class Proposal(Struct, frozen=True, kw_only=True):
    """One row of *New in ConnectWise*, filled in as far as the evidence goes.

    `whole_name` is the BSS's name in full, `code` the product's code, `source` the row key of the
    customer that an agreement is for, `looks_like` what exists already under a similar name. An
    agreement's `customer` is a ConnectWise label, or
    `(create new)` where the customer is to be created with it.
    """

    key: str
    kind: CreationKind
    for_: str
    name: str
    whole_name: str
    identifier: str = ""
    customer: str = ""
    type: str = ""
    category: str = ""
    billing_cycle: str = ""
    start_date: dt.date | None = None
    price: Decimal | None = None
    cost: Decimal | None = None
    address: Account = NO_ACCOUNT
    code: str = ""
    source: str = ""
    looks_like: str = ""


class Known(Struct, frozen=True, kw_only=True):
    """The existing records of ConnectWise, for unique identifiers and for labels of companies.

    `taken` are identifiers, in lower case, of deleted or inactive records, which cannot be used again.
    """

    companies: Sequence[Company]
    items: Sequence[CatalogItem]
    labels: Mapping[int, str]
    setup: SetupTables
    identifier_length: int = 25
    name_length: int = 50
    taken: Set[str] = frozenset()


def customers_to_ask(lines: Iterable[BillingLine], links: Mapping[str, Link]) -> dict[str, str]:
    """Return the BSS ids, by customer key, of customers that may have to be created."""
    return {
        line.customer_key: line.customer_id
        for line in lines
        if line.customer_id and _is_wanted(line, links[line.key].company)
    }


def propose_creations(
    month: Month,
    lines: Sequence[BillingLine],
    links: Mapping[str, Link],
    addresses: Mapping[str, Account],
    known: Known,
) -> tuple[Proposal, ...]:
    """Propose one row for each customer, agreement and product that a line lacks or asks to create."""
    lines = sorted(lines, key=lambda line: line.key)  # so that the order of the lines does not matter
    lacking = [line for line in lines if _lacks(line, links[line.key])]
    customers = list(_customers(lacking, links, addresses, known))
    agreements = list(_agreements(month, lacking, links, known))
    products = list(_products(lacking, lines, links, known))
    return tuple(row for rows in (customers, agreements, products) for row in sorted(rows, key=_order))


def _order(row: Proposal) -> tuple[str, str]:
    return row.for_.casefold(), row.key


def _lacks(line: BillingLine, link: Link) -> bool:
    """Return whether a line lacks a part of its link, or asks to create one."""
    # Called for every line: written out, three calls take half the time of a loop.
    return _is_wanted(line, link.company) or _is_wanted(line, link.agreement) or _is_wanted(line, link.item)


def _is_wanted(line: BillingLine, part: Choice | None) -> bool:
    if part is None:
        return line.is_compared
    return isinstance(part.to, str) or (part.score is not None and line.is_compared)


def _customers(
    lines: Iterable[BillingLine],
    links: Mapping[str, Link],
    addresses: Mapping[str, Account],
    known: Known,
) -> Iterator[Proposal]:
    wanted = _first(lines, lambda line: _is_wanted(line, links[line.key].company), new_customer_key)
    names = [line.customer for line in wanted.values()]
    taken = {company.identifier.casefold() for company in known.companies} | known.taken
    for key, line in sorted(wanted.items()):
        fallback = f"BSS{line.customer_id}" if line.customer_id else "Customer"
        address = addresses.get(line.customer_key, NO_ACCOUNT)
        twice = names.count(line.customer) > 1 and line.customer_id
        yield Proposal(
            key=key,
            kind=CreationKind.CUSTOMER,
            for_=f"{line.customer} ({line.customer_id})" if twice else line.customer,
            name=shorten(line.customer, known.name_length),
            whole_name=line.customer,
            identifier=_identifier(line.customer, fallback, known.identifier_length, taken),
            type=_preferred(known.setup.company_types, "customer", "client"),
            address=_with_country(address, known.setup.countries),
        )


def _agreements(
    month: Month, lines: Iterable[BillingLine], links: Mapping[str, Link], known: Known
) -> Iterator[Proposal]:
    """Propose the agreements that lines lack, and those of customers whose suggestion may be wrong."""

    def is_wanted(line: BillingLine) -> bool:
        link = links[line.key]
        is_doubtful = link.company is not None and link.company.score is not None and line.is_compared
        return is_doubtful or _is_wanted(line, link.agreement)

    wanted = _first(lines, is_wanted, new_agreement_key)
    for key, line in sorted(wanted.items()):
        company, agreement = links[line.key].company, links[line.key].agreement
        if company is not None and company.score is not None and agreement is not None:
            company = None  # the suggested customer has an agreement: a new one is another customer's
        cycles = [c for c in known.setup.billing_cycles if c.months and c.months == line.billing_months]
        period = line.billing_period or "Monthly"
        customer = CREATE_NEW
        if company is not None and isinstance(company.to, int):
            customer = known.labels.get(company.to, "")
        yield Proposal(
            key=key,
            kind=CreationKind.AGREEMENT,
            for_=f"{line.customer} · {period}",
            name=f"Cloud Subscriptions - {period}",
            whole_name=f"Cloud Subscriptions - {period}",
            customer=customer,
            type=_preferred(known.setup.agreement_types, "subscription", "cloud"),
            billing_cycle=_preferred(cycles, period.casefold()),
            start_date=month.first,
            source=new_customer_key(line),
        )


def _products(
    lacking: Iterable[BillingLine], lines: Iterable[BillingLine], links: Mapping[str, Link], known: Known
) -> Iterator[Proposal]:
    """Propose the products of the `lacking` lines; any of the `lines` may tell what a unit costs."""
    lacking = [line for line in lacking if line.product]
    wanted = _first(lacking, lambda line: _is_wanted(line, links[line.key].item), new_product_key)
    codes = [line.product_code for line in wanted.values()]
    taken = {item.identifier.casefold() for item in known.items} | known.taken
    products = {line.product_key for line in wanted.values()}
    asked = (line for line in lines if line.cost is not None and line.product_key in products)
    costs = _first(asked, covers_full_period, new_product_key)
    for key, line in sorted(wanted.items()):
        terms = " / ".join(dict.fromkeys(filter(None, (line.billing_period, line.commitment_period))))
        name = line.product_code or line.product
        if line.product_code and codes.count(line.product_code) > 1:
            name = f"{name} {terms}"
        yield Proposal(
            key=key,
            kind=CreationKind.PRODUCT,
            for_=f"{line.product} · {terms}" if terms else line.product,
            name=shorten(line.product, DESCRIPTION_LENGTH),
            whole_name=line.product,
            identifier=_unique(shorten(name, ITEM_IDENTIFIER_LENGTH), ITEM_IDENTIFIER_LENGTH, taken),
            type=_preferred(known.setup.product_types, "subscription", "service", "agreement"),
            category=_preferred(
                known.setup.subcategories, "subscription", "cloud", "licen", name_of=category_label
            ),
            cost=costs[key].cost if key in costs else None,
            code=line.product_code,
        )


def category_label(entry: Setup) -> str:
    """Write a subcategory as the sheet shows it: `Category / Subcategory`."""
    return f"{entry.parent} / {entry.name}" if entry.parent else entry.name


def shorten(text: str, length: int) -> str:
    """Cut a text to `length` characters, between words where possible."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    cut = text[: length + 1].rsplit(" ", 1)[0]
    return (cut if length // 2 < len(cut) <= length else text[:length]).rstrip(" -–(,/")


def _identifier(name: str, fallback: str, length: int, taken: set[str]) -> str:
    latin = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return _unique((re.sub(r"[^A-Za-z0-9]", "", latin) or fallback)[:length], length, taken)


def _unique(text: str, length: int, taken: set[str]) -> str:
    """Add a number to a text where it is taken already, and add the result to `taken`."""
    free, number = text, 1
    while free.casefold() in taken:
        number += 1
        free = f"{text[: length - len(str(number)) - 1]}-{number}"
    taken.add(free.casefold())
    return free


def _entry_name(entry: Setup) -> str:
    return entry.name


def _preferred(entries: Sequence[Setup], *words: str, name_of: Callable[[Setup], str] = _entry_name) -> str:
    """Choose the default of a setup table, else an entry with one of these words, else the first."""
    if not entries:
        return ""

    def rank(entry: Setup) -> tuple[bool, int]:
        name = name_of(entry).casefold()
        return not entry.is_default, next((n for n, word in enumerate(words) if word in name), len(words))

    return name_of(min(entries, key=rank))


def _with_country(address: Account, countries: Sequence[Setup]) -> Account:
    """Replace the country of an address by ConnectWise's name for it; none where it knows none."""
    known = next((c.name for c in countries if c.name.casefold() == address.country.casefold()), "")
    return replace(
        address,
        address=shorten(address.address, 50),
        city=shorten(address.city, 50),
        state=shorten(address.state, 50),
        zip=address.zip[:12],
        country=known,
    )


def _first(
    lines: Iterable[BillingLine], is_wanted: Callable[[BillingLine], bool], key: Callable[[BillingLine], str]
) -> dict[str, BillingLine]:
    """Return the first wanted line of each key."""
    first_lines: dict[str, BillingLine] = {}
    for line in lines:
        if is_wanted(line):
            first_lines.setdefault(key(line), line)
    return first_lines
