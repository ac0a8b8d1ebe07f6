"""A PostgreSQL of the tests' own: from the distribution's packages, in a folder that is thrown away."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.closed_port import closed_port

USER, PASSWORD = "team", "made-up-word"


def find_programs() -> Path | None:
    """The folder of PostgreSQL's own programs: Debian keeps them out of PATH."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return folders[0].parent if folders else None


def _as_other_user() -> list[str]:
    """How to run a program as the packages' own user: PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def why_not() -> str:
    """Why no PostgreSQL can be started here; empty where one can."""
    if os.name == "nt" or find_programs() is None:
        return "PostgreSQL is not installed (on Debian: apt-get install postgresql)"
    if os.getuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "PostgreSQL refuses to run as root, and there is no user postgres"
    return ""


@dataclass(slots=True)
class Postgres:
    """A server on loopback, with one database for each name that is asked for."""

    programs: Path
    folder: Path
    port: int

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def control(self, *words: str) -> None:
        command = [*_as_other_user(), str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder)

    def start(self) -> None:
        """Start it, and wait until it answers: for ten minutes, since a busy machine is slow."""
        given = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self.control("-w", "-t", "600", "-s", "-l", str(self.folder / "log"), "-o", given, "start")

    def stop(self) -> None:
        """Stop it at once, as where a cable is pulled."""
        self.control("-w", "-s", "-m", "immediate", "stop")


@contextmanager
def postgres_in(folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL in an empty folder, while this lasts."""
    programs = find_programs()
    assert programs
    secret = folder / "word"
    secret.write_text(PASSWORD)
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        os.chown(secret, user.pw_uid, user.pw_gid)
    made = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", USER, "-A", "scram-sha-256"]
    made += ["--pwfile", str(secret), "--no-sync", "-E", "UTF8"]
    subprocess.run([*_as_other_user(), *made], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    server = Postgres(programs, folder, closed_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()
