"""The contents of the sheets: cells by header for lines, mismatches, proposals, invoices and lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from decimal import Decimal
from functools import cached_property
from typing import Final

from msgspec import Struct, field

from xlsync.amounts import counted
from xlsync.billing.reports.summary import TableRead
from xlsync.models import (
    CREATE_NEW,
    UNLINKED,
    ActionLabel,
    BillingLine,
    Choice,
    Link,
    Lists,
    Mismatch,
    MismatchKind,
    Month,
    SetupTables,
    Status,
)
from xlsync.reconcile.billed import Billed, InvoiceTotal, account_for
from xlsync.reconcile.invoice_preview import NextInvoice
from xlsync.reconcile.mismatches import Findings
from xlsync.reconcile.past import LatestMonth
from xlsync.reconcile.proposals import Proposal, category_label
from xlsync.reconcile.targets import ComparedTarget
from xlsync.reconcile.verdict import Verdict, judge_month, tell_odd_totals
from xlsync.workbook.labels import Labels
from xlsync.workbook.layout import EMPTY_LISTS, FIXED_LISTS
from xlsync.xlsx.cells import Value, clean_text

Cells = dict[str, Value]


class Nearest(Struct, frozen=True):
    """The dropdown entries nearest to a line, and in words why each of them is near."""

    candidates: str = ""
    evidence: str = ""


NOTHING_NEAR: Final = Nearest()
NO_CANDIDATES: Final[Mapping[str, Nearest]] = {}


class Overview(Struct, frozen=True, kw_only=True, dict=True):
    """Everything that the workbook of a month shows."""

    month: Month
    environment: str
    by: str
    lines: tuple[BillingLine, ...]
    links: Mapping[str, Link]
    findings: Findings
    proposals: tuple[Proposal, ...]
    lists: Lists
    labels: Labels
    invoices: tuple[NextInvoice, ...] = ()
    compared: tuple[ComparedTarget, ...] = ()
    reports: tuple[TableRead, ...] = ()
    candidates: Mapping[str, Nearest] = field(default_factory=dict)  # by line key, as the sheets show them
    # Catalog items of this BSS's lines and of linked agreements' additions.
    used_items: Set[int] = frozenset()
    invoice_totals: tuple[InvoiceTotal, ...] | None = None  # None where the source has no totals
    incomplete: str = ""  # why the month is not billed completely yet
    targets: LatestMonth | None = None  # what a month of reports bills on each target, for months before it
    notices: tuple[str, ...] = ()

    @property
    def by_hand(self) -> dict[str, Decimal]:
        """The money that no write will bill, by currency."""
        sums: dict[str, Decimal] = {}
        for mismatch in self.open_mismatches:
            if mismatch.by_hand:
                sums[mismatch.currency] = sums.get(mismatch.currency, Decimal(0)) + mismatch.by_hand
        return sums

    @cached_property
    def billed(self) -> tuple[Billed, ...]:
        """The parts of the month's money, by currency."""
        return account_for(self.lines, self.findings.statuses, self.invoice_totals)

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict on the month: whether it is all clear, and why not."""
        findings = self.findings
        at_stake = sum(not mismatch.not_due for mismatch in self.open_mismatches)
        invoices = (total for total in self.invoice_totals or () if not total.is_report)
        doubts = [
            *self._tell_unbilled(),
            *dict.fromkeys(doubt for table in self.reports for doubt in table.doubts),
            *findings.doubts,
            *tell_odd_totals(invoices),
        ]
        return judge_month(
            self.lines,
            findings.statuses,
            findings.uncompared,
            at_stake,
            self.billed,
            self.incomplete,
            sum(table.other_months for table in self.reports),
            doubts,
        )

    def _tell_unbilled(self) -> Iterator[str]:
        """Say how many additions no line bills, where one of them is due: no line tells of them."""
        rows = [row for row in self.open_mismatches if row.kind is MismatchKind.ONLY_IN_CONNECTWISE]
        if not all(row.not_due for row in rows):
            yield f"{counted(len(rows), 'addition')} {'is' if len(rows) == 1 else 'are'} only in ConnectWise."

    @cached_property
    def currencies(self) -> dict[str, str]:
        """Each mismatch's currency by key: its lines', else its agreement's, else the most frequent."""
        lines = {line.key: line.currency for line in self.lines}
        agreements = {entry.id: entry.currency for entry in self.lists.agreements}
        known: dict[str, str] = {}
        for mismatch in self.findings.mismatches:
            own = next((lines[key] for key in mismatch.line_keys if lines.get(key)), "")
            agreement = mismatch.agreement if isinstance(mismatch.agreement, int) else 0
            known[mismatch.key] = own or agreements.get(agreement, "")
        usual = _most_frequent(lines.values()) or _most_frequent(known.values())
        return {key: currency or usual for key, currency in known.items()}

    @cached_property
    def main_currency(self) -> str:
        """The currency of *Start*: that of the most lines, else of the most rows."""
        of_lines = _most_frequent(line.currency for line in self.lines)
        return of_lines or _most_frequent(self.currencies.values())

    @cached_property
    def linked(self) -> int:
        """The number of lines whose link counts."""
        return sum(self.links[line.key].counts for line in self.lines)

    @cached_property
    def unlinked(self) -> int:
        """The number of lines that should be compared and have no link that counts."""
        return sum(status in UNLINKED for status in self.findings.statuses.values())

    @cached_property
    def no_link(self) -> int:
        """The number of lines that need no link: usage, one-time, ignored, or of an earlier period."""
        statuses = self.findings.statuses
        return sum(
            not self.links[line.key].counts and statuses[line.key] not in UNLINKED for line in self.lines
        )

    @cached_property
    def open_mismatches(self) -> tuple[Mismatch, ...]:
        """The mismatches that are not ignored."""
        return tuple(m for m in self.findings.mismatches if m.action is not ActionLabel.IGNORE)

    @property
    def mismatch_counts(self) -> dict[str, int]:
        """The number of rows of each kind of mismatch."""
        count = Counter(mismatch.kind for mismatch in self.open_mismatches)
        return {str(kind): count[kind] for kind in MismatchKind}


def _most_frequent(currencies: Iterable[str]) -> str:
    count = Counter(filter(None, currencies))
    return max(count, key=lambda currency: (count[currency], currency), default="")


def line_cells(
    line: BillingLine, link: Link, status: Status, labels: Labels, nearest: Nearest, reservation: str
) -> Cells:
    """Make the cells of a row of *Billing Lines*, except for its note.

    `reservation` says why the line is not compared, or only in part.
    """
    return {
        "Customer": line.customer,
        "Contract ID": line.contract_id or None,
        "Product": line.product or None,
        "Billing Period": line.billing_period or None,
        "Commitment Period": line.commitment_period or None,
        "Units": line.units,
        "Cost": line.cost,
        "Effective Date": line.start,
        "Amount": line.amount,
        "Currency": line.currency or None,
        "Type": str(line.type),
        "Invoice": line.invoice or None,
        "ConnectWise Customer": label_of(link.company, labels.companies),
        "ConnectWise Agreement": label_of(link.agreement, labels.agreements),
        "ConnectWise Product": label_of(link.item, labels.items),
        "Match": link.match or None,
        "Status": str(status),
        "Source": line.report or None,
        "Candidates": nearest.candidates or None,
        "Evidence": " · ".join(filter(None, (reservation, nearest.evidence))) or None,
        "Line Key": line.key,
    }


def label_of(choice: Choice | None, labels: Mapping[int, str]) -> str | None:
    """Return the dropdown entry of a choice; None where there is none."""
    if choice is None:
        return None
    return labels.get(choice.to) if isinstance(choice.to, int) else CREATE_NEW


def mismatch_cells(
    mismatch: Mismatch,
    labels: Labels,
    names: Mapping[str, str],
    candidates: Mapping[str, Nearest] = NO_CANDIDATES,
) -> Cells:
    """Make the cells of a row of *Mismatches*: ConnectWise's labels where linked, else the BSS's names.

    `names` are those of agreements still to be created, by row key: the BSS has none.
    `candidates` are those of its lines, by line key.
    """

    def shown(to: int | str | None, known: Mapping[int, str], otherwise: str) -> str | None:
        return (known.get(to, otherwise) if isinstance(to, int) else otherwise) or None

    cells: Cells = {
        "Customer": shown(mismatch.company, labels.companies, mismatch.customer),
        "Agreement": shown(mismatch.agreement, labels.agreements, names.get(str(mismatch.agreement), "")),
        "Product": shown(mismatch.item, labels.items, mismatch.product),
        "Mismatch": str(mismatch.kind),
        "BSS Units": mismatch.bss_units,
        "ConnectWise Units": mismatch.connectwise_units,
        "Difference": mismatch.difference,
        "BSS Cost": mismatch.bss_cost,
        "ConnectWise Cost": mismatch.connectwise_cost,
        "Unit Price": mismatch.unit_price,
        "Monthly Impact": mismatch.impact,
        "Action": None if mismatch.action is None else str(mismatch.action),
        "Reason": mismatch.reason or None,
        "Until": mismatch.until,
        "Since": mismatch.since or None,
        **_preset_inputs(mismatch),
        "Explanation": mismatch.explanation,
        "Candidates": None,
        "Row Key": mismatch.key,
    }
    if mismatch.kind is MismatchKind.NOT_LINKED:
        cells["Candidates"] = next(
            (candidates[key].candidates for key in mismatch.line_keys if key in candidates), None
        )
    return cells


def _preset_inputs(mismatch: Mismatch) -> Cells:
    """Make the input cells that the mismatch's action fills in; the others are empty."""
    units = cost = begins = None
    match mismatch.action:
        case ActionLabel.UPDATE_UNITS:
            units = mismatch.bss_units
        case ActionLabel.UPDATE_COST:
            cost = mismatch.bss_cost
        case ActionLabel.CREATE_ADDITION:
            units, cost, begins = mismatch.bss_units, mismatch.bss_cost, mismatch.begins
        case _:
            pass
    return {"New Units": units, "New Cost": cost, "Effective From": begins}


def proposal_cells(row: Proposal) -> Cells:
    """Make the cells of a row of *New in ConnectWise*."""
    return {
        "Kind": str(row.kind),
        "For": row.for_,
        "Name": row.name,
        "Identifier": row.identifier or None,
        "Customer": row.customer or None,
        "Type": row.type or None,
        "Category": row.category or None,
        "Billing Cycle": row.billing_cycle or None,
        "Start Date": row.start_date,
        "Price": row.price,
        "Cost": row.cost,
        "Address": row.address.address or None,
        "City": row.address.city or None,
        "State": row.address.state or None,
        "Zip": row.address.zip or None,
        "Country": row.address.country or None,
        "Contact First Name": None,
        "Contact Last Name": None,
        "Contact Email": row.address.email or None,
        "Looks Like": row.looks_like or None,
        "Row Key": row.key,
    }


def invoice_cells(row: NextInvoice, labels: Labels) -> Cells:
    """Make the cells of a row of *Invoices*."""
    return {
        "Customer": labels.companies.get(row.company or 0, row.customer),
        "Agreement": labels.agreements.get(row.agreement),
        "Next Invoice Date": row.date,
        "Next Invoice Amount": row.amount,
        "BSS Amount": row.bss_amount,
        "Margin": row.margin,
        "Unapplied Mismatches": row.mismatches,
        "Row Key": row.key,
    }


def list_columns(
    lists: Lists,
    labels: Labels,
    months: Sequence[Month],
    used_items: Set[int],
    held_rows: Iterable[str],
) -> dict[str, list[Value]]:
    """Make the columns of *Lists*: dropdown entries and the ids behind them; used products come first.

    `held_rows` are the keys of the rows of *Mismatches* on which nothing but `Ignore` can be chosen.
    """
    columns: dict[str, list[Value]] = {header: list(values) for header, values in FIXED_LISTS.items()}
    columns |= {header: list(values) for header, values in EMPTY_LISTS.items()}
    columns |= {
        "Company Id": [None],
        "Agreement Id": [None],
        "Agreement Company Id": [None],
        "Item Id": [None],
    }
    by_company: dict[int, list[int]] = {}
    for agreement in lists.agreements:
        by_company.setdefault(agreement.company_id, []).append(agreement.id)
    for company_id, label in _by_label(labels.companies):
        own = sorted(by_company.get(company_id, ()), key=lambda id_: labels.agreements[id_].casefold())
        columns["Customer"].append(label)
        columns["Company Id"].append(str(company_id))
        columns["First Agreement"].append(len(columns["Agreement"]))
        columns["Agreement Count"].append(len(own) + 1)
        columns["Agreement"] += [CREATE_NEW, *(labels.agreements[id_] for id_ in own)]
        columns["Agreement Id"] += [None, *map(str, own)]
        columns["Agreement Company Id"] += [str(company_id)] * (len(own) + 1)
    for item_id, label in sorted(_by_label(labels.items), key=lambda entry: entry[0] not in used_items):
        columns["Product"].append(label)
        columns["Item Id"].append(str(item_id))
    columns |= _setup_columns(lists.setup)
    columns["Month"] = [str(month) for month in months]
    columns["Held Row"] = list(held_rows)
    return columns


def _setup_columns(setup: SetupTables) -> dict[str, list[Value]]:
    """Make the columns of the tenant's setup tables: names for dropdowns, and the ids behind them."""
    columns: dict[str, list[Value]] = {}
    for header, table in (
        ("Customer Type", setup.company_types),
        ("Agreement Type", setup.agreement_types),
        ("Product Type", setup.product_types),
        ("Billing Cycle", setup.billing_cycles),
        ("Country", setup.countries),
    ):
        columns[header] = [clean_text(entry.name) for entry in table]
        columns[f"{header} Id"] = [str(entry.id) for entry in table]
    subcategories = sorted(setup.subcategories, key=lambda entry: category_label(entry).casefold())
    columns["Category"] = [clean_text(category_label(entry)) for entry in subcategories]
    columns["Subcategory Id"] = [str(entry.id) for entry in subcategories]
    return columns


def _by_label(labels: Mapping[int, str]) -> list[tuple[int, str]]:
    return sorted(labels.items(), key=lambda entry: (entry[1].casefold(), entry[0]))
