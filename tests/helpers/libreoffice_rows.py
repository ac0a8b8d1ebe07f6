"""Rows that LibreOffice itself inserts and deletes, for formulas to be compared. Run by its own Python.

    libreoffice_rows.py PIPE BOOK < scenarios.json

Each scenario is a file to write, and steps: whether rows are inserted or deleted, at which row, how many.
"""

import json
import sys
import time

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException

SHEET = "Billing Lines"


def value(name, content):
    property_ = PropertyValue()
    property_.Name, property_.Value = name, content
    return property_


def connect(pipe):
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    for _ in range(600):
        try:
            return resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except NoConnectException:
            time.sleep(0.1)  # until LibreOffice has started
    raise SystemExit("LibreOffice does not answer")


def main(pipe, book):
    context = connect(pipe)
    desktop = context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
    for target, steps in json.load(sys.stdin):
        document = desktop.loadComponentFromURL(
            uno.systemPathToFileUrl(book), "_blank", 0, (value("Hidden", True),)
        )
        rows = document.Sheets.getByName(SHEET).Rows
        for what, row, count in steps:
            (rows.insertByIndex if what == "insert" else rows.removeByIndex)(row, count)
        document.storeToURL(uno.systemPathToFileUrl(target), (value("FilterName", "Calc MS Excel 2007 XML"),))
        document.close(True)
    desktop.terminate()


main(*sys.argv[1:])
