"""Distributors' reports: a month's billing lines out of files, proven by the file itself or refused in words.

One module a stage: `opening` (file kinds, code pages), `workbook_cells` (what Excel files say beside their
values), `tables` (headers, rows), `columns` with `layouts` (which header means what), `numbers` and `dates`
(values), `kinds` (words for kinds of charge), `lines` (sign, period, cost), `proof` (units × cost = amount,
totals), `reading` (all of them in order) and `summary` (what people and programs are told).
"""
