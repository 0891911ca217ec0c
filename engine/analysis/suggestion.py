"""Search for the one change of a scheme that gains most for few more bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from quantoscope.engine.calibration import METHODS, MINMAX, Calibration
from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.evaluation.evaluator import evaluate
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.numerics.granularity import parse_granularity
from quantoscope.engine.quantizers import MAPPINGS
from quantoscope.engine.schemes.scheme import Scheme

MOST_BITS = 0.25
"""Most bits per value that a change may cost."""
LEAST_GAIN = 1.0
"""Least gain in dB that is worth a word."""
LEAST_VALUES = 64
"""Least number of values, of an array and of each channel. A change that suits fewer says little of
others, and their parameters cost more than ``MOST_BITS``."""


@dataclass(frozen=True)
class Suggestion:
    """A scheme that is better by one change."""

    scheme: Scheme
    change: str
    """The word of the choice that differs."""
    sqnr: float
    gain: float
    """In dB; the gain is over the scheme that was changed."""
    bits: float
    """Bits per value."""
    more: float
    """How many of them the change costs."""


def changes(scheme: Scheme, shape: Sequence[int]) -> Iterator[tuple[str, Scheme]]:
    """Yield every scheme that differs in one choice, with the word of that choice.

    Tried are a scale for each channel along every axis, the calibrations that search for the
    least squared error, and the other mappings.

    Parameters
    ----------
    scheme : Scheme
    shape : sequence of int
        Of the array.
    """
    size = math.prod(shape)
    found: list[tuple[str, dict[str, object]]] = []
    if scheme.granularity.whole:
        for axis, length in enumerate(shape):
            if length > 1 and size >= LEAST_VALUES * length:
                word = f"per-channel({axis})"
                found.append((word, {"granularity": parse_granularity(word)}))
    if scheme.calibration == MINMAX:
        found += [
            (name, {"calibration": Calibration(name)})
            for name, method in METHODS.items()
            if method.searches
        ]
    found += [(name, {"mapping": name}) for name in MAPPINGS if name != scheme.mapping]
    for word, change in found:
        with suppress(ValueError):
            yield word, replace(scheme, **change)  # type: ignore[arg-type]


def suggestion(
    evaluation: Evaluation,
    known: Collection[Scheme] = (),
    tell: Callable[[int, int], object] | None = None,
) -> Suggestion | None:
    """Return the one change of a scheme that gains most SQNR for at most ``MOST_BITS``.

    Parameters
    ----------
    evaluation : Evaluation
        Of the scheme to change, with its values.
    known : collection of Scheme
        Schemes that need not be suggested.
    tell : callable, optional
        Called with the number of schemes that were tried, and with that of all.

    Returns
    -------
    Suggestion or None
        None if no change gains ``LEAST_GAIN``, and for fewer than ``LEAST_VALUES`` values.
    """
    scheme, values = evaluation.concrete_scheme, evaluation.source
    sqnr, bits = evaluation.metrics["sqnr"], evaluation.metrics["bits_per_value"]
    if not math.isfinite(sqnr) or values.size < LEAST_VALUES:
        return None
    best: Suggestion | None = None
    tried = [pair for pair in changes(scheme, values.shape) if pair[1] not in known]
    for done, (word, other) in enumerate(tried):
        if tell is not None:
            tell(done, len(tried))
        with suppress(QuantizationError):
            made = evaluate(values, other)
            figure, its = made.metrics["sqnr"], made.metrics["bits_per_value"]
            gain, more = figure - sqnr, its - bits
            least = LEAST_GAIN if best is None else best.gain
            if more <= MOST_BITS and math.isfinite(gain) and gain >= least:
                best = Suggestion(other, word, figure, gain, its, more)
    return best
