"""View state in sessions: panes, zoom, display options, compared pair, focused channel."""

from __future__ import annotations

import math
from typing import Any

from quantoscope.gui.document.session import Session
from quantoscope.gui.panes.plot_place import Plots
from quantoscope.gui.window.frame import Frame

View = dict[str, Any]


def view_of(frame: Frame, session: Session, plots: Plots) -> View:
    """Return the view state as texts, numbers and lists."""
    places = {entry.uid: place for place, entry in enumerate(session.entries)}
    pair = [places.get(uid) for uid in session.view.pair or ()]
    ranges, options = {}, {}
    for key, pane in plots.built().items():
        if pane.plot.options_chosen:
            options[key] = pane.plot.options_chosen
        if not (pane.plot.follow_x and pane.plot.follow_y):
            seen = pane.plot.seen
            ranges[key] = [[float(end) for end in ends] for ends in seen]
    return {
        "layout": frame.state,
        "pair": pair if None not in pair else [],
        "channel": None if session.view.focus is None else session.view.focus.channel,
        "ranges": ranges,
        "options": options,
    }


def restore_view(view: View, session: Session, plots: Plots) -> None:
    """Restore the view state; invalid parts are ignored."""
    places = view.get("pair")
    if isinstance(places, list) and len(places) == 2:
        known = [p for p in places if type(p) is int and 0 <= p < len(session.entries)]
        if len(known) == 2:
            first, second = (session.entries[place].uid for place in known)
            session.view.compare_pair((first, second))
    channel = view.get("channel")
    if type(channel) is int and channel >= 0 and not session.evaluator.stale:
        session.view.focus_on(channel)
    options = view.get("options")
    if isinstance(options, dict):
        # Before the ranges: with another scale, a plot shows everything.
        for key in {**plots.built(), **options}:
            plots[key].choose_options(options.get(key, {}))
    ranges = view.get("ranges")
    for key, ends in ranges.items() if isinstance(ranges, dict) else ():
        if key in plots and _sound(ends):
            x, y = (tuple(map(float, pair)) for pair in ends)
            plots[key].plot.look_at((x[0], x[1]), (y[0], y[1]))


def _sound(ends: Any) -> bool:
    """Return whether these are two valid ranges."""
    try:
        (x0, x1), (y0, y1) = ends
        return all(map(math.isfinite, (x0, x1, y0, y1))) and x0 < x1 and y0 < y1
    except (TypeError, ValueError):
        return False
