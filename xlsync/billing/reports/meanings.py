"""The meanings of headers in any report, in all languages. PURE."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from xlsync.billing.reports.northern_translations import NORTHERN_TRANSLATIONS
from xlsync.billing.reports.text import header_key, header_words
from xlsync.billing.reports.translations import TRANSLATIONS

# The meanings of columns, with their names in messages.
MEANINGS: Final[Mapping[str, str]] = {
    "customer": "Customer",
    "customer_id": "Customer ID",
    "contract": "Contract ID",
    "product": "Product",
    "product_code": "Product Code",
    "plan": "Billing Period",
    "cycle": "Commitment Period",
    "units": "Units",
    "cost": "Cost",
    "start": "Effective Date",
    "end": "End Date",
    "period": "Charged Period",
    "amount": "Amount",
    "debit": "Debit",
    "credit": "Credit",
    "currency": "Currency",
    "invoice": "Invoice",
    "invoice_type": "Invoice Type",
    "type": "Type",
    "mode": "Billing Mode",
    "meter": "Meter",
    "invoice_date": "Invoice Date",
    "duration": "Duration",
    "discount": "Discount",
    "term_and_cycle": "Term and Billing Cycle",
    "exchange_rate": "Exchange Rate",
    "sku": "SKU",
    "sku_name": "SKU Name",
    "tax": "Tax",
    "list_price": "List Price",
}
NEEDED: Final = ("customer", "product", "units")
# What people write into `[report.headers]`.
SETTING: Final[Mapping[str, str]] = {"customer": "End Customer", "product": "Product", "units": "Quantity"}

# For each meaning groups of English headers in order of preference; headers of one group mean the same.
_ENGLISH: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "customer": (
        ("End Customer Name", "End User Name", "End Customer Company Name", "End Customer Company",
         "Final Customer", "Final Customer Name", "End Client Name", "End User Company",
         "End User Company Name", "End Customer Organization", "End Customer Account Name"),
        ("End Customer", "End User", "End Client"),
        ("Customer Name", "Customer Company Name", "Client Name", "Tenant Name", "Customer Company"),
        ("Customer Organization", "Customer Organisation", "Customer Organization Name", "Customer Org",
         "Customer Display Name", "Customer Legal Name", "Client Company", "Name of Customer", "Cust Name",
         "Customer Tenant", "Customer Tenant Name", "Customer Account Name", "Customer Account"),
        ("Customer", "Client", "Tenant"),
        ("Company Name", "Account Name", "Organization Name", "Organisation Name"),
        ("Company", "Account", "Organization", "Organisation"),
    ),
    "customer_id": (
        ("End Customer ID", "End User ID", "End Customer Number", "End Customer Code"),
        ("Customer ID", "Customer Account ID", "Client ID", "Tenant ID", "Customer Tenant ID"),
        ("Company ID", "Account ID", "Organization ID"),
    ),
    "contract": (
        ("MS Subscription ID", "Microsoft Subscription ID", "Vendor Subscription ID"),
        ("Subscription ID", "Subscription Number", "Subscription No"),
        ("Contract ID", "Contract Number", "Contract No"),
        ("Subscription GUID", "Subscription Reference", "Subscription Identifier", "Agreement Number",
         "Agreement ID"),
    ),
    "product": (
        ("Product Name", "Charge Description", "Item Name", "Article Name"),
        ("Service Name", "Offer Name"),
        ("Product Description", "Item Description", "Line Item Description", "Article Description"),
        ("Product", "Article", "Item", "Service", "Offer"),
        ("SKU Name", "Resource Name"),
        ("Subscription Name",),
        ("Product Title", "Item Title", "SKU Description", "Service Description", "Plan Name", "License Name",
         "Material Description", "Part Description", "Line Description", "Product Service", "Charge Name"),
        ("Description",),
    ),
    "product_code": (("Product Code", "Item Code", "Product SKU", "Part Number", "Article Number",
        "Item Number",
                      "SKU", "SKU ID", "Product Number", "Vendor SKU", "Material Number", "MPN",
                      "Offer ID"),),
    "plan": (("Billing Plan",), ("Billing Frequency", "Billing Interval", "Billing Period",
        "Billing Cycle Type",
                                 "Invoice Frequency", "Payment Frequency"),),
    "cycle": (("Commitment Period", "Commitment", "Term", "Commitment Term", "Contract Term",
        "Subscription Term",
               "Term Duration", "Commitment Duration"),
              ("Contract Length", "Subscription Length", "Commit Term", "Contract Duration", "Term Length",
               "Subscription Duration")),
    "units": (("Billable Quantity", "Billed Quantity", "Quantity Billed", "Invoiced Quantity",
               "Quantity Invoiced", "Charged Quantity", "Quantity Charged", "Chargeable Quantity",
               "Billable Qty", "Billed Qty", "Qty Billed", "Invoiced Qty", "Qty Invoiced", "Charged Qty",
               "Billable Units", "Billed Units", "Units Billed"),
              ("Quantity", "Units", "Qty", "Number of Units", "Seats", "Licenses", "Licences",
               "License Count", "Unit Count"),
              ("Number of Licenses", "Number of Licences", "No of Licenses", "Number of Seats", "Seat Count",
               "User Count", "Users", "License Quantity", "Item Quantity")),
    "cost": (
        ("Rate Per Qty",),
        ("Partner Effective Unit Price", "Partner Unit Price", "Partner Price", "Reseller Unit Price",
         "Reseller Price", "Partner Unit Cost", "Reseller Unit Cost", "Partner Cost", "Partner Cost Price"),
        ("Effective Unit Price", "Effective Price", "Effective Unit Cost", "Net Unit Price", "Unit Net Price",
         "Net Unit Cost", "Unit Price Net", "Discounted Unit Price", "Discounted Price", "Effective Rate",
         "Unit Price After Discount", "Price After Discount", "Final Unit Price", "Final Price"),
        ("Unit Cost", "Cost Per Unit", "Cost Price", "Unit Cost Price", "Unit Cost Transaction Currency*",
         "Buy Price", "Purchase Price", "Cost Each", "Unit Buy Price"),
        ("Unit Price", "Price Per Unit", "Unit Rate", "Price Each", "Rate", "Price Per Qty"),
        ("Price per Seat", "Price per License", "Price per Licence", "Cost per License", "Unit Amount",
         "Unit Charge", "Price Unit", "Cost Unit", "Rate per Unit", "Item Price", "Unit Net", "Net Unit",
         "Dealer Price", "Your Price", "Your Cost", "Wholesale Price", "Purchase Cost"),
        ("Cost",),
        ("Net Price", "Net Cost"),
        ("Price",),
    ),
    "start": (
        ("Charge Start Date", "Charge Start", "Charge From", "Billing Cycle Start Date",
            "Billing Cycle Start",
         "Billing Period Start Date", "Billing Period Start", "Billing Start Date", "Billing Start",
         "Service Start Date", "Service Start", "Service Period Start", "Service Period Start Date",
         "Period Start",
         "Period Start Date", "Start Period", "Period From", "Charge Period Start", "Invoice Period Start",
         "Invoice Period Start Date", "Usage Start Date", "Usage Start"),
        ("Charge Period Start Date", "Billed From", "Billing From", "Service From", "Period Begin",
         "Start of Period", "Usage From", "Invoice Start Date", "Billing Period From"),
        ("Effective Date",),
        ("Start Date", "Start", "From", "From Date", "Date From", "Begin Date", "Valid From"),
    ),
    "end": (
        ("Charge End Date", "Charge End", "Charge To", "Billing Cycle End Date", "Billing Cycle End",
         "Billing Period End Date", "Billing Period End", "Billing End Date", "Billing End",
         "Service End Date",
         "Service End", "Service Period End", "Service Period End Date", "Period End", "Period End Date",
         "End Period",
         "Period To", "Charge Period End", "Invoice Period End", "Invoice Period End Date", "Usage End Date",
         "Usage End"),
        ("Charge Period End Date", "Billed Until", "Service To", "Service Until", "End of Period", "Usage To",
         "Invoice End Date", "Billing Period To"),
        ("End Date", "End", "To", "To Date", "Date To", "Until", "Valid To", "Valid Until"),
    ),
    "period": (("Charge Period", "Charged Period", "Service Period", "Usage Period", "Invoice Period",
        "Period",
                "Billing Dates", "Service Dates", "Subscription Period", "Billing Month"),
               ("Month", "Invoice Month", "Service Month", "Usage Month", "Charge Month")),
    "amount": (
        ("Partner Total", "Cost Total", "Total Cost", "Extended Cost", "Partner Amount", "Reseller Total",
         "Total Partner Cost", "Total Buy Price"),
        ("Subtotal", "Net Amount", "Amount Net", "Net Total", "Total Net", "Net", "Pre Tax Total",
         "Pretax Total", "Billing Pre Tax Total", "Total Excl VAT", "Total Excluding Tax", "Amount Excl VAT",
         "Amount Ex", "Net Value", "Line Net Amount", "Amount After Discount", "Discounted Amount",
         "Total After Discount", "Discounted Total", "Net Payable", "Net Due"),
        ("Net Line Amount", "Total Net Amount", "Total Net Price", "Total Before Tax", "Amount Before Tax",
         "Pre Tax Amount", "Pretax Amount", "Taxable Amount"),
        ("Amount", "Line Amount", "Extended Price", "Extended Amount", "Charge Amount", "Line Value",
            "Charges",
         "Line Price", "Ext Price", "Ext Cost", "Ext Amount", "Extended Amt", "Extended Net", "Ext Net"),
        ("Line Total", "Total", "Total Amount", "Total Price", "Amount Due", "Gross Value",
            "Line Total Amount",
         "Billed Amount", "Charged Amount", "Invoiced Amount", "Amount Billed", "Amount Charged",
         "Amount Invoiced", "Amount Payable", "Payable Amount", "Billing Amount", "Total Charge",
         "Total Charges", "Total Billed"),
    ),
    "debit": (("Debit", "Debit Amount"),),
    "credit": (("Credit", "Credit Amount"),),
    "currency": (("Currency", "Currency Code", "Billing Currency", "Invoice Currency",
        "Transaction Currency", "Curr", "CCY", "Currency ISO", "Currency ISO Code",
        "Billing Currency Code"),),
    "invoice": (("Invoice", "Invoice No", "Invoice Number", "Invoice Code", "Invoice ID", "Invoice Nr"),
                ("Document No", "Document Number", "Bill Number", "Document Nr", "Document", "Doc No",
                 "Doc Number"),
                ("Inv No", "Invoice Ref", "Invoice Reference", "Bill No", "Statement Number")),
    "invoice_type": (("Invoice Type", "Document Type", "Doc Type"),),
    "type": (("Charge Type", "Line Type", "Line Item Type", "Item Type", "Transaction Type", "Bill Type",
              "Kind of Charge", "Charge Kind", "Type of Charge"), ("Type", "Kind"),
             ("Charge Category", "Fee Type", "Entry Type")),
    "meter": (("Meter Name", "Meter", "Meter Description"),
              ("Meter Category", "Meter Sub Category", "Meter ID")),
    "invoice_date": (("Invoice Date", "Bill Date", "Billing Date", "Invoice Creation Date", "Document Date",
                      "Date of Invoice"), ("Inv Date", "Statement Date", "Invoice Issue Date")),
    "duration": (("Duration", "Proration Factor", "Prorate Factor", "Pro Rata Factor"),),
    "discount": (("Discount %", "Discount Percent", "Discount Percentage", "Discount Rate", "Discount",
                  "Disc %", "Disc", "Disc Percent"),),
    "term_and_cycle": (("Term And Billing Cycle",),),
    "tax": (("Tax", "VAT", "Tax Total", "Tax Amount", "VAT Amount", "GST", "Total Tax", "Sales Tax",
        "MwSt", "TVA",
             "BTW", "IVA"),
            ("Tax Rate", "Tax %", "Tax Percent", "VAT Rate", "VAT %", "GST %", "MwSt %", "USt %", "TVA %",
             "BTW %", "IVA %", "Steuersatz", "MwSt Satz", "Taux TVA")),
    "list_price": (("List Price", "RRP", "MSRP", "Retail Price", "Unit List Price", "ERP Price", "RRP EXC",
                    "End Customer Price", "Suggested Retail Price"),),
}  # fmt: skip


def with_translations(header: str) -> tuple[str, ...]:
    """Return an English header with the words of other languages that mean the same."""
    words = f"{TRANSLATIONS.get(header, '')},{NORTHERN_TRANSLATIONS.get(header, '')}".split(",")
    return header, *filter(None, map(str.strip, words))


# As `_ENGLISH`, in all languages.
HEADERS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    meaning: tuple(tuple(word for header in group for word in with_translations(header)) for group in groups)
    for meaning, groups in _ENGLISH.items()
}
# `Billing Cycle` says how often is billed where another column tells the commitment, else the commitment.
BILLING_CYCLES: Final = frozenset(map(header_key, with_translations("Billing Cycle")))
BILLING_PERIODS: Final = frozenset(map(header_key, with_translations("Billing Period")))
_TOTALS: Final = frozenset(map(header_key, HEADERS["amount"][-1]))

AMOUNTS: Final = ("amount", "debit", "credit")
MONEY: Final = ("cost", *AMOUNTS, "list_price")
CURRENCIES: Final = (
    "EUR|USD|GBP|CHF|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK"  # that a header may name without brackets
)
DOLLARS: Final = "USD?|CAD?|C|AUD?|A|NZD?|HK|SG|S"  # before the sign of a dollar
_IN_CURRENCY: Final = re.compile(
    rf"(?: (?:(?:in|i|w|v|em) )?(?:euro|{CURRENCIES.casefold()}|kc|zł|kr)"
    rf"|(?: in)?(?: (?:{DOLLARS.casefold()}))? ?[€$£])$"
    rf"|^(?:{CURRENCIES.casefold()}|(?:{DOLLARS.casefold()})?[€$£]) | (?:{CURRENCIES.casefold()})(?= )"
)
_WITHOUT_TAX: Final = re.compile(
    r" (?:(?:excl|excluding|ex|exkl|ohne|before|zzgl|sin|senza|hors|χωρισ|προ|ekskl|eks|utan|uden|uten|ilman"
    r"|sem)(?: of)? (?:vat|tax|taxes|gst|mw ?st|u ?st|iva|btw|tva|φπα|moms|mva|alv)|ht)$"
)


class MoneyHeader(NamedTuple):
    """A folded header of money without a currency and `excl. VAT`, and whether it said the latter."""

    key: str
    is_without_tax: bool


def money_header(header: str) -> MoneyHeader | None:
    """Return a header without a currency and `excl. VAT`; None where neither stands there."""
    words = header_words(header)
    without_currency = _IN_CURRENCY.sub("", words)
    bare = _IN_CURRENCY.sub("", _WITHOUT_TAX.sub("", without_currency))
    return MoneyHeader(bare.replace(" ", ""), bare != without_currency) if bare and bare != words else None


def may_hold_tax(header: str) -> bool:
    """Return whether a header of amounts is a total that may hold the tax."""
    bare = money_header(header)
    if bare is not None:
        return bare.key in _TOTALS and not bare.is_without_tax
    return header_key(header) in _TOTALS
