"""Desktop Excel: building the add-in; reading and writing workbooks that are open in it, through xlwings."""
