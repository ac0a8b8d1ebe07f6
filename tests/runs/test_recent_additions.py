"""A check within ten minutes of the last reading asks for no addition again, and says so."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from tests.helpers.command import Ran
from tests.helpers.desk import Desk
from tests.helpers.hand import LINES, MISMATCHES
from xlsync.gather.recent import RecentAdditions
from xlsync.models import Addition

KEY = "units:52"


def soon(desk: Desk, *words: str) -> Ran:
    """Check without any time having passed."""
    desk.forget_log()
    ran = desk.run("check", str(desk.file), "--json", *words)
    assert ran.code == 0
    return ran


def asked(desk: Desk) -> int:
    """How often additions were asked for since."""
    return sum(request.path.endswith("/additions") for request in desk.sandbox.log)


def test_a_check_after_edits_asks_for_no_addition_again_and_says_as_of_when(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set(LINES, hand.line("DELTA"), {"Note": "Ask Pia"})
    ran = soon(desk)
    assert asked(desk) == 0
    assert "less than ten minutes ago" in ran.err
    assert soon(desk).err.count("less than ten minutes ago") == 1  # nor where nothing changed
    assert asked(desk) == 0


def test_refresh_reads_additions_anew(desk: Desk) -> None:
    desk.addition(52)["quantity"] += Decimal(1)
    before = desk.read().get(MISMATCHES, KEY, "ConnectWise Units")
    soon(desk)
    assert desk.read().get(MISMATCHES, KEY, "ConnectWise Units") == before
    assert "less than ten minutes ago" not in soon(desk, "--refresh").err
    assert asked(desk) > 0
    assert desk.read().get(MISMATCHES, KEY, "ConnectWise Units") == before + 1


def test_apply_looks_at_additions_as_they_are_and_lets_the_next_check_read_them(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve(KEY)
    desk.forget_log()
    assert desk.apply().json["done"] == 1
    assert any("/additions" in request.path for request in desk.sandbox.log if request.method == "GET")
    soon(desk)
    assert asked(desk) > 0
    assert KEY not in desk.read().rows(MISMATCHES)


def test_kept_additions_are_used_for_ten_minutes_and_never_before_they_were_read() -> None:
    cache: dict[str, object] = {}
    read_at = dt.datetime(2026, 11, 2, 9, 0, 0)  # noqa: DTZ001 - the clock on the wall
    one = Addition(id=1, agreement_id=150, item_id=3, quantity=Decimal("2.5"), unit_price=Decimal("1.10"))
    RecentAdditions(cache, read_at).keep({150: (one,), 7: ()})
    for minutes, found in ((0, True), (9, True), (10, False), (-1, False)):
        now = read_at + dt.timedelta(minutes=minutes)
        expected = ({150: (one,), 7: ()}, read_at) if found else ({}, None)
        assert RecentAdditions(cache, now).find([7, 150, 151]) == expected
