"""Where rules are kept: beside the links of an environment, as lasting as they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from xlsync.links.store import environment_folder
from xlsync.links.team import Imported, merge
from xlsync.reconcile.rules import Rule
from xlsync.store import from_plain, open_store, to_plain


class Rules:
    """The rules of one environment."""

    def __init__(self, folder: Path, environment: str) -> None:
        self._store = open_store(
            folder / f"{environment_folder(environment)}-rules",
            eviction_policy="none",
            cull_limit=0,
            sqlite_synchronous=2,  # FULL
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def list(self) -> tuple[Rule, ...]:
        """All rules, by what they are about."""
        rules = [from_plain(self._store[key], Rule) for key in self._store]
        return tuple(sorted(rules, key=lambda rule: (rule.scope, rule.about.casefold(), rule.kind)))

    def keep(self, rule: Rule) -> None:
        """Keep a rule in place of the one of its kind for the same thing; zero units end it."""
        if rule.units == 0:
            self._store.pop(rule.key)
        else:
            self._store[rule.key] = to_plain(rule)

    def take_in(self, rules: Iterable[Rule], *, overwrite: bool = False) -> Imported[Rule]:
        """Take in a colleague's rules; what is ruled otherwise here changes only if asked."""
        imported = merge(
            self.list(),
            rules,
            key=lambda rule: rule.key,
            says=lambda rule: (rule.units, rule.until),
            overwrite=overwrite,
        )
        for rule in imported.taken:
            self.keep(rule)
        return imported

    def drop(self, key: str) -> None:
        """End a rule."""
        self._store.pop(key)

    def find(self, *texts: str) -> tuple[Rule, ...]:
        """The rules about one of these: a row key, a contract, a product or a customer."""
        wanted = {text.strip().casefold() for text in texts}
        return tuple(rule for rule in self.list() if rule.about.casefold() in wanted)
