"""The test of writing: what it finds on a tenant, that it ends what it made, and that it asks."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

import pytest

from tests.helpers.desk import Desk
from tests.helpers.still_clock import StillClock, stop_clock
from xlsync.apply.one_writer import one_writer
from xlsync.commands.doctor import load
from xlsync.commands.findings import CheckState, Finding
from xlsync.commands.write_test import find_test_company, read_tenant, try_writing
from xlsync.errors import XlsyncError
from xlsync.gather.systems import Systems


def identifier(desk: Desk) -> str:
    """A company that a test may be made on."""
    found = next(
        record
        for record in desk.sandbox.connectwise.companies.values()
        if record.get("defaultContact") and not record["deletedFlag"]
    )
    return str(found["identifier"])


def write(desk: Desk, hours: int = 0) -> list[Finding]:
    """Make the test in a time zone so many hours ahead of UTC; its waits pass on the sandbox's clock."""
    with Systems(load(False, True)) as systems:
        company = find_test_company(systems.connectwise, identifier(desk))
        now = dt.datetime.fromtimestamp(desk.sandbox.connectwise.clock.seconds(), dt.UTC)
        zone = dt.timezone(dt.timedelta(hours=hours))
        return list(try_writing(systems, company, now.astimezone(zone), desk.sandbox.move_clock))


def kept() -> Any:
    with Systems(load(False, True)) as systems:
        return read_tenant(systems.home, systems.settings.environment)


def test_what_a_tenant_does_is_found_and_kept_and_all_that_was_made_is_ended(empty_desk: Desk) -> None:
    found = write(empty_desk)
    assert {(finding.state, finding.next_step) for finding in found} == {(CheckState.GOOD, "")}
    tenant = kept()
    assert (tenant.bill_start, tenant.list_lag, tenant.takes_twins) == ("today", 0, True)
    assert tenant.needs_custom_fields is False
    made = [record for key, record in empty_desk.changes.items() if key not in empty_desk.before]
    assert len(made) == 3
    assert all(record.get("cancelledFlag") or record.get("cancelledDate") for record in made)
    assert all(record.get("billCustomer", "DoNotBill") == "DoNotBill" for record in made)
    (file,) = empty_desk.home.glob("tenants/*.json")
    text = file.read_text()
    file.write_text(text.replace('"list_lag": 0', '"list_lag": "soon"'))
    assert (file.read_text() != text, kept()) == (True, None)  # a run would compare it with seconds


@pytest.mark.parametrize(("hours", "time"), [(-10, "05:00"), (14, "12:00")])
@pytest.mark.parametrize("day", ["2026-12-01", "2026-12-02", "2026-12-31"])
def test_whether_an_agreement_bills_from_today_is_known_on_every_day_and_in_every_time_zone(
    empty_desk: Desk, day: str, hours: int, time: str
) -> None:
    """The machine's day is the one before ConnectWise's, or the one after."""
    moment = dt.datetime.fromisoformat(f"{day}T{time}:00Z")
    empty_desk.sandbox.connectwise.clock = StillClock(moment.timestamp())
    write(empty_desk, hours)
    assert kept().bill_start == "today"


@pytest.mark.parametrize(("seconds", "lag"), [(4, 5), (20, 30), (100, 120), (1000, None)])
def test_the_lag_of_lists_is_looked_at_at_0_5_30_and_120_seconds(
    empty_desk: Desk, seconds: int, lag: int | None
) -> None:
    stop_clock(empty_desk.sandbox)
    empty_desk.sandbox.fail("hide-new", path="GET /finance/agreements$", seconds=seconds)
    found = {finding.name: finding for finding in write(empty_desk)}
    assert kept().list_lag == lag
    assert found["Write test: list"].state is CheckState.UNSURE


def test_a_server_that_finds_nothing_by_two_conditions_is_tested_like_others(empty_desk: Desk) -> None:
    empty_desk.sandbox.fail("no-joins")
    assert {finding.state for finding in write(empty_desk)} == {CheckState.GOOD}
    assert kept().list_lag == 0


def test_a_patch_that_must_name_the_custom_fields_is_sent_once_more_with_them(empty_desk: Desk) -> None:
    empty_desk.sandbox.fail("demand-customs")
    found = write(empty_desk)
    assert CheckState.BAD not in {finding.state for finding in found}
    assert kept().needs_custom_fields is True


def test_what_was_made_is_ended_where_a_later_step_fails(empty_desk: Desk) -> None:
    empty_desk.sandbox.fail("forbid", path="POST .*/additions$")
    found = {finding.name: finding for finding in write(empty_desk)}
    assert found["Write test"].state is CheckState.BAD
    assert found["Write test: ended"].detail == "2 records were cancelled"
    assert kept() is None


def test_what_cannot_be_ended_is_named(empty_desk: Desk) -> None:
    empty_desk.sandbox.fail("forbid", path=r"PATCH /finance/agreements/\d+$", times=9)
    found = {finding.name: finding for finding in write(empty_desk)}
    assert found["Write test: ended"].state is CheckState.BAD
    assert found["Write test: ended"].next_step.count("/finance/agreements/") == 2
    (run,) = empty_desk.run("history", "--json").json["runs"]
    undone = empty_desk.run("undo", run["run"], "--yes")
    assert (undone.code, undone.err.count("/finance/agreements/"), "/additions/" in undone.err) == (
        1,
        2,
        False,
    )


@pytest.mark.parametrize("lost", ["hang-up-after", "gateway-after"])
def test_what_may_have_been_made_is_named_to_be_ended_by_hand(empty_desk: Desk, lost: str) -> None:
    empty_desk.sandbox.fail(lost, write=1)
    found = {finding.name: finding for finding in write(empty_desk)}
    (made,) = empty_desk.changes.values()
    assert found["Write test: unanswered"].state is CheckState.BAD
    assert made["name"] in found["Write test: unanswered"].next_step
    (run,) = empty_desk.run("history", "--json").json["runs"]
    assert [sent["state"] for sent in run["writes"]] == ["unknown"]


def test_a_twin_that_connectwise_has_no_time_for_is_not_called_refused(empty_desk: Desk) -> None:
    empty_desk.sandbox.fail("busy", write=2, seconds=1)
    found = {finding.name: finding for finding in write(empty_desk)}
    assert found["Write test"].state is CheckState.BAD
    assert found["Write test: ended"].detail == "1 record was cancelled"
    assert kept() is None


def test_ctrl_c_ends_what_was_made_and_tells_it(empty_desk: Desk) -> None:
    def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    with Systems(load(False, True)) as systems:
        company = find_test_company(systems.connectwise, identifier(empty_desk))
        found = {f.name: f for f in try_writing(systems, company, dt.datetime.now(dt.UTC), stop)}
    assert found["Write test"].state is CheckState.BAD
    assert found["Write test: ended"].detail == "1 record was cancelled"
    assert kept() is None


def test_it_is_not_made_while_another_run_writes(empty_desk: Desk) -> None:
    with one_writer(empty_desk.home, load(False, True).environment):
        ran = empty_desk.run("doctor", "--write-test", identifier(empty_desk), "--yes")
    assert (ran.code, empty_desk.sent()) == (1, [])
    assert "Another run writes to" in ran.err


def test_every_write_of_the_test_stands_in_the_journal(empty_desk: Desk) -> None:
    write(empty_desk)
    run = empty_desk.run("history", "--json").json["runs"][0]
    assert run["command"] == "doctor"
    assert empty_desk.run("history", run["run"]).out.partition("\n")[0].endswith(f" · doctor by {run['who']}")
    writes = empty_desk.run("history", run["run"], "--json").json["writes"]
    assert len(writes) == len(empty_desk.sandbox.writes) == 7


def test_nothing_is_written_where_nobody_says_yes(empty_desk: Desk) -> None:
    ran = empty_desk.run("doctor", "--write-test", identifier(empty_desk), "--json")
    assert ran.code == 1
    assert "Not written" in ran.err
    assert ran.json["error"]["message"] == "Nothing was written: nobody agreed."
    assert empty_desk.sent() == []


def test_the_command_makes_the_test_and_doctor_tells_of_it_afterwards(empty_desk: Desk) -> None:
    ran = empty_desk.run("doctor", "--write-test", identifier(empty_desk), "--yes", "--json")
    assert ran.code == 0
    assert ran.json["checks"][-1]["name"] == "Write test: stored"
    checks = {check["name"]: check for check in empty_desk.run("doctor", "--json").json["checks"]}
    assert checks["Rights to write"]["state"] == "good"
    assert "bills from today" in checks["Rights to write"]["detail"]


def test_a_company_that_is_not_there_or_has_no_contact_stops_before_any_write(empty_desk: Desk) -> None:
    ran = empty_desk.run("doctor", "--write-test", "NOSUCHCOMPANY", "--yes")
    assert ran.code == 1
    assert "ConnectWise has no company NOSUCHCOMPANY" in ran.err
    with Systems(load(False, True)) as systems, pytest.raises(XlsyncError, match="no company"):
        find_test_company(systems.connectwise, 'x" or id>0 or identifier="')
    assert empty_desk.sent() == []


def test_what_the_settings_give_to_new_records_is_given_to_those_of_the_test(empty_desk: Desk) -> None:
    definitions = empty_desk.sandbox.connectwise.user_defined_fields.values()
    next(one for one in definitions if one["caption"] == "Reviewed")["requiredFlag"] = True
    assert CheckState.BAD in {finding.state for finding in write(empty_desk)}
    settings = "[creation.fields.addition.custom]\nReviewed = true\n"
    (empty_desk.folder / "xlsync.toml").write_text(settings, encoding="utf-8")
    assert {finding.state for finding in write(empty_desk)} == {CheckState.GOOD}


def test_a_caption_that_several_screens_share_is_the_one_of_agreements(empty_desk: Desk) -> None:
    """The sandbox's additions have a field Reviewed, which is no text."""
    definitions = empty_desk.sandbox.connectwise.user_defined_fields
    definitions[51]["caption"] = "Reviewed"
    for agreement in empty_desk.sandbox.connectwise.agreements.values():
        agreement["customFields"] = [{**one, "caption": "Reviewed"} for one in agreement["customFields"]]
    settings = '[creation.fields.agreement.custom]\nReviewed = "by Ada"\n'
    (empty_desk.folder / "xlsync.toml").write_text(settings, encoding="utf-8")
    assert {finding.state for finding in write(empty_desk)} == {CheckState.GOOD}
    made = [request.body for request in empty_desk.sandbox.writes if request.path == "/finance/agreements"]
    assert [body["customFields"][0]["id"] for body in made] == [51, 51]


def test_where_the_server_is_a_day_ahead_the_addition_ends_on_the_day_it_begins(empty_desk: Desk) -> None:
    empty_desk.sandbox.move_clock(86400)
    write(empty_desk)
    made = [one for one in empty_desk.changes.values() if one.get("cancelledDate")]
    assert [one["cancelledDate"] for one in made] == [one["effectiveDate"] for one in made]
    assert len(made) == 1


def test_it_is_not_taken_back_which_would_begin_to_bill_what_it_ended(empty_desk: Desk) -> None:
    write(empty_desk)
    empty_desk.forget_log()
    (run,) = empty_desk.run("history", "--json").json["runs"]
    ran = empty_desk.run("undo", run["number"], "--yes", "--json")
    assert (ran.code, empty_desk.sent()) == (1, [])
    assert "ended itself what it made" in ran.json["error"]["message"]


def test_it_stands_in_the_report_of_no_month(empty_desk: Desk) -> None:
    month = f"{dt.datetime.fromtimestamp(empty_desk.sandbox.connectwise.clock.seconds(), dt.UTC):%Y-%m}"
    assert empty_desk.run("export", "--month", month, "--output", "month.xlsx").code == 0
    before = empty_desk.run("report", "month.xlsx", "--json").json
    write(empty_desk)
    (run,) = empty_desk.run("history", "--json").json["runs"]
    assert run["month"] == month
    assert empty_desk.run("report", "month.xlsx", "--json").json == before


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no disk becomes full for a running process")
def test_where_the_disk_becomes_full_what_was_made_is_named_to_be_ended_by_hand(empty_desk: Desk) -> None:
    """Nothing is sent that the journal cannot note: neither further steps, nor the ends of what was made."""
    import resource  # noqa: PLC0415 - Windows has no such module

    most = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        (journal,) = empty_desk.home.glob("journal/*/*.jsonl")
        resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size, most[1]))

    empty_desk.sandbox.fail("call-after", write=1, call=fill)
    try:
        found = {finding.name: finding for finding in write(empty_desk)}
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert len(empty_desk.sent()) == 1
    ((_, key),) = (made for made in empty_desk.changes if made not in empty_desk.before)
    assert f"/finance/agreements/{key}" in found["Write test: ended"].next_step
    assert "journal" in found["Write test"].detail
