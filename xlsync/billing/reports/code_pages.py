"""Text decoded by the code page that it shows; what shows none for sure is refused in words. PURE."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import charset_normalizer

from xlsync.errors import ReportError

_MARKS: Final = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\0\0": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_LATIN: Final = ("cp1252", "cp1250", "cp1254", "iso8859_15")
_SCRIPTS: Final = {"cp1253": "Greek", "iso8859_7": "Greek", "cp1251": "Cyrillic", "koi8_r": "Cyrillic",
                   "cp1255": "Hebrew", "cp1256": "Arabic"}  # fmt: skip
_CASELESS: Final = frozenset({"Hebrew", "Arabic"})
_EAST_ASIAN: Final = ("shift_jis", "gb18030", "big5", "cp949")
_ICELANDIC: Final = frozenset("áðéíóúýþæöø")
_TURKISH: Final = frozenset("çğıöşüâîû")
_EASTERN_AS_WESTERN: Final = re.compile(
    r"[øìùò¹³¾õðþšžŠŽØÏÌÒÙ]|á\w*è|è\w*á|œæ"
)  # letters of Central Europe read as Western ones
_EASTERN: Final = tuple(
    frozenset(letters + "äöüß")
    for letters in ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž")
)
SAVE_AS_UTF_8: Final = "Save it as CSV UTF-8 (Excel: Save As, CSV UTF-8), or as .xlsx, and try again."


def decode(name: str, content: bytes) -> str:
    """Return the text of a file, in the code page that it shows. Raises ReportError where it shows none."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return _without_zeros(name, content.decode(encoding, errors="replace"))
    if b"\0" in content[:200]:
        encoding = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
        try:
            return _without_zeros(name, content.decode(encoding))
        except UnicodeDecodeError:
            raise ReportError(f"{name} is not a text that can be read.", SAVE_AS_UTF_8) from None
    whole = _decoded(content, "utf-8")
    if whole is not None:
        return _without_zeros(name, whole)
    text = content.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    good = sum(1 for sign in text if ord(sign) > 127) - bad
    if good >= bad:
        return _without_zeros(name, text)  # one bad byte does not turn a file into another script
    decoded = _code_page(content)
    if decoded is None:
        raise ReportError(
            f"{name} is text of a code page that cannot be told for sure, and is not UTF-8.", SAVE_AS_UTF_8
        )
    return _without_zeros(name, decoded)


def _without_zeros(name: str, text: str) -> str:
    if "\0" in text:
        raise ReportError(f"{name} is not a text that can be read: it holds zero bytes.", SAVE_AS_UTF_8)
    return text


def _code_page(content: bytes) -> str | None:
    """Return the text in the only code page that makes words of it; None where none or several do."""
    words = re.findall(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*", content)
    whole = sum(1 for word in words if len(word) > 2 and all(byte > 127 for byte in word))
    mixed = sum(1 for word in words if any(byte < 128 for byte in word))
    if whole > mixed:
        return _in_one_script(content)
    if any(_is_east_asian(content, encoding) for encoding in _EAST_ASIAN):
        return None
    best = charset_normalizer.from_bytes(content).best()
    guess = best.encoding if best else ""
    texts = {
        encoding: text
        for encoding in _LATIN
        if (text := _decoded(content, encoding)) is not None and _makes_words(text)
    }
    western, turkish = texts.get("cp1252"), texts.get("cp1254")
    if western is not None and turkish is not None and western != turkish:
        fitting = [
            text
            for text, alphabet in ((western, _ICELANDIC), (turkish, _TURKISH))
            if _letters(text) <= alphabet
        ]
        has_own_letter = _letters(western) & {"ð", "þ"}  # the ý of one is the dotless i of the other
        return fitting[0] if len(fitting) == 1 and has_own_letter else None
    if western is not None:
        eastern = texts.get("cp1250", western)
        is_western = not _EASTERN_AS_WESTERN.search(western) or not _is_of_one_language(eastern)
        if is_western or western == eastern:
            return western
        return eastern if texts.get(guess) == eastern and _is_eastern(eastern) else None
    different = set(texts.values())
    return next((text for text in different if len(different) == 1 and _is_eastern(text)), None)


def _in_one_script(content: bytes) -> str | None:
    """Return the text in the only script beside the Latin one that makes words of it."""
    texts = {
        text
        for encoding, script in _SCRIPTS.items()
        if (text := _decoded(content, encoding)) is not None and _is_of(text, script)
    }
    return texts.pop() if len(texts) == 1 else None


def _is_east_asian(content: bytes, encoding: str) -> bool:
    """Return whether a code page makes whole East Asian words of all bytes beyond ASCII."""
    text = _decoded(content, encoding)
    runs = re.findall(r"(?<![^\x00-\x7f])(.?)([^\x00-\x7f]+)(?=(.?))", text or "", re.DOTALL)
    return bool(runs) and all(
        len(run) > 1
        and not before.islower()
        and not after.islower()
        and all(unicodedata.east_asian_width(sign) in "WFH" for sign in run)
        for before, run, after in runs
    )


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_of(text: str, script: str) -> bool:
    """Return whether all letters beyond ASCII are of one script, small and large as in words."""
    foreign = {sign for sign in text if ord(sign) > 127 and sign.isalpha()}
    words = {word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()}
    return (
        bool(foreign)
        and all(unicodedata.name(sign, "").startswith(script.upper()) for sign in foreign)
        and all(word.islower() or word.isupper() or word.istitle() or script in _CASELESS for word in words)
        and not any("ς" in word[:-1] for word in words)
        and _makes_words(text)
    )


def _makes_words(text: str) -> bool:
    """Return whether signs beyond ASCII stand where people write them: letters in words, marks beside."""
    triples = set(re.findall(r"(?s)(?=(.)([^\x00-\x7f])(.?))", f"\n{text}"))
    return all(_stands_well(before, sign, after) for before, sign, after in triples)


def _letters(text: str) -> frozenset[str]:
    """Return the small letters beyond ASCII in a text."""
    return frozenset(sign for sign in text.lower() if ord(sign) > 127 and sign.isalpha())


def _is_eastern(text: str) -> bool:
    """Return whether the letters beyond ASCII, three at least, are of one language of Central Europe."""
    return len(_letters(text)) > 2 and _is_of_one_language(text)


def _is_of_one_language(text: str) -> bool:
    """Return whether the letters beyond ASCII are of one language of Central Europe."""
    return any(_letters(text) <= alphabet for alphabet in _EASTERN)


def _stands_well(before: str, sign: str, after: str) -> bool:
    """Return whether a sign beyond ASCII can stand between two others."""
    if sign.isalpha():
        if sign in "ƒˆ" or (sign.isupper() and before.islower()):
            return False
        return not (sign.isupper() and before.isupper() and after.islower())
    is_within = before.isalpha() and after.isalpha()
    match sign:
        case "’" | "‘" | "´" | "\u00a0" | "×" | "±":
            return True
        case "°":
            return not after.isalpha() or before.isdigit()
        case "–" | "—" | "…" | "·" | "•":
            return not (before.islower() and after.islower())
        case "„" | "‚" | "¡" | "¿" | "§":
            return not before.isalnum() and (sign != "§" or not after.isalpha())
        case "“" | "”" | "«" | "»" | "‹" | "›":
            return not is_within
        case "€" | "£" | "¥":
            return not before.isalpha() and not after.isalpha()
        case "®" | "™" | "©" | "²" | "³" | "¹" | "½" | "¼" | "¾" | "‰":
            return not after.isalpha()
        case _:
            return False
