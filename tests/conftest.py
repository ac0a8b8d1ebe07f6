"""A desk to work at: the sandbox over HTTP, a folder, the real commands, and workbooks edited by hand."""

from __future__ import annotations

import gc
import ipaddress
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from hypothesis import HealthCheck, settings

from tests.helpers.client import Client
from tests.helpers.command import run
from tests.helpers.copies import end_copies
from tests.helpers.desk import Desk, settle
from tests.helpers.drawer import Drawer
from tests.helpers.fake_bss import Fake
from tests.helpers.office import Office, office_in, office_python
from tests.helpers.postgres import Postgres, postgres_in, why_not
from tests.helpers.remote import Remote, connected, connectwise_settings
from tests.helpers.tables import Case, read_case
from tests.helpers.world import (
    WRITES,
    CopiedSandbox,
    DeskAfter,
    Moments,
    Undisturbed,
    WatchedSandbox,
    World,
    approve_all,
    desk_in,
    end_of,
)
from xlsync.billing.bss import Bss
from xlsync.connectwise.client import ConnectWise
from xlsync.records import replace
from xlsync.sandbox.server import Sandbox
from xlsync.settings import BssSettings

RUN_FIXTURES = {"desk", "world", "postgres", "office"}
RUN_FILES = {"test_addin.py", "test_screen.py", "test_package.py", "test_template.py", "test_terminal.py"}
ROOM = 2 * 1024**3  # bytes in memory for what tests write

# A busy machine is slow at times: that is no finding. Examples are the same in every run, so that a test ends
# as it did before; `pytest --hypothesis-profile=explore` looks for others, and for more of them.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("xlsync", settings.get_profile("explore"), derandomize=True, max_examples=60)
settings.load_profile("xlsync")


def pytest_configure() -> None:
    """Put what tests write into memory, where Linux offers room: a disk takes almost half of the time."""
    memory = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own in it
    if memory.is_dir() and "PYTEST_DEBUG_TEMPROOT" not in os.environ:
        there = os.statvfs(memory)
        if there.f_bavail * there.f_frsize > ROOM and not there.f_flag & os.ST_NOEXEC:
            os.environ["PYTEST_DEBUG_TEMPROOT"] = str(memory)
    _keep_to_one_core()


def _keep_to_one_core() -> None:
    """Let each worker, and the programs that it starts, stay on a core of its own, where Linux can do that.

    A worker's threads, those of its sandbox among them, take turns in any case: on two cores they also wait
    for each other.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if worker and sys.platform == "linux":
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker) % len(cores)]})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as a run what uses the month's workbook, a desk, other programs, or many generated months."""
    for item in items:
        folder, name = item.path.parent.name, item.path.name
        fixtures = set(getattr(item, "fixturenames", ()))
        if folder == "runs" or fixtures & RUN_FIXTURES or name in RUN_FILES or _is_property(item):
            item.add_marker(pytest.mark.run)


def _is_property(item: pytest.Item) -> bool:
    return bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of this worker."""
    if why_not():
        pytest.skip(why_not())
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with postgres_in(Path(folder)) as server:
            yield server


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A LibreOffice of this worker."""
    if not office_python():
        pytest.skip("LibreOffice with its Python bridge is not installed here")
    with office_in(tmp_path_factory.mktemp("office")) as running:
        yield running


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    """The tables of the test's docstring, already found to give what they expect."""
    found = read_case(request.function.__doc__)
    assert found.found == found.expected
    return found


def pytest_collection_finish() -> None:
    """What is loaded by now stays: not to look at it again in every test saves a sixth of all time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000)


@pytest.fixture(scope="session", autouse=True)
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No setting, keyring or settings file of this machine reaches a test, and no test the network.

    Ctrl-C reaches what a test begins, also where a shell in whose background the tests run ignores it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("XLSYNC_")]:
            patch.delenv(name)
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        # The machine's own folder would keep a lock of every sandbox.
        patch.setenv("XLSYNC_LOCKS", str(tmp_path_factory.mktemp("locks")))
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # each command would compile it all
        connect = socket.socket.connect

        def to_loopback(self: socket.socket, address: Any) -> None:
            if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] != "127.0.0.1":
                assert ipaddress.ip_address(address[0]).is_loopback, f"a test wants to reach {address}"
            connect(self, address)

        patch.setattr(socket.socket, "connect", to_loopback)
        yield
        end_copies()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The sandbox of this worker, and October's workbook as export makes it."""
    folder = tmp_path_factory.mktemp("october")
    with WatchedSandbox() as sandbox, pytest.MonkeyPatch.context() as patch:
        begun = World.of(sandbox, folder)
        settle(patch, sandbox, folder)
        ran = run("export", "--month", "2026-10", "--json")
        assert ran.code == 0, ran.err
        patch.undo()
        yield replace(begun, log=tuple(sandbox.log), told=ran.json)


@pytest.fixture
def drawer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Drawer]:
    """A keyring in memory, in place of the operating system's."""
    before = keyring.get_keyring()
    mine = Drawer()
    keyring.set_keyring(mine)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", f"{Drawer.__module__}.Drawer")
    yield mine
    keyring.set_keyring(before)


@pytest.fixture
def remote() -> Iterator[Remote]:
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = Remote()
    yield server
    server.stop()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small one, of twenty lines."""
    with CopiedSandbox(lines=20) as one:
        yield one


@pytest.fixture
def fake(remote: Remote) -> Fake:
    return Fake(remote)


@pytest.fixture
def bss(remote: Remote) -> Iterator[Bss]:
    keys = BssSettings(
        url=remote.url,
        client_key="key",
        client_secret="made-up-secret",
        username="user",
        password="made-up-word",
    )
    one = Bss(keys, plans={}, patience=0.001)
    with one.service:
        yield one


@pytest.fixture
def connectwise(sandbox: Sandbox) -> Iterator[ConnectWise]:
    with connected(connectwise_settings(sandbox.url, sandbox.environ)) as one:
        yield one


@pytest.fixture
def client() -> Iterator[Client]:
    """Requests to a sandbox with the whole month."""
    with CopiedSandbox() as running:
        found = Client(running)
        with found.session:
            yield found


@pytest.fixture
def desk(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk on which October's workbook lies, exported and untouched."""
    world.renew()
    world.lay_out(tmp_path)
    settle(monkeypatch, world.sandbox, tmp_path)
    return desk_in(world, tmp_path)


@pytest.fixture(scope="session")
def moments(world: World, tmp_path_factory: pytest.TempPathFactory) -> Moments:
    return Moments(world, tmp_path_factory.mktemp("moments"))


@pytest.fixture
def desk_after(moments: Moments, monkeypatch: pytest.MonkeyPatch) -> DeskAfter:
    """A function that returns the desk as given steps leave it, which are done once for all tests."""
    return lambda steps: moments.desk_after(steps, monkeypatch)


@pytest.fixture
def empty_desk(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk on which nothing lies yet, and nothing is remembered."""
    world.renew()
    settle(monkeypatch, world.sandbox, tmp_path)
    return desk_in(world, tmp_path)


@pytest.fixture(scope="session")
def undisturbed(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    folder, ended = tmp_path_factory.mktemp("approved"), tmp_path_factory.mktemp("ended")
    world.renew()
    shutil.copytree(world.folder, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, world.sandbox, folder)
        desk = desk_in(world, folder)
        approve_all(desk)
    shutil.copytree(folder, ended, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, world.sandbox, ended)
        desk = desk_in(world, ended)
        ran = desk.apply()
        assert ran.code == 0, ran.err
        assert len(desk.sandbox.writes) == WRITES
        yield Undisturbed(folder, *end_of(desk))


@pytest.fixture
def approved(world: World, undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The desk in which every kind of write is approved, before apply."""
    world.renew()
    shutil.copytree(undisturbed.folder, tmp_path, dirs_exist_ok=True)
    settle(monkeypatch, world.sandbox, tmp_path)
    desk = desk_in(world, tmp_path)
    desk.be_impatient()
    return desk
