"""The compiled loops, where they are built and not switched off."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from typing import Any

SWITCH = "QUANTOSCOPE_LOOPS"
"""Environment variable that switches the compiled loops off, if it is ``0``."""
compiled: Any = None
"""The extension module; None if numpy alone does it all."""
if os.environ.get(SWITCH, "1") != "0":
    # Not built where there was no compiler.
    with suppress(ImportError):
        compiled = import_module("quantoscope.engine._loops")
