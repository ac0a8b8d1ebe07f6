"""ConnectWise's query parameters: `conditions`, `childConditions`, `customFieldConditions`, `fields`
and `orderBy`.
"""  # noqa: D205

from __future__ import annotations

import datetime as dt
import operator
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

from xlsync.sandbox.sorting import sorter
from xlsync.sandbox.state import Record

Test = Callable[[Record], bool]

# Fields of references that a path may name after the slash.
REFERENCE_FIELDS: Final = frozenset(
    {"id", "identifier", "name", "symbol", "currencyCode", "type", "value", "caption", "communicationType"}
    | {"defaultFlag", "lastUpdated", "updatedBy", "_info"}
)
_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<moment>\[[^\]]*\])
    | (?P<number>-?\d+(?:\.\d+)?(?![\w/]))
    | (?P<sign><=|>=|!=|=|<|>)
    | (?P<mark>[(),])
    | (?P<word>[A-Za-z_]\w*(?:/[A-Za-z_]\w*)*)
    )""",
    re.VERBOSE,
)
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class BadQuery(Exception):
    """A query that ConnectWise answers with 400."""


class UnknownName(BadQuery):
    """A query that names a field which the resource does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not a recognized name.")


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise BadQuery(f"String was not recognized as a valid DateTime: {text}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _tokens(text: str) -> list[tuple[str, Any]]:
    tokens: list[tuple[str, Any]] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise BadQuery(f"Unexpected character at position {at}: {text[at : at + 20]}")
        kind, value = match.lastgroup, match[match.lastgroup]
        at = match.end()
        if kind == "string":
            tokens.append(("value", re.sub(r"\\(.)", r"\1", value[1:-1])))
        elif kind == "number":
            tokens.append(("value", Decimal(value)))
        elif kind == "moment":
            tokens.append(("value", _moment(value[1:-1])))
        elif kind == "word" and value.lower() in {"true", "false"}:
            tokens.append(("value", value.lower() == "true"))
        elif kind == "word" and value.lower() == "null":
            tokens.append(("value", None))
        elif kind == "word" and value.lower() in {"and", "or", "not", "in", "like", "contains"}:
            tokens.append(("keyword", value.lower()))
        else:
            tokens.append((kind, value))
    return tokens


def _values(record: Any, path: list[str]) -> Iterable[Any]:
    """Return the values under a path: one, or for an array those of its elements."""
    for step, name in enumerate(path):
        if isinstance(record, list):
            for element in record:
                yield from _values(element, path[step:])
            return
        record = record.get(name) if isinstance(record, dict) else None
    yield record


class _Parser:
    """A parser, by recursive descent, that turns a condition into a test of a record."""

    def __init__(self, text: str, known: frozenset[str], *, lists: bool, arrays: bool) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.known = known
        self.lists = lists
        self.arrays = arrays

    def parse(self) -> Test:
        test = self.either()
        if self.at < len(self.tokens):
            raise BadQuery(f"Unexpected {self.tokens[self.at][1]!r} in the conditions")
        return test

    def take(self, kind: str, *values: str) -> Any:
        """Take the next token if it is of a kind, and one of the values where some are given; else None."""
        if self.at < len(self.tokens):
            token_kind, value = self.tokens[self.at]
            if token_kind == kind and (not values or value in values):
                self.at += 1
                return value
        return None

    def need(self, kind: str, *values: str) -> Any:
        if self.at >= len(self.tokens):
            raise BadQuery("The conditions end too early")
        token_kind, value = self.tokens[self.at]
        if token_kind != kind or (values and value not in values):
            raise BadQuery(f"Unexpected {value!r} in the conditions")
        self.at += 1
        return value

    def either(self) -> Test:
        tests = [self.both()]
        while self.take("keyword", "or"):
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda record: any(test(record) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.take("keyword", "and"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda record: all(test(record) for test in tests)

    def one(self) -> Test:
        if self.take("keyword", "not"):
            test = self.one()
            return lambda record: not test(record)
        if self.take("mark", "("):
            test = self.either()
            self.need("mark", ")")
            return test
        return self.comparison()

    def comparison(self) -> Test:
        path = self.path(self.need("word"))
        turned = bool(self.take("keyword", "not"))
        keyword = self.take("keyword", "in", "like", "contains")
        if keyword == "in":
            if not self.lists:
                raise BadQuery("in is not supported here")
            return self.among(path, turned=turned)
        if keyword:
            text = self.need("value")
            if not isinstance(text, str):
                raise BadQuery(f"{keyword} needs a text")
            pattern = _like(text) if keyword == "like" else re.compile(".*" + re.escape(text) + ".*", _FLAGS)
            return self.test(
                path, lambda value: isinstance(value, str) and bool(pattern.fullmatch(value)), turned
            )
        if turned:
            raise BadQuery("not needs in, like or contains here")
        return self.compared(path, self.need("sign"), self.need("value"))

    def path(self, name: str) -> list[str]:
        path = name.split("/")
        if path[0] == "lastUpdated" and len(path) == 1:
            path = ["_info", "lastUpdated"]
        if path[0] not in self.known:
            raise UnknownName(name)
        if any(step not in REFERENCE_FIELDS for step in path[1:]):
            raise UnknownName(name)
        return path

    def test(self, path: list[str], accepts: Callable[[Any], bool], turned: bool = False) -> Test:
        if self.arrays:
            return lambda record: any(accepts(value) != turned for value in _values(record, path))
        if len(path) == 1:
            name = path[0]
            return lambda record: accepts(record.get(name)) != turned
        top, rest = path[0], path[1:]

        def of_reference(record: Record) -> bool:
            value = record.get(top)
            for name in rest:
                value = value.get(name) if isinstance(value, dict) else None
            return accepts(value) != turned

        return of_reference

    def among(self, path: list[str], *, turned: bool) -> Test:
        self.need("mark", "(")
        wanted = {_folded(self.need("value"))}
        while self.take("mark", ","):
            wanted.add(_folded(self.need("value")))
        self.need("mark", ")")
        return self.test(path, lambda value: _folded(value) in wanted, turned)

    def compared(self, path: list[str], sign: str, wanted: Any) -> Test:
        compare = _COMPARE[sign]
        if wanted is None:
            if sign not in {"=", "!="}:
                raise BadQuery("null can only be compared with = and !=")
            return self.test(path, lambda value: (value is None) == (sign == "="))
        if isinstance(wanted, dt.datetime):
            return self.test(path, lambda value: isinstance(value, str) and compare(_moment(value), wanted))
        if isinstance(wanted, bool):
            return self.test(path, lambda value: isinstance(value, bool) and compare(value, wanted))
        if isinstance(wanted, str):
            text = wanted.casefold()
            return self.test(path, lambda value: isinstance(value, str) and compare(value.casefold(), text))

        def of_number(value: Any) -> bool:
            if isinstance(value, (str, bool)):
                raise BadQuery(f"{'/'.join(path)} is not a number")
            return value is not None and compare(value, wanted)

        return self.test(path, of_number)


_FLAGS: Final = re.IGNORECASE | re.DOTALL


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _like(text: str) -> re.Pattern[str]:
    """Turn a pattern of `like` into a test: `*` and `%` stand for any text, `[[]` for a bracket."""
    pattern = "".join(
        ".*" if part in {"*", "%"} else re.escape("[" if part == "[[]" else part)
        for part in re.split(r"(\[\[\]|[*%])", text)
    )
    return re.compile(pattern, _FLAGS)


def parse_conditions(text: str, known: frozenset[str]) -> Test:
    """Turn `conditions` into a test of a record."""
    return _Parser(text, known | {"_info"}, lists=True, arrays=False).parse()


def parse_child_conditions(text: str, known: frozenset[str]) -> Test:
    """Turn `childConditions` into a test: some element of the named array meets them."""
    return _Parser(text, known, lists=False, arrays=True).parse()


def parse_custom_field_conditions(text: str) -> Test:
    """Turn `customFieldConditions` into a test: one custom field meets all of them."""
    test = _Parser(text, frozenset({"id", "caption", "value", "type"}), lists=False, arrays=False).parse()
    return lambda record: any(test(custom) for custom in record.get("customFields", ()))


def parse_order(text: str, known: frozenset[str]) -> Callable[[list[Record]], list[Record]]:
    """Turn `orderBy`, such as `name desc, id asc`, into a sorting function; empty values come first."""
    keys: list[tuple[list[str], bool]] = []
    for part in text.split(","):
        name, _, direction = part.strip().partition(" ")
        path = name.split("/")
        if path == ["lastUpdated"]:
            path = ["_info", "lastUpdated"]
        if (path[0] not in known and path[0] != "_info") or direction.strip().lower() not in {
            "",
            "asc",
            "desc",
        }:
            raise BadQuery(f"{part.strip()} is not an order")
        keys.append((path, direction.strip().lower() == "desc"))

    def value_of(record: Record, path: list[str]) -> Any:
        value = next(iter(_values(record, path)), None)
        return None if value is None else _folded(value)

    return sorter(keys, value_of)


def parse_fields(text: str, known: frozenset[str]) -> Callable[[Record], Record]:
    """Turn `fields` into a function that shortens a record: names, or `status/id` for part of a reference."""
    wanted: dict[str, list[str] | None] = {}
    for part in text.split(","):
        name, _, rest = part.strip().partition("/")
        if name not in known and name != "_info":
            raise BadQuery(f"{part.strip()} is not a field of this resource")
        parts = wanted.setdefault(name, [] if rest else None)
        if rest and parts is not None:
            parts.append(rest)
        elif not rest:
            wanted[name] = None

    def part_of(value: Any, names: list[str]) -> Any:
        if isinstance(value, list):
            return [part_of(element, names) for element in value]
        if not isinstance(value, dict):
            return value
        return {name: value[name] for name in names if name in value}

    def projected(record: Record) -> Record:
        return {
            name: record[name] if names is None else part_of(record[name], names)
            for name, names in wanted.items()
            if name in record
        }

    return projected
