"""The digest: Markdown with the month in it, in which no name is markup and nothing is secret."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.helpers.desk import Desk
from xlsync.commands.digest import escape

_ASCII_MARK = re.compile(r"\\([!-/:-@\[-`{-~])")  # CommonMark: a backslash before ASCII punctuation


def shown(markdown: str) -> str:
    """What a reader sees of escaped text."""
    return _ASCII_MARK.sub(r"\1", markdown)


def bare(markdown: str) -> str:
    """The text with a blank for what is escaped: what stood apart stays apart."""
    return _ASCII_MARK.sub(" ", markdown)


@given(st.text(max_size=60))
def test_escaped_text_reads_as_it_was(text: str) -> None:
    read = shown(escape(text))
    kept = "".join(c if c.isprintable() or c.isspace() else "" for c in text)
    letters = [c for c in kept if c.isalnum()]
    assert [c for c in read if c.isalnum()] == letters


@given(st.lists(st.sampled_from([*"`*_[]<>|~@#&$\\ab1.\n\r\t +-=:/w", "http://"]), max_size=40).map("".join))
@example(":`//")
def test_nothing_in_escaped_text_is_markup(text: str) -> None:
    markdown = escape(text)
    assert not set(bare(markdown)) & set("`*_[]<>|~@#&$\n\r\t")
    assert "://" not in bare(markdown)
    assert not re.match(r"[+\-=]|\d+[.)]", markdown)


@pytest.mark.parametrize(
    ("name", "markdown"),
    [
        ("a|b", r"a\|b"),
        ("@everyone", r"\@everyone"),
        ("see #12", r"see \#12"),
        ("<script>", r"\<script\>"),
        ("![x](http://evil)", r"!\[x\](http\://evil)"),
        ("www.evil.example", r"www\.evil.example"),
        ("1. first", r"1\. first"),
        ("- item", r"\- item"),
        ("two\nlines", "two lines"),
        ("right\u202eleft", "rightleft"),
        ("bell\x07 \ud800", "bell\ufffd \ufffd"),
        ("Café Ω 日本", "Café Ω 日本"),
        ("x" * 70, "x" * 59 + "…"),
    ],
)
def test_names_are_escaped(name: str, markdown: str) -> None:
    assert escape(name) == markdown


# By the real commands


def digest(desk: Desk, *words: str) -> str:
    ran = desk.run("export", "--month", "2026-10", "--output", "d.xlsx", "--digest", *words)
    assert ran.code == 0, ran.err
    assert "Workbook: " not in ran.err  # a scheduler would send the same once more
    return ran.out


def table(markdown: str, heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its header."""
    part = markdown.split(f"## {heading}\n")[1].split("\n## ", maxsplit=1)[0]
    rows = [row for row in part.splitlines() if row.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[2:]]


def test_the_digest_counts_as_the_json_does(desk: Desk) -> None:
    markdown = digest(desk)
    facts = desk.check().json
    rows = {kind: int(count) for kind, count, *_ in table(markdown, "Mismatches")}
    assert rows == {kind: count for kind, count in facts["mismatches"].items() if count}
    assert f"**{facts['lines']}** lines" in markdown
    assert f"**{facts['linked']}** linked, **{facts['unlinked']}** to link" in markdown
    links = table(markdown, "Links to make")
    assert sum(int(count) for _, _, count, _ in links) == facts["unlinked"]


def test_the_ten_with_most_money_stand_in_their_order(desk: Desk) -> None:
    money = [Decimal(row[-1].split()[0].replace(",", "")) for row in table(digest(desk), "Most money")]
    assert len(money) == 10
    assert [abs(amount) for amount in money] == sorted(map(abs, money), reverse=True)


def test_hostile_names_do_not_break_the_tables(desk: Desk) -> None:
    name = "| evil | <b> @all\n# [x](https://evil.example)"
    for company in desk.sandbox.connectwise.companies.values():
        company["name"] = f"{name} {company['id']}"
    for item in desk.sandbox.connectwise.catalog.values():
        item["description"] = f"`{name}` {item['id']}"
    markdown = digest(desk, "--refresh")
    assert {len(row) for row in table(markdown, "Most money")} == {6}
    assert not re.search(r"(?<!\\)[<@]|https://", markdown)
    assert markdown.count("\n# ") == 0


def test_a_digest_holds_no_secret(desk: Desk) -> None:
    markdown = digest(desk)
    for name, value in desk.sandbox.environ.items():
        if re.search("SECRET|PASSWORD|KEY|CLIENT", name):
            assert value not in markdown


def test_check_tells_its_digest_too_with_its_notices(desk: Desk) -> None:
    with desk.editing() as hand:
        row = next(iter(hand.rows("Mismatches")))
        hand.set("Mismatches", row, {"Customer": "altered"})
    ran = desk.run("check", str(desk.file), "--digest")
    assert ran.code == 0
    assert ran.out.startswith("# xlsync 2026-10: ")
    assert "## Notices\n\n- Mismatches!" in ran.out


def test_what_is_ignored_is_counted_apart(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set("Mismatches", "units:69", {"Action": "Ignore"})
    before = table(digest(desk), "Mismatches")
    markdown = desk.run("check", str(desk.file), "--digest").out
    rows = {kind: int(count) for kind, count, *_ in table(markdown, "Mismatches")}
    assert rows["Units differ"] == int({r[0]: r[1] for r in before}["Units differ"]) - 1
    assert "1 more ignored" in markdown


def test_standard_output_holds_one_thing(desk: Desk) -> None:
    for command in (["export", "--month", "2026-10"], ["check", str(desk.file)]):
        assert desk.run(*command, "--digest", "--json").code == 2
