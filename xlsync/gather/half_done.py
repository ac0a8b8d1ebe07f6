"""Changes from a date on that are half done: the addition has ended, its successor is not there yet. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from xlsync.apply.actions import CreateAddition
from xlsync.models import Addition, Mismatch, MismatchKind
from xlsync.reconcile.mismatches import Findings
from xlsync.records import replace
from xlsync.workbook.edits.approvals import RowEdits

HALF_DONE = "It has ended, and its successor is not there yet: apply creates it."


def keep_half_done(
    findings: Findings, rows: RowEdits, additions: Mapping[int, Sequence[Addition] | Exception]
) -> Findings:
    """Restore approved rows whose addition has ended and whose successor was not created.

    A run was interrupted between the two: the approved row replaces the one that would offer
    a new addition without the old one's fields; so does each of several contracts of a product.
    """
    half_done: dict[str, Mismatch] = {}
    targets: set[tuple[int | str | None, int | str | None]] = set()
    for action in rows.actions:
        if not isinstance(action, CreateAddition) or action.succeeds is None or action.effective is None:
            continue
        held = additions.get(action.succeeds.addition.agreement_id, ())
        if isinstance(held, Exception):
            continue
        ended = next((a for a in held if a.id == action.succeeds.addition.id), None)
        is_ended = ended is not None and ended.cancelled == action.effective - dt.timedelta(days=1)
        if not is_ended or _is_created(action, held):
            continue
        half_done |= {key: _explain(rows.mismatches[key]) for key in action.rows}
        targets.add((action.agreement, action.item))
    others = (
        mismatch
        for mismatch in findings.mismatches
        if (mismatch.agreement, mismatch.item) not in targets
        or mismatch.kind is MismatchKind.ONLY_IN_CONNECTWISE
    )
    return replace(findings, mismatches=(*half_done.values(), *others))


def _is_created(action: CreateAddition, held: Sequence[Addition]) -> bool:
    from xlsync.apply.kinds.additions import judge_creation  # noqa: PLC0415 - few checks meet such a change

    return judge_creation(action, held) is not None


def _explain(mismatch: Mismatch) -> Mismatch:
    if mismatch.is_half_done:
        return mismatch
    return replace(mismatch, is_half_done=True, explanation=f"{HALF_DONE} {mismatch.explanation}")
