"""The buttons on Excel's ribbon: the add-in calls `main`, the tests call `press`."""

from xlsync.ribbon.buttons import main, press

__all__ = ["main", "press"]
