"""Published layouts of reports: how each is recognised, and what its headers mean. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from xlsync.billing.reports.text import header_key


class Layout(Struct, frozen=True):
    """A published layout: the headers that mark it, their meanings, and headers to ignore.

    `is_usage` marks a file whose every row is usage. `is_signed` marks one that always writes a minus
    where money is given back.
    """

    name: str
    known_by: frozenset[str]
    meanings: Mapping[str, tuple[str, ...]]
    of_no_matter: frozenset[str] = field(default_factory=frozenset)
    is_usage: bool = False
    is_signed: bool = False


def _layout(
    name: str,
    known_by: str,
    meanings: Mapping[str, str],
    of_no_matter: str = "",
    *,
    is_usage: bool = False,
    is_signed: bool = False,
) -> Layout:
    """Make a layout from headers separated by commas."""
    return Layout(
        name=name,
        known_by=frozenset(map(header_key, known_by.split(","))),
        meanings={
            meaning: tuple(map(header_key, headers.split(","))) for meaning, headers in meanings.items()
        },
        of_no_matter=frozenset(map(header_key, filter(None, of_no_matter.split(",")))),
        is_usage=is_usage,
        is_signed=is_signed,
    )


LAYOUTS: Final[Sequence[Layout]] = (
    _layout(
        "Microsoft daily rated usage",
        "CustomerName,SubscriptionId,MeterName,UnitPrice,Quantity,BillingPreTaxTotal",
        {
            "customer": "CustomerName", "customer_id": "CustomerId", "contract": "SubscriptionId",
            "product": "ProductName", "product_code": "ProductId", "sku": "SkuId", "units": "Quantity",
            "cost": "EffectiveUnitPrice,UnitPrice", "amount": "BillingPreTaxTotal",
                "currency": "BillingCurrency",
            "invoice": "InvoiceNumber", "start": "ChargeStartDate", "end": "ChargeEndDate",
            "exchange_rate": "PCToBCExchangeRate",
        },
        "UsageDate,MeterType,UnitType,ChargeType,PCToBCExchangeRateDate,CreditType,CreditPercentage,"
        "PartnerEarnedCreditPercentage,ResourceURI,RateOfPartnerEarnedCredit,BenefitType",
        is_usage=True,
    ),
    _layout(
        "Microsoft new commerce reconciliation",
        "CustomerName,ProductId,SkuId,ChargeType,Quantity,Subtotal,SubscriptionId,TermAndBillingCycle,"
        "BillingFrequency",
        {
            "customer": "CustomerName", "customer_id": "CustomerId", "contract": "SubscriptionId",
            "product": "ProductName", "sku_name": "SkuName", "product_code": "ProductId", "sku": "SkuId",
            "units": "BillableQuantity,Quantity", "cost": "EffectiveUnitPrice,UnitPrice",
                "amount": "Subtotal",
            "currency": "Currency", "invoice": "InvoiceNumber", "type": "ChargeType",
                "start": "ChargeStartDate",
            "end": "ChargeEndDate", "term_and_cycle": "TermAndBillingCycle", "plan": "BillingFrequency",
            "exchange_rate": "PCToBCExchangeRate",
        },
        "OrderDate,UnitType,PCToBCExchangeRateDate,CreditReasonCode,SubscriptionStartDate,"
        "SubscriptionEndDate,"
        "CreditType,MeterType,PriceAdjustmentDescription,UnitPrice,Quantity,ReferenceId",
        is_signed=True,
    ),
    _layout(
        "Microsoft licence reconciliation",
        "SyndicationPartnerSubscriptionNumber,OfferName,ChargeType,UnitPrice,Quantity,CustomerName",
        {
            "customer": "CustomerName", "customer_id": "CustomerId",
            "contract": "SyndicationPartnerSubscriptionNumber", "product": "OfferName",
            "product_code": "DurableOfferId,OfferId", "units": "Quantity", "cost": "UnitPrice",
            "amount": "Subtotal,Amount", "currency": "Currency", "invoice": "InvoiceNumber",
                "type": "ChargeType",
            "start": "ChargeStartDate", "end": "ChargeEndDate", "plan": "BillingCycleType",
            "discount": "TotalOtherDiscount",
        },
        "SubscriptionStartDate,SubscriptionEndDate,SubscriptionId,Amount,OrderDate",
        is_signed=True,
    ),
    _layout(
        "Microsoft usage reconciliation",
        "CustomerCompanyName,ServiceName,ServiceType,ResourceName,ConsumedQuantity,PretaxCharges",
        {
            "customer": "CustomerCompanyName", "customer_id": "CustomerId", "contract": "SubscriptionId",
            "product": "ServiceName", "product_code": "ResourceGuid", "units": "ConsumedQuantity",
            "cost": "ListPrice", "amount": "PretaxCharges", "currency": "Currency",
                "invoice": "InvoiceNumber",
            "start": "ChargeStartDate", "end": "ChargeEndDate",
        },
        "ChargeType,ServiceType,MeteredServiceType,UsageDate,PostTaxEffectiveRate,TaxAmount,DiscountDetails",
        is_usage=True,
    ),
    _layout(
        "CloudCockpit",
        "CustomerName,SkuName,ChargeType,Subtotal,TermAndBillingCycle,BillableQuantity",
        {
            "customer": "CustomerName", "customer_id": "CustomerId", "contract": "SubscriptionId",
            "product": "ProductName", "sku_name": "SkuName", "product_code": "ProductId", "sku": "SkuId",
            "units": "BillableQuantity,Quantity", "cost": "EffectiveUnitPrice,UnitPrice",
                "amount": "Subtotal",
            "currency": "Currency,BillingCurrency", "invoice": "InvoiceNumber", "type": "ChargeType",
            "start": "ChargeStartDate", "end": "ChargeEndDate", "term_and_cycle": "TermAndBillingCycle",
            "plan": "BillingFrequency",
            "exchange_rate": "PCToBCExchangeRate",
        },
        "OrderDate,UnitType,UnitPrice,Quantity,SubscriptionStartDate,SubscriptionEndDate,"
        "PCToBCExchangeRateDate,"
        "CreditReasonCode,ReferenceId",
        is_signed=True,
    ),
    _layout(
        "Pax8 invoice",
        "company_name,description,start_period,end_period,quantity,cost,cost_total",
        {
            "customer": "company_name", "customer_id": "company_id", "product": "description",
            "product_code": "sku,vendor_sku", "units": "quantity", "cost": "cost", "amount": "cost_total",
            "currency": "currency,currency_code", "invoice": "invoice_id,invoice_number", "type": "type",
            "start": "start_period", "end": "end_period", "cycle": "term", "invoice_date": "invoice_date",
            "contract": "subscription_id",
        },
        "rate_type,charge_type,due_date,price,subtotal,total,partner_subtotal,partner_total,partner_name,"
        "total_due,"
        "balance,billing_fee,product_name,amount_due",
    ),
    _layout(
        "Ingram Micro (CloudBlue)",
        "End Customer Name,Subscription ID,Resource Name,Quantity,Unit Cost,Extended Cost",
        {
            "customer": "End Customer Name", "customer_id": "Customer Account ID,End Customer ID",
            "contract": "Subscription ID", "product": "Resource Name",
                "product_code": "Vendor Part Number,MPN,SKU",
            "units": "Quantity", "cost": "Unit Cost", "amount": "Extended Cost",
            "currency": "Currency,Currency Code", "invoice": "Invoice Number,Invoice ID,Document Number",
            "type": "Charge Type", "start": "Charge Start Date", "end": "Charge End Date",
                "duration": "Duration",
            "invoice_date": "Invoice Date", "plan": "Billing Period,Billing Frequency",
            "cycle": "Subscription Period,Subscription Term",
        },
        "Subscription Expiration Date,Subscription Start Date,Subscription Creation Date,Plan ID,Plan Name,"
        "Order Date,Reseller ID,Reseller Company Name,Subscription Name,Unit Price,Extended Price,Due Date,"
        "Renewal Date,Subscription Renewal Date,Order Type,Resource Type,Unit Type",
    ),
    _layout(
        "TD SYNNEX (Australia)",
        "Customer_company_Name,AZU_ServiceName,AZU_ResourceName,Quantity,Price_EX,Amount_EX",
        {
            "customer": "Customer_company_Name", "product": "AZU_ServiceName", "units": "Quantity",
            "cost": "Price_EX", "amount": "Amount_EX", "contract": "AZU_SubscriptionID,Subscription_ID",
            "start": "AZU_ChargeStartDate,Charge_Start_Date", "end": "AZU_ChargeEndDate,Charge_End_Date",
            "invoice": "Invoice_Number", "invoice_date": "Invoice_Date",
        },
        "AZU_ServiceType,AZU_ResourceName,RRP_EXC,RRP_EX,AZU_UsageDate",
    ),
    _layout(
        "AppDirect invoice",
        "Company Name,Application Name,Edition Name,Line Item Type,Quantity,Price,Total Price",
        {
            "customer": "Company Name", "customer_id": "Company ID", "product": "Application Name",
            "contract": "Subscription ID,Entitlement ID", "units": "Quantity", "cost": "Price",
            "amount": "Total Price", "currency": "Currency", "invoice": "Invoice ID",
                "type": "Line Item Type",
            "invoice_date": "Invoice Creation Date", "start": "Service Start Date", "end": "Service End Date",
        },
        "Invoice Due Date,Invoice Balance Due,Line Item Description,Invoice "
        "Paid Date,"
        "Order Start Date,Order End Date,Order Creation Date,Payment Type,Invoice Type,Edition Type",
    ),
    _layout(
        "MSP Hub",
        "CustomerName,ResourceName,Quantity,PartnerEffectiveUnitPrice,PartnerTotal,ValidFrom,ValidTo",
        {
            "customer": "CustomerName", "customer_id": "CustomerId", "product": "ResourceName",
            "contract": "SubscriptionId,ReferenceId", "units": "Quantity",
                "cost": "PartnerEffectiveUnitPrice",
            "amount": "PartnerTotal", "currency": "Currency", "start": "ValidFrom", "end": "ValidTo",
            "plan": "BillingCycle", "cycle": "Term", "type": "ChargeType",
        },
        "PurchaseDate,EffectiveDays,CustomerSubTotal,CustomerTotal,CustomerEffectiveUnitPrice,ReferenceId",
    ),
    _layout(
        "Xarios",
        "quantity,value,fromdate,todate,productname,tenantname",
        {
            "customer": "tenantname", "customer_id": "tenantcode", "product": "productname",
            "product_code": "partnumber", "units": "quantity", "amount": "value", "start": "fromdate",
            "end": "todate",
        },
    ),
    _layout(
        "ActivePlatform charges",
        "Account Name,Plan,Billing period start date,Billing period end date,Quantity,Unit price,Amount",
        {
            "customer": "Account Name", "contract": "Subscription ID", "product": "Plan", "units": "Quantity",
            "cost": "Unit price", "amount": "Amount", "currency": "Currency",
                "start": "Billing period start date",
            "end": "Billing period end date", "type": "Charge type", "mode": "Operation type",
        },
        "Charge create date,Charge close date,Charge status,Subscription start date,Subscription end date",
    ),
    _layout(
        "Huawei partner bill",
        "Billing Cycle,Customer Name,Bill Type,Billing Mode,Product Type,Amount Due",
        {
            "customer": "Customer Name", "customer_id": "Customer ID", "product": "Product Name,Product Type",
            "product_code": "Product Code", "units": "Quantity,Usage", "cost": "Unit Price",
            "amount": "Amount Due", "currency": "Currency", "type": "Bill Type", "mode": "Billing Mode",
            "period": "Billing Cycle", "contract": "Order ID,Resource ID",
        },
        "Product Type,Product Type Code,Account Name,Expenditure Time,Transaction Time,Resource Type,"
        "Resource Type Code,Usage Type,Order Type,Start Time,End Time,Payment Type",
    ),
)  # fmt: skip
