"""Convert a document to a saved session and back."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication

from quantoscope.engine import QuantizationError, Scheme
from quantoscope.engine.io import list_tensors, load, load_codes
from quantoscope.engine.io.base import listing
from quantoscope.engine.io.saved import (
    SavedScheme,
    SavedSession,
    SavedSource,
    SavedTensor,
    described,
    placed,
    seen,
    unchanged,
)
from quantoscope.engine.numerics.arrays import as_working
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.plain_text import plain
from quantoscope.gui.common.theme import COLOURS, LINE_STYLES, MARKERS
from quantoscope.gui.document.document import Document
from quantoscope.gui.document.snapshot import DeviceCodes, Entry
from quantoscope.gui.document.tensors import COPIED, Source, Tensor, next_version, of_file
from quantoscope.gui.plots import PLOT
from quantoscope.gui.workers.background import PartProgress, Progress

NOTES = 8
"""Maximum number of notes on an opened session, which may have one per file."""

_CHOICE = 1000
"""Maximum length of a display option that is looked at."""
_NAMED = 3
"""Maximum number of edited arrays listed by name."""
_tr = partial(QCoreApplication.translate, "saving")
_working = partial(as_working, allow_empty=True)


# Saving


@dataclass(frozen=True)
class Draft:
    """A frozen document, taken quickly on the GUI thread."""

    session: SavedSession
    """Session whose sources have their fingerprints at reading time, without digests."""
    read: frozenset[int] = frozenset()
    """Indices of the sources that were read; the others are not accessed."""
    arrays: Mapping[int, np.ndarray] = field(default_factory=dict)
    """Values per tensor index that are not stored as long as its file has them."""

    def finished(self, file: Path | None, part: PartProgress | None = None) -> Finished:
        """Return the session with digests of its sources; runs on any thread.

        A missing or replaced source is no error: its path is kept, and the values that
        it had are stored in the session.
        """
        sources, lost = [], set()
        for place, source in enumerate(self.session.sources):
            step = None if part is None else part(place, len(self.session.sources))
            found = placed(source, file)
            if place in self.read:
                try:
                    now = seen(Path(source.path))
                    if source.replaced_by(now):
                        same = False
                    elif source.modified in (0, now.modified):
                        made = described(source, file, step)
                        same = now.size == made.size and source.digest in ("", made.digest)
                        found = made if same else found
                    else:
                        same = unchanged(source, Path(source.path), step)
                except OSError:
                    same = False
                if not same:
                    lost.add(place)
            sources.append(found)
        tensors = [
            replace(tensor, array=self.arrays[place])
            if tensor.source in lost and place in self.arrays
            else tensor
            for place, tensor in enumerate(self.session.tensors)
        ]
        session = replace(self.session, sources=tuple(sources), tensors=tuple(tensors))
        return Finished(session, tuple(plain(Path(sources[place].path).name) for place in lost))


@dataclass(frozen=True)
class Finished:
    """A session ready for writing."""

    session: SavedSession
    lost: tuple[str, ...] = ()
    """Source files that are missing or replaced."""

    @property
    def told(self) -> str:
        """Message on these files; empty if there are none."""
        if not self.lost:
            return ""
        text = _tr(
            "Missing, or changed since it was read: %1. The session now contains what"
            " you have viewed of it, but not the rest."
        )
        return filled(text, listing(self.lost))


def what_changed(document: Document) -> str:
    """Name the unsaved parts: arrays, the list of schemes; empty if there are none."""
    titles, schemes = document.unsaved
    shown = titles[:_NAMED]
    if len(titles) > _NAMED:
        shown.append(filled(_tr("%1 more arrays"), f"{len(titles) - _NAMED:,}"))
    if schemes:
        shown.append(_tr("the list of schemes"))
    if not shown[1:]:
        return "".join(shown)
    return filled(_tr("%1 and %2"), ", ".join(shown[:-1]), shown[-1])


def draft(document: Document, view: Mapping[str, Any], patches: bool = False) -> Draft:
    """Freeze a document for saving.

    Large arrays are not copied: either edits are blocked until the draft is written, or they are
    stored as ``patches``: the values edited relative to the file.
    """
    paths = [source.path for source in document.sources if source.path is not None]
    if patches:
        bases = [tensor.base[0] for tensor in document.tensors if tensor.base is not None]
        paths = list(dict.fromkeys([*paths, *bases]))
    tensors: list[SavedTensor] = []
    current = None
    for tensor in document.tensors:
        if tensor is document.current:
            current = len(tensors)
        tensors.append(_patched(tensor, paths) if patches else _whole(tensor, paths))
    schemes = tuple(
        SavedScheme(str(e.scheme), e.label, e.colour, e.line, e.marker, e.enabled)
        for e in document.entries
    )
    uids = [entry.uid for entry in document.entries]
    active = uids.index(document.active_uid) if document.active_uid in uids else None
    known = {source.path: source.known for source in document.sources}
    sources = tuple(known.get(path) or SavedSource(str(path)) for path in paths)
    title = what_changed(document) or document.title
    if document.file is not None:
        title = plain(document.file.name)
    session = SavedSession(sources, tuple(tensors), schemes, current, active, title, dict(view))
    unread = {source.path for source in document.sources if source.problem}
    read = frozenset(place for place, path in enumerate(paths) if path not in unread)
    arrays = {
        place: tensor.array
        for place, (tensor, saved) in enumerate(zip(document.tensors, tensors, strict=True))
        if saved.array is None and saved.where is None
    }
    return Draft(session, read, arrays)


def _whole(tensor: Tensor, paths: list[Path]) -> SavedTensor:
    """Return a tensor with its values, unless they are large and in its file."""
    place = paths.index(tensor.path) if tensor.path in paths else None
    device = tensor.device
    saved = SavedTensor(
        tensor.title,
        place,
        tensor.name,
        codes=None if device is None else device.codes,
        codes_name="" if device is None else device.name,
        edited=tensor.differs,
        chosen=tensor.chosen,
        axes=tensor.axes,
        role=tensor.role,
    )
    if place is not None and not tensor.differs and tensor.array.size > COPIED:
        return saved
    return replace(saved, array=tensor.array)


def _patched(tensor: Tensor, paths: list[Path]) -> SavedTensor:
    """Return a tensor with only its edited values if it is large."""
    whole = _whole(tensor, paths)
    if tensor.base is None or tensor.touched is None or tensor.array.size <= COPIED:
        return whole
    path, name = tensor.base
    if whole.array is None and path == tensor.path:
        return whole
    where = np.unique(np.concatenate([*tensor.touched, np.zeros(0, np.intp)]))
    values = tensor.array.reshape(-1)[where]
    return replace(
        whole, source=paths.index(path), name=name, array=None, where=where, values=values
    )


# Opening


@dataclass
class Opened:
    """A session converted for the document, with notes."""

    sources: tuple[Source, ...]
    current: Tensor
    entries: tuple[Entry, ...]
    active_uid: int | None
    view: Mapping[str, Any]
    notes: list[str] = field(default_factory=list)
    incomplete: bool = False
    """Whether edits wait for a file that cannot be read now."""

    @property
    def told(self) -> str:
        """Notes as one message, without duplicates and limited in number."""
        each = list(dict.fromkeys(self.notes))
        more = filled(_tr("There are %1 more notes like these."), f"{len(each) - NOTES:,}")
        return " ".join([*each[:NOTES], *([more] if len(each) > NOTES else [])])


def place_of(saved: SavedSource, file: Path) -> Path:
    """Return the path of a source: relative to the session if it was, else as stored."""
    folder = file.absolute().parent
    # Impossible names, too long or with a NUL, do not exist.
    # Up to Python 3.12, a loop of links raises RuntimeError.
    with suppress(ValueError, OSError, RuntimeError):
        beside = folder / saved.beside
        # Never outside the session's folder, whatever the session states.
        inside = beside.resolve().is_relative_to(folder.resolve())
        if saved.beside and inside and beside.is_file():
            return beside
    return Path(saved.path)


def opened(saved: SavedSession, file: Path, agreed: bool, part: PartProgress) -> Opened:
    """Build the document's contents from a session in ``file``; runs on any thread.

    The files that it refers to are read only if ``agreed``.
    """
    notes: list[str] = []
    waiting: list[Tensor] = []
    sources: list[Source] = []
    changed: list[Source] = []
    for done, one in enumerate(saved.sources):
        step = part(done, len(saved.sources) + len(saved.tensors))
        step(0, 1)
        sources.append(_source(one, file, agreed, step, notes, changed))
    others = set(changed)
    named = [{tensor.name: tensor for tensor in source.tensors} for source in sources]
    alone: list[Source] = []
    tensors: list[Tensor] = []
    for done, tensor in enumerate(saved.tensors):
        part(len(saved.sources) + done, len(saved.sources) + len(saved.tensors))(0, 1)
        place = tensor.source
        source, known = (None, {}) if place is None else (sources[place], named[place])
        shown = tensor is _at(saved.tensors, saved.current)
        found = _tensor_of(tensor, source, known, shown, notes, waiting)
        if source in others and tensor.array is not None:
            # The stored values differ from those now in the file.
            found.opened_version, found.base = 0, None
        tensors.append(found)
        if source is None:
            alone.append(Source(None, [found]))
    for source, known in zip(sources, named, strict=True):
        if len(known) > len(source.tensors):
            source.tensors = list(known.values())
    entries, active = _entries(saved, notes)
    current = _at(tensors, saved.current)
    every = tuple(source for source in (*sources, *alone) if source.tensors or source.problem)
    if current is None or not current.loaded:
        current = next((tensor for tensor in tensors if tensor.loaded), None)
    if current is None:
        current = Tensor(_tr("Empty"))
        current.take(np.zeros(0, np.float32))
        every = (*every, Source(None, [current], given=True))
    view = _sound_options(saved.view, notes)
    return Opened(every, current, entries, active, view, notes, bool(waiting))


def _sound_options(view: Mapping[str, Any], notes: list[str]) -> Mapping[str, Any]:
    """Return the view with those display options that its plots have; others are noted."""
    options = view.get("options", {})
    if not isinstance(options, dict):
        options = {"": options}
    sound: dict[str, dict[str, str]] = {}
    lost: list[str] = []
    for name, chosen in options.items():
        kind = PLOT.get(name)
        for key, choice in chosen.items() if isinstance(chosen, dict) else [("", chosen)]:
            if kind is not None and isinstance(choice, str) and kind.takes(key, choice[:_CHOICE]):
                sound.setdefault(name, {})[key] = choice[:_CHOICE]
            else:
                lost.append(kind.name or name.capitalize() if kind is not None else plain(name))
    if lost:
        text = _tr("Display options that this version does not have are as at first: %1.")
        notes.append(filled(text, listing([name or "?" for name in dict.fromkeys(lost)])))
    return {**view, "options": sound} if "options" in view else view


def _at(things: Any, place: int | None) -> Any:
    return None if place is None else things[place]


def _source(
    saved: SavedSource,
    file: Path,
    agreed: bool,
    step: Progress,
    notes: list[str],
    changed: list[Source],
) -> Source:
    path = place_of(saved, file)
    known = replace(saved, path=str(path))
    if not agreed:
        problem = _tr("Not read: you did not agree.")
        return Source(path, [], problem=problem, known=known)
    try:
        source = of_file(path, list_tensors(path))
        same = unchanged(saved, path, step)
    except (QuantizationError, OSError) as error:
        notes.append(str(error))
        return Source(path, [], problem=str(error), known=known)
    if not same:
        text = _tr(
            "%1 has changed since: what the session contains is as you left it, all "
            "else is as in the file now."
        )
        notes.append(filled(text, plain(path.name)))
        changed.append(source)
    elif source.known is not None:
        source.known = replace(source.known, digest=saved.digest)
    return source


def _tensor_of(
    saved: SavedTensor,
    source: Source | None,
    named: dict[str | None, Tensor],
    shown: bool,
    notes: list[str],
    waiting: list[Tensor],
) -> Tensor:
    """Return a tensor from its file, or a new one with the session's own values.

    Tensors missing in the file are added to ``named``, its tensors by name. Tensors whose
    edits cannot be applied are added to ``waiting``.
    """
    found = named.get(saved.name)
    if found is None and saved.name is None:
        # Older sessions have no name for the only loadable tensor.
        readable = [one for one in named.values() if one.readable]
        found = readable[0] if len(readable) == 1 else None
    tensor = found or Tensor(
        plain(saved.title), None if source is None else source.path, saved.name
    )
    if source is not None:
        named[tensor.name] = tensor
    tensor.title = plain(saved.title)
    try:
        if saved.array is not None:
            tensor.take(_working(saved.array), tensor.dtype)
        elif (shown or saved.where is not None) and found is not None and tensor.path is not None:
            tensor.take(_working(load(tensor.path, tensor.name)), tensor.dtype)
        if tensor.loaded and found is not None and tensor.path is not None:
            tensor.block_codes = load_codes(tensor.path, tensor.name or tensor.path.stem)
    except (QuantizationError, OSError) as error:
        notes.append(str(error))
    if tensor.loaded and saved.codes is not None:
        tensor.device = DeviceCodes(plain(saved.codes_name), saved.codes)
        tensor.device_shape = tensor.array.shape
    if not tensor.loaded and saved.where is not None and saved.where.size:
        text = _tr("%1 of %2 wait until its file can be read again: restore the document then.")
        if saved.where.size == 1:
            text = _tr(
                "%1 of %2 waits until its file can be read again: restore the document then."
            )
        notes.append(filled(text, _changes(saved.where.size), tensor.title))
        waiting.append(tensor)
    if tensor.loaded:
        where, values = saved.where, saved.values
        if where is not None and values is not None:
            fits = where < tensor.size
            beyond = where.size - int(np.count_nonzero(fits))
            if beyond:
                text = _tr("Of %1 of %2, %3 lie beyond its end now, and are dropped.")
                if beyond == 1:
                    text = _tr("Of %1 of %2, one lies beyond its end now, and is dropped.")
                notes.append(filled(text, _changes(where.size), tensor.title, f"{beyond:,}"))
            if fits.any():
                tensor.put(where[fits], values[fits].astype(tensor.array.dtype))
        elif saved.edited:
            tensor.touched = None
        if saved.edited:
            tensor.version = tensor.saved_version = next_version()
        tensor.chosen = saved.chosen if (saved.chosen or 0) < tensor.size else None
        if saved.axes.steps or saved.role is not None:
            tensor.axes, tensor.role = saved.axes, saved.role
    return tensor


def _changes(count: int) -> str:
    return _tr("1 change") if count == 1 else filled(_tr("%1 changes"), f"{count:,}")


def _entries(saved: SavedSession, notes: list[str]) -> tuple[tuple[Entry, ...], int | None]:
    entries: list[Entry] = []
    active = None
    for place, one in enumerate(saved.schemes):
        try:
            scheme = Scheme.parse(one.text)
        except QuantizationError as error:
            notes.append(str(error))
            continue
        entries.append(
            Entry(
                scheme,
                label=plain(one.label),
                colour=one.colour % len(COLOURS),
                line=one.line % len(LINE_STYLES),
                marker=one.marker % len(MARKERS),
                enabled=one.enabled,
            )
        )
        if place == saved.active:
            active = entries[-1].uid
    return tuple(entries), active
