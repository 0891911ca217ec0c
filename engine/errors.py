"""The engine's exceptions; every message is one sentence that is fit for a dialog."""

from __future__ import annotations


class QuantizationError(ValueError):
    """The data or the scheme cannot be quantized; the message says why and what would help."""


class SchemeError(QuantizationError):
    """A scheme's text has a wrong word.

    Attributes
    ----------
    start, stop : int
        The wrong word is ``text[start:stop]``; both are ``len(text)`` where a word is missing.
    """

    def __init__(self, message: str, start: int, stop: int) -> None:
        super().__init__(message)
        self.start = start
        self.stop = stop
