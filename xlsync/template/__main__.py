"""Command `python -m xlsync.template`: rewrite the workbook template."""

import sys
from pathlib import Path

from xlsync.template.build import build

Path(*sys.argv[1:2] or ["workbook_template.xlsx"]).write_bytes(build())
