"""The journal: every write stands in it before it is sent, and what became of it after."""

from __future__ import annotations

import datetime as dt
import json
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.additions import one_more_unit
from xlsync.apply.journal import Journal
from xlsync.apply.kinds import additions
from xlsync.apply.lookup import Live
from xlsync.apply.perform import perform
from xlsync.apply.plan import Plan, State
from xlsync.apply.runs import Write, journal_folder, list_runs, read_run
from xlsync.connectwise.client import ConnectWise
from xlsync.errors import XlsyncError
from xlsync.models import Addition
from xlsync.sandbox.server import Sandbox
from xlsync.settings import Creation

SITE = "api-eu.myconnectwise.net/maple"
NOON = dt.datetime(2026, 11, 2, 12, 0, tzinfo=dt.UTC)


def begin(home: Path, now: dt.datetime = NOON, environment: str = SITE) -> Journal:
    return Journal.begin(
        home, environment, command="apply", workbook="october.xlsx", month="2026-10", now=now
    )


def file_of(home: Path, journal: Journal) -> Path:
    return journal_folder(home, SITE) / f"{journal.run}.jsonl"


def lines_of(home: Path, journal: Journal) -> list[dict[str, Any]]:
    """The lines as they stand on disk now, while the journal is open."""
    return [json.loads(line) for line in file_of(home, journal).read_text("utf-8").split("\n") if line]


def test_a_run_of_somebody_without_a_name_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no module `pwd` to ask where the variables are missing, as in a service."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setitem(sys.modules, "pwd", None)
    journal = begin(tmp_path)
    write_one(journal)
    journal.end()
    assert lines_of(tmp_path, journal)[0]["who"] == "unknown"


def write_one(journal: Journal, key: str = "units:71", **facts: Any) -> None:
    journal.before(
        key,
        kind="UpdateAddition",
        what="update Backup",
        rows=("units:71", "cost:71"),
        method="PATCH",
        path="/finance/agreements/1/additions/71",
        body=[{"op": "replace", "path": "quantity", "value": Decimal("15.10")}],
        was={"quantity": Decimal(12)},
        **facts,
    )


def test_a_run_is_on_disk_before_its_first_request_is_sent(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    write_one(journal)
    head, _ = lines_of(tmp_path, journal)
    assert head["event"] == "run"
    assert head["workbook"] == "october.xlsx"
    assert head["environment"] == SITE
    assert (head["command"], head["month"]) == ("apply", "2026-10")
    assert head["who"]
    journal.end()


def test_a_write_is_on_disk_before_it_is_sent_and_its_outcome_right_after(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    write_one(journal)
    assert [line["event"] for line in lines_of(tmp_path, journal)] == ["run", "before"]
    journal.after("units:71", state="done", detail="units 12 -> 15.1", id=71)
    assert [line["event"] for line in lines_of(tmp_path, journal)] == ["run", "before", "after"]
    journal.end()
    assert [line["event"] for line in lines_of(tmp_path, journal)] == ["run", "before", "after", "end"]


def test_a_run_reads_back_as_it_was_written(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    write_one(journal)
    journal.after("units:71", state="done", detail="units 12 -> 15.1", id=71)
    journal.end()
    run = read_run(tmp_path, SITE, journal.run)
    assert (run.id, run.command, run.environment, run.month) == (journal.run, "apply", SITE, "2026-10")
    assert run.at == "2026-11-02T12:00:00+00:00"
    assert run.is_finished
    (write,) = run.writes
    assert write.at
    assert write == Write(
        key="units:71",
        kind="UpdateAddition",
        what="update Backup",
        at=write.at,
        method="PATCH",
        path="/finance/agreements/1/additions/71",
        body=[{"op": "replace", "path": "quantity", "value": Decimal("15.10")}],
        was={"quantity": Decimal(12)},
        rows=("units:71", "cost:71"),
        state="done",
        detail="units 12 -> 15.1",
        id=71,
    )


def test_the_write_of_a_run_that_was_cut_off_is_unknown(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    write_one(journal, "units:70")
    journal.after("units:70", state="done")
    write_one(journal)
    run = read_run(tmp_path, SITE, journal.run)  # the process dies here
    assert [(write.key, write.state) for write in run.writes] == [
        ("units:70", "done"),
        ("units:71", "unknown"),
    ]
    assert run.writes[1].detail == "no outcome was recorded: the run was cut off here"
    assert not run.is_finished
    journal.end()


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_torn_last_line_is_ignored_wherever_it_is_torn(tmp_path: Path, cut: int) -> None:
    journal = begin(tmp_path)
    write_one(journal)
    journal.after("units:71", state="done", detail="für 株式会社 → 15")
    journal.end()
    file = file_of(tmp_path, journal)
    lines = file.read_bytes().split(b"\n")[:3]
    file.write_bytes(b"\n".join(lines)[:-cut])
    (write,) = read_run(tmp_path, SITE, journal.run).writes
    assert write.state == "unknown"
    assert write.path == "/finance/agreements/1/additions/71"


@pytest.mark.parametrize(
    "odd",
    [
        "not json",
        "[]",
        '"text"',
        "{}",
        '{"event": "before"}',
        '{"event": "before", "key": 5}',
        '{"event": "later", "key": "units:1"}',
        '{"event": "before", "key": "units:1", "rows": 5}',
        '{"event": "before", "key": "units:1", "what": {}}',
        '{"event": "before", "key": "k", "at": "yesterday"}',
        '{"event": "before", "key": "k", "at": "2026-10-01", "path": "/finance/agreements/x/additions"}',
        '{"event": "before", "key": "k", "at": "2026-10-01", "path": "https://elsewhere.example/a/b"}',
        '{"event": "before", "key": "k", "at": "2026-10-01", "method": "PATCH", "body": 5}',
        '{"event": "before", "key": "k", "at": "2026-10-01", "method": "POST", "body": [1]}',
        "[" * 100_000,
    ],
)
def test_an_odd_line_within_a_journal_is_told_by_its_number(tmp_path: Path, odd: str) -> None:
    journal = begin(tmp_path)
    write_one(journal)
    journal.end()
    file = file_of(tmp_path, journal)
    first, *others = file.read_text("utf-8").split("\n")
    file.write_text("\n".join([first, odd, *others]), encoding="utf-8")
    with pytest.raises(XlsyncError, match=f"line 2 of .*{journal.run}.jsonl is no entry") as raised:
        list_runs(tmp_path, SITE)
    assert "move the file away" in raised.value.hint


@pytest.mark.parametrize("is_last", [False, True])
def test_a_line_that_holds_a_field_twice_with_different_values_is_told_since_it_proves_nothing(
    tmp_path: Path, is_last: bool
) -> None:
    journal = begin(tmp_path)
    journal.before("units:71", method="PATCH", path="/finance/agreements/1/additions/71", body=[])
    journal.after("units:71", state="done", detail="")
    journal.end()
    file = file_of(tmp_path, journal)
    lines = file.read_text("utf-8").split("\n")
    number = next(number for number, line in enumerate(lines) if '"event": "after"' in line)
    lines[number] = lines[number].replace('"state": "done"', '"state": "failed", "state": "done"')
    file.write_text("\n".join(lines[: number + 1] if is_last else lines), encoding="utf-8")
    with pytest.raises(XlsyncError, match=f"line {number + 1} of .* holds the field 'state' twice"):
        list_runs(tmp_path, SITE)


@pytest.mark.parametrize(
    ("missing", "told"), [(0, "line 1 of .* is not the first"), (1, "line 2 of .* tells the outcome of")]
)
def test_a_journal_that_misses_a_line_is_told_since_its_writes_would_be_repeated(
    tmp_path: Path, missing: int, told: str
) -> None:
    journal = begin(tmp_path)
    write_one(journal)
    journal.after("units:71", state="done", detail="", id=71)
    journal.end()
    file = file_of(tmp_path, journal)
    lines = file.read_text("utf-8").splitlines(keepends=True)
    del lines[missing]
    file.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(XlsyncError, match=told):
        list_runs(tmp_path, SITE)


@pytest.mark.parametrize(
    "name",
    ["a\nb", "a\r\nb", "a\x85b", "a\u2028b", "a\u2029b", "a\x0bb", "a\x1cb", "株式会社", "\ud83d", "=1+1"],
)
def test_any_name_stands_on_one_line_and_reads_back(tmp_path: Path, name: str) -> None:
    journal = begin(tmp_path)
    write_one(journal, target=name)
    journal.after("units:71", state="done", detail=name)
    journal.end()
    (write,) = read_run(tmp_path, SITE, journal.run).writes
    assert (write.state, write.detail) == ("done", name)
    assert len(file_of(tmp_path, journal).read_bytes().split(b"\n")) == 5


def test_two_writes_of_one_key_are_two_writes(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    write_one(journal)
    journal.after("units:71", state="failed", detail="500")
    write_one(journal)
    journal.after("units:71", state="done")
    journal.end()
    assert [write.state for write in read_run(tmp_path, SITE, journal.run).writes] == ["failed", "done"]


def test_writes_side_by_side_each_get_their_own_outcome(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    write_one(journal, "units:71")
    write_one(journal, "units:72")
    journal.after("units:72", state="failed", detail="400")
    journal.after("units:71", state="done")
    journal.end()
    assert {write.key: write.state for write in read_run(tmp_path, SITE, journal.run).writes} == {
        "units:71": "done",
        "units:72": "failed",
    }


@settings(max_examples=20)
@given(st.lists(st.integers(0, 10**9), unique=True, min_size=2, max_size=5))
def test_run_ids_sort_by_time_and_the_newest_run_is_listed_first(seconds: list[int]) -> None:
    made: dict[int, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for after in seconds:
            journal = begin(Path(folder), NOON + dt.timedelta(seconds=after))
            write_one(journal)
            journal.end()
            made[after] = journal.run
        listed = [run.id for run in list_runs(Path(folder), SITE)]
    assert listed == [made[after] for after in sorted(seconds, reverse=True)]


def test_runs_of_two_environments_are_kept_apart(tmp_path: Path) -> None:
    for environment in (SITE, "demo"):
        journal = begin(tmp_path, environment=environment)
        write_one(journal)
        journal.end()
    assert len(list_runs(tmp_path, SITE)) == len(list_runs(tmp_path, "demo")) == 1
    assert list_runs(tmp_path, "other") == ()


@pytest.mark.parametrize("run", ["20261102-120000-0000", "../../etc/passwd", "", "*"])
def test_a_run_that_is_not_there_is_told_with_what_to_do(tmp_path: Path, run: str) -> None:
    with pytest.raises(XlsyncError) as raised:
        read_run(tmp_path, SITE, run)
    assert "xlsync history" in raised.value.hint


def test_a_journal_that_cannot_be_read_is_told_and_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    folder = journal_folder(tmp_path, SITE)
    assert list_runs(tmp_path, SITE) == ()
    folder.parent.mkdir()
    folder.write_text("no folder")
    for read in (lambda: list_runs(tmp_path, SITE), lambda: read_run(tmp_path, SITE, "one")):
        with pytest.raises(XlsyncError, match="The journal cannot be read"):
            read()
    folder.unlink()
    (folder / "run.jsonl").mkdir(parents=True)
    with pytest.raises(XlsyncError, match=r"The journal cannot be read: .*run\.jsonl"):
        list_runs(tmp_path, SITE)


def test_a_creation_whose_line_tells_no_body_is_taken_back_all_the_same(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    path = "/finance/agreements/1/additions"
    journal.before(
        "add:1:2", kind="CreateAddition", what="a", subject="a", method="POST", path=path, body=None
    )
    journal.after("add:1:2", state="done", id=5)
    journal.end()
    (made,) = read_run(tmp_path, SITE, journal.run).writes
    action = additions.take_back(made)
    assert action is not None
    assert action.path == f"{path}/5"


def test_where_the_journal_cannot_be_written_nothing_is_sent(tmp_path: Path) -> None:
    """Neither later in that run, of which it was said that nothing was sent."""
    journal, in_the_way = begin(tmp_path), tmp_path / "journal"
    in_the_way.write_text("a file")
    with pytest.raises(XlsyncError, match="nothing was sent"):
        write_one(journal)
    in_the_way.unlink()
    with pytest.raises(OSError, match="not whole"):
        write_one(journal, "units:72")


@contextmanager
def full_disk(file: Path, more: int = 0) -> Iterator[None]:
    """Let no file grow beyond the size of this one, and some bytes more."""
    import resource  # noqa: PLC0415 - Windows has no such module

    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + more, most[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no disk becomes full for a running process")
def test_an_outcome_that_the_journal_cannot_note_makes_the_run_exit_3(
    sandbox: Sandbox, connectwise: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    journal = begin(tmp_path)
    with ExitStack() as stack:
        sandbox.fail(
            "call-after",
            write=1,
            call=lambda: stack.enter_context(full_disk(file_of(tmp_path, journal))),
        )
        (result,) = perform(Plan((one_more_unit(seen),)), Live(connectwise, Creation()), journal)
    journal.end()
    assert (result.state, result.differs) == (State.DONE, True)
    assert "the journal could not note it" in result.detail


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no disk becomes full for a running process")
def test_nothing_is_written_behind_a_line_that_a_full_disk_tore(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    write_one(journal)
    journal.after("units:71", state="done")
    with full_disk(file_of(tmp_path, journal), 9_000), pytest.raises(OSError, match="large"):
        write_one(journal, "units:72", detail="long" * 5_000)
    with pytest.raises(OSError, match="not whole"):
        write_one(journal, "units:73")
    journal.end()
    assert [write.key for write in read_run(tmp_path, SITE, journal.run).writes] == ["units:71"]


def test_a_run_in_which_nothing_is_about_to_be_sent_leaves_no_journal(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    journal.end()
    assert (journal.run, list_runs(tmp_path, SITE)) == ("", ())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_journal_is_its_owners(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    write_one(journal)
    journal.end()
    assert stat.S_IMODE(journal_folder(tmp_path, SITE).stat().st_mode) == 0o700


def test_what_is_sent_stands_before_and_after_and_no_secret_with_it(
    sandbox: Sandbox, connectwise: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    journal = begin(tmp_path)
    at_the_request: list[list[str]] = []
    sandbox.fail(
        "call",
        write=1,
        call=lambda: at_the_request.append([line["event"] for line in lines_of(tmp_path, journal)]),
    )
    (result,) = perform(Plan((one_more_unit(seen),)), Live(connectwise, Creation()), journal)
    journal.end()
    assert result.state is State.DONE
    assert at_the_request == [["run", "before"]]
    assert [line["event"] for line in lines_of(tmp_path, journal)] == ["run", "before", "after", "end"]
    written = file_of(tmp_path, journal).read_text("utf-8")
    for name, value in sandbox.environ.items():
        assert name.endswith(("URL", "COMPANY")) or value not in written
    assert "Basic" not in written


# the team's store


class Shared:
    """A store of the team that takes so many lines, and then is gone."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken: list[tuple[str, int, str]] = []

    def add_line(self, run: str, number: int, line: str) -> None:
        if len(self.taken) == self.room:
            raise XlsyncError("the store is gone")
        self.taken.append((run, number, line))


def begin_shared(home: Path, shared: Shared) -> Journal:
    return Journal.begin(
        home,
        SITE,
        command="apply",
        workbook="a.xlsx",
        month="2026-10",
        now=dt.datetime(2026, 11, 2, tzinfo=dt.UTC),
        share=shared.add_line,
    )


def test_every_line_goes_to_the_team_in_order(tmp_path: Path) -> None:
    shared = Shared(room=9)
    journal = begin_shared(tmp_path, shared)
    write_one(journal)
    journal.after("units:71", state="done")
    journal.end()
    own = file_of(tmp_path, journal).read_text("utf-8").split("\n")[:-1]
    assert shared.taken == [(journal.run, number, line) for number, line in enumerate(own, 1)]


@pytest.mark.parametrize("room", [0, 1])
def test_nothing_is_sent_where_the_team_is_not_told_first(tmp_path: Path, room: int) -> None:
    journal = begin_shared(tmp_path, Shared(room))
    with pytest.raises(XlsyncError, match="nothing was sent"):
        write_one(journal)
    journal.end()
    assert [write.state for write in read_run(tmp_path, SITE, journal.run).writes] == ["skipped"]


def test_an_outcome_that_the_team_does_not_hear_of_stands_here_and_is_the_last(tmp_path: Path) -> None:
    journal = begin_shared(tmp_path, Shared(room=2))
    write_one(journal)
    journal.after("units:71", state="done")
    with pytest.raises(OSError, match="the team's store took no line"):
        write_one(journal)
    journal.end()
    assert [write.state for write in read_run(tmp_path, SITE, journal.run).writes] == ["done", "skipped"]
