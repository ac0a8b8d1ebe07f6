"""Distributors' reports: a month's billing lines out of files, proven by the file itself or refused in words.

Stage by stage: `opening`, `code_pages`, `workbook_cells`, `xls`, `xlsb` and `opendocument` (a file's cells);
`tables` and `chosen_tables` (headers and rows); `columns` with `meanings` and `layouts` (what headers mean);
`column_checks` (columns that must not be left unread); `raw_values` and `table_values` with `values`,
`numbers`, `dates` and `currencies` (cells as values); `rows`, `row_columns` and `row_checks` (charges,
totals, problems); `kinds`, `discounts`, `unsigned_credits`, `lines`, `line_names`, `billed_by_days` and
`charges` (lines); `proof`, `table_proof`, `proven_prices`, `unread_money` and `totals` (figures against each
other); `joined_files` (several files);
`doubts` (why the month is not all clear). `reading` runs all of them, `summary` tells of the result.
"""
