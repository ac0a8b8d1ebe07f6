"""Make `workbook_template.xlsx`: styles, widths, headers and the Start page, with which all workbooks begin.

Run `python -m xlsync.template` after a change.
"""
