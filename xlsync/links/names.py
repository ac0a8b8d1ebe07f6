"""Names as a person compares them: what is left of a name when its spelling is set aside.

PURE. Two names that fold to the same text are *exact* evidence (DESIGN, section 6); names that only
come near each other can be suggested, with the share of letters that they have in common.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz, process

# Written as they look after folding: no dots, no accents, lower case ("S.A." is "sa", "A/S" is "as").
_TRAILING: Final = """
    ltd limited ltda lda inc incorporated corp corporation co company llc llp lp lllp pllc plc pc pty pte
    pvt private gmbh mbh ag kg kgaa ohg gbr ug ev eg se sa sarl sas sasu sau sl slu sll snc scs sca srl
    srls spa bv nv bvba sprl vof cv oy oyj ab hb kb as asa aps ans da ks is ou uab sia kft zrt nyrt bt
    sro spol doo dd ad ood eood spzoo spj oo eirl cia kk gk yk sdn bhd tbk jsc ojsc pjsc cjsc
    αε επε ικε οε εε αβεε ооо оао зао пао ао тов чп ип еоод оод ад доо 株 有 주
"""
_TRAILING_FORMS: Final = frozenset(_TRAILING.split())
# Only what begins no ordinary name: "AS Roma", "SC Johnson" and "Co Pilot" keep their first word.
_LEADING: Final = "oy ab uab sia gmbh ооо оао зао пао ао тов чп ип 株 有 주"
_LEADING_FORMS: Final = frozenset(_LEADING.split())
_FORM_PHRASES: Final = (("sp", "z", "oo"), ("sp", "z", "o", "o"), ("spol", "s", "r", "o"), ("spol", "sro"))
_ATTACHED_FORMS: Final = (
    *("株式会社", "有限会社", "合同会社", "股份有限公司", "有限责任公司", "有限公司", "주식회사"),
    *(unicodedata.normalize("NFC", form) for form in ("株式會社", "股份有限公司", "有限責任公司")),
)

_SPELLED: Final = str.maketrans(
    {"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h"}
)
# ™ and ℠ would decompose into letters; apostrophes join ("O'Neil" is "ONeil").
_AWAY: Final = str.maketrans({"™": " ", "℠": " "} | dict.fromkeys("'’‘ʼʻ`´ʹ′＇"))
_INVISIBLE_LETTERS: Final = frozenset(
    "\u0640\u115f\u1160\u3164\uffa0\u17b4\u17b5\u034f\u180b\u180c\u180d\u180f"
)
_DOTTED: Final = re.compile(r"(?<![^\W_])([^\W\d_])\.(?=[^\W\d_](?![^\W_]))")
_ONLY_DIGITS: Final = {code: None for code in range(128) if not chr(code).isdigit()}
_ASCII_WORDS: Final = re.compile(r"[a-z0-9]+")
_MIN_LENGTH: Final = 4  # of shorter names one letter is a quarter and more


def _is_accent(mark: str) -> bool:
    """A mark without which a name stays the same: not vowels of India, not the voicing of kana."""
    kind = unicodedata.combining(mark)
    variation = "\ufe00" <= mark <= "\ufe0f" or "\U000e0100" <= mark <= "\U000e01ef"
    return kind >= 200 or 10 <= kind <= 36 or variation or unicodedata.category(mark) == "Me"


def _plain(character: str) -> str:
    """What folding keeps of one character: itself, its digit, a space, or nothing."""
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


def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case, without accents, punctuation, symbols and invisible characters."""
    text = name.translate(_AWAY).casefold()
    if text.isascii():
        return tuple(_ASCII_WORDS.findall(_DOTTED.sub(r"\1", text) if "." in text else text))
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_SPELLED)
    text = unicodedata.normalize("NFC", "".join(map(_plain, text)))
    return tuple(_DOTTED.sub(r"\1", text).replace(".", " ").split())


def digits(name: str) -> str:
    """The digits of a name in order of size: names without the same are neither equal nor near."""
    if name.isascii():
        return "".join(sorted(name.translate(_ONLY_DIGITS)))
    return "".join(sorted(letter for word in words(name) for letter in word if letter.isnumeric()))


def _without_last_form(name: tuple[str, ...]) -> tuple[str, ...]:
    for phrase in _FORM_PHRASES:
        if len(name) > len(phrase) and name[-len(phrase) :] == phrase:
            return name[: -len(phrase)]
    if len(name) > 1 and name[-1] in _TRAILING_FORMS:
        return name[:-1]
    for letters in (2, 3, 4):  # "S. A.", "A/S", "d. o. o."
        spelled = name[-letters:]
        apart = len(name) > letters and all(len(word) == 1 for word in spelled)
        if apart and "".join(spelled) in _TRAILING_FORMS:
            return name[:-letters]
    return name


def without_forms(name: tuple[str, ...]) -> tuple[str, ...]:
    """The words without the company forms at their end and beginning; at least one word stays."""
    shorter = _without_last_form(name)
    while shorter != name:
        name, shorter = shorter, _without_last_form(shorter)
    while len(name) > 1 and name[0] in _LEADING_FORMS:
        name = name[1:]
    return name


def _joined(name: Iterable[str]) -> str:
    """The words without spaces, except between two numbers: `1.5 TB` is not `15 TB`."""
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


def fold(name: str) -> str:
    """A company's name without case, accents, punctuation, spaces, symbols and company forms.

    Never nothing: a name of symbols or of a company form alone stays what it is.
    """
    return _without_attached_forms(_joined(without_forms(words(name)))) or _as_is(name)


def fold_spelling(name: str) -> str:
    """The same with the company forms kept: `DELTA LTD.` equals `Delta Ltd`, not `Delta GmbH`."""
    return _joined(words(name)) or _as_is(name)


def fold_product(name: str) -> str:
    """A product's name without case, accents, punctuation, spaces and symbols; `+` counts as *plus*."""
    return fold_spelling(name.replace("+", " plus "))


def fold_code(code: str) -> str:
    """A product code or contract id as it is compared: exactly, but for case and outer spaces."""
    return code.strip().casefold()


def _as_is(name: str) -> str:
    return name.strip().casefold()


@dataclass(frozen=True, slots=True)
class _Spelling:
    """A name made ready for comparing letter by letter."""

    joined: str
    sorted: str
    numbers: tuple[str, ...]

    @classmethod
    def of(cls, name: str) -> _Spelling:
        plain = without_forms(words(name))
        numbers = tuple(sorted(word for word in plain if any(map(str.isnumeric, word))))
        return cls(_without_attached_forms(_joined(plain)), " ".join(sorted(plain)), numbers)


class Suggestions:
    """Names among which the nearest to another name can be found.

    The score is the share of letters that two names have in common, in percent, whatever the order
    of their words. Names whose numbers differ are never near: `Microsoft 365 E3` is no `E5`.
    """

    def __init__(self, names: Mapping[int, str], lowest: int) -> None:
        self._lowest = lowest
        self._joined: defaultdict[tuple[str, ...], dict[int, str]] = defaultdict(dict)
        self._sorted: defaultdict[tuple[str, ...], dict[int, str]] = defaultdict(dict)
        for entry_id, name in names.items():
            spelling = _Spelling.of(name)
            if len(spelling.joined) >= _MIN_LENGTH:
                self._joined[spelling.numbers][entry_id] = spelling.joined
                self._sorted[spelling.numbers][entry_id] = spelling.sorted

    def nearest(self, name: str) -> tuple[int, int] | None:
        """The id of the one nearest name and its score; None where none is near, or several equally."""
        wanted = _Spelling.of(name)
        if len(wanted.joined) < _MIN_LENGTH or wanted.numbers not in self._joined:
            return None
        scores: dict[int, int] = {}
        for text, candidates in (
            (wanted.joined, self._joined[wanted.numbers]),
            (wanted.sorted, self._sorted[wanted.numbers]),
        ):
            near = process.extract(text, candidates, scorer=fuzz.ratio, score_cutoff=self._lowest, limit=2)
            for _, score, entry_id in near:
                scores[entry_id] = max(scores.get(entry_id, 0), min(int(score), 99))
        best = sorted(scores.values(), reverse=True)[:2]
        if not best or (best[0] == best[-1] and len(best) == 2):
            return None
        return next((entry_id, score) for entry_id, score in scores.items() if score == best[0])
