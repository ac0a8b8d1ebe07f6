"""A list of the BSS is read to its end, whatever tells of its pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug import Request, Response

from tests.helpers.fake_bss import Fake, invoice, item, march
from tests.helpers.remote import reply
from xlsync.billing.bss import Bss
from xlsync.billing.bss_answers import read_pages
from xlsync.errors import ApiError


def test_every_page_is_read(fake: Fake, bss: Bss) -> None:
    fake.page_size = 2
    fake.invoices = [invoice(f"EX-{n}", item(f"i-{n}")) for n in range(5)]
    assert [line.key for line in march(bss)] == [f"i-{n}" for n in range(5)]
    assert len(fake.asked("/api/invoices?")) == 3


def test_an_invoice_that_moved_to_the_next_page_is_taken_once(fake: Fake, bss: Bss) -> None:
    fake.page_size = 2
    fake.invoices = [invoice(f"EX-{n}", item(f"i-{n}")) for n in (0, 1, 1, 2)]
    assert [line.key for line in march(bss)] == ["i-0", "i-1", "i-2"]


def test_a_repeated_page_is_an_error(fake: Fake, bss: Bss) -> None:
    page = {"data": [invoice("EX-1", item())], "paging": {"totalPages": 9}}
    fake.answers["/api/invoices"] = page
    with pytest.raises(ApiError, match="page 2 is page 1 again"):
        march(bss)


def test_the_next_link_counts_where_pages_are_not_told(fake: Fake, bss: Bss) -> None:
    def page(request: Request) -> Response:
        n = int(request.args["pageIndex"])
        return reply(
            {"data": [invoice(f"EX-{n}", item(f"i-{n}"))], "links": {"next": "x" if n < 3 else None}}
        )

    fake.answers["/api/invoices"] = page
    assert len(march(bss)) == 3


def in_pages(fake: Fake, count: int, most: int, tell: Callable[[int, int, int], Any]) -> None:
    """Serve so many invoices, at most so many a page; `tell` makes the answer's other members."""
    invoices = [invoice(f"EX-{n:03}", item(f"i-{n:03}")) for n in range(count)]

    def page(request: Request) -> Response:
        number, size = int(request.args["pageIndex"]), min(most, int(request.args["pageSize"]))
        data = invoices[(number - 1) * size : number * size]
        told = tell(number, size, count)
        return reply(data if told is None else {"data": data, **told})

    fake.answers["/api/invoices"] = page


TELLS: dict[str, Callable[[int, int, int], Any]] = {
    "nothing": lambda *_: {},
    "null": lambda *_: {"paging": None, "links": None},
    "records": lambda _, size, count: {"paging": {"size": size, "totalRecords": count}},
    "only records": lambda *of: {"paging": {"totalRecords": of[2]}},
    "no records": lambda *_: {"paging": {"totalRecords": 0}},
    "another name": lambda *of: {"paging": {"totalCount": of[2]}},
    "pages of what was asked": lambda *of: {"paging": {"totalPages": 1, "totalRecords": of[2]}},
    "next": lambda number, size, count: {"links": {"next": "x" if number * size < count else None}},
    "a bare list": lambda *_: None,
}


@pytest.mark.parametrize("tell", TELLS)
@pytest.mark.parametrize(("count", "most"), [(5, 2), (4, 2), (5, 500), (1, 1), (500, 500), (501, 500)])
def test_every_page_is_read_whatever_tells_of_them(
    fake: Fake, bss: Bss, tell: str, count: int, most: int
) -> None:
    in_pages(fake, count, most, TELLS[tell])
    assert len(march(bss)) == count


def test_a_page_that_repeats_is_an_error_where_nothing_tells_of_pages(fake: Fake, bss: Bss) -> None:
    long = [invoice(f"EX-{n}", item(f"i-{n}")) for n in range(500)]
    for answer in ({"data": long[:3]}, long):
        fake.answers["/api/invoices"] = answer
        with pytest.raises(ApiError, match="page 2 is page 1 again"):
            march(bss)
    for count in (3, 499):
        fake.answers["/api/invoices"] = long[:count]  # bare and shorter: it is the whole list
        assert len(march(bss)) == count


@pytest.mark.parametrize(
    ("tell", "pages"), [("records", 3), ("only records", 3), ("next", 3), ("nothing", 4)]
)
def test_no_page_is_asked_for_after_the_last_where_something_tells(
    fake: Fake, bss: Bss, tell: str, pages: int
) -> None:
    in_pages(fake, 5, 2, TELLS[tell])
    march(bss)
    assert len(fake.asked("/api/invoices?")) == pages


def test_further_pages_are_as_long_as_the_first_that_was_served(fake: Fake, bss: Bss) -> None:
    invoices = [invoice(f"EX-{n}", item(f"i-{n}")) for n in range(5)]

    def page(request: Request) -> Response:  # of two at most, and yet it passes over as many as asked for
        first = (int(request.args["pageIndex"]) - 1) * int(request.args["pageSize"])
        return reply({"data": invoices[first : first + 2], "paging": {"totalPages": 1, "totalRecords": 5}})

    fake.answers["/api/invoices"] = page
    assert len(march(bss)) == 5


def test_fewer_entries_than_told_are_an_error(fake: Fake, bss: Bss) -> None:
    in_pages(fake, 5, 2, lambda *_: {"paging": {"totalRecords": 7}})
    with pytest.raises(ApiError, match="it has 7 entries and gives only 5"):
        march(bss)


def test_an_empty_page_before_the_last_is_an_error(fake: Fake, bss: Bss) -> None:
    for empty in (1, 2):
        invoices = [invoice(f"EX-{n}", item(f"i-{n}")) for n in range(3)]
        invoices.insert(empty - 1, {})
        fake.answers["/api/invoices"] = lambda request, of=invoices: reply(
            {"data": [one for one in of[int(request.args["pageIndex"]) - 1 :][:1] if one],
             "paging": {"totalPages": 4}}
        )  # fmt: skip
        with pytest.raises(ApiError, match=f"page {empty} of 4 is empty"):
            march(bss)


def test_a_list_that_is_none_is_an_error(fake: Fake, bss: Bss) -> None:
    for odd in ({"data": None}, ["x"], "text"):
        fake.answers["/api/invoices"] = odd
        with pytest.raises(ApiError, match="no list"):
            march(bss)


def test_a_list_that_goes_on_without_end_is_given_up(fake: Fake, bss: Bss) -> None:
    fake.page_size = 1
    fake.invoices = [invoice(f"EX-{n}", item(f"i-{n}")) for n in range(9)]
    pages = read_pages(bss.service, "api/invoices", {}, lambda: None, most=3)
    with pytest.raises(ApiError, match="did not end after 3 pages"):
        list(pages)
