"""Each check, what it says when something is wrong, and that nothing is ever written."""

from __future__ import annotations

import datetime as dt
import re
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.desk import Desk
from xlsync.commands import doctor
from xlsync.commands.findings import CheckState, Finding
from xlsync.commands.tenant_checks import clock_check, tenant_checks
from xlsync.connectwise.client import ConnectWise
from xlsync.connectwise.lists import LISTS, SETUP
from xlsync.excel import addin
from xlsync.sandbox.server import Sandbox


def findings(desk: Desk, *words: str) -> dict[str, dict[str, str]]:
    told = desk.run("doctor", "--json", *words)
    assert told.err == ""
    return {check["name"]: check for check in told.json["checks"]}


def test_where_all_is_well_nothing_is_bad_and_the_exit_code_is_0(empty_desk: Desk) -> None:
    told = empty_desk.run("doctor", "--json")
    assert told.code == 0
    checks = {check["name"]: check["state"] for check in told.json["checks"]}
    assert "bad" not in checks.values()
    for name in (
        "Versions",
        "Settings file",
        "Folder",
        "Keyring",
        "BSS: token and invoices",
        "ConnectWise: keys",
        "Clock",
        "export: read what changed",
        "export: read additions",
        "apply: read /finance/invoices",
    ):
        assert checks[name] == "good"


def test_doctor_only_reads(empty_desk: Desk) -> None:
    empty_desk.run("doctor")
    assert empty_desk.sent() == []
    assert {request.method for request in empty_desk.sandbox.log if request.service == "connectwise"} == {
        "GET"
    }
    assert empty_desk.changes == {}


@pytest.mark.parametrize("words", [(), ("--demo",)])
def test_every_check_that_is_not_good_says_what_to_do_next(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PATH", "")  # LibreOffice is not found there
    checks = findings(empty_desk, *words).values()
    assert {"LibreOffice", "Rights to write", "Invoicing"} <= {
        c["name"] for c in checks if c["state"] != "good"
    }
    unlike = [check["name"] for check in checks if (check["state"] == "good") is bool(check["next_step"])]
    assert unlike == []  # what is good needs no next step


def test_without_settings_both_systems_are_bad_and_login_is_the_next_step(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in empty_desk.sandbox.environ:
        monkeypatch.delenv(name)
    told = empty_desk.run("doctor", "--json")
    assert told.code == 1
    bad = [check for check in told.json["checks"] if check["state"] == "bad"]
    assert [check["name"] for check in bad] == ["BSS settings", "ConnectWise settings"]
    assert all("xlsync login" in check["next_step"] for check in bad)


def test_a_terminal_gets_a_mark_a_line_and_the_next_step(empty_desk: Desk) -> None:
    told = empty_desk.run("doctor")
    assert "✓ BSS: token and invoices: works" in told.out
    assert "? Rights to write: not tried" in told.out
    assert "\n  `xlsync doctor --write-test COMPANY` tries it on a test company" in told.out


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("XLSYNC_BSS_PASSWORD", "BSS: token and invoices"),
        ("XLSYNC_CW_PRIVATE_KEY", "ConnectWise: keys"),
        ("XLSYNC_CW_COMPANY", "ConnectWise: keys"),
    ],
)
def test_wrong_keys_are_bad_and_never_shown(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch, variable: str, name: str
) -> None:
    monkeypatch.setenv(variable, "wrong-for-sure")
    told = empty_desk.run("doctor", "--json")
    assert told.code == 1
    check = next(check for check in told.json["checks"] if check["name"] == name)
    assert check["state"] == "bad"
    assert check["next_step"]
    if variable != "XLSYNC_CW_COMPANY":
        assert "wrong-for-sure" not in told.out


def test_the_demo_is_looked_at_without_any_settings(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in empty_desk.sandbox.environ:
        monkeypatch.delenv(name)
    checks = findings(empty_desk, "--demo")
    assert checks["ConnectWise: keys"]["state"] == "good"
    assert not {"Keyring", "Settings file"} & checks.keys()


def test_enabled_invoicing_is_told(empty_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(empty_desk)["Invoicing"]["state"] == "unsure"
    monkeypatch.setenv("XLSYNC_INVOICING", "enabled")
    assert findings(empty_desk)["Invoicing"]["state"] == "good"


def test_doctor_sends_what_export_sends(empty_desk: Desk) -> None:
    """The long lists and the setup tables, with the conditions, fields, order and pages of export."""
    empty_desk.forget_log()
    findings(empty_desk)
    doctors = asked(empty_desk)
    empty_desk.forget_log()
    assert empty_desk.export().code == 0
    exports = asked(empty_desk)
    for path in (*(path for path, _, _ in LISTS.values()), *(path for path, _ in SETUP.values())):
        assert exports[path][0] in doctors[path], path


def asked(desk: Desk) -> dict[str, list[dict[str, str]]]:
    """The queries of each path, as the sandbox saw them."""
    found: dict[str, list[dict[str, str]]] = {}
    for request in desk.sandbox.log:
        if request.service == "connectwise":
            found.setdefault(request.path, []).append(dict(request.query))
    return found


def test_counts_stand_beside_what_connectwise_counts(empty_desk: Desk) -> None:
    check = findings(empty_desk)["export: read /company/companies"]
    told = re.fullmatch(r"(\d+) read, /count says (\d+)", check["detail"])
    assert told
    assert told[1] == told[2]
    assert check["state"] == "good"


def test_a_count_that_differs_is_not_good(empty_desk: Desk) -> None:
    company = next(iter(empty_desk.sandbox.connectwise.companies.values()))
    empty_desk.sandbox.connectwise.created["companies", company["id"]] = time.time() + 5000
    empty_desk.sandbox.fail("hide-new", path="companies$", seconds=10)
    check = findings(empty_desk)["export: read /company/companies"]
    assert check["state"] == "unsure"
    assert "My" in check["next_step"]


@pytest.mark.parametrize(
    ("kind", "path", "name"),
    [
        ("empty", "GET /finance/agreements$", "export: read /finance/agreements"),
        ("forbid", "GET /procurement/catalog$", "export: read /procurement/catalog"),
        ("forbid", r"/additions$", "export: read additions"),
    ],
)
def test_where_export_would_fail_doctor_is_red(empty_desk: Desk, kind: str, path: str, name: str) -> None:
    empty_desk.sandbox.fail(kind, path=path, times=99)
    told = empty_desk.run("doctor", "--json")
    assert told.code == 1
    check = next(check for check in told.json["checks"] if check["name"] == name)
    assert check["state"] == "bad"
    assert check["next_step"]
    if "additions" not in path:
        assert empty_desk.export().code == 1


def test_a_setup_table_that_is_forbidden_is_named_and_export_goes_on(empty_desk: Desk) -> None:
    empty_desk.sandbox.fail("forbid", path="/company/countries$", times=99)
    check = findings(empty_desk)["export: read /company/countries"]
    assert (check["state"], "Table Setup: Inquire" in check["next_step"]) == ("unsure", True)
    assert empty_desk.export().code == 0


@pytest.mark.parametrize(
    ("path", "name", "right"),
    [
        ("GET /company/companies$", "export: read /company/companies", "Company Maintenance: Inquire All"),
        ("/additions$", "export: read additions", "Agreements: Inquire All"),
        ("GET /company/countries$", "export: read /company/countries", "Table Setup: Inquire All"),
        ("agreementrecap", "export: read agreement recaps", "Agreement Invoicing: Inquire All"),
        ("GET /company/contacts$", "apply: read /company/contacts", "Contacts: Inquire All"),
    ],
)
def test_a_read_that_is_forbidden_names_its_right_and_not_doctor_again(
    empty_desk: Desk, path: str, name: str, right: str
) -> None:
    empty_desk.sandbox.fail("forbid", path=path, times=99)
    checks = findings(empty_desk)
    assert right in checks[name]["next_step"]
    assert not [one for one in checks.values() if "`xlsync doctor` names" in one["next_step"]]


def test_a_read_that_a_gateway_forbids_is_no_matter_of_rights(empty_desk: Desk) -> None:
    empty_desk.sandbox.fail("gateway", path="GET /company/countries$", times=99, status=403)
    check = findings(empty_desk)["export: read /company/countries"]
    assert "A gateway before ConnectWise refuses this network" in check["next_step"]


def test_a_server_that_finds_nothing_by_the_time_of_changes_is_told(empty_desk: Desk) -> None:
    """A live server was seen to refuse full times in conditions, or to find nothing by them."""
    for agreement in empty_desk.sandbox.connectwise.agreements.values():
        agreement["_info"] = {}
    check = findings(empty_desk)["export: read what changed"]
    assert (check["state"], "none of /finance/agreements" in check["detail"]) == ("unsure", True)
    assert "--refresh" in check["next_step"]


def test_a_setup_table_without_an_entry_is_not_called_good(empty_desk: Desk) -> None:
    empty_desk.sandbox.fail("empty", path="GET /finance/billingCycles$")
    check = findings(empty_desk)["export: read /finance/billingCycles"]
    assert (check["state"], check["detail"]) == ("unsure", "0 read")


def test_a_host_of_the_cloud_without_its_prefix_is_told(empty_desk: Desk) -> None:
    empty_desk.sandbox.fail("no-prefix", path="GET /company", times=99)
    keys = findings(empty_desk)["ConnectWise: keys"]
    assert (keys["state"], "the host begins with api-" in keys["next_step"]) == ("bad", True)


def test_of_additions_that_cannot_be_read_nothing_is_called_good(empty_desk: Desk) -> None:
    empty_desk.sandbox.fail("forbid", path="/additions$", times=999)
    assert findings(empty_desk)["Foretold: additions"]["state"] == "unsure"


def test_missing_rights_and_levels_my_are_named(empty_desk: Desk) -> None:
    rights = empty_desk.sandbox.connectwise.security
    agreements = next(one for one in rights.values() if one["moduleFunctionName"] == "Agreements")
    agreements |= {"editLevel": "None", "inquireLevel": "My"}
    catalog = next(key for key, one in rights.items() if one["moduleFunctionName"] == "Product Catalog")
    del rights[catalog]
    checks = findings(empty_desk)
    assert checks["Rights: Agreements"]["detail"] == "inquire My, add All, edit None"
    assert "Edit (apply changes additions)" in checks["Rights: Agreements"]["next_step"]
    assert "My hides records without an error" in checks["Rights: Agreements"]["next_step"]
    assert checks["Rights: Product Catalog"]["detail"] == "not listed"
    assert checks["Rights: Contacts"]["state"] == "good"


def test_a_site_that_has_moved_is_told_with_the_address_to_set(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XLSYNC_CW_URL", f"{empty_desk.sandbox.url}/v2025_9/apis/3.0")
    checks = findings(empty_desk)
    assert checks["ConnectWise: keys"]["state"] == "good"
    site = checks["ConnectWise: site"]
    assert site["state"] == "unsure"
    assert f"set XLSYNC_CW_URL to {empty_desk.sandbox.url}/v2026_1/apis/3.0" in site["next_step"]
    assert empty_desk.export().code == 0


def test_a_release_that_is_refused_names_the_setting(empty_desk: Desk) -> None:
    empty_desk.sandbox.connectwise.releases = ("2026.1", "2026.4")
    keys = findings(empty_desk)["ConnectWise: keys"]
    assert keys["state"] == "bad"
    assert "[connectwise] release" in keys["next_step"]
    site = findings(empty_desk)["ConnectWise: site"]
    assert site["state"] == "bad"
    assert site["next_step"] == 'Set [connectwise] release = "2026.1" in xlsync.toml.'


def test_nothing_is_foretold_of_a_list_that_could_not_be_read(empty_desk: Desk) -> None:
    empty_desk.sandbox.fail("forbid", path="GET /finance/agreements$", times=99)
    found = findings(empty_desk)
    assert [name for name in found if name.startswith("Foretold")] == ["Foretold: refusals"]
    assert found["Foretold: refusals"]["state"] == "unsure"


def test_an_answer_that_was_cut_off_is_not_told_to_be_a_wrong_address(
    sandbox: Sandbox, connectwise: ConnectWise
) -> None:
    sandbox.fail("cut", path="GET /procurement/catalog$", times=99)
    found = {finding.name: finding for finding in tenant_checks(connectwise, dt.datetime.now(dt.UTC))}
    catalog = found["export: read /procurement/catalog"]
    assert (catalog.state, "cut off" in catalog.next_step) == (CheckState.BAD, True)


def test_what_connectwise_will_refuse_is_foretold(empty_desk: Desk) -> None:
    state = empty_desk.sandbox.connectwise
    running = [record for record in state.agreements.values() if not record["cancelledFlag"]]
    running[0] |= {"name": "Late Start", "billStartDate": "2099-05-01T00:00:00Z"}
    running[1] |= {"name": "Far Ahead", "nextInvoiceDate": "2099-06-30T00:00:00Z"}
    running[2] |= {"name": "Once Only", "billingCycle": {"id": 4, "name": "NotRecurring", "_info": {}}}
    state.companies[running[3]["company"]["id"]] |= {"name": "Nobody Home", "defaultContact": None}
    state.user_defined_fields[42]["requiredFlag"] = True
    foretold = {
        name.partition(": ")[2]: check["detail"]
        for name, check in findings(empty_desk).items()
        if name.startswith("Foretold")
    }
    assert "Once Only" in foretold["agreements without a billing cycle that xlsync can read"]
    assert "Nobody Home" in foretold["companies with an agreement and without a default contact"]
    assert "Subscription Name" in foretold["required custom fields"]
    assert foretold["additions whose status contradicts their dates"] == "none"
    assert any("Late Start" in told for name, told in foretold.items() if "bill from after" in name)
    assert any("Far Ahead" in told for name, told in foretold.items() if "do not prorate" in name)


def test_an_addition_whose_status_contradicts_its_dates_is_told(empty_desk: Desk) -> None:
    """The sandbox's status follows the dates, so its clock goes ahead of this machine's."""
    state = empty_desk.sandbox.connectwise
    running = [key for key, record in sorted(state.agreements.items()) if not record["cancelledFlag"]]
    addition = next(
        one
        for one in state.additions.values()
        if one["agreementId"] in running[:20] and "cancelledDate" not in one
    )
    ends = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=3)
    addition["cancelledDate"] = f"{ends}T00:00:00Z"
    empty_desk.sandbox.move_clock(5 * 86400)
    told = findings(empty_desk)["Foretold: additions whose status contradicts their dates"]
    assert told["state"] == "unsure"
    assert f"{addition['id']} of agreement {addition['agreementId']} is Cancelled" in told["detail"]


@pytest.mark.parametrize(("minutes", "state"), [(0, "good"), (5, "good"), (6, "bad"), (-6, "bad")])
def test_a_clock_more_than_five_minutes_off_is_bad(minutes: int, state: str) -> None:
    now = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
    found = clock_check("Mon, 02 Nov 2026 09:00:00 GMT", now + dt.timedelta(minutes=minutes))
    assert found.state == state


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_server_that_does_not_tell_its_time_leaves_the_clock_open(date: str) -> None:
    assert clock_check(date, dt.datetime.now(dt.UTC)).state is CheckState.UNSURE


def test_a_home_that_cannot_be_made_is_bad(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = doctor.writable(tmp_path / "file" / "home")
    assert found.state is CheckState.BAD
    assert "XLSYNC_HOME" in found.next_step


def test_a_machine_without_keyring_is_told_but_not_bad() -> None:
    found = doctor.keyring_check({})
    assert found.state is CheckState.UNSURE
    assert "XLSYNC_" in found.next_step


def test_a_missing_settings_file_is_told_but_not_bad(tmp_path: Path) -> None:
    found = doctor.settings_file_check(tmp_path / "xlsync.toml")
    assert (found.state, found.next_step) == (CheckState.UNSURE, "Run `xlsync login`.")


def test_a_missing_libreoffice_is_told_but_not_bad() -> None:
    assert doctor.libreoffice_check(None).state is CheckState.UNSURE
    assert doctor.libreoffice_check("/usr/bin/soffice").state is CheckState.GOOD


@pytest.mark.parametrize("system", ["win32", "darwin", "linux"])
def test_excel_that_is_not_at_its_usual_place_is_left_open(system: str) -> None:
    found = doctor.excel_check(system)
    assert found.state is CheckState.UNSURE or sys.platform == system


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_the_add_in_is_missing_then_good_then_of_another_version(tmp_path: Path, system: str) -> None:
    pytest.importorskip("xlwings", reason="xlwings, whose add-in it is made from, is not installed")

    def look() -> Finding:
        return doctor.addin_check(system, tmp_path)

    assert look().state is CheckState.UNSURE
    (folder,) = addin.startup_folders(system, tmp_path)
    folder.mkdir(parents=True)
    addin.write_addin(folder / addin.NAME)
    assert look().state is CheckState.GOOD
    (folder / addin.NAME).write_bytes(addin.build("/elsewhere/python"))
    assert look().state is CheckState.BAD
    assert "ribbon install" in look().next_step
    assert "export" not in look().next_step  # no command changes what starts another Python
    (folder / addin.NAME).write_bytes(b"no add-in")
    assert look().state is CheckState.BAD
