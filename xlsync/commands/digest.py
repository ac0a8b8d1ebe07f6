"""The digest: the result of an export or a check as Markdown, for a mail or chat command to send. PURE.

Names from both systems are escaped, so that they read as they are written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from xlsync.amounts import tell_money, tell_number
from xlsync.models import UNLINKED
from xlsync.workbook.contents import Overview, mismatch_cells
from xlsync.workbook.totals import Totals, billed_rows, tell_no_link
from xlsync.xlsx.cells import clean_text

_TOP: Final = 10
_LINKS: Final = 20
_LONGEST: Final = 60
_ZERO: Final = Decimal(0)
# Markup anywhere in a line; @name and #12 of chat programs and GitHub; entities and mathematics.
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|~@#&$])")
# Addresses that programs turn into links.
_LINK: Final = re.compile(r"(?i)(:(?=//)|(?<=\bwww)\.|(?<=mailto):)")
_STARTS: Final = re.compile(r"^([+\-=]|\d+(?=[.)]))")
# Marks that change the direction of text.
_UNSEEN: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def escape(text: str, longest: int = _LONGEST) -> str:
    """Escape a text: one line of at most `longest` characters without markup, mention or link."""
    line = " ".join(_UNSEEN.sub("", clean_text(text)).split())
    if len(line) > longest:
        line = f"{line[: longest - 1].rstrip()}…"
    line = _LINK.sub(r"\\\1", _MARKUP.sub(r"\\\1", line))
    return _STARTS.sub(lambda match: f"\\{match[1]}" if not match[1].isdigit() else f"{match[1]}\\", line)


def make_digest(overview: Overview, totals: Totals, notices: Sequence[str], workbook: str) -> str:
    """Write a month in Markdown: counts, links to make, mismatches with money, the largest, notices."""
    parts = [
        [f"# xlsync {overview.month}: {escape(overview.environment)}"],
        list(_summary(overview, totals, workbook)),
        list(_billed(totals)),
        list(_links(overview)),
        list(_kinds(totals)),
        list(_largest(overview)),
        ["## Notices", "", *(f"- {escape(notice, 500)}" for notice in notices)] if notices else [],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _summary(overview: Overview, totals: Totals, workbook: str) -> Iterator[str]:
    rows = overview.open_mismatches
    ignored = len(overview.findings.mismatches) - len(rows)
    billed = sorted(
        (of_currency.currency, of_currency.lines.amount)
        for of_currency in totals.billed
        if of_currency.lines.lines
    )
    amounts = ", ".join(_money(amount, currency) for currency, amount in billed)
    billed_told = f" ({amounts})" if amounts else ""
    no_link = tell_no_link(totals.no_link)
    yield (
        f"**{totals.lines}** {'line' if totals.lines == 1 else 'lines'} billed{billed_told}, "
        f"**{totals.linked}** linked, "
        f"**{totals.unlinked}** to link{f', {no_link}' if no_link else ''}. "
        f"**{len(rows)}** {'mismatch' if len(rows) == 1 else 'mismatches'}"
        + (f", {ignored} more ignored." if ignored else ".")
    )
    yield ""
    yield escape(totals.verdict.text, 1000)
    yield ""
    yield f"Workbook: {escape(workbook, 300)}"


def _billed(totals: Totals) -> Iterator[str]:
    """Yield the rows of *Where every cent went*, by currency."""
    if totals.billed:
        yield from ("## Where every cent went", "")
        headers = ("", *(escape(billed.currency) for billed in totals.billed))
        rows = [(label, *cells) for label, cells in billed_rows(totals.billed)]
        yield from _table(headers, f"l{'r' * len(totals.billed)}", rows)


def _links(overview: Overview) -> Iterator[str]:
    """Yield the customers and products that have no link that counts."""
    statuses = overview.findings.statuses
    count = Counter(
        (line.customer, line.product, str(statuses[line.key]))
        for line in overview.lines
        if statuses[line.key] in UNLINKED
    )
    if not count:
        return
    yield from ("## Links to make", "")
    rows = sorted(
        count.items(), key=lambda entry: (entry[0][0].casefold(), entry[0][1].casefold(), entry[0][2])
    )
    shown = [(escape(customer), escape(product), str(n), status) for (customer, product, status), n in rows]
    yield from _table(("Customer", "Product", "Lines", "Status"), "llrl", shown[:_LINKS])
    if len(shown) > _LINKS:
        yield from ("", f"… and {len(shown) - _LINKS} more.")


def _kinds(totals: Totals) -> Iterator[str]:
    """Yield the number of rows of each kind of mismatch, with their money in each currency."""
    yield from ("## Mismatches", "")
    rows = [
        (
            str(money.kind),
            str(money.count),
            _money(money.up, money.currency),
            _money(money.down, money.currency),
        )
        for money in totals.money
    ]
    if not rows:
        yield "None."
        return
    yield from _table(("Mismatch", "Rows", "To bill more a month", "To bill less a month"), "lrrr", rows)


def _largest(overview: Overview) -> Iterator[str]:
    """Yield the mismatches with the most money a month."""
    with_money = [
        mismatch for mismatch in overview.open_mismatches if mismatch.impact and not mismatch.not_due
    ]
    with_money.sort(key=lambda mismatch: (-abs(mismatch.impact or _ZERO), mismatch.key))
    if not with_money:
        return
    currencies = overview.currencies
    yield from ("## Most money", "")
    rows = []
    for mismatch in with_money[:_TOP]:
        cells = mismatch_cells(mismatch, overview.labels, {})
        rows.append(
            (
                escape(str(cells["Customer"] or "")),
                escape(str(cells["Product"] or "")),
                str(mismatch.kind),
                _units(mismatch.bss_units),
                _units(mismatch.connectwise_units),
                _money(mismatch.impact or _ZERO, currencies[mismatch.key]),
            )
        )
    headers = ("Customer", "Product", "Mismatch", "BSS units", "ConnectWise units", "A month")
    yield from _table(headers, "lllrrr", rows)


def _units(units: Decimal | None) -> str:
    return "" if units is None else tell_number(units)


def _money(amount: Decimal, currency: str) -> str:
    return tell_money(amount, escape(currency))


def _table(headers: Sequence[str], sides: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headers)} |"
    yield f"|{'|'.join(' ---: ' if side == 'r' else ' --- ' for side in sides)}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
