"""The made-up MSP's ConnectWise: its setup tables, companies, agreements, additions and catalog."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Final

from xlsync.sandbox.connectwise.writes import PODS, empty_customs, reference
from xlsync.sandbox.state import Record, SandboxConnectWise
from xlsync.sandbox.world.names import CITIES, COUNTRIES, PEOPLE_FIRST, PEOPLE_LAST, STREETS

_START: Final = "2025-01-01T00:00:00Z"
CURRENCIES: Final = (("EUR", "€", "Euro"), ("USD", "$", "US Dollar"), ("GBP", "£", "Pound Sterling"))
SECURITY: Final = {  # what the API member may do: add, edit, delete, inquire
    "Company Maintenance": ("All", "All", "None", "All"),
    "Contacts": ("All", "All", "None", "All"),
    "Agreements": ("All", "All", "None", "All"),
    "Agreement Invoicing": ("All", "None", "None", "All"),
    "Invoicing": ("None", "None", "None", "All"),
    "Product Catalog": ("All", "All", "None", "All"),
    "Table Setup": ("None", "None", "None", "All"),
}
_FIVE_CENTS: Final = Decimal("0.05")


def price_of(cost: Decimal) -> Decimal:
    """Compute the MSP's price of a cost: a quarter more, in steps of five cents."""
    return (cost * Decimal("1.25") / _FIVE_CENTS).quantize(Decimal(1), ROUND_HALF_UP) * _FIVE_CENTS


class TenantBuilder:
    """The builder of a ConnectWise with records, as they would be after some years of use."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.state = SandboxConnectWise()
        self.identifiers: set[str] = set()
        self._setup()

    def _put(self, table: str, record: Record) -> Record:
        records = self.state.table(table)
        key = record.pop("id", None) or len(records) + 1
        day = dt.date(2025, 1, 1) + dt.timedelta(days=self.rng.randrange(640))
        info = {"lastUpdated": f"{day.isoformat()}T08:30:00Z", "updatedBy": "setup"}
        records[key] = {"id": key, **record, "_info": info}
        stored: Record = records[key]
        return stored

    def _names(self, table: str, *names: str, **more: object) -> None:
        for number, name in enumerate(names):
            self._put(table, {"name": name, "defaultFlag": number == 0, "inactiveFlag": False, **more})

    def _setup(self) -> None:
        """Fill the setup tables, as an administrator does before the first company."""
        self._setup_companies()
        self._setup_places()
        self._setup_agreements()
        self._setup_products()
        self._setup_custom_fields()
        self._setup_security()

    def _setup_companies(self) -> None:
        """Put the tables of statuses and types of companies, and of ways to reach people."""
        put = self._put
        self._names("company_statuses", "Active", "Inactive", "Not Approved", disallowSavingFlag=False)
        for number, (name, vendor) in enumerate((("Client", False), ("Prospect", False), ("Vendor", True))):
            put("company_types", {"name": name, "defaultFlag": number == 0, "vendorFlag": vendor})
        for description, kind in (
            ("Direct", "phone"),
            ("Fax", "fax"),
            ("Email", "email"),
            ("Mobile", "phone"),
        ):
            flags = {f"{medium}Flag": medium == kind for medium in ("phone", "fax", "email")}
            put(
                "communication_types",
                {"description": description, **flags, "defaultFlag": description != "Mobile"},
            )

    def _setup_places(self) -> None:
        """Put currencies, countries and states."""
        put = self._put
        for number, (code, symbol, name) in enumerate(CURRENCIES, 1):
            put(
                "currencies",
                {
                    "currencyIdentifier": code,
                    "currencyCode": {"id": number, "name": code, "_info": {}},
                    "symbol": symbol,
                    "name": name,
                },
            )
        euro = reference("currencies", self.state.currencies[1])
        for number, (name, code) in enumerate(COUNTRIES):
            country = {"name": name, "currency": euro, "countryCode": code, "defaultFlag": number == 0}
            put("countries", country)
        for identifier, name in (("BY", "Bavaria"), ("HH", "Hamburg"), ("BE", "Berlin")):
            country = reference("countries", self.state.countries[1])
            put("states", {"identifier": identifier, "name": name, "country": country})

    def _setup_agreements(self) -> None:
        """Put billing cycles, and the types of agreements that bill by them."""
        put = self._put
        cycles = (("M", "Monthly"), ("Q", "Quarterly"), ("Y", "Yearly"), ("O", "NotRecurring"))
        for identifier, name in cycles:
            cycle = {
                "identifier": identifier,
                "name": name,
                "billingOptions": name,
                "defaultFlag": name == "Monthly",
            }
            put("billing_cycles", cycle)
        for name, cycle_id in (
            ("Cloud Subscriptions", 1),
            ("Cloud Subscriptions Yearly", 3),
            ("Managed Services", 1),
        ):
            put(
                "agreement_types",
                {
                    "name": name,
                    "defaultFlag": name == "Cloud Subscriptions",
                    "inactiveFlag": False,
                    "billingCycle": reference("billing_cycles", self.state.billing_cycles[cycle_id]),
                    "employeeCompRate": "Actual",
                    "employeeCompNotExceed": "Billing",
                    "invoicingCycle": "CalendarYear",
                    "billTime": "Billable",
                    "billExpenses": "Billable",
                    "billProducts": "Billable",
                    "prorateFlag": False,
                },
            )

    def _setup_products(self) -> None:
        """Put types, categories and units of products."""
        put = self._put
        self._names("product_types", "Subscription", "Service", "Hardware")
        self._names("categories", "Cloud", "Managed Services")
        for name, category in (("Seats", 1), ("Backup", 1), ("Security", 1), ("Support", 2)):
            category_reference = reference("categories", self.state.categories[category])
            put(
                "subcategories",
                {
                    "name": name,
                    "inactiveFlag": False,
                    "defaultFlag": name == "Seats",
                    "category": category_reference,
                },
            )
        self._names("units_of_measure", "Each", "Hour")

    def _setup_custom_fields(self) -> None:
        """Put the definitions of custom fields, on screens of additions and agreements."""
        put = self._put
        for number, caption, table, kind in (
            (41, "Subscription ID", "additions", "Text"),
            (42, "Subscription Name", "additions", "Text"),
            (43, "Reviewed", "additions", "Checkbox"),
            (51, "Contract Owner", "agreements", "Text"),
        ):
            put(
                "user_defined_fields",
                {
                    "id": number,
                    "podId": PODS[table],
                    "connectWiseID": f"5ad0b1ce-0000-4000-8000-0000000000{number}",
                    "caption": caption,
                    "sequenceNumber": number,
                    "fieldTypeIdentifier": kind,
                    "entryTypeIdentifier": "EntryField" if kind == "Text" else "Option",
                    "requiredFlag": False,
                    "displayOnScreenFlag": True,
                    "readOnlyFlag": False,
                    "listViewFlag": False,
                    "dateCreated": "2024-02-01T09:00:00Z",
                },
            )

    def _setup_security(self) -> None:
        """Put the rights of the API member."""
        put = self._put
        for function, levels in SECURITY.items():
            level = dict(zip(("addLevel", "editLevel", "deleteLevel", "inquireLevel"), levels, strict=True))
            named = {"moduleFunctionName": function, "moduleFunctionDescription": function}
            put("security", {**named, **level, "customFlag": False, "myAllFlag": True, "reportFlag": False})

    # Companies

    def company(
        self,
        name: str,
        *,
        identifier: str = "",
        kind: int = 1,
        deleted: bool = False,
        currency: int = 1,
        contact: bool = True,
    ) -> Record:
        """Add a company with its main contact."""
        state, number = self.state, len(self.state.companies) + 19
        wanted = (
            identifier or "".join(c for c in name.upper() if c.isascii() and c.isalnum())[:22] or f"C{number}"
        )
        while wanted in self.identifiers:
            wanted = f"{wanted[:22]}{number}"
        self.identifiers.add(wanted)
        city, code = CITIES[number % len(CITIES)]
        country = next(record for record in state.countries.values() if record["countryCode"] == code)
        company = self._put(
            "companies",
            {
                "id": number,
                "identifier": wanted,
                "name": name,
                "status": reference("company_statuses", state.company_statuses[1]),
                "types": [reference("company_types", state.company_types[kind])],
                "addressLine1": f"{number % 90 + 1} {STREETS[number % len(STREETS)]}",
                "city": city,
                "zip": f"{10000 + number}",
                "country": reference("countries", country),
                "phoneNumber": f"+00 555 {number:06}",
                "currency": reference("currencies", state.currencies[currency]),
                "site": {"id": number, "name": "Main", "_info": {}},
                "deletedFlag": deleted,
                "leadFlag": False,
                "unsubscribeFlag": False,
                "isVendorFlag": kind == 3,
            },
        )
        if contact:
            person = self.contact(company)
            company["defaultContact"] = reference("contacts", person)
        return company

    def contact(self, company: Record) -> Record:
        """Add a company's main contact."""
        number = len(self.state.contacts) + 1
        first, last = PEOPLE_FIRST[number % 16], PEOPLE_LAST[number // 16 % 16]
        email = {
            "id": number,
            "type": reference("communication_types", self.state.communication_types[3]),
            "value": f"{first}.{last}{number}@customer.example".lower(),
            "defaultFlag": True,
            "communicationType": "Email",
        }
        person = {"firstName": first, "lastName": last, "company": reference("companies", company)}
        return self._put(
            "contacts", {**person, "inactiveFlag": False, "defaultFlag": True, "communicationItems": [email]}
        )

    # Agreements and their additions

    def agreement(
        self,
        company: Record,
        name: str,
        *,
        kind: int = 1,
        next_invoice: str = "2026-10-31",
        cancelled: bool = False,
        currency: int | None = None,
    ) -> Record:
        """Add a running agreement and the day of its next invoice, or one that was cancelled last year."""
        state = self.state
        agreement_type = state.agreement_types[kind]
        contact = company.get("defaultContact") or reference("contacts", self.contact(company))
        agreement: Record = {
            "name": name,
            "type": reference("agreement_types", agreement_type),
            "company": reference("companies", company),
            "contact": contact,
            "startDate": _START,
            "noEndingDateFlag": True,
            "cancelledFlag": cancelled,
            "billingCycle": agreement_type["billingCycle"],
            "billStartDate": _START,
            "customFields": empty_customs(state, "agreements"),
            **{
                of_name: agreement_type[of_name]
                for of_name in ("employeeCompRate", "employeeCompNotExceed", "invoicingCycle")
            },
            **{of_name: agreement_type[of_name] for of_name in ("billTime", "billExpenses", "billProducts")},
            "prorateFlag": False,
            "autoInvoiceFlag": False,
            "currency": reference("currencies", state.currencies[currency])
            if currency
            else company["currency"],
            "agreementStatus": "Cancelled" if cancelled else "Active",
        }
        if cancelled:
            agreement["dateCancelled"] = "2025-12-31T00:00:00Z"
        else:
            agreement["nextInvoiceDate"] = f"{next_invoice}T00:00:00Z"
        return self._put("agreements", agreement)

    def addition(
        self,
        agreement: Record,
        item: Record,
        quantity: Decimal,
        *,
        cost: Decimal | None = None,
        price: Decimal | None = None,
        included: Decimal = Decimal(0),
        effective: str = "2025-03-01",
        cancelled: str = "",
        mark: str = "",
        bill: str = "Billable",
    ) -> Record:
        """Add a product to an agreement. `mark` fills its custom field `Subscription ID`."""
        unit_cost = item["cost"] if cost is None else cost
        customs = empty_customs(self.state, "additions")
        customs[2]["value"] = bill == "Billable"
        if mark:
            customs[0]["value"] = mark
        addition: Record = {
            "product": reference("catalog", item),
            "quantity": quantity,
            "lessIncluded": included,
            "unitPrice": price_of(unit_cost) if price is None else price,
            "unitCost": unit_cost,
            "billCustomer": bill,
            "effectiveDate": f"{effective}T00:00:00Z",
            "taxableFlag": True,
            "invoiceDescription": item["customerDescription"],
            "purchaseItemFlag": False,
            "specialOrderFlag": False,
            "agreementId": agreement["id"],
            "description": item["description"],
            "uom": "Each",
            "sequenceNumber": Decimal(1),
            "prorateCurrentPeriodFlag": False,
            "agreementStatus": agreement["agreementStatus"],
            "customFields": customs,
        }
        if cancelled:
            addition["cancelledDate"] = f"{cancelled}T00:00:00Z"
        return self._put("additions", addition)

    def item(
        self,
        identifier: str,
        description: str,
        cost: Decimal,
        *,
        subcategory: int = 1,
        inactive: bool = False,
        **codes: str,
    ) -> Record:
        """Add a catalog item; `codes` are vendorSku, integrationXRef, manufacturerPartNumber."""
        state = self.state
        group = state.subcategories[subcategory]
        return self._put(
            "catalog",
            {
                "identifier": identifier,
                "description": description[:60],
                "customerDescription": description,
                "inactiveFlag": inactive,
                "subcategory": reference("subcategories", group),
                "category": group["category"],
                "type": reference("product_types", state.product_types[1]),
                "productClass": "NonInventory" if subcategory < 4 else "Service",
                "unitOfMeasure": reference("units_of_measure", state.units_of_measure[1]),
                "price": price_of(cost),
                "cost": cost,
                "taxableFlag": True,
                "serializedFlag": False,
                "recurringFlag": True,
                **codes,
            },
        )

    def invoiced(self, agreement: Record, total: Decimal) -> None:
        """Add the invoice of an agreement's last period."""
        key = len(self.state.invoices) + 1
        short = {"id": agreement["id"], "name": agreement["name"], "_info": {}}
        self._put(
            "invoices",
            {
                "invoiceNumber": f"AG{key:08}",
                "type": "Agreement",
                "status": {"id": 2, "name": "Sent", "_info": {}},
                "company": agreement["company"],
                "applyToType": "Agreement",
                "applyToId": agreement["id"],
                "date": "2026-09-30T00:00:00Z",
                "currency": agreement["currency"],
                "total": total,
                "balance": total,
                "agreement": short,
            },
        )
