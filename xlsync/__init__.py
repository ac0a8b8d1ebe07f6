"""xlsync: make ConnectWise PSA agreements agree with what the cloud distributor billed, in Excel."""

__version__ = "0.1.0"
