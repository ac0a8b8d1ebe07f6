"""The names and values of ConnectWise's fields in messages. PURE."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from xlsync.amounts import tell_cost, tell_number

FIELDS: Final = {  # names of ConnectWise's fields in messages
    "quantity": "units",
    "unitCost": "cost",
    "unitPrice": "price",
    "cancelledDate": "ends",
    "effectiveDate": "begins",
    "cancelledFlag": "cancelled",
    "inactiveFlag": "inactive",
    "firstName": "first name",
    "lastName": "last name",
    "addressLine1": "address",
    "types": "type",
    "subcategory": "category",
    "customerDescription": "customer description",
    "billingCycle": "billing cycle",
    "startDate": "start date",
}


def tell_field(name: str, number: Decimal) -> str:
    """Write the number of a ConnectWise field: money with two decimals, units without."""
    return tell_cost(number) if name in {"unitCost", "unitPrice"} else tell_number(number)
