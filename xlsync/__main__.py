"""The program `xlsync` and `python -m xlsync`; it also answers Ctrl-C while commands are being loaded."""

import gc
import sys


def main() -> None:
    """Run the command line."""
    try:
        gc.disable()  # loading makes no garbage, and is a tenth faster without
        try:
            from xlsync.cli import main as run  # noqa: PLC0415 - loading takes a moment, in which people give up
        finally:
            gc.freeze()
            gc.enable()
        run()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
