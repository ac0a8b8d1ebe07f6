"""A check within ten minutes of the last reading asks for no addition or recap again, and says so."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

from tests.helpers.command import Ran
from tests.helpers.desk import Desk
from tests.helpers.hand import LINES, MISMATCHES
from xlsync.gather.recent import Recent
from xlsync.models import Addition, Recap

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


def test_recaps_that_connectwise_does_not_list_are_asked_for_once_in_ten_minutes(desk: Desk) -> None:
    def asked_by_id() -> int:
        return sum(bool(re.search(r"/agreementrecap/\d+$", request.path)) for request in desk.sandbox.log)

    def amounts() -> dict[str, object]:
        return desk.read().column("Invoices", "Next Invoice Amount")

    listed = amounts()
    desk.sandbox.fail("empty", path="GET /finance/agreementrecap/$", times=99)
    first = soon(desk)
    assert asked_by_id() >= len(listed)
    assert "Additions were read at" in first.err
    again = soon(desk)
    assert asked_by_id() == 0
    assert "Additions and recaps were read at" in again.err
    assert amounts() == listed
    for options in (["--refresh"], []):
        assert "less than ten minutes ago" not in soon(desk, *options).err
        assert asked_by_id() >= len(listed)
        desk.later()
    assert amounts() == listed


def test_apply_looks_at_additions_as_they_are_and_lets_the_next_check_read_them(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve(KEY)
    desk.forget_log()
    assert desk.apply().json["done"] == 1
    assert any("/additions" in request.path for request in desk.sandbox.log if request.method == "GET")
    soon(desk)
    assert asked(desk) > 0
    assert KEY not in desk.read().rows(MISMATCHES)


def test_kept_answers_are_used_for_ten_minutes_and_never_before_they_were_read() -> None:
    cache: dict[str, object] = {}
    read_at = dt.datetime(2026, 11, 2, 9, 0, 0)  # noqa: DTZ001 - the clock on the wall
    one = Addition(id=1, agreement_id=150, item_id=3, quantity=Decimal("2.5"), unit_price=Decimal("1.10"))
    Recent[tuple[Addition, ...]]("", tuple[Addition, ...], cache, read_at).keep({150: (one,), 7: ()})
    recap = Recap(agreement_id=150, next_amount=Decimal("1.20"))
    Recent[Recap | None]("recaps", Recap | None, cache, read_at).keep({150: recap, 7: None})
    for minutes, found in ((0, True), (9, True), (10, False), (-1, False)):
        now = read_at + dt.timedelta(minutes=minutes)
        expected = ({150: (one,), 7: ()}, read_at) if found else ({}, None)
        additions = Recent[tuple[Addition, ...]]("", tuple[Addition, ...], cache, now)
        assert additions.find([7, 150, 151]) == expected
        recaps = Recent[Recap | None]("recaps", Recap | None, cache, now)
        assert recaps.find([7, 150, 151]) == (({150: recap, 7: None}, read_at) if found else ({}, None))


def test_kept_answers_in_the_form_of_another_version_are_read_anew() -> None:
    now = dt.datetime(2026, 11, 2, 9, 0, 0)  # noqa: DTZ001 - the clock on the wall
    recap = Recap(agreement_id=8)
    cache = {
        "recaps0": {"7": [now.isoformat(), {"agreement": 7}], "8": [now.isoformat(), {"agreement_id": 8}]}
    }
    assert Recent[Recap | None]("recaps", Recap | None, cache, now).find([7, 8]) == ({8: recap}, now)
