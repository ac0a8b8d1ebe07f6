"""The very hidden sheet: the values that each row showed when it was written, and the facts behind it.

Each row of the hidden sheet holds a title and a text, cut into as many cells as it needs. The first text is
JSON about the workbook; then follow, for each visible sheet, packed lines of JSON with the shown values and
with the facts. The last row is a checksum over all texts and over *Lists*, which shows alterations.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Context, Decimal
from functools import lru_cache
from itertools import islice, repeat
from operator import itemgetter
from typing import Any, Final, NamedTuple, Protocol, Self, TypeVar

from msgspec import Struct

from xlsync.errors import WorkbookError
from xlsync.plain_json import from_json, from_json_field, from_plain, to_json, to_plain
from xlsync.records import replace
from xlsync.xlsx.cells import Row, Value, clean_text, serial

FORMAT: Final = 2
_CHUNK: Final = 32_000  # characters: a cell holds at most 32,767
_ABOUT, _CHECKSUM = "about", "checksum"
_FACTS: Final = "facts of "  # prefix of the titles of rows with facts
_MOST_BYTES: Final = 200_000_000  # most bytes of one unpacked text
_TOGETHER: Final = 100  # lines compressed together
_LEVEL: Final = 1  # compression level: much faster than the default, a little larger
_EXACT: Final = frozenset({str, dt.date, type(None)})  # kinds of which equal values are written alike
_PART_OF_A_DAY: Final = Decimal("1e-7")  # dates are read to the millisecond
_AS_A_CELL: Final = Context(prec=15)  # a spreadsheet keeps 15 digits of a number


class About(Struct, frozen=True, kw_only=True):
    """The workbook as a whole: its month and environment, when and by which version it was written.

    `exported_at` is when it was last renewed, as *Start* shows it, and `renewed_at` that moment with its
    zone; `first_exported_at` is when it was made, and `known_runs` are the ids of the runs that were known
    then, None where an earlier version wrote it. `noted` are the results
    that it has shown, each as a run and the key of a row (`RUN ROW`); `anew` are those after which the row
    was approved anew. `approved` are the keys of the rows that were approved at the last check.
    """

    format: int
    version: str
    environment: str
    month: str
    by: str
    exported_at: str
    reports: tuple[str, ...] = ()  # the reports that its lines came from
    renewed_at: str = ""
    first_exported_at: str = ""
    known_runs: tuple[str, ...] | None = None
    noted: tuple[str, ...] = ()
    anew: tuple[str, ...] = ()
    approved: tuple[str, ...] = ()

    @property
    def noted_rows(self) -> frozenset[str]:
        """The keys of the rows whose *Result* a run wrote."""
        return frozenset(entry.partition(" ")[2] for entry in self.noted)


T = TypeVar("T")


class StoredRow(NamedTuple):
    """A row as written: headers, cell values, and a function that builds its hidden JSON on demand."""

    headers: tuple[str, ...]
    values: tuple[Value, ...]
    json_of: Callable[[int], bytes]  # returns the hidden JSON of the row with this number
    number: int = 0

    @classmethod
    def from_facts(cls, shown: Mapping[str, Value], facts: Mapping[str, Any]) -> Self:
        """Make a row that shows these values and has these facts."""
        data = to_json(facts)
        return cls(tuple(shown), tuple(shown.values()), lambda _: data)

    @property
    def shown(self) -> dict[str, Value]:
        """The values by header; built at each call, since few rows are ever asked for them."""
        return dict(zip(self.headers, self.values, strict=True))

    def showed(self, header: str) -> Value:
        """Return the value under a header; None where the row has none."""
        return self.values[self.headers.index(header)] if header in self.headers else None

    @property
    def json(self) -> bytes:
        """The row's hidden facts as JSON."""
        return self.json_of(self.number)

    def fact(self, name: str, kind: type[T]) -> T:
        """Return one fact as a record of its kind; raises KeyError or ValueError where there is none."""
        return from_json_field(self.json, name, kind)

    @property
    def facts(self) -> dict[str, Any]:
        """The billing line, mismatch or other thing behind the row, parsed at each call."""
        return from_json(self.json)  # type: ignore[no-any-return]

    def has_fact(self, name: str) -> bool:
        """Return whether the row may have a fact of this name, without parsing its JSON."""
        return f'"{name}":'.encode() in self.json


class Keyed(Protocol):
    """Anything that is shown in a row of its own and has a key, such as a mismatch or a proposal."""

    @property
    def key(self) -> str:
        """The key of the row."""
        ...


K = TypeVar("K", bound=Keyed)


def store_rows(
    things: Sequence[K],
    cells: Callable[[K], Mapping[str, Value]],
    facts: Callable[[K], Mapping[str, Any]],
) -> dict[str, StoredRow]:
    """Make rows by key, with the values that each shows.

    A row's hidden JSON is built on demand, since a month's is large, and rows share their tuple of headers.
    """
    rows: dict[str, StoredRow] = {}
    known: dict[tuple[str, ...], tuple[str, ...]] = {}

    def json_of(number: int) -> bytes:
        return to_json(facts(things[number]))

    for number, thing in enumerate(things):
        shown = cells(thing)
        headers = tuple(shown)
        rows[thing.key] = StoredRow(
            known.setdefault(headers, headers), tuple(shown.values()), json_of, number
        )
    return rows


def _line_reader(packed: str, count: int, altered: WorkbookError) -> Callable[[int], bytes]:
    """Return a function that gives line *n* of a packed text, unpacking it on first use."""
    held = _Packed(packed)

    def line(number: int) -> bytes:
        try:
            lines = _lines_of(held)
        except (ValueError, zlib.error) as error:
            raise altered from error
        if len(lines) != count:
            raise altered
        return lines[number]

    return line


class _Packed(Struct, frozen=True, eq=False):  # two texts of megabytes are not compared at every line
    text: str


@lru_cache(maxsize=1)  # sheets are read one after the other, so only one is kept unpacked
def _lines_of(packed: _Packed) -> list[bytes]:
    return _unpacked(packed.text).split(b"\n")


class HiddenSheet(Struct, frozen=True):
    """The content of the hidden sheet: rows by the title of their sheet and by their key."""

    about: About
    rows: Mapping[str, Mapping[str, StoredRow]]


def write_hidden_sheet(content: HiddenSheet, lists: Mapping[str, Sequence[Value]]) -> list[Row]:
    """Make the rows of the hidden sheet, in the current format; `lists` go into its checksum."""
    # json escapes what a cell cannot hold, and what is no ASCII.
    texts = [(_ABOUT, json.dumps(to_plain(replace(content.about, format=FORMAT)), separators=(",", ":")))]
    for title, rows in content.rows.items():
        texts.append((title, _packed(_write_shown(rows))))
        texts.append((f"{_FACTS}{title}", _packed(row.json for row in rows.values())))
    texts.append((_CHECKSUM, _checksum(texts, lists)))
    return [
        Row(None, {0: title, **{1 + n: chunk for n, chunk in enumerate(_chunks(text))}})
        for title, text in texts
    ]


def _write_shown(rows: Mapping[str, StoredRow]) -> Iterator[bytes]:
    """Yield a line of headers, one of keys, and for each column its different values and their places."""
    of_rows = {row.headers for row in rows.values()}
    headers = tuple(dict.fromkeys(header for own in sorted(of_rows) for header in own))
    yield to_json(headers)
    yield to_json(tuple(rows))
    all_values = [
        row.values if row.headers == headers else tuple(map(row.shown.get, headers)) for row in rows.values()
    ]
    for column in zip(*all_values, strict=True):
        is_exact = _EXACT.issuperset(map(type, column))
        cells = column if is_exact else [_write_value(value) for value in column]
        places = {cell: place for place, cell in enumerate(dict.fromkeys(cells))}
        texts = [_write_value(value) for value in places] if is_exact else list(places)
        yield to_json([texts, [places[cell] for cell in cells]])


def _read_rows(text: str, facts: str, altered: WorkbookError, texts: dict[str, str]) -> dict[str, StoredRow]:
    """Read the rows of one sheet, by key: the shown values that `text` packs, and the `facts` on demand."""
    names, keys, *packed = map(from_json, _unpacked(text).split(b"\n"))
    headers = tuple(names)
    columns = [_all_at(_read_values(values, texts), places) for values, places in packed]
    shown = zip(*columns, strict=True) if columns else repeat((), len(keys))
    json_of = _line_reader(facts, len(keys), altered)
    return {
        key: StoredRow(headers, values, json_of, number)
        for number, (key, values) in enumerate(zip(keys, shown, strict=True))
    }


def _all_at(values: Sequence[Value], places: Sequence[int]) -> tuple[Value, ...]:
    """Return the value at each place; all at once, which takes a third of the time."""
    return itemgetter(*places)(values) if len(places) > 1 else tuple(values[place] for place in places)


def _packed(lines: Iterable[bytes]) -> str:
    """Compress lines into one text, a few at a time, since all together they take much memory."""
    packing = zlib.compressobj(_LEVEL)
    lines = iter(lines)
    data = []
    while some := list(islice(lines, _TOGETHER)):
        data.append(packing.compress(b"\n".join([*some, b""])))
    return base64.b64encode(b"".join([*data, packing.flush()])).decode()


def _unpacked(text: str) -> bytes:
    """Undo `_packed`; raises ValueError for a text that is not packed, or is too large to be."""
    opened = zlib.decompressobj()
    data = opened.decompress(base64.b64decode(text, validate=True), _MOST_BYTES)
    if not opened.eof:
        raise ValueError("cut off")
    return data.removesuffix(b"\n")


def read_hidden_sheet(
    grid: Sequence[Sequence[Value]],
    lists: Mapping[str, Sequence[Value]],
    name: str,
    texts: dict[str, str],
) -> HiddenSheet:
    """Read the hidden sheet again; raises WorkbookError where it was altered or is of a newer format.

    A text that recurs is one object: `texts` has those that are known already, and learns the others.
    """
    sealed = [
        (str(line[0]), "".join(str(cell) for cell in line[1:] if cell is not None))
        for line in grid[1:]
        if line and line[0] is not None
    ]
    about = next((text for title, text in sealed if title == _ABOUT), "")
    altered = WorkbookError(
        f"{name}: its hidden sheet was altered or is damaged, so nothing in it can be trusted.",
        "Go back to its backup, or export the month again into another file.",
    )
    try:
        facts = json.loads(about)
        if facts["format"] > FORMAT:
            raise WorkbookError(
                f"{name} was written by xlsync {facts.get('version')}, which is newer than this one.",
                "Update xlsync, then try again.",
            )
        if sealed[-1] != (_CHECKSUM, _checksum(sealed[:-1], lists)):
            raise altered
    except (ValueError, KeyError, TypeError, IndexError, zlib.error) as error:
        raise altered from error
    try:
        packed = {title: text for title, text in sealed[:-1] if title != _ABOUT}
        rows = {
            title: _read_rows(text, packed[f"{_FACTS}{title}"], altered, texts)
            for title, text in packed.items()
            if not title.startswith(_FACTS)
        }
        return HiddenSheet(from_plain(facts, About), rows)
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
        raise WorkbookError(  # intact, but of another format
            f"{name} was written by another xlsync ({facts.get('version')}) in a way this one does not read.",
            "Export the month again into another file.",
        ) from error


def is_same(cell: Value, shown: Value) -> bool:
    """Return whether a cell still holds the value that was written into it, or two shown values are one."""
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        cell = cell.date()
    match cell, shown:
        case (bool(), _) | (_, bool()):  # True equals 1 in Python
            return cell is shown
        case (Decimal() | int(), Decimal() | int()):
            return _AS_A_CELL.plus(Decimal(cell)) == _AS_A_CELL.plus(Decimal(shown))
        case str(), str():
            return cell == shown or _normalised(cell) == _normalised(clean_text(shown))
        case (dt.date() as day, (Decimal() | int()) as number) | (
            (Decimal() | int()) as number,
            dt.date() as day,
        ):
            # A number under a format of dates, or a date under one of numbers.
            stands_for = serial(day, from_1904=False)
            return stands_for is not None and abs(stands_for - number) < _PART_OF_A_DAY
        case None, "":
            return True
    return cell == shown


def _normalised(text: str) -> str:
    """Normalise line ends and outer blanks, which spreadsheet programs change."""
    return _with_one_line_end(text).strip()


def _with_one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _checksum(texts: Iterable[tuple[str, str]], lists: Mapping[str, Sequence[Value]]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update("\x1f".join(text).encode("utf-8", "surrogatepass") + b"\x1e")
    for header in sorted(lists):
        stripped = ["" if value is None else str(value).strip() for value in lists[header]]
        values = _with_one_line_end("\x1f".join(stripped).rstrip("\x1f"))
        digest.update(f"{header}\x1d{values}\x1e".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _chunks(text: str) -> Iterator[str]:
    return (text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK))


def _write_value(value: Value) -> str | None:
    """Encode a value as text whose first letter is its kind: text, number, date, moment, or boolean."""
    match value:
        case None:
            return None
        case str():
            return f"t{value}"
        case bool():
            return f"b{value:d}"
        case dt.datetime():
            return f"m{value.isoformat()}"
        case dt.date():
            return f"d{value.isoformat()}"
    return f"n{value}"


def _read_values(values: Iterable[str | None], texts: dict[str, str]) -> list[Value]:
    """Decode what `_write_value` made; a text that recurs is one object, which `texts` knows or learns."""
    one_of = texts.setdefault
    return [
        one_of(rest := value[1:], rest) if value is not None and value[:1] == "t" else _read_value(value)
        for value in values
    ]  # most are texts


def _read_value(text: str | None) -> Value:
    if text is None:
        return None
    kind, rest = text[:1], text[1:]
    match kind:
        case "n":
            return Decimal(rest)
        case "d":
            return dt.date.fromisoformat(rest)
        case "m":
            return dt.datetime.fromisoformat(rest)
        case "b":
            return rest == "1"
    raise ValueError(text)
