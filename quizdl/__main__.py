"""`python -m quizdl` and the `quizdl` script."""

import sys


def main() -> None:
    """Run the command line; the exit code is 0 (fine), 1 (problems) or 2 (wrong use)."""
    from quizdl.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
