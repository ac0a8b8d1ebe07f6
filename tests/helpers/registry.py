"""An imitation of Windows' registry, on systems that have none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest


def put_into_registry(patch: pytest.MonkeyPatch, *folders: str) -> None:
    """What OneDrive writes into Windows' registry: a key for each folder; an odd one names none."""

    @contextmanager
    def open_key(_above: object, name: object) -> Iterator[object]:
        yield name

    def value(key: object, name: str) -> tuple[str, int]:
        assert name == "MountPoint"
        if not isinstance(key, int):
            raise FileNotFoundError
        return folders[key], 1

    registry = SimpleNamespace(
        HKEY_CURRENT_USER=None,
        OpenKey=open_key,
        QueryInfoKey=lambda _key: (len(folders) + 1, 0, 0),
        EnumKey=lambda _key, number: number if number < len(folders) else "odd",
        QueryValueEx=value,
    )
    patch.setitem(sys.modules, "winreg", registry)
