"""Reports with the headers of other languages, read without settings."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from xlsync.billing.reports.meanings import HEADERS
from xlsync.billing.reports.period_headers import period_end
from xlsync.billing.reports.reading import ReportsRead, read_reports
from xlsync.billing.reports.text import header_key
from xlsync.billing.reports.translations import TRANSLATIONS
from xlsync.errors import ReportError
from xlsync.models import LineType, Month
from xlsync.settings import ReportSettings

OCTOBER = Month(2026, 10)


def read(path: Path, text: str, code_page: str = "utf-8") -> ReportsRead:
    path.write_bytes(text.encode(code_page))
    return read_reports([path], OCTOBER, ReportSettings())


def refusal(path: Path, text: str) -> str:
    with pytest.raises(ReportError) as caught:
        read(path, text)
    return f"{caught.value.message}\n{caught.value.hint}"


@pytest.mark.parametrize(
    ("header", "charge", "credit", "first", "last", "code_page"),
    [
        (
            "Belegart;Kunde;Artikel;Vertragsnummer;Menge;Einzelpreis;Betrag;Währung;Von;Bis",
            "Rechnung",
            "Gutschrift",
            "01.10.2026",
            "31.10.2026",
            "cp1252",
        ),
        (
            (
                "Type de document;Nom du client;Désignation;N° de contrat;Quantité;Prix unitaire HT;"
                "Montant HT;Devise;Du;Au"
            ),
            "Facture",
            "Avoir",
            "1er octobre 2026",
            "31 octobre 2026",
            "cp1252",
        ),
        (
            (
                "Tipo de cargo;Cliente final;Descripción;ID de suscripción;Unidades;Precio;Importe neto;"
                "Divisa;Fecha de inicio;Fecha de fin"
            ),
            "Cuota",
            "Devolución",
            "01/10/2026",
            "31/10/2026",
            "utf-16",
        ),
        (
            (
                "Soort kosten;Eindklant;Artikel;Abonnementsnummer;Aantal;Prijs per stuk;Totaal excl. btw;"
                "Valuta;Startdatum;Einddatum"
            ),
            "Abonnement",
            "Restitutie",
            "01-10-2026",
            "31-10-2026",
            "utf-8",
        ),
        (
            "Tipo documento;Cliente;Prodotto;Numero contratto;Quantità;Prezzo unitario;Importo;Valuta;Dal;Al",
            "Fattura",
            "Nota di credito",
            "1 ottobre 2026",
            "31 ottobre 2026",
            "cp1252",
        ),
        (
            "ΤΥΠΟΣ ΧΡΕΩΣΗΣ;ΠΕΛΑΤΗΣ;ΠΡΟΪΟΝ;ΑΡΙΘΜΟΣ ΣΥΝΔΡΟΜΗΣ;ΠΟΣΟΤΗΤΑ;ΤΙΜΗ ΜΟΝΑΔΑΣ;ΑΞΙΑ;ΝΟΜΙΣΜΑ;ΑΠΟ;ΕΩΣ",
            "Συνδρομή",
            "Πιστωτικό",
            "01/10/2026",
            "31/10/2026",
            "utf-8",
        ),
    ],
)
def test_a_report_in_another_language_reads_like_one_in_english(
    path: Path, header: str, charge: str, credit: str, first: str, last: str, code_page: str
) -> None:
    rows = [
        f"{charge};Amber Ltd;Mail;s-1;6;10,50;63,00;EUR;{first};{last}",
        f"{credit};Amber Ltd;Mail;s-1;2;10,50;21,00;EUR;{first};{last}",
    ]
    lines = read(path, "\n".join([header, *rows]), code_page).lines
    assert [(line.customer, line.product, line.contract_id, line.currency) for line in lines] == [
        ("Amber Ltd", "Mail", "s-1", "EUR")
    ] * 2
    assert [(line.type, line.units, line.cost, line.amount) for line in lines] == [
        (LineType.RECURRING, 6, Decimal("10.50"), 63),
        (LineType.CREDIT, -2, Decimal("10.50"), -21),
    ]
    assert {(line.start, line.end) for line in lines} == {(dt.date(2026, 10, 1), dt.date(2026, 10, 31))}


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("Leistungszeitraum von", "Leistungszeitraum bis"),
        ("Abrechnungszeitraum-Start", "Abrechnungszeitraum-Ende"),
        ("Beginn des Leistungszeitraums", "Ende des Leistungszeitraums"),
        ("Début de la période de facturation", "Fin de la période de facturation"),
        ("Période du", "Période au"),
        ("Factuurperiode van", "Factuurperiode t/m"),
        ("Facturatieperiode (van)", "Facturatieperiode (tot en met)"),
        ("Periodo desde", "Periodo hasta"),
        ("Inizio del periodo di fatturazione", "Fine del periodo di fatturazione"),
        ("Faktureringsperiod från", "Faktureringsperiod till"),
        ("Okres rozliczeniowy od", "Okres rozliczeniowy do"),
        ("Service Period From", "Service Period To"),
        ("Charged Period Begin", "Charged Period End"),
        ("Start of Billing Period", "End of Billing Period"),
        ("Start Date (from)", "End Date (to)"),
        ("Startdatum (von)", "Enddatum (bis)"),
    ],
)
def test_the_ends_of_a_named_period_are_the_charged_days(path: Path, first: str, last: str) -> None:
    text = f"Kunde;Artikel;Menge;Einzelpreis;Betrag;{first};{last}\nA;Mail;2;10;20;01.10.2026;31.10.2026\n"
    (line,) = read(path, text).lines
    assert (line.start, line.end) == (dt.date(2026, 10, 1), dt.date(2026, 10, 31))


def test_a_customer_in_brackets_as_the_end_customer_is_no_day_of_a_period(path: Path) -> None:
    text = "Company (end);Artikel;Menge;Einzelpreis;Betrag\nA;Mail;2;10;20\n"
    (line,) = read(path, text).lines
    assert line.customer == "A"


@pytest.mark.parametrize("header", ["Abrechnungszeitraum", "Periodo", "Period", "Enddatum", "Von"])
def test_a_period_or_a_day_alone_is_no_end_of_a_named_period(header: str) -> None:
    assert period_end(header) is None


def test_every_translated_header_belongs_to_an_english_one_and_means_one_thing() -> None:
    places: dict[str, set[tuple[str, int]]] = {}
    for meaning, groups in HEADERS.items():
        for rank, group in enumerate(groups):
            for header in group:
                places.setdefault(header_key(header), set()).add((meaning, rank))
    assert {key: own for key, own in places.items() if len(own) > 1} == {}
    english = {header_key(header) for header in TRANSLATIONS} - {"billingcycle"}
    assert english <= places.keys()


def test_terms_and_billing_in_german_are_read_as_months(path: Path) -> None:
    (line,) = read(
        path,
        "Kunde;Artikel;Laufzeit;Abrechnungszyklus;Menge;Einzelpreis;Betrag\n"
        "Amber Ltd;Mail;12 Monate;monatlich;6;10,50;63,00\n",
    ).lines
    assert (line.commitment_months, line.billing_months) == (12, 1)


def test_the_end_customer_comes_before_the_reseller_in_german_too(path: Path) -> None:
    (line,) = read(
        path, "Kunde;Endkunde;Artikel;Menge;Einzelpreis;Betrag\nOur MSP;Amber Ltd;Mail;6;10,50;63,00\n"
    ).lines
    assert line.customer == "Amber Ltd"


def test_a_total_beside_a_german_tax_may_hold_it_and_is_refused(path: Path) -> None:
    text = refusal(path, "Kunde;Artikel;Menge;MwSt;Gesamtbetrag\nAmber Ltd;Mail;6;11,97;74,97\n")
    assert "Gesamtbetrag" in text
    assert "may hold the tax" in text


@pytest.mark.parametrize("header", ["Art", "Soll", "Haben", "Vertragsbeginn"])
def test_a_word_that_may_mean_two_things_is_named(path: Path, header: str) -> None:
    text = refusal(
        path, f"Kunde;Artikel;Menge;Einzelpreis;Betrag;{header}\nAmber Ltd;Mail;6;10,50;63,00;01.10.2026\n"
    )
    assert f"“{header}”" in text


def test_a_description_is_the_product_where_no_other_column_is(path: Path) -> None:
    (line,) = read(path, "Customer,Description,Quantity,Unit Price\nAmber Ltd,Mail,6,10.50\n").lines
    assert line.product == "Mail"
