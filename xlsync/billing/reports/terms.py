"""Billing and commitment periods as reports write them. PURE."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from xlsync.billing.periods import months_of, period_name
from xlsync.billing.reports.text import fold

_ENGLISH: Final = {
    word: english
    for english, words in {
        "1": "one eins ein einem einen un une een uno una ενα",
        "2": "two zwei deux twee dos due δυο",
        "3": "three drei trois drie tres tre τρια",
        "5": "five",
        "6": "six sechs zes seis sei",
        "12": "twelve zwolf douze twaalf doce dodici",
        "monthly": "monatlich monatliche monatlicher mensuel mensuelle maandelijks maandelijkse mensual "
        "mensile μηνιαια μηνιαιο μηνιαιοσ μηνιαιωσ manadsvis manatlig manatligen manedlig manedligt "
        "manedsvis kuukausittain kuukausittainen miesiecznie miesieczny miesieczna miesieczne "
        "mensalmente mensal "
        "mesicne mesicni",
        "quarterly": "vierteljahrlich vierteljahrliche quartalsweise trimestriel trimestrielle trimestral "
        "trimestrale kwartaal driemaandelijks τριμηνιαια τριμηνιαιο kvartalsvis kvartalsvist "
        "neljannesvuosittain kwartalnie kwartalny kwartalna ctvrtletne ctvrtletni",
        "halfyearly": "halbjahrlich halbjahrliche semestriel semestrielle halfjaarlijks semestral semestrale "
        "εξαμηνιαια εξαμηνιαιο",
        "yearly": "jahrlich jahrliche jahrlicher jahresvertrag annuel annuelle jaarlijks jaarlijkse anual "
        "annuale ετησια ετησιο ετησιοσ arlig arligt arligen arsvis vuosittain vuosittainen rocznie roczny "
        "roczna roczne anualmente rocne rocni",
        "month": "mo mon mth mths months monat monate monaten monats mois maand maanden mes meses mese mesi "
        "μηνα μηνασ μηνεσ μηνων manad manader maned maneder mdr mnd kk kuukausi kuukautta miesiac miesiace "
        "miesiecy mesic mesice mesicu",
        "year": "yr yrs years jahr jahre jahren jahres an ans annee annees jaar jaren ano anos anno anni "
        "ετοσ ετη ετων χρονοσ χρονια ar vuosi vuotta rok roky roku lata lat let",
    }.items()
    for word in words.split()
}  # fmt: skip
_WORDS_AROUND: Final = (
    "term commitment commit subscription billing billed bill plan contract per every each payment recurring",
    "pre paid prepaid upfront advance in invoiced payable with and auto renew renewal renews to",
    "abrechnung laufzeit vertrag vertragslaufzeit bindung pro je alle par engagement facturation por al a",
    "di durata termijn looptijd καθε ανα",
)
_SAYING_NO_MORE: Final = frozenset(" ".join(_WORDS_AROUND).split())
_COMMITMENT_FOR: Final = " commitment for "


@lru_cache(maxsize=4096)
def months_in_words(text: str) -> int | None:
    """Return the months of a period written as `Annual`, `P1Y`, `One-Year`, `12 Monate` or `3 Year Term`."""
    if (months := months_of(text)) is not None:
        return months
    return months_of(" ".join(dict.fromkeys(_telling_words(text))))


def _telling_words(text: str) -> list[str]:
    return [_ENGLISH.get(word, word) for word in fold(text).split() if word not in _SAYING_NO_MORE]


@lru_cache(maxsize=4096)
def term_and_billing(text: str) -> tuple[str, str] | None:
    """Return the two periods of `Annual (billed monthly)` or `1 Year / Monthly`: the longer is the term.

    None where a text does not name two different periods and nothing else.
    """
    words = iter(_telling_words(text.casefold()))
    months: set[int] = set()
    for word in words:
        length = months_of(f"{word} {next(words, '')}") if word.isdecimal() else months_of(word)
        if length is None:
            return None
        months.add(length)
    return (period_name(max(months)), period_name(min(months))) if len(months) == 2 else None


def tells_term_and_cycle(text: str) -> bool:
    """Return whether a text tells both as Microsoft does: `One-Year commitment for yearly billing`."""
    return _COMMITMENT_FOR in fold(text) and all(map(months_in_words, parse_term_and_cycle(text)))


def parse_term_and_cycle(text: str) -> tuple[str, str]:
    """Return the term and the billing of `One-Year commitment for monthly/yearly billing` or the like."""
    term, _, billing = fold(text).partition(_COMMITMENT_FOR)
    billing = billing.removesuffix(" billing").strip()
    if not billing:
        return term_and_billing(text) or ("", "")
    return term, billing if months_in_words(billing) else ""


def term_name(text: str, months: int | None) -> str:
    """Return a period by its readable name, or as the report writes it."""
    return period_name(months) if months else text
