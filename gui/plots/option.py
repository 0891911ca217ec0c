"""A choice that a plot offers of how to look at its data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """A choice of how to look at the data of a plot.

    Attributes
    ----------
    key, title : str
    choices : tuple of (str, str)
        Key and title of each; the first one is chosen at first.
    """

    key: str
    title: str
    choices: tuple[tuple[str, str], ...]
