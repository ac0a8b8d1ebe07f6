"""xlsync: make ConnectWise PSA agreements agree with what the cloud distributor billed, in Excel.

A month of billing becomes a workbook in which every difference is a row; only approved rows are written.
"""

__version__ = "0.1.0"
