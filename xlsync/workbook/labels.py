"""Labels: the text of each dropdown entry, and the id that a chosen label stands for. PURE.

`label_key` decides which two labels read alike. It is used both to give every entry its own label and to find
the entry of a label that a person chose, so that every label reads back as the entry it was given to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import Final

from msgspec import Struct

from xlsync.apply.action_base import ShownLabels
from xlsync.models import CREATE_NEW, Agreement, CatalogItem, Company, Setup, SetupTables
from xlsync.reconcile.proposals import category_label
from xlsync.records import replace
from xlsync.xlsx.cells import LONGEST, Value, clean_text


def label_key(label: str) -> str:
    """Reduce a label to what distinguishes it from others: its words, without case and extra blanks."""
    return " ".join(label.split()).casefold()


def nearest_labels(text: str, labels: Iterable[str]) -> list[str]:
    """Return up to three labels that a text may mean: those that begin with it, else the most alike."""
    by_key = {label_key(label): label for label in labels}
    key = label_key(text)
    longer = sorted(one for one in by_key if one.startswith(key)) if key else []
    return [by_key[one] for one in (longer or get_close_matches(key, by_key, cutoff=0.7))[:3]]


_MOST_SEARCHED: Final = 50  # different texts: each takes a third of a second among 20,000 labels
_NO_LABELS: Final = frozenset({"", label_key(CREATE_NEW)})  # an empty cell, and the entry that creates


class Labels(Struct, frozen=True):
    """The label of every active company, agreement and catalog item, by ConnectWise id.

    A company is its name, with its identifier where two share the name; an agreement its name, with
    its id where two of one company share it; a product `identifier: description`.
    """

    companies: Mapping[int, str]
    agreements: Mapping[int, str]
    items: Mapping[int, str]


def make_labels(
    companies: Iterable[Company], agreements: Iterable[Agreement], items: Iterable[CatalogItem]
) -> Labels:
    """Give every company, agreement and catalog item its label."""
    by_company: dict[int, list[tuple[int, str, str]]] = {}
    for agreement in agreements:
        entry = (agreement.id, agreement.name, str(agreement.id))
        by_company.setdefault(agreement.company_id, []).append(entry)
    return Labels(
        companies=_unique_labels((c.id, c.name, c.identifier) for c in companies),
        agreements={
            id_: text for group in by_company.values() for id_, text in _unique_labels(group).items()
        },
        items=_unique_labels((i.id, f"{i.identifier}: {i.description}", str(i.id)) for i in items),
    )


def name_setup_apart(setup: SetupTables) -> SetupTables:
    """Make the names within each setup table distinct."""
    tables = {name: _name_table_apart(getattr(setup, name)) for name in setup.__struct_fields__}
    return replace(setup, **tables)


def _name_table_apart(table: Sequence[Setup]) -> tuple[Setup, ...]:
    labels = _unique_labels((entry.id, category_label(entry), str(entry.id)) for entry in table)
    changed = {entry.id for entry in table if labels[entry.id] != category_label(entry)}
    return tuple(
        replace(entry, name=labels[entry.id], parent="") if entry.id in changed else entry for entry in table
    )


def _unique_labels(entries: Iterable[tuple[int, str, str]]) -> dict[int, str]:
    """Give each (id, name, suffix) a label of its own; the suffix stands behind names that read alike.

    No label reads as an empty cell or as `(create new)`.
    """
    known = [(id_, clean_text(name), suffix) for id_, name, suffix in entries]
    keys = [label_key(name) for _, name, _ in known]
    count = Counter(keys)
    if len(count) == len(known) and count.keys().isdisjoint(_NO_LABELS):
        return {id_: name for id_, name, _ in known}
    labels = {
        id_: name if _is_unique(key, count) else _with_suffix(name, suffix)
        for (id_, name, suffix), key in zip(known, keys, strict=True)
    }
    while (longer := _with_ids(labels)) != labels:  # a suffix may make a label read as another's name
        labels = longer
    return labels


def _with_ids(labels: Mapping[int, str]) -> dict[int, str]:
    """Append the id to each label that reads like another one."""
    keys = {id_: label_key(label) for id_, label in labels.items()}
    count = Counter(keys.values())
    return {
        id_: label if _is_unique(keys[id_], count) else _with_suffix(label, str(id_))
        for id_, label in labels.items()
    }


def _is_unique(key: str, count: Mapping[str, int]) -> bool:
    return count[key] == 1 and key not in _NO_LABELS


def _with_suffix(label: str, suffix: str) -> str:
    """Append a suffix in brackets; the label is cut where a cell cannot hold all of it."""
    end = f" [{clean_text(suffix)[: LONGEST // 4]}]"
    room = LONGEST - len(end.encode("utf-16-le")) // 2
    if len(label.encode("utf-16-le")) // 2 > room:
        label = label.encode("utf-16-le")[: (room - 1) * 2].decode("utf-16-le", "ignore").rstrip() + "…"
    return clean_text(f"{label}{end}")


# The headers of the ids of dropdowns on the sheet *Lists*; those of other dropdowns are named after them.
_ID_HEADERS: Final = {"Customer": "Company Id", "Product": "Item Id", "Category": "Subcategory Id"}


class LabelDirectory:
    """The ids that the labels of a workbook's dropdowns stand for, read from its sheet *Lists*.

    Each dropdown is read when it is first asked for.
    """

    def __init__(self, lists: Mapping[str, Sequence[Value]]) -> None:
        self._lists = lists
        self._ids: dict[str, Mapping[str, int]] = {}
        self._labels: dict[str, Mapping[int, str]] = {}
        self._near: dict[tuple[str, str], Sequence[str]] = {}  # found once for each text: it takes long

    def ids(self, dropdown: str) -> Mapping[str, int]:
        """Return the ids that the labels of a dropdown stand for."""
        if dropdown not in self._ids:
            ids = {label_key(label): id_ for id_, label in self.labels(dropdown).items()}
            self._ids[dropdown] = ids
        return self._ids[dropdown]

    def labels(self, dropdown: str) -> Mapping[int, str]:
        """Return the label of each id of a dropdown."""
        if dropdown not in self._labels:
            ids = self._column(_ID_HEADERS.get(dropdown, f"{dropdown} Id"))
            self._labels[dropdown] = {id_: label for label, id_ in _known(self._column(dropdown), ids)}
        return self._labels[dropdown]

    def shown(self, text_of: Callable[[str], str], **ids: int | str | None) -> ShownLabels:
        """Return the labels that a row shows for records; `ids` and `text_of` give id and text by dropdown.

        Empty for a name that is the distributor's, since no dropdown has an entry of the record. Where one
        has, another text counts as shown all the same.
        """
        texts = {dropdown: text_of(dropdown) for dropdown in ids}
        return ShownLabels(
            **{
                dropdown.lower(): text if self._has_entry(dropdown, text, ids[dropdown]) else ""
                for dropdown, text in texts.items()
            }
        )

    def _has_entry(self, dropdown: str, text: str, id_: int | str | None) -> bool:
        return id_ in self.labels(dropdown) or label_key(text) in self.ids(dropdown)

    def tell_unknown(self, dropdown: str, text: str) -> str:
        """Say that a text is no entry of a dropdown, and which entries it may mean.

        Of many different texts only the first are looked for: where a column was pasted over, that would take
        minutes.
        """
        if (dropdown, text) not in self._near:
            labels = self.labels(dropdown).values() if len(self._near) < _MOST_SEARCHED else ()
            self._near[dropdown, text] = nearest_labels(text, labels)
        near = self._near[dropdown, text]
        meant = f"; it has {' and '.join(map(repr, near))}" if near else ""
        return f"{text!r} is not in the list{meant}"

    def _column(self, header: str) -> Sequence[Value]:
        return self._lists.get(header, ())

    @cached_property
    def agreements(self) -> Mapping[int, Mapping[str, int]]:
        """The ids of agreements, by the id of their company."""
        labels = self._column("Agreement")
        ids, companies = (
            _padded(self._column(header), labels) for header in ("Agreement Id", "Agreement Company Id")
        )
        agreements: dict[int, dict[str, int]] = {}
        for label, id_, company in zip(labels, ids, companies, strict=False):
            if label is not None and id_ is not None and company is not None:
                agreements.setdefault(int(str(company)), {})[label_key(str(label))] = int(str(id_))
        return agreements

    @property
    def names(self) -> Mapping[str, Mapping[int, str]]:
        """The label of each id, by part of a link."""
        return {
            "company": self.labels("Customer"),
            "agreement": self.labels("Agreement"),
            "item": self.labels("Product"),
        }


def _known(labels: Sequence[Value], ids: Sequence[Value]) -> list[tuple[str, int]]:
    """Pair each label with its id, without entries that have none."""
    return [
        (str(label), int(str(id_)))
        for label, id_ in zip(labels, _padded(ids, labels), strict=False)
        if label is not None and id_ is not None
    ]


def _padded(values: Sequence[Value], like: Sequence[Value]) -> list[Value]:
    return [*values, *([None] * (len(like) - len(values)))]
