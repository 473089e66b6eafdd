"""Corpora for tests: the generated one everywhere; a real one where it is there, else the tests that need it are deselected.

A test needs a real corpus where it uses the fixture `crema_d_root` or `votes`, or carries ``@pytest.mark.corpus("NAME")``.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from workbench.corpora import crema_d, generated

FIXTURES = {"crema_d_root": "crema-d", "votes": "crema-d"}
"""Fixture → the real corpus that it reads."""
PROOF = {"crema-d": crema_d.VOTES}
"""Corpus → a file that is there where the corpus is."""
_missing: Counter[str] = Counter()


def data_root() -> Path:
    """The folder that holds real corpora: ``WORKBENCH_DATA``, else the shared folder beside the checkout."""
    return Path(os.environ.get("WORKBENCH_DATA") or Path(__file__).parents[3] / "shared" / "datasets")


def corpora_of(item: pytest.Item) -> set[str]:
    """The real corpora that a test needs."""
    named = {name for mark in item.iter_markers("corpus") for name in mark.args}
    return named | {FIXTURES[f] for f in getattr(item, "fixturenames", ()) if f in FIXTURES}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept, left = [], []
    for item in items:
        absent = sorted(name for name in corpora_of(item) if not (data_root() / name / PROOF.get(name, Path())).exists())
        (left if absent else kept).append(item)
        _missing.update(absent)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:  # one process of several: the first one prints
        output["missing corpora"] = dict(_missing)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    _missing.update({name: n - _missing[name] for name, n in getattr(node, "workeroutput", {}).get("missing corpora", {}).items()})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, count in sorted(_missing.items()):
        terminalreporter.write_line(
            f"{count} tests of the corpus {name} were deselected: it is not in {data_root()}; "
            f"get it with `workbench corpora get {name} --to DIR/{name}` and set WORKBENCH_DATA to the folder that holds it"
        )


@pytest.fixture(scope="session")
def crema_d_root() -> Path:
    """CREMA-D's real tables."""
    return data_root() / "crema-d"


@pytest.fixture(scope="session")
def votes(crema_d_root: Path) -> crema_d.Votes:
    """CREMA-D's real votes."""
    return crema_d.load_votes(crema_d_root)


@pytest.fixture(scope="session")
def generated_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated votes in CREMA-D's layout, in a folder called ``crema-d``."""
    return generated.write(tmp_path_factory.mktemp("generated") / "crema-d")


@pytest.fixture(scope="session")
def few_votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated votes on 18 actors."""
    return generated.write(tmp_path_factory.mktemp("few") / "crema-d", persons=18)
