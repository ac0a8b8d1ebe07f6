"""What is kept of each month: its mismatches, and the sums of its report."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from xlsync.billing.reports.summary import TableRead
from xlsync.errors import XlsyncError
from xlsync.links.ages import Ages, ReportSums, find_of_source, merge_months, sum_report
from xlsync.models import Month
from xlsync.reconcile.ages import MonthSeen
from xlsync.reconcile.billed import MonthSums
from xlsync.reconcile.past import LatestMonth
from xlsync.records import replace
from xlsync.store import FileStore, environment_folder, open_store

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
OCTOBER = Month(2026, 10)
SEEN = MonthSeen(frozenset({"Units differ|7:1", "Cost differs|7:1"}), {"Units differ|7:1": "units:51"})


def sums(layout: str, name: str, customers: int = 3) -> ReportSums:
    return ReportSums(layout, name, MonthSums(customers, {"EUR": Decimal("10.25")}))


def test_a_month_is_kept_as_it_was_seen_last_and_unchanged_is_not_written_again(tmp_path: Path) -> None:
    with Ages(tmp_path, "psa.example/co") as ages:
        ages.keep(OCTOBER, SEEN, sums("Pax8", "pax"), NOW)
        ages.keep(OCTOBER, SEEN, sums("Pax8", "pax", 4), NOW)
        ages.keep(OCTOBER, SEEN, sums("Ingram", "ingram"), NOW)
    with Ages(tmp_path, "psa.example/co") as ages:
        assert ages.months() == {OCTOBER: SEEN}
        assert ages.reports(OCTOBER) == [sums("Ingram", "ingram"), sums("Pax8", "pax", 4)]
        assert ages.reports(Month(2026, 9)) == []
    folder = tmp_path / f"{environment_folder('psa.example/co')}-ages"
    store = FileStore(folder, "psa.example/co", Ages.what)
    before = store.revision
    store.close()
    with Ages(tmp_path, "psa.example/co") as ages:
        ages.keep(OCTOBER, SEEN, None, NOW + dt.timedelta(days=1))
    store = FileStore(folder, "psa.example/co", Ages.what)
    assert store.revision == before
    store.close()


def test_an_entry_that_cannot_be_read_is_told_by_name(tmp_path: Path) -> None:
    folder = tmp_path / f"{environment_folder('e')}-ages"
    store = FileStore(folder, "e", Ages.what)
    with store.writing():
        store.set("mismatches 2026-13", {"seen": [], "open": {}})
    store.close()
    with Ages(tmp_path, "e") as ages, pytest.raises(XlsyncError, match="mismatches 2026-13"):
        ages.months()


@pytest.mark.parametrize(
    ("kept", "customers"),
    [
        ([], None),
        ([sums("Pax8", "invoice", 5)], 5),
        ([sums("Pax8", "other", 6)], 6),
        ([sums("Pax8", "other", 6), sums("Pax8", "invoice", 7)], 7),
        ([sums("Pax8", "other", 6), sums("Pax8", "another", 7)], None),
        ([sums("Ingram", "invoice", 8)], None),
    ],
)
def test_sums_are_those_of_the_same_source_or_of_none(kept: list[ReportSums], customers: int | None) -> None:
    found = find_of_source(kept, sums("Pax8", "invoice"))
    assert (found.sums.customers if found else None) == customers


def test_the_source_of_a_report_is_known_without_its_month() -> None:
    names = ("Pax8-invoice_2026-09.csv", "pax8 INVOICE October 2026.csv", "pax8-invoice-Oct.csv")
    found = {(one := sum_report([TableRead(file=name, layout="Pax8")], [])).name for name in names}
    assert found == {"paxinvoicecsv"}
    assert one.layout == "Pax8"


def test_what_the_latest_later_report_of_one_source_bills_is_kept_and_found(tmp_path: Path) -> None:
    key, several = (1, 2, ""), (1, 2, "sub-1")
    billed = LatestMonth(Month(2026, 12), {key: Decimal("3.5"), several: None}, {key: None}, frozenset({7}))
    kept = replace(sums("Pax8", "pax"), billed=billed)
    with Ages(tmp_path, "e") as ages:
        ages.keep(OCTOBER, SEEN, sums("Pax8", "pax"), NOW)
        ages.keep(Month(2026, 12), SEEN, kept, NOW)
        ages.keep(Month(2027, 1), SEEN, sums("Pax8", "pax"), NOW)  # it is not complete
        ages.keep(Month(2027, 2), SEEN, replace(kept, layout="Ingram"), NOW)
    with Ages(tmp_path, "e") as ages:
        assert ages.billed_after(OCTOBER, sums("Pax8", "pax")) == replace(
            billed, costs={key: None, several: None}
        )
        assert ages.billed_after(Month(2026, 12), sums("Pax8", "pax")) is None


REPORT = {"layout": "a", "name": "b", "customers": 1, "money": {}}


@pytest.mark.parametrize(
    ("key", "stored"),
    [
        ("mismatches 2026-10", {}),
        ("mismatches 2026-10", {"seen": [5], "open": {}}),
        ("mismatches 2026-10", {"seen": [], "open": {"a": 5}}),
        ("mismatches 2026-10", []),
        ("mismatches 2026-13", {"seen": [], "open": {}}),
        ("reports 2026-10", {}),
        ("reports 2026-10", {"sources": [{}]}),
        ("reports 2026-10", {"sources": [{**REPORT, "customers": "x"}]}),
        ("reports 2026-10", {"sources": [{**REPORT, "money": {"EUR": "x"}}]}),
        ("reports 2026-10", {"sources": [{**REPORT, "billed": {"targets": [[1]]}}]}),
    ],
)
def test_an_entry_of_another_form_is_named(tmp_path: Path, key: str, stored: object) -> None:
    with Ages(tmp_path, "psa.example/co") as ages:
        with open_store(ages.folder) as store:
            store[key] = stored
        with pytest.raises(XlsyncError, match=f"the entry {key} cannot be read"):
            _ = ages.months(), ages.reports(OCTOBER)


def test_a_report_is_not_added_to_an_entry_of_another_form(tmp_path: Path) -> None:
    with Ages(tmp_path, "psa.example/co") as ages:
        with open_store(ages.folder) as store:
            store["reports 2026-10"] = {"sources": [{}]}
        with pytest.raises(XlsyncError, match="the entry reports 2026-10 cannot be read"):
            ages.keep(OCTOBER, SEEN, sums("Pax8", "pax"), NOW)


def test_an_entry_of_another_form_that_the_team_has_too_is_named(tmp_path: Path) -> None:
    mine, theirs = (FileStore(tmp_path / name, "psa.example/co", Ages.what) for name in ("mine", "theirs"))
    for store, seen in ((mine, 5), (theirs, ["Units differ|7:1"])):
        with store.writing():
            store.set("mismatches 2026-10", {"seen": seen, "open": {}})
    with pytest.raises(XlsyncError, match="the entry mismatches 2026-10 cannot be merged with the team's"):
        mine.exchange(theirs, "db.example/xlsync", merge_months)
    for store in (mine, theirs):
        store.close()
