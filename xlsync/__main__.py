"""The program `xlsync` and `python -m xlsync`; it also answers Ctrl-C while commands are being loaded."""

import gc
import sys


def main() -> None:
    """Run the command line."""
    gc.set_threshold(100_000)  # loading makes no garbage, and is a tenth faster without looks for it
    try:
        from xlsync.cli import main as run  # noqa: PLC0415 - loading takes a moment, in which people give up

        run()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(1)
    finally:
        gc.freeze()  # the process ends: a last look for garbage would take as long as a twentieth of a check


if __name__ == "__main__":
    main()
