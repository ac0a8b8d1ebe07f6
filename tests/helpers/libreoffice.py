"""A person's hand in LibreOffice: opens a workbook, picks dropdown entries, saves. Run by its own Python.

    office_hand.py PIPE FILE < picks.json > picked.json

Each pick is `[sheet, key, header, wanted]`: the row is found by its key, the cell by its header, and the
entry of the cell's own dropdown that holds `wanted` is entered, as a person picks it from the list.
"""

import json
import re
import sys

from libreoffice_connection import end, open_desktop, open_hidden


def used(sheet):
    cursor = sheet.createCursor()
    cursor.gotoEndOfUsedArea(False)
    return cursor.RangeAddress.EndColumn, cursor.RangeAddress.EndRow


def find(sheet, key, header):
    columns, rows = used(sheet)
    headers = [sheet.getCellByPosition(column, 0).String for column in range(columns + 1)]
    keys = next(n for n, text in enumerate(headers) if text in ("Line Key", "Row Key"))
    row = next(n for n in range(1, rows + 1) if sheet.getCellByPosition(keys, n).String == key)
    return sheet.getCellByPosition(headers.index(header), row)


def entries(cell):
    """What the dropdown of a cell offers: LibreOffice itself works out its formula, in a cell far away."""
    sheet = cell.Spreadsheet
    address = cell.CellAddress
    shift = address.Row - cell.Validation.getSourcePosition().Row  # the formula is that of another row
    formula = re.sub(
        r"(\$[A-Z]+)(\d+)", lambda at: f"{at[1]}{int(at[2]) + shift}", cell.Validation.getFormula1()
    )
    scratch = sheet.getCellRangeByPosition(900, address.Row, 900, address.Row + 400)
    scratch.setArrayFormula("=" + formula)
    found = [line[0] for line in scratch.getDataArray() if isinstance(line[0], str) and line[0]]
    scratch.setArrayFormula("")
    return list(dict.fromkeys(found))  # a single entry fills all of the array


def main(pipe, file):
    desktop = open_desktop(pipe)
    document = open_hidden(desktop, file)
    picked = []
    for title, key, header, wanted in json.load(sys.stdin):
        cell = find(document.Sheets.getByName(title), key, header)
        offered = entries(cell)
        entry = next((text for text in offered if wanted in text), None)
        if entry is None:
            sys.exit(f"{header} of {key} offers {offered}, not {wanted}")
        cell.String = entry
        picked.append({"entry": entry, "offered": offered})
    document.store()
    document.close(True)
    json.dump(picked, sys.stdout)
    end(desktop)


main(*sys.argv[1:])
