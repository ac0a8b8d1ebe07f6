from __future__ import annotations

import contextlib
import csv
import datetime as dt
import os
import pickle
import sqlite3
import stat
import subprocess
import sys
import textwrap
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlsync.errors import XlsyncError
from xlsync.links.exchange import HEADERS, Shared, read_csv, write_csv
from xlsync.links.memory import Memory, Names, Remembered, RememberedLink
from xlsync.links.store import FORMAT, Links
from xlsync.links.team import Imported
from xlsync.models import Evidence
from xlsync.reconcile.rules import Rule, RuleKind, Scope
from xlsync.store import NotJsonError, open_cache, open_store

OCTOBER = dt.datetime(2026, 11, 2, 9, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))
NOVEMBER = OCTOBER + dt.timedelta(days=30)
SITE = "https://api-eu.myconnectwise.net example"


@pytest.fixture
def links(tmp_path: Path) -> Any:
    with Links(tmp_path, SITE) as opened:
        yield opened


def contoso(company: int | None = 1, agreement: int | None = None, **more: Any) -> Memory:
    entry = Remembered(company_id=company, agreement_id=agreement, names=Names(customer="Contoso"), **more)
    return Memory(customers={"bss:42": entry})


def remember(links: Links, memory: Memory, when: dt.datetime = OCTOBER, workbook: str = "a.xlsx") -> int:
    return links.remember(memory, when=when, workbook=workbook)


def tamper(folder: Path, sql: str, *values: object) -> list[Any]:
    """Do to a store's file what someone else's program may do."""
    with contextlib.closing(sqlite3.connect(folder / "cache.db", isolation_level=None)) as database:
        return database.execute(sql, values).fetchall()


# Keeping


def test_what_is_remembered_is_there_when_opened_again(tmp_path: Path) -> None:
    memory = Memory(
        contracts={"bss:S-1": Remembered(item_id=3, for_product="bss:K|Monthly|", evidence=Evidence.EXACT)},
        customers={"bss:42": Remembered(company_id=1, agreement_id=2, evidence=Evidence.CONFIRMED)},
        products={"bss:K|Monthly|": Remembered(item_id=4, evidence=Evidence.MARKED)},
    )
    with Links(tmp_path, SITE) as links:
        assert remember(links, memory) == 3
    with Links(tmp_path, SITE) as links:
        kept = links.memory()
    assert kept.customers["bss:42"] == replace(memory.customers["bss:42"], when=OCTOBER, workbook="a.xlsx")
    assert kept.contracts["bss:S-1"].for_product == "bss:K|Monthly|"
    assert kept.products["bss:K|Monthly|"].evidence is Evidence.MARKED


TEXTS = st.text(st.characters(), max_size=20)
IDS = st.integers(1, 10**9)
ENTRIES = st.builds(
    Remembered,
    item_id=IDS,
    evidence=st.sampled_from(Evidence),
    names=st.builds(Names, customer=TEXTS, product=TEXTS, contract=TEXTS, item=TEXTS),
)
MEMORIES = st.builds(
    Memory,
    contracts=st.dictionaries(TEXTS.map("bss:{}".format), ENTRIES, max_size=3),
    products=st.dictionaries(TEXTS.map("report:{}".format), ENTRIES, max_size=3),
)


def take_in(links: Links, path: Path, *, overwrite: bool = False) -> Imported[RememberedLink]:
    return links.take_in(read_csv(path, SITE).links, overwrite=overwrite)


SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(MEMORIES, st.text(max_size=20))
def test_any_text_comes_back_as_it_was_from_the_store_and_from_a_table(
    tmp_path_factory: pytest.TempPathFactory, memory: Memory, workbook: str
) -> None:
    folder = tmp_path_factory.mktemp("links")
    with Links(folder / "one", SITE) as links, Links(folder / "two", SITE) as other:
        remember(links, memory, workbook=workbook)
        kept = links.memory()
        assert {key: one.ids for key, one in kept.contracts.items()} == {
            key: one.ids for key, one in memory.contracts.items()
        }
        assert {key: one.names for key, one in kept.products.items()} == {
            key: one.names for key, one in memory.products.items()
        }
        write_csv(folder / "links.csv", SITE, Shared(links.list()))
        take_in(other, folder / "links.csv")
        assert other.list() == links.list()


def test_an_unchanged_link_keeps_its_date_and_takes_newer_names(links: Links) -> None:
    remember(links, contoso())
    named = Memory(customers={"bss:42": Remembered(company_id=1, names=Names(company="Contoso Ltd"))})
    assert remember(links, named, NOVEMBER, "b.xlsx") == 0
    kept = links.memory().customers["bss:42"]
    assert (kept.when, kept.workbook) == (OCTOBER, "a.xlsx")
    assert kept.names == Names(customer="Contoso", company="Contoso Ltd")
    assert remember(links, contoso(2), NOVEMBER, "b.xlsx") == 1
    kept = links.memory().customers["bss:42"]
    assert (kept.company_id, kept.when, kept.workbook) == (2, NOVEMBER, "b.xlsx")


def test_a_customer_on_which_lines_differ_is_dropped(links: Links) -> None:
    remember(links, contoso(1, 10))
    remember(links, contoso(1, None))
    assert links.memory().customers["bss:42"].ids == (1, None, None)
    remember(links, contoso(None))
    assert links.list() == ()


def test_a_contract_keeps_its_other_parts_and_no_agreement_of_another_company(links: Links) -> None:
    for entry, ids in (
        (Remembered(company_id=1, agreement_id=10), (1, 10, None)),
        (Remembered(item_id=7, for_product="p"), (1, 10, 7)),
        (Remembered(company_id=1), (1, 10, 7)),
        (Remembered(company_id=2), (2, None, 7)),
    ):
        remember(links, Memory(contracts={"bss:S": entry}))
        assert links.memory().contracts["bss:S"].ids == ids
    assert links.memory().contracts["bss:S"].for_product == "p"


def test_an_emptied_part_of_a_contract_lasts_until_it_is_chosen_again(links: Links, tmp_path: Path) -> None:
    def keep(entry: Remembered) -> Remembered:
        remember(links, Memory(contracts={"bss:S": entry}))
        return links.memory().contracts["bss:S"]

    assert keep(Remembered(item_id=7, for_product="p")).emptied == ()
    kept = keep(Remembered(emptied=("agreement", "item"), for_product="p"))
    assert (kept.ids, kept.emptied, kept.for_product) == ((None,) * 3, ("agreement", "item"), "p")
    assert keep(Remembered(company_id=1)).emptied == ("item",)  # another customer has other agreements
    assert "→ 1, no product" in str(links.list()[0])
    write_csv(tmp_path / "links.csv", SITE, Shared(links.list()))
    with Links(tmp_path / "other", SITE) as other:
        take_in(other, tmp_path / "links.csv")
        assert other.list() == links.list()
    kept = keep(Remembered(item_id=8, for_product="q"))
    assert (kept.ids, kept.emptied, kept.for_product) == ((1, None, 8), (), "q")


def test_a_date_without_an_offset_is_refused(links: Links) -> None:
    with pytest.raises(ValueError, match="offset"):
        remember(links, contoso(), OCTOBER.replace(tzinfo=None))


def test_environments_do_not_meet_however_alike_their_names(tmp_path: Path) -> None:
    names = ["a/b", "a\\b", "A/B", "../a-b", "a b", "CON", "", "日本", "x" * 300]
    for number, name in enumerate(names, 1):
        with Links(tmp_path / "links", name) as links:
            remember(links, contoso(number))
    for number, name in enumerate(names, 1):
        with Links(tmp_path / "links", name) as links:
            assert links.memory().customers["bss:42"].company_id == number
    assert len(list((tmp_path / "links").iterdir())) == len(names)
    assert [one.name for one in tmp_path.iterdir()] == ["links"]


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a user's data folder to the user by itself")
def test_only_the_owner_may_enter_the_folder(links: Links) -> None:
    assert stat.S_IMODE(links.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((links.folder / "cache.db").stat().st_mode) == 0o600


def test_links_are_written_through_to_the_disk_and_never_evicted(links: Links) -> None:
    settings_kept = dict(tamper(links.folder, "SELECT key, value FROM Settings"))
    assert settings_kept["sqlite_synchronous"] == 2
    assert settings_kept["eviction_policy"] == "none"
    assert settings_kept["cull_limit"] == 0


# Surviving


def test_a_process_killed_while_remembering_leaves_the_old_state(tmp_path: Path) -> None:
    with Links(tmp_path, SITE) as links:
        remember(links, contoso(1))
    program = f"""
        import datetime as dt, os, signal
        from pathlib import Path
        from xlsync.links.store import Links
        from xlsync.links.memory import Memory, Remembered

        class Deadly(dict):
            def items(self):
                yield "bss:42", Remembered(company_id=2)
                yield "bss:43", Remembered(company_id=3)
                print("written", flush=True)
                os._exit(9)

        links = Links(Path({str(tmp_path)!r}), {SITE!r})
        links.remember(Memory(customers=Deadly()), when=dt.datetime.now(dt.timezone.utc), workbook="b.xlsx")
    """
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
    )
    assert (killed.returncode, killed.stdout) == (9, "written\n")
    with Links(tmp_path, SITE) as links:
        assert {key: one.ids for key, one in links.memory().customers.items()} == {"bss:42": (1, None, None)}
        assert remember(links, contoso(2)) == 1


FULL_DISK = "CREATE TRIGGER full BEFORE INSERT ON Cache BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"


def test_an_error_while_remembering_leaves_the_old_state(links: Links) -> None:
    remember(links, contoso(1))
    both = Memory(
        customers={"bss:42": Remembered(company_id=2)},
        contracts={"bss:S": Remembered(company_id=2), 5: Remembered(company_id=2)},  # type: ignore[dict-item]
    )
    tamper(links.folder, FULL_DISK)
    with pytest.raises(XlsyncError, match="cannot be written: the disk is full"):
        remember(links, both)
    assert links.memory().customers["bss:42"].company_id == 1


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.abort, ()


@pytest.mark.parametrize("raw", [0, 1])
def test_a_pickled_key_is_refused_and_never_run(links: Links, raw: int) -> None:
    remember(links, contoso())
    tamper(
        links.folder,
        "UPDATE Cache SET key = ?, raw = ? WHERE key != ?",
        pickle.dumps(Bomb()),
        raw,
        '"format"',
    )
    with pytest.raises(XlsyncError, match="damaged"):
        links.list()


@pytest.mark.parametrize("mode", [0, 1, 2, 4])
def test_an_entry_marked_as_pickle_or_binary_is_refused_and_never_run(links: Links, mode: int) -> None:
    remember(links, contoso())
    tamper(
        links.folder,
        "UPDATE Cache SET mode = ?, value = ? WHERE key != ?",
        mode,
        pickle.dumps(Bomb()),
        '"format"',
    )
    for read in (links.list, links.memory, lambda: remember(links, contoso(2))):
        with pytest.raises(XlsyncError, match="damaged"):
            read()


@pytest.mark.parametrize(
    "entry",
    [
        "[]",
        "{",
        '{"company_id": "1"}',
        '{"item_id": true}',
        '{"when": "soon"}',
        '{"names": {"item": 1}}',
        '{"emptied": "item"}',
        '{"emptied": ["all"]}',
    ],
)
def test_an_entry_that_is_no_link_is_named(links: Links, entry: str) -> None:
    remember(links, contoso())
    tamper(links.folder, "UPDATE Cache SET value = ? WHERE key != ?", entry, '"format"')
    with pytest.raises(XlsyncError, match="the entry customer bss:42 cannot be read"):
        links.list()


def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path: Path) -> None:
    with Links(tmp_path, SITE) as links:
        file = links.folder / "cache.db"
    file.write_bytes(b"not a database, but someone's work" * 100)
    with pytest.raises(XlsyncError, match="damaged"):
        Links(tmp_path, SITE)
    assert file.read_bytes().startswith(b"not a database, but someone's work")


def set_header(links: Links, header: Any) -> None:
    with open_store(links.folder) as store:
        store["format"] = header


def test_an_entry_of_an_unknown_kind_is_named(links: Links) -> None:
    with open_store(links.folder) as store:
        store["invoice 1"] = {"company_id": 1}
    with pytest.raises(XlsyncError, match="the entry invoice 1 cannot be read"):
        links.list()


@pytest.mark.parametrize("header", [{}, {"format": "1"}, []])
def test_links_that_do_not_say_their_format_are_damaged(tmp_path: Path, header: Any) -> None:
    with Links(tmp_path, SITE) as links:
        set_header(links, header)
    with pytest.raises(XlsyncError, match="does not say its format"):
        Links(tmp_path, SITE)


def test_an_older_format_is_read(tmp_path: Path) -> None:
    with Links(tmp_path, SITE) as links:
        set_header(links, {"format": FORMAT - 1})
        with open_store(links.folder) as store:
            store["customer bss:42"] = {"company_id": 1}
    with Links(tmp_path, SITE) as links:
        assert links.memory().customers == {"bss:42": Remembered(company_id=1)}


def test_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with Links(tmp_path, SITE) as links:
        set_header(links, {"format": FORMAT + 1, "environment": SITE})
    with pytest.raises(XlsyncError, match="newer xlsync") as refused:
        Links(tmp_path, SITE)
    assert refused.value.hint == "Update xlsync."


def test_a_folder_of_another_environment_is_refused(tmp_path: Path) -> None:
    with Links(tmp_path, SITE) as links:
        set_header(links, {"format": FORMAT, "environment": "elsewhere"})
    with pytest.raises(XlsyncError, match="belong to elsewhere"):
        Links(tmp_path, SITE)


# Forgetting


def fill(links: Links) -> None:
    remember(
        links,
        Memory(
            customers={"bss:42": Remembered(company_id=1, names=Names(customer="Contoso"))},
            products={"bss:K||": Remembered(item_id=7, names=Names(product="Backup"))},
            contracts={
                "bss:S-1": Remembered(
                    company_id=2, names=Names(customer="Contoso", product="Backup", contract="S-1")
                ),
                "bss:S-2": Remembered(
                    item_id=8, names=Names(customer="Contoso", product="Backup", contract="S-2")
                ),
            },
        ),
    )


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("contoso", ["bss:42", "bss:S-1"]),
        ("Backup", ["bss:K||", "bss:S-2"]),
        ("s-1", ["bss:S-1"]),
        ("bss:42", ["bss:42"]),
        ("42", ["bss:42"]),
        ("Conto", []),
        ("", []),
    ],
)
def test_links_are_forgotten_by_key_customer_product_or_contract(
    links: Links, text: str, keys: list[str]
) -> None:
    fill(links)
    assert [one.key for one in links.find(text)] == keys
    assert [one.key for one in links.forget(text)] == keys
    assert len(links.list()) == 4 - len(keys)
    assert not {one.key for one in links.list()} & set(keys)


def test_a_remembered_link_reads_as_a_line(links: Links) -> None:
    fill(links)
    assert [str(one) for one in links.list()] == [
        "customer Contoso → 1",
        "product Backup → 7",
        "contract S-1 → 2",
        "contract S-2 → 8",
    ]


# Tables


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


def write_rows(path: Path, *rows: dict[str, str], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
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
        rule_row(Units="two", Until="1/2/2027"),
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
        "line 4: Units is “two”, not a number above 0; Until is “1/2/2027”, not a day such as 2026-12-31",
        "line 5: Units is “2”, and ignore takes none",
        "line 6: Key is empty; Rule is “pause”, not ignore, free, minimum",
        f"line 7: it belongs to elsewhere, not to {SITE}; {no_offset}",
        "line 8: ConnectWise Customer Id is “1.0”, not a whole number",
        "line 9: Until is “31/31/2026”, not a day such as 2026-12-31",
        "line 11: free S1 stands in the file before, otherwise",
    ]


def test_a_table_of_an_older_xlsync_without_rules_is_read(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADERS[:-4], restval="")
        writer.writeheader()
        writer.writerow(row())
    assert [one.key for one in read_csv(path, SITE).links] == ["bss:42"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no column Environment, For"),
        (b"Key;For\n", "has no column Environment, Customer"),
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


# The cache


def test_the_cache_is_a_mapping_of_json_that_lasts(tmp_path: Path) -> None:
    large = [{"id": number, "name": "x" * 50} for number in range(2000)]
    with open_cache(tmp_path / "cache") as cache:
        cache["companies"] = large
        cache.update({"a": None, "b": 0.5, "=\ud800\x00": "\ud800"})
    with open_cache(tmp_path / "cache") as cache:
        assert dict(cache) == {"companies": large, "a": None, "b": 0.5, "=\ud800\x00": "\ud800"}
        assert "c" not in cache
        del cache["a"]
        assert cache.get("a", "gone") == "gone"
        assert len(cache) == 3
        with pytest.raises(KeyError):
            del cache["a"]


def test_the_cache_takes_no_value_or_key_that_json_has_not(tmp_path: Path) -> None:
    with open_cache(tmp_path / "cache") as cache:
        for value in (Bomb(), b"bytes", float("nan")):
            with pytest.raises((TypeError, ValueError)):
                cache["a"] = value
        with pytest.raises(TypeError):
            cache[1] = "a"  # type: ignore[index]
        assert not cache


def test_a_pickled_value_in_the_cache_is_not_there(tmp_path: Path) -> None:
    with open_cache(tmp_path / "cache") as cache:
        cache["a"] = 1
        tamper(tmp_path / "cache", "UPDATE Cache SET mode = 4, value = ?", pickle.dumps(Bomb()))
        assert cache.get("a") is None
        cache["a"] = 2
        assert cache["a"] == 2
        tamper(tmp_path / "cache", "UPDATE Cache SET raw = 0, key = ?", pickle.dumps(Bomb()))
        assert list(cache) == []
        cache["a"] = 3
        tamper(tmp_path / "cache", "UPDATE Cache SET key = '5'")
        assert list(cache) == []


def test_a_damaged_cache_is_begun_anew(tmp_path: Path) -> None:
    with open_cache(tmp_path) as cache:
        cache["a"] = 1
    (tmp_path / "cache.db").write_bytes(b"not a database" * 1000)
    with open_cache(tmp_path) as cache:
        assert not cache


def test_a_cache_on_a_full_disk_keeps_nothing_and_stops_nobody(tmp_path: Path) -> None:
    with open_cache(tmp_path) as cache:
        tamper(tmp_path, FULL_DISK)
        cache["a"] = 1
        assert "a" not in cache


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(XlsyncError, match="cannot be used"):
        Links(tmp_path / "file", SITE)
    with pytest.raises(XlsyncError, match="cannot be used"):
        open_cache(tmp_path / "file")
    (tmp_path / "cache" / "cache.db").mkdir(parents=True)
    with pytest.raises(XlsyncError, match="cannot be used"):
        open_cache(tmp_path / "cache")


def test_the_cache_stays_within_its_size(tmp_path: Path) -> None:
    with open_cache(tmp_path, size_limit=1_000_000) as cache:
        for number in range(60):
            cache[str(number)] = "x" * 40_000
        assert 10 < len(cache) < 30
        assert "59" in cache


def test_a_large_value_that_is_damaged_is_not_there(tmp_path: Path) -> None:
    with open_cache(tmp_path) as cache:
        cache["a"] = "x" * 100_000
        (value,) = tmp_path.rglob("*.val")
        value.write_bytes(b"\xff")
        assert "a" not in cache
        value.unlink()
        assert "a" not in cache


def test_what_is_not_json_is_refused_by_the_store_itself(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, pytest.raises(TypeError):
        store.set("a", sys.stdin, read=True)
    with open_store(tmp_path) as store:
        store["a"] = 1
        with pytest.raises(NotJsonError):
            store.get("a", read=True)
