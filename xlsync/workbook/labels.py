"""Labels: how a customer, agreement or product is shown in dropdowns, each for one thing only. PURE."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xlsync.models import CREATE_NEW, Agreement, CatalogItem, Company
from xlsync.xlsx.cells import clean_text


@dataclass(frozen=True, slots=True)
class Labels:
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
    """Labels for these lists."""
    by_company: dict[int, list[tuple[int, str, str]]] = {}
    for agreement in agreements:
        entry = (agreement.id, agreement.name, str(agreement.id))
        by_company.setdefault(agreement.company_id, []).append(entry)
    return Labels(
        companies=_tell_apart((c.id, c.name, c.identifier) for c in companies),
        agreements={id_: text for group in by_company.values() for id_, text in _tell_apart(group).items()},
        items=_tell_apart((i.id, f"{i.identifier}: {i.description}", str(i.id)) for i in items),
    )


def _tell_apart(entries: Iterable[tuple[int, str, str]]) -> dict[int, str]:
    """Id to label from (id, name, what tells it apart); a label never reads `(create new)` or as another."""
    known = [(id_, clean_text(name), apart) for id_, name, apart in entries]
    count = Counter(_seen(name) for _, name, _ in known)
    labels = {
        id_: name if count[_seen(name)] == 1 and name != CREATE_NEW else clean_text(f"{name} [{apart}]")
        for id_, name, apart in known
    }
    while (longer := _with_ids(labels)) != labels:  # what was told apart may read as another's name
        labels = longer
    return labels


def _with_ids(labels: Mapping[int, str]) -> dict[int, str]:
    """The same, with the id behind every label that is not the only one to read so."""
    count = Counter(map(_seen, labels.values()))
    return {
        id_: label if count[_seen(label)] == 1 else clean_text(f"{label} [{id_}]")
        for id_, label in labels.items()
    }


def _seen(label: str) -> str:
    """Labels that a spreadsheet takes for equal are equal: its look-ups do not tell case apart."""
    return label.strip().casefold()
