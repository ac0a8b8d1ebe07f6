"""Steps that several whole runs share."""

from __future__ import annotations

from tests.helpers.hand import LINES, NEW, Hand

NEW_CUSTOMERS = {
    "622": "Quillfeather Books",
    "623": "Ypsilon Tauchschule",
    "624": "Zephyr Kitesurf",
    "625": "Mistral Sails",
}
NEW_PRODUCTS = ("Dark Web Watch", "Phishing Simulator", "Copilot Studio", "Virtual Phone")


def other_branch(hand: Hand) -> str:
    """The line of the second of two accounts of one name, which is not where their company is."""
    (key,) = (
        key
        for key, customer in hand.column(LINES, "Customer").items()
        if customer == "Juniper Studio" and hand.get(LINES, key, "Match") == "suggested 99%"
    )
    return str(key)


def choose_every_link(hand: Hand) -> None:
    """What a person does on *Billing Lines* where the evidence does not tell."""
    customer, agreement, product = "ConnectWise Customer", "ConnectWise Agreement", "ConnectWise Product"
    new = "(create new)"
    for line, choice in {
        hand.line("DELTA"): {customer: "Delta Ltd", agreement: "Cloud Services"},
        hand.line("Kestrel Optics"): {customer: "Kestrel Optics [KESTREL2]", agreement: "Cloud Services"},
        hand.line("Pipit Tutors", "Exchange"): {agreement: "Cloud Services"},
        hand.line("Harbour Dentl Clinic"): {"Match": "confirmed"},
        hand.line("Nordwind Logistik Hamburg"): {"Match": "confirmed"},
        other_branch(hand): {"Match": "confirmed"},
        hand.line("Tansy Accountants", "Awareness"): {"Match": "confirmed"},
        hand.line("Tansy Accountants", "Remote Monitoring"): {"Match": "confirmed"},
        **{hand.line(name): {customer: new, agreement: new} for name in NEW_CUSTOMERS.values()},
        **{hand.line("", name): {product: new} for name in NEW_PRODUCTS},
    }.items():
        hand.set(LINES, line, choice)
    twins = [name for name in hand.offered("Product") if name and name.endswith("eSignature Business")]
    hand.set(LINES, hand.line("", "eSignature"), {product: twins[0]})


def approve_every_creation(hand: Hand) -> None:
    for id_ in NEW_CUSTOMERS:
        hand.approve(f"customer:bss:{id_}", Contact_First_Name="Ada", Contact_Last_Name="Voss")
        hand.approve(f"agreement:bss:{id_}|Monthly")
    for key, name in hand.column(NEW, "Name").items():
        if name.startswith(NEW_PRODUCTS):
            hand.approve(key, Price=2)
