"""The API reference leaves nothing open: every documented function names its parameters, and the errors that it raises itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support import documents

PUBLIC = documents.documented_members()


@pytest.mark.parametrize("module", PUBLIC)
def test_docstrings_are_complete(module: str) -> None:
    tree = ast.parse(documents.source(module).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert set(PUBLIC[module]) <= set(defined(tree))
    open_questions = [line for node in named(tree, PUBLIC[module]) for line in lacks(node)]
    assert open_questions == []


def defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
        yield from (name for target in targets if (name := getattr(target, "id", getattr(target, "name", ""))))


def named(tree: ast.Module, members: tuple[str, ...]) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """The documented functions and classes of a module, and the public methods of these that have a docstring."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and (node.name in members if members else not node.name.startswith("_")):
            yield node
            inner = node.body if isinstance(node, ast.ClassDef) else []
            yield from (n for n in inner if isinstance(n, ast.FunctionDef) and not n.name.startswith("_") and ast.get_docstring(n))


def lacks(node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    text = ast.get_docstring(node) or ""
    if not text:
        yield f"{node.name}: no docstring"
    elif isinstance(node, ast.FunctionDef):
        parameters = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs) if a.arg not in ("self", "cls")]
        if len(parameters) > 1 and "parameters as in `" not in text:
            yield from (f"{node.name}: what is {name}?" for name in parameters if not re.search(rf"\b{name}\b", text))
        calls = [raised.exc for raised in ast.walk(node) if isinstance(raised, ast.Raise)]
        raised = {getattr(getattr(call, "func", call), "id", "") for call in calls}
        yield from (f"{node.name}: raises {error}" for error in raised if error.endswith("Error") and error not in text)
