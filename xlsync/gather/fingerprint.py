"""One short text for many facts: two months with the same fingerprint were made of the same. PURE."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from operator import attrgetter


def fingerprint(*groups: Iterable[object]) -> str:
    """Of records and plain values, in the order in which they come."""
    digest = hashlib.sha256()
    told: dict[type, Callable[[object], object]] = {}
    for group in groups:
        for one in group:
            kind = type(one)
            tell = told.get(kind)
            if tell is None:
                names = [field.name for field in fields(kind)] if is_dataclass(kind) else []
                # the fields of a record in one step: much faster than the record's own repr
                tell = told[kind] = attrgetter(*names) if names else lambda value: value
            digest.update(repr(tell(one)).encode("utf-8", "surrogatepass") + b"\x1e")
        digest.update(b"\x1d")
    return digest.hexdigest()
