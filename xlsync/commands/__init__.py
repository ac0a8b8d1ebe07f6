"""Each command of xlsync without a terminal: settings and files go in, a result to show comes out.

The command line and the buttons in Excel both call these functions; nothing here prints or asks by itself.
"""
