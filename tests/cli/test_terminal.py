"""What a person sees on a terminal, and what comes out where there is none."""

from __future__ import annotations

import io
import os
import re
import shlex
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from rich.console import Console

from tests.helpers.desk import OCTOBER, Desk
from tests.helpers.hand import MISMATCHES
from xlsync.apply.runs import list_runs
from xlsync.cli import tables as show
from xlsync.config import load_settings
from xlsync.models import MismatchKind, Month
from xlsync.reconcile.verdict import Verdict
from xlsync.workbook.totals import KindMoney, Totals

XLSYNC = (sys.executable, "-m", "xlsync")
FULL = Path("/dev/full")
on_a_terminal = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")


# Tables


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (80, "Billing period differs     1  1,234,567.80  -7,654,321.90  EUR\n"),
        (30, "Less a month: -7,654,321.90\n"),
    ],
)
def test_money_is_never_cut_however_narrow_the_terminal_is(width: int, line: str) -> None:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, no_color=True)
    up, down = Decimal("1234567.80"), Decimal("-7654321.90")
    totals = Totals(
        month="2026-10",
        environment="here",
        lines=1,
        linked=1,
        unlinked=0,
        no_link=0,
        mismatches={},
        money=(KindMoney(MismatchKind.BILLING_PERIOD_DIFFERS, "EUR", 1, up, down),),
        is_complete=True,
        verdict=Verdict(all_clear=False, text="1 mismatch"),
        billed=(),
    )
    show.month(console, totals, Path(OCTOBER), "Start")
    assert isinstance(console.file, io.StringIO)
    assert line in console.file.getvalue()


def test_off_a_terminal_each_row_is_one_line(desk: Desk) -> None:
    """So that it can be searched and cut up."""
    assert desk.check().code == 0
    links = desk.run("links", "list", "--json").json["links"]
    assert links
    lines = desk.run("links", "list").out.splitlines()
    assert len(lines) == len(links) + 1
    for link, line in zip(links, lines[1:], strict=True):
        assert all(name in line for part, name in link["names"].items() if name and part != "contract")
        assert link["key"].removeprefix("bss:") not in line or link["kind"] == "contract"


def test_what_is_not_there_is_told_so_and_what_is_forgotten_is_counted(desk: Desk) -> None:
    assert desk.check().code == 0
    assert desk.run("links", "list", "nobody").out == "No link of these names or ids is remembered.\n"
    ran = desk.run("links", "forget", "urveyors")
    assert "This is part of" in ran.err
    assert ran.err.splitlines()[-1] == "Nothing forgotten."
    ran = desk.run("links", "forget", "nobody")
    neither = "No link and no rule of these names or ids is remembered."
    assert (ran.code, ran.err.splitlines()) == (0, [neither, "Nothing forgotten."])
    assert desk.run("links", "forget", "bss:601", "--yes").err.splitlines()[-1] == "1 link forgotten."
    desk.run("links", "ignore", "--contract", "SUB-1", "--reason", "ours")
    ran = desk.run("links", "forget", "SUB-1", "--yes")
    assert (ran.err.splitlines()[-1], "is remembered" in ran.err) == ("1 rule forgotten.", False)


# Long texts


def test_what_a_computed_cell_was_is_told_as_a_whole_to_be_put_back(desk: Desk) -> None:
    told = desk.read().column(MISMATCHES, "Explanation")
    key = max(told, key=lambda key: len(told[key]))
    was = told[key]
    assert 100 < len(was) < 300
    with desk.editing() as hand:
        hand.set(MISMATCHES, key, {"Explanation": f"{was} I see."})
    assert f"({was} became {was} I see.)" in desk.apply().err


def test_why_a_row_is_skipped_is_told_as_a_whole(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.addition(52)["quantity"] = Decimal(16)
    ran = desk.run("apply", OCTOBER, "--yes")
    (told,) = [line for line in ran.err.splitlines() if line.startswith("  skipped")]
    assert told.endswith(str(desk.read().get(MISMATCHES, "units:52", "Result")).removeprefix("skipped: "))


# Where the output goes


@pytest.mark.skipif(not FULL.exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("words", [["links", "list"], ["links", "list", "--json"]])
def test_output_on_a_full_disk_is_an_error_in_two_lines(desk: Desk, words: list[str]) -> None:
    assert desk.folder == Path.cwd()
    with FULL.open("wb") as full:
        ran = subprocess.run([*XLSYNC, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (
        1,
        "Error: the disk is full, so not all output was written.\nMake room, and try again.\n",
    )


@pytest.mark.skipif(not FULL.exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("words", [["--help"], ["--version"], ["sandbox", "--help"]])
def test_a_text_that_no_command_tells_is_an_error_on_a_full_disk_too(words: list[str]) -> None:
    with FULL.open("wb") as full:
        ran = subprocess.run([*XLSYNC, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ran.returncode, ran.stderr.splitlines()[0]) == (
        1,
        "Error: the disk is full, so not all output was written.",
    )
    assert "Traceback" not in ran.stderr
    assert "ignored" not in ran.stderr


def test_nobody_who_reads_the_output_is_no_stop_before_the_writes_that_were_made(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [*XLSYNC, "apply", OCTOBER, "--yes", "--json"]
        ran = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    (run,) = list_runs(desk.home, load_settings(bss=False, connectwise=True).environment)
    assert (ran.returncode, desk.changes) == (3, {("additions", 52): {"quantity": 18}})
    assert f"Error: Run {run.id} wrote to ConnectWise" in ran.stderr
    assert ran.stderr.endswith(f"`xlsync history {run.id}` shows it.\n")


@pytest.mark.parametrize("form", [["--json"], []])
def test_who_stops_reading_the_messages_while_it_writes_is_told_of_the_run_all_the_same(
    desk: Desk, form: list[str]
) -> None:
    """So ends `xlsync apply … 2>&1 | tee log` where Ctrl-C ends `tee` too."""
    with desk.editing() as hand:
        hand.approve("units:52")
    reading, writing = os.pipe()
    desk.sandbox.fail("call", write=1, call=lambda: os.close(reading))
    try:
        command = [*XLSYNC, "apply", OCTOBER, "--yes", *form]
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=writing, text=True, check=False)
    finally:
        os.close(writing)
    assert (ran.returncode, desk.changes) == (3, {("additions", 52): {"quantity": 18}})
    assert '"done": 1' in ran.stdout if form else ran.stdout == ""
    assert desk.read().get(MISMATCHES, "units:52", "Result") == "done units 15 -> 18"


ALL = "<&- >&- 2>&-"


@on_a_terminal
@pytest.mark.parametrize(
    ("words", "code", "closed"),
    [
        (["--version"], 0, ALL),
        (["history", "--json"], 0, ALL),
        (["history", "--json"], 0, ">&-"),
        (["export"], 2, ALL),
        (["export"], 2, "2>&-"),
        (["apply", OCTOBER], 1, ALL),
        (["apply", OCTOBER], 1, "<&-"),
        (["login"], 1, ALL),
        (["login"], 1, "<&-"),
    ],
)
def test_a_stream_that_is_closed_changes_no_exit_code(
    desk: Desk, words: list[str], code: int, closed: str
) -> None:
    """Each stream is opened nowhere before any command begins, whatever the command."""
    with desk.editing() as hand:
        hand.approve("units:52")
    command = shlex.join([*XLSYNC, *words])
    line = ["/bin/sh", "-c", f"{command} {closed}"]
    ran = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (ran.returncode, desk.changes) == (code, {})
    assert "Traceback" not in ran.stderr


# Being asked


CTRL_C, CTRL_D = b"\x03", b"\x04"


@on_a_terminal
@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
@pytest.mark.parametrize(
    ("words", "question", "end"),
    [
        (["export"], "Which month", "Stopped."),
        (["apply", OCTOBER], "Write 1 change?", "Stopped: nothing was written."),
    ],
)
def test_who_answers_no_question_stops_before_any_write(
    desk: Desk, words: list[str], question: str, end: str, key: bytes
) -> None:
    from tests.helpers.screen import run_on_terminal  # noqa: PLC0415 - Windows has no terminals

    with desk.editing() as hand:
        hand.approve("units:52")
    shown = run_on_terminal(words, 80, answers=[(question, key)])
    assert (shown.code, desk.changes) == (1, {})
    assert shown.lines[-1] == end, "the question ends its line"


@on_a_terminal
@pytest.mark.parametrize("answer", ["3", "2026-10"])
def test_a_month_is_picked_by_its_number_or_by_its_name(empty_desk: Desk, answer: str) -> None:
    """A month may begin meanwhile: which months are offered is read from what is printed."""
    from tests.helpers.screen import run_on_terminal  # noqa: PLC0415 - Windows has no terminals

    again = "Type a number from 1 to 15, or a month such as 2026-10."
    answers = [("Which month", b"0\n"), (again, b"soon\n"), (again, f"{answer}\n".encode())]
    shown = run_on_terminal(["export"], 100, {"NO_COLOR": "1"}, answers)
    assert shown.code == 0, shown.lines
    text = "\n".join(shown.lines)
    offered = dict(re.findall(r"^ +(\d+)  (\d{4}-\d\d)", text, re.MULTILINE))
    newest = Month.parse(offered["1"])
    assert list(offered.values()) == [str(newest.plus(-back)) for back in range(15)]
    month = offered.get(answer, answer)
    assert f"\n{month} · " in text
    assert shown.sent.count(again) == 2
    assert (empty_desk.folder / f"xlsync-{month}.xlsx").exists()


# The sandbox


def test_a_port_that_is_taken_is_told_with_what_to_do(desk: Desk) -> None:
    taken = urlsplit(desk.sandbox.environ["XLSYNC_CW_URL"]).port
    ran = desk.run("sandbox", "--port", str(taken))
    assert (ran.code, ran.out) == (1, "")
    assert "Choose another with --port" in ran.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_the_sandbox_tells_its_settings_and_ends_well_by_ctrl_c(desk: Desk) -> None:
    words = [*XLSYNC, "sandbox", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        assert serving.stderr is not None
        assert "Ctrl-C ends it" in serving.stderr.readline()
        serving.send_signal(signal.SIGINT)
        told = serving.stdout.read()
    assert serving.returncode == 0
    assert {line.removeprefix("export ").partition("=")[0] for line in told.splitlines()} == set(
        desk.sandbox.environ
    )


@pytest.mark.parametrize(
    ("option", "number", "told"),
    [
        ("--port", "65536", "choose one from 0 to 65535"),
        ("--port", "-1", "choose one from 0 to 65535"),
        ("--port", "soon", "'soon' is not a whole number"),
        ("--lines", "-5", "choose a number from 0 to 20000"),
        ("--lines", "20001", "choose a number from 0 to 20000"),
        ("--seed", "1.5", "'1.5' is not a whole number"),
    ],
)
def test_a_number_that_the_sandbox_cannot_use_is_a_wrong_use(
    desk: Desk, option: str, number: str, told: str
) -> None:
    ran = desk.run("sandbox", option, number)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
