"""Quantoscope: see what int8 quantization does to your numbers."""

import sys
from collections.abc import Sequence

from gui import preflight


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand of the engine, or else open the window; give the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if complaint := preflight.problem(window=False):
        print(complaint, file=sys.stderr)
        return 1
    from engine import cli

    if words and words[0] in {*cli.COMMANDS, "--help", "-h", "--version"}:
        return cli.main(words)
    if complaint := preflight.problem():
        print(complaint, file=sys.stderr)
        return 1
    from gui import app

    return app.main(words)


if __name__ == "__main__":
    sys.exit(main())
