"""Entry point: runs a command, or opens the window."""

import gc
import sys
from collections.abc import Sequence

from quantoscope.gui import preflight


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand, or else open the window; return the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if complaint := preflight.problem(window=False):
        print(complaint, file=sys.stderr)
        return 1
    if words:
        from quantoscope.engine import cli
        from quantoscope.gui import command_line

        drawn = words[0] in command_line.COMMANDS
        if drawn:
            # There is no event loop between whose events garbage could be collected.
            gc.disable()
            command_line.offscreen()
            if complaint := preflight.problem():
                print(complaint, file=sys.stderr)
                return 1
        if drawn or words[0] in {*cli.COMMANDS, "--help", "-h", "--version"}:
            return cli.main(words, command_line.register)
        if complaint := command_line.complaint(words):
            return cli.fail(complaint)
    if complaint := preflight.problem():
        print(complaint, file=sys.stderr)
        return 1
    # Imported modules stay: collecting garbage in them wastes time. PySide
    # reads the source of every module imported after it, so import the engine first.
    # Nothing collects until the event loop does.
    gc.disable()
    from quantoscope import engine  # noqa: F401
    from quantoscope.gui import app

    gc.freeze()
    return app.main(words)


if __name__ == "__main__":
    sys.exit(main())
