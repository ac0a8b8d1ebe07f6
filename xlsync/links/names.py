"""Folding of names: removal of differences that do not distinguish companies or products.

PURE. Two names that fold to the same text are *exact* evidence; names that only
resemble each other can be suggested, with their likeness in percent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from msgspec import Struct

MOST_NAMES: Final = 8192  # names whose words are cached: lines, lists and links name the same things

# Written as they look after folding: no dots, no accents, lower case ("S.A." is "sa", "A/S" is "as").
_TRAILING: Final = """
    ltd limited ltda lda inc incorporated corp corporation co company cos companies llc llp lp lllp pllc
    plc pc pty pte pvt private gmbh mbh ggmbh ag kg kgaa ohg gbr ug gug ev ek ekfm ekfr eg partg partgmbb
    partmbb mbb cic eurl selarl slp slne se sa sarl sas sasu sau sl slu sll
    snc scs sca srl
    srls sti spa bv nv bvba sprl vof cv oy oyj ab hb kb as asa aps ans da ks is ou uab sia kft zrt nyrt bt
    sro spol doo dd ad ood eood spzoo spj oo eirl cia kk gk yk sdn bhd tbk jsc ojsc pjsc cjsc
    αε επε ικε οε εε αβεε αεβε αεε μικε μονοπροσωπη ооо оао зао пао ао тов чп ип еоод оод ад доо 株 有 주
"""
_TRAILING_FORMS: Final = frozenset(_TRAILING.split())
# Only what begins no ordinary name: "AS Roma", "SC Johnson" and "Co Pilot" keep their first word.
_LEADING: Final = "oy ab uab sia gmbh ооо оао зао пао ао тов чп ип 株 有 주"
_LEADING_FORMS: Final = frozenset(_LEADING.split())
# Spelled out, as they look after folding; the longer ones first.
_PHRASES: Final = """
    sp z oo / sp z o o / spol s r o / spol sro / sa de cv / s a de c v / sab de cv / s a b de c v /
    s de rl de cv / s de r l de c v / sapi de cv / aktiengesellschaft / kommanditgesellschaft auf aktien
    kommanditgesellschaft / gesellschaft mit beschrankter haftung / gesellschaft mbh
    gesellschaft m b h / haftungsbeschrankt / offene handelsgesellschaft / eingetragener verein
    / eingetragener kaufmann / eingetragene kauffrau / partnerschaftsgesellschaft
    eingetragene genossenschaft / gesellschaft burgerlichen rechts / societe anonyme
    societe a responsabilite limitee / societe par actions simplifiee
    societe par actions simplifiee unipersonnelle / societe en nom collectif / public limited company
    public ltd co / public limited co / private limited company / limited liability company
    limited liability partnership
    limited liability limited partnership / limited partnership / proprietary limited
    besloten vennootschap / besloten vennootschap met beperkte aansprakelijkheid / naamloze vennootschap
    commanditaire vennootschap / vennootschap onder firma / sociedad anonima
    sociedad anonima de capital variable / sociedad limitada / sociedad limitada unipersonal
    sociedad de responsabilidad limitada / sociedade anonima / sociedade limitada / societa per azioni
    societa a responsabilita limitata / societa in nome collettivo / aktiebolag / aktiebolaget
    aktieselskab / anpartsselskab / aksjeselskap / allmennaksjeselskap / osakeyhtio / osakeyhtio julkinen
    societas europaea / spolka akcyjna / spolka z ograniczona odpowiedzialnoscia
    spolecnost s rucenim omezenym / akciova spolecnost / korlatolt felelossegu tarsasag
    zartkoruen mukodo reszvenytarsasag / nyilvanosan mukodo reszvenytarsasag / kabushiki kaisha
    drustvo s ogranicenom odgovornoscu / societate cu raspundere limitata / uzdaroji akcine bendrove
    ανωνυμη εταιρεια / ανωνυμη εταιρια / εταιρεια περιορισμενης ευθυνης / ομορρυθμη εταιρεια
    ετερορρυθμη εταιρεια / ιδιωτικη κεφαλαιουχικη εταιρεια / общество с ограниченнои ответственностью
    публичное акционерное общество / акционерное общество / publ
"""
_FORM_PHRASES: Final = tuple(
    sorted(
        (
            tuple(phrase.split())
            for line in _PHRASES.splitlines()
            for phrase in line.split("/")
            if phrase.strip()
        ),
        key=len,
        reverse=True,
    )
)
_PHRASES_BY_LAST_WORD: Final = {
    last: tuple(phrase for phrase in _FORM_PHRASES if phrase[-1] == last)
    for last in {phrase[-1] for phrase in _FORM_PHRASES}
}
_LEADING_PHRASES: Final = tuple(
    phrase
    for phrase in _FORM_PHRASES
    if phrase[0] in {"aktiebolaget", "общество", "акционерное", "публичное"}
)
_AND: Final = frozenset({"and"})  # left out, as an ampersand is
_AND_BETWEEN: Final = frozenset({"und", "et", "og", "och", "και"})  # left out between two other words
_AND_BEFORE_A_FORM: Final = frozenset({"und", "et", "og", "och"})  # Müller und Co. KG
# `A & B` is another company than `AB`: the letters stay apart
_TWO_LETTERS: Final = re.compile(
    r"(?<![^\W_])([^\W\d_])\s*(?:&|\+|\b(?:and|und|et|og|och)\b)\s*([^\W\d_])(?![^\W_])"
)
# States of the USA and provinces of Canada: some are company forms, too, such as AB, CO, KS and NV.
_STATES: Final = """
    ak al ar az ca co ct dc de fl ga hi ia id il in ks ky la ma md me mi mn mo ms mt nc nd ne nh nj nm nv ny
    oh ok or pa ri sc sd tn tx ut va vt wa wi wv wy ab bc mb nb nl ns nt nu on pe qc sk yt
"""
STATES: Final = frozenset(_STATES.split())
_MAY_JOIN: Final = re.compile(r"[&+]| (?:and|und|et|og|och) ")
_SHORT: Final = {  # forms within a name: Packaging Corporation of America
    "corporation": "corp", "company": "co", "companies": "cos", "limited": "ltd", "incorporated": "inc",
}  # fmt: skip
# Remarks of a register: of two companies of one name the newer one; and behind an American company form
# Delaware, where companies from anywhere register. Other states and countries tell places apart.
_REMARK: Final = re.compile(
    r"\s*[(\[/]\s*new\s*[)\]/]?\s*$"
    r"|(?P<form>\b(?:inc|incorporated|corp|corporation|co|company|llc)\b)\.?\s*/\s*del?\s*/?\s*$"
)
_ANY_REMARK: Final = re.compile(r"\s*[(\[/\\][^()\[\]/\\]{1,30}[)\]/\\]?\s*$")
_DOT_COM: Final = re.compile(r"(?<=\w\w)\.com\b")
_INITIALS: Final = re.compile(r"^(?:the\s+)?(?:[^\W\d_]\.){2,}(?=\s)")
_ATTACHED_FORMS: Final = (
    *("株式会社", "有限会社", "合同会社", "股份有限公司", "有限责任公司", "有限公司", "주식회사"),
    *(unicodedata.normalize("NFC", form) for form in ("株式會社", "股份有限公司", "有限責任公司")),
)

_SPELLED: Final = str.maketrans(
    {"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h"}
)
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
# ™ and ℠ would decompose into letters; apostrophes join ("O'Neil" is "ONeil").
_AWAY: Final = str.maketrans({"™": " ", "℠": " "} | dict.fromkeys("'’‘ʼʻ`´ʹ′＇"))
_INVISIBLE_LETTERS: Final = frozenset(
    "\u0640\u115f\u1160\u3164\uffa0\u17b4\u17b5\u034f\u180b\u180c\u180d\u180f"
)
_DOTTED: Final = re.compile(r"(?<![^\W_])([^\W\d_])\.(?=[^\W\d_](?![^\W_]))")
_BUT_DIGITS: Final = {code: None for code in range(128) if not chr(code).isdigit()}
_ASCII_WORDS: Final = re.compile(r"[a-z0-9]+")


def _is_accent(mark: str) -> bool:
    """Return whether a mark can be left out of a name: not vowels of India, not the voicing of kana."""
    kind = unicodedata.combining(mark)
    variation = "\ufe00" <= mark <= "\ufe0f" or "\U000e0100" <= mark <= "\U000e01ef"
    return kind >= 200 or 10 <= kind <= 36 or variation or unicodedata.category(mark) == "Me"


def _plain(character: str) -> str:
    """Fold one character: to itself, its digit, a space, or nothing."""
    if character == "." or character in _INVISIBLE_LETTERS:
        return character if character == "." else ""
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category[0] in "LN":
        return character
    if category[0] == "M":
        return "" if _is_accent(character) else character
    return "" if category == "Cf" else " "


@lru_cache(maxsize=MOST_NAMES)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case, without accents, punctuation, symbols and invisible characters."""
    if name.isascii():
        text = name.replace("'", "").replace("`", "").lower()
        return tuple(_ASCII_WORDS.findall(_DOTTED.sub(r"\1", text) if "." in text else text))
    text = unicodedata.normalize("NFKD", name.translate(_AWAY).casefold())
    text = unicodedata.normalize("NFKD", text.casefold()).translate(_SPELLED)
    text = unicodedata.normalize("NFC", "".join(map(_plain, text)))
    return tuple(_DOTTED.sub(r"\1", text).replace(".", " ").split())


def digits(name: str) -> str:
    """Return the digits of a name in order of size: names without the same are neither equal nor near."""
    if name.isascii():
        return "".join(sorted(name.translate(_BUT_DIGITS)))
    return "".join(sorted(letter for word in words(name) for letter in word if letter.isnumeric()))


def _without_last_form(name: tuple[str, ...], *, is_first: bool) -> tuple[str, ...]:
    for phrase in _PHRASES_BY_LAST_WORD.get(name[-1], ()) if name else ():
        if len(name) > len(phrase) and name[-len(phrase) :] == phrase:
            return name[: -len(phrase)]
    if len(name) > 1 and name[-1] in _TRAILING_FORMS:
        shorter = name[:-1]
        return shorter[:-1] if len(shorter) > 1 and shorter[-1] in _AND_BEFORE_A_FORM else shorter
    for letters in (2, 3, 4) if is_first else ():  # "S. A.", "A/S", "d. o. o."; not in "Fuller H B Co"
        spelled = name[-letters:]
        apart = len(name) > letters and all(len(word) == 1 for word in spelled)
        if apart and "".join(spelled) in _TRAILING_FORMS:
            return name[:-letters]
    if len(name) > 3 and name[-2] == "class" and len(name[-1]) == 1 and name[-3] in _TRAILING_FORMS:
        return name[:-2]  # a class of shares: "Inc. (Class A)"
    return name


def _without_forms(name: tuple[str, ...], *, is_first: bool) -> tuple[str, ...]:
    """Return the words without the company forms at their end and beginning; at least one word stays."""
    shorter = _without_last_form(name, is_first=is_first)
    while shorter != name:
        name, shorter = shorter, _without_last_form(shorter, is_first=False)
    while True:
        if len(name) > 1 and name[0] in _LEADING_FORMS:
            name = name[1:]
            continue
        for phrase in _LEADING_PHRASES:
            if len(name) > len(phrase) and name[: len(phrase)] == phrase:
                name = name[len(phrase) :]
                break
        else:
            return name


def _with_letters_apart(name: str) -> str:
    """Return a name in which two letters joined by an ampersand are one word, other than both alone."""
    if not _MAY_JOIN.search(name):
        return name
    return _TWO_LETTERS.sub(r"\1and\2", unicodedata.normalize("NFC", name))


@lru_cache(maxsize=MOST_NAMES)
def company_words(name: str) -> tuple[str, ...]:
    """Return the words that tell a company from others: without its form, a leading *The*, and each *and*."""
    plain = words(_with_letters_apart(_DOT_COM.sub("", name.casefold()) or name))
    is_first = True
    while (shorter := _without_fillers(_without_forms(plain, is_first=is_first))) != plain:
        plain, is_first = shorter, False
    return _initials_last(tuple(_SHORT.get(word, word) for word in plain))


def _without_fillers(name: tuple[str, ...]) -> tuple[str, ...]:
    last = len(name) - 1
    name = (
        tuple(
            word
            for place, word in enumerate(name)
            if word not in _AND and not (word in _AND_BETWEEN and 0 < place < last)
        )
        or name
    )
    while len(name) > 1 and name[0] == "the":
        name = name[1:]
    return name


def _initials_last(name: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words with initials behind the name, as lists in order of the alphabet have it: Smith A. O.

    A digit is no initial: it would change places whenever a name that is folded already is folded again.
    """
    count = next((place for place, word in enumerate(name) if len(word) > 1 or word.isnumeric()), 0)
    return (*name[count:], *name[:count]) if count > 1 else name


def _joined(name: Iterable[str]) -> str:
    """Return the words without spaces, except between two numbers: `1.5 TB` is not `15 TB`."""
    text = ""
    for word in name:
        text += f" {word}" if text and text[-1].isnumeric() and word[0].isnumeric() else word
    return text


def _without_attached_forms(text: str) -> str:
    while not text.isascii():
        for form in _ATTACHED_FORMS:
            shorter = text.removeprefix(form).removesuffix(form).strip()
            if shorter and shorter != text:
                text = shorter
                break
        else:
            break
    return text


def fold_company(name: str) -> str:
    """Return a company's name without case, accents, punctuation, spaces, symbols and company forms.

    Never nothing: a name of symbols or of a company form alone stays what it is.
    """
    text = _without_attached_forms(_joined(company_words(name)))
    return _SHORT.get(text, text) or _as_is(name)


@lru_cache(maxsize=MOST_NAMES)
def foldings(name: str) -> frozenset[str]:
    """Return all foldings of a company's name: `ü` may be written `ue`, and `J.B. Hunt` may be `Hunt J B`."""
    text = unicodedata.normalize("NFC", name.casefold())
    spellings = {text.translate(_UMLAUTS), _INITIALS.sub(lambda match: match[0].replace(".", " "), text)}
    return frozenset({fold_company(name), *map(fold_company, spellings - {text})})


def without_remark(name: str) -> str:
    """Return a name without a register's remark at its end, such as `/NEW/`, or `/DE/` behind `Inc`."""
    return _REMARK.sub(lambda match: match["form"] or "", name.casefold()) or name


def without_any_remark(name: str) -> str:
    """Return a name without whatever stands between brackets or slashes at its end."""
    return _ANY_REMARK.sub("", name) or name


def fold_spelling(name: str) -> str:
    """Fold a name but keep its company form: `DELTA LTD.` equals `Delta Ltd`, not `Delta GmbH`."""
    return _joined(words(_with_letters_apart(name.casefold()))) or _as_is(name)


def fold_product(name: str) -> str:
    """A product's name without case, accents, punctuation, spaces and symbols; `+` counts as *plus*."""
    return fold_spelling(name.replace("+", " plus "))


def fold_code(code: str) -> str:
    """Return a product code or contract id as it is compared: exactly, but for case and outer spaces."""
    return code.strip().casefold()


def _as_is(name: str) -> str:
    return name.strip().casefold()


class Place(Struct, frozen=True):
    """The place of a customer, as far as it is known."""

    town: str = ""
    post_code: str = ""

    def is_also(self, town: str, post_code: str) -> bool | None:
        """Return whether the place has this post code, else this town; None if neither is known."""
        for own, other in ((self.post_code, post_code), (self.town, town)):
            if own.strip() and other.strip():
                return "".join(words(own)) == "".join(words(other))
        return None
