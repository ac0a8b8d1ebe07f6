"""Words for kinds of charge in seven languages, known as whole words only."""

from __future__ import annotations

import pytest

from xlsync.billing.reports.kinds import Kind, KindWords, likely_type
from xlsync.models import LineType

WORDS = KindWords({})


@pytest.mark.parametrize(
    ("text", "charge", "is_credit"),
    [
        ("cycleCharge", LineType.RECURRING, False),
        ("Cycle fee", LineType.RECURRING, False),
        ("RECURRING_FLAT", LineType.RECURRING, False),
        ("Abonnement", LineType.RECURRING, False),
        ("SETUP_FEE", LineType.ONE_TIME, False),
        ("Non-recurring charge", LineType.ONE_TIME, False),
        ("VAT", LineType.ONE_TIME, False),
        ("MRC", LineType.RECURRING, False),
        ("NRC", LineType.ONE_TIME, False),
        ("Einmalige Gebühr", LineType.ONE_TIME, False),
        ("Una tantum", LineType.ONE_TIME, False),
        ("Εφάπαξ", LineType.ONE_TIME, False),
        ("METERED_USAGE", LineType.USAGE, False),
        ("Pay-per-use", LineType.USAGE, False),
        ("Savings plans-hourly billing", LineType.USAGE, False),
        ("Reserved instance–subscription", LineType.RECURRING, False),
        ("Nutzungsgebühr", LineType.USAGE, False),
        ("Κατανάλωση", LineType.USAGE, False),
        ("Consumo", LineType.USAGE, False),
        ("Gutschrift", None, True),
        ("Avoir", None, True),
        ("Creditnota", None, True),
        ("Πιστωτικό τιμολόγιο", None, True),
        ("Nota de crédito", None, True),
        ("Credit Invoice", None, True),
        ("Usage refund", LineType.USAGE, True),
        ("Cancel instance prorate", LineType.RECURRING, True),
        ("Rechnung", None, False),
        ("Facture", None, False),
    ],
)
def test_known_words_tell_the_kind(text: str, charge: LineType | None, is_credit: bool) -> None:
    kind = WORDS.find(text)
    assert kind is not None
    assert (kind.charge, kind.is_credit) == (charge, is_credit)


@pytest.mark.parametrize(
    "text",
    [
        "Credit card surcharge",
        "Azure credit offer",
        "Sundry",
        "Credit reversal",
        "Reduction",
        "Réduction",
        "Abono mensual",
        "Discount reversal",
        "Accredited",
        "Newton",
    ],
)
def test_a_phrase_with_an_unknown_word_or_two_directions_is_unknown(text: str) -> None:
    assert WORDS.find(text) is None


@pytest.mark.parametrize(
    "text", ["Customer discount", "Rebate", "Rabatt", "Remise", "Korting", "Έκπτωση", "Sconto"]
)
def test_a_discount_is_no_credit(text: str) -> None:
    kind = WORDS.find(text)
    assert kind is not None
    assert kind.is_discount
    assert not kind.is_credit


def test_a_change_of_quantity_goes_both_ways() -> None:
    assert WORDS.find("removeQuantity") == Kind(LineType.RECURRING, is_credit=True, goes_both_ways=True)


def test_words_of_the_settings_come_first() -> None:
    words = KindWords({"Credit": ["Retour"], "one-time": ["New"]})
    assert words.find("RETOUR") == Kind(is_credit=True)
    assert words.find("new") == Kind(LineType.ONE_TIME)


@pytest.mark.parametrize("text", ["Prepaid credits", "Credit purchase", "Credits usage", "Return shipping"])
def test_credits_that_are_bought_or_used_up_are_no_credit_that_is_known(text: str) -> None:
    assert WORDS.find(text) is None


def test_a_surcharge_for_credit_cards_is_not_proposed_as_a_credit() -> None:
    assert likely_type("Credit card surcharge", is_negative=False) == "One-time"
    assert likely_type("Credit of the vendor", is_negative=False) == "Credit"


@pytest.mark.parametrize("text", ["Seat reduction", "License reduction", "Partial refund"])
def test_a_reduction_of_seats_takes_units_back(text: str) -> None:
    kind = WORDS.find(text)
    assert kind is not None
    assert kind.is_credit
    assert not kind.is_discount


def test_a_reduction_of_the_price_is_a_discount_and_one_of_nothing_is_likely_a_credit() -> None:
    assert WORDS.find("Réduction de prix") == Kind(is_discount=True)
    assert likely_type("Reduction", is_negative=False) == "Credit"
