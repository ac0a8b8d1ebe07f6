"""Records as plain JSON values and back, without loss, objects of JSON text, and fingerprints. PURE."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import islice
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")
_LONGEST_NAME: Final = 60  # characters that are quoted of a field's name
_TOGETHER: Final = 100  # records written at once: all of a month take much memory
_ENCODER: Final = msgspec.json.Encoder()
_EXACT_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def to_plain(record: Any) -> Any:
    """Convert a frozen record to plain JSON values, without loss."""
    return msgspec.to_builtins(record)


def from_plain(plain: Any, kind: type[T]) -> T:
    """Convert plain JSON values back to a record of a kind; raises ValueError where they are of another."""
    return msgspec.convert(plain, kind)


def to_json(record: Any) -> bytes:
    """Convert a frozen record, or plain values that hold some, to JSON without loss."""
    try:
        return _ENCODER.encode(record)
    except UnicodeEncodeError:  # a lone surrogate, which JSON can escape and UTF-8 cannot hold
        return json.dumps(to_plain(record), separators=(",", ":")).encode()


def from_json(data: bytes | str) -> Any:
    """Convert JSON back to plain values; raises ValueError for anything else."""
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:  # also for a lone surrogate
        return json.loads(data)


class RepeatedField(ValueError):
    """A field that one object names twice with different values: nobody knows which of them holds."""


def read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its fields; raises RepeatedField where one stands in it with two values."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        for name, value in pairs:
            if value != fields[name]:
                raise RepeatedField(f"the field {name[:_LONGEST_NAME]!r} twice, with different values")
    return fields


def from_json_field(data: bytes, name: str, kind: type[T]) -> T:
    """Convert one field of a JSON object to a record; raises KeyError or ValueError where that cannot be."""
    try:
        decoder: msgspec.json.Decoder[Any] = _field_decoder(name, kind)  # type: ignore[arg-type]  # a class has a hash
        return decoder.decode(data).field  # type: ignore[no-any-return]
    except msgspec.DecodeError:  # also for a lone surrogate
        return from_plain(json.loads(data)[name], kind)


@cache
def _field_decoder(name: str, kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(msgspec.defstruct("Field", [("field", kind)], rename={"field": name}))


def fingerprint(*groups: Iterable[object]) -> str:
    """Return a SHA-256 digest of groups of records and plain values; their order matters."""
    digest = hashlib.sha256()
    for group in groups:
        left = iter(group)
        while some := list(islice(left, _TOGETHER)):
            digest.update(_exactly(some))
        digest.update(b"\x1d")
    return digest.hexdigest()


def _exactly(records: Sequence[object]) -> bytes:
    """Write records so that a number differs from its text; what is no JSON is written as Python does."""
    try:
        return _EXACT_ENCODER.encode(records)
    except (TypeError, ValueError, OverflowError):  # a path, a lone surrogate, a very large number
        return repr(records).encode("utf-8", "surrogatepass")
