"""Test of writing: try writes on a test company, and store how ConnectWise behaves for later runs.

Two agreements with one name and an addition are created, looked for, changed, read back and ended. Each
write stands in the journal before and after it is sent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

import msgspec.structs
import simplejson
from msgspec import Struct

from xlsync.amounts import counted
from xlsync.apply.creation_fields import add_further_fields
from xlsync.apply.journal import Journal
from xlsync.apply.lookup import Live
from xlsync.apply.plan import State
from xlsync.apply.runs import WRITE_TEST
from xlsync.commands.findings import CheckState, Finding
from xlsync.connectwise.client import ConnectWise, quoted_text
from xlsync.connectwise.custom_fields import is_about_custom_fields, restate_custom_fields
from xlsync.connectwise.records import id_of, read_date, record_of, write_date
from xlsync.errors import ApiError, NoAnswer, XlsyncError
from xlsync.files import write_file
from xlsync.gather.systems import Systems
from xlsync.plain_json import from_json, from_plain
from xlsync.store import environment_folder

LOOKS: Final = (0, 5, 30, 120)  # seconds after a creation at which the list is read
AGREEMENTS: Final = "/finance/agreements"


class TenantBehaviour(Struct, frozen=True):
    """The behaviour of one ConnectWise, as found by a test of writing.

    `bill_start` is what an agreement without a bill start date gets: `start`, `today` or `other`.
    `list_lag` are the seconds after which a list showed a new record, None where it did not within the
    longest wait. `takes_twins` is whether two agreements with one name are accepted, `needs_custom_fields`
    whether a PATCH must name the custom fields.
    """

    tested_on: str
    bill_start: str
    list_lag: int | None
    takes_twins: bool
    needs_custom_fields: bool

    def __str__(self) -> str:
        lag = f"after {self.list_lag} s" if self.list_lag is not None else f"not within {LOOKS[-1]} s"
        return (
            f"an agreement without a bill start date bills from {self.bill_start}; lists show what is new "
            f"{lag}; two agreements with one name are {'accepted' if self.takes_twins else 'refused'}; "
            f"a PATCH {'must' if self.needs_custom_fields else 'need not'} name the custom fields"
        )


def _file(home: Path, environment: str) -> Path:
    return home / "tenants" / f"{environment_folder(environment)}.json"


def read_tenant(home: Path, environment: str) -> TenantBehaviour | None:
    """Read the stored behaviour of a ConnectWise; None where it was not tested or the file cannot be used."""
    try:
        return from_plain(from_json(_file(home, environment).read_bytes()), TenantBehaviour)
    except (OSError, ValueError):
        return None


def store_tenant(home: Path, environment: str, tenant: TenantBehaviour) -> Path:
    """Store the behaviour of a ConnectWise, and return the file."""
    file = _file(home, environment)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_file(file, simplejson.dumps(msgspec.structs.asdict(tenant), indent=1).encode(), None)
    return file


class TestCompany(Struct, frozen=True):
    """The company of a test of writing, with contact, types and product for its records."""

    __test__ = False  # not a class of tests for pytest

    id: int
    name: str
    contact: int
    agreement_type: int
    item: int


def find_test_company(connectwise: ConnectWise, identifier: str) -> TestCompany:
    """Find the company with an identifier, its contact, and a type and product to test with.

    Raises XlsyncError where one of them is missing.
    """
    path = "/company/companies"
    listed = connectwise.list_where(
        path,
        fields="id,identifier,name,deletedFlag,defaultContact/id",
        condition=f"identifier={quoted_text(identifier)}",
    )
    records = [record for record in listed if not record.get("deletedFlag")]
    if len(records) != 1:
        hint = "Give the Company ID of a test company, which ConnectWise shows beside the name."
        raise XlsyncError(f"ConnectWise has no company {identifier}.", hint)
    contact = records[0].get("defaultContact")
    if not contact:
        raise XlsyncError(f"The company {identifier} has no default contact.", "Give it one in ConnectWise.")
    types = connectwise.list_setup("/finance/agreements/types", "id,name,defaultFlag,inactiveFlag")
    listed = connectwise.list_where(
        "/procurement/catalog", fields="id,identifier,productClass", condition="inactiveFlag=False"
    )
    items = [record for record in listed if record.get("productClass") != "Bundle"]
    if not types or not items:
        raise XlsyncError("ConnectWise gives no agreement type, or no product.", "Run `xlsync doctor`.")
    kind = next((entry for entry in types if entry.is_default), types[0])
    return TestCompany(
        id=id_of(records[0], path),
        name=str(records[0].get("name") or identifier),
        contact=id_of(record_of(contact, path), path),
        agreement_type=kind.id,
        item=id_of(items[0], "/procurement/catalog"),
    )


def try_writing(
    systems: Systems, company: TestCompany, now: dt.datetime, wait: Callable[[float], None]
) -> Iterator[Finding]:
    """Run the test, yield a finding for each step, and store how the tenant behaves.

    `wait` is called with the seconds between reads of a list. Every created record is ended, whatever fails.
    """
    environment = systems.settings.environment
    journal = Journal.begin(
        systems.home, environment, command=WRITE_TEST, workbook="", month=f"{now:%Y-%m}", now=now
    )
    live = Live(systems.connectwise, systems.settings.creation)
    test = WriteTest(live, company, journal, now, wait)
    yield from test.run()
    journal.end()
    if test.tenant is not None:
        file = store_tenant(systems.home, environment, test.tenant)
        yield Finding("Write test: stored", CheckState.GOOD, f"{test.tenant} ({file})")


class WriteTest:
    """A running test of writing: its findings, and the records that it has to end."""

    def __init__(
        self,
        live: Live,
        company: TestCompany,
        journal: Journal,
        now: dt.datetime,
        wait: Callable[[float], None],
    ) -> None:
        self._live, self._connectwise = live, live.connectwise
        self._company, self._journal = company, journal
        self._now, self._wait = now, wait
        self._name = f"xlsync write test {now:%Y-%m-%d %H:%M:%S}"
        self._customs_needed = False
        self._last_day = now.date()  # on which the addition ends: not before it begins
        self._number = 0
        self._unanswered: list[str] = []  # paths of creations without an answer
        self.tenant: TenantBehaviour | None = None

    def run(self) -> Iterator[Finding]:
        """Run the steps, and yield a finding for each; all created records are ended, whatever fails."""
        made: list[str] = []
        try:
            yield from self._steps(made)
        except XlsyncError as error:
            yield Finding("Write test", CheckState.BAD, error.message, error.hint)
        except OSError as error:
            detail = f"stopped, since the journal cannot be written ({error.strerror})"
            yield Finding("Write test", CheckState.BAD, detail, "Make room on the disk, and begin it again.")
        except KeyboardInterrupt:
            yield Finding("Write test", CheckState.BAD, "stopped", "Begin it again.")
        finally:
            unended = [path for path in reversed(made) if not self._end(path)]
        for path in self._unanswered:
            detail = f"whether POST {path} made a record is not known"
            step = f"Look at {self._company.name} in ConnectWise, and end by hand what is named {self._name}."
            yield Finding("Write test: unanswered", CheckState.BAD, detail, step)
        if unended:
            step = "End them by hand in ConnectWise: " + ", ".join(unended) + "."
            yield Finding("Write test: ended", CheckState.BAD, f"{len(unended)} could not be ended", step)
        else:
            were = "was" if len(made) == 1 else "were"
            detail = f"{counted(len(made), 'record')} {were} cancelled"
            yield Finding("Write test: ended", CheckState.GOOD, detail)

    def _steps(self, made: list[str]) -> Iterator[Finding]:
        """Create, look for, double, change; the path of each created record is added to `made` at once."""
        around_today = {self._now.date() + dt.timedelta(days) for days in (-1, 0, 1)}  # ConnectWise's today
        start = (min(around_today) - dt.timedelta(days=1)).replace(day=1)
        body = self._agreement_body(start)
        agreement = self._post(AGREEMENTS, body)
        path = f"{AGREEMENTS}/{id_of(agreement, AGREEMENTS)}"
        made.append(path)
        begins = read_date(agreement.get("billStartDate"))
        bill_start = "start" if begins == start else "today" if begins in around_today else "other"
        yield Finding(
            "Write test: agreement",
            CheckState.GOOD,
            f"created; without a bill start date it bills from {begins or 'nothing'} ({bill_start})",
        )
        lag = self._lag()
        detail = f"seen after {lag} s" if lag is not None else f"not seen within {LOOKS[-1]} s"
        step = "Nothing to do: before xlsync creates again, it looks in its journal and asks by id."
        yield Finding.judged("Write test: list", detail, step, is_good=lag == 0, otherwise=CheckState.UNSURE)
        twin = self._try_agreement(body)
        if twin is not None:
            made.append(f"{AGREEMENTS}/{id_of(twin, AGREEMENTS)}")
        detail = "a second agreement with the same name is " + ("refused" if twin is None else "accepted")
        yield Finding("Write test: duplicates", CheckState.GOOD, detail)
        yield from self._try_addition(made, path, begins)
        self.tenant = TenantBehaviour(
            tested_on=f"{self._now:%Y-%m-%d}",
            bill_start=bill_start,
            list_lag=lag,
            takes_twins=twin is not None,
            needs_custom_fields=self._customs_needed,
        )

    def _agreement_body(self, start: dt.date) -> dict[str, Any]:
        """Make the body of a test agreement, without a bill start date."""
        body = {
            "name": self._name,
            "type": {"id": self._company.agreement_type},
            "company": {"id": self._company.id},
            "contact": {"id": self._company.contact},
            "startDate": write_date(start),
            "noEndingDateFlag": True,
        }
        return {**add_further_fields("agreement", body, self._live)}

    def _try_addition(self, made: list[str], path: str, begins: dt.date | None) -> Iterator[Finding]:
        """Create an addition on the agreement at `path`, change its quantity, and read it back."""
        addition = {
            "product": {"id": self._company.item},
            "billCustomer": "DoNotBill",
            "quantity": 1,
            "effectiveDate": write_date(begins or self._now.date()),
        }
        self._last_day = max(self._last_day, begins or self._last_day)  # the server's day may be ahead
        answer = self._post(f"{path}/additions", add_further_fields("addition", addition, self._live))
        place = f"{path}/additions/{id_of(answer, path)}"
        made.append(place)
        yield Finding.judged("Write test: addition", "created", _DIFFERS, is_good=answer.get("quantity") == 1)
        self._patch(place, "quantity", 2)
        shown = record_of(self._connectwise.service.get(place, {"fields": "id,quantity"}), place)
        customs = "must" if self._customs_needed else "need not"
        detail = f"quantity {shown.get('quantity')} read back; a PATCH {customs} name the custom fields"
        yield Finding.judged("Write test: change", detail, _DIFFERS, is_good=shown.get("quantity") == 2)

    def _lag(self) -> int | None:
        """Return the seconds until the list shows the agreement; None where it did not."""
        passed = 0
        for seconds in LOOKS:
            self._wait(seconds - passed)
            passed = seconds
            asked = f"company/id={self._company.id}"
            listed = self._connectwise.list_where(
                AGREEMENTS, fields="id,name", condition=asked, is_counted=False
            )
            if any(record.get("name") == self._name for record in listed):
                return seconds
        return None

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return record_of(self._send("POST", path, body), path)

    def _try_agreement(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Create an agreement; None where ConnectWise refuses it."""
        try:
            return self._post(AGREEMENTS, body)
        except ApiError as error:
            if error.status is None or not 400 <= error.status < 500 or error.repeat_after is not None:
                raise
            return None

    def _patch(self, path: str, field: str, value: object) -> None:
        """Set a field, with the present custom fields too if ConnectWise demands them."""
        steps = [{"op": "replace", "path": field, "value": value}]
        if not self._customs_needed:
            try:
                self._send("PATCH", path, steps)
            except ApiError as error:
                if not is_about_custom_fields(error):
                    raise
                self._customs_needed = True
            else:
                return
        self._send("PATCH", path, [*steps, *restate_custom_fields(self._connectwise, path)])

    def _end(self, path: str) -> bool:
        """Cancel a created record; returns whether that succeeded."""
        try:
            if "/additions/" in path:
                self._patch(path, "cancelledDate", write_date(self._last_day))
            else:
                self._patch(path, "cancelledFlag", True)
        except (ApiError, OSError):
            return False  # its name is shown, so that a person ends it
        return True

    def _send(
        self, method: Literal["POST", "PATCH"], path: str, body: Mapping[str, Any] | Sequence[Any]
    ) -> Any:
        """Send one write, with a line in the journal before and after it.

        Raises OSError, before anything is sent, where the journal cannot be written.
        """
        self._number += 1
        key = f"write-test:{self._number}"
        what = f"write test on {self._company.name}: {method} {path}"
        self._journal.before(key, kind="WriteTest", what=what, method=method, path=path, body=body, was=None)
        try:
            answer = self._connectwise.service.send(method, path, body)
        except ApiError as error:
            state = State.UNKNOWN if isinstance(error, NoAnswer) else State.FAILED
            self._note(key, state, error.message)
            if state is State.UNKNOWN and method == "POST":
                self._unanswered.append(path)
            raise
        self._note(key, State.DONE, "", answer.get("id") if isinstance(answer, dict) else None)
        return answer

    def _note(self, key: str, state: State, detail: str, id_: int | None = None) -> None:
        """Write the journal's line of an outcome; where that fails, the line of the next request does too."""
        with suppress(OSError):
            self._journal.after(key, state=str(state), detail=detail, id=id_)


_DIFFERS: Final = "ConnectWise stored something else than was sent: look at it before you apply anything."
