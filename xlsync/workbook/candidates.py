"""Candidates: the entries of the dropdowns that come nearest to a line's customer or product. PURE."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from xlsync.links.evidence import tell_company_evidence, tell_item_evidence
from xlsync.links.names import Place, company_words
from xlsync.links.proposed import LOWEST_SUGGESTED, Proposed
from xlsync.links.suggestions import MOST, Candidate, NameIndex, numbers_in
from xlsync.models import Agreement, BillingLine, Choice, Evidence, Link, Lists, Mismatch, MismatchKind
from xlsync.reconcile.proposals import (
    CreationKind,
    Proposal,
    new_agreement_key,
    new_customer_key,
    new_product_key,
)
from xlsync.records import replace
from xlsync.workbook.contents import Nearest
from xlsync.workbook.labels import Labels


def tell_candidates(
    lines: Iterable[BillingLine],
    links: Mapping[str, Link],
    companies: Proposed,
    items: Proposed,
    lists: Lists,
    labels: Labels,
    places: Mapping[str, Place],
) -> dict[str, Nearest]:
    """Write for each line that waits for a link its nearest dropdown entries and why they are near.

    The result is by line key; `places` are by customer key.
    """
    search = _NearestEntries(companies, items, lists, labels, places)
    known: dict[tuple[object, ...], Nearest] = {}  # many lines have the same few customers and products
    nearest: dict[str, Nearest] = {}
    for line in lines:
        if not line.is_compared:
            continue
        link = links[line.key]
        key: tuple[object, ...]
        if _is_open(link.company):
            key, describe = (line.customer_key, line.customer), search.companies
        elif link.agreement is None and link.company is not None and isinstance(link.company.to, int):
            key = (link.company.to, line.billing_months)
            describe = partial(search.agreements, company=link.company.to)
        elif _is_open(link.item):
            key = (line.product_key, line.product, line.product_code, line.commitment_months)
            describe = search.items
        else:
            continue
        if key not in known:
            known[key] = describe(line)
        if known[key].candidates:
            nearest[line.key] = known[key]
    return nearest


class _NearestEntries:
    """The search for the dropdown entries that come nearest to a line's customer or product."""

    def __init__(
        self,
        companies: Proposed,
        items: Proposed,
        lists: Lists,
        labels: Labels,
        places: Mapping[str, Place],
    ) -> None:
        self._companies, self._items, self._labels, self._places = companies, items, labels, places
        self._company_of = {company.id: company for company in lists.companies}
        self._item_of = {item.id: item for item in lists.items}
        self._agreements_of: dict[int, list[Agreement]] = {}
        for agreement in lists.agreements:
            self._agreements_of.setdefault(agreement.company_id, []).append(agreement)

    def companies(self, line: BillingLine) -> Nearest:
        """Describe the companies nearest to a line's customer."""
        place = self._places.get(line.customer_key, Place())
        rival = self._companies.rivals.get(line.customer_key)
        return _describe(
            self._companies.candidates(line),
            self._labels.companies,
            lambda id_: tell_company_evidence(
                line.customer, self._company_of[id_], place, is_shared=rival == id_
            ),
        )

    def agreements(self, line: BillingLine, company: int) -> Nearest:
        """Describe a company's agreements, those with the line's billing period first."""
        labels = self._labels.agreements
        ordered = sorted(
            self._agreements_of.get(company, []),
            key=lambda agreement: (
                agreement.billing_months != line.billing_months,
                labels[agreement.id].casefold(),
                agreement.id,
            ),
        )
        names = [labels[agreement.id] for agreement in ordered[:MOST]]
        same = [
            f"{name}: same billing period"
            for name, agreement in zip(names, ordered, strict=False)
            if line.billing_months is not None and agreement.billing_months == line.billing_months
        ]
        return Nearest(" · ".join(names), " · ".join(same))

    def items(self, line: BillingLine) -> Nearest:
        """Describe the catalog items nearest to a line's product."""
        return _describe(
            self._items.candidates(line),
            self._labels.items,
            lambda id_: tell_item_evidence(line, self._item_of[id_]),
        )


def _is_open(part: Choice | None) -> bool:
    return part is None or part.evidence is Evidence.SUGGESTED


def _describe(
    candidates: Iterable[Candidate], labels: Mapping[int, str], tell_evidence: Callable[[int], str]
) -> Nearest:
    """Write candidates with their scores, and the evidence for each."""
    ordered = _in_order(candidates, labels)
    return Nearest(
        _join_labels(ordered, labels),
        " · ".join(f"{labels[candidate.id]}: {tell_evidence(candidate.id)}" for candidate in ordered),
    )


def _in_order(candidates: Iterable[Candidate], labels: Mapping[int, str]) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: (-candidate.score, labels[candidate.id].casefold()))


def _join_labels(candidates: Iterable[Candidate], labels: Mapping[int, str]) -> str:
    return " · ".join(
        f"{labels[candidate.id]} {candidate.score}" for candidate in _in_order(candidates, labels)
    )


def with_evidence(
    mismatches: Iterable[Mismatch],
    lines: Iterable[BillingLine],
    links: Mapping[str, Link],
    lists: Lists,
    labels: Labels,
    places: Mapping[str, Place],
    rivals: Mapping[str, int],
) -> tuple[Mismatch, ...]:
    """Add to the rows *Not linked* why their links are suggested.

    `places`, and the companies of `rivals`, are by customer key.
    """
    line_of = {line.key: line for line in lines}
    companies = {company.id: company for company in lists.companies}
    items = {item.id: item for item in lists.items}

    def reasons(line: BillingLine) -> Iterator[str]:
        company, item = links[line.key].company, links[line.key].item
        if company is not None and company.score is not None and isinstance(company.to, int):
            place = places.get(line.customer_key, Place())
            is_shared = rivals.get(line.customer_key) == company.to
            why = tell_company_evidence(line.customer, companies[company.to], place, is_shared=is_shared)
            yield f"{labels.companies[company.to]} is suggested ({company.score}%): {why}."
        if item is not None and item.score is not None and isinstance(item.to, int):
            why = tell_item_evidence(line, items[item.to])
            yield f"{labels.items[item.to]} is suggested ({item.score}%): {why}."

    def explained(mismatch: Mismatch) -> Mismatch:
        if mismatch.kind is not MismatchKind.NOT_LINKED:
            return mismatch
        all_reasons = dict.fromkeys(reason for key in mismatch.line_keys for reason in reasons(line_of[key]))
        return replace(mismatch, explanation=" ".join((mismatch.explanation, *all_reasons)))

    return tuple(map(explained, mismatches))


def with_looks_like(
    proposals: Sequence[Proposal],
    lines: Sequence[BillingLine],
    links: Mapping[str, Link],
    companies: Proposed,
    items: Proposed,
    lists: Lists,
    labels: Labels,
) -> tuple[Proposal, ...]:
    """Add to each proposal the nearest existing record and its score."""
    first: dict[str, BillingLine] = {}
    for line in sorted(lines, key=lambda line: line.key) if proposals else ():
        for key in (new_customer_key(line), new_agreement_key(line), new_product_key(line)):
            first.setdefault(key, line)

    def looks_like(row: Proposal) -> str:
        line = first[row.key]
        match row.kind:
            case CreationKind.CUSTOMER:
                return _join_labels(_nearly_the_same(companies.candidates(line)), labels.companies)
            case CreationKind.PRODUCT:
                return _join_labels(_nearly_the_same(items.candidates(line)), labels.items)
            case CreationKind.AGREEMENT:
                company = links[line.key].company
                own = {
                    agreement.id: agreement.name
                    for agreement in lists.agreements
                    if company is not None and agreement.company_id == company.to
                }
                near = NameIndex(own, company_words, numbers_in).nearest(row.name) if own else []
                return _join_labels(_nearly_the_same(near), labels.agreements)

    return tuple(replace(row, looks_like=looks_like(row)) for row in proposals)


def _nearly_the_same(candidates: Iterable[Candidate]) -> list[Candidate]:
    return [
        candidate
        for candidate in candidates
        if candidate.likeness >= LOWEST_SUGGESTED and not candidate.is_barred
    ]
