"""ConnectWise's lists: companies, agreements, catalog and setup tables, kept and brought up to date.

A kept list is asked only for what changed since (`lastUpdated`, Developer Guide, "Conditions"). That never
tells of deletions, so a whole list is read again after a week; `apply` looks at what it writes to anyway.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

from xlsync.connectwise import (
    AGREEMENT_FIELDS,
    COMPANY_FIELDS,
    ITEM_FIELDS,
    ConnectWise,
)
from xlsync.errors import ApiError
from xlsync.models import Agreement, CatalogItem, Company
from xlsync.records import Setup, SetupTables, read_agreement, read_company, read_item

WHOLE_AFTER: Final = dt.timedelta(days=7)
SETUP_AFTER: Final = dt.timedelta(days=1)
OVERLAP: Final = dt.timedelta(minutes=2)  # a change committed while the list was read is asked for again
_SETUP: Final = {  # path and fields of each table
    "company_types": ("/company/companies/types", "id,name,defaultFlag"),
    "agreement_types": ("/finance/agreements/types", "id,name,defaultFlag,inactiveFlag"),
    "billing_cycles": ("/finance/billingCycles", "id,name,defaultFlag,billingOptions"),
    "product_types": ("/procurement/types", "id,name,defaultFlag,inactiveFlag"),
    # its trailing slash is part of the path
    "subcategories": ("/procurement/subcategories/", "id,name,defaultFlag,inactiveFlag,category/name"),
    "countries": ("/company/countries", "id,name,defaultFlag"),
}

Cache = MutableMapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """What the dropdowns show: active companies, agreements and products, and the setup tables."""

    companies: tuple[Company, ...]
    agreements: tuple[Agreement, ...]
    items: tuple[CatalogItem, ...]
    setup: SetupTables


def read_lists(
    connectwise: ConnectWise,
    cache: Cache,
    *,
    now: dt.datetime,
    refresh: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Lists:
    """All lists; `refresh` reads them whole. Raises ApiError where one cannot be read."""
    setup = _read_setup(connectwise, cache, now, refresh=refresh)
    cycles = {cycle.id: cycle for cycle in setup.billing_cycles}

    def read(name: str, path: str, fields: str, only: str) -> list[dict[str, Any]]:
        kept = {} if refresh else _kept(cache, name, "since", "whole", "records")
        since = _since(kept, now)
        if since:
            try:
                changed, asked_at = connectwise.list_records(
                    path, fields=fields, conditions=f"lastUpdated>[{since}]", progress=progress
                )
            except ApiError as error:
                if error.status != 400:  # a tenant that does not take the condition is read whole
                    raise
            else:
                return _keep(cache, name, [*kept["records"], *changed], asked_at, kept["whole"])
        records, asked_at = connectwise.list_records(path, fields=fields, conditions=only, progress=progress)
        return _keep(cache, name, records, asked_at, now.isoformat())

    companies = read("companies", "/company/companies", COMPANY_FIELDS, "deletedFlag=False")
    agreements = read("agreements", "/finance/agreements", AGREEMENT_FIELDS, "cancelledFlag=False")
    items = read("catalog", "/procurement/catalog", ITEM_FIELDS, "inactiveFlag=False")
    return Lists(
        companies=tuple(_present(read_company(record) for record in companies)),
        agreements=tuple(_present(read_agreement(record, cycles) for record in agreements)),
        items=tuple(_present(read_item(record) for record in items)),
        setup=setup,
    )


def _read_setup(connectwise: ConnectWise, cache: Cache, now: dt.datetime, *, refresh: bool) -> SetupTables:
    kept = _kept(cache, "setup", "at", *_SETUP)
    if kept and not refresh and now - dt.datetime.fromisoformat(kept["at"]) < SETUP_AFTER:
        return SetupTables(**{name: tuple(Setup(*entry) for entry in kept[name]) for name in _SETUP})
    tables = {name: connectwise.list_setup(path, fields) for name, (path, fields) in _SETUP.items()}
    entries = {
        name: [[e.id, e.name, e.parent, e.months, e.is_default] for e in table]
        for name, table in tables.items()
    }
    cache["setup"] = {"at": now.isoformat(), **entries}
    return SetupTables(**tables)


def _kept(cache: Cache, name: str, *parts: str) -> dict[str, Any]:
    """What a cache holds, read once since it may be thrown away at any time.

    Nothing where it is not there, or another version of xlsync kept it in another form.
    """
    kept = cache.get(name)
    return kept if isinstance(kept, dict) and all(part in kept for part in parts) else {}


def _since(kept: Mapping[str, Any], now: dt.datetime) -> str:
    """From when on changes are to be asked for; empty where the whole list is due."""
    if not kept or now - dt.datetime.fromisoformat(kept["whole"]) > WHOLE_AFTER:
        return ""
    return str(kept["since"])


def _keep(cache: Cache, name: str, records: Iterable[Any], asked_at: str, whole: str) -> list[dict[str, Any]]:
    """Keep the newest version of each record, in order of id, and the server's time of asking."""
    newest = {record.get("id"): _plain(record) for record in records}
    ordered = [newest[id_] for id_ in sorted(newest, key=lambda id_: (id_ is None, id_))]
    if asked_at:
        since = parsedate_to_datetime(asked_at).astimezone(dt.UTC) - OVERLAP
        cache[name] = {"since": f"{since:%Y-%m-%dT%H:%M:%SZ}", "whole": whole, "records": ordered}
    return ordered


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """A record as JSON holds it exactly: decimals as text."""
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in record.items()}


def _present(records: Iterable[T | None]) -> Iterable[T]:
    return (record for record in records if record is not None)
