"""What the documentation shows runs: examples in docstrings, Python in pages, YAML in pages; and what it points at is there."""

from __future__ import annotations

import doctest
import importlib
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.support import documents
from tests.support.packages import ROOT, fresh
from tests.support.reader import Reader
from workbench import settings
from workbench.audit import config as audit_config
from workbench.interview_plan import InterviewPlan

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
WITH_EXAMPLES = [m for m in documents.documented_modules(*documents.REFERENCE) if ">>> " in documents.source(m).read_text(encoding="utf-8")]
PYTHON = [page for page in documents.pages() if documents.blocks(page, "python")]
YAML = [block for page in documents.pages() for block in documents.blocks(page, "yaml")]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_in_docstrings(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(module), optionflags=FLAGS)
    assert result.attempted > 0
    assert result.failed == 0


def test_every_group_of_the_reference_has_an_example_that_runs() -> None:
    modules = {page.stem: documents.documented_modules(page) for page in documents.REFERENCE}
    without = [group for group, names in modules.items() if names and not set(names) & set(WITH_EXAMPLES)]
    assert without == ["evaluate"]  # it runs models: the reader of tests/docs/conftest.py evaluates the sample interview


@pytest.mark.parametrize("page", PYTHON)
def test_python_of_a_page_runs_from_top_to_bottom(page: str, reader_of_generated: Reader) -> None:
    at = reader_of_generated
    code = "\n".join(block.text for block in documents.blocks(page, "python"))
    done = fresh("-c", code.replace("SESSION", at.session), folder=at.folder, **at.environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", YAML, ids=lambda block: f"{block.page}:{block.line}")
def test_yaml_of_a_page_can_be_used(block: documents.Block) -> None:
    values = yaml.safe_load(block.text)
    if "questions" in values:
        assert InterviewPlan(**values).timed
    elif "source" in values:
        assert audit_config.Config(**values).groupings
    else:
        assert settings.from_dict(values, block.page).echo()


@pytest.mark.parametrize("page", documents.pages())
def test_files_that_a_page_names_are_there(page: str) -> None:
    text = documents.read(page)
    links = re.findall(r"\[[^\]]*\]\((?!\w+:|#)([^)#\s]+)", text)
    generated = {"settings.md", "commands.md"}  # made by `make docs` from the package itself
    lost = [link for link in links if not (ROOT / page).parent.joinpath(link).exists() and Path(link).name not in generated]
    named = re.findall(r"`((?:tests|workbench|docs|experiments|examples|notebooks|apps)/[\w/.-]*)`", text)
    named = [name for name in named if "NAME" not in name]
    lost += [name for name in named if not list(ROOT.glob(name.rstrip("/"))) and not list(ROOT.glob(f"{name}.*"))]
    assert lost == []


def test_the_table_of_layers_is_the_law_that_is_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    law = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    table = documents.read("docs/architecture.md").partition("| layer | holds |")[2].partition("\n\n")[0]
    told = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert told == [layer.strip("()").removeprefix("workbench.") for layer in law]


def test_the_table_of_extras_is_what_can_be_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = re.findall(r"^\| `\[(\w+)\]` \|", documents.read("docs/install.md"), re.M)
    assert sorted(told) == sorted(set(project["optional-dependencies"]) - {"dev"})
