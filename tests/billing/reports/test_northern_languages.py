"""Reports with Nordic, Polish, Czech and Portuguese headers, read without settings."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from tests.helpers.report_rows import doubts_of, read, refused
from xlsync.billing.reports.meanings import HEADERS
from xlsync.billing.reports.northern_translations import NORTHERN_TRANSLATIONS
from xlsync.billing.reports.reading import read_reports
from xlsync.billing.reports.terms import months_in_words
from xlsync.billing.reports.text import header_key
from xlsync.models import LineType, Month
from xlsync.settings import ReportSettings

# Each report: its code page, what parts its cells, and its columns by what stands in them.
REPORTS = [
    ("utf-8", ";",
     ("c=Kund;p=Artikel;n=Abonnemangsnummer;q=Antal;u=Enhetspris;a=Belopp;y=Valuta;f=Från;"
     "t=Till")),
    ("utf-8", ";", "q=Antal;u=À-pris;a=Summa;p=Benämning;c=Kundnamn;f=Fr.o.m.;t=T.o.m.;i=Fakturanr"),
    ("utf-16", "\t",
     ("i=Fakturanummer;d=Fakturadatum;c=Slutkund;x=Kund;p=Produktnamn;q=Antal licenser;u=Styckpris;"
     "a=Belopp exkl. moms;g=Belopp inkl. moms;v=Moms;y=Valuta;f=Startdatum;t=Slutdatum")),
    ("utf-8", ";", "p=Tjänst;c=Företag;q=Kvantitet;a=Radsumma;u=Pris per styck;m=Faktureringsintervall"),
    ("utf-8", "|", "c=Kund;p=Beskrivning;q=Antal;u=Pris;a=Belopp (SEK)"),
    ("utf-8", ";",
     ("k=Type;c=Kunde;p=Vare;n=Aftalenummer;q=Antal;u=Enhedspris;a=Beløb;y=Valuta;f=Fra;"
     "t=Til")),
    ("utf-8", ";",
     ("c=Kundenavn;p=Varetekst;q=Antal;u=Stk. pris;a=Linjetotal;v=Moms;f=Startdato;"
     "t=Slutdato")),
    ("utf-16", "\t", "a=Beløb ekskl. moms;g=Beløb inkl. moms;u=Stykpris;q=Antal;p=Produktnavn;c=Slutkunde"),
    ("utf-8", ";",
     ("c=Virksomhed;p=Produkt;q=Mængde;u=Pris pr. enhed;a=I alt;y=Valuta;"
     "m=Faktureringsfrekvens")),
    ("utf-8", ";",
     ("c=Kunde;p=Tjeneste;n=Abonnements-ID;q=Antal licenser;u=Pris;a=Nettobeløb;"
     "d=Fakturadato")),
    ("utf-8", ";",
     ("c=Kunde;p=Vare;n=Avtalenummer;q=Antall;u=Enhetspris;a=Beløp;y=Valuta;f=Fra dato;"
     "t=Til dato")),
    ("utf-8", ";",
     ("c=Kundenavn;p=Produktnavn;q=Antall;u=Pris pr. stk;a=Sum eks. mva;v=Mva;"
     "g=Sum inkl. mva")),
    ("utf-8", "\t", "i=Fakturanr;c=Sluttkunde;x=Selskap;p=Artikkel;q=Antall lisenser;u=Pris;a=Linjesum"),
    ("utf-16", ";", "p=Beskrivelse;q=Mengde;u=Enhetspris;a=Totalt;c=Bedrift;f=Periode fra;t=Periode til"),
    ("utf-8", ";",
     ("k=Transaksjonstype;c=Kunde;p=Tjeneste;q=Antall;u=Pris;a=Beløp (NOK);"
     "m=Betalningsintervall")),
    ("utf-8", ";",
     ("c=Asiakas;p=Tuote;n=Sopimusnumero;q=Määrä;u=Yksikköhinta;a=Summa;y=Valuutta;f=Alkaen;"
     "t=Päättyy")),
    ("cp1252", ";",
     ("c=Asiakkaan nimi;p=Tuotteen nimi;q=Kpl;u=À-hinta;a=Veroton summa;v=ALV;"
     "g=Yhteensä sis. alv")),
    ("utf-8", "\t", "p=Kuvaus;c=Loppuasiakas;x=Asiakas;q=Lukumäärä;u=Hinta/kpl;a=Rivisumma;m=Laskutusväli"),
    ("utf-16", "\t",
     ("i=Laskun numero;d=Laskun päiväys;c=Yritys;p=Palvelu;q=Lisenssien määrä;u=Hinta;"
     "a=Yhteensä")),
    ("utf-8", ";",
     ("c=Asiakas;p=Tuotekuvaus;q=Määrä;u=Yksikköhinta;a=Summa ilman alv;f=Jakson alku;"
     "t=Jakson loppu")),
    ("utf-8", ";",
     ("c=Klient;p=Produkt;n=Numer umowy;q=Ilość;u=Cena jednostkowa;a=Wartość netto;y=Waluta;f=Od;"
     "t=Do")),
    ("utf-8", ";",
     ("p=Nazwa towaru lub usługi;q=Ilość;u=Cena netto;a=Wartość netto;v=Kwota VAT;g=Wartość brutto;"
     "c=Klient końcowy")),
    ("utf-16", "\t",
     ("i=Numer faktury;d=Data wystawienia;c=Nazwa klienta;p=Usługa;q=Liczba licencji;u=Cena;"
     "a=Kwota")),
    ("cp1250", "\t",
     ("c=Nazwa firmy;p=Opis usługi;q=Ilość sztuk;u=Cena za sztukę;a=Razem;f=Data od;"
     "t=Data do")),
    ("utf-8", ";",
     ("k=Rodzaj opłaty;c=Klient;p=Nazwa produktu;n=ID subskrypcji;q=Ilość;u=Cena jedn.;"
     "a=Kwota (PLN)")),
    ("cp1250", ";",
     ("c=Zákazník;p=Zboží;n=Číslo smlouvy;q=Množství;u=Jednotková cena;a=Částka;y=Měna;f=Od;"
     "t=Do")),
    ("utf-8", ";",
     ("c=Název zákazníka;p=Popis;q=Počet kusů;u=Cena za MJ;a=Celkem bez DPH;v=DPH;"
     "g=Celkem s DPH")),
    ("utf-16", "\t",
     ("i=Číslo faktury;d=Datum vystavení;c=Koncový zákazník;p=Služba;q=Počet licencí;u=Cena/ks;"
     "a=Cena celkem")),
    ("cp1250", "\t",
     ("a=Celková cena bez DPH;u=Cena za kus;q=Množství;p=Název produktu;c=Název společnosti;"
     "f=Datum od;t=Datum do")),
    ("utf-8", ";",
     ("c=Zákazník;p=Název položky;q=Počet;u=Jednotková cena;a=Částka (Kč);f=Období od;"
     "t=Období do")),
    ("cp1252", ";",
     ("c=Cliente;p=Produto;n=Número do contrato;q=Quantidade;u=Preço unitário;a=Montante;y=Moeda;"
     "f=Início;t=Fim")),
    ("utf-8", ";",
     ("c=Nome do cliente;p=Descrição;q=Qtd.;u=Preço unit.;a=Total sem IVA;v=IVA;"
     "g=Total com IVA")),
    ("utf-16", "\t",
     ("i=Nº da fatura;d=Data de emissão;c=Cliente final;p=Serviço;q=Quantidade;u=Valor unitário;"
     "a=Valor total")),
    ("utf-8", ",",
     ("c=Empresa;p=Designação;n=ID da assinatura;q=Número de licenças;u=Preço;a=Valor líquido;"
     "f=Data de início;t=Data de fim")),
    ("utf-8", ";",
     ("k=Tipo de cobrança;c=Cliente;p=Artigo;q=Qtde;u=Preço unitário;a=Preço total;f=De;"
     "t=Até")),
]  # fmt: skip
CELLS = {
    "c": ("Amber Ltd", "Birch Ltd"), "x": ("Our MSP", "Our MSP"), "p": ("Mail", "Backup"),
    "n": ("s-1", "s-2"),
    "q": ("6", "3"), "u": ("10,50", "400,00"), "a": ("63,00", "1.200,00"), "v": ("15,75", "300,00"),
    "g": ("78,75", "1.500,00"), "y": ("EUR", "EUR"), "f": ("01.10.2026", "01.10.2026"),
    "t": ("31.10.2026", "31.10.2026"), "i": ("F-1", "F-1"), "d": ("31.10.2026", "31.10.2026"),
    "k": ("Abonnement", "Abonnement"), "m": ("1", "1"),
}  # fmt: skip
OWN_WORDS = {
    "Rodzaj opłaty": ("k", "Abonament"), "Tipo de cobrança": ("k", "Assinatura"),
    "Faktureringsintervall": ("m", "Månadsvis"), "Faktureringsfrekvens": ("m", "Månedlig"),
    "Betalningsintervall": ("m", "månedlig"), "Laskutusväli": ("m", "kuukausittain"),
}  # fmt: skip


@pytest.mark.parametrize(("code_page", "delimiter", "columns"), REPORTS)
def test_a_report_in_a_northern_language_reads_like_one_in_english(
    path: Path, code_page: str, delimiter: str, columns: str
) -> None:
    pairs = [pair.split("=", 1) for pair in columns.split(";")]
    rows = [[header for _, header in pairs]]
    for n in (0, 1):
        cells = [OWN_WORDS.get(header, ("", CELLS[key][n]))[1] for key, header in pairs]
        rows.append([f'"{cell}"' if delimiter in cell else cell for cell in cells])
    path.write_bytes("\n".join(delimiter.join(row) for row in rows).encode(code_page))
    found = read_reports([path], Month(2026, 10), ReportSettings())
    keys = {key for key, _ in pairs}
    assert [(line.customer, line.product, line.units, line.cost, line.amount) for line in found.lines] == [
        ("Amber Ltd", "Mail", 6, Decimal("10.50"), 63),
        ("Birch Ltd", "Backup", 3, 400, 1200),
    ]
    first = found.lines[0]
    assert first.contract_id == ("s-1" if "n" in keys else "")
    assert first.start == (dt.date(2026, 10, 1) if "f" in keys else None)
    assert first.end == (dt.date(2026, 10, 31) if "t" in keys else None)
    assert first.invoice == ("F-1" if "i" in keys else "")
    assert first.billing_months == (1 if "m" in keys else None)
    assert first.type is LineType.RECURRING
    signs = {"(SEK)": "SEK", "(NOK)": "NOK", "(PLN)": "PLN", "(Kč)": "CZK"}
    in_header = next((code for sign, code in signs.items() if sign in columns), "")
    assert first.currency == ("EUR" if "y" in keys else in_header)
    assert not doubts_of(found)


def test_headers_of_all_languages_mean_one_thing() -> None:
    english = {header_key(header) for header in NORTHERN_TRANSLATIONS} - {"billingcycle"}
    known = {header_key(header) for groups in HEADERS.values() for group in groups for header in group}
    assert english <= known


@pytest.mark.parametrize(
    ("text", "months"),
    [("Månadsvis", 1), ("årlig", 12), ("12 måneder", 12), ("36 månader", 36), ("kuukausittain", 1),
     ("12 kk", 12), ("vuosittain", 12), ("miesięcznie", 1), ("12 miesięcy", 12), ("rocznie", 12),
     ("mensal", 1), ("anual", 12), ("12 meses", 12), ("měsíčně", 1), ("ročně", 12), ("12 měsíců", 12),
     ("kvartalsvis", 3), ("čtvrtletně", 3)],
)  # fmt: skip
def test_how_often_is_billed_is_read_in_northern_languages(text: str, months: int) -> None:
    assert months_in_words(text) == months


@pytest.mark.parametrize(
    ("header", "charge", "credit"),
    [
        ("Radtyp;Kund;Artikel;Antal;Enhetspris;Belopp", "Abonnemang", "Kreditnota"),
        ("Type;Kunde;Vare;Antal;Enhedspris;Beløb", "Fornyelse", "Kreditnota"),
        ("Linjetype;Kunde;Vare;Antall;Enhetspris;Beløp", "Abonnement", "Kreditnota"),
        ("Rivityyppi;Asiakas;Tuote;Määrä;Yksikköhinta;Summa", "Uusi", "Hyvitys"),
        ("Rodzaj opłaty;Klient;Produkt;Ilość;Cena;Kwota", "Subskrypcja", "Zwrot"),
        ("Typ poplatku;Zákazník;Produkt;Množství;Cena;Částka", "Předplatné", "Dobropis"),
        ("Tipo de cobrança;Cliente;Produto;Quantidade;Preço;Montante", "Assinatura", "Estorno"),
    ],
)
def test_a_credit_is_known_by_its_word_in_northern_languages(
    path: Path, header: str, charge: str, credit: str
) -> None:
    rows = f"{charge};Amber;Mail;6;10,50;63,00", f"{credit};Amber;Mail;2;10,50;21,00"
    assert [(line.units, line.amount) for line in read(path, header, *rows).lines] == [(6, 63), (-2, -21)]


@pytest.mark.parametrize(
    "product", ["Rabat 10 %", "Alennus", "Upust 10%", "Desconto 10%", "Sleva", "Rabatt på Mail", "Kreditnota"]
)
def test_a_product_named_as_a_discount_in_a_northern_language_changes_no_units(
    path: Path, product: str
) -> None:
    header = "Customer;Product;Quantity;Unit Price;Amount"
    (_, off) = read(path, header, "Amber;Mail;6;10,50;63,00", f"Amber;{product};1;-5,81;-5,81").lines
    assert (off.units, off.cost, off.amount) == (0, None, Decimal("-5.81"))


@pytest.mark.parametrize(
    "header",
    ["Belopp (inkl. moms)", "Beløb (med moms)", "Summa (sis. ALV)", "Kwota (z VAT)", "Montante (com IVA)",
     "Částka (s DPH)", "Částka (vč. DPH)", "Belopp inkl. moms", "Wartość brutto", "Celkem s DPH"],
)  # fmt: skip
def test_an_amount_with_tax_is_no_amount_in_northern_languages(path: Path, header: str) -> None:
    rows = f"Customer;Product;Quantity;{header}", "Amber;Mail;6;75,00"
    assert "no column for: Amount or Unit Price" in refused(path, *rows).message


@pytest.mark.parametrize(
    "title", ["Belopp i SEK", "Valuta: SEK", "Kwoty w PLN", "Valores em EUR", "Měna: CZK"]
)
def test_a_title_tells_the_currency_in_northern_languages(path: Path, title: str) -> None:
    rows = "Customer;Product;Quantity;Unit Price;Amount", "Amber;Mail;6;10,50;63,00"
    assert read(path, title, *rows).lines[0].currency == title[-3:]


@pytest.mark.parametrize("title", ["GBP v EUR 1.15", "SEK i EUR: 0.09", "CZK v EUR 0,04"])
def test_a_title_of_a_rate_between_two_currencies_names_none(path: Path, title: str) -> None:
    rows = "Customer;Product;Quantity;Unit Price;Amount", "Amber;Mail;6;10,50;63,00"
    assert not read(path, title, *rows).lines[0].currency


@pytest.mark.parametrize("total", ["Summa", "I alt", "Yhteensä", "Razem", "Celkem", "Totalt", "Total geral"])
def test_a_total_is_known_by_its_word_in_northern_languages(path: Path, total: str) -> None:
    header = "Customer;Product;Quantity;Unit Price;Amount"
    found = read(path, header, "Amber;Mail;6;10,50;63,00", "Birch;Mail;1;10,50;10,50", f"{total};;;;73,50")
    assert len(found.lines) == 2
    assert found.tables[0].totals == {"": Decimal("73.50")}


@pytest.mark.parametrize(
    ("header", "price"),
    [("Kunde;Vare;Antal;Stk. pris;Pris", "63,00"), ("Klient;Produkt;Ilość;Cena;Kwota po rabacie", "50,00"),
     ("Zákazník;Zboží;Množství;Cena;Hodnota", "50,00"),
     ("Zákazník;Zboží;Množství;Cena za MJ;Cena bez DPH", "50,00"),
     ("Kund;Artikel;Antal;Styckpris;Pris exkl. moms", "50,00"),
     ("Cliente;Produto;Quantidade;Preço;Valor", "50,00")],
)  # fmt: skip
def test_an_unread_amount_in_a_northern_language_is_asked_about(path: Path, header: str, price: str) -> None:
    assert (
        f"row 2, {header.rpartition(';')[2]}: {price}"
        in refused(path, header, f"A;M;6;10,50;{price}").message
    )


@pytest.mark.parametrize(
    ("period", "words"),
    [("1 października 2026 - 31 października 2026", "Okres"),
     ("1. oktober 2026 til 31. oktober 2026", "Periode"),
     ("1. lokakuuta 2026 – 31. lokakuuta 2026", "Jakso"), ("1. října 2026 - 31. října 2026", "Období"),
     ("od 1. 10. 2026 do 31. 10. 2026", "Období"), ("Fra 1. oktober 2026 til 31. oktober 2026", "Periode"),
     ("Från 2026-10-01 till 2026-10-31", "Period"), ("1.10.–31.10.2026", "Jakso"),
     ("1 de outubro de 2026 até 31 de outubro de 2026", "Período")],
)  # fmt: skip
def test_a_period_with_the_name_of_a_northern_month_is_read(path: Path, period: str, words: str) -> None:
    (line,) = read(path, f"Customer;Product;Quantity;Amount;{words}", f"Amber;Mail;6;63,00;{period}").lines
    assert (line.start, line.end) == (dt.date(2026, 10, 1), dt.date(2026, 10, 31))


@pytest.mark.parametrize(
    ("read_too", "header"), [("Til", "Opkræves fra"), ("Fra", "Opkræves til"), ("Do", "Obowiązuje od")]
)
def test_an_unread_end_of_the_charged_period_is_asked_about(path: Path, read_too: str, header: str) -> None:
    rows = f"Kunde;Vare;Antal;Beløb;{read_too};{header}", "Amber;Mail;6;63,00;31.10.2026;01.10.2026"
    assert (
        f"the column “{header}” looks as if it told a kind, a sign or a date" in refused(path, *rows).message
    )
    named = rows[0], "Amber;Mail;6;63,00;31.10.2026;Birch"
    assert read(path, *named).lines


def test_days_of_something_else_are_not_asked_about_where_they_can_be_no_end_of_the_charged_period(
    path: Path,
) -> None:
    for header, there, days in (
        ("Do not renew after", "Start Date", "2026-10-01"),
        ("Obowiązuje od", "Start Date;End Date", "2026-10-01;2026-10-31"),
        ("Oprettet fra", "Period", "2026-10-01 - 2026-10-31"),
    ):
        rows = f"Customer;Product;Quantity;Amount;{there};{header}", f"Amber;Mail;6;63,00;{days};2026-09-30"
        assert read(path, *rows).lines


@pytest.mark.parametrize("header", ["Beløp (kr)", "Belopp kr", "Beløb i kr.", "Beløp (kr.)"])
def test_a_krone_of_no_country_in_a_header_is_told_and_is_none_of_the_others(path: Path, header: str) -> None:
    rows = f"Kunde;Vare;Antal;Pris;{header}", "Amber;Mail;6;10,50;63,00"
    found = read(path, *rows)
    assert [(line.amount, line.currency) for line in found.lines] == [(63, "")]
    assert any(f"the sign in {header} stands for several currencies" in one for one in found.notices)
    named = read(path, f"Valuta;{rows[0]}", f"NOK;{rows[1]}")
    assert named.lines[0].currency == "NOK"
    assert not doubts_of(named)
    (doubt,) = doubts_of(read(path, f"Valuta;{rows[0]}", f"EUR;{rows[1]}"))
    assert f"{header} has a sign of another currency, and the money counts as EUR" in doubt


@pytest.mark.parametrize("title", ["Facture des licences 2026", "Marco 2026", "Lijst van leden 2026"])
def test_a_word_that_is_a_month_in_another_language_names_no_other_month(path: Path, title: str) -> None:
    rows = "Customer;Product;Quantity;Unit Price;Amount", "Amber;Mail;6;10,50;63,00"
    assert not doubts_of(read(path, title, *rows))
    (doubt,) = doubts_of(read(path, "Faktura wrzesień 2026", *rows))
    assert "names another month than 2026-10" in doubt


@pytest.mark.parametrize("title", ["Faktura moms", "Lasku maksu", "Faktura VAT", "Fatura taxa"])
def test_a_title_of_a_tax_or_a_fee_in_a_northern_language_is_no_kind_of_all_rows(
    path: Path, title: str
) -> None:
    rows = "Customer;Product;Quantity;Unit Price;Amount", "Amber;Mail;6;10,50;63,00"
    assert read(path, title, *rows).lines
