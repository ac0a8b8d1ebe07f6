"""Evidence: why a name is suggested, in words. PURE."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from xlsync.links.names import Place, company_words, words
from xlsync.links.products import read_microsoft_id, read_product_name
from xlsync.models import BillingLine, CatalogItem, Company
from xlsync.records import replace


def tell_company_evidence(customer: str, company: Company, place: Place, *, is_shared: bool = False) -> str:
    """Say what a customer and the company that is suggested for it have in common.

    `is_shared` tells that another account of the BSS has the name too.
    """
    common = [_tell_shared(_shared_words(company_words(customer), company.name))]
    if Place(post_code=place.post_code).is_also("", company.post_code):
        common.append("same post code")
    elif Place(town=place.town).is_also(company.town, ""):
        common.append("same town")
    if is_shared:
        common.append("but another account of the distributor's has that name too")
    return ", ".join(common)


def tell_item_evidence(line: BillingLine, item: CatalogItem) -> str:
    """Say what a line's product and the catalog item that is suggested for it have in common."""
    own, other = read_product_name(line.product), read_product_name(item.description or item.identifier)
    common = [_tell_shared([" ".join(word for word in other.words if word in own.words)])]
    wanted = own.term or line.commitment_months
    microsoft = read_microsoft_id(line.product_code)
    ids = list(filter(None, map(read_microsoft_id, (item.identifier, *item.codes))))
    if microsoft is not None and ids:
        is_same = any(not id_.contradicts(replace(microsoft, term=None)) for id_ in ids)
        common.append("same Microsoft id" if is_same else "another Microsoft id")
    terms = {id_.term for id_ in ids if id_.term is not None} or {other.term} - {None}
    if terms and wanted is not None:
        common.append("same term" if wanted in terms else "another term")
    return ", ".join(common)


def _shared_words(wanted: Iterable[str], name: str) -> list[str]:
    """Find the words of a name that are among those wanted, as it writes them, neighbours together."""
    known = set(wanted)

    def is_shared(word: str) -> bool:
        plain = words(word)
        return bool(plain) and known.issuperset(plain)

    return [" ".join(run) for shared, run in groupby(name.split(), key=is_shared) if shared]


def _tell_shared(runs: Iterable[str]) -> str:
    quoted = " and ".join(f'"{run.strip(",.;")}"' for run in runs if run)
    return f"shares {quoted}" if quoted else "spelled nearly alike"
