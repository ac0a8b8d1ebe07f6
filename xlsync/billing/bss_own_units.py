"""The BSS's own quantity of a subscription or an add-on, where the month's billing does not tell it. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from xlsync.billing.bss_answers import Json, entries_of, number_of, odd, part, whole
from xlsync.errors import ApiError
from xlsync.models import BillingLine

_ENDED: Final = frozenset({"cancelled", "canceled", "inactive"})


def path_of(line: BillingLine) -> str:
    """Where the BSS tells of a line's contract: of the subscription, or of its add-ons."""
    return f"api/subscriptions/{quote(line.contract_id, safe='')}" + ("/addons" if line.addon_id else "")


def own_units_of(line: BillingLine, answer: Any) -> Decimal | ApiError:
    """The quantity in what the BSS answered about a line's contract."""
    if isinstance(answer, ApiError):
        return answer
    what = "subscription"
    if line.addon_id:
        what = "add-on"
        addons = entries_of(answer)
        addons = [one for one in addons if isinstance(one, Mapping)] if isinstance(addons, list) else []
        # whether a line names the add-on itself or its product is not known
        own = [one for one in addons if str(one.get("id")) == line.addon_id]
        own = own or [one for one in addons if _product_id(one) in (line.addon_id, line.product_id)]
        own = [one for one in own if _status(one) not in _ENDED] if len(own) > 1 else own
        if len(own) != 1:
            return odd(path_of(line), f"it tells of {len(own)} add-ons {line.product}")
        answer = own[0]
    if not isinstance(answer, Mapping) or number_of(answer.get("quantity")) is None:
        return odd(path_of(line), f"the {what} has no quantity")
    if _status(answer) in _ENDED:
        return odd(path_of(line), f"the {what} is {answer.get('status')}")
    return whole(Decimal(answer["quantity"]))


def _product_id(addon: Json) -> str:
    return str(part(addon, "product").get("id") or "?")


def _status(thing: Json) -> str:
    return str(thing.get("status") or "").casefold()
