"""Candidates: the entries of the dropdowns that come nearest to a line's customer or product. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

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
from xlsync.workbook.labels import Labels


def tell_candidates(
    lines: Iterable[BillingLine],
    links: Mapping[str, Link],
    companies: Proposed,
    items: Proposed,
    lists: Lists,
    labels: Labels,
) -> dict[str, str]:
    """Write for each line that waits for a link its nearest dropdown entries, by line key."""
    agreements_of: dict[int, list[Agreement]] = {}
    for agreement in lists.agreements:
        agreements_of.setdefault(agreement.company_id, []).append(agreement)
    texts: dict[str, str] = {}
    for line in lines:
        if not line.is_compared:
            continue
        link = links[line.key]
        if _is_open(link.company):
            text = _join(companies.candidates(line), labels.companies)
        elif link.agreement is None and link.company is not None and isinstance(link.company.to, int):
            text = _join_agreements(line, agreements_of.get(link.company.to, []), labels)
        elif _is_open(link.item):
            text = _join(items.candidates(line), labels.items)
        else:
            continue
        if text:
            texts[line.key] = text
    return texts


def _is_open(part: Choice | None) -> bool:
    return part is None or part.evidence is Evidence.SUGGESTED


def _join(candidates: Iterable[Candidate], labels: Mapping[int, str]) -> str:
    named = sorted(((-one.score, labels[one.id]) for one in candidates), key=_by_score_and_name)
    return " · ".join(f"{label} {-score}" for score, label in named)


def _by_score_and_name(entry: tuple[int, str]) -> tuple[int, str]:
    return entry[0], entry[1].casefold()


def _join_agreements(line: BillingLine, agreements: Sequence[Agreement], labels: Labels) -> str:
    """Write a customer's agreements, those with the line's billing period first."""
    ordered = sorted(
        agreements,
        key=lambda one: (
            one.billing_months != line.billing_months,
            labels.agreements[one.id].casefold(),
            one.id,
        ),
    )
    return " · ".join(labels.agreements[one.id] for one in ordered[:MOST])


def with_evidence(
    mismatches: Iterable[Mismatch],
    lines: Iterable[BillingLine],
    links: Mapping[str, Link],
    lists: Lists,
    labels: Labels,
    places: Mapping[str, Place],
) -> tuple[Mismatch, ...]:
    """Add to the rows *Not linked* why their links are suggested; `places` are by customer key."""
    line_of = {line.key: line for line in lines}
    companies = {company.id: company for company in lists.companies}
    items = {item.id: item for item in lists.items}

    def reasons(line: BillingLine) -> Iterator[str]:
        company, item = links[line.key].company, links[line.key].item
        if company is not None and company.score is not None and isinstance(company.to, int):
            place = places.get(line.customer_key, Place())
            why = tell_company_evidence(line.customer, companies[company.to], place)
            yield f"{labels.companies[company.to]} is suggested ({company.score} %): {why}."
        if item is not None and item.score is not None and isinstance(item.to, int):
            why = tell_item_evidence(line, items[item.to])
            yield f"{labels.items[item.to]} is suggested ({item.score} %): {why}."

    def explained(mismatch: Mismatch) -> Mismatch:
        if mismatch.kind is not MismatchKind.NOT_LINKED:
            return mismatch
        all_reasons = dict.fromkeys(reason for key in mismatch.line_keys for reason in reasons(line_of[key]))
        return replace(mismatch, explanation=" ".join((mismatch.explanation, *all_reasons)))

    return tuple(map(explained, mismatches))


def with_looks_like(
    proposals: Iterable[Proposal],
    lines: Sequence[BillingLine],
    links: Mapping[str, Link],
    companies: Proposed,
    items: Proposed,
    lists: Lists,
    labels: Labels,
) -> tuple[Proposal, ...]:
    """Add to each proposal the nearest existing record and its score."""
    first: dict[str, BillingLine] = {}
    for line in sorted(lines, key=lambda line: line.key):
        for key in (new_customer_key(line), new_agreement_key(line), new_product_key(line)):
            first.setdefault(key, line)

    def looks_like(row: Proposal) -> str:
        line = first[row.key]
        match row.kind:
            case CreationKind.CUSTOMER:
                return _join(_nearly_the_same(companies.candidates(line)), labels.companies)
            case CreationKind.PRODUCT:
                return _join(_nearly_the_same(items.candidates(line)), labels.items)
            case CreationKind.AGREEMENT:
                company = links[line.key].company
                own = {
                    agreement.id: agreement.name
                    for agreement in lists.agreements
                    if company is not None and agreement.company_id == company.to
                }
                near = NameIndex(own, company_words, numbers_in).nearest(row.name) if own else []
                return _join(_nearly_the_same(near), labels.agreements)

    return tuple(replace(row, looks_like=looks_like(row)) for row in proposals)


def _nearly_the_same(candidates: Iterable[Candidate]) -> list[Candidate]:
    return [one for one in candidates if one.likeness >= LOWEST_SUGGESTED and not one.is_barred]
