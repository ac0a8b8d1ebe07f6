"""An opened store of links, which is empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.link_stores import SITE
from xlsync.links.store import Links


@pytest.fixture
def links(tmp_path: Path) -> Any:
    with Links(tmp_path, SITE) as opened:
        yield opened
