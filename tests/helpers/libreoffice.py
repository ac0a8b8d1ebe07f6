"""What tests ask a running LibreOffice to do with workbooks. Its own Python runs this program.

    libreoffice.py PIPE < orders > answers

An order is a line of JSON, with the name of a function below and what it is given; so is the answer: what the
function returned as `done`, or its error as `failed`.
"""

import json
import re
import sys
import time
import traceback
from contextlib import suppress

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException
from com.sun.star.lang import DisposedException

FORMATS = {"xlsx": "Calc MS Excel 2007 XML", "xls": "MS Excel 97", "ods": "calc8"}


def value(name, content):
    property_ = PropertyValue()
    property_.Name, property_.Value = name, content
    return property_


def open_desktop(pipe):
    """Return the desktop of the LibreOffice that waits at a pipe, once it has started."""
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    for _ in range(3000):
        try:
            context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except NoConnectException:
            time.sleep(0.1)
        else:
            return context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
    raise SystemExit("LibreOffice does not answer")


def open_hidden(desktop, file):
    """Open a file without a window."""
    return desktop.loadComponentFromURL(uno.systemPathToFileUrl(file), "_blank", 0, (value("Hidden", True),))


def save_as(document, file):
    """Save a document in the format that the file's ending names."""
    name = value("FilterName", FORMATS[file.rpartition(".")[2]])
    document.storeToURL(uno.systemPathToFileUrl(file), (name,))


def convert(desktop, source, target):
    """Save a workbook in another format, or again in its own."""
    document = open_hidden(desktop, source)
    save_as(document, target)
    document.close(True)


def move_rows(desktop, book, sheet, scenarios):
    """Insert and delete rows of a sheet, for each scenario in a copy of the workbook.

    A scenario is a file to write, and steps: what is done to rows, at which row, to how many.
    """
    for target, steps in scenarios:
        document = open_hidden(desktop, book)
        rows = document.Sheets.getByName(sheet).Rows
        for what, row, count in steps:
            (rows.insertByIndex if what == "insert" else rows.removeByIndex)(row, count)
        save_as(document, target)
        document.close(True)


def pick(desktop, file, picks):
    """Pick entries of dropdowns as a person does: sheet, row key, header, and what the entry holds.

    Returns each entry with all that its dropdown offers.
    """
    document = open_hidden(desktop, file)
    picked = []
    for title, key, header, wanted in picks:
        cell = find(document.Sheets.getByName(title), key, header)
        offered = entries(cell)
        entry = next((text for text in offered if wanted in text), None)
        if entry is None:
            raise LookupError(f"{header} of {key} offers {offered}, not {wanted}")
        cell.String = entry
        picked.append({"entry": entry, "offered": offered})
    document.store()
    document.close(True)
    return picked


def find(sheet, key, header):
    """Find a cell by its row's key and its header."""
    cursor = sheet.createCursor()
    cursor.gotoEndOfUsedArea(False)
    columns, rows = cursor.RangeAddress.EndColumn, cursor.RangeAddress.EndRow
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


def main(pipe):
    desktop = open_desktop(pipe)
    functions = {function.__name__: function for function in (convert, move_rows, pick)}
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = {"done": functions[order.pop("function")](desktop, **order)}
        except Exception:
            answer = {"failed": traceback.format_exc()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    with suppress(DisposedException):  # it may close the connection before it has answered
        desktop.terminate()


main(*sys.argv[1:])
