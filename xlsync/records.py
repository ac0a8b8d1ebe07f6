"""Copies of records, of which nearly all are frozen structs of msgspec.

C makes structs, compares, copies and writes them as JSON in a fraction of a dataclass's time. A class of
structs takes a fiftieth of the time to load, which every command begins with. Frozen dataclasses are the few
records of which a field does not count in comparisons or hashes, those that hold a secret and are not
printed, and the handlers of actions, which stand below an abstract class.
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
