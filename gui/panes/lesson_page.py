"""The lesson's steps, read from its page of the guide."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from quantoscope.resources import read_text

_SECTION = re.compile(r"^## ", re.MULTILINE)
_NOTE = re.compile(r"<!-- lesson\n(.*?)-->", re.DOTALL)
_TASK = re.compile(r"^(?=\*\*Do:\*\*)", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """A step: what is told, what is to be done, and how it is seen done.

    Attributes
    ----------
    title, text, task : str
        Text and task are Markdown.
    panes : tuple of str
        Keys of the panes that are brought to the front; the first one is pointed at.
    condition : str
        Name of the condition that sees the task done.
    arguments : tuple of str
        What the condition is given.
    seen : str
        What is said then, with names of facts in braces.
    scheme : str
        Scheme that is active when the step begins; empty for the one that is.
    numbers : tuple of float
        The array once the task is done, where it is one that changes numbers.
    at : str
        Position that the facts are about, or ``outlier``; empty for the chosen value.
    """

    title: str
    text: str
    task: str
    panes: tuple[str, ...]
    condition: str
    arguments: tuple[str, ...]
    seen: str
    scheme: str = ""
    numbers: tuple[float, ...] = field(default=())
    at: str = ""


def lesson_steps() -> tuple[Step, ...]:
    """Return the steps of the page, in its order."""
    _, *sections = _SECTION.split(read_text("guide/lesson.md"))
    return tuple(map(_step, sections))


def _step(section: str) -> Step:
    title, _, body = section.partition("\n")
    told, note = _NOTE.sub("", body), _NOTE.search(body)
    assert note is not None, f"the step {title!r} of the lesson has no note"
    keys = dict(line.split(": ", 1) for line in note[1].strip().splitlines())
    text, task = _TASK.split(told)
    condition, *arguments = keys["done"].split()
    numbers = keys.get("numbers", "")
    return Step(
        title.strip(),
        text.strip(),
        task.strip(),
        tuple(keys["panes"].split(", ")),
        condition,
        tuple(arguments),
        keys["seen"],
        keys.get("scheme", ""),
        tuple(map(float, numbers.split(", "))) if numbers else (),
        keys.get("at", ""),
    )
