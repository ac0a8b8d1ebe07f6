"""The words of the field, frozen: what xlsync reads from both systems, decides and writes.

Units and money are `Decimal`; `None` is absent and never zero. Other packages import all names from here.
"""

from xlsync.models.billing import Account, BillingLine, LineType, billing_period_in, is_unique, split_key
from xlsync.models.connectwise import (
    Addition,
    Agreement,
    CatalogItem,
    Company,
    Lists,
    Recap,
    Setup,
    SetupTables,
)
from xlsync.models.links import CREATE_NEW, Choice, Evidence, Link, Target
from xlsync.models.mismatches import UNLINKED, ActionLabel, Mismatch, MismatchKind, Status
from xlsync.models.month import By, Month, Progress

__all__ = [
    "CREATE_NEW",
    "UNLINKED",
    "Account",
    "ActionLabel",
    "Addition",
    "Agreement",
    "BillingLine",
    "By",
    "CatalogItem",
    "Choice",
    "Company",
    "Evidence",
    "LineType",
    "Link",
    "Lists",
    "Mismatch",
    "MismatchKind",
    "Month",
    "Progress",
    "Recap",
    "Setup",
    "SetupTables",
    "Status",
    "Target",
    "billing_period_in",
    "is_unique",
    "split_key",
]
