"""Checks of a ConnectWise tenant: reads of everything that commands read, sent as the commands send them.

Nothing is written. The API member's own rights are read too; whether a right to write suffices shows when
one writes (`xlsync doctor --write-test`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from xlsync.amounts import shortened
from xlsync.commands.findings import CheckState, Finding
from xlsync.connectwise.client import ConnectWise
from xlsync.connectwise.lists import LISTS, SETUP, Tables, read_lists
from xlsync.connectwise.records import id_of
from xlsync.errors import ApiError
from xlsync.models import Addition, Lists, Month, SetupTables
from xlsync.rest.failures import SSL_REQUIRED, read_http_date

SKEW: Final = dt.timedelta(minutes=5)
SAMPLE: Final = 100  # the most agreements whose additions and recaps are read
_LEVELS: Final = {"add": "addLevel", "edit": "editLevel", "inquire": "inquireLevel"}
_RIGHTS: Final = {  # to read each long list
    "/company/companies": "Companies > Company Maintenance: Inquire All",
    "/finance/agreements": "Finance > Agreements: Inquire All",
    "/procurement/catalog": "Procurement > Product Catalog: Inquire All",
}
_READ_BY_APPLY: Final = (
    ("/company/contacts", "id,firstName,lastName", "Contacts"),
    ("/company/communicationTypes", "id,emailFlag,defaultFlag", "Table Setup"),
    ("/system/userDefinedFields", "id,caption,requiredFlag", "Table Setup"),
    ("/finance/invoices", "id,invoiceNumber", "Invoicing"),
)
# The rights that commands need of each function of a security role, and their purpose.
NEEDED: Final[Mapping[str, Mapping[str, str]]] = {
    "Company Maintenance": {"inquire": "export", "add": "apply creates customers"},
    "Contacts": {"inquire": "apply", "add": "apply creates contacts"},
    "Agreements": {
        "inquire": "export",
        "add": "apply creates agreements and additions",
        "edit": "apply changes additions",
    },
    "Product Catalog": {"inquire": "export", "add": "apply creates products"},
    "Agreement Invoicing": {"inquire": "export previews invoices", "add": "invoice creates them"},
    "Invoicing": {"inquire": "invoice"},
    "Table Setup": {"inquire": "apply"},
}


def tenant_checks(connectwise: ConnectWise, now: dt.datetime) -> Iterator[Finding]:
    """Run all checks of ConnectWise, in the order in which a first run would fail."""
    keys = keys_check(connectwise)
    yield keys
    yield site_check(connectwise, is_served="does not support the API version" not in keys.detail)
    if keys.state is CheckState.BAD:
        return
    tables: dict[str, list[dict[str, Any]]] = {}
    for name, (path, fields, only) in LISTS.items():
        finding, records, asked_at = _list_check(connectwise, path, fields, only)
        if name == "companies" and asked_at:
            yield clock_check(asked_at, now)
        yield finding
        tables[name] = records
    yield _changes_check(connectwise)
    setup = yield from _setup_checks(connectwise)
    lists = read_lists(
        Tables(
            companies=tables["companies"],
            agreements=tables["agreements"],
            items=tables["catalog"],
            setup=setup,
        )
    )
    if lists.odd:
        yield Finding("export: records", CheckState.UNSURE, " ".join(lists.odd), "Mend them in ConnectWise.")
    step = -(-len(lists.agreements) // SAMPLE) or 1
    sample = [agreement.id for agreement in lists.agreements[::step]]
    additions = connectwise.list_additions(sample, with_status=True)
    if sample:
        yield _additions_check(additions)
        yield _recaps_check(connectwise, sample)
    yield from _apply_checks(connectwise, sample)
    yield from rights_checks(connectwise)
    yield from foretell(connectwise, lists, now)
    if additions:
        yield _statuses_check(additions, now.date())


def _apply_checks(connectwise: ConnectWise, sample: Sequence[int]) -> Iterator[Finding]:
    """Try the reads that only `apply` and `invoice` send; `sample` are ids of some agreements."""
    for path, fields, right in _READ_BY_APPLY:
        yield _try_read(
            f"apply: read {path}",
            partial(connectwise.service.get, path, {"pageSize": 1, "fields": fields}),
            f"{right}: Inquire All",
        )
    if sample:
        yield _try_read(
            "apply: read agreements by id",
            partial(connectwise.read_agreements, sample),
            _RIGHTS["/finance/agreements"],
        )


def keys_check(connectwise: ConnectWise) -> Finding:
    """Check whether ConnectWise accepts the keys; a missing right is found by `rights_checks`."""
    try:
        connectwise.check()
    except ApiError as error:
        if error.status != 403 or SSL_REQUIRED in error.message:
            return Finding("ConnectWise: keys", CheckState.BAD, error.message, error.hint)
        step = "Look at the rights that follow; where all of them are refused, check the client id."
        return Finding("ConnectWise: keys", CheckState.UNSURE, error.message, step)
    return Finding("ConnectWise: keys", CheckState.GOOD, "works")


def site_check(connectwise: ConnectWise, *, is_served: bool) -> Finding:
    """Compare the site, codebase and release in use with those that the site names.

    With `is_served` False the release was refused, and the one to set is named.
    """
    url = urlsplit(connectwise.service.url)
    asked = url.path.strip("/").partition("/")[0]
    try:
        codebase = (connectwise.find_codebase() or "").strip("/")
        version = connectwise.find_version()
    except ApiError as error:
        return Finding("ConnectWise: site", CheckState.UNSURE, error.message, error.hint)
    detail = f"{url.netloc}, codebase {codebase or 'unknown'}, version {version or 'unknown'}, "
    detail += f"xlsync asks for release {connectwise.release} of the API"
    served = re.match(r"v?(\d{4}\.\d+)", version)
    if served and not is_served:
        step = f'Set [connectwise] release = "{served[1]}" in xlsync.toml.'
        return Finding(
            "ConnectWise: site", CheckState.BAD, f"{detail}, which ConnectWise does not serve", step
        )
    if url.path != connectwise.path_in_settings:
        step = f"xlsync follows the move; to save a request, set XLSYNC_CW_URL to {url.scheme}://{url.netloc}{url.path}."
        return Finding(
            "ConnectWise: site", CheckState.UNSURE, f"{detail}; the site has moved to {asked}", step
        )
    return Finding("ConnectWise: site", CheckState.GOOD, detail)


def clock_check(date: str, now: dt.datetime) -> Finding:
    """Compare this machine's clock with the server's `Date` header (RFC 9110, 6.6.1)."""
    then = read_http_date(date)
    if then is None:
        step = "Look whether this machine's clock is right: tokens and dates depend on it."
        return Finding("Clock", CheckState.UNSURE, "ConnectWise's answer has no date", step)
    apart = abs(now - then)
    detail = f"{int(apart.total_seconds())} seconds apart from ConnectWise's"
    if apart > SKEW:
        return Finding(
            "Clock", CheckState.BAD, detail, "Correct the clock and the time zone of this machine."
        )
    return Finding("Clock", CheckState.GOOD, detail)


def _list_check(
    connectwise: ConnectWise, path: str, fields: str, only: str
) -> tuple[Finding, list[dict[str, Any]], str]:
    """Read one long list as export does, and compare its length with ConnectWise's count."""
    name = f"export: read {path}"
    try:
        records, asked_at = connectwise.list_records(path, fields=fields, conditions=only)
    except ApiError as error:
        return Finding(name, CheckState.BAD, error.message, _next_step(error, _RIGHTS[path])), [], ""
    if not records:
        step = "Export stops at an empty list. Look whether ConnectWise has any. " + _SHOW_ALL
        return Finding(name, CheckState.BAD, "an empty list", step), [], asked_at
    try:
        answer = connectwise.service.get(f"{path}/count", {"conditions": only})
    except ApiError as error:
        return (
            Finding(
                name,
                CheckState.UNSURE,
                f"{len(records)} read; {error.message}",
                _next_step(error, _RIGHTS[path]),
            ),
            records,
            asked_at,
        )
    count = answer.get("count") if isinstance(answer, Mapping) else None
    detail = f"{len(records)} read, /count says {count if isinstance(count, int) else 'nothing'}"
    step = "Run doctor again: the list may lag. " + _SHOW_ALL
    finding = Finding.judged(name, detail, step, is_good=count == len(records), otherwise=CheckState.UNSURE)
    return finding, records, asked_at


def _changes_check(connectwise: ConnectWise) -> Finding:
    """Ask each long list for what changed since years ago, as export asks for what changed since its last."""
    name, missed = "export: read what changed", []
    query: dict[str, str | int] = {
        "conditions": "lastUpdated>[2000-01-01T00:00:00Z]",
        "pageSize": 1,
        "fields": "id",
    }
    for path, _, _ in LISTS.values():
        try:
            if not connectwise.service.get(path, query):
                missed.append(path)
        except ApiError as error:
            if error.status != 400:
                return Finding(name, CheckState.UNSURE, error.message, _next_step(error, _RIGHTS[path]))
    if missed:
        detail = f"by the time of their last change, none of {', '.join(missed)} is found"
        step = (
            "These lists are read anew once a week only: after a change, `xlsync check FILE --refresh` does."
        )
        return Finding(name, CheckState.UNSURE, detail, step)
    return Finding(name, CheckState.GOOD, "works")


_SHOW_ALL: Final = "Else the API member's security role may show only its own records (My): set it to All."


def _setup_checks(connectwise: ConnectWise) -> Generator[Finding, None, SetupTables]:
    """Read each setup table; export works without a refused one (403, 404), and stops at other errors."""
    tables: dict[str, Any] = {}
    for name, (path, fields) in SETUP.items():
        what = f"export: read {path.rstrip('/')}"
        try:
            tables[name] = connectwise.list_setup(path, fields)
        except ApiError as error:
            state = CheckState.UNSURE if error.status in {403, 404} else CheckState.BAD
            right = f"System > Table Setup: Inquire All for {path}"
            yield Finding(what, state, error.message, _next_step(error, right))
        else:
            count = len(tables[name])
            step = "Run doctor again. Else look whether the API member's security role shows this table."
            yield Finding.judged(what, f"{count} read", step, is_good=count > 0, otherwise=CheckState.UNSURE)
    return SetupTables(**tables)


def _additions_check(additions: Mapping[int, tuple[Addition, ...] | ApiError]) -> Finding:
    name = "export: read additions"
    errors = [answer for answer in additions.values() if isinstance(answer, ApiError)]
    if errors:
        detail = f"{len(errors)} of {len(additions)} agreements: {errors[0].message}"
        return Finding(name, CheckState.BAD, detail, _next_step(errors[0], _RIGHTS["/finance/agreements"]))
    count = sum(len(answer) for answer in additions.values() if not isinstance(answer, ApiError))
    return Finding(name, CheckState.GOOD, f"{count} on {len(additions)} agreements")


def _recaps_check(connectwise: ConnectWise, sample: Sequence[int]) -> Finding:
    """Read the recaps; without them export works, but does not know what is invoiced already."""
    name = "export: read agreement recaps"
    recaps = connectwise.list_recaps(sample)
    if isinstance(recaps, ApiError):
        right = "Finance > Agreement Invoicing: Inquire All"
        return Finding(name, CheckState.UNSURE, recaps.message, _next_step(recaps, right))
    unclear = [recap for recap in recaps.values() if recap.unclear]
    if unclear:
        detail = (
            f"{len(unclear)} of {len(recaps)} have dates that cannot be read for sure: {unclear[0].unclear}"
        )
        return Finding(
            name,
            CheckState.UNSURE,
            detail,
            "xlsync does not use these dates: look by hand at which periods are invoiced.",
        )
    return Finding(name, CheckState.GOOD, f"{len(recaps)} read")


def _try_read(name: str, read: Callable[[], object], right: str) -> Finding:
    """Try a read, and make a finding of it; a failure hinders only some commands, so it is unsure."""
    try:
        read()
    except ApiError as error:
        return Finding(name, CheckState.UNSURE, error.message, _next_step(error, right))
    return Finding(name, CheckState.GOOD, "works")


def _next_step(error: ApiError, right: str) -> str:
    """Say what to do about a refused read; `right` is what the API member's security role must allow."""
    if "`xlsync doctor`" not in error.hint:
        return error.hint
    if error.status == 403:
        return f"Give the API member's security role {right}."
    return "Look at ConnectWise: site and ConnectWise: keys above, and whether ConnectWise shows this list."


def rights_checks(connectwise: ConnectWise) -> Iterator[Finding]:
    """Read the API member's own rights, and name each missing right and each level *My*."""
    name = "ConnectWise: rights"
    try:
        answer = connectwise.service.get("/system/mysecurity", {"pageSize": 1000})
    except ApiError as error:
        step = "Write access cannot be tested without writing: `xlsync doctor --write-test COMPANY` does so."
        yield Finding(name, CheckState.UNSURE, error.message, step)
        return
    rights = {_folded(text): record for record in _records(answer) for text in _names(record)}
    for function, wanted in NEEDED.items():
        right = rights.get(_folded(function))
        if right is None:
            step = f"Look at the API member's security role: {function} is not listed."
            yield Finding(f"Rights: {function}", CheckState.UNSURE, "not listed", step)
            continue
        levels = {verb: str(right.get(_LEVELS[verb]) or "None") for verb in wanted}
        detail = ", ".join(f"{verb} {level}" for verb, level in levels.items())
        lacks = [f"{verb.title()} ({wanted[verb]})" for verb, level in levels.items() if level == "None"]
        own = [verb.title() for verb, level in levels.items() if level == "My"]
        steps = [f"Give the API member's security role {function}: {', '.join(lacks)}."] if lacks else []
        steps += [f"Set {', '.join(own)} to All: My hides records without an error."] if own else []
        yield Finding.judged(
            f"Rights: {function}", detail, " ".join(steps), is_good=not steps, otherwise=CheckState.UNSURE
        )


def _records(answer: object) -> list[Mapping[str, Any]]:
    return [record for record in answer if isinstance(record, Mapping)] if isinstance(answer, list) else []


def _names(right: Mapping[str, Any]) -> Iterator[str]:
    for name in ("moduleFunctionName", "moduleFunctionDescription"):
        if right.get(name):
            yield str(right[name])


def _folded(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def foretell(connectwise: ConnectWise, lists: Lists, now: dt.datetime) -> Iterator[Finding]:
    """Predict which proposals ConnectWise would refuse, from existing agreements and companies."""
    if not lists.companies or not lists.agreements:
        detail = "not looked at, since a list of customers or agreements is missing"
        yield Finding("Foretold: refusals", CheckState.UNSURE, detail, "Mend what is red above first.")
        return
    month = Month(now.year, now.month).plus(-1)
    companies = {company.id: company.name for company in lists.companies}
    names = {
        entry.id: f"{entry.name} of {companies.get(entry.company_id, '?')}" for entry in lists.agreements
    }
    yield _foretold(
        "agreements without a billing cycle that xlsync can read",
        [names[agreement.id] for agreement in lists.agreements if agreement.cycle_trouble],
        "Their lines get the status Could not check.",
    )
    held = {agreement.company_id for agreement in lists.agreements}
    yield _foretold(
        "companies with an agreement and without a default contact",
        [
            customer.name
            for customer in lists.companies
            if customer.id in held and not customer.default_contact_id
        ],
        "A new agreement needs a contact: fill in Contact First Name on New in ConnectWise.",
    )
    late = [
        names[entry.id] for entry in lists.agreements if entry.bill_start and entry.bill_start > month.last
    ]
    yield _foretold(
        f"agreements that bill from after {month}",
        late,
        f"ConnectWise refuses additions for {month} there: begin them on the bill start date.",
    )
    closed = [
        names[entry.id]
        for entry in lists.agreements
        if not entry.prorated and entry.next_invoice and entry.next_invoice > month.last
    ]
    yield _foretold(
        f"agreements that do not prorate and have invoiced {month}",
        closed,
        f"New units can begin there with the next invoice; bill by hand what {month} lacks.",
    )
    yield _required_fields_check(connectwise)


def _required_fields_check(connectwise: ConnectWise) -> Finding:
    """Name the custom fields that the tenant requires on some screen."""
    try:
        fields, _ = connectwise.list_records("/system/userDefinedFields", fields="id,caption,requiredFlag")
    except ApiError as error:
        step = _next_step(error, "System > Table Setup: Inquire All")
        return Finding("Foretold: required custom fields", CheckState.UNSURE, error.message, step)
    required = [
        str(field.get("caption") or id_of(field, "")) for field in fields if field.get("requiredFlag")
    ]
    step = (
        "ConnectWise refuses a new record whose screen has one of these fields without a value: "
        "give the value under [creation.fields] in xlsync.toml."
    )
    return _foretold("required custom fields", required, step)


def _statuses_check(additions: Mapping[int, tuple[Addition, ...] | ApiError], today: dt.date) -> Finding:
    """Find additions whose status contradicts their dates; only dates decide what xlsync compares."""
    read = [entry for answer in additions.values() if not isinstance(answer, ApiError) for entry in answer]
    if not read:
        detail = "not looked at, since no addition was read"
        return Finding("Foretold: additions", CheckState.UNSURE, detail, "Mend what is red above first.")
    return _foretold(
        "additions whose status contradicts their dates",
        [text for addition in read if (text := addition.contradiction(today))],
        "xlsync goes by the dates: look at these in ConnectWise before you change them.",
    )


def _foretold(what: str, names: Sequence[str], step: str) -> Finding:
    """Make the finding about records that ConnectWise will refuse something for, by their names."""
    if not names:
        return Finding(f"Foretold: {what}", CheckState.GOOD, "none")
    return Finding(f"Foretold: {what}", CheckState.UNSURE, f"{len(names)}: {shortened(names, 3)}", step)
