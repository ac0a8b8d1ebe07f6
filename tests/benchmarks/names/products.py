"""Products as a distributor names them, and as catalogs of a PSA write them: brands, terms and prices."""

from __future__ import annotations

import random
from dataclasses import dataclass

NAMES = """
Microsoft 365 Business Basic|Microsoft 365 Business Standard|Microsoft 365 Business Premium
Microsoft 365 Apps for Business|Microsoft 365 Apps for Enterprise|Microsoft 365 E3|Microsoft 365 E5
Microsoft 365 F1|Microsoft 365 F3|Microsoft 365 E5 Security|Microsoft 365 E5 Compliance|Office 365 E1
Office 365 E3|Office 365 E5|Office 365 F3|Exchange Online (Plan 1)|Exchange Online (Plan 2)
Exchange Online Kiosk|Exchange Online Archiving|SharePoint Online (Plan 1)|SharePoint Online (Plan 2)
OneDrive for Business (Plan 1)|OneDrive for Business (Plan 2)|Microsoft Teams Essentials
Microsoft Teams Phone Standard|Microsoft Teams Rooms Pro|Microsoft Teams Premium|Power BI Pro
Power BI Premium Per User|Power Automate Premium|Power Apps Premium|Visio Plan 1|Visio Plan 2
Project Plan 1|Project Plan 3|Project Plan 5|Planner Plan 1|Microsoft Intune Plan 1|Microsoft Intune Suite
Microsoft Entra ID P1|Microsoft Entra ID P2|Enterprise Mobility + Security E3
Enterprise Mobility + Security E5|Microsoft Defender for Business|Microsoft Defender for Endpoint P1
Microsoft Defender for Endpoint P2|Microsoft Defender for Office 365 (Plan 1)
Microsoft Defender for Office 365 (Plan 2)|Microsoft Copilot for Microsoft 365
Windows 365 Business 2 vCPU 4 GB 128 GB|Windows 365 Business 2 vCPU 8 GB 128 GB
Windows 365 Enterprise 4 vCPU 16 GB 256 GB|Dynamics 365 Business Central Essentials
Dynamics 365 Business Central Premium|Dynamics 365 Sales Professional|Dynamics 365 Sales Enterprise
Dynamics 365 Customer Service Professional|Dynamics 365 Field Service|Dynamics 365 Team Members
Windows Server 2022 Standard|Windows 11 Enterprise|Azure Information Protection Premium P1
Microsoft Purview Audit Premium|Microsoft Viva Suite|Microsoft Clipchamp Premium
"""
_SHORTER = (
    ("Microsoft 365", "M365"), ("Office 365", "O365"), ("Dynamics 365", "D365"), ("Standard", "STD"),
    ("Enterprise", "ENT"), ("Premium", "Prem"), ("Business", "Bus"), ("(Plan 1)", "P1"), ("(Plan 2)", "P2"),
    ("Exchange", "Exch"), ("Essentials", "Ess"), ("Professional", "Prof"), ("Microsoft ", ""),
)  # fmt: skip
_BEFORE = ("", "", "MS NCE ", "CSP ", "MS ")
_TERMS = {12: ("1YR COMMIT", "(annual commitment)", "P1Y", "1 Year"), 1: ("MTH SUB", "Monthly", "P1M")}
_BEHIND = ("", "", " RRP 93.96", " (New Commerce)", " $12.40", " license")


@dataclass(frozen=True)
class Shelf:
    """What the lines name, and a catalog with each of them in two terms; `right` is by name and months."""

    wanted: tuple[tuple[str, int], ...]
    catalog: dict[int, str]
    right: dict[tuple[str, int], int]


def shelf(seed: int) -> Shelf:
    """A catalog in the hand of one MSP."""
    chance = random.Random(seed)  # noqa: S311
    names = [name.strip() for line in NAMES.splitlines() for name in line.split("|") if name.strip()]
    catalog: dict[int, str] = {}
    right: dict[tuple[str, int], int] = {}
    for name in names:
        for months, terms in _TERMS.items():
            text = name
            for long, short in _SHORTER:
                if chance.random() < 0.5:
                    text = text.replace(long, short)
            term, behind = chance.choice(terms), chance.choice(_BEHIND)
            id_ = len(catalog) + 1
            catalog[id_] = f"{chance.choice(_BEFORE)}{text} {term}{behind}"
            right[name, months] = id_
    return Shelf(tuple(right), catalog, right)
