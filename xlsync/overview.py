"""What the sheets show of a month: cells by header, for lines, mismatches, proposals, lists and Start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from xlsync.cells import Value, clean_text
from xlsync.compared import Compared
from xlsync.creation import Proposal, category_label
from xlsync.invoices import NextInvoice
from xlsync.labels import Labels
from xlsync.lists import Lists
from xlsync.models import (
    CREATE_NEW,
    ActionLabel,
    BillingLine,
    Choice,
    Link,
    Mismatch,
    MismatchKind,
    Month,
    Status,
)
from xlsync.reconcile import Findings
from xlsync.sheets import EMPTY_LISTS, FIXED_LISTS

Cells = dict[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All that the workbook of a month shows."""

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
    compared: tuple[Compared, ...] = ()

    @property
    def linked(self) -> int:
        """Lines whose link counts."""
        return sum(self.links[line.key].counts for line in self.lines)

    @property
    def unlinked(self) -> int:
        """Lines that should be compared and have no link that counts."""
        waiting = (Status.NOT_LINKED, Status.CONFIRM_LINK)
        return sum(status in waiting for status in self.findings.statuses.values())

    @property
    def no_link(self) -> int:
        """Lines without a link that need none: usage, one-time, ignored, or of an earlier period."""
        waiting, statuses = (Status.NOT_LINKED, Status.CONFIRM_LINK), self.findings.statuses
        return sum(
            not self.links[line.key].counts and statuses[line.key] not in waiting for line in self.lines
        )

    @property
    def open_mismatches(self) -> tuple[Mismatch, ...]:
        """Those that nobody chose to ignore."""
        return tuple(m for m in self.findings.mismatches if m.action is not ActionLabel.IGNORE)

    @property
    def mismatch_counts(self) -> dict[str, int]:
        """How many rows of each mismatch there are."""
        count = Counter(mismatch.kind for mismatch in self.open_mismatches)
        return {str(kind): count[kind] for kind in MismatchKind}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an export or a check found: for people, programs and mail, and the file that holds it."""

    totals: Totals
    digest: str  # Markdown
    notices: tuple[str, ...]
    path: Path


def line_cells(line: BillingLine, link: Link, status: Status, labels: Labels) -> Cells:
    """A row of *Billing Lines*, without its note."""
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
        "Line Key": line.key,
    }


def label_of(choice: Choice | None, labels: Mapping[int, str]) -> str | None:
    """What a dropdown shows of a choice."""
    if choice is None:
        return None
    return labels.get(choice.to) if isinstance(choice.to, int) else CREATE_NEW


def mismatch_cells(mismatch: Mismatch, labels: Labels, names: Mapping[str, str]) -> Cells:
    """A row of *Mismatches* as it is offered; `names` are those of things still to be created."""

    def shown(to: int | str | None, known: Mapping[int, str], otherwise: str) -> str | None:
        if isinstance(to, int):
            return known.get(to, otherwise) or None
        return (names.get(to, otherwise) if to else otherwise) or None

    cells: Cells = {
        "Customer": shown(mismatch.company, labels.companies, mismatch.customer),
        "Agreement": shown(mismatch.agreement, labels.agreements, ""),
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
        "New Units": None,
        "New Cost": None,
        "Effective From": None,
        "Explanation": mismatch.explanation,
        "Row Key": mismatch.key,
    }
    match mismatch.action:
        case ActionLabel.UPDATE_UNITS:
            cells["New Units"] = mismatch.bss_units
        case ActionLabel.UPDATE_COST:
            cells["New Cost"] = mismatch.bss_cost
        case ActionLabel.CREATE_ADDITION:
            cells |= {
                "New Units": mismatch.bss_units,
                "New Cost": mismatch.bss_cost,
                "Effective From": mismatch.begins,
            }
        case _:
            pass
    return cells


def proposal_cells(row: Proposal) -> Cells:
    """A row of *New in ConnectWise* as it is proposed."""
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
        "Row Key": row.key,
    }


def invoice_cells(row: NextInvoice, labels: Labels) -> Cells:
    """A row of *Invoices*."""
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


def list_columns(lists: Lists, labels: Labels, months: Sequence[Month]) -> dict[str, list[Value]]:
    """The columns of *Lists*: what each dropdown shows, and the ids behind it."""
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
    for item_id, label in _by_label(labels.items):
        columns["Product"].append(label)
        columns["Item Id"].append(str(item_id))
    setup = lists.setup
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
    columns["Month"] = [str(month) for month in months]
    return columns


def _by_label(labels: Mapping[int, str]) -> list[tuple[int, str]]:
    return sorted(labels.items(), key=lambda entry: (entry[1].casefold(), entry[0]))


@dataclass(frozen=True, slots=True)
class KindMoney:
    """The open rows of one mismatch in one currency, with the money a month that they would bring or take."""

    kind: MismatchKind
    currency: str
    count: int
    up: Decimal
    down: Decimal


def mismatch_currencies(overview: Overview) -> dict[str, str]:
    """The currency of each mismatch's money: its lines', else its agreement's, else the most usual."""
    lines = {line.key: line.currency for line in overview.lines}
    agreements = {entry.id: entry.currency for entry in overview.lists.agreements}
    known: dict[str, str] = {}
    for mismatch in overview.findings.mismatches:
        own = next((lines[key] for key in mismatch.line_keys if lines.get(key)), "")
        agreement = mismatch.agreement if isinstance(mismatch.agreement, int) else 0
        known[mismatch.key] = own or agreements.get(agreement, "")
    usual = _usual(lines.values()) or _usual(known.values())
    return {key: currency or usual for key, currency in known.items()}


def with_currencies(overview: Overview) -> Overview:
    """The same, where several currencies meet with that of its money in the explanation of each row.

    *Not linked* names it beside the amount that was billed.
    """
    currencies = mismatch_currencies(overview)
    if len({*currencies.values(), *(line.currency for line in overview.lines)} - {""}) < 2:
        return overview

    def with_currency(mismatch: Mismatch) -> Mismatch:
        if mismatch.impact is None or mismatch.kind is MismatchKind.NOT_LINKED:
            return mismatch
        sentence = f" Its money is in {currencies[mismatch.key]}."
        explanation = mismatch.explanation.removesuffix(sentence)  # a row that was kept has it already
        return replace(mismatch, explanation=f"{explanation}{sentence}")

    told = tuple(map(with_currency, overview.findings.mismatches))
    return replace(overview, findings=replace(overview.findings, mismatches=told))


def _usual(currencies: Iterable[str]) -> str:
    count = Counter(filter(None, currencies))
    return max(count, key=lambda currency: (count[currency], currency), default="")


def mismatch_money(overview: Overview) -> tuple[KindMoney, ...]:
    """The open rows by mismatch and currency: money of two currencies is never added."""
    currencies = mismatch_currencies(overview)
    found: dict[tuple[MismatchKind, str], list[Decimal]] = {}
    for mismatch in overview.open_mismatches:
        impacts = found.setdefault((mismatch.kind, currencies[mismatch.key]), [])
        impacts.append(Decimal(0) if mismatch.impact is None else mismatch.impact)
    order = list(MismatchKind)
    return tuple(
        KindMoney(
            kind,
            currency,
            len(impacts),
            up=sum((i for i in impacts if i > 0), Decimal(0)),
            down=sum((i for i in impacts if i < 0), Decimal(0)),
        )
        for (kind, currency), impacts in sorted(found.items(), key=lambda e: (order.index(e[0][0]), e[0][1]))
    )


def _main_currency(overview: Overview) -> str:
    """The currency of *Start*: that of the most lines, else of the most rows."""
    return _usual(line.currency for line in overview.lines) or _usual(mismatch_currencies(overview).values())


def start_values(overview: Overview, exported_at: str) -> dict[str, Value]:
    """The values of *Start*, by the names of its cells; money of other currencies is told, not added."""
    main = _main_currency(overview)
    totals: dict[str, tuple[Decimal, Decimal]] = {main: (Decimal(0), Decimal(0))}
    of_month = Totals.of(overview)
    for money in of_month.money:
        up, down = totals.get(money.currency, (Decimal(0), Decimal(0)))
        totals[money.currency] = (up + money.up, down + money.down)
    offered = sum(row.action is not None for row in overview.open_mismatches)
    others = [f"{name} {up:+,.2f} / {down:+,.2f}" for name, (up, down) in totals.items() if name != main]
    apart = f" (apart: {', '.join(sorted(others))})" if others else ""
    return {
        "month": str(overview.month),
        "environment": overview.environment,
        "exported_at": exported_at,
        "lines": of_month.lines,
        "linked": of_month.linked,
        "unlinked": of_month.unlinked,
        "mismatches": len(overview.open_mismatches),
        "money_up": totals[main][0],
        "money_down": totals[main][1],
        "currency": f"{main}{apart}" or None,
        "to_link": f"{counted(of_month.unlinked, 'line')} to link",
        "to_create": f"{counted(len(overview.proposals), 'row')} proposed",
        "to_approve": f"{counted(offered, 'row')} can be written",
        "money_of": f"Money a month in {main}" if main else None,
        "no_link": tell_no_link(of_month.no_link) or None,
    }


def counted(number: int, what: str) -> str:
    """`1 line`, `2 lines`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def tell_no_link(number: int) -> str:
    """Why linked lines and lines to link are fewer than all; empty where they are not."""
    return f"{number:,} need{'s' if number == 1 else ''} no link" if number else ""


def start_mismatches(overview: Overview) -> dict[str, tuple[int, Decimal, Decimal]]:
    """Of each mismatch: all its rows, and money up and down in the currency of *Start*."""
    main = _main_currency(overview)
    counts = overview.mismatch_counts
    money = {entry.kind: entry for entry in mismatch_money(overview) if entry.currency == main}
    return {
        str(kind): (counts[str(kind)], money[kind].up, money[kind].down)
        if kind in money
        else (counts[str(kind)], Decimal(0), Decimal(0))
        for kind in MismatchKind
    }


def no_mismatch(lines: int) -> str:
    """What is said where there is no row: agreement is not claimed of what was never billed."""
    if not lines:
        return "No billing lines: nothing was compared."
    return "No mismatch: ConnectWise bills what the distributor billed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """A month in a few numbers: what commands and buttons tell of it."""

    month: str
    environment: str
    lines: int
    linked: int
    unlinked: int
    no_link: int = 0  # not known of a check that an older xlsync kept
    mismatches: Mapping[str, int]
    money: tuple[KindMoney, ...]

    @classmethod
    def of(cls, overview: Overview) -> Totals:
        """The totals of a month."""
        return cls(
            month=str(overview.month),
            environment=overview.environment,
            lines=len(overview.lines),
            linked=overview.linked,
            unlinked=overview.unlinked,
            no_link=overview.no_link,
            mismatches=overview.mismatch_counts,
            money=mismatch_money(overview),
        )

    @property
    def heading(self) -> str:
        """A month in one line."""
        counts = (
            counted(self.lines, "line"),
            f"{self.linked:,} linked",
            f"{self.unlinked:,} to link",
            tell_no_link(self.no_link),
        )
        return f"{self.month} · {self.environment}: {', '.join(filter(None, counts))}"
