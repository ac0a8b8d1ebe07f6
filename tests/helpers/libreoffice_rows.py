"""Rows that LibreOffice itself inserts and deletes, for formulas to be compared. Run by its own Python.

    libreoffice_rows.py PIPE BOOK < scenarios.json

Each scenario is a file to write, and steps: whether rows are inserted or deleted, at which row, how many.
"""

import json
import sys

import uno
from libreoffice_connection import end, open_desktop, open_hidden, value

SHEET = "Billing Lines"


def main(pipe, book):
    desktop = open_desktop(pipe)
    for target, steps in json.load(sys.stdin):
        document = open_hidden(desktop, book)
        rows = document.Sheets.getByName(SHEET).Rows
        for what, row, count in steps:
            (rows.insertByIndex if what == "insert" else rows.removeByIndex)(row, count)
        document.storeToURL(uno.systemPathToFileUrl(target), (value("FilterName", "Calc MS Excel 2007 XML"),))
        document.close(True)
    end(desktop)


main(*sys.argv[1:])
