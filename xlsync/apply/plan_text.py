"""Plans in words, money first: changes and ends of additions, and creations. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from xlsync.amounts import counted, counted_units, tell_money
from xlsync.apply.actions import (
    Action,
    Change,
    CreateAddition,
    CreateAgreement,
    CreateCatalogItem,
    CreateCompany,
    CreateContact,
    CreateInvoice,
    Field,
    Predecessor,
    UpdateAddition,
)
from xlsync.apply.plan import Outcome, State, count_states
from xlsync.apply.set_fields import CANCEL, SetFields
from xlsync.printable import one_line


class PlanText(Struct, frozen=True):
    """A plan for people. Each entry of a section is one line; `changes` begin with the most money."""

    heading: str
    changes: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()  # one for each currency
    cancellations: tuple[str, ...] = ()
    others: tuple[str, ...] = ()  # restored fields and deactivations
    invoiced: str = ""  # the amount to invoice in each currency
    invoices: tuple[str, ...] = ()
    created: str = ""  # counts
    names: tuple[str, ...] = ()  # names of records to create

    def sections(self, most: int | None) -> list[tuple[str, Sequence[str]]]:
        """Return the sections in order, each with a title; at most `most` lines of each.

        Every cancellation is listed.
        """
        parts: list[tuple[str, Sequence[str]]] = [
            ("Changes to additions, a month:", _shortened(self.changes, most)),
            ("Cancellations:", self.cancellations),
            ("Together, a month:", self.sums),
            ("Other changes:", _shortened(self.others, most)),
            (f"To invoice: {self.invoiced}", _shortened(self.invoices, most)),
            (f"To create: {self.created}", _shortened(self.names, most)),
        ]
        return [(title, list(map(one_line, lines))) for title, lines in parts if lines]

    def lines(self, most: int | None = None) -> list[str]:
        """Return the whole text line by line."""
        text = [self.heading]
        for title, lines in self.sections(most):
            text += [title, *(f"  {line}" for line in lines)]
        return text


def tell_nothing(outcomes: Sequence[Outcome]) -> str:
    """Say that a plan writes nothing, and why."""
    if not outcomes:
        return "Nothing to do: no row is approved."
    if all(result.state is State.ALREADY and result.is_as_approved for result in outcomes):
        one = len(outcomes) == 1
        why = "the change was made earlier" if one else f"all {len(outcomes)} changes were made earlier"
        if any(result.is_spent and not result.run for result in outcomes):
            why = "the row says that it is done" if one else f"{why}, or their rows say so"
        undone = sum(bool(result.taken_back) for result in outcomes)
        if undone:
            some = "" if undone == len(outcomes) else f"{undone} of them "
            texts = (text for result in outcomes for text in result.taken_back.values())
            part = ", at least in part" if any(text.casefold().startswith("partly") for text in texts) else ""
            anew = "To have one made anew, empty its Result."
            return f"Nothing to do: {why}, and {some}taken back since{part}. {anew}"
        return f"Nothing to do: {why}."
    return f"Nothing was done: {count_states(outcomes)}"


def _shortened(lines: Sequence[str], most: int | None) -> list[str]:
    if most is None or len(lines) <= most:
        return list(lines)
    return [*lines[:most], f"… and {len(lines) - most} more"]


def tell_plan(actions: Iterable[Action], site: str) -> PlanText:
    """Describe what a plan would write to a site."""
    changes: list[tuple[Decimal, str]] = []
    cancellations: list[tuple[Decimal, str]] = []
    others: list[str] = []
    names: list[str] = []
    kinds: dict[str, int] = {}
    sums: dict[str, list[Decimal]] = {}
    invoices: list[tuple[Decimal, str]] = []
    invoiced: dict[str, Decimal] = {}
    actions = tuple(actions)
    for action in actions:
        match action:
            case UpdateAddition() | CreateAddition():
                changes.append((abs(action.impact), _tell_change(action)))
                _count(sums, action)
            case SetFields() if action.kind == CANCEL:
                cancellations.append((abs(action.impact), f"{action}{_tell_money(action)}"))
                _count(sums, action)
            case SetFields(agreement=int()):
                changes.append((abs(action.impact), f"{action}{_tell_money(action)}"))
                _count(sums, action)
            case SetFields():
                others.append(str(action))
            case CreateInvoice():
                money = tell_money(action.seen_amount, action.currency)
                what = f"{action.customer} · {action.name}: {money} on {action.seen_date}"
                invoices.append((action.seen_amount, what))
                invoiced[action.currency] = invoiced.get(action.currency, Decimal(0)) + action.seen_amount
            case CreateCompany() | CreateContact() | CreateAgreement() | CreateCatalogItem():
                kind = action.noun.lower()
                kinds[kind] = kinds.get(kind, 0) + 1
                names.append(action.subject)
    return PlanText(
        heading=f"{counted(len(actions), 'change')} to write to {site}:",
        changes=_ranked(changes),
        sums=tuple(
            f"{' / '.join(f'{amount:+,.2f}' for amount in (up, down) if amount)} {currency}".rstrip()
            for currency, (up, down) in sorted(sums.items())
            if up or down
        ),
        cancellations=_ranked(cancellations),
        others=tuple(others),
        invoiced=", ".join(tell_money(money, currency) for currency, money in sorted(invoiced.items())),
        invoices=_ranked(invoices),
        created=", ".join(counted(count, kind) for kind, count in kinds.items()),
        names=tuple(names),
    )


def _ranked(entries: Iterable[tuple[Decimal, str]]) -> tuple[str, ...]:
    return tuple(text for _, text in sorted(entries, key=lambda entry: -entry[0]))


def _count(sums: dict[str, list[Decimal]], action: UpdateAddition | CreateAddition | SetFields) -> None:
    up_down = sums.setdefault(action.currency, [Decimal(0), Decimal(0)])
    up_down[action.impact < 0] += action.impact


def _tell_change(action: UpdateAddition | CreateAddition) -> str:
    match action:
        case UpdateAddition():
            what = ", ".join(str(change) for change in action.changes)
        case CreateAddition(succeeds=None):
            what = f"new addition, 0 -> {counted_units(action.quantity)}{_tell_start(action)}"
        case CreateAddition(succeeds=Predecessor(addition=before)):
            changes = [Change(Field.QUANTITY, before.quantity, action.quantity)]
            if action.unit_cost is not None and action.unit_cost != before.unit_cost:
                changes.append(Change(Field.UNIT_COST, before.unit_cost, action.unit_cost))
            real = [change for change in changes if change.seen != change.wanted] or changes
            what = f"{', '.join(map(str, real))}{_tell_start(action)}"
    return f"{action.customer} · {action.product}: {what}{_tell_money(action)}"


def _tell_start(action: CreateAddition) -> str:
    return f" from {action.effective}" if action.effective else ""


def _tell_money(action: UpdateAddition | CreateAddition | SetFields) -> str:
    """Write the amount a month; empty where it is zero, such as for a product that costs nothing."""
    if not action.is_price_known:
        return ", price unknown"
    if not action.impact:
        return ""
    money = f", {action.impact:+,.2f} {action.currency}".rstrip()
    if isinstance(action, SetFields) and not action.is_cycle_known:
        money += " an invoice (how often it is billed is not known)"
    return money
