"""Remembered links: what makes next month's linking no work, kept until someone forgets it.

One folder an environment, on diskcache without eviction and with full synchronous writes. Each
`remember` is one transaction: after a crash all of it is there, or nothing.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import re
import secrets
import sqlite3
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Final, Self

from xlsync.errors import XlsyncError
from xlsync.links.memory import PARTS, LinkKind, Memory, Names, Remembered, RememberedLink
from xlsync.links.team import Imported, merge
from xlsync.models import Evidence
from xlsync.store import NotJsonError, open_store

FORMAT: Final = 1
_FORMAT_KEY: Final = "format"
_KINDS: Final[Mapping[str, LinkKind]] = {str(kind): kind for kind in LinkKind}
_NAMES: Final = tuple(field.name for field in fields(Names))
_INLINE: Final = 2**31 - 1  # bytes below which a value stands in the database itself, inside its transaction


class Links:
    """The remembered links of one environment."""

    def __init__(self, folder: Path, environment: str) -> None:
        self.environment = environment
        self.folder = folder / environment_folder(environment)
        self._has_changed = False
        try:
            self._store = open_store(
                self.folder,
                eviction_policy="none",
                cull_limit=0,
                sqlite_synchronous=2,  # FULL
                disk_min_file_size=_INLINE,
            )
        except sqlite3.DatabaseError as error:
            raise self._damaged("the file cannot be opened") from error
        try:
            self._check_format()
        except BaseException:
            self._store.close()
            raise

    def _check_format(self) -> None:
        header = self._read(_FORMAT_KEY)
        if header is None:
            self._store.set(_FORMAT_KEY, {"format": FORMAT, "environment": self.environment}, retry=True)
            return
        version = header.get("format") if isinstance(header, dict) else None
        if not isinstance(version, int):
            raise self._damaged("it does not say its format")
        if version > FORMAT:
            raise XlsyncError(
                f"The remembered links in {self.folder} were written by a newer xlsync (format {version}; "
                f"this one reads up to {FORMAT}).",
                "Update xlsync.",
            )
        if header.get("environment", self.environment) != self.environment:
            raise XlsyncError(
                f"The remembered links in {self.folder} belong to {header['environment']}, "
                f"not to {self.environment}.",
                "Move the folder back to where it came from.",
            )

    @property
    def revision(self) -> str:
        """Another text after every change of the links; empty where they never changed."""
        return str(self._read(_FORMAT_KEY).get("revision", ""))

    def _read(self, key: str) -> Any:
        try:
            return self._store.get(key)
        except (NotJsonError, sqlite3.DatabaseError) as error:
            raise self._damaged(f"the entry {key} cannot be read") from error

    def _damaged(self, what: str) -> XlsyncError:
        return XlsyncError(
            f"The remembered links in {self.folder} are damaged: {what}.",
            "Restore the folder from a backup, or move it away and run `xlsync links import` "
            "with an exported file.",
        )

    def list(self) -> tuple[RememberedLink, ...]:
        """All remembered links: customers, products, contracts, each by key."""
        found = []
        try:
            keys = sorted(self._store.iterkeys())
        except (NotJsonError, sqlite3.DatabaseError) as error:
            raise self._damaged("an entry cannot be read") from error
        for name in keys:
            if name == _FORMAT_KEY:
                continue
            told, _, key = name.partition(" ")
            kind, link = _KINDS.get(told), self._link(name)
            if kind is None or link is None:
                raise self._damaged(f"the entry {name} cannot be read")
            found.append(RememberedLink(kind=kind, key=key, link=link))
        order = (LinkKind.CUSTOMER, LinkKind.PRODUCT, LinkKind.CONTRACT)
        return tuple(one for kind in order for one in found if one.kind is kind)

    def memory(self) -> Memory:
        """What `matching` proposes from."""
        by_kind: dict[LinkKind, dict[str, Remembered]] = {kind: {} for kind in LinkKind}
        for one in self.list():
            by_kind[one.kind][one.key] = one.link
        return Memory(
            contracts=by_kind[LinkKind.CONTRACT],
            customers=by_kind[LinkKind.CUSTOMER],
            products=by_kind[LinkKind.PRODUCT],
        )

    def remember(self, memory: Memory, *, when: dt.datetime, workbook: str) -> int:
        """Keep what is new or other in `memory`, all of it or nothing; the number of changed links.

        A customer or product is replaced as a whole, and dropped where nothing of it is left; a
        contract takes the new parts and keeps its others. What stays as it was keeps its date.
        """
        if when.utcoffset() is None:
            raise ValueError("when a link was remembered needs an offset")
        changed = 0
        with self._writing():
            for kind, entries in (
                (LinkKind.CUSTOMER, memory.customers),
                (LinkKind.PRODUCT, memory.products),
                (LinkKind.CONTRACT, memory.contracts),
            ):
                for key, new in entries.items():
                    changed += self._keep(kind, key, new, when, workbook)
        return changed

    def _keep(self, kind: LinkKind, key: str, new: Remembered, when: dt.datetime, workbook: str) -> bool:
        old = self._link(f"{kind} {key}")
        if kind is LinkKind.CONTRACT and old is not None:
            new = _merged(old, new)
        if not new.says_something:
            return self._delete(f"{kind} {key}")
        if old is None or _says(old) != _says(new):
            self._write(kind, key, replace(new, when=when, workbook=workbook))
            return True
        names = _newer_names(old.names, new.names)
        if names != old.names:
            self._write(kind, key, replace(old, names=names))
        return False

    def _link(self, name: str) -> Remembered | None:
        stored = self._read(name)
        try:
            return None if stored is None else _from_json(stored)
        except (TypeError, ValueError) as error:
            raise self._damaged(f"the entry {name} cannot be read") from error

    def _write(self, kind: LinkKind, key: str, link: Remembered) -> None:
        self._store.set(f"{kind} {key}", _to_json(link), retry=True)
        self._has_changed = True

    def _delete(self, name: str) -> bool:
        was_there = bool(self._store.delete(name, retry=True))
        self._has_changed = self._has_changed or was_there
        return was_there

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """All that is written within, or nothing of it."""
        self._has_changed = False
        try:
            with self._store.transact(retry=True):
                yield
                if self._has_changed:
                    header = {**self._read(_FORMAT_KEY), "revision": secrets.token_hex(8)}
                    self._store.set(_FORMAT_KEY, header, retry=True)
        except sqlite3.Error as error:
            raise XlsyncError(
                f"The remembered links in {self.folder} cannot be written: {error}.",
                "Nothing was changed. Look whether the disk is full or the folder cannot be written.",
            ) from error

    def find(self, *texts: str) -> tuple[RememberedLink, ...]:
        """The links that `forget` would forget."""
        wanted = {text.strip().casefold() for text in texts}
        return tuple(one for one in self.list() if not wanted.isdisjoint(_called(one)))

    def forget(self, *texts: str) -> tuple[RememberedLink, ...]:
        """Forget what goes by these texts: a key, or the name of a customer, product or contract."""
        found = self.find(*texts)
        with self._writing():
            for one in found:
                self._delete(f"{one.kind} {one.key}")
        return found

    def take_in(
        self, links: Iterable[RememberedLink], *, overwrite: bool = False
    ) -> Imported[RememberedLink]:
        """Take in a colleague's links; what is remembered otherwise changes only if asked."""
        imported = merge(
            self.list(),
            links,
            key=lambda one: (one.kind, one.key),
            says=lambda one: _says(one.link),
            overwrite=overwrite,
        )
        with self._writing():
            for one in imported.taken:
                self._write(one.kind, one.key, one.link)
        return imported

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def environment_folder(environment: str) -> str:
    """Readable as far as file systems allow; the digest keeps two environments apart."""
    readable = re.sub(r"[^a-z0-9]+", "-", environment.casefold()).strip("-")[:40]
    digest = hashlib.sha256(environment.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{readable or 'environment'}-{digest}"


def _called(one: RememberedLink) -> set[str]:
    """By what a link can be called; a contract by its customer or product only where it links that."""
    names = one.link.names
    called = {one.key, one.key.partition(":")[2]}
    if one.kind is LinkKind.CONTRACT:
        called.add(names.contract)
    if one.kind is not LinkKind.PRODUCT and (one.link.company_id or one.link.agreement_id):
        called.add(names.customer)
    if one.kind is not LinkKind.CUSTOMER and one.link.item_id:
        called.add(names.product)
    return {text.strip().casefold() for text in called} - {""}


def _says(link: Remembered) -> Hashable:
    return link.ids, link.for_product, link.emptied


def _merged(old: Remembered, new: Remembered) -> Remembered:
    """A contract's new parts over its old ones; an agreement does not outlive its company."""
    moved = new.company_id is not None and new.company_id != old.company_id
    kept = {
        part
        for part in PARTS
        if new.part(part) is None and not (moved and part == "agreement") and old.part(part) is not None
    }
    company, agreement, item = (
        was if part in kept else now for part, was, now in zip(PARTS, old.ids, new.ids, strict=True)
    )
    return replace(
        new,
        company_id=company,
        agreement_id=agreement,
        item_id=item,
        for_product=old.for_product if "item" in kept else new.for_product,
        emptied=tuple(p for p in PARTS if p in (old if p in kept else new).emptied),
        names=_newer_names(old.names, new.names),
    )


def _newer_names(old: Names, new: Names) -> Names:
    return replace(old, **{name: text for name in _NAMES if (text := getattr(new, name))})


def _to_json(link: Remembered) -> dict[str, object]:
    return {
        "company_id": link.company_id,
        "agreement_id": link.agreement_id,
        "item_id": link.item_id,
        "for_product": link.for_product,
        "emptied": list(link.emptied),
        "evidence": str(link.evidence),
        "when": link.when.isoformat() if link.when else "",
        "workbook": link.workbook,
        "names": asdict(link.names),
    }


def _from_json(stored: object) -> Remembered:
    """Raises TypeError or ValueError for what `_to_json` never wrote; absent fields are an older format's."""
    if not isinstance(stored, Mapping):
        raise TypeError("not a link")
    ids = [stored.get(name) for name in ("company_id", "agreement_id", "item_id")]
    texts = {name: stored.get(name, "") for name in ("for_product", "evidence", "when", "workbook")}
    names, emptied = stored.get("names", {}), stored.get("emptied", [])
    if not isinstance(emptied, list) or any(part not in PARTS for part in emptied):
        raise TypeError("what was emptied is no part of a link")
    known = {name: names.get(name, "") for name in _NAMES}
    if any(part is not None and (not isinstance(part, int) or isinstance(part, bool)) for part in ids):
        raise TypeError("an id is not a whole number")
    if not all(isinstance(text, str) for text in (*texts.values(), *known.values())):
        raise TypeError("a name is not text")
    return Remembered(
        company_id=ids[0],
        agreement_id=ids[1],
        item_id=ids[2],
        for_product=texts["for_product"],
        emptied=tuple(emptied),
        evidence=Evidence(texts["evidence"] or Evidence.CHOSEN),
        when=dt.datetime.fromisoformat(texts["when"]) if texts["when"] else None,
        workbook=texts["workbook"],
        names=Names(**known),
    )
