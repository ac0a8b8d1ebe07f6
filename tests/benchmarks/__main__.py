"""The benchmark: each thing beside its alternative, in one run, the median of several rounds.

`--quick` takes smaller months and one round, to see that it works; `--only` some of the rows;
`--into .github/docs/speed.md` puts them into its table.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import python_calamine
from rich.console import Console

from tests.benchmarks import obvious
from tests.benchmarks.approve import approve
from tests.benchmarks.recalled import recalled_systems
from tests.benchmarks.report_file import read_with_calamine, read_with_xlsync, write_report
from tests.benchmarks.world import World, served
from tests.helpers import command
from xlsync.billing.bss import PER_MINUTE as BSS_PER_MINUTE
from xlsync.commands.check import check_workbook
from xlsync.commands.export import export_month
from xlsync.gather.sources import MonthRequest
from xlsync.models import Month
from xlsync.settings import PER_MINUTE
from xlsync.workbook.layout import BILLING_LINES, LISTS, MEMORY, TABLES
from xlsync.workbook.read import read_workbook
from xlsync.workbook.write import template_path
from xlsync.xlsx.cells import Row
from xlsync.xlsx.package import Package

# A command that writes its own peak in kB into a file: what the system counts for a child begins with the
# peak of the process that started it.
_WRITING_ITS_PEAK = """
import atexit, pathlib, re
def write_peak():
    status = pathlib.Path("/proc/self/status").read_text()
    pathlib.Path("peak.txt").write_text(re.search(r"VmHWM:\\s+(\\d+)", status)[1])
atexit.register(write_peak)
from xlsync.__main__ import main
main()
"""
ROOT = Path(__file__).parent.parent.parent
OCTOBER = Month(2026, 10)
FILE = f"xlsync-{OCTOBER}.xlsx"
LATENCY = 0.06
ALL = ("export", "rates", "soon", "apply", "workbook", "reports", "startup", "memory")
HEAD = (
    "| `--only` | what | beside | xlsync | beside it | to reach | reached | met | on |",
    "|---|---|---|---:|---:|---:|---:|---|---|",
)
MOST_MEMORY = 400  # MB of a command's own
told = Console(stderr=True)


@dataclass(frozen=True)
class Measured:
    """A row of the table: seconds of xlsync and of what stands beside it, and the ratio to reach."""

    what: str
    beside: str
    own: float
    other: float
    goal: float
    is_at_most: bool = False  # else at least
    note: str = ""
    more: float = 0.0  # seconds that are allowed beside the ratio

    @property
    def ratio(self) -> float:
        """How many times as fast, or as long, as the goal counts it."""
        return self.own / self.other if self.is_at_most else self.other / self.own

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        if self.is_at_most:
            return self.own <= self.goal * self.other + self.more
        return self.ratio >= self.goal


@dataclass(frozen=True)
class Sizes:
    """How large the months are, and how many rounds are measured."""

    medium: int
    large: int
    changes: int
    rounds: int


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def side_by_side(rounds: int, own: Callable[[], float], other: Callable[[], float]) -> tuple[float, float]:
    """The medians of both, measured in turn."""
    pairs = [(own(), other()) for _ in range(rounds)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def run(*words: str) -> None:
    """A real command; anything but success stops the benchmark."""
    ran = command.run(*words)
    if ran.code:
        raise SystemExit(f"xlsync {' '.join(words)}: {ran.out}{ran.err}")


def export_once(world: World, home: str) -> float:
    """Export October in a home, into a file that was not there."""
    world.enter(home)
    Path(FILE).unlink(missing_ok=True)
    return seconds(lambda: run("export", "--month", str(OCTOBER), "--json"))


def sheets_of(path: Path) -> dict[str, obvious.Cells]:
    """All cells that an export wrote, by sheet."""
    package = Package.open(path)
    titles = (*(sheet.title for sheet in TABLES), LISTS, MEMORY)
    return {title: package.grid(title)[1:] for title in titles}


def measure_exports(sizes: Sizes) -> list[Measured]:
    """Export with an empty and with a warm cache, beside one request after another and openpyxl."""
    with served(sizes.medium, LATENCY) as world:
        export_once(world, "first")
        asked = [(service, path, query) for service, method, path, query, _ in world.log() if method == "GET"]
        cells = sheets_of(Path(FILE))
        homes = iter(range(100))

        def cold() -> float:
            return export_once(world, f"home{next(homes)}")

        def warm() -> float:
            return export_once(world, "first")

        def plainly() -> float:
            return seconds(
                lambda: (
                    obvious.read_month(world.environ, asked),
                    obvious.write_cells(template_path(), Path("obvious.xlsx"), cells),
                )
            )

        own, other = side_by_side(sizes.rounds, cold, plainly)
        again = statistics.median(warm() for _ in range(sizes.rounds))
        beside = "one request after another, openpyxl cell by cell"
        what = f"export, {sizes.medium} lines, {LATENCY * 1000:.0f} ms"
        note = f"{len(asked)} requests"
        return [
            Measured(f"{what}, empty cache", beside, own, other, 8, note=note),
            Measured(f"{what}, warm cache", beside, again, other, 20),
        ]


def measure_apply(sizes: Sizes) -> list[Measured]:
    """Apply approved changes, beside one after another."""
    with served(sizes.medium, LATENCY, nudge=4 * sizes.changes) as world:
        export_once(world, "home")
        approved = approve(Path(FILE), sizes.changes, Path("approved.xlsx"))
        results = dict.fromkeys(approved, "done")
        sent: list[tuple[str, Any]] = []
        homes = iter(range(100))

        def own() -> float:
            world.reset()
            # A home of its own: by the journal of an earlier round every row is carried out already.
            world.enter(f"home{next(homes)}")
            shutil.copy("approved.xlsx", FILE)
            took = seconds(lambda: run("apply", FILE, "--yes", "--force", "--json"))
            sent[:] = [
                (path, body[0]["value"]) for _, method, path, _, body in world.log() if method == "PATCH"
            ]
            return took

        def other() -> float:
            world.reset()
            shutil.copy("approved.xlsx", FILE)
            return seconds(
                lambda: (
                    obvious.apply_changes(world.environ, sent),
                    obvious.write_results(Path(FILE), results),
                )
            )

        took, plainly = side_by_side(sizes.rounds, own, other)
        what = f"apply of {len(approved)} changes, {LATENCY * 1000:.0f} ms"
        return [Measured(what, "one after another", took, plainly, 6, note="at most 900 requests a minute")]


def measure_workbooks(sizes: Sizes) -> list[Measured]:
    """Writing, reading and checking a large workbook, without the requests."""
    found: list[Measured] = []
    answers: dict[str, Any] = {}
    work: dict[int, float] = {}
    for lines in (sizes.medium, sizes.large):
        answers.clear()
        with served(lines, rate=10_000) as world:
            world.enter("home")

            def export() -> None:
                Path(FILE).unlink(missing_ok=True)
                with recalled_systems(answers) as systems:
                    export_month(systems, MonthRequest(month=OCTOBER), Path(FILE), now())

            told.print(f"reading {lines} lines once …")
            export()
            export()
            gc.collect()
            gc.freeze()  # the answers at hand are the benchmark's own: nobody else's collector sees them
            work[lines] = statistics.median(seconds(export) for _ in range(sizes.rounds))
            if lines == sizes.large:
                with recalled_systems(answers):  # as within a command
                    found = [_writing(sizes), _reading(sizes), _checking(sizes, answers)]
    factor = sizes.large / sizes.medium
    found.append(
        Measured(
            f"{sizes.medium} → {sizes.large} lines: linking, comparing, writing",
            "itself",
            work[sizes.large],
            work[sizes.medium],
            1.1 * factor,
            is_at_most=True,
            note="without the requests",
        )
    )
    return found


def _writing(sizes: Sizes) -> Measured:
    rows = Package.open(Path(FILE)).grid(BILLING_LINES.title)[1:]

    def own() -> float:
        def write() -> None:
            package = Package.open(template_path())
            package.replace_rows(BILLING_LINES.title, [Row(None, dict(enumerate(row))) for row in rows])
            package.save(Path("own.xlsx"))

        return seconds(write)

    took, other = side_by_side(
        sizes.rounds, own, lambda: seconds(lambda: obvious.write_lines(Path("other.xlsx"), rows))
    )
    what = f"writing Billing Lines of {len(rows):,} rows"
    return Measured(what, "XlsxWriter, constant memory, same cells", took, other, 0.5, is_at_most=True)


def _reading(sizes: Sizes) -> Measured:
    def calamine() -> None:
        book = python_calamine.CalamineWorkbook.from_path(FILE)
        for title in (*(sheet.title for sheet in TABLES), LISTS, MEMORY):
            book.get_sheet_by_name(title).to_python(skip_empty_area=False)

    took, other = side_by_side(
        sizes.rounds, lambda: seconds(lambda: read_workbook(Path(FILE))), lambda: seconds(calamine)
    )
    return Measured(
        "reading it back with all checks",
        "python-calamine alone, the same sheets",
        took,
        other,
        2.5,
        is_at_most=True,
    )


def _checking(sizes: Sizes, answers: dict[str, Any]) -> Measured:
    def own() -> float:
        def check() -> None:
            with recalled_systems(answers) as systems:
                check_workbook(systems, Path(FILE), now())

        return seconds(check)

    def other() -> float:
        return seconds(lambda: openpyxl.load_workbook(FILE).save("resaved.xlsx"))

    own()  # remembers the links
    own()  # finds them remembered: from here on nothing changes
    took, plainly = side_by_side(sizes.rounds, own, other)
    return Measured(
        f"check of {sizes.large:,} lines, nothing changed",
        "openpyxl load and save of the same file",
        took,
        plainly,
        8,
        note="without the requests",
    )


def measure_memory(sizes: Sizes) -> dict[str, float]:
    """The peak of each command on a large month, in MB, each in a process of its own."""
    peaks: dict[str, float] = {}
    changes = f"{sizes.changes} changes"
    with served(sizes.large, rate=10_000, nudge=4 * sizes.changes) as world:
        world.enter("home")

        def measure(what: str, *words: str) -> None:
            told.print(f"memory of {what} …")
            command = [sys.executable, "-c", _WRITING_ITS_PEAK, *words]
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
            if done.returncode:
                raise SystemExit(done.stderr.decode())
            peaks[what] = int(Path("peak.txt").read_text("utf-8")) / 1024
            told.print(f"  {peaks[what]:.0f} MB")

        for cache in ("empty", "warm"):
            Path(FILE).unlink(missing_ok=True)
            measure(f"export, {cache} cache", "export", "--month", str(OCTOBER), "--json")
        measure("check, remembering links", "check", FILE, "--json")
        measure("check after links were remembered", "check", FILE, "--json")
        measure("check, nothing changed", "check", FILE, "--json")
        words = [sys.executable, "-m", "tests.benchmarks.approve", FILE, str(sizes.changes)]
        subprocess.run(words, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        measure(f"check after edits, {sizes.changes} approvals", "check", FILE, "--json")
        measure("check, all read anew", "check", FILE, "--refresh", "--json")
        measure(f"apply, dry run of {changes}", "apply", FILE, "--dry-run", "--json")
        measure(f"apply of {changes}", "apply", FILE, "--yes", "--force", "--json")
        measure("check right after apply", "check", FILE, "--json")
        measure("report", "report", FILE)
        measure("invoice, dry run", "invoice", FILE, "--dry-run", "--json")
        measure(f"undo of {changes}, dry run", "undo", "last", "--dry-run", "--json")
        measure(f"undo of {changes}", "undo", "last", "--yes", "--json")
        measure("check right after undo", "check", FILE, "--json")
        measure("history", "history", "--json")
        measure("history of one run", "history", "last", "--json")
        measure("links list", "links", "list", "--json")
        measure("links export", "links", "export", "links.csv", "--json")
        measure("doctor", "doctor", "--json")
    return peaks


def measure_soon(sizes: Sizes) -> list[Measured]:
    """Check again after edits, within ten minutes of the last reading, beside the most that it may take."""
    found: list[Measured] = []
    for lines, most, rounds in (
        (sizes.medium, 1.0, 3 * sizes.rounds),  # short rounds, of which the machine disturbs many
        (sizes.large, 20.0, sizes.rounds),
    ):
        with served(lines, LATENCY, nudge=sizes.changes) as world:
            export_once(world, "home")
            took: list[float] = []
            for number in range(1, rounds + 1):
                approve(Path(FILE), number * sizes.changes // rounds, Path(FILE))
                world.log()
                took.append(seconds(lambda: run("check", FILE, "--json")))
                anew = [path for service, _, path, _, _ in world.log() if path.endswith("/additions")]
                if anew:
                    raise SystemExit(f"{len(anew)} agreements were asked for their additions again")
            found.append(
                Measured(
                    f"check of {lines:,} lines after edits, {LATENCY * 1000:.0f} ms",
                    "the most that it may take",
                    min(took),
                    most,
                    1,
                    is_at_most=True,
                    note=f"no addition is asked for again; the best of {rounds} rounds",
                )
            )
    return found


def measure_rates(sizes: Sizes) -> list[Measured]:
    """A first export of a large month, beside the time that its requests take at the tolerated rates.

    Both systems are asked side by side, so that the slower one counts. The requests of a first minute pass
    at once.
    """
    with served(sizes.large, LATENCY) as world:
        took = export_once(world, "home")
        asked = Counter(service for service, *_ in world.log())
    rates = {"bss": BSS_PER_MINUTE, "connectwise": PER_MINUTE}
    most = max(60.0 * ((count - 1) // rates[service]) for service, count in asked.items())
    if not most:
        told.print("its requests all pass within a first minute: no rate binds it")
        return []
    what = f"first export of {sizes.large:,} lines, {LATENCY * 1000:.0f} ms"
    note = ", ".join(
        f"{count:,} requests to {service} at {rates[service]:,} a minute"
        for service, count in sorted(asked.items())
    )
    return [
        Measured(what, "its requests at the tolerated rates", took, most, 1.1, is_at_most=True, note=note)
    ]


def measure_reports(sizes: Sizes) -> list[Measured]:
    """Read a distributor's report, beside python-calamine alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.xlsx"
        write_report(path, OCTOBER, sizes.large)
        took, other = side_by_side(
            sizes.rounds,
            lambda: read_with_xlsync(path, OCTOBER, sizes.large),
            lambda: read_with_calamine(path),
        )
    what = f"reading a report of {sizes.large:,} lines"
    beside = "python-calamine alone"
    return [Measured(what, beside, took, other, 1.5, is_at_most=True, note="of the processor", more=1.0)]


def measure_startup(sizes: Sizes) -> list[Measured]:
    """The help of xlsync beside that of pip, another program of many commands; it may take 0.3 s."""

    def helped(*module: str) -> float:
        command = [sys.executable, "-m", *module, "--help"]
        return seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))

    helped("xlsync")  # its modules are compiled by now
    own, other = side_by_side(3 * sizes.rounds, lambda: helped("xlsync"), lambda: helped("pip"))
    return [Measured("startup: xlsync --help", "pip --help", own, other, 1, is_at_most=True)]


def now() -> dt.datetime:
    """The present moment."""
    return dt.datetime.now().astimezone()


def rows_of(name: str, found: Iterable[Measured]) -> list[str]:
    """What one of `ALL` measured, as rows of a table in Markdown, each with the day."""
    rows = []
    for row in found:
        goal = f"at most {row.goal:g} ×" if row.is_at_most else f"{row.goal:g} × as fast"
        goal += f" plus {row.more:g} s" if row.more else ""
        what = f"{row.what} ({row.note})" if row.note else row.what
        met = "yes" if row.is_met else "no"
        measured = f"{row.own:.2f} s | {row.other:.2f} s | {goal} | {row.ratio:.2f} × | {met}"
        rows.append(f"| `{name}` | {what} | {row.beside} | {measured} | {now():%Y-%m-%d} |")
    return rows


def rows_of_memory(peaks: Mapping[str, float], sizes: Sizes) -> list[str]:
    """The peaks of commands as rows of the same table."""
    rows = []
    for what, peak in peaks.items():
        met = "yes" if peak < MOST_MEMORY else "no"
        measured = f"{peak:.0f} MB | | below {MOST_MEMORY} MB | | {met}"
        rows.append(f"| `memory` | {what}, {sizes.large:,} lines | | {measured} | {now():%Y-%m-%d} |")
    return rows


def put_into(text: str, name: str, rows: Sequence[str]) -> str:
    """Put the rows of one of `ALL` into the table of a text, in place of those that it has."""
    lines = text.split("\n")
    head = lines.index(HEAD[-1])
    end = next(at for at, line in enumerate([*lines, ""]) if at > head and not line.startswith("|"))
    others = {
        other: [line for line in lines[head + 1 : end] if line.startswith(f"| `{other}` |")] for other in ALL
    }
    kept = [line for other in ALL for line in (rows if other == name else others[other])]
    return "\n".join([*lines[: head + 1], *kept, *lines[end:]])


def main() -> None:
    """Measure, and print the table's rows."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller months, one round")
    parser.add_argument("--only", nargs="*", choices=list(ALL))
    parser.add_argument("--into", type=Path, help="put the rows into the table of this file")
    given = parser.parse_args()
    sizes = Sizes(300, 2000, 20, 1) if given.quick else Sizes(2000, 20_000, 300, 3)
    into = given.into and given.into.resolve()
    timed: dict[str, Callable[[Sizes], list[Measured]]] = {
        "export": measure_exports,
        "apply": measure_apply,
        "workbook": measure_workbooks,
        "soon": measure_soon,
        "rates": measure_rates,
        "reports": measure_reports,
        "startup": measure_startup,
    }
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    printed = Console(soft_wrap=True, markup=False, highlight=False)
    printed.print("\n".join((f"{machine}, Python {platform.python_version()}", "", *HEAD)))
    for name in given.only or ALL:
        told.print(f"{name} …")
        if name == "memory":
            rows = rows_of_memory(measure_memory(sizes), sizes)
        else:
            rows = rows_of(name, timed[name](sizes))
        printed.print("\n".join(rows))
        if into is not None:
            into.write_text(put_into(into.read_text("utf-8"), name, rows), encoding="utf-8")


if __name__ == "__main__":
    main()
