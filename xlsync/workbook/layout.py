"""The layout of the workbook: sheets, headers in order, the lists behind the dropdowns, cells of *Start*.

The template is made from this module, and cells are written and found by it. It knows no system.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from xlsync.models import CREATE_NEW, ActionLabel, Evidence, MismatchKind
from xlsync.records import replace
from xlsync.xlsx.cells import letters

Kind = Literal["text", "units", "money", "date", "choice"]


class Column(Struct, frozen=True):
    """One column of a table: its header, what it holds, whether people edit it, its width in characters.

    `choices` is the formula of its dropdown for row 2: a defined name, or a choice among defined names.
    In a formula, `{Header}` stands for the cell of that column. Columns that are seldom needed form an
    outline group, which one click folds away.
    """

    header: str
    kind: Kind = "text"
    is_input: bool = False
    width: float = 14
    choices: str = ""
    prompt: str = ""
    wraps: bool = False
    is_seldom_needed: bool = False
    may_be_missing: bool = False  # in a workbook of an earlier version, which is read without it

    @property
    def is_key(self) -> bool:
        """Return whether the column holds the hidden keys by which xlsync knows its rows."""
        return self.header.endswith(" Key")


class Sheet(Struct, frozen=True):
    """One sheet with a table; `frozen` is the number of columns that stay visible on the left."""

    title: str
    table: str
    columns: tuple[Column, ...]
    frozen: int = 1

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers in order."""
        return tuple(column.header for column in self.columns)

    def index(self, header: str) -> int:
        """Return the 0-based column of a header in a workbook as xlsync writes it."""
        return self.headers.index(header)

    def choices(self, column: Column) -> str:
        """Return the formula of a column's dropdown for row 2, with the cells that it looks at."""
        return re.sub(r"\{([^}]+)\}", lambda named: f"${letters(self.index(named[1]))}2", column.choices)


def _input(
    header: str,
    kind: Kind = "choice",
    width: float = 14,
    choices: str = "",
    prompt: str = "",
    *,
    wraps: bool = False,
) -> Column:
    """Make a column that people may edit."""
    return Column(header, kind, is_input=True, width=width, choices=choices, prompt=prompt, wraps=wraps)


def _approve(done: str) -> Column:
    prompt = (
        f"Only rows with Yes are {done}. Choose Yes, over limit for a row that a limit of the settings "
        "stops, if it is right all the same."
    )
    return _input("Approve", "choice", 14, "xlsync_approve", prompt)


# The lists of agreements and actions are blocks, one for each customer or mismatch. A customer that is not
# in the list gets the first block, `(create new)`. Texts that may hold `*`, `?` or `~` are compared by `=`,
# since MATCH and COUNTIF look such texts up as patterns. Excel takes at most 255 characters.
_CUSTOMER = "IFERROR(MATCH(TRUE,INDEX(xlsync_customers={ConnectWise Customer},0),0),1)"
_AGREEMENTS = (
    f"OFFSET(xlsync_agreements,INDEX(xlsync_customer_first,{_CUSTOMER}),0,"
    f"INDEX(xlsync_customer_count,{_CUSTOMER}),1)"
)
_MISMATCH = "MATCH({Mismatch},xlsync_kinds,0)"
# In a row on which nothing can be written, or whose mismatch is not known, the list holds `Ignore` alone.
_ACTIONS = (
    f"IF(SUMPRODUCT(--(xlsync_held_rows={{Row Key}}))+ISNA({_MISMATCH}),xlsync_ignore,"
    f"OFFSET(xlsync_actions,INDEX(xlsync_kind_first,{_MISMATCH}),0,INDEX(xlsync_kind_count,{_MISMATCH}),1))"
)
_TYPES = (
    'IF({Kind}="Customer",xlsync_types_customer,'
    'IF({Kind}="Agreement",xlsync_types_agreement,xlsync_types_product))'
)

START: Final = "Start"
LISTS: Final = "Lists"
MEMORY: Final = "_xlsync"

BILLING_LINES: Final = Sheet(
    "Billing Lines",
    "BillingLines",
    (
        Column("Customer", width=20),
        Column("Product", width=27),
        Column("Units", "units", width=8),
        _input(
            "ConnectWise Customer",
            width=20,
            choices="xlsync_customers",
            prompt="The customer who is billed in ConnectWise.",
        ),
        _input(
            "ConnectWise Agreement",
            width=18,
            choices=_AGREEMENTS,
            prompt="Choose the customer first: the list then shows the agreements of that customer.",
        ),
        _input(
            "ConnectWise Product",
            width=26,
            choices="xlsync_products",
            prompt="The product's name in ConnectWise.",
        ),
        _input(
            "Match",
            width=20,
            choices="xlsync_match",
            prompt='If this says "suggested", it is only a suggestion. Choose "confirmed" to use it.',
        ),
        Column("Status", width=13),
        Column("Candidates", width=26),
        Column("Evidence", width=40, may_be_missing=True),
        Column("Cost", "money", width=12),
        Column("Amount", "money", width=13),
        Column("Currency", width=10),
        Column("Type", width=11),
        Column("Effective Date", "date", width=13),
        _input(
            "Note",
            "text",
            30,
            prompt='Your own note. If it begins with "free 2" (2 units are not billed) or "minimum 10" (bill '
            "at least 10), it is a rule for this contract until you clear it.",
            wraps=True,
        ),
        Column("Billing Period", width=13, is_seldom_needed=True),
        Column("Commitment Period", width=15, is_seldom_needed=True),
        Column("Contract ID", width=36, is_seldom_needed=True),  # as wide as a GUID
        Column("Invoice", width=16, is_seldom_needed=True),
        Column("Source", width=24, is_seldom_needed=True),
        Column("Line Key", width=9),
    ),
    frozen=2,
)

PICKED_HEADERS: Final = ("ConnectWise Customer", "ConnectWise Agreement", "ConnectWise Product", "Match")
"""The columns of *Billing Lines* that make a link."""

MISMATCHES: Final = Sheet(
    "Mismatches",
    "Mismatches",
    (
        _approve("written to ConnectWise"),
        Column("Customer", width=24),
        Column("Product", width=34),
        Column("Mismatch", width=20),
        Column("ConnectWise Units", "units", width=14),
        Column("BSS Units", "units", width=9),
        _input("New Units", "units", 9, prompt="The units to be billed. Empty: the BSS units."),
        Column("Monthly Impact", "money", width=12),
        Column("Explanation", width=60, wraps=True),
        _input("Action", width=17, choices=_ACTIONS, prompt="What Apply does once you approve the row."),
        _input(
            "Reason", "text", 30, prompt="Why the row is ignored: with a reason it stays ignored.", wraps=True
        ),
        _input("Until", "date", 13, prompt="With a reason: the last day or month of Ignore. Empty: always."),
        Column("Since", width=11),
        _input("New Cost", "money", 12, prompt="The unit cost to be entered. Empty: the BSS cost."),
        Column("BSS Cost", "money", width=12),
        Column("ConnectWise Cost", "money", width=14),
        _input(
            "Effective From",
            "date",
            13,
            prompt="Empty: the addition is changed in place. A date: it ends the day before, and a new one "
            "begins on that date. For Cancel addition: its last day; empty: the month's last.",
        ),
        Column("Result", width=40),
        Column("Candidates", width=40),
        Column("Agreement", width=24, is_seldom_needed=True),
        Column("Difference", "units", width=12, is_seldom_needed=True),
        Column("Unit Price", "money", width=12, is_seldom_needed=True),
        Column("Row Key", width=9),
    ),
    frozen=3,
)

_CHANGES: Final = (ActionLabel.UPDATE_UNITS, ActionLabel.UPDATE_COST, ActionLabel.CREATE_ADDITION)
WRITES: Final[Mapping[str, tuple[ActionLabel, ...]]] = {
    "New Units": _CHANGES,
    "New Cost": _CHANGES,
    "Effective From": (*_CHANGES, ActionLabel.CANCEL_ADDITION),
    "Approve": (*_CHANGES, ActionLabel.CANCEL_ADDITION),
}
"""The actions of *Mismatches* for which an input is read."""

NEW: Final = Sheet(
    "New in ConnectWise",
    "NewInConnectWise",
    (
        _approve("created in ConnectWise"),
        Column("Kind", width=11),
        _input("Name", "text", 26),
        Column("For", width=18),
        Column("Looks Like", width=18),
        _input("Identifier", "text", 15, prompt="Must be unique among customers, or among products."),
        _input("Type", width=12, choices=_TYPES),
        _input(
            "Category", width=18, choices="xlsync_categories", prompt="Category / Subcategory of a product."
        ),
        _input("Billing Cycle", width=11, choices="xlsync_billing_cycles"),
        _input("Start Date", "date", 12),
        _input("Price", "money", 10, prompt="What the customer pays for one unit. Enter 0 if it is free."),
        _input(
            "Contact First Name",
            "text",
            12,
            prompt="An agreement needs a contact: enter one here, or in the row of its new customer.",
        ),
        _input("Contact Last Name", "text", 12),
        _input("Contact Email", "text", 26),
        _input("Customer", width=26, choices="xlsync_customers", prompt="The customer of the agreement."),
        _input("Cost", "money", 11, prompt="What the distributor charges for one unit."),
        Column("Result", width=30),
        replace(_input("Address", "text", 24), is_seldom_needed=True),
        replace(_input("City", "text", 16), is_seldom_needed=True),
        replace(_input("State", "text", 10), is_seldom_needed=True),
        replace(_input("Zip", "text", 10), is_seldom_needed=True),
        replace(_input("Country", width=16, choices="xlsync_countries"), is_seldom_needed=True),
        Column("Row Key", width=9),
    ),
    frozen=3,
)
_ADDRESS: Final = frozenset({"Address", "City", "State", "Zip", "Country"})
_CONTACT: Final = frozenset({"Contact First Name", "Contact Last Name", "Contact Email"})
ASKED: Final[Mapping[str, frozenset[str]]] = {
    "Customer": frozenset({"Name", "Identifier", "Type"}) | _ADDRESS | _CONTACT,
    "Agreement": frozenset({"Name", "Customer", "Type", "Billing Cycle", "Start Date"}) | _CONTACT,
    "Product": frozenset({"Name", "Identifier", "Type", "Category", "Price", "Cost"}),
}
"""The inputs of *New in ConnectWise* that each kind needs; other cells of its rows are not read."""

INVOICES: Final = Sheet(
    "Invoices",
    "Invoices",
    (
        _approve("invoiced"),
        Column("Customer", width=30),
        Column("Agreement", width=28),
        Column("Next Invoice Date", "date", width=13),
        Column("Next Invoice Amount", "money", width=15),
        Column("BSS Amount", "money", width=14),
        Column("Margin", "money", width=13),
        Column("Unapplied Mismatches", "units", width=14),
        Column("Result", width=40),
        Column("Row Key", width=9),
    ),
    frozen=3,
)

TO_APPROVE: Final = (MISMATCHES, NEW, INVOICES)  # the sheets on which people approve rows
TABLES: Final = (BILLING_LINES, *TO_APPROVE)


class ListColumn(Struct, frozen=True):
    """One column of *Lists*: a header in row 1, entries from row 2, and the defined name over them.

    A block's name stands for its first cell only: its entries are found by offset and count.
    """

    header: str
    name: str = ""
    is_block: bool = False


LIST_COLUMNS: Final = (
    ListColumn("Customer", "xlsync_customers"),
    ListColumn("Company Id"),
    ListColumn("First Agreement", "xlsync_customer_first"),  # 0-based offset into the block of agreements
    ListColumn("Agreement Count", "xlsync_customer_count"),
    ListColumn("Agreement", "xlsync_agreements", is_block=True),
    ListColumn("Agreement Id"),
    ListColumn("Agreement Company Id"),
    ListColumn("Product", "xlsync_products"),
    ListColumn("Item Id"),
    ListColumn("Customer Type", "xlsync_types_customer"),
    ListColumn("Customer Type Id"),
    ListColumn("Agreement Type", "xlsync_types_agreement"),
    ListColumn("Agreement Type Id"),
    ListColumn("Product Type", "xlsync_types_product"),
    ListColumn("Product Type Id"),
    ListColumn("Category", "xlsync_categories"),
    ListColumn("Category Id"),
    ListColumn("Subcategory Id"),
    ListColumn("Billing Cycle", "xlsync_billing_cycles"),
    ListColumn("Billing Cycle Id"),
    ListColumn("Country", "xlsync_countries"),
    ListColumn("Country Id"),
    ListColumn("Match", "xlsync_match"),
    ListColumn("Approve", "xlsync_approve"),
    ListColumn("Mismatch", "xlsync_kinds"),
    ListColumn("First Action", "xlsync_kind_first"),
    ListColumn("Action Count", "xlsync_kind_count"),
    ListColumn("Action", "xlsync_actions", is_block=True),
    ListColumn("Month", "xlsync_months"),
    ListColumn("Held Row", "xlsync_held_rows"),
    ListColumn("Held Action", "xlsync_ignore"),
)

_OFFERED = {kind: ActionLabel.offered(kind) for kind in MismatchKind}
FIXED_LISTS: Final[Mapping[str, tuple[str | int, ...]]] = {
    "Match": (str(Evidence.CONFIRMED),),
    "Approve": ("Yes", "No", "Yes, over limit"),
    "Mismatch": tuple(map(str, MismatchKind)),
    "First Action": tuple(
        sum(len(_OFFERED[before]) for before in list(MismatchKind)[:index]) for index in range(len(_OFFERED))
    ),
    "Action Count": tuple(len(actions) for actions in _OFFERED.values()),
    "Held Action": (str(ActionLabel.IGNORE),),
    "Action": tuple(str(action) for actions in _OFFERED.values() for action in actions),
}
"""The columns of *Lists* that are the same in every month; the template holds them already."""
EMPTY_LISTS: Final[Mapping[str, tuple[str | int, ...]]] = {
    "Customer": (CREATE_NEW,),
    "First Agreement": (0,),
    "Agreement Count": (1,),
    "Agreement": (CREATE_NEW,),
    "Product": (CREATE_NEW,),
}
"""The first entries of the lists that the code fills; `(create new)` has one agreement, itself."""

START_CELLS: Final[Mapping[str, str]] = {
    "month": "C5",
    "environment": "C6",
    "exported_at": "C7",
    "checked_at": "C8",
    "no_link": "C10",
    "lines": "C11",
    "linked": "C12",
    "unlinked": "C13",
    "mismatches": "C16",
    "money_up": "C17",
    "money_down": "C18",
    "currency": "C19",
    "to_link": "C22",
    "to_create": "C25",
    "to_approve": "C31",
    "to_invoice": "C37",
    "money_of": "E5",
    "billed_of": "E42",
    "verdict": "B42",
    "notices": "B47",
}
"""The cells of *Start* by the names of their values.

`exported_at` and `checked_at` are texts, `currency` is a code such as EUR.
"""
FIRST_OPEN_NAMES: Final[Mapping[str, Sheet]] = {
    "xlsync_first_to_link": BILLING_LINES,
    "xlsync_first_to_create": NEW,
    "xlsync_first_to_approve": MISMATCHES,
    "xlsync_first_to_invoice": INVOICES,
}
"""Defined names for the first row that a step of *Start* is about: its link leads there."""
START_MISMATCH_CELLS: Final[Mapping[str, tuple[str, str, str]]] = {
    str(kind): (f"F{row}", f"G{row}", f"H{row}") for row, kind in enumerate(MismatchKind, start=6)
}
"""The cells of *Start* for each kind of mismatch: number of rows, money up, money down (negative)."""
START_BILLED_CELLS: Final[Mapping[str, tuple[str, str, str]]] = {
    label: (f"F{row}", f"G{row}", f"E{row + 1}" if label == "Unexplained" else f"H{row}")
    for row, label in enumerate(
        ("Invoices", "Lines", "Agrees", "Differs", "To link", "Not compared", "Ignored", "Unexplained"),
        start=43,
    )
}
"""*Where every cent went* on *Start*: lines, money, and money of other currencies as text.

Each other currency is a line of its text. The text about unexplained money also names invoices: it has the
whole line below its row.
"""
START_LINE: Final = 16.0  # points of a row of *Start* with one line of text
NEXT_LINE: Final = 13.0  # points of each line after the first
VERDICT_ROWS: Final = range(42, 46)  # rows of *Start* that the verdict takes
VERDICT_WIDTH: Final = 48.0  # digits that a line of the verdict has room for
START_NAMES: Final[Mapping[str, str]] = {
    "xlsync_month": f"{START}!$C$5",
    "xlsync_environment": f"{START}!$C$6",
}
