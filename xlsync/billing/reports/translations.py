"""Known headers in German, French, Dutch, Spanish, Italian and Greek, each beside the English one. PURE.

A word that means two things is left out: *Art* may be a kind or an article, *Dauer* a term or a factor,
*Soll* and *Haben* change places with whose books they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# By the English header that has the meaning: the words of the other languages, parted by commas.
TRANSLATIONS: Final[Mapping[str, str]] = {
    "End Customer Name": "Endkundenname, Name des Endkunden, Nom du client final, Naam eindklant, "
    "Nombre del cliente final, Nome cliente finale, Όνομα τελικού πελάτη",
    "End Customer": "Endkunde, Endabnehmer, Endnutzer, Client final, Utilisateur final, Eindklant, "
    "Eindgebruiker, Cliente final, Usuario final, Cliente finale, Utente finale, Τελικός πελάτης",
    "Customer Name": "Kundenname, Name des Kunden, Nom du client, Nom client, Klantnaam, Naam klant, "
    "Naam van de klant, Nombre del cliente, Nombre de cliente, Nombre cliente, Nome cliente, "
    "Nome del cliente, Όνομα πελάτη, Επωνυμία πελάτη",
    "Customer": "Kunde, Mandant, Klant, Afnemer, Cliente, Πελάτης",
    "Company Name": "Firmenname, Raison sociale, Bedrijfsnaam, Razón social, Ragione sociale, Επωνυμία",
    "Company": "Firma, Unternehmen, Société, Entreprise, Bedrijf, Empresa, Azienda, Εταιρεία",
    "End Customer ID": "Endkundennummer, Endkundennr, Endkunden-ID, Eindklantnummer",
    "Customer ID": "Kundennummer, Kundennr, Kunden-Nr, Kd-Nr, Kunden-ID, Numéro client, Numéro de client, "
    "N° client, N° de client, Code client, ID client, Klantnummer, Klantnr, Klantcode, Klant-ID, "
    "Número de cliente, Nº de cliente, Código de cliente, Código cliente, ID cliente, ID de cliente, "
    "Codice cliente, Numero cliente, Κωδικός πελάτη",
    "Subscription ID": "Abonnement-ID, Abonnements-ID, Abo-ID, Abonummer, Abo-Nr, Abonnementnummer, "
    "Abonnementsnummer, ID d'abonnement, ID abonnement, Numéro d'abonnement, N° d'abonnement, "
    "N° abonnement, ID de suscripción, ID suscripción, Número de suscripción, Nº de suscripción, "
    "ID abbonamento, Numero abbonamento, Κωδικός συνδρομής, Αριθμός συνδρομής",
    "Contract ID": "Vertragsnummer, Vertragsnr, Vertrags-Nr, Vertrags-ID, Numéro de contrat, N° de contrat, "
    "N° contrat, Contractnummer, Contractnr, Contract-ID, Número de contrato, Nº de contrato, "
    "ID de contrato, Numero contratto, Numero di contratto, Αριθμός συμβολαίου, Αριθμός σύμβασης",
    "Product Name": "Produktname, Artikelname, Nom du produit, Nom produit, Productnaam, Artikelnaam, "
    "Nombre del producto, Nombre producto, Nome prodotto, Nome del prodotto, Όνομα προϊόντος",
    "Product Description": "Produktbezeichnung, Artikelbezeichnung, Produktbeschreibung, "
    "Artikelbeschreibung, Leistungsbezeichnung, Description du produit, Productomschrijving, "
    "Artikelomschrijving, Descripción del producto, Descrizione prodotto, Descrizione articolo, "
    "Περιγραφή προϊόντος, Περιγραφή είδους",
    "Product": "Produkt, Artikel, Produit, Producto, Artículo, Prodotto, Articolo, Προϊόν",
    "Description": "Bezeichnung, Beschreibung, Désignation, Libellé, Omschrijving, Descripción, Concepto, "
    "Descrizione, Περιγραφή",
    "Product Code": "Artikelnummer, Artikelnr, Artikel-Nr, Art-Nr, Produktnummer, Produktcode, "
    "Herstellernummer, Code produit, Code article, Référence produit, Productcode, Artikelcode, "
    "Productnummer, Código de producto, Código producto, Código de artículo, Codice prodotto, "
    "Codice articolo, Κωδικός προϊόντος, Κωδικός είδους",
    "Billing Period": "Abrechnungszeitraum, Abrechnungsperiode, Période de facturation, Facturatieperiode, "
    "Factuurperiode, Periodo de facturación, Periodo di fatturazione, Περίοδος χρέωσης, "
    "Περίοδος τιμολόγησης",
    "Billing Frequency": "Abrechnungsintervall, Abrechnungsrhythmus, Abrechnungsfrequenz, Zahlungsweise, "
    "Zahlungsintervall, Zahlungsrhythmus, Zahlweise, Abrechnungsturnus, Rechnungsintervall, "
    "Fréquence de facturation, Périodicité, Factuurfrequentie, "
    "Facturatiefrequentie, Betaalfrequentie, Frecuencia de facturación, Periodicidad, "
    "Frequenza di fatturazione, Periodicità, Συχνότητα χρέωσης, Συχνότητα τιμολόγησης",
    "Billing Cycle": "Abrechnungszyklus, Cycle de facturation, Facturatiecyclus, Ciclo de facturación, "
    "Ciclo di fatturazione, Κύκλος χρέωσης",
    "Commitment Period": "Laufzeit, Vertragslaufzeit, Mindestlaufzeit, Vertragsbindung, "
    "Durée d'engagement, Engagement, Durée du contrat, Looptijd, Contractduur, Contracttermijn, "
    "Compromiso, Duración del contrato, Durata contratto, Durata del contratto, Διάρκεια συμβολαίου, "
    "Δέσμευση",
    "Quantity": "Menge, Anzahl, Stück, Stk, Stückzahl, Anz, Quantité, Qté, Aantal, Hoeveelheid, Cantidad, "
    "Cant, Cdad, Quantità, Q.tà, Qtà, Ποσότητα, Τεμάχια",
    "Units": "Einheiten, Unités, Eenheden, Stuks, Unidades, Μονάδες",
    "Licenses": "Lizenzen, Anzahl Lizenzen, Anzahl der Lizenzen, Nombre de licences, Licenties, "
    "Aantal licenties, Licencias, Número de licencias, Licenze, Numero licenze, Άδειες",
    "Effective Unit Price": "Einzelpreis netto, Netto-Einzelpreis, Stückpreis netto, Prix unitaire net, "
    "Netto stuksprijs, Precio unitario neto, Prezzo unitario netto, Καθαρή τιμή μονάδας",
    "Unit Cost": "Stückkosten, Einkaufspreis, EK, EK-Preis, Einstandspreis, Coût unitaire, Prix d'achat, "
    "Inkoopprijs, Kostprijs, Coste unitario, Costo unitario, Precio de compra, Prezzo di acquisto, "
    "Κόστος μονάδας, Τιμή αγοράς",
    "Unit Price": "Einzelpreis, Stückpreis, Preis pro Stück, Preis pro Einheit, Preis je Einheit, E-Preis, "
    "Prix unitaire, Prix unitaire HT, PU, PU HT, Stuksprijs, Eenheidsprijs, Prijs per stuk, "
    "Prijs per eenheid, Precio unitario, Precio por unidad, Precio unidad, Prezzo unitario, "
    "Τιμή μονάδας, Τιμή μονάδος",
    "Cost": "Kosten, Coût, Coste, Costo, Κόστος",
    "Net Price": "Nettopreis, Prix net, Nettoprijs, Precio neto, Prezzo netto, Καθαρή τιμή",
    "Price": "Preis, Prix, Prijs, Precio, Prezzo, Τιμή",
    "Service Start Date": "Leistungsbeginn, Leistung von, Abrechnungsbeginn, Periodenbeginn, Zeitraum von, "
    "Début de période, Début de la période, Début de facturation, Periode van, Begin periode, "
    "Inicio del periodo, Inicio de periodo, Inizio periodo, Έναρξη περιόδου",
    "Start Date": "Von, Beginn, Startdatum, Datum von, Du, Début, Date de début, Date début, Vanaf, Van, "
    "Begindatum, Ingangsdatum, Desde, Inicio, Fecha de inicio, Fecha inicio, Dal, Inizio, Data inizio, "
    "Data di inizio, Από, Έναρξη, Ημερομηνία έναρξης",
    "Service End Date": "Leistungsende, Leistung bis, Abrechnungsende, Periodenende, Zeitraum bis, "
    "Fin de période, Fin de la période, Fin de facturation, Periode tot, Einde periode, Fin del periodo, "
    "Fin de periodo, Fine periodo, Λήξη περιόδου",
    "End Date": "Bis, Ende, Enddatum, Datum bis, Au, Fin, Date de fin, Date fin, Tot, Tot en met, "
    "Einddatum, Hasta, Fecha de fin, Fecha fin, Al, Fine, Data fine, Data di fine, Έως, Λήξη, "
    "Ημερομηνία λήξης",
    "Service Period": "Leistungszeitraum, Leistungsperiode, Zeitraum, Période de service, "
    "Période de prestation, Periodo de servicio, Periodo di servizio, Περίοδος υπηρεσίας",
    "Period": "Periode, Période, Periodo, Περίοδος",
    "Billing Month": "Abrechnungsmonat, Leistungsmonat, Mois de facturation, Factuurmaand, "
    "Mes de facturación, Mese di fatturazione, Μήνας χρέωσης",
    "Month": "Monat, Mois, Maand, Mes, Mese, Μήνας",
    "Net Amount": "Nettobetrag, Netto, Betrag netto, Summe netto, Gesamt netto, Gesamtpreis netto, "
    "Positionsbetrag netto, Zwischensumme, Montant HT, Total HT, Net HT, Montant net, Sous-total, "
    "Nettobedrag, Bedrag excl btw, Totaal excl btw, Subtotaal, Importe neto, Base imponible, Total neto, "
    "Imponibile, Importo netto, Totale netto, Καθαρή αξία, Καθαρό ποσό, Αξία προ ΦΠΑ",
    "Amount": "Betrag, Zeilenbetrag, Positionsbetrag, Montant, Montant de la ligne, Bedrag, Regelbedrag, "
    "Importe, Importo, Ποσό, Αξία",
    "Total": "Gesamt, Gesamtbetrag, Gesamtpreis, Summe, Prix total, Montant total, Totaal, Totaalbedrag, "
    "Totaalprijs, Regeltotaal, Importe total, Precio total, Totale, Importo totale, Prezzo totale, Σύνολο, "
    "Συνολική αξία",
    "Currency": "Währung, Devise, Valuta, Munteenheid, Moneda, Divisa, Νόμισμα",
    "Invoice": "Rechnungsnummer, Rechnungsnr, Rechnungs-Nr, Rechnung, Numéro de facture, Numéro facture, "
    "N° de facture, N° facture, Facture, Factuurnummer, Factuurnr, Factuur, Número de factura, "
    "Nº de factura, Nº factura, Factura, Numero fattura, N. fattura, Fattura, Αριθμός τιμολογίου, "
    "Αρ. τιμολογίου, Τιμολόγιο",
    "Document Number": "Belegnummer, Belegnr, Beleg-Nr, Dokumentnummer, Numéro de document, N° de document, "
    "Documentnummer, Número de documento, Numero documento, Αριθμός παραστατικού",
    "Document Type": "Rechnungsart, Rechnungstyp, Belegart, Belegtyp, Dokumentart, Dokumenttyp, "
    "Type de document, Type de facture, Documenttype, Documentsoort, Factuursoort, Factuurtype, "
    "Tipo de documento, Tipo documento, Tipo de factura, Tipo di documento, Tipo fattura, "
    "Τύπος παραστατικού, Είδος παραστατικού",
    "Charge Type": "Gebührenart, Kostenart, Positionsart, Vorgangsart, Buchungsart, Belastungsart, "
    "Abrechnungsart, Positionstyp, Art der Position, Type de frais, Type de charge, Type de ligne, "
    "Type d'opération, Kostensoort, Soort kosten, Regelsoort, Regeltype, Tipo de cargo, Tipo de línea, "
    "Tipo di addebito, Tipo riga, Tipo di riga, Τύπος χρέωσης, Είδος χρέωσης",
    "Type": "Typ, Soort, Tipo, Τύπος",
    "Invoice Date": "Rechnungsdatum, Belegdatum, Fakturadatum, Date de facture, Date facture, "
    "Date de la facture, Date de facturation, Factuurdatum, Fecha de factura, Fecha factura, "
    "Fecha de facturación, Data fattura, Data della fattura, Ημερομηνία τιμολογίου",
    "Discount": "Rabatt, Rabatt %, Rabatt in %, Rabattsatz, Nachlass, Remise, Remise %, Korting, Korting %, "
    "Descuento, Descuento %, % descuento, Dto, Sconto, Sconto %, Έκπτωση, Έκπτωση %",
    "Tax": "USt, Umsatzsteuer, Mehrwertsteuer, MwSt-Betrag, Steuer, Steuerbetrag, Montant TVA, "
    "Montant de la TVA, Btw-bedrag, Impuesto, Impuestos, Importo IVA, ΦΠΑ, Ποσό ΦΠΑ, Φόρος",
    "List Price": "Listenpreis, UVP, Verkaufspreis, VK, VK-Preis, Prix public, Prix catalogue, Adviesprijs, "
    "Verkoopprijs, Lijstprijs, Catalogusprijs, Precio de lista, PVP, Precio de venta, Prezzo di listino, "
    "Prezzo di vendita, Τιμή καταλόγου",
}
