"""The stores of remembered links and of rules, kept until a person forgets them.

Each `remember` and each import is one transaction: a crash leaves all of it stored, or nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct

from xlsync.links.memory import PARTS, LinkKind, Memory, Names, Remembered, RememberedLink
from xlsync.models import split_key
from xlsync.plain_json import from_plain, to_plain
from xlsync.reconcile.rules import Rule
from xlsync.records import replace
from xlsync.store import EnvironmentStore

T = TypeVar("T")
_KINDS: Final[Mapping[str, LinkKind]] = {str(kind): kind for kind in LinkKind}
_NAMES: Final = Names.__struct_fields__


class Conflict(Struct, Generic[T], frozen=True, kw_only=True):
    """A link or rule of an imported file that differs from the remembered one."""

    remembered: T
    imported: T


class Imported(Struct, Generic[T], frozen=True, kw_only=True):
    """The result of importing links or rules; conflicts keep the remembered value unless overwritten."""

    added: tuple[T, ...]
    unchanged: tuple[T, ...]
    replaced: tuple[Conflict[T], ...]
    conflicts: tuple[Conflict[T], ...]

    @property
    def stored(self) -> tuple[T, ...]:
        """The imported entries that are stored."""
        return (*self.added, *(conflict.imported for conflict in self.replaced))


def compare_import(
    remembered: Iterable[T],
    imported: Iterable[T],
    *,
    key: Callable[[T], Hashable],
    content: Callable[[T], Hashable],
    overwrite: bool,
) -> Imported[T]:
    """Compare imported entries with the remembered ones and decide which to store; nothing is written.

    `key` identifies an entry, `content` is what of it is compared.
    """
    known = {key(entry): entry for entry in remembered}
    added, unchanged, differing = [], [], []
    for entry in imported:
        old = known.get(key(entry))
        if old is None:
            added.append(entry)
        elif content(old) == content(entry):
            unchanged.append(old)
        else:
            differing.append(Conflict(remembered=old, imported=entry))
    return Imported(
        added=tuple(added),
        unchanged=tuple(unchanged),
        replaced=tuple(differing) if overwrite else (),
        conflicts=() if overwrite else tuple(differing),
    )


class Links(EnvironmentStore):
    """The remembered links of one environment."""

    kind, suffix, what = "links", "", "remembered links"
    _read: tuple[str, Memory] | None = None  # the revision of the store, and what was read at it

    @property
    def revision(self) -> str:
        """A text that differs after every change of the links; empty before the first."""
        return self._store.revision

    def list(self) -> tuple[RememberedLink, ...]:
        """List all remembered links: customers, products, contracts, each by key."""
        links = []
        for name, stored in self._store.items():
            word, _, key = name.partition(" ")
            kind, link = _KINDS.get(word), self._parse(name, stored)
            if kind is None or link is None:
                raise self._store.damaged(f"the entry {name} cannot be read")
            links.append(RememberedLink(kind=kind, key=key, link=link))
        order = (LinkKind.CUSTOMER, LinkKind.PRODUCT, LinkKind.CONTRACT)
        return tuple(link for kind in order for link in links if link.kind is kind)

    def memory(self) -> Memory:
        """Return the remembered links in the form that `matching` uses.

        They are read again only where the store changed since the last call.
        """
        revision = self.revision
        if self._read is None or not revision or self._read[0] != revision:
            self._read = revision, self._read_memory()
        return self._read[1]

    def _read_memory(self) -> Memory:
        by_kind: dict[LinkKind, dict[str, Remembered]] = {kind: {} for kind in LinkKind}
        for entry in self.list():
            by_kind[entry.kind][entry.key] = entry.link
        return Memory(
            contracts=by_kind[LinkKind.CONTRACT],
            customers=by_kind[LinkKind.CUSTOMER],
            products=by_kind[LinkKind.PRODUCT],
        )

    def remember(self, learn: Callable[[Memory], Memory], *, when: dt.datetime, workbook: str) -> int:
        """Store what `learn` makes of the memory of this moment, all of it or nothing.

        Each entry of the result replaces the stored one of its key; an entry that holds nothing is deleted.
        An unchanged entry keeps its date. `when` needs an offset. Returns the number of changed links.
        """
        if when.utcoffset() is None:
            raise ValueError("when a link was remembered needs an offset")
        with self._store.writing():
            old = self.memory()
            new = learn(old)
            return sum(
                self._keep(f"{kind} {key}", before.get(key), entry, when, workbook)
                for kind, before, entries in (
                    (LinkKind.CUSTOMER, old.customers, new.customers),
                    (LinkKind.PRODUCT, old.products, new.products),
                    (LinkKind.CONTRACT, old.contracts, new.contracts),
                )
                for key, entry in entries.items()
            )

    def _keep(
        self, name: str, old: Remembered | None, new: Remembered, when: dt.datetime, workbook: str
    ) -> bool:
        if not new.says_something:
            return self._store.delete(name)
        if old is None or _content(old) != _content(new):
            self._store.set(name, _to_json(replace(new, when=when, workbook=workbook)))
            return True
        names = old.names.renewed(new.names)
        if (names, new.by_period) != (old.names, old.by_period):
            self._store.set(name, _to_json(replace(old, names=names, by_period=new.by_period)))
        return False

    def _parse(self, name: str, stored: Any) -> Remembered | None:
        try:
            return None if stored is None else _from_json(stored)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise self._store.damaged(f"the entry {name} cannot be read") from error

    def find(self, *texts: str) -> tuple[RememberedLink, ...]:
        """Find the links with one of these texts within their key or a name of either system."""
        return tuple(link for link in self.list() if any(map(link.mentions, texts)))

    def find_by_name(self, *texts: str) -> tuple[RememberedLink, ...]:
        """Find the links with one of these texts as their whole key or the whole name of what they link."""
        wanted = {text.strip().casefold() for text in texts}
        return tuple(link for link in self.list() if not wanted.isdisjoint(_names_of(link)))

    def forget(self, links: Iterable[RememberedLink]) -> None:
        """Forget these links, all of them or none."""
        with self._store.writing():
            for link in links:
                self._store.delete(f"{link.kind} {link.key}")

    def import_from(
        self, links: Iterable[RememberedLink], *, overwrite: bool = False
    ) -> Imported[RememberedLink]:
        """Import a colleague's links; entries that differ are replaced only with `overwrite`."""
        with self._store.writing():
            imported = compare_import(
                self.list(),
                links,
                key=lambda entry: (entry.kind, entry.key),
                content=lambda entry: _content(entry.link),
                overwrite=overwrite,
            )
            for entry in imported.stored:
                self._store.set(f"{entry.kind} {entry.key}", _to_json(entry.link))
        return imported


class Rules(EnvironmentStore):
    """The rules of one environment."""

    kind, suffix, what = "rules", "-rules", "rules"

    def list(self) -> tuple[Rule, ...]:
        """List all rules, ordered by their subject."""
        rules = [self._parse(key, stored) for key, stored in self._store.items()]
        return tuple(sorted(rules, key=lambda rule: (rule.scope, rule.about.casefold(), rule.kind)))

    def _parse(self, key: str, stored: Any) -> Rule:
        try:
            rule = from_plain(stored, Rule)
        except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError) as error:
            raise self._store.damaged(f"the entry {key} cannot be read") from error
        if rule.key != key:
            raise self._store.damaged(f"the entry {key} holds another rule")
        return rule

    def keep(self, *rules: Rule) -> None:
        """Store rules, all of them or none, in place of those of their kind and subject.

        Zero units remove the rule.
        """
        with self._store.writing():
            for rule in rules:
                if rule.units == 0:
                    self._store.delete(rule.key)
                else:
                    self._store.set(rule.key, to_plain(rule))

    def import_from(self, rules: Iterable[Rule], *, overwrite: bool = False) -> Imported[Rule]:
        """Import a colleague's rules; rules that differ are replaced only with `overwrite`."""
        with self._store.writing():
            imported = compare_import(
                self.list(),
                rules,
                key=lambda rule: rule.key,
                content=lambda rule: (rule.units, rule.until),
                overwrite=overwrite,
            )
            for rule in imported.stored:
                self._store.set(rule.key, to_plain(rule))
        return imported

    def drop(self, *keys: str) -> None:
        """Remove rules, all of them or none."""
        with self._store.writing():
            for key in keys:
                self._store.delete(key)

    def find(self, *texts: str) -> tuple[Rule, ...]:
        """Find the rules about any of these row keys, contracts, products or customers."""
        wanted = {text.strip().casefold() for text in texts}
        return tuple(rule for rule in self.list() if rule.about.casefold() in wanted)


def _names_of(entry: RememberedLink) -> set[str]:
    """Return the key of a link and the whole names of what it links in both systems, in lower case.

    The name of a contract's customer or product counts only where the contract links that.
    """
    names, link = entry.link.names, entry.link
    texts = {entry.key, split_key(entry.key)[1]}
    if entry.kind is LinkKind.CONTRACT:
        texts.add(names.contract)
    if entry.kind is not LinkKind.PRODUCT and (link.company_id or link.agreement_id or link.by_period):
        periods = (of_period.name for of_period in link.by_period)
        texts |= {names.customer, names.company, names.agreement, *periods}
    if entry.kind is not LinkKind.CUSTOMER and link.item_id:
        texts |= {names.product, names.item, *names.item.split(": ", 1)}
    return {text.strip().casefold() for text in texts} - {""}


def _content(link: Remembered) -> Hashable:
    """Return what a link decides, without names, date and evidence."""
    by_period = tuple((agreement.months, agreement.id) for agreement in link.by_period)
    return link.ids, link.for_product, link.emptied, by_period


def _to_json(link: Remembered) -> dict[str, object]:
    return {
        "company_id": link.company_id,
        "agreement_id": link.agreement_id,
        "item_id": link.item_id,
        "for_product": link.for_product,
        "emptied": list(link.emptied),
        "by_period": to_plain(link.by_period),
        "evidence": str(link.evidence),
        "when": link.when.isoformat() if link.when else "",
        "workbook": link.workbook,
        "names": to_plain(link.names),
    }


def _from_json(stored: object) -> Remembered:
    """Make a link of its stored JSON; absent fields are those of an older format.

    Raises TypeError or ValueError for anything that `_to_json` never wrote.
    """
    if not isinstance(stored, Mapping):
        raise TypeError("not a link")
    link = from_plain({name: value for name, value in stored.items() if value != ""}, Remembered)
    if any(part not in PARTS for part in link.emptied):
        raise ValueError("what was emptied is no part of a link")
    return link
