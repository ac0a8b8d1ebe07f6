"""Records as plain JSON values and back, without loss, and fingerprints of records. PURE."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")
_ENCODER: Final = msgspec.json.Encoder()


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


def from_json(data: bytes) -> Any:
    """Convert JSON back to plain values; raises ValueError for anything else."""
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:  # also for a lone surrogate
        return json.loads(data)


def fingerprint(*groups: Iterable[object]) -> str:
    """Return a SHA-256 digest of groups of records and plain values; their order matters."""
    digest = hashlib.sha256()
    encoders: dict[type, Callable[[object], object]] = {}
    for group in groups:
        for record in group:
            kind = type(record)
            encode = encoders.get(kind)
            if encode is None:
                names = [field.name for field in fields(kind)] if is_dataclass(kind) else []
                # the fields of a record in one step: much faster than the record's own repr
                encode = encoders[kind] = attrgetter(*names) if names else lambda value: value
            digest.update(repr(encode(record)).encode("utf-8", "surrogatepass") + b"\x1e")
        digest.update(b"\x1d")
    return digest.hexdigest()
