"""What stands on a thing that undo would take away: then it is left, and named."""

from __future__ import annotations

from collections.abc import Iterable, Set

from xlsync.apply.actions import Action, SetFields
from xlsync.apply.journal import Run
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome, State, outcome
from xlsync.connectwise.records import id_of
from xlsync.errors import ApiError


def find_use(action: Action, live: Live, own: Set[int], runs: Iterable[Run]) -> Outcome | None:
    """The outcome of an action that would take away what others use; `own` are the ids that the run made."""
    if not isinstance(action, SetFields) or action.kind != "Retire":
        return None
    path, _, number = action.path.rpartition("/")
    try:
        users = _find_users(path, int(number), live, own, runs)
    except ApiError as error:
        return outcome(action, State.SKIPPED, f"could not be looked up: {error.message}")
    if not users:
        return None
    return outcome(
        action, State.SKIPPED, f"{action.what}: it stays, since it is in use by {', '.join(users)}"
    )


def _find_users(path: str, id_: int, live: Live, own: Set[int], runs: Iterable[Run]) -> list[str]:
    match path:
        case "/finance/agreements":
            additions = live.connectwise.list_additions([id_])[id_]
            if isinstance(additions, ApiError):
                raise additions
            return [f"addition {a.id}" for a in additions if a.cancelled is None and a.id not in own]
        case "/company/contacts":
            asked = f"contact/id={id_} and cancelledFlag=False"
            records, _ = live.connectwise.list_records("/finance/agreements", fields="id", conditions=asked)
            return [f"agreement {one}" for r in records if (one := id_of(r, path)) not in own]
        case "/procurement/catalog":
            return [
                f"addition {write.id} of run {run.id}"
                for run in runs
                for write in run.writes
                if write.kind == "CreateAddition"
                and write.id is not None
                and write.id not in own
                and write.body.get("product", {}).get("id") == id_
            ]
    return []
