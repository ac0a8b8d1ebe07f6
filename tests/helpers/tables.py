"""Small tables in a test's docstring: billing lines, agreements, additions, and what is expected of them.

Cells stand two or more blanks apart, `-` is an empty one. A table is known by its first header.

Where a table does not say otherwise a line is 1 unit of Contoso's Backup, contract S1, October, monthly,
in EUR, linked to agreement 1 and product 10, and an addition has no cost and a unit price of 10.
"""

from __future__ import annotations

import datetime as dt
import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from xlsync.amounts import tell_number
from xlsync.models import (
    Addition,
    Agreement,
    BillingLine,
    CatalogItem,
    Choice,
    Evidence,
    LineType,
    Link,
    Mismatch,
    Month,
)
from xlsync.reconcile.charges import Charge, last_day, read_charges
from xlsync.reconcile.mismatches import Findings, RowChoices, find_mismatches
from xlsync.reconcile.targets import Books

OCTOBER = Month(2026, 10)
COMPANY = 100  # of every agreement, where a table names no other
_PERIODS = {"monthly": 1, "quarterly": 3, "yearly": 12, "triennial": 36}
PRICE = Decimal(10)  # of every catalog item, where a table names no other
CYCLES = {1: "Monthly", 2: "BiMonthly", 3: "Quarterly", 12: "Yearly"}
PERIODS = {1: "Monthly", 3: "Quarterly", 12: "Annual"}

Row = Mapping[str, str]


def read_tables(text: str | None) -> dict[str, list[Row]]:
    """The tables of a docstring by their first header; `line  status` is the table `status`."""
    found: dict[str, list[Row]] = {}
    for block in re.split(r"\n\s*\n", inspect.cleandoc(text or "")):
        lines = [re.split(r" {2,}", line.strip()) for line in block.splitlines() if line.strip()]
        if not lines or (len(lines[0]) < 2 and " " in lines[0][0]):
            continue  # a sentence
        headers, *rows = lines
        name = "status" if headers == ["line", "status"] else headers[0]
        for row in rows:
            assert len(row) == len(headers), f"{row} does not fit {headers}"
        found[name] = [
            {header: "" if cell == "-" else cell for header, cell in zip(headers, row, strict=True)}
            for row in rows
        ]
    return found


def number(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def date(text: str) -> dt.date | None:
    """`2026-10-17`, or `10-17` of the same year."""
    if not text:
        return None
    return dt.date.fromisoformat(text if len(text) == 10 else f"2026-{text}")


def read_line(row: Row) -> BillingLine:
    """A line; its period ends, and its contract is one of its own, where the table does not say."""
    units = Decimal(row.get("units") or "1")
    cost = number(row.get("cost", ""))
    months = row.get("months", "1")
    type_ = LineType(row.get("type") or ("Credit" if units < 0 else "Recurring"))
    charge = LineType(row.get("charge") or ("Recurring" if type_ is LineType.CREDIT else type_))
    amount = row.get("amount", "")
    link = row.get("link", "1:10")
    start = date(row.get("from", "10-01"))
    end = date(row.get("to", ""))
    if end is None and start is not None and "to" not in row:
        end = last_day(start.replace(day=1), int(months or 1))
    return BillingLine(
        key=row["line"],
        invoice="I-1",
        type=type_,
        charge=charge,
        customer=row.get("customer", "Contoso"),
        product=row.get("product", "Backup"),
        contract_id=row.get("contract", "S1" if link == "1:10" else f"S-{link}"),
        addon_id=row.get("addon", ""),
        product_code=row.get("code", ""),
        units=units,
        cost=cost,
        amount=Decimal(amount) if amount else units * (cost or Decimal(0)),
        currency=row.get("currency", "EUR"),
        source=row.get("source", "bss"),
        billing_months=int(months) if months else None,
        billing_period=PERIODS.get(int(months), "") if months else "",
        start=start,
        end=end,
        unread=row.get("unread", ""),
    )


def read_link(text: str) -> Link:
    """`1:10` agreement and item, linked; `1:10?` only suggested; `1:-` without an item; `-:10`; empty.

    A word instead of a number is the row key of something to be created.
    """
    suggested = text.endswith("?")
    evidence = Evidence.SUGGESTED if suggested else Evidence.EXACT

    def part(text: str) -> Choice | None:
        if text in {"", "-"}:
            return None
        to: int | str = int(text) if text.isdigit() else text
        return Choice(to, evidence, 87 if suggested else None)

    agreement, _, item = text.removesuffix("?").partition(":")
    number_ = int(agreement) if agreement.isdigit() else 0
    return Link(company=part(str(COMPANY + number_ // 10 * 10)) if text else None, agreement=part(agreement),
                item=part(item))  # fmt: skip


def read_addition(row: Row) -> Addition:
    return Addition(
        id=int(row["addition"]),
        agreement_id=int(row.get("agreement") or 1),
        item_id=int(row.get("item") or 10),
        quantity=Decimal(row.get("quantity") or 0),
        less_included=Decimal(row.get("included") or 0),
        unit_price=number(row.get("price", "10")),
        unit_cost=number(row.get("cost", "")),
        effective=date(row.get("from", "2025-01-01")),
        cancelled=date(row.get("until", "")),
        contract_mark=row.get("mark", ""),
        bill_customer=row.get("billed", ""),
    )


def read_agreement(row: Row) -> Agreement:
    months = row.get("months", "1")
    id_ = int(row["agreement"])
    return Agreement(
        id=id_,
        name=f"Agreement {id_}",
        company_id=COMPANY + id_ // 10 * 10,
        billing_cycle=CYCLES.get(int(months), "") if months else "Not billed",
        billing_months=int(months) if months else None,
        currency=row.get("currency", "EUR"),
        start=date(row.get("from", "")),
        bill_start=date(row.get("bills", "")),
        end=date(row.get("ends", "")),
        next_invoice=date(row.get("next", "")),
        prorated=row.get("prorates", "") == "yes",
    )


@dataclass(frozen=True)
class Case:
    """What a docstring's tables hold, and what comes of them."""

    tables: Mapping[str, Sequence[Row]]
    lines: tuple[BillingLine, ...]
    charges: tuple[Charge, ...]
    links: Mapping[str, Link]
    books: Books
    findings: Findings

    def row(self, key: str) -> Mismatch:
        """The mismatch of that row key."""
        return next(mismatch for mismatch in self.findings.mismatches if mismatch.key == key)

    @property
    def explanation(self) -> str:
        """That of the only mismatch."""
        (only,) = self.findings.mismatches
        return only.explanation

    @property
    def found(self) -> object:
        """Mismatches and statuses that were found, in the columns that are expected, in their order."""
        expected = self.tables.get("mismatch", ())
        columns = list(expected[0]) if expected else ["mismatch", "key"]
        return (
            [tuple(shown(mismatch)[name] for name in columns) for mismatch in self.findings.mismatches],
            {row["line"]: str(self.findings.statuses[row["line"]]) for row in self.tables.get("status", ())},
        )

    @property
    def expected(self) -> object:
        """Mismatches and statuses as the docstring's tables have them."""
        return (
            [tuple(row.values()) for row in self.tables["mismatch"]],
            {row["line"]: row["status"] for row in self.tables.get("status", ())},
        )


def shown(mismatch: Mismatch) -> dict[str, str]:
    """A mismatch in words, for the columns of a table."""

    def told(value: Decimal | None) -> str:
        return "" if value is None else tell_number(value)

    return {
        "mismatch": str(mismatch.kind),
        "key": mismatch.key,
        "customer": mismatch.customer,
        "product": mismatch.product,
        "bss": told(mismatch.bss_units),
        "cw": told(mismatch.connectwise_units),
        "difference": told(mismatch.difference),
        "bss cost": told(mismatch.bss_cost),
        "cw cost": told(mismatch.connectwise_cost),
        "price": told(mismatch.unit_price),
        "impact": "" if mismatch.impact is None else str(mismatch.impact),
        "action": str(mismatch.action or ""),
        "begins": str(mismatch.begins or ""),
        "lines": " ".join(sorted(mismatch.line_keys)),
    }


def own_units(tables: Mapping[str, Sequence[Row]]) -> dict[str, Decimal | Exception]:
    """The table `contract  own`: the BSS's own quantities, or the error of a read that failed."""
    answers: dict[str, Decimal | Exception] = {}
    for row in tables.get("contract", ()):
        is_number = bool(re.fullmatch(r"-?\d+(\.\d+)?", row["own"]))
        answers[f"bss:{row['contract']}"] = Decimal(row["own"]) if is_number else ConnectionError(row["own"])
    return answers


def read_books(tables: Mapping[str, Sequence[Row]], links: Iterable[Link]) -> Books:
    """Agreements and items that are linked or named, and the additions of each agreement."""
    additions = [read_addition(row) for row in tables.get("addition", ())]
    agreements = {a.id: a for a in map(read_agreement, tables.get("agreement", ()))}
    items = {
        int(row["item"]): CatalogItem(
            id=int(row["item"]), identifier=f"P{row['item']}", description=f"Item {row['item']}",
            price=number(row.get("price", "")),
        )
        for row in tables.get("item", ())
    }  # fmt: skip
    used = {link.agreement.to for link in links if link.agreement} | {a.agreement_id for a in additions}
    for id_ in used:
        if isinstance(id_, int):
            agreements.setdefault(id_, read_agreement({"agreement": str(id_)}))
    for item in {link.item.to for link in links if link.item} | {a.item_id for a in additions}:
        if isinstance(item, int):
            items.setdefault(
                item,
                CatalogItem(id=item, identifier=f"P{item}", description=f"Item {item}", price=PRICE),
            )
    read: dict[int, Sequence[Addition] | Exception] = {
        id_: tuple(a for a in additions if a.agreement_id == id_) for id_ in agreements
    }
    for row in tables.get("failed", ()):
        read[int(row["failed"])] = ConnectionError(row["why"])
    known = tables.get("linked before", ())
    return Books(
        agreements=agreements,
        items=items,
        additions=read,
        prices={row["new"]: Decimal(row["price"]) for row in tables.get("new", ())},
        linked_items=frozenset(int(row["linked before"]) for row in known),
        periods={int(row["linked before"]): _PERIODS[row["billed"]] for row in known},
    )


def read_case(text: str | None) -> Case:
    """Read a docstring's tables and find its mismatches."""
    tables = read_tables(text)
    lines = tuple(map(read_line, tables.get("line", ())))
    links = {row["line"]: read_link(row.get("link", "1:10")) for row in tables.get("line", ())}
    charges = read_charges(lines, own_units(tables))
    books = read_books(tables, list(links.values()))
    ignored = frozenset(row["ignored"] for row in tables.get("ignored", ()))
    findings = find_mismatches(OCTOBER, lines, charges, links, books, RowChoices(ignored))
    return Case(tables, lines, charges, links, books, findings)
