"""A month from both systems: read, linked and compared, ready to be written into the month's workbook."""
