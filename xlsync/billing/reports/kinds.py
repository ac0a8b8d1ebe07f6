"""Words for kinds of charge in the languages that distributors write, as whole words. PURE.

A word is known only if every word in it is: `Cycle fee` recurs, `Credit card surcharge` is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from msgspec import Struct

from xlsync.billing.reports.text import fold
from xlsync.models import LineType
from xlsync.records import replace


class Kind(Struct, frozen=True):
    """The meaning of a word: the kind of charge (None if it has none), and whether it is a credit.

    `is_discount` marks money off that takes no unit back. `goes_both_ways` marks a change of quantity,
    which distributors write as two rows: the old units with a minus, and the new ones.
    """

    charge: LineType | None = None
    is_credit: bool = False
    is_discount: bool = False
    goes_both_ways: bool = False


# Phrases are looked for first, longest first, and count as one word.
_PHRASES: Final = {
    "ONE_TIME": (
        "one time", "one off", "non recurring", "not recurring", "set up", "una tantum", "una vez",
        "une fois", "una volta",
        "pago unico",
        "eenmalige kosten", "einmalige gebuhr", "d installation", "d activation",
        "frais uniques", "frais de mise en service", "mise en service",
        "εφαπαξ χρεωση", "on boarding",
    ),
    "USAGE": (
        "pay per use", "pay as you go", "on demand", "pay by use", "a consumo", "a la demande", "por uso",
        "reserved instance hourly billing", "savings plans hourly billing", "savings plans used",
        "nach verbrauch", "naar verbruik", "post paid usage", "pago por uso", "d utilisation",
    ),
    "RECURRING": (
        "pro rata", "add quantity", "quantity increase", "increase quantity", "auto renew", "auto renewal",
        "reserved instance subscription", "savings plans subscription",
        "add on", "add seats", "add licenses", "change plan", "d abonnement",
    ),
    "CREDIT": (
        "credit note", "credit notes", "credit memo", "credit memos", "notes de credit",
        "note de credit", "nota de credito", "nota di credito", "nota de abono",
        "credit nota", "πιστωτικο τιμολογιο", "πιστωτικο σημειωμα", "money back", "charge back", "give back",
        "cancel immediate", "immediate cancel", "end of life credit", "gut schrift", "kredit nota",
    ),
    "BOTH": (
        "remove quantity", "reduce quantity", "quantity decrease", "decrease quantity", "quantity reduction",
        "remove seats", "remove licenses", "seat reduction", "seats reduction", "license reduction",
        "licence reduction", "user reduction", "unit reduction",
    ),
    "DISCOUNT": ("price reduction", "reduction de prix", "reduction tarifaire", "reduction commerciale"),
    # a change of which only the sign tells the direction
    "CHANGE": (
        "change quantity", "quantity change", "update quantity", "move quantity", "change billing plan",
        "extend term",
    ),
}  # fmt: skip
_WORDS: Final = {
    "RECURRING": (
        "recurring recurrent cycle subscription subscriptions renew renewal renewed new add added addition "
        "increase upgrade convert conversion prorate prorated proration prorata monthly annual annually "
        "yearly quarterly "
        "flat license licenses licence licences seat seats base regular standard periodic periodical "
        "purchase prepaid commitment mrc mrcs "
        "wiederkehrend wiederkehrende wiederkehrender laufend laufende abo abonnement verlangerung "
        "erneuerung neu neue "
        "abogebuhr abogebuhren abonnementgebuhr monatsgebuhr jahresgebuhr lizenzgebuhr lizenzgebuhren "
        "neubestellung monatlich monatliche jahrlich jahrliche grundgebuhr anteilig anteilige lizenz "
        "lizenzen "
        "recurrente recurrentes renouvellement nouveau nouvelle mensuel mensuelle annuel annuelle "
        "ajout terugkerend terugkerende periodiek verlenging vernieuwing nieuw nieuwe maandelijks "
        "maandelijkse "
        "jaarlijks jaarlijkse toevoeging licentie "
        "παγιο παγια συνδρομη ανανεωση νεα νεο μηνιαια μηνιαιο μηνιαιοσ ετησια ετησιο επαναλαμβανομενη "
        "προσθηκη "
        "suscripcion renovacion nuevo nueva mensual anual periodico periodica alta prorrateo cuota "
        "ricorrente ricorrenti abbonamento rinnovo nuovo nuova mensile annuale canone periodica aggiunta "
        "abonnemang abonnemangsavgift prenumeration fornyelse ny nytt manadsavgift arsavgift manadsvis "
        "licens "
        "licenser aterkommande lopande fornyelse nyt maneds manedsafgift manedsavgift abonnementsafgift "
        "abonnementsavgift løbende løpende tilbagevendende tilbakevendende lisens lisenser månedlig "
        "manedlig arlig "
        "tilausmaksu uusiminen uusi kuukausimaksu vuosimaksu lisenssi toistuva "
        "subskrypcja abonament odnowienie nowy nowa nowe miesieczna miesieczny miesieczne roczna roczny "
        "licencja licencje cykliczna subscricao assinatura renovacao novo nova mensalidade licenca licencas "
        "predplatne obnoveni novy mesicni rocni opakovana"
    ),
    "CREDIT": (
        "credit credits credited refund refunds refunded reversal reversals reversed reverse chargeback "
        "chargebacks remove "
        "removed removal decrease "
        "decreased reduce reduced cancel cancelled canceled cancellation cancelation void voided return "
        "returned returns "
        "gutschrift gutschriften stornos ruckerstattungen erstattungen storno stornierung storniert "
        "ruckerstattung "
        "erstattung ruckvergutung "
        "kundigung "
        "stornorechnung rechnungskorrektur rechnungsgutschrift "
        "avoir avoirs remboursements remboursement annulation annule resiliation "
        "creditnota creditnotas creditfactuur creditering terugbetaling restitutie annulering opzegging "
        "geannuleerd πιστωσεισ πιστωτικα πιστωση πιστωτικο επιστροφη ακυρωση ακυρωτικο "
        "abonos reembolsos abono reembolso devolucion anulacion cancelacion credito baja "
        "accrediti rimborsi accredito rimborso annullamento disdetta stornato "
        "kredit kreditnota kreditnotat kreditfaktura kreditering krediterad krediteret kreditert "
        "aterbetalning "
        "tilbagebetaling tilbakebetaling refusion refusjon makulering hyvitys hyvityslasku palautus peruutus "
        "zwrot anulowanie estorno devolucao anulacao cancelamento dobropis vraceni vratka zruseni"
    ),
    "USAGE": (
        "usage metered metering consumption consumed overage overages payg "
        "verbrauch mehrverbrauch verbrauchsgebuhr nutzungsgebuhr nutzungsgebuhren nutzung nutzungsabhangig "
        "verbrauchsabhangig consommation verbruik gebruik meerverbruik "
        "χρηση καταναλωση consumo uso utilizzo excedente depassement "
        "forbrukning forbrug forbruk kaytto kulutus zuzycie utilizacao spotreba"
    ),
    "ONE_TIME": (
        "onetime once nrc nrcs otc setup installation install activation onboarding migration perpetual "
        "shipping freight tax taxes vat gst "
        "einmalgebuhr einmalgebuhren einmalkosten einrichtungskosten setupgebuhr aktivierungsgebuhr "
        "einmalig einmalige einmalzahlung einrichtung einrichtungsgebuhr bereitstellung aktivierung steuer "
        "einmal eenmaal mwst ust "
        "versand versandkosten "
        "ponctuel ponctuelle unique tva taxe activering eenmalig eenmalige installatie opstartkosten btw "
        "verzendkosten "
        "εφαπαξ εγκατασταση ενεργοποιηση φπα φοροσ "
        "unico unica instalacion activacion iva impuesto impuestos installazione attivazione imposta tassa "
        "engangsavgift engangskostnad engangsafgift engangsgebyr startavgift oprettelse etablering "
        "kertamaksu "
        "avausmaksu jednorazowa jednorazowy jednorazowe instalacja wdrozenie instalacao ativacao imposto "
        "jednorazove instalace aktivace moms mva alv dph podatek"
    ),
    "DISCOUNT": (
        "discount discounts rebate rebates rabatt mengenrabatt kundenrabatt partnerrabatt sonderrabatt "
        "nachlass preisnachlass skonto bonus remise ristourne "
        "rabais "
        "korting kortingen εκπτωση descuento rebaja sconto ribasso "
        "rabat alennus upust znizka bonifikata desconto descontos sleva"
    ),
    # a fee is one-time where no other word says more
    "FEE": "fee fees surcharge gebuhr gebuhren frais kosten τελοσ tasas tarifa tariffa commissione "
    "avgift gebyr maksu oplata opłata taxa poplatek",
    "PLAIN": (
        "charge charges charged invoice invoiced debit bill billed billing item items line lines for of on "
        "when the a an at "
        "to by in and from mid term current period quantity qty unit units user users instance instances "
        "immediate memo note product "
        "service services customer partner type amount expenditure sale sales order rate month year per "
        "use based normal partial partiel partielle parziale parcial "
        "software cloud saas "
        "rechnung lastschrift belastung berechnung position kunde kunden fur der die das des "
        "facture facturation ligne client pour de du la le les des abonnements factuur regel klant voor "
        "van de het "
        "τιμολογιο χρεωση γραμμη πελατη factura cargo linea cliente por del el los fattura addebito riga "
        "di della faktura lasku linje rad rivi pozycja polozka kund asiakas klient zakaznik fatura "
        "linha za na do"
    ),
}  # fmt: skip
_PHRASE_KINDS: Final = tuple(
    sorted(
        ((phrase, kind) for kind, phrases in _PHRASES.items() for phrase in phrases),
        key=lambda entry: -len(entry[0]),
    )
)
_WORD_KINDS: Final = {word: kind for kind, words in reversed(_WORDS.items()) for word in words.split()}
# words that undo what another says: beside a credit nobody knows which way it goes
_UNDOING: Final = frozenset([
    "reversal", "reversals", "reversed", "reverse", "cancel", "cancelled", "canceled", "cancellation", "void",
    "voided", "chargeback", "chargebacks", "storno", "stornierung", "annulation", "annulering", "anulacion",
    "annullamento", "ακυρωση",
])  # fmt: skip
# credits that are bought or used up like goods, and returns that are sent: no money comes back for them
_BOUGHT: Final = frozenset({"credit", "credits"}), frozenset({"prepaid", "purchase"})
_USED_UP: Final = (
    frozenset({"credits"}),
    frozenset({"usage", "consumption", "consumed", "metered", "overage"}),
)
_SENT: Final = frozenset({"return", "returns"}), frozenset({"shipping", "freight"})
# in Spanish a subscription too, where it is said how often it is paid
_SUBSCRIBED: Final = frozenset({"abono", "abonos"}), frozenset({"mensual", "anual", "cuota"})
# of units in English, of the price in French: alone it is no known word
_REDUCTION: Final = "reduction"
_CREDIT_FIRST: Final = re.compile(
    r"(?:credit(?:notes?|memos?)|credit (?:notes?|memos?|invoice|adjustment|for|of|re|on)|refund(?:ed|s)?"
    r"|credited|reversals?|reversed|gutschrift\w*|storno\w*|rechnungskorrektur"
    r"|ruckerstattung|erstattung|avoir|remboursement|creditnota"
    r"|creditfactuur|creditering|terugbetaling|nota de (?:credito|abono)|nota di credito|abono|reembolso"
    r"|kreditnota|kreditfaktura|kreditering|hyvitys(?:lasku)?|tilbagebetaling|tilbakebetaling|aterbetalning"
    r"|zwrot|estorno|dobropis"
    r"|rimborso|πιστωτικο|πιστωση)\b(?!.*\b(?:fee|surcharge)\b)"
)
_CREDIT_APART: Final = re.compile(r"\s*(?:credit|refund)s?\s*(?:\s[-–—]|:)\s", re.IGNORECASE)
# what stands before the name of what is cheaper: `Discount 10% - Mail`, `Rabatt: Mail`
_NAME_APART: Final = re.compile(r"\s[-–—]\s|:\s|\(")
_FOR: Final = (
    "for|on|of|to|off|fur|auf|zu|sur|pour|de|du|op|voor|van|sobre|para|por|su|per|di|σε|για|στο|στη"
    "|til|till|pa|na|za|em|no|da|do"
)
_DISCOUNT_FIRST: Final = re.compile(
    rf"(?:{'|'.join(_WORDS['DISCOUNT'].split())})(?: \d+ ?%?)*(?: %)? (?:{_FOR})\b"
)
_DISCOUNTS: Final = frozenset(_WORDS["DISCOUNT"].split()) - {"bonus"}
TYPES: Final = {
    "recurring": Kind(LineType.RECURRING),
    "credit": Kind(is_credit=True),
    "usage": Kind(LineType.USAGE),
    "one-time": Kind(LineType.ONE_TIME),
}


class KindWords:
    """The words that are known: those of the settings before those of xlsync."""

    def __init__(self, of_settings: Mapping[str, Sequence[str]]) -> None:
        self._own = {
            fold(word): TYPES[kind.casefold()] for kind, words in of_settings.items() for word in words
        }

    def find(self, text: str) -> Kind | None:
        """Return the kind of a cell's words; None for an unknown word."""
        folded = fold(text)
        return self._own.get(folded) or _kind_of_words(folded)


@lru_cache(maxsize=65_536)
def begins_with_credit(text: str) -> bool:
    """Return whether a text begins as the name of a credit: `Credit note 4711`, `Gutschrift für Mail`."""
    return _CREDIT_FIRST.match(fold(text)) is not None or _CREDIT_APART.match(text) is not None


@lru_cache(maxsize=65_536)
def names_discount(text: str) -> bool:
    """Return whether a text is the name of a discount: `Discount 10%`, `Rabatt für Mail`, `Remise - Mail`."""
    first = _kind_of_words(fold(_NAME_APART.split(text, maxsplit=1)[0]))
    return (first is not None and first.is_discount) or _DISCOUNT_FIRST.match(fold(text)) is not None


@lru_cache(maxsize=65_536)
def may_name_discount(text: str) -> bool:
    """Return whether a text begins or ends with a word for a discount: `Volume discount 5%`, `Rabatt Mai`."""
    words = [word for word in fold(text).split() if not word.strip("%").isdecimal() and word != "%"]
    return bool(words) and not _DISCOUNTS.isdisjoint((words[0], words[-1]))


@lru_cache(maxsize=65_536)
def names_only_credit(text: str) -> bool:
    """Return whether a text is no more than words for money off or money back, and names no product."""
    kind = _kind_of_words(fold(text))
    return kind is not None and (kind.is_discount or kind.is_credit) and not kind.goes_both_ways


@lru_cache(maxsize=4096)
def _kind_of_words(folded: str) -> Kind | None:
    rest, kinds = f" {folded} ", []
    for phrase, kind in _PHRASE_KINDS:
        if f" {phrase} " in rest:
            rest = rest.replace(f" {phrase} ", "  ", 1)
            kinds.append(kind)
    words = re.sub(r"\s\d+\s?%?(?=\s)", " ", rest).split()
    for word in words:
        known = _WORD_KINDS.get(word)
        if known is None:
            return None
        kinds.append(known)
    undoing = len(_UNDOING.intersection(words))
    if undoing and "DISCOUNT" in kinds:
        return None  # money off that is taken back
    if not kinds or undoing > 1 or (undoing and kinds.count("CREDIT") > undoing):
        return None
    if "CREDIT" in kinds and "FEE" in kinds and "RECURRING" not in kinds:
        return None  # a fee for a cancellation, or a fee given back
    if any(
        not nouns.isdisjoint(words) and not uses.isdisjoint(words)
        for nouns, uses in (_BOUGHT, _USED_UP, _SENT, _SUBSCRIBED)
    ):
        return None
    return _combine(kinds)


def likely_type(text: str, *, is_negative: bool) -> str:
    """Return the kind that an unknown word most likely names, as `[report.types]` spells it."""
    words = fold(text).split()
    known = {_WORD_KINDS.get(word) for word in words}
    if is_negative or _REDUCTION in words or (known & {"CREDIT", "BOTH"} and "FEE" not in known):
        return "Credit"
    if "USAGE" in known:
        return "Usage"
    return "One-time" if known & {"ONE_TIME", "FEE"} else "Recurring"


def _combine(kinds: Sequence[str]) -> Kind:
    """Combine the kinds of several words."""
    one = Kind()
    goes_both_ways = not {"BOTH", "CHANGE"}.isdisjoint(kinds)
    if "USAGE" in kinds:
        one = Kind(LineType.USAGE)
    elif "ONE_TIME" in kinds:
        one = Kind(LineType.ONE_TIME)
    elif "RECURRING" in kinds or goes_both_ways:
        one = Kind(LineType.RECURRING)
    elif "FEE" in kinds:
        one = Kind(LineType.ONE_TIME)
    is_credit = "CREDIT" in kinds or "BOTH" in kinds
    if "DISCOUNT" in kinds and not is_credit:
        return replace(one, is_discount=True)
    return replace(one, is_credit=is_credit, goes_both_ways=goes_both_ways)
