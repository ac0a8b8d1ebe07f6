"""`python -m xlsync.sandbox --port 8765`: serve until interrupted, like `xlsync sandbox`."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from xlsync.sandbox.server import Sandbox
from xlsync.sandbox.world.story import MOST_LINES

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m xlsync.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, help=f"billing lines in October, up to {MOST_LINES}")
    parser.add_argument("--state", type=Path, help="folder that keeps what is written to ConnectWise")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to every answer")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        Sandbox(**vars(given)).serve_forever()
