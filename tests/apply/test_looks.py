"""How often ConnectWise is looked at around the changes of additions, and what a look may serve."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from tests.helpers.additions import one_more_unit
from tests.helpers.remote import connected, connectwise_settings
from tests.helpers.two_clocks import TwoClocks
from xlsync.apply.actions import Action, CreateAddition, UpdateAddition
from xlsync.apply.freshness import FRESH, SHARED
from xlsync.apply.journal import Journal
from xlsync.apply.lookup import Live
from xlsync.apply.perform import REQUESTS_OF_A_WRITE, perform
from xlsync.apply.plan import Outcome, Plan, State
from xlsync.apply.runs import list_runs
from xlsync.connectwise.client import ConnectWise
from xlsync.models import Addition
from xlsync.records import replace
from xlsync.sandbox.server import Sandbox
from xlsync.settings import Creation

NOON = dt.datetime(2026, 11, 2, 12, 0, tzinfo=dt.UTC)
LIST, ONE = "GET additions", "GET addition"  # a look at all additions of an agreement, and at one
ONE_CHANGE = [ONE, "PATCH addition", ONE]
DONE = [State.DONE] * 4


def changes_of(sandbox: Sandbox, seen: Addition) -> list[UpdateAddition]:
    """Changes of four additions of one agreement, copies of one that is there."""
    held = sandbox.connectwise.additions
    new = range(max(held) + 1, max(held) + 5)
    for id_ in new:
        held[id_] = {**held[seen.id], "id": id_}
    return [replace(one_more_unit(replace(seen, id=id_)), key=f"update:{id_}") for id_ in new]


def carry_out(
    actions: Sequence[Action],
    connectwise: ConnectWise,
    home: Path,
    *,
    clock: TwoClocks | None = None,
    share: Callable[[str, int, str], None] | None = None,
    progress: Callable[[Outcome], None] | None = None,
) -> tuple[Outcome, ...]:
    journal = Journal.begin(
        home, "demo", command="apply", workbook="x.xlsx", month="2026-10", now=NOON, share=share
    )
    live = Live(connectwise, Creation(), clock=clock) if clock else Live(connectwise, Creation())
    try:
        return perform(Plan(tuple(actions)), live, journal, progress)
    finally:
        journal.end()


@pytest.fixture
def hurried(sandbox: Sandbox) -> Iterator[ConnectWise]:
    """ConnectWise at a rate that three requests for each of four changes would have to wait for."""
    settings = connectwise_settings(sandbox.url, sandbox.environ)
    rate = REQUESTS_OF_A_WRITE * len(DONE) - 1
    with connected(replace(settings, requests_per_minute=rate)) as one:
        yield one


def asked(sandbox: Sandbox) -> list[str]:
    """What was asked for, in order."""
    kinds = {r"/additions$": "additions", r"/additions/\d+$": "addition"}
    return [
        f"{request.method} {name}"
        for request in sandbox.log
        for pattern, name in kinds.items()
        if re.search(pattern, request.path)
    ]


def states(results: tuple[Outcome, ...]) -> list[State]:
    return [result.state for result in results]


def assert_the_third_is_left(sandbox: Sandbox, results: tuple[Outcome, ...], theirs: int) -> None:
    """The third of four changes gives way to a colleague's 99 units, and says so."""
    assert states(results) == [State.DONE, State.DONE, State.SKIPPED, State.DONE]
    assert "is now 99" in results[2].detail
    assert sandbox.connectwise.additions[theirs]["quantity"] == 99


def test_a_change_of_an_addition_takes_one_look_before_one_write_and_one_look_after(
    sandbox: Sandbox, connectwise: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    sandbox.log.clear()
    (result,) = carry_out([one_more_unit(seen)], connectwise, tmp_path)
    assert result.state is State.DONE
    assert [request.method for request in sandbox.log] == ["GET", "PATCH", "GET"]
    assert asked(sandbox) == ONE_CHANGE


def test_each_of_several_changes_of_an_agreement_has_a_look_of_its_own_right_before_it(
    sandbox: Sandbox, connectwise: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    changes = changes_of(sandbox, seen)
    sandbox.log.clear()
    assert states(carry_out(changes, connectwise, tmp_path)) == DONE
    assert asked(sandbox) == ONE_CHANGE * len(changes)


def test_of_changes_that_share_looks_the_look_after_some_is_the_look_before_the_next(
    sandbox: Sandbox, hurried: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    """But for the first of a run, whose refusal would stop it."""
    changes, clock = changes_of(sandbox, seen), TwoClocks()
    for write in range(2, 5):
        sandbox.fail("call-after", write=write, call=lambda: clock.move(SHARED + 0.1, SHARED + 0.1))
    sandbox.log.clear()
    assert states(carry_out(changes, hurried, tmp_path, clock=clock)) == DONE
    one_of_more = [LIST, "PATCH addition"]
    assert asked(sandbox) == [*ONE_CHANGE, *one_of_more, *one_of_more, *one_of_more, ONE]


def test_changes_that_would_wait_for_the_rate_share_a_look_before_and_a_look_after(
    sandbox: Sandbox, hurried: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    changes = changes_of(sandbox, seen)
    sandbox.log.clear()
    assert states(carry_out(changes, hurried, tmp_path)) == DONE
    assert asked(sandbox) == [*ONE_CHANGE, LIST, *["PATCH addition"] * 3, LIST]
    held = sandbox.connectwise.additions
    assert {held[change.seen.id]["quantity"] for change in changes} == {seen.quantity + 1}


def test_what_a_colleague_changes_while_another_addition_of_the_agreement_is_written_is_not_written_over(
    sandbox: Sandbox, connectwise: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    changes = changes_of(sandbox, seen)
    theirs = changes[2].seen.id

    def colleague() -> None:
        sandbox.connectwise.additions[theirs]["quantity"] = Decimal(99)

    sandbox.fail("call-after", write=2, call=colleague)
    results = carry_out(changes, connectwise, tmp_path)
    assert_the_third_is_left(sandbox, results, theirs)


def test_a_look_that_is_more_than_half_a_second_old_serves_no_further_change(
    sandbox: Sandbox, hurried: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    changes, clock = changes_of(sandbox, seen), TwoClocks()
    theirs = changes[2].seen.id

    def colleague() -> None:
        clock.move(SHARED + 0.1, SHARED + 0.1)
        sandbox.connectwise.additions[theirs]["quantity"] = Decimal(99)

    sandbox.fail("call-after", write=2, call=colleague)
    results = carry_out(changes, hurried, tmp_path, clock=clock)
    assert_the_third_is_left(sandbox, results, theirs)


def test_a_change_that_waited_between_a_shared_look_and_its_request_is_looked_at_again(
    sandbox: Sandbox, hurried: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    changes, clock = changes_of(sandbox, seen), TwoClocks()
    theirs = changes[2].seen.id

    def sleep(_run: str, _number: int, line: str) -> None:
        if '"event": "before"' in line and changes[2].key in line and clock.moment.running < 2000:
            clock.move(1000, 1000)
            sandbox.connectwise.additions[theirs]["quantity"] = Decimal(99)

    results = carry_out(changes, hurried, tmp_path, clock=clock, share=sleep)
    assert_the_third_is_left(sandbox, results, theirs)


def test_a_list_that_lags_behind_proves_nothing_and_serves_no_further_change(
    sandbox: Sandbox, hurried: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    changes, clock = changes_of(sandbox, seen), TwoClocks()
    sandbox.fail("call-after", write=2, call=lambda: clock.move(SHARED + 0.1, SHARED + 0.1))
    sandbox.connectwise.additions[changes[3].seen.id]["quantity"] = seen.quantity + 1  # as it is wanted
    sandbox.log.clear()
    second = changes[1].seen.id

    def show(quantity: Decimal) -> None:
        sandbox.connectwise.additions[second]["quantity"] = quantity

    sandbox.fail("call", path="GET .*/additions$", skip=1, call=lambda: show(seen.quantity))
    sandbox.fail("call", path=f"GET .*/additions/{second}$", call=lambda: show(seen.quantity + 1))
    assert states(carry_out(changes, hurried, tmp_path, clock=clock)) == [*[State.DONE] * 3, State.ALREADY]
    second_change = [LIST, "PATCH addition", LIST, ONE]
    assert asked(sandbox) == [*ONE_CHANGE, *second_change, *ONE_CHANGE, ONE]


@pytest.mark.parametrize("fault", ["hang-up-after", "error-after", "gateway-after"])
@pytest.mark.parametrize("rate", ["connectwise", "hurried"])
def test_where_answers_are_lost_among_changes_of_an_agreement_none_is_sent_twice(
    sandbox: Sandbox, seen: Addition, tmp_path: Path, fault: str, rate: str, request: pytest.FixtureRequest
) -> None:
    changes = changes_of(sandbox, seen)
    sandbox.fail(fault, write=2, times=2)
    assert states(carry_out(changes, request.getfixturevalue(rate), tmp_path)) == DONE
    assert len(sandbox.writes) == len(changes)


def test_a_refusal_among_changes_of_an_agreement_fails_its_own_row_only(
    sandbox: Sandbox, hurried: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    changes = changes_of(sandbox, seen)
    sandbox.fail("forbid", write=3)
    results = carry_out(changes, hurried, tmp_path)
    assert states(results) == [State.DONE, State.DONE, State.FAILED, State.DONE]
    ((*written,),) = (run.writes for run in list_runs(tmp_path, "demo"))
    assert [write.state for write in written] == ["done", "done", "failed", "done"]


def test_a_refusal_that_stops_the_run_stops_the_changes_of_another_agreement_under_way(
    sandbox: Sandbox, connectwise: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    """ConnectWise refuses the first creation while the second change is under way."""
    changes = changes_of(sandbox, seen)
    held = sandbox.connectwise.additions.values()
    other = next(
        one for one in held if one["agreementId"] != seen.agreement_id and not one.get("cancelledDate")
    )
    before = connectwise.read_addition(other["agreementId"], other["id"])
    assert before is not None
    waits = one_more_unit(before)
    is_under_way, is_refused = threading.Event(), threading.Event()
    creation = CreateAddition(
        key="add",
        rows=("row",),
        agreement=before.agreement_id,
        item=max(sandbox.connectwise.catalog),
        quantity=Decimal(1),
        unit_cost=None,
        effective=None,
        customer="Contoso",
        product="Backup",
    )

    def tell(result: Outcome) -> None:
        if result.key == waits.key:  # the creation comes right behind it
            is_under_way.wait(600)
        elif result.key == creation.key:
            is_refused.set()

    def wait_for_refusal() -> None:
        is_under_way.set()
        is_refused.wait(600)

    sandbox.fail("forbid", path="POST")
    sandbox.fail("call", path=f"PATCH .*/{changes[1].seen.id}$", call=wait_for_refusal)
    results = carry_out([*changes, waits, creation], connectwise, tmp_path, progress=tell)
    assert {result.key: result.state for result in results} == {
        waits.key: State.DONE,
        creation.key: State.FAILED,
        changes[0].key: State.DONE,
        changes[1].key: State.DONE,
        changes[2].key: State.SKIPPED,
        changes[3].key: State.SKIPPED,
    }
    assert all("the run stopped when" in result.detail for result in results if result.state is State.SKIPPED)


class Killed(BaseException):
    """The end of a process."""


def test_a_run_that_is_killed_before_it_looked_at_several_changes_ends_in_the_same_way_when_repeated(
    sandbox: Sandbox, hurried: ConnectWise, connectwise: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    changes = changes_of(sandbox, seen)
    sent: list[str] = []

    def die(_run: str, _number: int, line: str) -> None:
        sent.append(line)
        if '"event": "before"' in line and changes[3].key in line:
            raise Killed

    with pytest.raises(Killed):
        carry_out(changes, hurried, tmp_path, share=die)
    ((*written,),) = (run.writes for run in list_runs(tmp_path, "demo"))
    assert [write.state for write in written] == ["done", "unknown", "unknown", "unknown"]
    assert [write.was for write in written] == [{"quantity": seen.quantity}] * 4
    results = carry_out(changes, connectwise, tmp_path)
    assert states(results) == [State.ALREADY, State.ALREADY, State.ALREADY, State.DONE]
    assert len(sandbox.writes) == len(changes)


def test_agreements_and_customers_that_were_read_long_ago_are_read_anew_in_one_request(
    sandbox: Sandbox, connectwise: ConnectWise
) -> None:
    clock = TwoClocks()
    live = Live(connectwise, Creation(), clock=clock)
    agreements = {id_: one["company"]["id"] for id_, one in list(sandbox.connectwise.agreements.items())[:4]}
    live.read_agreements(agreements)
    live.read_companies(set(agreements.values()))
    clock.move(FRESH + 1, FRESH + 1)
    ended = list(agreements)[-1]
    sandbox.connectwise.agreements[ended]["cancelledFlag"] = True
    sandbox.log.clear()
    now = {id_: live.agreement(id_) for id_ in agreements}
    assert all(live.company_name(company) for company in agreements.values())
    assert [request.path for request in sandbox.log] == ["/finance/agreements", "/company/companies"]
    assert {id_ for id_, one in now.items() if one is not None and one.closed} == {ended}


def test_agreements_whose_list_cannot_be_read_are_read_one_by_one(
    sandbox: Sandbox, connectwise: ConnectWise
) -> None:
    clock = TwoClocks()
    live = Live(connectwise, Creation(), clock=clock)
    ids = list(sandbox.connectwise.agreements)[:3]
    live.read_agreements(ids)
    clock.move(FRESH + 1, FRESH + 1)
    sandbox.fail("forbid", path="GET /finance/agreements$", times=9)
    sandbox.log.clear()
    assert all(live.agreement(id_) for id_ in ids)
    paths = [request.path for request in sandbox.log]
    assert paths == ["/finance/agreements", *(f"/finance/agreements/{id_}" for id_ in ids)]
