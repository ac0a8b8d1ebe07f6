"""Handlers: the code for each kind of action; only this module branches by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from functools import partial
from typing import Final, assert_never

from msgspec import Struct

from xlsync.apply.actions import (
    Action,
    CreateAddition,
    CreateAgreement,
    CreateCatalogItem,
    CreateCompany,
    CreateContact,
    CreateInvoice,
    UpdateAddition,
)
from xlsync.apply.kinds import additions, agreements, contacts, products
from xlsync.apply.kinds.additions import AdditionCreation, AdditionUpdate
from xlsync.apply.kinds.agreements import AgreementCreation
from xlsync.apply.kinds.companies import CompanyCreation
from xlsync.apply.kinds.contacts import ContactCreation
from xlsync.apply.kinds.fields import FieldsUpdate, retire
from xlsync.apply.kinds.handler import Handler
from xlsync.apply.kinds.invoices import InvoiceCreation
from xlsync.apply.kinds.products import ProductCreation
from xlsync.apply.lookup import Live
from xlsync.apply.runs import Run, Write
from xlsync.apply.set_fields import SetFields


def handler_of(action: Action) -> Handler:
    """Return the handler that judges, sends and confirms an action."""
    match action:
        case CreateCompany():
            return CompanyCreation(action)
        case CreateContact():
            return ContactCreation(action)
        case CreateAgreement():
            return AgreementCreation(action)
        case CreateCatalogItem():
            return ProductCreation(action)
        case SetFields():
            return FieldsUpdate(action)
        case CreateAddition():
            return AdditionCreation(action)
        case UpdateAddition():
            return AdditionUpdate(action)
        case CreateInvoice():
            return InvoiceCreation(action)
        case _:
            assert_never(action)


class Reversal(Struct, frozen=True):
    """The undo of a kind of creation: the fields to set, and a search for others who use the record.

    `find_users` gets the record's id, the paths of the records that the run itself made, and all runs.
    """

    take_back: Callable[[Write], SetFields | None]
    find_users: Callable[[int, Live, Set[str], Iterable[Run]], list[str]] = lambda *_: []


REVERSALS: Final = {
    CreateContact.__name__: Reversal(partial(retire, flag="inactiveFlag"), contacts.find_users),
    CreateAgreement.__name__: Reversal(partial(retire, flag="cancelledFlag"), agreements.find_users),
    CreateCatalogItem.__name__: Reversal(partial(retire, flag="inactiveFlag"), products.find_users),
    CreateAddition.__name__: Reversal(additions.take_back),
}  # companies and invoices stay: ConnectWise offers no way to undo them
