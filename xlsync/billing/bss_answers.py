"""Answers of the BSS: reading values and paged lists."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from xlsync.errors import ApiError
from xlsync.rest.service import Service

PAGE_SIZE: Final = 500  # the most that the API allows
MOST_PAGES: Final = 5000  # most pages of one list, against a server that never ends it
_MOST_READINGS: Final = 3  # most readings of one list that changes while it is read

_ZERO_GUID: Final = "00000000-0000-0000-0000-000000000000"  # how .NET writes that there is no id

Json = Mapping[str, Any]


def part(entry: Json, name: str) -> Json:
    """Return an object within an object; empty where it is none."""
    value = entry.get(name)
    return value if isinstance(value, dict) else {}


def entries_of(answer: Any) -> Any:
    """Return the entries of a list, which is bare or the data of a page."""
    return answer.get("data") if isinstance(answer, Mapping) else answer


def id_of(entry: Json) -> str:
    """Return the id of an object as text; empty if it has none, or zeros only."""
    id_ = entry.get("id")
    return "" if id_ is None or id_ == _ZERO_GUID else str(id_)


def text_of(value: object) -> str:
    """Return a text with single blanks; empty where it is absent."""
    return " ".join(str(value).split()) if value is not None else ""


def number_of(value: object) -> int | Decimal | None:
    """Return a number; None for anything else, true and false included."""
    return value if isinstance(value, Decimal) or type(value) is int else None


def count_of(value: object) -> int:
    """Return a number of payments or months; 0 where it is none."""
    return max(0, int(value)) if isinstance(value, int | Decimal) else 0


def whole(number: Decimal) -> Decimal:
    """Return a number without decimals that are zero: 12 for 12.0, as units are shown."""
    integral = number.to_integral_value()
    return integral if integral == number else number


def odd(path: str, why: str, method: str = "GET") -> ApiError:
    """Make the error of an answer that differs from the API's description."""
    hint = "If it stays so, export from a report with --from."
    return ApiError(
        f"BSS: the answer of {method} /{path} cannot be used: {why}.", hint, method=method, path=path
    )


def read_pages(
    service: Service,
    path: str,
    query: Mapping[str, str | int],
    on_page: Callable[[], None],
    most: int = MOST_PAGES,
) -> Iterator[list[Json]]:
    """Read a list page by page; each entry is yielded once.

    A list that changed while it was read is read again, since an entry that moved to an earlier page
    meanwhile is on none of those that were read; unless it reads the same again, there is no telling.
    """
    given: set[str] = set()
    before: list[list[str]] = []
    for _ in range(_MOST_READINGS):
        pages = yield from _read_once(service, path, query, on_page, most, given)
        ids = [id_ for page in pages or () for id_ in page]
        if pages is not None and (pages == before or len({*ids}) == len(ids)):
            return
        before = pages or []
    raise odd(path, f"it changed while it was read, {_MOST_READINGS} times")


def _read_once(
    service: Service,
    path: str,
    query: Mapping[str, str | int],
    on_page: Callable[[], None],
    most: int,
    given: set[str],
) -> Generator[list[Json], None, list[list[str]] | None]:
    """Read a list from its first page to its last; yield the entries that are not `given` yet.

    Returns the entries' ids by page; None where a page says that the list is longer or shorter than the page
    before said. A bare list that comes again knows no pages: it is whole, unless it is as long as was asked
    for.
    """
    pages: list[list[str]] = []
    size, count = PAGE_SIZE, 0
    records: int | None = None
    while True:
        number = len(pages) + 1
        if number > most:
            raise odd(path, f"it did not end after {most} pages")
        answer = service.get(path, {**query, "pageIndex": number, "pageSize": size})
        on_page()
        data = entries_of(answer)
        if not isinstance(data, list) or not all(isinstance(entry, Mapping) for entry in data):
            raise odd(path, "it is no list")
        paging = _Paging.read(answer)
        if pages and paging.records != records:
            return None
        records = paging.records
        ids = [_key(entry) for entry in data]
        if ids and ids in pages:
            if not isinstance(answer, Mapping) and len(ids) != PAGE_SIZE:
                return pages
            raise odd(path, f"page {number} is page {pages.index(ids) + 1} again")
        yield list({id_: one for id_, one in zip(ids, data, strict=True) if id_ not in given}.values())
        given.update(ids)
        pages.append(ids)
        count += len(ids)
        if not ids and count < (paging.records or 0):
            raise odd(path, f"it has {paging.records} entries and gives only {count}")
        if not ids and number < (paging.pages or 0):
            raise odd(path, f"page {number} of {paging.pages} is empty")
        if not ids or paging.is_over(number, count):
            return pages
        if number == 1:  # the longest page that the server sends
            size = min(size, paging.size or len(ids))


def _key(entry: Json) -> str:
    """Return the identity of an entry: its id, else all its content."""
    id_ = entry.get("id")
    return f"no id: {entry!r}" if id_ is None else str(id_)


class _Paging(Struct, frozen=True):
    """The paging data in one page of a list; None where it has none."""

    pages: int | None
    records: int | None
    size: int | None
    has_next: bool | None

    @classmethod
    def read(cls, answer: Any) -> _Paging:
        answer = answer if isinstance(answer, Mapping) else {}
        paging, links = part(answer, "paging"), part(answer, "links")
        return cls(
            pages=_whole(paging, "totalPages", "pageCount"),
            records=_whole(paging, "totalRecords", "totalCount"),
            size=_whole(paging, "size") or None,
            has_next=bool(links["next"]) if "next" in links else None,
        )

    def is_over(self, number: int, count: int) -> bool:
        """Return whether the page is the last after `count` entries; False where nothing shows it."""
        if self.records is not None and count < self.records:
            return False
        if self.pages is not None:
            return number >= self.pages
        return self.has_next is False or (self.has_next is None and bool(self.records))


def _whole(paging: Json, *names: str) -> int | None:
    """Return the first number that an answer has under some names."""
    numbers = (number_of(paging.get(name)) for name in names)
    return next((number for number in numbers if isinstance(number, int) and number >= 0), None)
