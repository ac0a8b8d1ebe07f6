"""ConnectWise's lists (companies, agreements, catalog, setup tables) with a cache that is kept up to date.

A cached list is updated by what changed since (`lastUpdated`, Developer Guide, "Conditions"). That never
shows deletions, so the whole list is read again after a week; `apply` reads what it writes to anyway.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Set
from decimal import Decimal
from typing import Any, Final, Literal, TypeVar

from msgspec import Struct

from xlsync.amounts import shortened
from xlsync.connectwise.client import AGREEMENT_FIELDS, COMPANY_FIELDS, ITEM_FIELDS, ConnectWise
from xlsync.connectwise.records import id_of, read_agreement, read_company, read_item
from xlsync.errors import ApiError
from xlsync.models import Lists, Setup, SetupTables
from xlsync.rest.failures import read_http_date

WHOLE_AFTER: Final = dt.timedelta(days=7)
SETUP_AFTER: Final = dt.timedelta(days=1)
OVERLAP: Final = dt.timedelta(hours=1)  # a list may show a change minutes late, so this time is read again
ListName = Literal["companies", "agreements", "catalog"]
LISTS: Final[Mapping[ListName, tuple[str, str, str]]] = {  # path, fields and conditions of each long list
    "companies": ("/company/companies", COMPANY_FIELDS, "deletedFlag=False"),
    "agreements": ("/finance/agreements", AGREEMENT_FIELDS, "cancelledFlag=False"),
    "catalog": ("/procurement/catalog", ITEM_FIELDS, "inactiveFlag=False"),
}
SETUP: Final = {  # path and fields of each setup table
    "company_types": ("/company/companies/types", "id,name,defaultFlag"),
    "agreement_types": ("/finance/agreements/types", "id,name,defaultFlag,inactiveFlag"),
    "billing_cycles": ("/finance/billingCycles", "id,name,defaultFlag,billingOptions"),
    "product_types": ("/procurement/types", "id,name,defaultFlag,inactiveFlag"),
    # its trailing slash is part of the path
    "subcategories": ("/procurement/subcategories/", "id,name,defaultFlag,inactiveFlag,category/name"),
    "countries": ("/company/countries", "id,name,defaultFlag"),
}
_TOLD: Final = {  # the consequence of a table that may not be read
    "company_types": "types of customers",
    "agreement_types": "types of agreements",
    "product_types": "types of products",
    "subcategories": "categories of products",
    "countries": "countries",
}
_ONE_OF: Final[Mapping[ListName, str]] = {
    "companies": "company",
    "agreements": "agreement",
    "catalog": "product",
}
_NAMED: Final = 3  # records that a notice names one by one

Cache = MutableMapping[str, Any]
T = TypeVar("T")


class Tables(Struct, frozen=True, kw_only=True):
    """ConnectWise's lists as read; `odd` names the setup tables that could not be read."""

    companies: list[dict[str, Any]]
    agreements: list[dict[str, Any]]
    items: list[dict[str, Any]]
    setup: SetupTables
    odd: tuple[str, ...] = ()


class ListReading:
    """The reading of one command's lists, each by itself: threads may read them side by side.

    `refresh` ignores the cache. `progress` is told the number of records on each page.
    """

    def __init__(
        self,
        connectwise: ConnectWise,
        cache: Cache,
        *,
        now: dt.datetime,
        refresh: bool,
        progress: Callable[[int], None],
    ) -> None:
        self._connectwise, self._cache, self._now = connectwise, cache, now
        self._refresh, self._progress = refresh, progress

    def records(self, name: ListName) -> list[dict[str, Any]]:
        """Read one of the long lists; raises ApiError where it cannot be read."""
        path, fields, only = LISTS[name]
        cached = (
            {} if self._refresh else _read_entry(self._cache, name, "since", "whole", "fields", "records")
        )
        if cached and cached["fields"] != fields:
            cached = {}
        since = _since(cached, self._now)
        if since:
            try:
                changed, asked_at = self._list(path, fields, f"lastUpdated>[{since}]")
            except ApiError as error:
                if error.status != 400:  # a tenant that refuses the condition is read completely
                    raise
            else:
                old = {record.get("id"): record for record in cached["records"]}
                new = {record.get("id"): record for record in _trimmed(changed, fields)}
                if all(old.get(id_) == record for id_, record in new.items()):
                    return list(cached["records"])  # the next update starts from the same time
                return _keep(self._cache, name, fields, {**old, **new}.values(), asked_at, cached["whole"])
        records, asked_at = self._list(path, fields, only)
        if not records:
            raise _nothing_there(path, _ONE_OF[name])
        return _keep(self._cache, name, fields, _trimmed(records, fields), asked_at, self._now.isoformat())

    def _list(self, path: str, fields: str, conditions: str) -> tuple[list[dict[str, Any]], str]:
        return self._connectwise.list_records(
            path, fields=fields, conditions=conditions, progress=self._progress
        )

    def setup(self) -> tuple[SetupTables, tuple[str, ...]]:
        """Read the setup tables, and name those that are empty or not to be read; then nothing is cached."""
        cached = {} if self._refresh else _read_entry(self._cache, "setup", "at", *SETUP)
        if cached and dt.timedelta() <= _age(cached["at"], self._now) < SETUP_AFTER:
            known = {name: tuple(Setup(*entry) for entry in cached[name]) for name in SETUP}
            return SetupTables(**known), ()
        tables: dict[str, tuple[Setup, ...]] = {}
        odd: list[str] = []
        for name, (path, fields) in SETUP.items():
            try:
                tables[name] = self._connectwise.list_setup(path, fields)
                if not tables[name]:
                    odd.append(_tell_unread(name, _nothing_there(path, "entry")))
            except ApiError as error:
                if error.status not in {403, 404}:
                    raise
                odd.append(_tell_unread(name, error))
        if not odd:
            entries = {
                name: [[e.id, e.name, e.parent, e.months, e.is_default, e.recurs] for e in table]
                for name, table in tables.items()
            }
            self._cache["setup"] = {"at": self._now.isoformat(), **entries}
        return SetupTables(**tables), tuple(odd)


def read_lists(tables: Tables) -> Lists:
    """Turn the tables into lists; a record that cannot be used is left out and named in `odd`."""
    odd = list(tables.odd)
    cycles = {cycle.id: cycle for cycle in tables.setup.billing_cycles}
    return Lists(
        companies=_usable("customers", tables.companies, read_company, odd),
        agreements=_usable(
            "agreements", tables.agreements, lambda record: read_agreement(record, cycles), odd
        ),
        items=_usable("products", tables.items, read_item, odd),
        setup=tables.setup,
        odd=tuple(odd),
    )


def _usable(
    what: str,
    records: Iterable[dict[str, Any]],
    read: Callable[[dict[str, Any]], T | None],
    odd: list[str],
) -> tuple[T, ...]:
    """Convert records, and name those that cannot be used in `odd`; one without an id is an error."""
    usable: list[T] = []
    errors: list[str] = []
    for record in records:
        id_of(record, what)
        try:
            one = read(record)
        except ApiError as error:
            errors.append(f"id {record['id']} ({error.message})")
            continue
        if one is not None:
            usable.append(one)
    if errors:
        odd.append(f"Left out of ConnectWise's {what}: {shortened(errors, _NAMED, '; ', '; ')}.")
    return tuple(usable)


def _nothing_there(path: str, what: str) -> ApiError:
    """Make the error of an empty list that every tenant must have entries in."""
    return ApiError(
        f"ConnectWise: GET {path} gave an empty list, without a single {what}",
        "Servers were seen to answer so by mistake: try again. If it stays, the API member's security role "
        "may show only its own records (Inquire: My in place of All): `xlsync doctor` tells.",
        method="GET",
        path=path,
        status=200,
    )


def _tell_unread(name: str, error: ApiError) -> str:
    if name == "billing_cycles":
        return f"Billing periods were not compared, since the billing cycles cannot be read: {error.message}"
    return f"The {_TOLD[name]} cannot be read, so there are none to choose from: {error.message}"


def _read_entry(cache: Cache, name: str, *parts: str) -> dict[str, Any]:
    """Read an entry of the cache once, since it may be deleted at any time.

    The result is empty if there is none, or if another version stored it in another form.
    """
    cached = cache.get(name)
    return cached if isinstance(cached, dict) and all(part in cached for part in parts) else {}


def _since(cached: Mapping[str, Any], now: dt.datetime) -> str:
    """Return the time since which changes are to be read; empty if the whole list is due."""
    if not cached or not dt.timedelta() <= _age(cached["whole"], now) <= WHOLE_AFTER:
        return ""
    return str(cached["since"])


def _age(at: str, now: dt.datetime) -> dt.timedelta:
    """Return how long ago a reading was; negative where the clock was set back since."""
    return now - dt.datetime.fromisoformat(at)


def _keep(
    cache: Cache, name: str, fields: str, records: Iterable[Any], asked_at: str, whole: str
) -> list[dict[str, Any]]:
    """Cache the newest version of each record, by id, and the server's time of the request."""
    newest = {record.get("id"): record for record in records}
    ordered = [newest[id_] for id_ in sorted(newest, key=lambda id_: (id_ is None, id_))]
    asked = read_http_date(asked_at)
    if asked is not None:
        since = asked.astimezone(dt.UTC) - OVERLAP
        moment = f"{since:%Y-%m-%dT%H:%M:%SZ}"
        cache[name] = {"since": moment, "whole": whole, "fields": fields, "records": ordered}
    return ordered


def _trimmed(records: Iterable[dict[str, Any]], fields: str) -> list[dict[str, Any]]:
    """Reduce records to the requested fields, since a server may send more; decimals become text."""
    asked: dict[str, set[str]] = {}
    for field in fields.split(","):
        name, _, part = field.partition("/")
        asked.setdefault(name, set()).add(part)
    return [
        {name: _plain(_parts(record[name], parts)) for name, parts in asked.items() if name in record}
        for record in records
    ]


def _parts(value: Any, parts: Set[str]) -> Any:
    """Reduce a reference to some parts; the empty part is the whole reference."""
    if "" in parts or not isinstance(value, dict):
        return value
    return {name: value[name] for name in value if name in parts}


def _plain(value: Any) -> Any:
    """Convert decimals at any depth to text, which JSON stores exactly."""
    match value:
        case Decimal():
            return str(value)
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value
