"""The one reader of YAML in the package: settings, interviews, audits, experiments, catalogues.

Only what can mean nothing else is read as more than a text, close to YAML 1.2: ``true`` and ``false`` (the language code ``no`` is a
text), whole and decimal numbers (``007``, dates and clock times are texts; fields that want a number still take ``1e3``). What would
be read in silence as something else, or never end, is refused with its line: a key that stands twice, tags, numbers that are not
finite, more than one document, aliases that multiply, nesting without end, files too large to have been written by a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from workbench import bundled
from workbench.errors import SettingsError

LARGEST = 1_000_000
"""Bytes of a file."""
DEEPEST = 50
"""Lists and mappings inside one another."""
MOST = 20_000
"""Values in a file, each counted as often as aliases repeat it."""
_ALLOWED_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map", "merge")}
_ADVICE = {
    "found character '\\t' that cannot start any token": "a tab stands where spaces belong; indent with spaces",
    "expected a single document in the stream": "a second document begins ('---'); keep one document a file",
    "could not determine a constructor": "a tag ('!…') is not taken here; write the plain value",
}


class _Loader(yaml.SafeLoader):
    """Composes nodes with their lines, no deeper than `DEEPEST` and no more than `MOST`."""

    yaml_implicit_resolvers: dict[str, Any] = {}
    _depth = _count = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event = self.peek_event()
        if self._depth >= DEEPEST:
            raise ConstructorError(None, None, f"lists and mappings lie more than {DEEPEST} deep; make it flatter", event.start_mark)
        self._count += 1
        if self._count > MOST:
            raise ConstructorError(None, None, f"more than {MOST:,} values; split the file", event.start_mark)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def _integer(loader: _Loader, node: ScalarNode) -> int:
    try:
        return int(node.value)
    except ValueError:  # under the tag '!!int', or of more than 4,300 digits
        raise ConstructorError(None, None, f"{str(node.value)[:40]!r} is no whole number; write one", node.start_mark) from None


def _number(loader: _Loader, node: ScalarNode) -> float:
    try:
        value = float(node.value)
    except ValueError:  # '.inf', '.nan'
        value = float("nan")
    if not abs(value) < float("inf"):
        raise ConstructorError(
            None, None, f"{str(node.value)[:40]!r} is no finite number; write one, or leave the key out", node.start_mark
        )
    return value


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _number)


def read(path: Path | str) -> dict[str, Any]:
    """A YAML mapping; ``experiments/default.yaml`` and the like are looked up in any folder (see `workbench.bundled`).

    Parameters
    ----------
    path : path

    Returns
    -------
    dict
        Texts, finite numbers, truth values, None, lists and mappings with texts as keys. Empty where the file is.

    Raises
    ------
    SettingsError
        If the file cannot be read, is larger than `LARGEST` bytes, is not UTF-8 or not YAML, does not hold a mapping, or holds
        what the module's text lists; names the line.
    """
    try:
        with bundled.find(path).open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); give the path of a YAML file") from None
    except ValueError:
        raise SettingsError(f"{str(path)!r}: is no file name; give the path of a YAML file") from None
    if len(data) > LARGEST:
        raise SettingsError(f"{path}: is larger than {LARGEST // 1_000_000} MB, which no YAML file here needs; give another file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SettingsError(f"{path}: not UTF-8 at line {line} (byte 0x{data[error.start]:02x}); save it as UTF-8") from None
    return parse(text, str(path))


def parse(text: str, source: str) -> dict[str, Any]:
    """A YAML mapping from its text; see `read`.

    Parameters
    ----------
    text : str
    source : str
        Where it comes from, for messages.

    Raises
    ------
    SettingsError
        As `read` says.

    Examples
    --------
    >>> parse("speech: {language: no, person: 007, speakers: 2}", "example")
    {'speech': {'language': 'no', 'person': '007', 'speakers': 2}}
    >>> parse("window: 1\\nhop: 2\\nwindow: 3", "example.yaml")
    Traceback (most recent call last):
    workbench.errors.SettingsError: example.yaml: line 3: the key 'window' stands twice, first in line 1; keep one of them
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return {}
        _check(node, {}, set())
        values = loader.construct_document(node)
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise SettingsError(f"{source}: line {line}: the character U+{int(error.character):04X} cannot stand in YAML; remove it") from None
    except yaml.MarkedYAMLError as error:
        raise SettingsError(f"{source}: {_explain(error)}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        kind = {"list": "a list", "str": "a text"}.get(type(values).__name__, "one value")
        raise SettingsError(f"{source}: expected a mapping (key: value), but it holds {kind}; write keys with their values")
    return values


def _explain(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or ""
    mark = error.problem_mark or error.context_mark
    at = f"line {mark.line + 1}: " if mark else ""
    if isinstance(error, ConstructorError) and not problem.startswith("could not determine"):
        return at + problem
    advice = next((text for start, text in _ADVICE.items() if (error.context or "").startswith(start) or problem.startswith(start)), None)
    if advice:
        return f"{at}{advice}"
    return f"not valid YAML{f' at line {mark.line + 1}' if mark else ''} ({problem}); check the indentation and quotes there"


def _check(node: Node, known: dict[int, tuple[int, int]], open_: set[int]) -> tuple[int, int]:
    """Refuse what may not stand in a file; gives how many values a node holds and how deep they lie, aliases followed.

    `known` keeps what was counted, so that an alias costs nothing; `open_` are the nodes around this one.
    """
    if id(node) in known:
        return known[id(node)]
    if id(node) in open_:
        raise ConstructorError(None, None, "an alias ('*') stands inside what it repeats; write the values out", node.start_mark)
    if node.tag not in _ALLOWED_TAGS:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        raise ConstructorError(None, None, f"the tag {tag!r} is not taken here; write the plain value", node.start_mark)
    open_.add(id(node))
    values, depth = 1, 1
    for child in _children(node):
        more, deeper = _check(child, known, open_)
        values, depth = values + more, max(depth, deeper + 1)
        if values > MOST or depth > DEEPEST:
            raise ConstructorError(None, None, "aliases ('*') multiply what the file holds; write the values out", child.start_mark)
    open_.discard(id(node))
    known[id(node)] = values, depth
    return values, depth


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, SequenceNode):
        yield from node.value
    if not isinstance(node, MappingNode):
        return
    lines: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode) or key.tag.rpartition(":")[2] not in ("str", "merge"):
            told = repr(key.value[:40]) if isinstance(key, ScalarNode) else "a list or mapping"
            raise ConstructorError(None, None, f"{told} as a key is no text; put it into quotes", key.start_mark)
        line = key.start_mark.line + 1
        if key.value in lines:
            first = lines[key.value]
            raise ConstructorError(
                None, None, f"the key {key.value[:60]!r} stands twice, first in line {first}; keep one of them", key.start_mark
            )
        lines[key.value] = line
        yield key
        yield value
