"""Actions: every kind of intended write to ConnectWise, as it was approved. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Final, Self

from msgspec import Struct

from xlsync.amounts import counted_units, tell_cost
from xlsync.apply.action_base import NOTHING_SHOWN, ActionBase, Basis, ShownLabels, id_if_known, row_keys
from xlsync.apply.field_names import tell_field
from xlsync.apply.set_fields import SetFields
from xlsync.models import Addition
from xlsync.records import replace


class CreateCompany(ActionBase, frozen=True, kw_only=True):
    """A customer that ConnectWise lacks."""

    noun: ClassVar[str] = "Customer"

    key: str
    rows: tuple[str, ...]
    name: str
    identifier: str
    type_id: int | None = None
    address: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country_id: int | None = None

    @property
    def subject(self) -> str:
        """The name of the record in a sentence."""
        return f"customer {self.name}"

    def __str__(self) -> str:
        return f"create customer {self.name} [{self.identifier}]"


class CreateContact(ActionBase, frozen=True, kw_only=True):
    """A person at a customer; every agreement needs one."""

    noun: ClassVar[str] = "Contact"

    key: str
    rows: tuple[str, ...]
    company: int | str
    first_name: str
    last_name: str
    email: str = ""
    customer: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the actions that must have been done before."""
        return row_keys(self.company)

    def with_ids(self, ids: Mapping[str, int]) -> Self:
        """Return the action with ids of created records in place of their row keys."""
        return replace(self, company=id_if_known(self.company, ids))

    @property
    def subject(self) -> str:
        """The name of the record in a sentence."""
        name = " ".join(filter(None, (self.first_name, self.last_name)))
        return f"contact {name}{_of_customer(self.customer)}"

    def __str__(self) -> str:
        return f"create {self.subject}"


class CreateAgreement(ActionBase, frozen=True, kw_only=True):
    """A customer's agreement; `contact` is None where the company's default contact is taken."""

    noun: ClassVar[str] = "Agreement"

    key: str
    rows: tuple[str, ...]
    company: int | str
    contact: int | str | None
    name: str
    type_id: int
    billing_cycle_id: int | None = None
    start: dt.date | None = None
    customer: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the actions that must have been done before."""
        return row_keys(self.company, self.contact)

    def with_ids(self, ids: Mapping[str, int]) -> Self:
        """Return the action with ids of created records in place of their row keys."""
        contact = None if self.contact is None else id_if_known(self.contact, ids)
        return replace(self, company=id_if_known(self.company, ids), contact=contact)

    @property
    def subject(self) -> str:
        """The name of the record in a sentence."""
        return f"agreement {self.name}{_of_customer(self.customer)}"

    def __str__(self) -> str:
        return f"create {self.subject}"


def _of_customer(name: str) -> str:
    return f" for {name}" if name else ""


class CreateCatalogItem(ActionBase, frozen=True, kw_only=True):
    """A product that the catalog lacks; the marketplace's code becomes its mark."""

    noun: ClassVar[str] = "Product"

    key: str
    rows: tuple[str, ...]
    identifier: str
    description: str
    customer_description: str
    type_id: int
    subcategory_id: int
    price: Decimal | None = None
    cost: Decimal | None = None
    code: str = ""

    @property
    def subject(self) -> str:
        """The name of the record in a sentence."""
        return f"product {self.identifier}: {self.description}"

    def __str__(self) -> str:
        return f"create {self.subject}"


class Predecessor(Struct, frozen=True):
    """The addition that a new one succeeds, which gives it its unchanged fields.

    `key` is the key of the action that ends the old addition.
    """

    key: str
    addition: Addition


class CreateAddition(ActionBase, frozen=True, kw_only=True):
    """A product put on an agreement, or the successor of an addition that ends.

    `beside` are the ids of the product's additions at the time of approval: one that is not
    among them was created since. `monthly` is the price a month, `seen_price` the product's price as shown.
    `product` is for people; `contract_id` and `contract_name`, the name in the BSS, mark the addition.
    """

    noun: ClassVar[str] = "Addition"

    key: str
    rows: tuple[str, ...]
    agreement: int | str
    item: int | str
    quantity: Decimal
    unit_cost: Decimal | None
    effective: dt.date | None
    customer: str
    product: str
    contract_id: str = ""
    contract_name: str = ""
    beside: tuple[int, ...] = ()
    monthly: Decimal = Decimal(0)
    impact: Decimal = Decimal(0)  # money a month as on the sheet Mismatches, negative if less is billed
    succeeds: Predecessor | None = None
    seen_price: Decimal | None = None
    is_price_known: bool = True
    basis: Basis | None = None
    currency: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the actions that must have been done before."""
        ended = (self.succeeds.key,) if self.succeeds else ()
        return (*row_keys(self.agreement, self.item), *ended)

    @property
    def agreement_id(self) -> int | None:
        """The agreement whose additions the write touches; None while it is to be created."""
        return self.agreement if isinstance(self.agreement, int) else None

    @property
    def lane(self) -> int | str:
        """The agreement, by id or row key: its additions are written one after another."""
        return self.agreement

    @property
    def units(self) -> tuple[Decimal, Decimal]:
        """The units that are billed before and after."""
        return self.succeeds.addition.quantity if self.succeeds else Decimal(0), self.quantity

    @property
    def costs(self) -> tuple[Decimal, Decimal]:
        """The cost of a unit before and after; zero and zero where nothing is continued or none is given."""
        if self.succeeds is None or self.unit_cost is None:
            return Decimal(0), Decimal(0)
        return self.succeeds.addition.unit_cost or Decimal(0), self.unit_cost

    def with_ids(self, ids: Mapping[str, int]) -> Self:
        """Return the action with ids of created records in place of their row keys."""
        return replace(self, agreement=id_if_known(self.agreement, ids), item=id_if_known(self.item, ids))

    @property
    def subject(self) -> str:
        """The name of the record in a sentence."""
        return f"{self.product} for {self.customer}"

    def __str__(self) -> str:
        return f"create addition {self.subject}: {counted_units(self.quantity)}"


class Field(StrEnum):
    """The fields of an addition that may be changed; the values are ConnectWise's names."""

    QUANTITY = "quantity"
    UNIT_COST = "unitCost"

    @property
    def word(self) -> str:
        """The field's name in a sentence."""
        return "units" if self is Field.QUANTITY else "cost"

    def value_on(self, addition: Addition) -> Decimal | None:
        """Return the field's value on an addition."""
        return addition.quantity if self is Field.QUANTITY else addition.unit_cost


class Change(Struct, frozen=True):
    """A change of one field of an addition: the value when approved, and the new value."""

    field: Field
    seen: Decimal | None
    wanted: Decimal

    def __str__(self) -> str:
        seen = "none" if self.seen is None else tell_field(self.field, self.seen)
        return f"{self.field.word} {seen} -> {tell_field(self.field, self.wanted)}"


class UpdateAddition(ActionBase, frozen=True, kw_only=True):
    """New units or cost of one addition, as one request.

    `seen` is the addition as the approved rows showed it. `catalog_price` is the product's price that they
    showed, where units change and the addition has no price of its own.
    """

    key: str
    rows: tuple[str, ...]
    seen: Addition
    changes: tuple[Change, ...]
    customer: str
    product: str
    catalog_price: Decimal | None = None
    monthly: Decimal = Decimal(0)
    impact: Decimal = Decimal(0)  # money a month as on the sheet Mismatches, negative if less is billed
    is_price_known: bool = True
    basis: Basis | None = None

    @property
    def agreement_id(self) -> int:
        """The agreement whose additions the write touches."""
        return self.seen.agreement_id

    @property
    def lane(self) -> int:
        """The agreement: its additions are written one after another."""
        return self.seen.agreement_id

    @property
    def units(self) -> tuple[Decimal, Decimal]:
        """The units that are billed before and after; zero and zero where only the cost changes."""
        return self._change_of(Field.QUANTITY)

    @property
    def costs(self) -> tuple[Decimal, Decimal]:
        """The cost of a unit before and after; zero and zero where only the units change."""
        return self._change_of(Field.UNIT_COST)

    def _change_of(self, field: Field) -> tuple[Decimal, Decimal]:
        change = next((change for change in self.changes if change.field is field), None)
        return (change.seen or Decimal(0), change.wanted) if change else (Decimal(0), Decimal(0))

    @property
    def subject(self) -> str:
        """The name of the record in a sentence."""
        return f"{self.product} for {self.customer}"

    def __str__(self) -> str:
        return f"update {self.subject}: {', '.join(map(str, self.changes))}"


class CreateInvoice(ActionBase, frozen=True, kw_only=True):
    """The next invoice of an agreement, created by ConnectWise; date and amount as approved.

    `seen_last` is the number of the agreement's last invoice as the row knew it (empty: none, or not known).
    """

    noun: ClassVar[str] = "Invoice"

    key: str
    rows: tuple[str, ...]
    agreement: int
    seen_date: dt.date
    seen_amount: Decimal
    seen_last: str = ""
    customer: str
    name: str
    currency: str = ""
    labels: ShownLabels = NOTHING_SHOWN

    @property
    def invoiced(self) -> Decimal:
        """The amount that the write invoices."""
        return self.seen_amount

    @property
    def lane(self) -> str:
        """The row: an invoice waits for no other write."""
        return self.key

    @property
    def subject(self) -> str:
        """The name of the record in a sentence."""
        return f"invoice {self.name} of {self.customer}"

    def __str__(self) -> str:
        return f"{self.subject}: {tell_cost(self.seen_amount)} on {self.seen_date}"


Action = (
    CreateCompany
    | CreateContact
    | CreateAgreement
    | CreateCatalogItem
    | SetFields
    | CreateAddition
    | UpdateAddition
    | CreateInvoice
)

# The noun of each kind of creation, by the kind's name.
CREATED: Final = {
    kind.__name__: kind.noun
    for kind in (
        CreateCompany,
        CreateContact,
        CreateAgreement,
        CreateCatalogItem,
        CreateAddition,
        CreateInvoice,
    )
}

# The kinds in order of need: each comes after those that it may need.
ORDER: tuple[type[Action], ...] = (
    CreateCompany,
    CreateContact,
    CreateAgreement,
    CreateCatalogItem,
    SetFields,
    CreateAddition,
    UpdateAddition,
    CreateInvoice,
)


def kind_of(action: Action) -> str:
    """Return the name of an action's kind in the journal and in JSON."""
    return action.kind if isinstance(action, SetFields) else type(action).__name__
