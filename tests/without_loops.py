"""Switches the compiled loops off for a while, so that numpy's formulas do it all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from quantoscope.engine.numerics import loops


@contextmanager
def numpy_alone() -> Iterator[None]:
    kept, loops.compiled = loops.compiled, None
    try:
        yield
    finally:
        loops.compiled = kept
