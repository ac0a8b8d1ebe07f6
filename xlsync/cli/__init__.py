"""The command line."""

from xlsync.cli.root import app, main

__all__ = ["app", "main"]
