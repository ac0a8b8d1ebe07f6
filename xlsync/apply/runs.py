"""The runs of the journal, read from its files: what each wrote, and which number people know it by.

`before` without an `after` is a write whose outcome nobody knows: the next run looks it up.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import simplejson
from msgspec import Struct

from xlsync.connectwise.records import CUSTOM_FIELDS
from xlsync.errors import XlsyncError
from xlsync.plain_json import RepeatedField, read_object

WRITE_TEST: Final = "doctor"  # the command of runs that only try writing, and end themselves what they made
_PATH: Final = re.compile(r"/[a-z]+/[a-zA-Z]+(/\d+(/[a-z]+(/\d+)?)?)?")  # of a record or list
_UNSURE: Final = 60  # seconds by which runs may come to a machine in another order than they are named
_TEXTS: Final = ("key", "kind", "what", "subject", "at", "method", "path", "state", "detail")


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write of a run, read from its lines; `state` is `unknown` if there is no line after the request.

    `what` says what was written and `subject` names the record, both for people. `asked` is what each of its
    rows asked for; `succeeds` is the addition that a new one continues, `beside` are those of its product
    that were there before it. `company` is the one that the agreement of the write belonged to. `at` is by
    the clock of the machine that wrote, `latest_at` the latest time by this machine's clock at which that may
    have been.
    """

    key: str
    kind: str
    what: str
    at: str
    subject: str = ""
    method: str = ""
    path: str = ""
    body: Any = None
    was: Mapping[str, Any] | None = None
    rows: tuple[str, ...] = ()
    asked: Mapping[str, str] = field(default_factory=dict)
    state: str = "unknown"
    detail: str = "no outcome was recorded: the run was cut off here"
    id: int | None = None
    succeeds: int | None = None
    company: int | None = None
    beside: tuple[int, ...] = ()
    latest_at: dt.datetime | None = field(default=None, compare=False)

    @property
    def is_unsure(self) -> bool:
        """Return whether it may have created a record whose id is not known."""
        return self.method == "POST" and self.id is None and self.state == "unknown"

    @property
    def record(self) -> str:
        """The path of the record that was changed or made."""
        return self.path if self.method == "PATCH" else f"{self.path}/{self.id}"

    @property
    def changes(self) -> dict[str, Any]:
        """The fields that a PATCH sets, with their values, without custom fields that it only restates."""
        operations = self.body if self.method == "PATCH" else ()
        values = {
            str(operation.get("path")).lstrip("/"): operation.get("value") for operation in operations or ()
        }
        return {name: value for name, value in values.items() if name != CUSTOM_FIELDS}


class Run(Struct, frozen=True, kw_only=True):
    """One run of apply or undo: who, when, from which workbook, and its writes in order.

    `number` is the name that people type, `id` the name of its file.
    """

    id: str
    number: str
    at: str
    who: str
    command: str
    environment: str
    workbook: str
    month: str
    writes: tuple[Write, ...]
    is_finished: bool


def journal_folder(home: Path, environment: str) -> Path:
    """Return the folder of an environment's runs."""
    return home / "journal" / re.sub(r"[^\w.-]+", "_", environment)


def list_runs(home: Path, environment: str) -> tuple[Run, ...]:
    """List all runs of an environment, the newest first."""
    files = sorted(run_files(home, environment), reverse=True)
    numbers = _number_runs(file.stem for file in files)
    return tuple(_read_run(file, numbers[file.stem]) for file in files)


def list_run_ids(home: Path, environment: str) -> frozenset[str]:
    """List the ids of all runs of an environment that this machine knows of."""
    return frozenset(file.stem for file in run_files(home, environment))


def read_run(home: Path, environment: str, run: str) -> Run:
    """Read a run by id or number, or the `last` of apply; raises XlsyncError where there is no such run.

    A number, or `last`, is refused where the clocks of two machines differ, so that it may have stood for
    another run when somebody read it.
    """
    files = {file.stem: file for file in run_files(home, environment)}
    numbers = _number_runs(files)
    if run == "last":
        runs = [candidate.id for candidate in list_runs(home, environment) if candidate.command == "apply"]
        _refuse_unsure(run, {*runs[:1], *sorted(runs, key=lambda id_: _came_at(files[id_]))[-1:]}, files)
        run = runs[0] if runs else run
    elif run not in files and run in numbers.values():
        _refuse_unsure(run, [id_ for id_ in files if numbers[id_][:10] == run[:10]], files)
    id_ = next((id_ for id_, number in numbers.items() if run in {id_, number}), None)
    if id_ is None:
        which = "of apply" if run == "last" else run
        raise XlsyncError(f"There is no run {which} in {environment}.", "`xlsync history` lists the runs.")
    return _read_run(files[id_], numbers[id_])


def _refuse_unsure(run: str, ids: Iterable[str], files: Mapping[str, Path]) -> None:
    """Raise XlsyncError if a run that is named earlier came here later than another one of these."""
    ordered = sorted(ids)
    came_at = [_came_at(files[id_]) for id_ in ordered]
    latest = list(accumulate(came_at, max))
    if any(at < before - _UNSURE for at, before in zip(came_at[1:], latest, strict=False)):
        raise XlsyncError(
            f"Which run {run} is cannot be told: the clocks of the machines that made the runs differ.",
            f"Name it by its id, which `xlsync history --json` shows: {', '.join(ordered)}.",
        )


def _came_at(file: Path) -> float:
    """Return when a run's last line came to this machine, in seconds."""
    with reading(file):
        return file.stat().st_mtime


def run_number(home: Path, environment: str, run: str) -> str:
    """Return the number of a run that people type: `2026-10-28-1` is the first of that UTC day."""
    return _number_runs(file.stem for file in run_files(home, environment)).get(run, run)


def _number_runs(ids: Iterable[str]) -> dict[str, str]:
    """Number runs by their UTC day and place in it; an id of another form is its own number."""
    numbers: dict[str, str] = {}
    count: Counter[str] = Counter()
    for id_ in sorted(ids):
        match = re.match(r"(\d{4})(\d\d)(\d\d)-\d{6}-", id_)
        day = "-".join(match.groups()) if match else ""
        count[day] += 1
        numbers[id_] = f"{day}-{count[day]}" if day else id_
    return numbers


def run_files(home: Path, environment: str) -> list[Path]:
    """Return the files of an environment's runs, one for each."""
    folder = journal_folder(home, environment)
    with reading(folder):
        try:  # not glob, which takes a folder that may not be read for an empty one
            return [file for file in folder.iterdir() if file.suffix == ".jsonl"]
        except FileNotFoundError:
            return []


@contextmanager
def reading(place: Path) -> Iterator[None]:
    """Raise XlsyncError where a file or folder cannot be read, unless it does not exist."""
    try:
        yield
    except OSError as error:
        raise XlsyncError(
            f"The journal cannot be read: {place} ({error.strerror or error}).",
            "Let yourself read it, or set XLSYNC_HOME to the folder that it lies in.",
        ) from error


def _read_run(file: Path, name: str) -> Run:
    head: dict[str, Any] = {}
    writes: dict[int, dict[str, Any]] = {}
    open_writes: dict[str, int] = {}
    is_finished = False
    last_at = ""
    with reading(file):
        changed_at = dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC)
    for number, line in _lines(file):
        last_at = str(line.get("at") or last_at)
        key = line.get("key")
        match line.get("event"):
            case "run":
                head = line
            case "before" if isinstance(key, str):
                first = open_writes.get(key, number)
                if writes.get(first, line)["event"] != "before":
                    first = number
                open_writes[key] = first  # a second line before the outcome: it is sent with more in it
                writes[first] = {**line, "state": "unknown"}
            case "after" if isinstance(key, str) and key in open_writes:
                outcome = {name: value for name, value in line.items() if name != "at"}
                writes[open_writes[key]].update(outcome)
            case "after" if isinstance(key, str):
                raise _damaged(file, number, "tells the outcome of a request whose own line is missing")
            case "end":
                is_finished = True
            case _:
                raise _odd(file, number)
    if writes and not head:
        raise _damaged(file, 1, "is not the first of a run, which tells who began it and for which month")
    names = ("at", "who", "command", "environment", "workbook", "month")
    return Run(
        id=file.stem,
        number=name,
        is_finished=is_finished,
        writes=tuple(
            _read_write(file, number, write, _lateness(last_at, changed_at))
            for number, write in writes.items()
        ),
        **{name: str(head.get(name, "")) for name in names},
    )


def _lateness(last_at: str, changed_at: dt.datetime) -> dt.timedelta:
    """Return by how much the lines of a run may be younger than they say.

    A run of another machine comes here after its last line was written, by whatever that machine's clock
    says; a run of this machine is changed by its last line.
    """
    try:
        late = changed_at - dt.datetime.fromisoformat(last_at).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return dt.timedelta()
    return max(late, dt.timedelta())


def _read_write(file: Path, number: int, line: Mapping[str, Any], late: dt.timedelta) -> Write:
    known = set(Write.__dataclass_fields__) - {"latest_at"}
    fields: dict[str, Any] = {"kind": "", "what": "", "at": ""}
    fields |= {name: value for name, value in line.items() if name in known}
    if fields.get("body") is None:
        fields["body"] = {}
    rows = fields.get("rows", ())
    are_texts = all(isinstance(fields.get(name, ""), str) for name in _TEXTS)
    are_numbers = all(isinstance(fields.get(name) or 0, int) for name in ("id", "succeeds", "company"))
    are_rows = isinstance(rows, list | tuple) and all(isinstance(row, str) for row in rows)
    beside = fields.get("beside", ())
    are_ids = isinstance(beside, list | tuple) and all(isinstance(id_, int) for id_ in beside)
    are_maps = all(isinstance(fields.get(name) or {}, Mapping) for name in ("was", "asked"))
    if not (are_texts and are_numbers and are_rows and are_ids and are_maps and _is_request(fields)):
        raise _odd(file, number)
    try:
        at = dt.datetime.fromisoformat(fields["at"]).astimezone()
    except (ValueError, OverflowError):
        raise _odd(file, number) from None
    return Write(**{**fields, "rows": tuple(rows), "beside": tuple(beside), "latest_at": at + late})


def _is_request(fields: Mapping[str, Any]) -> bool:
    """Return whether a line's path and body have the form of a request that xlsync sends."""
    path, body = fields.get("path", ""), fields.get("body")
    if path and not _PATH.fullmatch(path):
        return False
    if fields.get("method") != "PATCH":
        return isinstance(body or {}, Mapping)
    return isinstance(body, list) and all(isinstance(step, Mapping) and step.get("path") for step in body)


def _odd(file: Path, number: int) -> XlsyncError:
    return _damaged(file, number, "is no entry of a journal")


def _damaged(file: Path, number: int, what: str) -> XlsyncError:
    return XlsyncError(
        f"The journal cannot be read: line {number} of {file} {what}.",
        "Mend the line, or move the file away; without it nobody knows what that run wrote.",
    )


def _lines(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the complete lines, numbered from 1: a crash may leave the last one incomplete."""
    # not splitlines, which also splits at characters in names; an incomplete line may end in half a character
    with reading(file):
        texts = file.read_text(encoding="utf-8", errors="replace").split("\n")
    for number, text in enumerate(texts, 1):
        try:
            line = simplejson.loads(text, use_decimal=True, object_pairs_hook=read_object)
        except RepeatedField as error:
            raise _damaged(file, number, f"holds {error}") from None
        except (simplejson.JSONDecodeError, RecursionError):
            if number == len(texts):  # incomplete after a crash, or empty after the last line
                continue
            raise _odd(file, number) from None
        if not isinstance(line, dict):
            raise _odd(file, number)
        yield number, line
