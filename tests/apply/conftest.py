"""An addition of the sandbox that is in force."""

from __future__ import annotations

import pytest

from xlsync.connectwise.client import ConnectWise
from xlsync.models import Addition
from xlsync.sandbox.server import Sandbox


@pytest.fixture
def seen(sandbox: Sandbox, connectwise: ConnectWise) -> Addition:
    record = next(r for r in sandbox.connectwise.additions.values() if not r.get("cancelledDate"))
    addition = connectwise.read_addition(record["agreementId"], record["id"])
    assert addition is not None
    return addition
