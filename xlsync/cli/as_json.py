"""The JSON objects that commands print with `--json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlsync.amounts import plain_cost
from xlsync.apply.ledger import Written
from xlsync.apply.plan import LOST, Outcome, State
from xlsync.apply.runs import Run
from xlsync.links.memory import RememberedLink
from xlsync.links.store import Imported
from xlsync.plain_json import to_plain
from xlsync.reconcile.billed import Billed, Fate
from xlsync.reconcile.rules import Rule
from xlsync.workbook.totals import MonthResult, Totals

if TYPE_CHECKING:  # few commands make a report
    from xlsync.report.figures import FigureGroup
    from xlsync.report.month import Report


def month(result: MonthResult, requests: Mapping[str, int], seconds: float) -> dict[str, Any]:
    """Make the object of export and check."""
    totals = result.totals
    return {
        "month": totals.month,
        "workbook": str(result.path),
        "environment": totals.environment,
        "lines": totals.lines,
        "linked": totals.linked,
        "unlinked": totals.unlinked,
        "mismatches": dict(totals.mismatches),
        "complete": totals.is_complete,
        "all_clear": totals.verdict.all_clear,
        "billed": {of_currency.currency: _billed(of_currency) for of_currency in totals.billed},
        "money": _money(totals),
        "notices": list(result.notices),
        "reports": [table.as_json() for table in result.reports],
        "requests": dict(requests),
        "seconds": Decimal(str(round(seconds, 3))),
    }


def _money(totals: Totals) -> dict[str, dict[str, str | None]]:
    """Make the object of the money at stake, of every currency that is billed or at stake."""
    nothing = {of_currency.currency: (Decimal(0), Decimal(0)) for of_currency in totals.billed}
    at_stake = nothing | totals.at_stake
    return {
        currency: {"more": _amount(more), "less": _amount(less)}
        for currency, (more, less) in sorted(at_stake.items())
    }


def _billed(billed: Billed) -> dict[str, str | None]:
    """Make the object of the money of one currency."""
    parts = {str(fate).casefold().replace(" ", "_"): _amount(billed.parts[fate].amount) for fate in Fate}
    return {
        "invoices": _amount(billed.invoices),
        "lines": _amount(billed.lines.amount),
        **parts,
        "unexplained": _amount(billed.unexplained),
    }


def _amount(amount: Decimal | None) -> str | None:
    """Write money as text with at least two decimals."""
    return None if amount is None else plain_cost(amount)


def applied(run_id: str, path: Path, environment: str, results: Sequence[Outcome]) -> dict[str, Any]:
    """Make the object of apply, undo and invoice."""
    count = Counter(result.state for result in results)
    states = (State.DONE, State.ALREADY, *LOST)
    return {
        "run": run_id,
        "workbook": str(path),
        "environment": environment,
        **{str(state): count[state] for state in states},
        "actions": [
            {
                "key": result.key,
                "kind": result.kind,
                "state": str(result.state),
                "detail": result.detail,
                "id": result.id,
            }
            for result in results
        ],
    }


def run(record: Run) -> dict[str, Any]:
    """Make the object of a run."""
    names = ("key", "kind", "what", "at", "path", "was", "body", "state", "detail", "id")
    return {
        "run": record.id,
        "number": record.number,
        "at": record.at,
        "who": record.who,
        "command": record.command,
        "environment": record.environment,
        "month": record.month,
        "workbook": record.workbook,
        "finished": record.is_finished,
        "writes": [{name: getattr(write, name) for name in names} for write in record.writes],
    }


def report(figures: Report, path: Path, pdf: Path | None) -> dict[str, Any]:
    """Make the object of a month's figures."""
    return {
        "month": figures.month,
        "environment": figures.environment,
        "report": str(path),
        "pdf": None if pdf is None else str(pdf),
        "totals": [_group(total) for total in figures.totals],
        "customers": [_group(group, "customer") for group in figures.customers],
        "products": [_group(group, "product") for group in figures.products],
        "mismatches": [
            {"mismatch": str(k.kind), "currency": k.currency, "rows": k.count, "up": k.up, "down": k.down}
            for k in figures.kinds
        ],
        "ignored": figures.ignored,
        "all_clear": figures.verdict.all_clear,
        "verdict": figures.verdict.text,
        "billed": {of_currency.currency: _billed(of_currency) for of_currency in figures.billed},
        "by_hand": {currency: _amount(amount) for currency, amount in figures.by_hand_sums.items()},
        "created": dict(figures.created),
        "writes": [written(write) for write in figures.writes],
    }


def _group(group: FigureGroup, name: str = "") -> dict[str, Any]:
    figures = group.figures
    return {
        **({name: group.name, "linked": group.is_linked} if name else {}),
        "currency": group.currency,
        "lines": figures.lines,
        "billed": figures.billed,
        "monthly": figures.monthly,
        "before": figures.before,
        "after": figures.after,
        "found": figures.found,
        "revenue": figures.revenue,
        "cost": figures.cost,
        "margin": figures.margin,
        "open": figures.open,
        "up": figures.up,
        "down": figures.down,
        "unpriced": figures.unpriced,
    }


def written(write: Written) -> dict[str, Any]:
    """Make the object of one write."""
    names = ("at", "who", "run", "command", "kind", "what", "before", "after", "state", "detail", "id")
    return {name: getattr(write, name) for name in names} | {"taken_back": write.is_taken_back}


def link(link: RememberedLink) -> dict[str, Any]:
    """Make the object of a remembered link."""
    remembered = link.link
    return {
        "kind": str(link.kind),
        "key": link.key,
        "names": to_plain(remembered.names),
        "company_id": remembered.company_id,
        "agreement_id": remembered.agreement_id,
        "item_id": remembered.item_id,
        "by_period": {str(agreement.months): agreement.id for agreement in remembered.by_period},
        "emptied": list(remembered.emptied),
        "evidence": str(remembered.evidence),
        "when": remembered.when.isoformat() if remembered.when else None,
        "workbook": remembered.workbook,
    }


def imported(result: Imported[Any]) -> dict[str, Any]:
    """Make the object of imported links or rules."""
    return {
        "added": len(result.added),
        "known": len(result.unchanged),
        "replaced": len(result.replaced),
        "conflicts": [str(conflict.imported) for conflict in result.conflicts],
    }


def rule(rule: Rule) -> dict[str, Any]:
    """Make the object of a rule."""
    return {
        "kind": str(rule.kind),
        "scope": str(rule.scope),
        "about": rule.about,
        "customer": rule.customer,
        "product": rule.product,
        "units": rule.units,
        "until": str(rule.until) if rule.until else None,
        "reason": rule.reason,
        "when": rule.when,
        "workbook": rule.workbook,
    }
