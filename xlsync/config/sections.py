"""The sections `[limits]` and `[creation]` of the settings file, and the bounds of all numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from xlsync.config.accounts import holds_control
from xlsync.config.creation_fields import read_creation_fields
from xlsync.config.files import SettingsSources, own_settings_file, section_of
from xlsync.config.names import BOUNDS, KNOWN
from xlsync.config.problems import SettingProblems
from xlsync.settings import Creation, Limits

_MOST_OF_ALL: Final = Decimal(10) ** 12  # a larger number in the settings is a typing error
_WHOLE: Final = {"creations", "zero", *BOUNDS}  # settings that count something
_LONGEST_NAME: Final = 1000  # characters, of whatever release
SITE_LENGTH: Final = 50  # longest name of a company's site (OpenAPI description, 2025.1)
_CHOICES: Final = {
    "bill_customer": ("Billable", "DoNotBill", "NoCharge"),
    "code_field": ("vendorSku", "integrationXRef", "manufacturerPartNumber", "none"),
}


def read_limits(sources: SettingsSources, problems: SettingProblems, notices: list[str]) -> Limits:
    """Read the limits of the user's own settings; a file of the working directory can only lower them.

    A limit that such a file would raise is named in `notices`.
    """
    own = read_numbers(sources.own, "limits", KNOWN["limits"], problems)
    limits = {name: Decimal(getattr(Limits(), name)) for name in KNOWN["limits"]} | own
    if sources.is_of_this_folder:
        for name, number in read_numbers(sources.table, "limits", KNOWN["limits"], problems).items():
            if number > limits[name]:
                notices.append(
                    f"{sources.file.name} of this folder cannot raise a limit: [limits] {name} stays "
                    f"{limits[name]}; set it in {own_settings_file(sources.environ)}"
                )
            limits[name] = min(number, limits[name])
    return Limits(
        creations=int(limits["creations"]),
        percent=limits["percent"],
        units=limits["units"],
        zero=int(limits["zero"]),
        money=limits["money"],
    )


def read_creation(table: Mapping[str, Any], problems: SettingProblems) -> Creation:
    """Read how new records are made; a setting that cannot be used is a problem, and its default is taken."""
    given = section_of(table, "creation")
    for name, kinds in _CHOICES.items():
        if name in given and given[name] not in kinds:
            problems.add(
                f"{problems.file_name}: [creation] {name} must be {' or '.join(kinds)}, "
                f"not {given.pop(name)!r}"
            )
    for name in ("identifier_length", "name_length"):
        length = given.get(name, 1)
        if not isinstance(length, int) or isinstance(length, bool) or not 1 <= length <= _LONGEST_NAME:
            problems.add(
                f"{problems.file_name}: [creation] {name} must be a whole number from 1 to {_LONGEST_NAME}, "
                f"not {length!r}"
            )
            del given[name]
    if not isinstance(given.get("mark_additions", True), bool):
        problems.add(
            f"{problems.file_name}: [creation] mark_additions must be true or false, "
            f"not {given.pop('mark_additions')!r}"
        )
    site = given.get("site", "Main")
    if not isinstance(site, str) or not 1 <= len(site.strip()) <= SITE_LENGTH or holds_control(site):
        problems.add(
            f"{problems.file_name}: [creation] site must be a name of 1 to {SITE_LENGTH} characters, "
            f"not {given.pop('site')!r}"
        )
    elif "site" in given:
        given["site"] = site.strip()
    given["fields"] = read_creation_fields(given.get("fields", {}), problems)
    return Creation(**given)


def read_numbers(
    table: Mapping[str, Any], section: str, names: set[str], problems: SettingProblems
) -> dict[str, Decimal]:
    """Read the numbers of a section: each from 0 up, and within its bounds."""
    numbers: dict[str, Decimal] = {}
    for name, value in section_of(table, section).items():
        if name not in names:
            continue
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal("NaN")
        least, most = BOUNDS.get(name, (0, _MOST_OF_ALL))
        must_be = ""
        if not number.is_finite() or (name not in BOUNDS and not least <= number <= most):
            must_be = f"a number from 0 up, not {value!r}"
        elif not least <= number <= most:
            must_be = f"at least {least} and at most {most}"
        elif name in _WHOLE and number != int(number):
            must_be = f"a whole number, not {value!r}"
        if must_be:
            problems.add(f"{problems.file_name}: [{section}] {name} must be {must_be}")
        else:
            numbers[name] = number
    return numbers
