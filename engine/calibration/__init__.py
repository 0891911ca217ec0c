"""Calibration methods: from data to a clipping range; a new one is one file and one line here."""

from __future__ import annotations

import math
from dataclasses import dataclass

from quantoscope.engine.calibration.base import Method, shortest
from quantoscope.engine.calibration.entropy import Entropy
from quantoscope.engine.calibration.manual import Manual
from quantoscope.engine.calibration.minmax import MinMax
from quantoscope.engine.calibration.mse import Mse
from quantoscope.engine.calibration.percentile import Percentile

METHODS: dict[str, Method] = {
    method.name: method for method in (MinMax(), Manual(), Percentile(), Mse(), Entropy())
}
"""Every method by name, in the order of menus."""


@dataclass(frozen=True)
class Calibration:
    """A calibration method with its arguments.

    Parameters
    ----------
    method : str
        Key of ``METHODS``.
    arguments : tuple of float
        Its numbers, as many as the method's ``counts`` allow.

    Raises
    ------
    ValueError
        If there is no such method, or its arguments are invalid.
    """

    method: str = "minmax"
    arguments: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        known = METHODS.get(self.method)
        if known is None:
            raise ValueError(f"there is no calibration {self.method!r}")
        if len(self.arguments) not in known.counts:
            wanted = "takes no numbers" if known.counts == (0,) else f"is written {known.signature}"
            raise ValueError(f"{self.method} {wanted}")
        if problem := known.problem(self.arguments):
            raise ValueError(problem)
        if not all(map(math.isfinite, self.arguments)):
            raise ValueError(f"{known.signature} takes finite numbers")

    def __str__(self) -> str:
        if not self.arguments:
            return self.method
        return f"{self.method}({','.join(map(shortest, self.arguments))})"

    @property
    def how(self) -> Method:
        """The method."""
        return METHODS[self.method]

    @property
    def fixed(self) -> tuple[float, float] | None:
        """Range set by hand; None if it comes from the data."""
        if not self.how.by_hand:
            return None
        low, high = self.arguments
        return low, high

    @property
    def origin(self) -> str:
        """Origin of the range, in two or three words."""
        return self.how.origin(str(self))


MINMAX = Calibration()


def calibrations_in_words() -> str:
    """Return the notation of all methods, for a sentence."""
    return ", ".join(method.signature for method in METHODS.values())
