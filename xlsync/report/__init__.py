"""The month in figures, for people who do not work in the workbook: a report workbook and a page as PDF."""
