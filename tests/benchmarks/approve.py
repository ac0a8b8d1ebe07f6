"""Say Yes to rows of *Mismatches*: `python -m tests.benchmarks.approve FILE COUNT`."""

from __future__ import annotations

import sys
from pathlib import Path

from xlsync.workbook.layout import MISMATCHES
from xlsync.xlsx.package import Package


def approve(path: Path, count: int, into: Path) -> tuple[str, ...]:
    """Approve so many rows of differing units; the keys of all of them."""
    package = Package.open(path)
    rows = [
        (number, str(line[MISMATCHES.index("Row Key")]))
        for number, line in enumerate(package.grid(MISMATCHES.title))
        if line[MISMATCHES.index("Mismatch")] == "Units differ"
    ][:count]
    if len(rows) < count:
        raise SystemExit(f"only {len(rows)} changes to apply")
    column = MISMATCHES.index("Approve")
    package.change_cells(MISMATCHES.title, {(number, column): "Yes" for number, _ in rows})
    package.save(into)
    return tuple(key for _, key in rows)


if __name__ == "__main__":
    approve(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[1]))
