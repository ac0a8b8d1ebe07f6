"""Link edits: read what people chose on *Billing Lines* by the labels of the dropdowns. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from msgspec import Struct

from xlsync.errors import Problem
from xlsync.links.choices import NOTHING, Pick, Picked, confirmed
from xlsync.models import CREATE_NEW, BillingLine, Evidence, Link
from xlsync.plain_json import from_plain
from xlsync.reconcile.proposals import new_agreement_key, new_customer_key, new_product_key
from xlsync.reconcile.rules import read_note
from xlsync.records import replace
from xlsync.workbook.edits.cells import find_altered
from xlsync.workbook.labels import LabelDirectory, label_key
from xlsync.workbook.layout import BILLING_LINES
from xlsync.workbook.read import Book, SheetRow

_PARTS: Final = {
    "company": "ConnectWise Customer",
    "agreement": "ConnectWise Agreement",
    "item": "ConnectWise Product",
}
_NO_PICK: Final = Picked()
_OWN: Final = "own"  # the fact that holds what a person picked
_NOTE: Final = "note"  # the fact that holds the note of a line that a check has read
T = TypeVar("T")


class FactsByKey(Mapping[str, T]):
    """A fact of one kind behind each row, by row key; it is parsed at each access."""

    def __init__(self, rows: Iterable[SheetRow], name: str, kind: type[T]) -> None:
        self._rows = {row.key: row for row in rows}
        self._name, self._kind = name, kind

    def __getitem__(self, key: str) -> T:
        return self._rows[key].fact(self._name, self._kind)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class LinkEdits(Struct, frozen=True):
    """The choices on *Billing Lines*, by line key, with the lines and links that they are about.

    `notes` are those typed beside the lines, `notes_read` those that an earlier check has read.
    """

    lines: Mapping[str, BillingLine]
    links: Mapping[str, Link]  # as the workbook shows them
    picked: Mapping[str, Picked]
    notes: Mapping[str, str]
    notes_read: Mapping[str, str]
    directory: LabelDirectory
    problems: tuple[Problem, ...]

    @property
    def names(self) -> Mapping[str, Mapping[int, str]]:
        """The label of each id, by part of a link."""
        return self.directory.names

    def own(self) -> dict[str, dict[str, Any]]:
        """Convert the picks and notes to the facts that the hidden sheet stores, by line key."""
        facts: dict[str, dict[str, Any]] = {
            key: {_OWN: write_pick(pick)} for key, pick in self.picked.items()
        }
        for key, note in self.notes.items():
            facts.setdefault(key, {})[_NOTE] = note
        return facts


def read_link_edits(book: Book) -> LinkEdits:
    """Read every choice on *Billing Lines*; a cell that names nothing known is a problem."""
    directory = LabelDirectory(book.lists)
    rows = book.rows[BILLING_LINES.title]
    problems: list[Problem] = []
    picked: dict[str, Picked] = {}
    notes_read: dict[str, str] = {}
    for row in rows:
        if row.stored.has_fact(_NOTE):
            notes_read[row.key] = str(row.facts.get(_NOTE, ""))
        if not row.edited and not row.stored.has_fact(_OWN):
            continue
        facts = row.facts
        pick = _read_stored_pick(facts.get(_OWN))
        if row.edited:
            line, link = from_plain(facts["line"], BillingLine), from_plain(facts["link"], Link)
            pick = _read_pick(row, line, link, pick, directory, problems)
        if pick != _NO_PICK:
            picked[row.key] = pick
    return LinkEdits(
        FactsByKey(rows, "line", BillingLine),
        FactsByKey(rows, "link", Link),
        picked,
        {row.key: note for row in rows if "Note" not in row.formulas and (note := row.text("Note"))},
        notes_read,
        directory,
        tuple(problems),
    )


def _read_pick(
    row: SheetRow,
    line: BillingLine,
    link: Link,
    pick: Picked,
    directory: LabelDirectory,
    problems: list[Problem],
) -> Picked:
    """Update a line's stored pick by the edits of its row; `link` is the one that the row showed."""
    edited = [part for part, header in _PARTS.items() if row.is_edited(header)]
    note = row.text("Note") if row.is_edited("Note") else ""
    if edited or row.is_edited("Match") or (note and read_note(note, line, "", "")):
        problems += _find_other_line(row)
    if edited:
        pick = replace(pick, evidence=Evidence.CHOSEN, is_new=True)
    new_keys = {
        "company": new_customer_key(line),
        "agreement": new_agreement_key(line),
        "item": new_product_key(line),
    }
    for part in edited:
        choice = _read_choice(row, part, pick, link, directory, new_keys)
        if isinstance(choice, Problem):
            problems.append(choice)
        else:
            pick = _with(pick, part, choice)
    shown = link.company
    if "agreement" in edited and pick.company is None and shown and shown.evidence is not Evidence.SUGGESTED:
        pick = _with(pick, "company", shown.to)  # the agreement was chosen from this customer's
    if "company" in edited and "agreement" not in edited:
        pick = replace(pick, agreement=_agreement_after(pick, link, new_keys))
    if row.is_edited("Match"):
        pick = _read_match(row, pick, link, problems, has_choice=bool(edited))
    return pick


def _find_other_line(row: SheetRow) -> list[Problem]:
    """Find what says of a row with a choice, or with a rule in its *Note*, that it is another line."""
    return [
        Problem(
            row.where(header),
            f"{header} was altered beside a link or rule, which may be meant for another line",
            f"put {str(row.stored.showed(header))!r} back, and look at the link again",
        )
        for header in find_altered(row)
    ]


def _agreement_after(pick: Picked, link: Link, new_keys: Mapping[str, str]) -> str | None:
    """Return the agreement to create where only the customer was changed; None to find that customer's own.

    A customer that is to be created has no agreement yet. One that a person asked to create for an existing
    customer is created for another one too: the row still shows `(create new)`.
    """
    shown = pick.agreement if link.agreement is None or pick.agreement is not None else link.agreement.to
    is_asked = isinstance(shown, str) and link.company is not None and isinstance(link.company.to, int)
    is_new = pick.company == new_keys["company"]
    return new_keys["agreement"] if is_new or (is_asked and isinstance(pick.company, int)) else None


def _read_choice(
    row: SheetRow,
    part: str,
    pick: Picked,
    link: Link,
    directory: LabelDirectory,
    new_keys: Mapping[str, str],
) -> Pick | Problem:
    """Read the choice in an edited cell: an id, the row key of something to create, or nothing on purpose."""
    header = _PARTS[part]
    text = row.text(header)
    if header in row.formulas:
        return Problem(row.where(header), "a formula stands here", "choose an entry of the list")
    if not text:
        return NOTHING
    if label_key(text) == label_key(CREATE_NEW):
        return new_keys[part]
    return _find_label(row, part, text, pick, link, directory)


def _read_match(
    row: SheetRow, pick: Picked, link: Link, problems: list[Problem], *, has_choice: bool
) -> Picked:
    """Take the suggested parts of a link where *Match* says confirmed; other texts are a problem."""
    text = row.text("Match")
    if "Match" in row.formulas:
        problems.append(Problem(row.where("Match"), "a formula stands here", "set confirmed, or clear it"))
        return pick
    if text.casefold() == Evidence.CONFIRMED:
        sure = confirmed(link)
        return replace(
            pick,
            company=sure.company if pick.company is None else pick.company,
            agreement=sure.agreement if pick.agreement is None else pick.agreement,
            item=sure.item if pick.item is None else pick.item,
            evidence=Evidence.CHOSEN if has_choice else Evidence.CONFIRMED,
            is_new=True,
        )
    if text:
        before = row.stored.showed("Match") or "nothing"
        problems.append(
            Problem(
                row.where("Match"),
                f"{text!r} cannot be set as a match",
                f"set confirmed, or leave what stood there ({before})",
            )
        )
    return pick


def _with(pick: Picked, part: str, to: Pick) -> Picked:
    changes: dict[str, Any] = {part: to}
    return replace(pick, **changes)


def _find_label(
    row: SheetRow, part: str, text: str, pick: Picked, link: Link, directory: LabelDirectory
) -> int | Problem:
    """Find the id of a label that a person chose; an agreement's among those of the chosen customer."""
    header = _PARTS[part]
    if part == "agreement":
        company = _company_of(pick, link)
        if not isinstance(company, int):
            return Problem(
                row.where(header), f"{text!r} is chosen without a customer", "choose the customer first"
            )
        id_ = directory.agreements.get(company, {}).get(label_key(text))
        what = f"{text!r} is not an agreement of {row.text(_PARTS['company'])}"
        todo = "choose one of its agreements, or (create new)"
    else:
        dropdown = "Customer" if part == "company" else "Product"
        id_ = directory.ids(dropdown).get(label_key(text))
        what = directory.tell_unknown(dropdown, text) if id_ is None else ""
        todo = "choose an entry of the list, or (create new); check brings what is new in ConnectWise"
    return Problem(row.where(header), what, todo) if id_ is None else id_


def _company_of(pick: Picked, link: Link) -> Pick:
    if pick.company is not None:
        return pick.company
    return link.company.to if link.company else None


def _read_stored_pick(own: Mapping[str, Any] | None) -> Picked:
    if not own:
        return _NO_PICK
    parts = {part: NOTHING if own.get(part) is False else own.get(part) for part in _PARTS}
    return Picked(**parts, evidence=Evidence(own["evidence"]), is_new=False)


def write_pick(pick: Picked) -> dict[str, Any]:
    """Convert a pick to the plain values that the hidden sheet stores."""
    parts = {part: getattr(pick, part) for part in _PARTS}
    plain = {part: False if to is NOTHING else to for part, to in parts.items() if to is not None}
    return {**plain, "evidence": str(pick.evidence)}
