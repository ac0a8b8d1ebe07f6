"""`python -m xlsync`: the same commands, where the script is not on the path."""

from xlsync.cli import main

if __name__ == "__main__":
    main()
