"""Sentences pass through Qt's translation before numbers and names are put into them."""

import ast
from pathlib import Path

import pytest

from quantoscope import gui

ROOT = Path(gui.__file__).parent


def is_call_of(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def has_words(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and any(letter.isalpha() for letter in node.value)


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_what_is_filled_is_translated_first(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bare = [
        node.lineno
        for node in ast.walk(tree)
        if is_call_of(node, "filled") and has_words(node.args[0])
    ]
    assert not bare
