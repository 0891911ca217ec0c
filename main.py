"""Quantoscope: see what int8 quantization does to your numbers."""

import gc
import sys
from collections.abc import Sequence

from gui import preflight


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand of the engine, or else open the window; give the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if complaint := preflight.problem(window=False):
        print(complaint, file=sys.stderr)
        return 1
    if words:
        from engine import cli

        if words[0] in {*cli.COMMANDS, "--help", "-h", "--version"}:
            return cli.main(words)
    if complaint := preflight.problem():
        print(complaint, file=sys.stderr)
        return 1
    # What is imported stays: looking for garbage in it, now or later, is time lost. And Qt's
    # binding reads the source of every module that is imported after it: the engine goes first.
    gc.disable()
    import engine  # noqa: F401
    from gui import app

    gc.freeze()
    gc.enable()
    return app.main(words)


if __name__ == "__main__":
    sys.exit(main())
