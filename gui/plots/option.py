"""Display option of a plot."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """A display option of a plot.

    Attributes
    ----------
    key, title : str
    choices : tuple of (str, str)
        Key and title of each; the first is the default.
    """

    key: str
    title: str
    choices: tuple[tuple[str, str], ...]
