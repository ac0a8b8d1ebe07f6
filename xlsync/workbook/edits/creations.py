"""Creations: read the approved rows of *New in ConnectWise* as actions, and collect all problems. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from decimal import Decimal
from typing import Final

from msgspec import Struct, field

from xlsync.apply.actions import CreateAgreement, CreateCatalogItem, CreateCompany, CreateContact
from xlsync.apply.plan import is_carried_out
from xlsync.connectwise.records import folded
from xlsync.errors import Notice, Problem
from xlsync.models import CREATE_NEW, BillingLine
from xlsync.reconcile.proposals import (
    DESCRIPTION_LENGTH,
    ITEM_IDENTIFIER_LENGTH,
    CreationKind,
    Proposal,
    new_agreement_key,
    new_customer_key,
    new_product_key,
)
from xlsync.records import replace
from xlsync.workbook.edits.cells import read_amount, read_approve, read_day
from xlsync.workbook.labels import LabelDirectory, label_key
from xlsync.workbook.layout import BILLING_LINES, NEW
from xlsync.workbook.read import Book, SheetRow

CreationAction = CreateCompany | CreateContact | CreateAgreement | CreateCatalogItem
_LENGTHS: Final = {
    "Address": 50,
    "City": 50,
    "State": 50,
    "Zip": 12,
}  # longest texts (OpenAPI description, Company)
_AGREEMENT_NAME: Final = 100
_NUMBERS_AND_DATES: Final = frozenset({"Approve", "Price", "Cost", "Start Date"})  # each tells its formula
_ASKING: Final = {  # a new customer has no agreement yet
    "ConnectWise Customer": (new_customer_key, new_agreement_key),
    "ConnectWise Agreement": (new_agreement_key,),
    "ConnectWise Product": (new_product_key,),
}


class NewRows(Struct, frozen=True):
    """The approved rows of *New in ConnectWise*: actions, problems, and the prices of all rows by key.

    `asked` is what each approved row asks for, by row key. `contacts` are the keys of all rows that name a
    contact, `customers` the customers that people entered, by row key.
    """

    actions: tuple[CreationAction, ...]
    problems: tuple[Problem, ...]
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    asked: Mapping[str, str] = field(default_factory=dict)
    contacts: Set[str] = frozenset()
    customers: Mapping[str, str] = field(default_factory=dict)


def read_new_rows(book: Book, *, identifier_length: int, name_length: int) -> NewRows:
    """Read every approved row of *New in ConnectWise*, and the prices of all rows, approved or not."""
    reader = _Reader(book, identifier_length, name_length)
    rows = book.rows[NEW.title]
    proposals = {row.key: row.fact("proposal", Proposal) for row in rows}
    approved = [row for row in rows if read_approve(row, reader.problems)]
    customers = {row.key: row for row in approved if proposals[row.key].kind is CreationKind.CUSTOMER}
    prices: dict[str, Decimal] = {}
    for row in rows:
        price = read_amount(row, "Price", reader.problems)
        if price is not None:
            prices[row.key] = price
    actions: list[CreationAction] = []
    for row in approved:
        reader.refuse_formulas(row)
        match proposals[row.key].kind:
            case CreationKind.CUSTOMER:
                actions += reader.customer(row)
            case CreationKind.AGREEMENT:
                actions += reader.agreement(row, proposals[row.key], customers)
            case CreationKind.PRODUCT:
                actions += reader.product(row, proposals[row.key])
    reader.refuse_twice(approved, proposals)
    reader.refuse_doubles(approved, proposals)
    actions = reader.join_contacts(actions, {row.key: row for row in approved})
    asked = {row.key: _tell_asked(row) for row in approved}
    contacts = {row.key for row in rows if _names_contact(row)}
    return NewRows(
        actions=tuple(actions),
        problems=tuple(reader.problems),
        prices=prices,
        notices=tuple(reader.notices),
        asked=asked,
        contacts=contacts,
        customers={row.key: row.text("Customer") for row in rows if row.is_edited("Customer")},
    )


def _tell_asked(row: SheetRow) -> str:
    """Write down what a row asks for, so that a repeated approval is recognised."""
    headers = (c.header for c in NEW.columns if c.is_input and c.header != "Approve")
    return "; ".join(f"{header} {row.text(header)}" for header in headers if row.text(header))


class _Reader:
    """Reader that turns rows into actions and collects problems."""

    def __init__(self, book: Book, identifier_length: int, name_length: int) -> None:
        self.directory = LabelDirectory(book.lists)
        self.month = book.month
        self.identifier_length = identifier_length
        self.name_length = name_length
        self.asked_for = _asked_for(book)
        self.with_formula: set[str] = set()  # cells of which it was told that a formula stands there
        self.problems: list[Problem] = []
        self.notices: list[Notice] = []

    def refuse_formulas(self, row: SheetRow) -> None:
        """Refuse formulas in input cells: no formula's value is read for a write, none counts as empty."""
        for column in NEW.columns:
            header = column.header
            if column.is_input and header in row.formulas and header not in _NUMBERS_AND_DATES:
                self._add_problem(row, header, "a formula stands here", "enter a text")

    def customer(self, row: SheetRow) -> list[CreationAction]:
        """Read the creation of a company, and of its contact where one is named."""
        name = self._needed(row, "Name", self.name_length)
        identifier = self._identifier(row, self.identifier_length)
        address = {header: self._short(row, header, length) for header, length in _LENGTHS.items()}
        country = self._chosen(row, "Country", "Country")
        if not any(address.values()) and country is None:
            self._add_problem(
                row, "Address", "a customer needs an address", "fill in Address, City or Country"
            )
        company = CreateCompany(
            key=row.key,
            rows=(row.key,),
            name=name,
            identifier=identifier,
            type_id=self._chosen(row, "Type", "Customer Type"),
            address=address["Address"],
            city=address["City"],
            state=address["State"],
            zip=address["Zip"],
            country_id=country,
        )
        contact = self._contact(row, row.key, name)
        return [company, contact] if contact else [company]

    def agreement(
        self, row: SheetRow, proposal: Proposal, customers: Mapping[str, SheetRow]
    ) -> list[CreationAction]:
        """Read the creation of an agreement, and of its contact where one is named."""
        company: int | str | None
        customer = row.text("Customer")
        contact_key: str | None = None
        if _is_new_customer(row):
            company = proposal.source
            new_customer = customers.get(proposal.source)
            customer = new_customer.text("Name") if new_customer else ""
            if new_customer is None:
                self._add_problem(
                    row,
                    "Customer",
                    "its customer is to be created, but the customer's row has no Yes",
                    "approve the customer too, or choose one that exists",
                )
            elif _names_contact(new_customer):
                contact_key = contact_of(proposal.source)
            elif not _names_contact(row):
                self._add_problem(
                    row, "Contact First Name", "an agreement needs a contact", "fill in Contact First Name"
                )
        else:
            company = self._chosen(row, "Customer", "Customer", is_needed=True)
        own = self._contact(row, company, customer) if company is not None else None
        type_id = self._chosen(row, "Type", "Agreement Type", is_needed=True)
        name = self._needed(row, "Name", _AGREEMENT_NAME)
        cycle = self._chosen(row, "Billing Cycle", "Billing Cycle")
        start = read_day(row, "Start Date", self.month, self.problems)
        if company is None or type_id is None:
            return []
        agreement = CreateAgreement(
            key=row.key,
            rows=(row.key,),
            company=company,
            contact=own.key if own else contact_key,
            name=name,
            type_id=type_id,
            billing_cycle_id=cycle,
            start=start,
            customer=customer,
        )
        return [own, agreement] if own else [agreement]

    def product(self, row: SheetRow, proposal: Proposal) -> list[CreationAction]:
        """Read the creation of a catalog item; its full name goes to the customer description."""
        name = self._needed(row, "Name", DESCRIPTION_LENGTH)
        identifier = self._identifier(row, ITEM_IDENTIFIER_LENGTH)
        type_id = self._chosen(row, "Type", "Product Type", is_needed=True)
        subcategory = self._chosen(row, "Category", "Category", is_needed=True)
        problems: list[Problem] = []
        price = read_amount(row, "Price", problems)  # its problem is among those of all rows already
        if price is None and not problems:
            self.notices.append(
                Notice(row.where("Price"), "no price, so it will be billed at nothing; enter 0 if it is free")
            )
        cost = read_amount(row, "Cost", self.problems)
        if type_id is None or subcategory is None:
            return []
        return [
            CreateCatalogItem(
                key=row.key,
                rows=(row.key,),
                identifier=identifier,
                description=name,
                customer_description=name if row.is_edited("Name") else proposal.whole_name,
                type_id=type_id,
                subcategory_id=subcategory,
                price=price,
                cost=cost,
                code=proposal.code,
            )
        ]

    def refuse_twice(self, rows: Sequence[SheetRow], proposals: Mapping[str, Proposal]) -> None:
        """Refuse two rows that would create the same thing."""
        seen: dict[tuple[str, str], SheetRow] = {}
        for row in rows:
            kind = proposals[row.key].kind
            if kind is CreationKind.AGREEMENT:
                source = proposals[row.key].source if _is_new_customer(row) else ""
                header, same = "Name", f"{row.text('Customer')}|{source}|{row.text('Name')}"
            else:
                header, same = "Identifier", " ".join(row.text("Identifier").split())
            first = seen.setdefault((kind, same.casefold()), row)
            if first is not row and same:
                self._add_problem(
                    row,
                    header,
                    f"{row.text(header)!r} stands in row {first.number + 1} too",
                    "enter another, or approve only one of them",
                )

    def refuse_doubles(self, rows: Iterable[SheetRow], proposals: Mapping[str, Proposal]) -> None:
        """Refuse rows that look like an existing record, unless a line asks to create them all the same."""
        for row in rows:
            like = proposals[row.key].looks_like
            is_done = is_carried_out(row.text("Result"))
            if like and row.key not in self.asked_for and not is_done:
                self._add_problem(
                    row,
                    "Approve",
                    f"it looks like what ConnectWise has already: {like}",
                    "choose or confirm that on its billing line, or choose (create new) there to create it",
                )

    def join_contacts(
        self, actions: Iterable[CreationAction], rows: Mapping[str, SheetRow]
    ) -> list[CreationAction]:
        """Join contacts of one name at one company into one action."""
        first: dict[tuple[int | str, str], CreateContact] = {}
        same: dict[str, str] = {}
        others: list[CreationAction] = []
        for action in actions:
            if not isinstance(action, CreateContact):
                others.append(action)
                continue
            name = folded(f"{action.first_name} {action.last_name}")
            one = first.setdefault((action.company, name), action)
            if one is action:
                others.append(action)
                continue
            if one.email and action.email and one.email.casefold() != action.email.casefold():
                self._add_problem(
                    rows[action.rows[0]],
                    "Contact Email",
                    f"the same contact has another e-mail address in row {rows[one.rows[0]].number + 1}",
                    "enter the same in both, or clear one",
                )
            same[action.key] = one.key
            joined = replace(one, rows=(*one.rows, *action.rows), email=one.email or action.email)
            first[action.company, name] = joined
        joined_by_key = {row.key: row for row in first.values()}
        return [
            replace(action, contact=same.get(str(action.contact), action.contact))
            if isinstance(action, CreateAgreement)
            else joined_by_key.get(action.key, action)
            for action in others
        ]

    def _contact(self, row: SheetRow, company: int | str, customer: str) -> CreateContact | None:
        if not _names_contact(row):
            return None
        first = row.text("Contact First Name")
        if not first:
            self._add_problem(row, "Contact First Name", "a contact needs a first name", "fill it in")
        email = self._short(row, "Contact Email", 250)
        if email and ("@" not in email or any(sign.isspace() for sign in email)):
            self._add_problem(
                row, "Contact Email", f"{email!r} is not an e-mail address", "mend it, or clear it"
            )
        return CreateContact(
            key=contact_of(row.key),
            rows=(row.key,),
            company=company,
            first_name=self._short(row, "Contact First Name", 30),
            last_name=self._short(row, "Contact Last Name", 30),
            email=email,
            customer=customer,
        )

    def _identifier(self, row: SheetRow, length: int) -> str:
        """Read an identifier on one line, as ConnectWise keeps it and looks it up."""
        return " ".join(self._needed(row, "Identifier", length).split())

    def _needed(self, row: SheetRow, header: str, length: int) -> str:
        if not row.text(header):
            self._add_problem(row, header, f"{header} is empty", "fill it in")
            return ""
        return self._short(row, header, length)

    def _short(self, row: SheetRow, header: str, length: int) -> str:
        """Read a text for ConnectWise: the full original where the person left the proposal as it was."""
        shown = row.stored.showed(header)
        text = row.text(header) if row.is_edited(header) or shown is None else str(shown).strip()
        if len(text) > length:
            self._add_problem(row, header, f"{header} has {len(text)} characters", f"shorten it to {length}")
        return text

    def _chosen(self, row: SheetRow, header: str, dropdown: str, *, is_needed: bool = False) -> int | None:
        """Read the id of the entry that a cell names; what it names amiss is a problem."""
        text = row.text(header)
        if not text:
            if is_needed:
                self._add_problem(row, header, f"{header} is empty", "choose an entry of the list")
            return None
        id_ = self.directory.ids(dropdown).get(label_key(text))
        if id_ is None:
            what = self.directory.tell_unknown(dropdown, text)
            self._add_problem(row, header, what, "choose an entry of the list")
        return id_

    def _add_problem(self, row: SheetRow, header: str, what: str, todo: str) -> None:
        """Add a problem of a cell, unless a formula in it is told already."""
        cell = row.where(header)
        if cell not in self.with_formula:
            self.problems.append(Problem(cell, what, todo))
        if header in row.formulas and header not in _NUMBERS_AND_DATES:
            self.with_formula.add(cell)


def _asked_for(book: Book) -> frozenset[str]:
    """Return the keys of rows of *New in ConnectWise* that a billing line asks for by `(create new)`."""
    keys: set[str] = set()
    create_new = label_key(CREATE_NEW)
    for row in book.rows[BILLING_LINES.title]:
        asked = [header for header in _ASKING if label_key(row.text(header)) == create_new]
        if asked:
            line = row.fact("line", BillingLine)
            keys.update(key_of(line) for header in asked for key_of in _ASKING[header])
    return frozenset(keys)


def contact_of(row_key: str) -> str:
    """Return the key of the contact that a row of a customer or agreement creates."""
    return f"contact:{row_key}"


def _is_new_customer(row: SheetRow) -> bool:
    return label_key(row.text("Customer")) == label_key(CREATE_NEW)


def _names_contact(row: SheetRow) -> bool:
    names = ("Contact First Name", "Contact Last Name")
    return any(row.text(header) for header in names) or (
        bool(row.text("Contact Email")) and row.is_edited("Contact Email")
    )
