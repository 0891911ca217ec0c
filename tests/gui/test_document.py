"""Document, evaluator and view state are apart: each can be had, and tested, without the next."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quantoscope.engine import Evaluation, Scheme
from quantoscope.gui.document import commands
from quantoscope.gui.document.document import Document
from quantoscope.gui.document.evaluator import LIVE_LIMIT, Evaluator
from quantoscope.gui.document.view_state import ViewState
from quantoscope.gui.workers.background import Background

GUI = Path(__file__).parents[2] / "gui"
SCHEMES = ["int8 symmetric", "uint4 asymmetric"]


@pytest.fixture
def document(qapp):
    """A document that nobody evaluates."""
    document = Document()
    values = np.array([0.5, -1.0, 2.0], np.float32)
    document.start(values, "three", None, [Scheme.parse(text) for text in SCHEMES])
    return document


@pytest.fixture
def background(qapp):
    background = Background()
    yield background
    background.shutdown()


def told(document):
    """A list of what the document tells from now on."""
    heard = []
    for name in (
        "values_edited",
        "array_replaced",
        "values_changed",
        "array_reset",
        "device_changed",
        "array_settled",
        "entries_changed",
        "active_changed",
        "content_changed",
    ):
        signal = getattr(document, name)
        signal.connect(lambda *_, name=name: heard.append(name))
    return heard


def test_a_document_tells_of_each_change_and_last_that_its_content_changed(document):
    heard = told(document)
    commands.edit_value(document, 1, 0.25)
    assert heard == ["values_edited", "values_changed", "content_changed"]
    heard.clear()
    commands.splice(document, 3, 0, np.array([4.0]), "append")
    settled = ["array_reset", "device_changed", "array_settled"]
    assert heard == ["array_replaced", *settled, "content_changed"]
    heard.clear()
    commands.add_scheme(document, Scheme.parse("int4 symmetric"))
    assert heard == ["entries_changed", "active_changed", "content_changed"]
    heard.clear()
    document.activate(document.entries[0].uid)
    assert heard == ["active_changed", "content_changed"]


def test_an_evaluator_follows_a_document_that_knows_nothing_of_it(document, background):
    evaluator = Evaluator(document, background)
    evaluator.update()
    uid, other = document.entries[0].uid, Scheme.parse("int4 symmetric")
    for change in (
        lambda: commands.edit_value(document, 0, 1.5),
        lambda: commands.splice(document, 0, 1, np.array([7.0, 8.0]), "two for one"),
        lambda: commands.set_scheme(document, uid, other),
        document.undo_stack.undo,
        document.undo_stack.undo,
    ):
        change()
        snapshot = evaluator.snapshot
        assert snapshot.array is document.array
        assert snapshot.entries == document.entries
        assert snapshot.active_uid == document.active_uid
        schemes = [outcome.scheme for outcome in snapshot.outcomes.values()]
        assert schemes == [entry.scheme for entry in document.entries]
        assert snapshot.active is evaluator.active_evaluation
        assert evaluator.parameters is snapshot.active.qparams
        assert not evaluator.stale


def test_until_it_is_computed_a_scheme_is_shown_with_the_parameters_before(
    document, background, qtbot
):
    evaluator = Evaluator(document, background)
    document.start(np.linspace(-1, 1, LIVE_LIMIT + 1, dtype=np.float32), "long")
    qtbot.waitUntil(lambda: not evaluator.stale, timeout=30_000)
    before, uid = evaluator.parameters, document.active_uid
    commands.set_scheme(document, uid, Scheme.parse("int4 symmetric"))
    assert evaluator.stale
    assert evaluator.parameters is before
    assert evaluator.snapshot.entries != document.entries
    qtbot.waitUntil(lambda: not evaluator.stale, timeout=30_000)
    # These have other stages, which nothing is known of.
    commands.set_scheme(document, uid, Scheme.parse("e4m3fn symmetric"))
    assert evaluator.parameters is None
    qtbot.waitUntil(lambda: not evaluator.stale, timeout=30_000)
    assert str(evaluator.parameters.format) == "e4m3fn"
    assert evaluator.snapshot.entries == document.entries


def test_parameters_of_other_channels_do_not_fit(document, background, qtbot):
    evaluator = Evaluator(document, background)
    values = np.linspace(-1, 1, 2 * LIVE_LIMIT, dtype=np.float32).reshape(2, -1)
    document.start(values, "wide", None, [Scheme.parse("int8 symmetric per-channel(0)")])
    qtbot.waitUntil(lambda: not evaluator.stale, timeout=30_000)
    assert evaluator.fitting_evaluation is evaluator.active_evaluation
    commands.replace_array(document, values.reshape(4, -1), "reshape")
    assert isinstance(evaluator.active_evaluation, Evaluation)
    assert evaluator.fitting_evaluation is None
    assert evaluator.parameters is None
    qtbot.waitUntil(lambda: not evaluator.stale, timeout=30_000)


def test_a_view_state_follows_where_values_come_back(document, background):
    view = ViewState(document, Evaluator(document, background))
    view.choose(2)
    commands.edit_value(document, 2, 9.0)
    view.choose(0)
    document.undo_stack.undo()
    assert view.chosen == 2
    commands.splice(document, 1, 2, np.zeros(0), "remove")
    assert view.chosen == 0
    commands.splice(document, 0, 1, np.zeros(0), "remove")
    assert view.chosen is None
    document.undo_stack.undo()
    assert view.chosen == 0


def test_a_snapshot_stays_as_it_is_when_the_document_changes(document, background):
    evaluator = Evaluator(document, background)
    evaluator.update()
    kept = evaluator.snapshot
    copy, same = kept.array.copy(), replace(kept)
    commands.edit_value(document, 0, 3.0)
    commands.remove_entry(document, document.entries[1].uid)
    assert np.array_equal(kept.array, copy)
    assert (kept.entries, kept.outcomes) == (same.entries, same.outcomes)
    assert len(kept.entries) == 2


# House rules


def classes() -> Iterator[tuple[Path, ast.ClassDef]]:
    for path in sorted(GUI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield path, node


def named(bases: list[ast.expr]) -> list[str]:
    return [getattr(base, "id", getattr(base, "attr", "")) for base in bases]


def methods(node: ast.ClassDef) -> list[ast.FunctionDef]:
    return [each for each in node.body if isinstance(each, ast.FunctionDef)]


def test_no_private_method_of_the_window_is_overridden():
    bases: dict[str, list[str]] = {}
    private: dict[str, set[str]] = defaultdict(set)
    for _, node in classes():
        bases[node.name] = named(node.bases)
        names = {each.name for each in methods(node)}
        private[node.name] = {n for n in names if n.startswith("_") and not n.startswith("__")}

    def above(name: str) -> Iterator[str]:
        for base in bases.get(name, []):
            yield base
            yield from above(base)

    found = [
        f"{name}.{method}"
        for name in list(private)
        for base in above(name)
        for method in private[name] & private.get(base, set())
    ]
    assert not found


def is_empty(statement: ast.stmt) -> bool:
    """Whether it is ``pass``, a docstring or an ellipsis."""
    text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return text or isinstance(statement, ast.Pass)


def test_no_method_of_the_window_is_empty_but_those_of_protocols():
    found = [
        f"{path.name}: {node.name}.{method.name}"
        for path, node in classes()
        if "Protocol" not in named(node.bases)
        for method in methods(node)
        if all(map(is_empty, method.body))
    ]
    assert not found


def test_no_type_is_asserted_in_the_window():
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted(GUI.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
        if isinstance(node.test, ast.Call)
        if getattr(node.test.func, "id", "") == "isinstance"
    ]
    assert not found
