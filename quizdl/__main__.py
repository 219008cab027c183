"""`python -m quizdl` and the `quizdl` script."""

import sys

from quizdl.words.streams import open_streams


def main() -> None:
    """Run the command line; the exit code is 0 (fine), 1 (problems), 2 (wrong use) or 130
    (interrupted)."""
    open_streams()
    try:
        from quizdl.words import speak
        from quizdl.words.choice import choose

        speak(choose())  # before the commands are imported: their help is made then
        from quizdl.cli import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before `run` could say so
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
