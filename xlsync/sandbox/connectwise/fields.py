"""The fields of ConnectWise's resources: kinds, lengths, references, and which a new one must have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FieldRule:
    """The rule for the values of a field. `kind` is text, number, integer, flag, date, reference, choice,
    references, communications, customs or fixed (computed or set by ConnectWise: ignored when sent).
    """  # noqa: D205

    kind: str
    limit: int | None = None
    table: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of ConnectWise's records: `table` is the name of its table in the sandbox's state."""

    name: str
    table: str
    fields: Mapping[str, FieldRule]
    required: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()

    @property
    def known(self) -> frozenset[str]:
        """The names of the fields that a query may use."""
        return frozenset(self.fields)


def _rules_of(kind: str, *names: str, limit: int | None = None) -> dict[str, FieldRule]:
    return {name: FieldRule(kind, limit=limit) for name in names}


def _texts(names: str, limit: int | None = None) -> dict[str, FieldRule]:
    return _rules_of("text", *names.split(), limit=limit)


def _references(table: str, names: str) -> dict[str, FieldRule]:
    return {name: FieldRule("reference", table=table) for name in names.split()}


def _choice(names: str, choices: str) -> dict[str, FieldRule]:
    return {name: FieldRule("choice", choices=tuple(choices.split())) for name in names.split()}


def _numbers(names: str) -> dict[str, FieldRule]:
    return _rules_of("number", *names.split())


def _integers(names: str) -> dict[str, FieldRule]:
    return _rules_of("integer", *names.split())


def _flags(names: str) -> dict[str, FieldRule]:
    return _rules_of("flag", *names.split())


def _dates(names: str) -> dict[str, FieldRule]:
    return _rules_of("date", *names.split())


_EVERY: Final = _rules_of("fixed", "id", "_info")
_CUSTOMS: Final = _rules_of("customs", "customFields")
_BILL: Final = "Billable DoNotBill NoCharge NoDefault"
_USER_FIELDS: Final = " ".join(f"userDefinedField{n}" for n in range(1, 11))

COMPANY: Final = Resource(
    "company",
    "companies",
    {
        **_EVERY,
        **_texts("identifier", 30),
        **_texts("name", 50),
        **_references("company_statuses", "status"),
        **_texts("addressLine1 addressLine2 city state", 50),
        **_texts("zip", 12),
        **_references("countries", "country"),
        **_texts("phoneNumber faxNumber", 30),
        **_texts("website", 255),
        **_texts("leadSource " + _USER_FIELDS, 50),
        **_texts("accountNumber vendorIdentifier taxIdentifier invoiceToEmailAddress invoiceCCEmailAddress"),
        **_texts("deletedBy facebookUrl twitterUrl linkedInUrl resellerIdentifier mobileGuid"),
        **_references("contacts", "defaultContact billingContact"),
        **_references("companies", "parentCompany billToCompany"),
        **_references("currencies", "currency"),
        **_references(
            "other", "territory market sicCode ownershipType timeZoneSetup calendar taxCode billingTerms"
        ),
        **_references(
            "other", "invoiceTemplate pricingSchedule companyEntityType billingSite invoiceDeliveryMethod"
        ),
        **_references("other", "emailTemplate territoryManager"),
        **_rules_of("site", "site"),
        **_rules_of("fixed", "integratorTags"),
        **_dates("dateAcquired dateDeleted"),
        **_numbers("annualRevenue creditLimit additionalDebt"),
        **_integers("numberOfEmployees yearEstablished revenueYear"),
        **_flags("leadFlag unsubscribeFlag deletedFlag isVendorFlag"),
        "types": FieldRule("references", table="company_types"),
        **_CUSTOMS,
    },
    required=("identifier", "name"),
    unique=("identifier",),
)

CONTACT: Final = Resource(
    "contact",
    "contacts",
    {
        **_EVERY,
        **_texts("firstName lastName addressLine1 addressLine2 city state zip title nickName"),
        **_texts("defaultPhoneType defaultPhoneNbr defaultPhoneExtension"),
        **_texts(
            "anniversary birthDay children facebookUrl linkedInUrl twitterUrl mobileGuid portalPassword"
        ),
        **_texts("relationshipOverride school securityIdentifier significantOther"),
        **_texts(_USER_FIELDS, 50),
        **_integers("defaultMergeContactId portalSecurityLevel"),
        **_choice("gender", "Female Male"),
        **_choice("presence", "NoAgent Online DoNotDisturb Away Offline"),
        **_references("contacts", "assistantContact managerContact"),
        **_references("companies", "company"),
        **_references("countries", "country"),
        **_references("other", "site relationship department companyLocation photo"),
        **_flags("inactiveFlag defaultBillingFlag defaultFlag ignoreDuplicates marriedFlag childrenFlag"),
        **_flags("disablePortalLoginFlag unsubscribeFlag"),
        **_rules_of("communications", "communicationItems"),
        **_rules_of("fixed", "types", "typeIds", "integratorTags"),
        **_CUSTOMS,
    },
)

AGREEMENT: Final = Resource(
    "agreement",
    "agreements",
    {
        **_EVERY,
        **_texts("name reasonCancelled", 100),
        **_texts("customerPO", 50),
        **_texts("workOrder", 20),
        **_texts("internalNotes invoiceDescription nextInvoiceDate"),
        **_references("agreement_types", "type"),
        **_references("companies", "company subContractCompany billToCompany shipToCompany"),
        **_references("contacts", "contact subContractContact billToContact shipToContact"),
        **_references("agreements", "parentAgreement"),
        **_references("billing_cycles", "billingCycle"),
        **_references("currencies", "currency"),
        **_references(
            "other", "site location department opportunity sla billingTerms billToSite taxCode workRole"
        ),
        **_references("other", "workType projectType invoiceTemplate companyLocation shipToSite"),
        **_dates("startDate endDate dateCancelled billStartDate"),
        **_flags("restrictLocationFlag restrictDepartmentFlag noEndingDateFlag cancelledFlag oneTimeFlag"),
        **_flags("applicationUnlimitedFlag coverAgreementTime coverAgreementProduct coverAgreementExpense"),
        **_flags(
            "coverSalesTax carryOverUnused allowOverruns expireWhenZero chargeToFirm billOneTimeFlag taxable"
        ),
        **_flags("restrictDownPayment prorateFlag invoiceProratedAdditionsFlag topComment bottomComment"),
        **_flags("billableTimeInvoice billableExpenseInvoice billableProductInvoice autoInvoiceFlag"),
        **_flags("billZeroAmountFlag"),
        **_numbers("applicationLimit compHourlyRate compLimitAmount billAmount prorateFirstBill"),
        **_integers("expiredDays limit"),
        **_choice("applicationUnits", "Amount Hours Incidents"),
        **_choice(
            "applicationCycle",
            "Contract2Weeks Contract4Weeks ContractYear CalendarMonth CalendarQuarter CalendarWeek "
            "ContractQuarter CalendarYear",
        ),
        **_choice("employeeCompRate", "Actual Hourly"),
        **_choice("employeeCompNotExceed", "Billing Amount Percent"),
        **_choice("invoicingCycle", "ContractYear CalendarYear"),
        **_choice("billTime billExpenses billProducts", _BILL),
        **_choice("periodType", "Current Future Both Undefined"),
        **_rules_of("fixed", "agreementStatus"),
        **_CUSTOMS,
    },
    required=("name", "type", "company", "contact"),
)

ADDITION: Final = Resource(
    "addition",
    "additions",
    {
        **_EVERY,
        **_references("catalog", "product"),
        **_numbers("quantity lessIncluded unitPrice unitCost sequenceNumber"),
        **_choice("billCustomer", "Billable DoNotBill NoCharge"),
        **_dates("effectiveDate cancelledDate"),
        **_flags("taxableFlag purchaseItemFlag specialOrderFlag prorateCurrentPeriodFlag"),
        **_texts("serialNumber", 50),
        **_texts("invoiceDescription", 6000),
        **_texts("description"),
        **_references("other", "opportunity invoiceGrouping"),
        **_rules_of(
            "fixed",
            "agreementId",
            "billedQuantity",
            "uom",
            "extPrice",
            "extCost",
            "margin",
            "agreementStatus",
        ),
        **_rules_of("fixed", "additionStatus"),
        **_rules_of("fixed", "prorateCost", "proratePrice", "extendedProrateCost", "extendedProratePrice"),
        **_CUSTOMS,
    },
    required=("product", "billCustomer"),
)

CATALOG_ITEM: Final = Resource(
    "productCatalog",
    "catalog",
    {
        **_EVERY,
        **_texts("identifier", 75),
        **_texts("description", 60),
        **_texts("customerDescription", 6000),
        **_texts("manufacturerPartNumber vendorSku integrationXRef", 50),
        **_texts("notes connectWiseID"),
        **_references("subcategories", "subcategory"),
        **_references("product_types", "type"),
        **_references("units_of_measure", "unitOfMeasure"),
        **_references("companies", "vendor"),
        **_references("billing_cycles", "recurringBillCycle"),
        **_references("agreement_types", "agreementType"),
        **_references("categories", "category"),
        **_references("other", "manufacturer sla entityType"),
        **_choice("productClass", "Agreement Bundle Inventory NonInventory Service"),
        **_choice("priceAttribute", "FixedFee NotToExceed OverrideRate TimeAndMaterials"),
        **_choice("recurringCycleType", "ContractYear CalendarYear"),
        **_choice("billableOption", _BILL),
        **_flags("inactiveFlag serializedFlag serializedCostFlag phaseProductFlag taxableFlag dropShipFlag"),
        **_flags(
            "specialOrderFlag recurringFlag recurringOneTimeFlag calculatedPriceFlag calculatedCostFlag"
        ),
        **_flags("markupFlag autoUpdateUnitCostFlag autoUpdateUnitPriceFlag"),
        **_numbers("price cost recurringRevenue recurringCost markupPercentage"),
        **_integers("minStockLevel"),
        **_rules_of("fixed", "calculatedPrice", "calculatedCost"),
        **_CUSTOMS,
    },
    required=("identifier", "description", "subcategory", "type", "customerDescription"),
    unique=("identifier",),
)


def _fixed(name: str, table: str, fields: str) -> Resource:
    """Make a resource that xlsync only reads."""
    return Resource(name, table, {**_EVERY, **_rules_of("fixed", *fields.split())})


INVOICE: Final = _fixed(
    "invoice",
    "invoices",
    "invoiceNumber type status company billToCompany accountNumber applyToType applyToId reference "
    "customerPO date dueDate location department taxableFlag serviceTotal currency expenseTotal productTotal "
    "agreementAmount subtotal total salesTax payments credits balance specialInvoiceFlag "
    "agreement customFields addToBatchEmailList adjustedBy adjustmentReason attention billingSetupReference "
    "billingSite billingSiteAddressLine1 billingSiteAddressLine2 billingSiteCity billingSiteCountry "
    "billingSiteState billingSiteZip billingTerms bottomComment closedBy departmentId downpaymentApplied "
    "downpaymentPreviouslyTaxedFlag emailTemplateId glBatch internalNotes invoiceTemplate locationId "
    "overrideDownPaymentAmountFlag phase previousProgressApplied project remainingDownpayment "
    "restrictDownpaymentFlag salesOrder serviceAdjustmentAmount shipToAttention shipToCompany shippingSite "
    "shippingSiteAddressLine1 shippingSiteAddressLine2 shippingSiteCity shippingSiteCountry "
    "shippingSiteState shippingSiteZip taxCode templateSetupId territory territoryId ticket topComment "
    "unbatchedBatch",
)
RECAP: Final = _fixed(
    "agreementRecap",
    "",
    "adjustmentAmount agreementStatus name availableAmount companyName isUnlimited lastInvoiceAmount "
    "lastInvoiceDate lastInvoiceNumber nextInvoiceAmount nextInvoiceDate overrunAmount remainingAmount "
    "startingAmount unbilledOverageAmount unbilledPeriods usedAmount",
)
SETUP: Final = (
    _fixed(
        "companyStatus",
        "company_statuses",
        "name defaultFlag inactiveFlag disallowSavingFlag cancelOpenTracksFlag connectWiseId "
        "customNoteFlag notificationMessage notifyFlag track",
    ),
    _fixed(
        "companyType",
        "company_types",
        "name defaultFlag vendorFlag connectWiseId serviceAlertFlag serviceAlertMessage",
    ),
    _fixed(
        "communicationType",
        "communication_types",
        "description phoneFlag faxFlag emailFlag defaultFlag exchangeXref iphoneXref googleXref androidXref",
    ),
    _fixed(
        "country",
        "countries",
        "name currency countryCode defaultFlag addressFormat cityCaption coreEntityCountryCode "
        "dialingPrefix localizationCaptionOne localizationValueOne stateCaption zipCaption "
        "zipMinimumLength",
    ),
    _fixed("state", "states", "identifier name country"),
    _fixed(
        "agreementType",
        "agreement_types",
        "name defaultFlag inactiveFlag billingCycle employeeCompRate employeeCompNotExceed invoicingCycle "
        "billTime billExpenses billProducts prorateFlag addAllWorkRoleExclusions "
        "addAllWorkTypeExclusions allowOverrunsFlag applicationCycle applicationLimit "
        "applicationUnits applicationUnlimitedFlag autoInvoiceFlag billAmount billOneTimeFlag "
        "billZeroAmountFlag billableExpenseInvoiceFlag billableProductInvoiceFlag "
        "billableTimeInvoiceFlag billingTerms bottomCommentFlag carryOverUnusedFlag chargeToFirmFlag "
        "compHourlyRate compLimitAmount connectWiseId copyWorkRolesFlag copyWorkTypesFlag "
        "coverAgreementExpenseFlag coverAgreementProductFlag coverAgreementTimeFlag coverSalesTaxFlag "
        "department emailTemplate exclusionWorkRoleIds exclusionWorkTypeIds expireWhenZero "
        "expiredDays integrationXRef invoiceDescription invoicePreSuffix invoiceProratedAdditionsFlag "
        "invoiceTemplate limit location oneTimeFlag prePaymentFlag prefixSuffixOption projectType "
        "removeAllWorkRoleExclusions removeAllWorkTypeExclusions restrictDepartmentFlag "
        "restrictDownPaymentFlag restrictLocationFlag sla taxableFlag topCommentFlag workRole "
        "workType",
    ),
    _fixed("billingCycle", "billing_cycles", "identifier name defaultFlag billingOptions"),
    _fixed("currency", "currencies", "currencyIdentifier currencyCode symbol name defaultFlag"),
    _fixed("productType", "product_types", "name inactiveFlag typeXref defaultFlag"),
    _fixed(
        "category",
        "categories",
        "name inactiveFlag defaultFlag addAllLocations integrationXref locationIds priceLevelXref "
        "removeAllLocations",
    ),
    _fixed("subcategory", "subcategories", "name inactiveFlag defaultFlag category integrationXref"),
    _fixed(
        "mySecurity",
        "security",
        "moduleFunctionName moduleFunctionDescription moduleFunctionIdentifier addLevel editLevel "
        "deleteLevel inquireLevel myAllFlag moduleOptionFlag reportFlag restrictFlag customFlag",
    ),
    _fixed("unitOfMeasure", "units_of_measure", "name inactiveFlag defaultFlag uomScheduleXref"),
    _fixed(
        "userDefinedField",
        "user_defined_fields",
        "podId caption sequenceNumber screenId fieldTypeIdentifier numberDecimals entryTypeIdentifier "
        "requiredFlag displayOnScreenFlag readOnlyFlag listViewFlag dateCreated addAllBusinessUnits "
        "addAllLocations businessUnitIds buttonUrl connectWiseID helpText locationIds options "
        "removeAllBusinessUnits removeAllLocations",
    ),
)
RESOURCES: Final[Mapping[str, Resource]] = {
    resource.table: resource
    for resource in (COMPANY, CONTACT, AGREEMENT, ADDITION, CATALOG_ITEM, INVOICE, *SETUP)
}
