"""Remembered links: kept through upgrades, crashes and damage, and forgotten when asked."""

from __future__ import annotations

import datetime as dt
import os
import pickle
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.link_stores import FULL_DISK, OCTOBER, SITE, SLOW, Bomb, remember, take_in, tamper
from xlsync.errors import XlsyncError
from xlsync.links.ages import Ages
from xlsync.links.exchange import Shared, write_csv
from xlsync.links.memory import Memory, Names, Remembered
from xlsync.links.store import Links, Rules
from xlsync.models import Evidence
from xlsync.records import replace
from xlsync.store import FORMAT, EnvironmentStore, open_store

NOVEMBER = OCTOBER + dt.timedelta(days=30)


def contoso(company: int | None = 1, agreement: int | None = None, **more: Any) -> Memory:
    entry = Remembered(company_id=company, agreement_id=agreement, names=Names(customer="Contoso"), **more)
    return Memory(customers={"bss:42": entry})


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


def test_links_are_written_through_to_the_disk_and_opening_their_store_is_not(tmp_path: Path) -> None:
    def synchronous(links: Links) -> int:
        ((told,),) = links._store._cache._con.execute("PRAGMA synchronous")
        return int(told)

    with Links(tmp_path, SITE):
        pass
    with Links(tmp_path, SITE) as links:
        assert synchronous(links) == 1  # NORMAL
        links.remember(lambda _: contoso(synchronous(links)), when=OCTOBER, workbook="a.xlsx")
        assert links.memory().customers["bss:42"].company_id == 2  # FULL


def test_links_are_never_evicted(links: Links) -> None:
    settings_kept = dict(tamper(links.folder, "SELECT key, value FROM Settings"))
    assert settings_kept["eviction_policy"] == "none"
    assert settings_kept["cull_limit"] == 0


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
        links.remember(
            lambda _: Memory(customers=Deadly()), when=dt.datetime.now(dt.timezone.utc), workbook="b.xlsx"
        )
    """
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
    )
    assert (killed.returncode, killed.stdout) == (9, "written\n")
    with Links(tmp_path, SITE) as links:
        assert {key: one.ids for key, one in links.memory().customers.items()} == {"bss:42": (1, None, None)}
        assert remember(links, contoso(2)) == 1


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


@pytest.mark.parametrize("kind", [Links, Rules, Ages])
@pytest.mark.parametrize(("is_there", "what"), [(True, "empty"), (False, "missing")])
def test_a_file_that_was_made_and_is_now_empty_or_gone_is_told_and_left_alone(
    tmp_path: Path, kind: type[EnvironmentStore], is_there: bool, what: str
) -> None:
    with kind(tmp_path, SITE) as store:
        file = store.folder / "cache.db"
    assert file.stat().st_size
    file.unlink()
    if is_there:
        file.touch()
    for _ in range(2):
        with pytest.raises(XlsyncError, match=f"damaged: cache.db is {what}") as refused:
            kind(tmp_path, SITE)
    assert "Restore the folder from a backup" in refused.value.hint
    assert (file.exists(), file.exists() and file.stat().st_size) == (is_there, 0)


def test_a_file_that_another_command_makes_at_this_moment_is_no_loss(tmp_path: Path) -> None:
    folder = Links.folder_in(tmp_path, SITE)
    folder.mkdir(parents=True)
    (folder / "cache.db").touch()
    with Links(tmp_path, SITE) as links:
        remember(links, contoso())
    with Links(tmp_path, SITE) as links:
        assert links.memory().customers.keys() == {"bss:42"}


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


def fill(links: Links) -> None:
    remember(
        links,
        Memory(
            customers={
                "bss:42": Remembered(
                    company_id=1,
                    agreement_id=3,
                    names=Names(customer="Contoso", company="Kontoso AG", agreement="Cloud Agreement"),
                )
            },
            products={
                "bss:K||": Remembered(item_id=7, names=Names(product="Backup", item="P7: Tape Backup"))
            },
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
        ("cloud agreement", ["bss:42"]),
        ("p7", ["bss:K||"]),
        ("Tape Backup", ["bss:K||"]),
        ("Conto", []),
        ("", []),
    ],
)
def test_links_are_forgotten_by_key_customer_product_or_contract(
    links: Links, text: str, keys: list[str]
) -> None:
    fill(links)
    called = links.find_by_name(text)
    assert [one.key for one in called] == keys
    links.forget(called)
    assert len(links.list()) == 4 - len(keys)
    assert not {one.key for one in links.list()} & set(keys)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("ontos", ["bss:42", "bss:S-1", "bss:S-2"]),
        ("KONTOSO", ["bss:42"]),
        ("kontoso-ag", ["bss:42"]),
        ("tape", ["bss:K||"]),
        ("cloud", ["bss:42"]),
        ("S-", ["bss:S-1", "bss:S-2"]),
        ("nobody", []),
    ],
)
def test_links_are_found_by_any_part_of_a_name_of_either_system(
    links: Links, text: str, keys: list[str]
) -> None:
    fill(links)
    assert [one.key for one in links.find(text)] == keys


def test_a_remembered_link_reads_as_a_line(links: Links) -> None:
    fill(links)
    assert [str(one) for one in links.list()] == [
        "customer Contoso → Kontoso AG, Cloud Agreement",
        "product Backup → P7: Tape Backup",
        "contract Contoso · Backup · S-1 → 2",
        "contract Contoso · Backup · S-2 → 8",
    ]
