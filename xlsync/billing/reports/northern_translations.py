"""Known headers in the languages of the North, Polish, Czech and Portuguese, each by the English one. PURE.

A word that means two things is left out: a Finnish *tilaus* is an order or a subscription, a Portuguese
*valor* and a Czech *cena bez DPH* may be the price of one or of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# By the English header that has the meaning: the words of the other languages, parted by commas.
NORTHERN_TRANSLATIONS: Final[Mapping[str, str]] = {
    "End Customer Name": "Slutkundens namn, Slutkundenavn, Sluttkundenavn, Loppuasiakkaan nimi, "
    "Nazwa klienta końcowego, Nome do cliente final, Název koncového zákazníka",
    "End Customer": "Slutkund, Slutkunde, Sluttkunde, Slutbruger, Slutanvändare, Sluttbruker, Loppuasiakas, "
    "Klient końcowy, Odbiorca końcowy, Użytkownik końcowy, Utilizador final, Usuário final, "
    "Koncový zákazník, Koncový uživatel",
    "Customer Name": "Kundnamn, Kundens namn, Kundenavn, Asiakkaan nimi, Asiakasnimi, Nazwa klienta, "
    "Nome do cliente, Název zákazníka, Jméno zákazníka",
    "Customer": "Kund, Asiakas, Klient, Zákazník",
    "Company Name": "Företagsnamn, Firmanavn, Virksomhedsnavn, Selskapsnavn, Bedriftsnavn, Yrityksen nimi, "
    "Nazwa firmy, Nome da empresa, Název firmy, Název společnosti",
    "Company": "Företag, Virksomhed, Selskab, Selskap, Bedrift, Yritys, Společnost",
    "End Customer ID": "Slutkundsnummer, Slutkundenummer, Sluttkundenummer",
    "Customer ID": "Kundnummer, Kundnr, Kund-ID, Kundenummer, Kundenr, Kunde-ID, Asiakasnumero, "
    "Asiakasnro, Asiakastunnus, Numer klienta, Nr klienta, ID klienta, Kod klienta, Número do cliente, "
    "Nº do cliente, N.º do cliente, Código do cliente, ID do cliente, Číslo zákazníka, ID zákazníka, "
    "Kód zákazníka",
    "Subscription ID": "Abonnemangs-ID, Abonnemangsnummer, Prenumerations-ID, Prenumerationsnummer, "
    "Abonnementnr, Abonnementsnr, ID subskrypcji, Identyfikator subskrypcji, Numer subskrypcji, "
    "Nr subskrypcji, ID da subscrição, ID de subscrição, Número da subscrição, ID da assinatura, "
    "Número da assinatura, ID předplatného, Číslo předplatného",
    "Contract ID": "Avtalsnummer, Avtalsnr, Avtals-ID, Kontraktsnummer, Aftalenummer, Aftalenr, Aftale-ID, "
    "Kontraktnummer, Avtalenummer, Avtalenr, Avtale-ID, Sopimusnumero, Sopimusnro, Sopimustunnus, "
    "Numer umowy, Nr umowy, ID umowy, Número do contrato, Nº do contrato, N.º do contrato, ID do contrato, "
    "Číslo smlouvy, ID smlouvy",
    "Product Name": "Produktnamn, Artikelnamn, Produktnavn, Varenavn, Artikkelnavn, Tuotteen nimi, "
    "Tuotenimi, Nazwa produktu, Nazwa towaru, Nazwa usługi, Nazwa towaru lub usługi, Nome do produto, "
    "Nome do artigo, Název produktu, Název zboží, Název položky",
    "Product Description": "Produktbeskrivning, Artikelbeskrivning, Artikelbenämning, Produktbeskrivelse, "
    "Varebeskrivelse, Tuotekuvaus, Tuotteen kuvaus, Opis produktu, Opis towaru, Opis usługi, "
    "Descrição do produto, Descrição do artigo, Popis produktu, Popis položky",
    "Product": "Vara, Vare, Artikkel, Tuote, Towar, Produto, Artigo, Zboží",
    "Service": "Tjänst, Tjeneste, Palvelu, Usługa, Serviço, Služba",
    "Description": "Beskrivning, Benämning, Beskrivelse, Varetekst, Kuvaus, Selite, Opis, Descrição, "
    "Designação, Popis",
    "Product Code": "Produktkod, Artikelkod, Varenummer, Varenr, Produktkode, Produktnr, Artikkelnummer, "
    "Artikkelnr, Tuotekoodi, Tuotenumero, Kod produktu, Kod towaru, Numer produktu, Código do produto, "
    "Código do artigo, Kód produktu, Kód zboží, Číslo produktu",
    "Billing Period": "Fakturaperiod, Faktureringsperiod, Fakturaperiode, Faktureringsperiode, "
    "Afregningsperiode, Laskutuskausi, Laskutusjakso, Okres rozliczeniowy, Período de faturação, "
    "Período de faturamento, Fakturační období, Zúčtovací období",
    "Billing Frequency": "Faktureringsfrekvens, Faktureringsintervall, Faktureringsinterval, "
    "Betalningsintervall, Betalingsinterval, Laskutusväli, Laskutustiheys, Częstotliwość rozliczeń, "
    "Częstotliwość fakturowania, Frequência de faturação, Frequência de faturamento, Periodicidade, "
    "Frekvence fakturace",
    "Billing Cycle": "Faktureringscykel, Faktureringscyklus, Faktureringssyklus, Cykl rozliczeniowy, "
    "Ciclo de faturação, Ciclo de faturamento, Fakturační cyklus, Zúčtovací cyklus",
    "Commitment Period": "Bindningstid, Avtalstid, Avtalsperiod, Bindingsperiode, Bindingstid, "
    "Aftaleperiode, Avtaleperiode, Sopimuskausi, Sitoutumisaika, Okres umowy, Okres zobowiązania, "
    "Período de compromisso, Duração do contrato, Doba závazku, Doba trvání smlouvy",
    "Quantity": "Antal, Kvantitet, Mängd, Mængde, Antall, Mengde, Määrä, Lukumäärä, Kpl, Kpl-määrä, Ilość, "
    "Liczba, Ilość sztuk, Liczba sztuk, Quantidade, Qtd, Qtde, Množství, Počet, Počet kusů, Počet ks",
    "Units": "Enheter, Antal enheter, Enheder, Antal enheder, Antall enheter, Yksiköt, Jednostki, Jednotky",
    "Licenses": "Licenser, Antal licenser, Lisenser, Antall lisenser, Lisenssit, Lisenssien määrä, "
    "Licencje, Liczba licencji, Ilość licencji, Licenças, Número de licenças, Počet licencí",
    "Effective Unit Price": "Nettoenhetspris, Nettostykpris, Nettoyksikköhinta, Cena jednostkowa netto, "
    "Preço unitário líquido, Jednotková cena po slevě",
    "Unit Cost": "Inköpspris, Indkøbspris, Kostpris, Innkjøpspris, Ostohinta, Hankintahinta, Cena zakupu, "
    "Koszt jednostkowy, Preço de compra, Preço de custo, Custo unitário, Nákupní cena",
    "Unit Price": "Enhetspris, À-pris, Styckpris, Pris per styck, Pris per st, Pris per enhet, Enhedspris, "
    "Stykpris, Stk pris, Pris pr stk, Pris per stk, Pris pr enhed, Pris pr enhet, Yksikköhinta, À-hinta, "
    "Kappalehinta, Kpl-hinta, Hinta/kpl, Cena jednostkowa, Cena jedn, Cena za sztukę, Cena jednostki, "
    "Preço unitário, Preço unit, Preço por unidade, Valor unitário, Jednotková cena, Cena za jednotku, "
    "Cena za kus, Cena/ks, Cena za MJ, Cena/MJ, Jedn. cena, Jednotková cena bez DPH, Cena za MJ bez DPH, "
    "Cena za kus bez DPH",
    "Cost": "Kostnad, Omkostning, Kustannus, Koszt, Custo, Náklady",
    "Net Price": "Nettopris, Nettohinta, Cena netto, Preço líquido",
    "Price": "Pris, Hinta, Cena, Preço",
    "Service Start Date": "Periodens start, Periodstart, Periode fra, Period från, Periodestart, "
    "Jakson alku, Kauden alku, Okres od, Início do período, Období od",
    "Start Date": "F.o.m., Giltig från, Gyldig fra, Ważne od, Platnost od, Válido de, "
    "Voimassa alkaen, Från, Från datum, Fra, Fra dato, Dato fra, Startdato, Alkaen, Alkupäivä, Alkupvm, "
    "Aloituspäivä, Alkamispäivä, Od, Data od, Data rozpoczęcia, De, Início, Data de início, Data início, "
    "Data inicial, Datum od, Začátek, Datum zahájení",
    "Service End Date": "Periodens slut, Periodslut, Periode til, Period till, Periodeslut, Jakson loppu, "
    "Kauden loppu, Okres do, Fim do período, Período até, Období do",
    "End Date": "T.o.m., Giltig till, Gyldig til, Ważne do, Platnost do, Válido até, Till, "
    "Till datum, Slutdatum, Til, Til dato, Dato til, Slutdato, Sluttdato, Asti, "
    "Päättyy, Loppupäivä, Loppupvm, Päättymispäivä, Do, Data do, Data zakończenia, Até, Fim, Data de fim, "
    "Data fim, Data final, Datum do, Konec, Datum ukončení",
    "Period": "Jakso, Kausi, Ajanjakso, Okres, Období",
    "Service Period": "Tjänsteperiod, Tjenesteperiode, Palvelujakso, Palvelukausi, Okres świadczenia, "
    "Okres usługi, Período do serviço, Období služby",
    "Billing Month": "Faktureringsmånad, Faktureringsmåned, Laskutuskuukausi, Miesiąc rozliczeniowy, "
    "Mês de faturação, Mês de faturamento, Fakturační měsíc",
    "Month": "Månad, Måned, Kuukausi, Miesiąc, Mês, Měsíc",
    "Net Amount": "Nettobelopp, Delsumma, Nettobeløb, Nettobeløp, Nettosumma, Veroton summa, Veroton, "
    "Veroton yhteensä, Yhteensä ilman alv, Wartość netto, Kwota netto, Suma netto, Razem netto, "
    "Valor líquido, Total líquido, Montante líquido, Celkem bez DPH, Cena celkem bez DPH, "
    "Celková cena bez DPH, Částka bez DPH, Částka celkem bez DPH, Základ DPH, Základ daně",
    "Amount": "Belopp, Radbelopp, Beløb, Linjebeløb, Beløp, Linjebeløp, Kwota, Wartość, Montante, Částka",
    "Total": "Totalt, Summa, Totalsumma, Totalbelopp, Radsumma, I alt, Totalbeløb, Linjetotal, Sum, "
    "Totalsum, Totalbeløp, Linjesum, Yhteensä, Rivisumma, Kokonaissumma, Rivi yhteensä, Razem, Suma, "
    "Łącznie, Kwota razem, Wartość razem, Valor total, Preço total, Montante total, Celkem, Cena celkem, "
    "Celková cena, Celková částka, Částka celkem",
    "Currency": "Valuutta, Waluta, Moeda, Měna",
    "Invoice": "Fakturanummer, Fakturanr, Faktura, Faktura nr, Laskun numero, Laskunumero, Laskunro, Lasku, "
    "Numer faktury, Nr faktury, Número da fatura, Nº da fatura, N.º da fatura, Nº fatura, Fatura, "
    "Número da factura, Nº da factura, Číslo faktury",
    "Document Number": "Bilagsnummer, Verifikationsnummer, Tositenumero, Numer dokumentu, Nr dokumentu, "
    "Número do documento, Nº do documento, Číslo dokladu",
    "Document Type": "Fakturatyp, Fakturatype, Dokumenttype, Bilagstype, Laskutyyppi, Asiakirjatyyppi, "
    "Typ dokumentu, Rodzaj dokumentu, Tipo de fatura, Tipo do documento, Typ dokladu, Druh dokladu",
    "Charge Type": "Avgiftstyp, Debiteringstyp, Radtyp, Transaktionstyp, Linjetype, Gebyrtype, "
    "Transaktionstype, Transaksjonstype, Veloitustyyppi, Maksutyyppi, Rivityyppi, Typ opłaty, "
    "Rodzaj opłaty, Typ pozycji, Tipo de cobrança, Tipo de encargo, Tipo de linha, Typ poplatku, "
    "Druh poplatku, Typ položky",
    "Type": "Tyyppi, Rodzaj, Druh",
    "Invoice Date": "Fakturadato, Faktureringsdatum, Faktureringsdato, Laskun päiväys, "
    "Laskun päivämäärä, Laskupäivä, Laskupvm, Data faktury, Data wystawienia, Data wystawienia faktury, "
    "Data da fatura, Data da factura, Data de emissão, Data de faturação, Datum faktury, "
    "Datum vystavení, Datum fakturace",
    "Discount": "Rabat, Rabat %, Alennus, Alennus %, Alennusprosentti, Upust, Upust %, Desconto, "
    "Desconto %, Sleva, Sleva %",
    "Tax": "Moms, Momsbelopp, Momsbeløb, Mva, Mva-beløp, Merverdiavgift, Alv, Alv-määrä, Arvonlisävero, "
    "Veron määrä, Kwota VAT, Podatek, Podatek VAT, Valor do IVA, Valor IVA, Montante IVA, DPH, "
    "Částka DPH, Výše DPH",
    "Tax Rate": "Moms %, Momssats, Mva %, Mva-sats, Alv %, Alv-kanta, Verokanta, Stawka VAT, Taxa de IVA, "
    "Taxa IVA, Sazba DPH, DPH %",
    "List Price": "Listpris, Rekommenderat pris, Försäljningspris, Listepris, Vejledende pris, "
    "Veiledende pris, Salgspris, Listahinta, Ohjehinta, Myyntihinta, Cena katalogowa, Cena detaliczna, "
    "Cena sprzedaży, Preço de tabela, Preço de lista, Preço de venda, Ceníková cena, Katalogová cena, "
    "Prodejní cena",
}
