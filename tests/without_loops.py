"""Switches the compiled loops off for a while, so that numpy's formulas do it all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from quantoscope.engine.evaluation import compiled
from quantoscope.engine.numerics import loops


@contextmanager
def numpy_alone() -> Iterator[None]:
    kept = compiled._loops, loops.compiled
    compiled._loops = loops.compiled = None
    try:
        yield
    finally:
        compiled._loops, loops.compiled = kept
