"""Pairs of names of one company as two public lists write it, joined on the ticker."""

from __future__ import annotations

import random
import re
import unicodedata
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.parquet
from pytickersymbols.indices_data import INDICES

CUSTOMERS = 150
WITHOUT = 0.15  # of the customers have no company
COMPANIES = 800
_SHORT_FORMS = {
    "inc", "corp", "co", "ltd", "llc", "plc", "lp", "sa", "ag", "nv", "se", "limited", "incorporated",
    "corporation", "company", "gmbh", "bv", "ab", "spa",
}  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """A customer's name, and the id and name of its company."""

    customer: str
    company_id: int
    company: str


@dataclass(frozen=True)
class Draw:
    """Customers and companies of the size of an MSP; `right` is absent where a customer has no company."""

    customers: tuple[str, ...]
    companies: dict[int, str]
    right: dict[str, int]


def listed() -> dict[int, tuple[str, frozenset[str]]]:
    """The SEC's companies with their tickers."""
    spec = find_spec("edgar")  # the package itself is not imported: it would want all it depends on
    if spec is None or spec.origin is None:
        raise SystemExit("edgartools is not installed: pip install --no-deps edgartools==5.62.1")
    file = Path(spec.origin).parent / "reference" / "data" / "company_tickers.parquet"
    names: dict[int, str] = {}
    tickers: dict[int, set[str]] = {}
    for row in pyarrow.parquet.read_table(file).to_pylist():
        id_ = int(row["cik"])
        names[id_] = row["name"]
        tickers.setdefault(id_, set()).add(row["ticker"].upper())
    return {id_: (name, frozenset(tickers[id_])) for id_, name in names.items()}


def pairs(companies: dict[int, tuple[str, frozenset[str]]]) -> list[Pair]:
    """One pair for each company that both lists know; names without a common word are reused tickers."""
    by_ticker = {ticker: id_ for id_, (_, tickers) in companies.items() for ticker in tickers}
    found: dict[int, Pair] = {}
    members: list[dict[str, Any]] = [member for index in INDICES.values() for member in index["companies"]]
    for member in members:
        id_ = by_ticker.get(member.get("symbol", "").upper().replace(".", "-"))
        if id_ is not None and id_ not in found and share_a_word(member["name"], companies[id_][0]):
            found[id_] = Pair(member["name"], id_, companies[id_][0])
    taken: set[str] = set()
    return [
        pair
        for _, pair in sorted(found.items())
        if not (pair.customer in taken or taken.add(pair.customer))  # type: ignore[func-returns-value]
    ]


def draw(seed: int, known: list[Pair], companies: dict[int, tuple[str, frozenset[str]]]) -> Draw:
    """Customers, some without a company, and companies, most of them nobody's."""
    chance = random.Random(seed)  # noqa: S311
    chosen = chance.sample(known, CUSTOMERS)
    without = int(CUSTOMERS * WITHOUT)
    absent = {pair.company_id for pair in chosen[:without]}
    present = {pair.company_id: pair.company for pair in chosen[without:]}
    others = [id_ for id_ in sorted(companies) if id_ not in present and id_ not in absent]
    offered = present | {id_: companies[id_][0] for id_ in chance.sample(others, COMPANIES - len(present))}
    return Draw(
        tuple(pair.customer for pair in chosen),
        offered,
        {pair.customer: pair.company_id for pair in chosen[without:]},
    )


def plain_words(name: str) -> list[str]:
    """The words of a name after the simple fold: case, accents, punctuation."""
    text = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return re.findall(r"[a-z0-9]+", text.replace("'", "").replace(".", ""))


def simple_fold(name: str) -> str:
    """A name without case, accents, punctuation, spaces and short company forms at its end."""
    plain = plain_words(name)
    while len(plain) > 1 and plain[-1] in _SHORT_FORMS:
        plain = plain[:-1]
    return "".join(plain)


def share_a_word(one: str, other: str) -> bool:
    """Whether two names have a word in common."""
    return not set(plain_words(one)).isdisjoint(plain_words(other))
