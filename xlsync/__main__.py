"""`xlsync` and `python -m xlsync`: the commands, and what Ctrl-C tells while they are still being loaded."""

import gc
import sys


def main() -> None:
    """Run the command line."""
    try:
        gc.disable()  # what is loaded stays: to look for garbage in it takes a tenth of the time
        from xlsync.cli import main as run  # noqa: PLC0415 - loading takes a moment, in which people give up

        gc.freeze()
        gc.enable()
        run()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
