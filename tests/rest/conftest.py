"""The service under test, beside a small server on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.remote import Remote
from xlsync.rest.service import Service


@pytest.fixture
def service(remote: Remote) -> Iterator[Service]:
    with Service("ConnectWise", remote.url, headers={"clientId": "made-up-client"}, patience=0.001) as one:
        yield one
