"""Copies of records: of frozen dataclasses, and of msgspec's structs.

A month has some records by the thousands. Those are structs, which C makes, compares, copies and writes as
JSON in a fraction of a dataclass's time; all others are frozen dataclasses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["replace"]

if TYPE_CHECKING:
    from dataclasses import replace  # so that mypy checks the names and kinds of the values
else:
    import dataclasses

    import msgspec

    def replace(record, /, **changes):
        """Return a copy of a record in which the named fields have other values."""
        if isinstance(record, msgspec.Struct):
            return msgspec.structs.replace(record, **changes)
        return dataclasses.replace(record, **changes)
