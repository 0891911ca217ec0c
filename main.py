"""Start Quantoscope from a checkout: what the command ``quantoscope`` starts."""

import sys

try:
    from quantoscope.gui.__main__ import main
except ModuleNotFoundError as error:
    if not (error.name or "").startswith("quantoscope"):
        raise
    sys.exit(
        f"Quantoscope is not installed for this Python: run {sys.executable} -m pip install -e ."
    )

if __name__ == "__main__":
    sys.exit(main())
