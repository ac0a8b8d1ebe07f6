"""Command `python -m xlsync.template`: rewrite the workbook template."""

import sys
from pathlib import Path

from xlsync.template.build import main

main(Path(sys.argv[1]) if sys.argv[1:] else Path("workbook_template.xlsx"))
