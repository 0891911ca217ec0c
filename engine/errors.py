"""Exceptions of the engine; every message is one sentence for the user."""

from __future__ import annotations


class QuantizationError(ValueError):
    """Raised if data cannot be quantized; the message says why, with a remedy."""


class SchemeError(QuantizationError):
    """Raised for an invalid word in the text of a scheme.

    Attributes
    ----------
    start, stop : int
        The word is ``text[start:stop]``; both are ``len(text)`` if a word is missing.
    """

    def __init__(self, message: str, start: int, stop: int) -> None:
        super().__init__(message)
        self.start = start
        self.stop = stop
