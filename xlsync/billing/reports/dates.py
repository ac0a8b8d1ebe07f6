"""Dates and periods as people and distributors write them, with every reading a text allows. PURE."""

from __future__ import annotations

import calendar
import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct

Order = Literal["day-first", "month-first"]
ORDERS: Final[tuple[Order, Order]] = ("day-first", "month-first")

_YEARS: Final = range(1990, 2101)
_DAY_ZERO: Final = dt.date(1899, 12, 30)  # day 0 of Excel's serial numbers from 60 on
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            ("jan january januar janner jaenner janvier janv januari enero ene gennaio gen ιανουαριοσ "
             "ιανουαριου ιαν tammikuu tammikuuta styczen stycznia janeiro leden ledna"),
            ("feb february februar febr fevrier fevr fev februari febrero febbraio φεβρουαριοσ "
             "φεβρουαριου φεβ helmikuu helmikuuta luty lutego fevereiro unor unora"),
            ("mar march marz maerz mrz mars maart mrt marzo μαρτιοσ μαρτιου μαρ marts maaliskuu "
             "maaliskuuta marzec marca marco brezen brezna"),
            ("apr april avril avr abril abr aprile απριλιοσ απριλιου απρ huhtikuu huhtikuuta kwiecien "
             "kwietnia duben dubna"),
            "may mai mei mayo maggio mag μαιοσ μαιου μαι maj maja toukokuu toukokuuta maio kveten kvetna",
            ("jun june juni juin junio giugno giu ιουνιοσ ιουνιου ιουν kesakuu kesakuuta "
             "czerwiec czerwca junho cerven cervna"),
            ("jul july juli juillet juil julio luglio lug ιουλιοσ ιουλιου ιουλ heinakuu heinakuuta "
             "lipiec lipca "
             "julho cervenec cervence"),
            ("aug august aout augustus agosto ago αυγουστοσ αυγουστου αυγ augusti elokuu elokuuta sierpien "
             "sierpnia srpen srpna"),
            ("sep sept september septembre septiembre setiembre settembre set σεπτεμβριοσ "
             "σεπτεμβριου σεπ σεπτ syyskuu syyskuuta wrzesien wrzesnia setembro zari"),
            ("oct october oktober okt octobre octubre ottobre ott οκτωβριοσ οκτωβριου οκτ lokakuu lokakuuta "
             "pazdziernik pazdziernika outubro rijen rijna"),
            ("nov november novembre noviembre νοεμβριοσ νοεμβριου νοε νοεμ marraskuu "
             "marraskuuta listopad listopada listopadu novembro"),
            ("dec december dezember dez decembre diciembre dic dicembre δεκεμβριοσ δεκεμβριου δεκ "
             "desember des "
             "joulukuu joulukuuta grudzien grudnia dezembro prosinec prosince"),
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_WEEKDAYS: Final = frozenset(
    word
    for names in (
        "mon monday tue tues tuesday wed wednesday thu thur thurs thursday fri friday sat saturday",
        "sun sunday",
        "mo montag di dienstag mi mittwoch do donnerstag fr freitag sa samstag sonnabend so sonntag",
        "lun lundi mardi mer mercredi jeu jeudi ven vendredi sam samedi dim dimanche",
        "ma maandag dinsdag woe wo woensdag donderdag vr vrij vrijdag zat za zaterdag zon zo zondag",
        "lunes martes mie miercoles jue jueves vie viernes sab sabado dom domingo",
        "lunedi martedi mercoledi gio giovedi venerdi sabato domenica",
        "δευ δευτερα τρι τριτη τετ τεταρτη πεμ πεμπτη παρ παρασκευη σαβ σαββατο κυρ κυριακη",
    )
    for word in names.split()
)
_TIME: Final = re.compile(
    r"(?:(?<=\d)[T_]|[ ,]+)(?:at |um )?(\d{1,2})[:h](\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([ap]\.?\s?m\.?)?"
    r"\s*(?:(Z|UTC|GMT)|MES?Z|[A-Z]{1,4}T)?\s*([+-]\d{2}:?\d{2})?(?:\s*\([^)]*\))?$",
    re.IGNORECASE,
)
_NEXT_DAY: Final = 11  # hour of UTC from which on a midnight elsewhere begins the next day
_HALF_HOURS: Final = frozenset({2, 3, 9, 13, 14, 17, 18, 19, 20})  # UTC, at midnight of a zone with :30
_ZONE_ALONE: Final = re.compile(r"(?<=\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)$")
_ORDINAL: Final = r"(?:(?:st|nd|rd|th|er|ere|re|o|a|η|ησ|º|ª|°|\.)(?![^\W\d_]))?"
_OF: Final = r"(?:(?:de|del|of|di|du)\s+|d')?"
_DAY_NAME_YEAR: Final = re.compile(
    rf"(\d{{1,2}}){_ORDINAL}[-/. ]*{_OF}([^\W\d_]+)\.?,?[-/. ]*{_OF}(\d{{4}}|\d{{2}})\.?"
)
_NAME_DAY_YEAR: Final = re.compile(rf"([^\W\d_]+)\.?[-/ ](\d{{1,2}}){_ORDINAL},?[-/ ](\d{{4}})\.?")
_YEAR_NAME_DAY: Final = re.compile(rf"(\d{{4}})[-/. ]([^\W\d_]+)\.?[-/. ](\d{{1,2}}){_ORDINAL}")
_YEAR_FIRST: Final = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})|(\d{4})(\d{2})(\d{2})")
_NUMBERS: Final = re.compile(r"(\d{1,2})([-/. ]|\. )(\d{1,2})\2(\d{4}|\d{2})\.?")
_SERIAL: Final = re.compile(r"\d{5}(?:[.,]\d+)?")
_NO_DAY: Final = re.compile(
    r"0{1,4}([-/.])0{1,2}\1(?:0{1,2}|0{1,4})|1900-01-00|0?0/0?1/1900|0?1/0?0/1900|00\.01\.1900"
)
_LEADING_WORD: Final = re.compile(
    r"^(?:from|von|vom|du|van|dal|dall|del|desde|fra|fr[åa]n|od|de|απο|από)[ :]+", re.IGNORECASE
)
_YEAR_AT_END: Final = re.compile(r"\d{4}$")
_DAYS_OF_MONTH: Final = re.compile(r"([^\W\d_]+\.?) (\d{1,2}) ?[-–] ?(\d{1,2}),? (\d{4})")
_BETWEEN: Final = re.compile(
    r"\s+(?:-|–|—|->|→|to|till|until|through|thru|bis|au|a|al|tot(?: en met)?|t/m|hasta|fino al"
    r"|til|do|a[zž]|at[eé]"
    r"|έως|εως|ως|~|\.\.)\s+"
    r"|\s*[–—~]\s*|\.\.+|(?<=\d\d),\s*(?=\d{4}-|\d{1,2}[./]\d)"
    r"|(?<=^\d{8})-(?=\d{8}$)|(?<=^\d)-(?=\d{1,2}\.? \D)|(?<=^\d\d)-(?=\d{1,2}\.? \D)|(?<=\d\.)-(?=\d)"
    r"|(?<=\d{4}-\d\d-\d\d)/(?=\d{4})|(?<=\d{4}/\d\d/\d\d)-(?=\d{4}/)"
    r"|(?<=:\d\d)/(?=\d{4}-)|(?<=Z)/(?=\d{4}-)"
    r"|(?<=\d{4})-(?=\d{1,2}[./]\d{1,2}[./]\d{4})"
    r"|(?<=\d[./]\d\d)-(?=\d{1,2}[./]\d{1,2}[./]\d\d$)",
    re.IGNORECASE,
)


class DateReadings(Struct, frozen=True):
    """The readings of a date's text: with the day first and with the month first; None if impossible.

    `time` is the time of day in seconds, if one is written; `is_utc` says that it is in UTC.
    `is_true` marks what a spreadsheet holds as a date, or as the number of one.
    """

    day_first: dt.date | None
    month_first: dt.date | None
    time: int | None = None
    is_utc: bool = False
    is_true: bool = False

    def by(self, order: Order) -> dt.date | None:
        """Return the day in an order."""
        return self.day_first if order == "day-first" else self.month_first

    @property
    def is_clear(self) -> bool:
        """Return whether the text allows only one day."""
        return None in (self.day_first, self.month_first) or self.day_first == self.month_first

    @property
    def proves(self) -> Order | None:
        """The order that the text proves; None where it proves none."""
        if self.day_first is None:
            return "month-first"
        return "day-first" if self.month_first is None else None


@lru_cache(maxsize=4096)
def fold_word(word: str) -> str:
    """Fold a month's name: without accents, in lower case."""
    bare = unicodedata.normalize("NFKD", word)
    return "".join(c for c in bare if not unicodedata.combining(c)).casefold()


def month_number(name: str) -> int | None:
    """Return the month of a name or short form in the known languages; None for other words."""
    return _MONTHS.get(fold_word(name).rstrip("."))


def of_true_date(value: dt.date) -> DateReadings | None:
    """Read a spreadsheet's date; None for one that stands for no date."""
    day = value.date() if isinstance(value, dt.datetime) else value
    if _is_no_day(day):
        return None
    if day.year not in _YEARS:
        raise ValueError(str(day))
    time = value.hour * 3600 + value.minute * 60 + value.second if isinstance(value, dt.datetime) else None
    return DateReadings(day, day, time=time, is_true=True)


def of_serial(number: float) -> DateReadings | None:
    """Read a spreadsheet's serial number; None for zero. Raises ValueError for a number that is no date."""
    if not -1 < number < 80_000:
        raise ValueError(str(number))
    days, seconds = int(number), round((number - int(number)) * 86_400, 3)
    if seconds > 86_399.9995:
        days, seconds = days + 1, 0.0
    if days <= 1:
        return None
    day = _DAY_ZERO + dt.timedelta(days=days)
    if day.year not in _YEARS:
        raise ValueError(str(number))
    return DateReadings(day, day, time=int(seconds), is_true=True)


@lru_cache(maxsize=65_536)
def read_date(text: str) -> DateReadings | None:
    """Read all readings of a text; None where it stands for no date. Raises ValueError for other texts."""
    core = " ".join(text.split()).strip("'").strip()
    time, is_utc = None, False
    if match := _TIME.search(core):
        time = _seconds(match)
        is_utc = match[5] is not None if match[6] is None else int(match[6].replace(":", "")) == 0
        core = core[: match.start()].rstrip(", ")
    core = _ZONE_ALONE.sub("", core)
    first, _, rest = core.partition(" ")
    if rest and fold_word(first.rstrip(",.")) in _WEEKDAYS and month_number(first.rstrip(",.")) is None:
        core = rest.strip(", ")
    if _NO_DAY.fullmatch(core):
        return None
    if _SERIAL.fullmatch(core) and time is None:
        return of_serial(float(core.replace(",", ".")))
    days = _days(core)
    if all(day is not None and _is_no_day(day) for day in days):
        return None
    checked = [day if day is not None and day.year in _YEARS else None for day in days]
    if checked == [None, None]:
        raise ValueError(text)
    return DateReadings(checked[0], checked[1], time=time, is_utc=is_utc)


def _is_no_day(day: dt.date) -> bool:
    """Return whether a date stands for none: the first or last day that a program knows."""
    is_edge = (day.month, day.day) in {(1, 1), (12, 30), (12, 31)}
    return is_edge and (day.year < _YEARS.start or day.year == dt.MAXYEAR)


def _seconds(match: re.Match[str]) -> int:
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if match[4]:
        if not 1 <= hour <= 12:
            raise ValueError(match[0])
        hour = hour % 12 + (12 if match[4].lower().startswith("p") else 0)
    if hour > 24 or minute > 59 or second > 60:
        raise ValueError(match[0])
    return hour * 3600 + minute * 60 + second


def _days(core: str) -> tuple[dt.date | None, dt.date | None]:
    """Return the date with the day first and with the month first; raises ValueError for neither."""
    if match := _YEAR_FIRST.fullmatch(core):
        year, month, day = (match[1], match[3], match[4]) if match[1] else (match[5], match[6], match[7])
        only = dt.date(int(year), int(month), int(day))
        return only, only
    folded = fold_word(core)
    if match := _DAY_NAME_YEAR.fullmatch(folded):
        only = dt.date(_year(match[3]), _named(match[2]), int(match[1]))
        return only, only
    if match := _NAME_DAY_YEAR.fullmatch(folded):
        only = dt.date(int(match[3]), _named(match[1]), int(match[2]))
        return only, only
    if match := _YEAR_NAME_DAY.fullmatch(folded):
        only = dt.date(int(match[1]), _named(match[2]), int(match[3]))
        return only, only
    match = _NUMBERS.fullmatch(core)
    if not match or (match[2] == "-" and len(match[4]) == 2):  # the year may stand first
        raise ValueError(core)
    first, second, year = int(match[1]), int(match[3]), _year(match[4])
    day_first = _date(year, second, first)
    if match[2].startswith("."):  # dates with points have the day first
        if day_first is None:
            raise ValueError(core)
        return day_first, day_first
    month_first = _date(year, first, second)
    if day_first is None and month_first is None:
        raise ValueError(core)
    return day_first, month_first


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _year(text: str) -> int:
    return int(text) + (2000 if len(text) == 2 else 0)


def _named(name: str) -> int:
    number = _MONTHS.get(name)
    if number is None:
        raise ValueError(name)
    return number


def read_month(text: str) -> tuple[dt.date, dt.date] | None:
    """Read a month, `Oct 2026`, `2026-10`, `10/2026`, as its first and last day; None for other texts."""
    core = fold_word(" ".join(text.split()).strip("'"))
    if match := re.fullmatch(r"(\d{4})[-/. ]?(\d{2})|(\d{4})[-/. ](\d)|(\d{1,2})[-/. ](\d{4})", core):
        year, month = int(match[1] or match[3] or match[6]), int(match[2] or match[4] or match[5])
    elif match := re.fullmatch(rf"([^\W\d_]+)\.?,?[-/ ']*{_OF}(\d{{4}}|\d{{2}})", core):
        year, month = _year(match[2]), _MONTHS.get(match[1], 0)
    elif match := re.fullmatch(r"(\d{4})[-/ ]([^\W\d_]+)\.?", core):
        year, month = int(match[1]), _MONTHS.get(match[2], 0)
    else:
        return None
    if year not in _YEARS or not 1 <= month <= 12:
        return None
    return dt.date(year, month, 1), dt.date(year, month, calendar.monthrange(year, month)[1])


def _whole_dates(first: str, last: str) -> tuple[str, str]:
    """Write both ends of `1-31 Oct 2026`, `01.10.-31.10.2026` or `Oct 1 - Oct 31, 2026` as whole dates."""
    if _YEAR_AT_END.search(first):
        return first, last
    if (match := _YEAR_AT_END.search(last)) is None:
        return first, last
    first = re.sub(r"(?<=\d)(?:er|st|nd|rd|th|º|°)$", "", first)
    if re.fullmatch(r"\d{1,2}\.?", first):  # the last day has the month of both
        rest = re.sub(r"^\d{1,2}", "", last)
        return f"{first.rstrip('.')}{rest}", last
    if day_and_month := re.fullmatch(r"(\d{1,2}([./])\d{1,2})\2?", first):
        return f"{day_and_month[1]}{day_and_month[2]}{match[0]}", last
    return f"{first.rstrip(',')} {match[0]}", last


@lru_cache(maxsize=4096)
def read_range(text: str) -> tuple[DateReadings, DateReadings] | None:
    """Read a period in one cell as its first and last day; None for other texts."""
    if (month := read_month(text)) is not None:
        first, last = month
        return DateReadings(first, first), DateReadings(last, last)
    core = " ".join(text.split())
    if core[:1] + core[-1:] in ("()", "[]"):
        core = core[1:-1].strip()
    core = _LEADING_WORD.sub("", core)
    if match := _DAYS_OF_MONTH.fullmatch(core):
        core = f"{match[1]} {match[2]}, {match[4]} - {match[1]} {match[3]}, {match[4]}"
    parts = [part.strip() for part in _BETWEEN.split(core) if part.strip()]
    if len(parts) != 2:
        return None
    ends = []
    for part in _whole_dates(*parts):
        try:
            read = read_date(part)
        except ValueError:
            return None
        if read is None:
            return None
        ends.append(read)
    return ends[0], ends[1]


def read_days(text: str) -> tuple[DateReadings, DateReadings] | None:
    """Read a day, or a period of days in one cell, as its first and last day; None for other texts."""
    try:
        if (days := read_range(text)) is not None:
            return days
        day = read_date(text)
    except (ValueError, OverflowError):
        return None
    return None if day is None else (day, day)


def local_days(readings: Sequence[DateReadings]) -> int | None:
    """Return whether a column's UTC times are midnights, or last seconds of days, in one other time zone.

    Then the number of hours from which on the day is the next one; None where the times tell no zone.
    """
    times = [reading.time + 1 for reading in readings if reading.is_utc and reading.time is not None]
    if not times or any(time % 1800 > 1 for time in times):
        return None
    hours, halves = {time // 3600 % 24 for time in times}, {time // 1800 % 2 for time in times}
    if hours <= {0} or max(hours) - min(hours) > 1:
        return None
    if 1 in halves and (0 in halves or not hours <= _HALF_HOURS):
        return None
    return _NEXT_DAY


def local_day(day: dt.date, one: DateReadings, turn: int | None) -> tuple[dt.date, bool]:
    """Return the day in the zone that a column's times tell, and whether the time there is midnight."""
    if one.time is None:
        return day, True
    if turn is None or not one.is_utc:
        return day, one.time == 0
    is_last_second = one.time % 1800 == 1799
    hour = ((one.time + (1 if is_last_second else 0)) // 3600) % 24
    if is_last_second:
        # the second before a midnight belongs to the day that ends there
        ends_next_day = hour == 0 or hour >= turn
        return (day if ends_next_day else day - dt.timedelta(days=1)), False
    return (day + dt.timedelta(days=1) if hour >= turn else day), True
