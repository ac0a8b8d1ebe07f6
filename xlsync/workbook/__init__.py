"""The month's workbook: its layout, how it is written and renewed, and how it is read back.

The package `edits` reads what people decided in it; computed cells are never read back.
"""
