"""ConnectWise's handling of a body: every field is checked, defaults are filled, faults refused."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from decimal import Decimal
from typing import Any, Final

from xlsync.sandbox.connectwise.fields import ADDITION, AGREEMENT, COMPANY, FieldRule, Resource
from xlsync.sandbox.state import Record, SandboxConnectWise

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_ADDRESS: Final = ("addressLine1", "addressLine2", "city", "state", "zip", "country")
PODS: Final = {"additions": 66, "agreements": 35}  # the screens whose records have custom fields here
TOO_EARLY: Final = "effectiveDate cannot be less than the agreement billing start date."
INVOICED: Final = (
    "Since this period has already been invoiced there will not be an invoice generated for additional "
    "products for this period. Please prorate the agreement or update the start date to on or after the Next "
    "Invoice Date."
)
MONTHS: Final = {"Monthly": 1, "BiMonthly": 2, "Quarterly": 3, "SemiAnnual": 6, "Yearly": 12}


class Refused(Exception):
    """An error answer: status, ConnectWise's code and message, and the fields that are wrong."""

    def __init__(self, status: int, code: str, message: str, errors: list[Record] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, "errors": errors}


def invalid(resource: str, field: str, message: str, code: str = "InvalidField") -> Refused:
    """Make an answer 400 that names one field."""
    error = {"code": code, "message": message, "resource": resource, "field": field, "details": None}
    return Refused(400, "InvalidObject", f"{resource} object is invalid", [error])


def reference(table: str, record: Record) -> Record:
    """Return the reference by which other records show a record."""
    named = {
        name: record[name] for name in ("identifier",) if table in {"companies", "catalog"} and name in record
    }
    if table == "contacts":
        named["name"] = f"{record.get('firstName', '')} {record.get('lastName', '')}".strip()
    elif table == "currencies":
        named |= {name: record[name] for name in ("symbol", "currencyIdentifier", "name")}
        named["currencyCode"] = record["currencyCode"]["name"]
    elif table == "countries":
        named |= {"identifier": record["countryCode"], "name": record["name"]}
    elif table == "communication_types":
        named["name"] = record["description"]
    elif table != "catalog":
        named["name"] = record["name"]
    return {"id": record["id"], **named, "_info": {}}


class Writer:
    """The creation and change of ConnectWise's records, with the rules of its screens."""

    def __init__(self, state: SandboxConnectWise) -> None:
        self.state = state

    # One field

    def value(self, resource: Resource, name: str, value: Any) -> Any:
        """Return the value of a field as ConnectWise stores it; raises Refused."""
        field = resource.fields[name]
        match field.kind:
            case "text":
                return self._checked_text(resource, name, field, value)
            case "number" if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
                return Decimal(value)
            case "integer" if isinstance(value, int) and not isinstance(value, bool):
                return value
            case "flag" if isinstance(value, bool):
                return value
            case "date" if isinstance(value, str):
                return self._date(resource, name, value)
            case "choice" if value in field.choices:
                return value
            case "reference" if isinstance(value, dict):
                return self._reference(resource, name, field.table, value)
            case "references" if isinstance(value, list):
                return [self._reference(resource, name, field.table, element) for element in value]
            case "communications" if isinstance(value, list):
                return [self._communication(element, n) for n, element in enumerate(value, 1)]
            case "customs" if isinstance(value, list):
                return self._customs(resource, value)
            case "site" if isinstance(value, dict) and isinstance(value.get("name"), str):
                return {"id": 1, "name": value["name"][:50], "_info": {}}
            case "fixed":
                return None
        raise invalid(resource.name, name, f"The value is not valid for {name}.")

    def _checked_text(self, resource: Resource, name: str, field: FieldRule, value: Any) -> str:
        if not isinstance(value, str):
            raise invalid(resource.name, name, f"{name} must be a string.")
        text = re.sub(r"\r\n|[\r\n]", " ", value)
        limit = self.state.limits.get((resource.table, name), field.limit)
        if limit is not None and len(text) > limit:
            message = f"The field {name} must be a string with a maximum length of {limit}."
            raise invalid(resource.name, name, message, "MaxLength")
        return text

    def _date(self, resource: Resource, name: str, value: str) -> str:
        if not _DATE.fullmatch(value):
            raise self._unsupported(resource, name)
        try:
            dt.datetime.fromisoformat(value)
        except ValueError:
            raise self._unsupported(resource, name) from None
        return value

    def _unsupported(self, resource: Resource, name: str) -> Refused:
        return invalid(resource.name, name, f"Unsupported format applied to {name}.", "UnsupportedFormat")

    def _reference(self, resource: Resource, name: str, table: str, value: Any) -> Record:
        record = self._find(table, value)
        if record is None:
            raise invalid(resource.name, f"{name}/id", f"The {name} was not found.", "NotFound")
        return reference(table, record)

    def _find(self, table: str, value: Any) -> Record | None:
        if not isinstance(value, dict):
            return None
        records = self.state.table(table)
        if "id" in value:
            by_id: Record | None = records.get(value["id"]) if isinstance(value["id"], int) else None
            return by_id
        for key in ("identifier", "name"):
            if key in value:
                same = [
                    record for record in records.values() if reference(table, record).get(key) == value[key]
                ]
                return same[0] if len(same) == 1 else None
        return None

    def _communication(self, value: Any, number: int) -> Record:
        if not isinstance(value, dict):
            raise invalid("contact", "communicationItems", "An item must be an object.")
        known = {"id", "type", "value", "extension", "defaultFlag", "domain", "communicationType", "_info"}
        kind = self._find("communication_types", value.get("type"))
        if (
            kind is None
            or not isinstance(value.get("value"), str)
            or not value["value"]
            or set(value) - known
        ):
            raise invalid("contact", "communicationItems", "An item needs a type and a value.")
        means = "Email" if kind["emailFlag"] else "Fax" if kind["faxFlag"] else "Phone"
        if value.get("communicationType", means) != means:
            raise invalid("contact", "communicationItems/communicationType", "The type is of another kind.")
        if means == "Email" and "@" not in value["value"]:
            raise invalid("contact", "communicationItems/value", "The e-mail address is not valid.")
        return {
            "id": number,
            "type": reference("communication_types", kind),
            "value": value["value"],
            "defaultFlag": bool(value.get("defaultFlag", False)),
            "communicationType": means,
        }

    def _customs(self, resource: Resource, values: list[Any]) -> list[Record]:
        """Read the whole array of custom fields: a field that is left out is cleared."""
        customs = empty_customs(self.state, resource.table)
        for value in values:
            by = {"id", "caption"} & set(value) if isinstance(value, dict) else set()
            fitting = [custom for custom in customs if by and all(custom[key] == value[key] for key in by)]
            if not fitting:
                raise invalid(resource.name, "customFields", "The custom field was not found.", "NotFound")
            given = value.get("value")
            if fitting[0]["type"] == "Checkbox":
                if given is not None and not isinstance(given, bool):
                    raise invalid(resource.name, "customFields", "The value must be true or false.")
            elif given is not None and (not isinstance(given, str) or len(given) > 100):
                raise invalid(
                    resource.name, "customFields", "The value must be a text of at most 100 characters."
                )
            fitting[0]["value"] = None if given == "" else given
        return customs

    # Whole records

    def create(self, resource: Resource, body: Any, parent: Record | None = None) -> Record:
        """Make a new record with its defaults, ready to be committed under its id."""
        if not isinstance(body, dict):
            raise Refused(400, "InvalidObject", f"{resource.name} object is invalid", [])
        sent = {name: value for name, value in body.items() if value is not None}
        for name in sent:
            if name not in resource.fields:
                kind = resource.name[:1].upper() + resource.name[1:]
                message = (
                    f"Could not find member '{name}' on object of type '{kind}'. Path '{name}'. "
                    "Check your accept header for the version that you ask for."
                )
                raise Refused(400, "ConnectWiseApi", message)
        for name in resource.required:
            if sent.get(name) in (None, "", {}):
                raise invalid(resource.name, name, f"The {name} field is required.", "MissingRequiredField")
        record: Record = {"id": self.state.next_id(resource.table)}
        for name, value in sent.items():
            stored = self.value(resource, name, value)
            if stored is not None:
                record[name] = stored
        fill = {
            "companies": self._fill_company,
            "contacts": self._fill_contact,
            "agreements": self._fill_agreement,
            "catalog": self._fill_item,
        }
        record = self._fill_addition(record, parent) if parent else fill[resource.table](record)
        self.check(resource, record)
        return record

    def change(self, resource: Resource, record: Record, body: Any) -> Record:
        """Return a record as a PATCH leaves it. A path into an object changes nothing and is no error."""
        if not isinstance(body, list) or not all(isinstance(step, dict) for step in body):
            raise Refused(400, "InvalidObject", "The body must be an array of operations", [])
        changed = dict(record)
        for step in body:
            op, path = step.get("op"), step.get("path")
            if (
                op not in {"add", "replace", "remove"}
                or not isinstance(path, str)
                or set(step) - {"op", "path", "value"}
            ):
                raise invalid(
                    resource.name, "op", "An operation needs op (add, replace or remove), path and value."
                )
            if "/" in path:
                continue
            if path not in resource.fields or resource.fields[path].kind == "fixed":
                raise invalid(
                    resource.name, path, f"{path} is not a field of {resource.name} that can be changed."
                )
            if path == "types":
                raise invalid(resource.name, path, "Types are changed through typeAssociations.")
            if op == "remove" or step.get("value") is None:
                if path in resource.required:
                    raise invalid(
                        resource.name, path, f"The {path} field is required.", "MissingRequiredField"
                    )
                changed.pop(path, None)
                continue
            changed[path] = self.value(resource, path, step["value"])
            if changed[path] == "" and path in resource.required:
                raise invalid(resource.name, path, f"The {path} field is required.", "MissingRequiredField")
        if resource is AGREEMENT:
            _set_agreement_status(changed)
        self.check(resource, changed)
        return changed

    def check(self, resource: Resource, record: Record) -> None:
        """Check rules between records: unique names, a contact of the agreement's own company."""
        others = [other for key, other in self.state.table(resource.table).items() if key != record["id"]]
        for name in resource.unique:
            if any(other[name].casefold() == record[name].casefold() for other in others):
                message = f"The {name} {record[name]} exists already."
                if resource is COMPANY:
                    message = "Company ID already in use."
                raise invalid(resource.name, name, message, "ObjectExists")
        if record["id"] not in self.state.table(resource.table):
            self._check_customs(resource, record)
        if resource is AGREEMENT:
            self._check_agreement(record)
        elif resource is ADDITION:
            self._check_addition(record)

    def _check_agreement(self, record: Record) -> None:
        """Check an agreement; several of one name on one company are accepted, as by live servers."""
        contact = self.state.contacts[record["contact"]["id"]]
        if contact.get("company", {}).get("id") != record["company"]["id"]:
            raise invalid("agreement", "contact", "The contact does not belong to the company.")

    def _check_addition(self, record: Record) -> None:
        """Refuse a bundle, and a date that nothing would bill."""
        known = self.state.additions.get(record["id"], {})
        effective = record.get("effectiveDate")
        if effective is not None and known.get("effectiveDate") != effective:
            self._check_effective(effective, self.state.agreements[record["agreementId"]])
        if self.state.catalog[record["product"]["id"]].get("productClass") == "Bundle":
            raise invalid("addition", "product", "A bundle cannot be an addition.")

    def _check_customs(self, resource: Resource, record: Record) -> None:
        """Refuse a new record that lacks a custom field which the tenant demands."""
        filled = {
            custom["id"]
            for custom in record.get("customFields", ())
            if custom.get("value") not in {None, "", False}
        }
        for key, definition in self.state.user_defined_fields.items():
            is_demanded = definition["podId"] == PODS.get(resource.table) and definition["requiredFlag"]
            if is_demanded and key not in filled:
                message = f"The custom field {definition['caption']} is required."
                raise invalid(resource.name, "customFields", message, "MissingRequiredField")

    def _check_effective(self, effective: str, agreement: Record) -> None:
        """Refuse a date that nothing would bill, in the words of live servers.

        A child agreement is invoiced with its parent.
        """
        if effective < agreement.get("billStartDate", ""):
            raise invalid("addition", "effectiveDate", TOO_EARLY)
        parent = self.state.agreements.get(agreement.get("parentAgreement", {}).get("id"))
        days = [first_open_day(one) for one in (agreement, parent) if one is not None]
        first = max(filter(None, days), default=None)
        if first and not agreement.get("prorateFlag") and effective[:10] < first.isoformat():
            raise invalid("addition", "effectiveDate", INVOICED)

    # Defaults

    def _default(self, table: str) -> Record:
        records = list(self.state.table(table).values())
        return reference(table, next((record for record in records if record.get("defaultFlag")), records[0]))

    def _fill_company(self, record: Record) -> Record:
        if not any(record.get(name) for name in _ADDRESS):
            raise invalid(
                "company", "addressLine1", "At least one address field is required.", "MissingRequiredField"
            )
        if not record.get("site", {}).get("name"):
            raise invalid("company", "site", "Company Site name is required.", "MissingRequiredField")
        return {
            "status": self._default("company_statuses"),
            "currency": self._default("currencies"),
            "types": [],
            "deletedFlag": False,
            "leadFlag": False,
            "unsubscribeFlag": False,
            "isVendorFlag": False,
            **record,
        }

    def _fill_contact(self, record: Record) -> Record:
        record.pop("ignoreDuplicates", None)
        if not record.get("firstName"):
            message = "The firstName field is required."
            raise invalid("contact", "firstName", message, "MissingRequiredField")
        return {"inactiveFlag": False, "defaultFlag": False, "communicationItems": [], **record}

    def _fill_agreement(self, record: Record) -> Record:
        kind = self.state.agreement_types[record["type"]["id"]]
        company = self.state.companies[record["company"]["id"]]
        today = self.state.clock.today()
        start = record.get("startDate") or today
        filled = {
            "billingCycle": kind["billingCycle"],
            "currency": company.get("currency") or self._default("currencies"),
            "startDate": start,
            "billStartDate": today,  # not the start: so live servers do
            "noEndingDateFlag": "endDate" not in record,
            "cancelledFlag": False,
            "prorateFlag": kind["prorateFlag"],
            **{name: kind[name] for name in ("employeeCompRate", "employeeCompNotExceed", "invoicingCycle")},
            **{name: kind[name] for name in ("billTime", "billExpenses", "billProducts")},
            "autoInvoiceFlag": False,
            "nextInvoiceDate": month_end(dt.date.fromisoformat(start[:10])),
            "customFields": empty_customs(self.state, "agreements"),
            **record,
        }
        _set_agreement_status(filled)
        return filled

    def _fill_addition(self, record: Record, agreement: Record) -> Record:
        item = self.state.catalog[record["product"]["id"]]
        return {
            "quantity": Decimal(1),
            "lessIncluded": Decimal(0),
            "unitPrice": item.get("price", Decimal(0)),
            "unitCost": item.get("cost", Decimal(0)),
            "effectiveDate": self.state.clock.today(),
            "taxableFlag": item.get("taxableFlag", False),
            "invoiceDescription": item["customerDescription"],
            "description": item["description"],
            "uom": item["unitOfMeasure"]["name"],
            "purchaseItemFlag": False,
            "specialOrderFlag": False,
            "prorateCurrentPeriodFlag": False,
            "sequenceNumber": Decimal(len(self.state.additions.on_agreement(agreement["id"])) + 1),
            "customFields": empty_customs(self.state, "additions"),
            **record,
            "agreementId": agreement["id"],
            "agreementStatus": agreement["agreementStatus"],
        }

    def _fill_item(self, record: Record) -> Record:
        subcategory = self.state.subcategories[record["subcategory"]["id"]]
        if "category" in record and record["category"]["id"] != subcategory["category"]["id"]:
            raise invalid("productCatalog", "category", "The subcategory is of another category.")
        return {
            "productClass": "NonInventory",
            "unitOfMeasure": self._default("units_of_measure"),
            "price": Decimal(0),
            "cost": Decimal(0),
            "taxableFlag": False,
            "inactiveFlag": False,
            "recurringFlag": False,
            **record,
            "category": subcategory["category"],
        }


def empty_customs(state: SandboxConnectWise, table: str) -> list[Record]:
    """Return the custom fields of a new record: all that are defined, without values."""
    return [
        {
            "id": definition["id"],
            "caption": definition["caption"],
            "type": definition["fieldTypeIdentifier"],
            "entryMethod": definition["entryTypeIdentifier"],
            "numberOfDecimals": 0,
            "value": None,
            "connectWiseId": definition["connectWiseID"],
            "rowNum": number,
            "userDefinedFieldRecId": definition["id"],
            "podId": str(definition["podId"]),
        }
        for number, definition in enumerate(state.user_defined_fields.values(), 1)
        if definition["podId"] == PODS.get(table)
    ]


def next_date(agreement: Record) -> dt.date | None:
    """Return the day of an agreement's next invoice."""
    text = agreement.get("nextInvoiceDate")
    return dt.date.fromisoformat(text[:10]) if text and not agreement.get("cancelledFlag") else None


def first_open_day(agreement: Record) -> dt.date | None:
    """Return the first day that no invoice of an agreement covers; None where it is never invoiced.

    An invoice on the last day of a month bills the months up to it, any other the months from its day on.
    """
    day = next_date(agreement)
    months = MONTHS.get(agreement["billingCycle"]["name"])
    if day is None or months is None:
        return None
    return months_later(day, -months) + dt.timedelta(days=1) if _ends_month(day) else day


def months_later(day: dt.date, months: int) -> dt.date:
    """Return the same day of the month that is so many months later; the last of it for the last of one."""
    count = day.year * 12 + day.month - 1 + months
    end = dt.date.fromisoformat(month_end(dt.date(count // 12, count % 12 + 1, 1))[:10])
    return end if _ends_month(day) else end.replace(day=min(day.day, end.day))


def _ends_month(day: dt.date) -> bool:
    return (day + dt.timedelta(days=1)).day == 1


def _set_agreement_status(record: Record) -> None:
    record["agreementStatus"] = "Cancelled" if record.get("cancelledFlag") else "Active"


def month_end(day: dt.date) -> str:
    """Return the last day of a month, as ConnectWise writes dates."""
    last = calendar.monthrange(day.year, day.month)[1]
    return f"{day.year:04}-{day.month:02}-{last:02}T00:00:00Z"
