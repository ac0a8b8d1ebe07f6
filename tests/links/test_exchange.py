"""Remembered links as CSV tables for colleagues."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.link_stores import SITE, SLOW, remember, take_in
from xlsync.errors import XlsyncError
from xlsync.links.exchange import HEADERS, Shared, read_csv, write_csv
from xlsync.links.memory import Memory, Names, PeriodAgreement, Remembered
from xlsync.links.store import Links
from xlsync.models import Evidence
from xlsync.reconcile.rules import Rule, RuleKind, Scope
from xlsync.records import replace


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_cells_that_excel_would_compute_are_text(links: Links, tmp_path: Path) -> None:
    hostile = ["=1+1", "+1", "-1", "@SUM(A1)", "'quoted", "\t=1"]
    for number, name in enumerate(hostile, 1):
        remember(
            links,
            Memory(customers={f"bss:{number}": Remembered(company_id=1, names=Names(customer=name))}),
        )
    write_csv(tmp_path / "links.csv", SITE, Shared(links.list()))
    header, *body = rows(tmp_path / "links.csv")
    assert tuple(header) == HEADERS
    assert [row[header.index("Customer")] for row in body] == [f"'{name}" for name in hostile]


def write_rows(path: Path, *rows: dict[str, str], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADERS, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def row(**cells: str) -> dict[str, str]:
    usual = {"Environment": SITE, "For": "customer", "Key": "bss:42", "ConnectWise Customer Id": "1"}
    return usual | {name.replace("_", " "): text for name, text in cells.items()}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_saved_with_another_separator_is_read(links: Links, tmp_path: Path, delimiter: str) -> None:
    path = write_rows(tmp_path / "l.csv", row(Customer="A, B; C"), delimiter=delimiter)
    assert [one.key for one in take_in(links, path).added] == ["bss:42"]
    assert links.memory().customers["bss:42"] == Remembered(company_id=1, names=Names(customer="A, B; C"))


def test_conflicts_are_named_and_only_overwritten_when_asked(links: Links, tmp_path: Path) -> None:
    remember(
        links, Memory(customers={"bss:42": Remembered(company_id=1), "bss:43": Remembered(company_id=5)})
    )
    path = write_rows(
        tmp_path / "l.csv",
        row(ConnectWise_Customer_Id="2"),
        row(Key="bss:43", ConnectWise_Customer_Id="5"),
        row(Key="bss:44"),
    )
    imported = take_in(links, path)
    assert [one.key for one in imported.added] == ["bss:44"]
    assert [one.key for one in imported.unchanged] == ["bss:43"]
    assert [(one.remembered.link.ids, one.imported.link.ids) for one in imported.conflicts] == [
        ((1, None, None), (2, None, None))
    ]
    assert links.memory().customers["bss:42"].company_id == 1
    imported = take_in(links, path, overwrite=True)
    assert (len(imported.replaced), imported.conflicts) == (1, ())
    assert links.memory().customers["bss:42"].company_id == 2


def test_every_bad_row_is_named_at_once_with_its_line_and_nothing_is_imported(
    links: Links, tmp_path: Path
) -> None:
    path = write_rows(
        tmp_path / "l.csv",
        row(Key="bss:1", Customer="two\nlines"),
        row(Key="", For="company"),
        row(Environment="elsewhere"),
        row(Key="bss:4", ConnectWise_Customer_Id="1.0"),
        row(Key="bss:5", ConnectWise_Customer_Id=""),
        row(Key="bss:6", ConnectWise_Product_Id="3"),
        row(Key="bss:7", Match="perhaps", When="2026-10-31"),
        row(Key="bss:1", ConnectWise_Customer_Id="2"),
        {},
        row(Key="bss:8", When="soon"),
        row(Key="bss:9", ConnectWise_Agreement_Id="none"),
    )
    with pytest.raises(XlsyncError) as refused:
        take_in(links, path)
    no_offset = "When is “2026-10-31”, without an offset such as +02:00"
    assert refused.value.message.splitlines() == [
        "l.csv cannot be imported; nothing was.",
        "line 4: For is “company”, not contract, customer, product; Key is empty",
        f"line 5: it belongs to elsewhere, not to {SITE}",
        "line 6: ConnectWise Customer Id is “1.0”, not a whole number",
        "line 7: it has no ConnectWise id",
        "line 8: a customer cannot be linked to that",
        f"line 9: Match is “perhaps”, not {', '.join(Evidence)}; {no_offset}",
        "line 10: customer bss:1 stands in the file before, with other ids",
        "line 12: When is “soon”, not like 2026-10-31T09:30:00+02:00",
        "line 13: only a contract can have none for an id",
    ]
    assert links.list() == ()


RULES = st.builds(
    Rule,
    kind=st.sampled_from(RuleKind),
    scope=st.sampled_from([Scope.CONTRACT, Scope.PRODUCT, Scope.CUSTOMER]),
    about=st.text(min_size=1, max_size=20),
    reason=st.text(max_size=20),
    until=st.none() | st.dates(),
    when=st.sampled_from(["", "2026-11-02T09:30:00+02:00"]),
    workbook=st.text(max_size=20),
).map(lambda r: r if r.kind is RuleKind.IGNORE else replace(r, units=Decimal("2.5")))


@SLOW
@given(st.lists(RULES, max_size=5, unique_by=lambda rule: rule.key))
def test_any_rule_comes_back_as_it_was_from_a_table(
    tmp_path_factory: pytest.TempPathFactory, rules: list[Rule]
) -> None:
    path = tmp_path_factory.mktemp("rules") / "l.csv"
    write_csv(path, SITE, Shared((), tuple(rules)))
    assert read_csv(path, SITE) == Shared((), tuple(rules))


def rule_row(**cells: str) -> dict[str, str]:
    usual = {"Environment": SITE, "For": "contract", "Key": "S1", "Rule": "free", "Units": "2"}
    return usual | {name.replace("_", " "): text for name, text in cells.items()}


@pytest.mark.parametrize("until", ["2026-12-31", "31.12.2026", "12/31/2026", "31-Dec-26"])
def test_a_rule_as_excel_saved_it_in_another_country_is_read(tmp_path: Path, until: str) -> None:
    path = write_rows(tmp_path / "l.csv", rule_row(Units="2,5", Until=until), delimiter=";")
    (rule,) = read_csv(path, SITE).rules
    assert (rule.units, rule.until) == (Decimal("2.5"), dt.date(2026, 12, 31))


def test_every_bad_rule_is_named_with_the_bad_links_and_nothing_is_imported(tmp_path: Path) -> None:
    path = write_rows(
        tmp_path / "l.csv",
        rule_row(For="row"),
        rule_row(Units="0"),
        rule_row(Units="٣", Until="1/2/2027"),
        rule_row(Units="1,000"),
        rule_row(Rule="ignore"),
        rule_row(Rule="pause", Key=""),
        rule_row(Environment="elsewhere", When="2026-10-31"),
        row(Key="bss:4", ConnectWise_Customer_Id="1.0"),
        rule_row(Until="31/31/2026"),
        rule_row(),
        rule_row(Units="3"),
    )
    with pytest.raises(XlsyncError) as refused:
        read_csv(path, SITE)
    no_offset = "When is “2026-10-31”, without an offset such as +02:00"
    assert refused.value.message.splitlines() == [
        "l.csv cannot be imported; nothing was.",
        "line 2: For is “row”, not contract, product, customer",
        "line 3: Units is “0”, not a number above 0",
        "line 4: Units is “٣”, not a number above 0; Until is “1/2/2027”, not a day such as 2026-12-31",
        "line 5: Units is “1,000”, which may be thousands: write 1000, or a point",
        "line 6: Units is “2”, and ignore takes none",
        "line 7: Key is empty; Rule is “pause”, not ignore, free, minimum",
        f"line 8: it belongs to elsewhere, not to {SITE}; {no_offset}",
        "line 9: ConnectWise Customer Id is “1.0”, not a whole number",
        "line 10: Until is “31/31/2026”, not a day such as 2026-12-31",
        "line 12: free S1 stands in the file before, otherwise",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no column Environment, For"),
        (b"Key;For\n", "has no column Environment, Customer"),
        (
            ";".join([*HEADERS, "ConnectWise Customer Id"]).encode(),
            "has the column ConnectWise Customer Id twice",
        ),
        (b"\xff\xfe\x00", "is not a CSV file in UTF-8"),
        (",".join(HEADERS).encode() + b'\n"open', "is not a CSV file in UTF-8"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(
    links: Links, tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "l.csv").write_bytes(content)
    with pytest.raises(XlsyncError, match=message):
        take_in(links, tmp_path / "l.csv")


def test_a_missing_file_is_told(links: Links, tmp_path: Path) -> None:
    with pytest.raises(XlsyncError, match="cannot be read"):
        take_in(links, tmp_path / "none.csv")


def test_the_agreements_of_billing_periods_come_back_from_a_table(links: Links, tmp_path: Path) -> None:
    by_period = (PeriodAgreement(1, 10, "Cloud\nServices"), PeriodAgreement(12, 11, "=Yearly: 12"))
    remember(links, Memory(customers={"bss:42": Remembered(company_id=1, by_period=by_period)}))
    write_csv(tmp_path / "links.csv", SITE, Shared(links.list()))
    (one,) = read_csv(tmp_path / "links.csv", SITE).links
    assert one.link.by_period == (
        PeriodAgreement(1, 10, "Cloud Services"),
        PeriodAgreement(12, 11, "=Yearly: 12"),
    )
    assert str(one) == "customer 42 → 1, Cloud Services (Monthly), =Yearly: 12 (Annual)"


@pytest.mark.parametrize("text", ["12", "12: x", "0: 5 A", "monthly: 5"])
def test_an_agreement_of_no_clear_billing_period_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    path = write_rows(tmp_path / "l.csv", row(Agreements_by_Months_Billed=text))
    with pytest.raises(XlsyncError, match="line 2: Agreements by Months Billed is"):
        read_csv(path, SITE)


def test_two_rows_of_one_customer_with_other_agreements_are_told(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "l.csv", row(), row(Agreements_by_Months_Billed="12: 5 A"))
    with pytest.raises(XlsyncError, match="stands in the file before"):
        read_csv(path, SITE)


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "PK\x03\x04", "Environment,Key\n"])
def test_a_file_that_is_none_of_links_is_never_written_over(tmp_path: Path, content: str) -> None:
    path = tmp_path / "accounts.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(XlsyncError, match="no file of links"):
        write_csv(path, SITE, Shared((), ()))
    assert path.read_text(encoding="utf-8") == content


def test_a_file_of_links_is_renewed_also_as_another_list_separator_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    write_csv(path, SITE, Shared((), ()))
    plain = path.read_bytes()
    path.write_bytes(plain.replace(b",", b";"))
    write_csv(path, SITE, Shared((), ()))
    assert path.read_bytes() == plain
