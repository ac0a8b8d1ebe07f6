"""The made-up names: customers in several scripts, products, streets. None of them is meant to exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split("|"))


FIRST: Final = _words(
    "Amberley | Birchwood | Cobalt | Dunmore | Elmfield | Fernhill | Glenrowan | Hollybrook | Ironvale "
    "| Jaspermoor | Kingfisher | Larkspur | Mossgate | Nettleton | Oakhaven | Pinecrest | Quarrydale | "
    "Ravenscroft | Silverbeck | Thornbury | Umberleigh | Valebrook | Westermoor | Yarrowfield | Zinnia "
    "| Ashcombe | Briarwick | Cloverdene | Driftwood | Emberton | Foxglove | Greystone | Heathermill | "
    "Inglenook | Junegrass | Kelpstone | Lindenhof | Marigold | Northolme | Ottersford | Peppercorn | "
    "Quicksand | Rosewell | Saltmarsh | Tamarisk | Underhill | Verbena | Wildgarth"
)
SECOND: Final = _words(
    "Bakery | Dental | Logistics | Architects | Motors | Pharmacy | Robotics | Vineyards | Interiors | "
    "Solicitors | Nurseries | Printworks | Plumbing | Accountants | Brewery | Ceramics | Textiles | "
    "Optics | Marine | Timber | Catering | Surveyors | Florists | Roofing | Electrics | Physiotherapy | "
    "Publishing | Security | Travel | Veterinary | Foods | Events | Recruitment | Joinery | Glassworks "
    "| Cycles | Upholstery | Landscapes | Tutors | Packaging | Refrigeration | Cabinets | Tyres | "
    "Laundry | Studios | Analytics | Instruments | Coatings"
)
FORMS: Final = ("Ltd", "GmbH", "BV", "", "", "", "Inc", "SA", "AS", "Oy")
PEOPLE_FIRST: Final = _words(
    "Alva | Bruno | Celine | Dario | Edda | Farid | Greta | Hugo | Ines | Jonas | Kira | Lorenz | Mina "
    "| Nils | Olga | Paula"
)
PEOPLE_LAST: Final = _words(
    "Abend | Bell | Crane | Dorn | Eber | Falk | Gram | Hale | Iver | Jung | Kolb | Lund | Marsh | Noor "
    "| Ost | Penn"
)
STREETS: Final = _words(
    "Mill Lane | Harbour Road | Station Street | Elm Avenue | Quay Walk | Old Market | Castle Hill | "
    "Garden Row"
)
CITIES: Final = (
    ("Testford", "DE"),
    ("Mustertal", "DE"),
    ("Voorbeeld", "NL"),
    ("Sampleton", "GB"),
    ("Exempla", "GR"),
)
COUNTRIES: Final = (("Germany", "DE"), ("Netherlands", "NL"), ("United Kingdom", "GB"), ("Greece", "GR"))


@dataclass(frozen=True, slots=True)
class Offer:
    """A product of the distributor. `known` tells how ConnectWise's catalog has it, if at all."""

    name: str
    cost: str  # a month
    known: str = "vendorSku"
    kind: str = "seat"  # seat, addon, usage, once


# `known`: the field that holds the code, or same (equal names), folded (equal after folding), fuzzy, none,
# tie (two items hold the code).
OFFERS: Final = (
    Offer("M365 - Business Basic (New Commerce)", "5.10"),
    Offer("M365 - Business Standard (New Commerce)", "10.30"),
    Offer("M365 - Business Premium (New Commerce)", "17.20"),
    Offer("M365 - Apps for Business (New Commerce)", "8.40"),
    Offer("M365 - Exchange Online Plan 1 (New Commerce)", "3.30"),
    Offer("M365 - Exchange Online Plan 2 (New Commerce)", "6.60"),
    Offer("M365 - E3 without Teams (New Commerce)", "29.75"),
    Offer("M365 - E5 without Teams (New Commerce)", "47.90"),
    Offer("Teams Enterprise (New Commerce)", "4.55"),
    Offer("Visio Plan 2 (New Commerce)", "12.15"),
    Offer("Project Plan 3 (New Commerce)", "24.60"),
    Offer("Entra ID P1 (New Commerce)", "5.05", "integrationXRef"),
    Offer("Entra ID P2 (New Commerce)", "7.60", "integrationXRef"),
    Offer("Intune Plan 1 (New Commerce)", "6.75", "integrationXRef"),
    Offer("Windows 365 Business 2 vCPU 8 GB 128 GB", "38.20", "integrationXRef"),
    Offer("Power BI Pro (New Commerce)", "8.45", "integrationXRef"),
    Offer("Planner Plan 1 (New Commerce)", "8.35", "manufacturerPartNumber"),
    Offer("F3 Frontline (New Commerce)", "6.80", "manufacturerPartNumber"),
    Offer("SharePoint Plan 1 (New Commerce)", "4.20", "manufacturerPartNumber"),
    Offer("Cloud Backup - Workstation", "2.95", "same"),
    Offer("Cloud Backup - Server", "9.68", "same"),
    Offer("Mail Archive, per GB", "0.1", "same"),
    Offer("Endpoint Detection & Response", "3.4567", "same"),
    Offer("Password Vault (Team)", "2.20", "folded"),
    Offer("Sécurité E-mail Avancée", "1.85", "folded"),
    Offer("Web Filter – Standard", "1.15", "folded"),
    Offer("=1+1", "11.00", "same"),
    Offer("Rocket Chat 🚀 Cloud", "2.50", "vendorSku"),
    Offer("Совместная доска", "4.00", "vendorSku"),
    Offer(
        "Extended Security Monitoring and Managed Response for Hybrid Server Estates, 24x7, per Server",
        "31.00",
        "integrationXRef",
    ),
    Offer("Awareness Training Platform Annual Edition", "1.40", "fuzzy"),
    Offer("Remote Monitoring Agent Pro", "1.95", "fuzzy"),
    Offer("Dark Web Watch", "0.90", "none"),
    Offer("Phishing Simulator", "0.75", "none"),
    Offer("Copilot Studio Messages (New Commerce)", "165.00", "none"),
    Offer("Virtual Phone System Extension", "5.60", "none"),
    Offer("eSignature Business", "7.10", "tie"),
    Offer("Defender for Office Plan 1 (Add-on)", "1.70", "vendorSku", "addon"),
    Offer("Defender for Office Plan 2 (Add-on)", "4.10", "vendorSku", "addon"),
    Offer("Audio Conferencing (Add-on)", "3.15", "integrationXRef", "addon"),
    Offer("Azure Plan", "0", "vendorSku", "usage"),
    Offer("Server Standard 2025 - 16 Core (perpetual)", "812.00", "vendorSku", "once"),
    Offer("Onboarding fee", "95.00", "none", "once"),
)
# For tenants with more products than the list above.
REGIONS: Final = _words(
    "North | South | East | West | Central | Baltic | Adriatic | Nordic | Alpine | Atlantic"
)
SERVICES: Final = _words(
    "Object Storage | Virtual Desktop | Mail Gateway | Server Backup | Site Recovery | SQL Hosting | "
    "DNS Shield"
)
OWN: Final = _words(
    "Managed Workstation | Managed Server | Managed Firewall | Service Desk Seat | On-site Hours | "
    "Patch Window | Rack Unit | Fibre Line | Wifi Access Point | Printer Care | Loan Laptop | Voice "
    "Channel | Domain Renewal | Certificate Care"
)
