"""The zoo's entries, where their files are looked for, cards and provenance, and the commands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.registry import Registry
from tests.support.small_zoo import no_progress
from workbench import cli, zoo
from workbench.cli import commands  # noqa: F401  (registers the groups)
from workbench.errors import WeightsError
from workbench.zoo import registry, store

run = CliRunner().invoke


def test_every_entry_says_licence_training_data_source_and_checksums() -> None:
    for entry in zoo.entries():
        assert entry.licence
        assert entry.training_data
        assert entry.source
        assert entry.card.strip()
        assert entry.derived or entry.files
        for file in entry.files:
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert file.size > 0
            assert bool(file.parts) != bool(entry.installed)
        if entry.hub:
            assert re.fullmatch("[0-9a-f]{40}", entry.hub.revision)
    names = [e.name for e in zoo.entries()]
    assert len(names) == len(set(names))


def test_no_address_is_written_in_the_catalogue_or_the_code() -> None:
    for file in Path(registry.__file__).parent.glob("*"):
        if file.suffix in (".py", ".yaml"):
            assert not re.search(r"https?://\w", file.read_text(encoding="utf-8")), file.name


def test_an_explicit_path_comes_first(tmp_path: Path) -> None:
    assert zoo.path(tmp_path) == tmp_path
    assert zoo.path(str(tmp_path)) == tmp_path


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"mine\.bin: no such file or folder; give an existing path or a zoo name"):
        zoo.path(tmp_path / "mine.bin")


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(WeightsError, match=r"'whisper-huge' is neither a path nor known .* whisper-base"):
        zoo.path("whisper-huge")


def test_the_environment_overrides_where_an_entry_lies(small_zoo: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(store.variable("tiny"), str(tmp_path))
    assert zoo.path("tiny") == tmp_path
    monkeypatch.setenv(store.variable("tiny"), str(tmp_path / "gone"))
    with pytest.raises(WeightsError, match=r"WORKBENCH_WEIGHT_TINY=.*gone does not exist"):
        zoo.path("tiny")
    assert small_zoo.requests == []


def test_installed_weights_are_used_where_they_are() -> None:
    assert (zoo.path("pocketsphinx-en-us") / "en-us" / "mdef").is_file()
    assert zoo.path("resemblyzer").name == "pretrained.pt"
    assert {c.status for c in zoo.verify(["pocketsphinx-en-us", "resemblyzer"])} == {"ok"}


def test_verify_deletes_what_is_damaged(small_zoo: Registry) -> None:
    assert [c.status for c in zoo.verify()] == ["missing"]
    place = zoo.path("tiny", no_progress)
    assert [c.status for c in zoo.verify()] == ["ok"]
    file = place / "model.bin"
    times = file.stat().st_mtime_ns
    file.write_bytes(b"!" + file.read_bytes()[1:])
    import os

    os.utime(file, ns=(times, times))  # even where size and time are as they were
    (check,) = zoo.verify()
    assert check.status == "corrupt"
    assert "model.bin has a wrong checksum; deleted" in check.detail
    assert not place.exists()


def test_provenance_of_known_weights_and_of_your_own(tmp_path: Path) -> None:
    own = tmp_path / "own.bin"
    own.write_bytes(b"abc")
    facts = zoo.provenance(["whisper-base", own])
    assert facts["whisper-base"]["sha256"].startswith("d01c3014881c9c6f")
    assert facts["whisper-base"]["licence"] == "MIT"
    assert facts[str(own)] == {
        "version": "user-supplied",
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "licence": "unknown",
        "training_data": "undocumented",
        "source": str(own),
    }


def test_a_card_names_what_is_not_known() -> None:
    card = zoo.card("facex-mobilenetv2")
    assert "| Training data | undocumented |" in card
    assert "| Licence | MIT |" in card
    assert re.search(r"\| SHA-256 \| [0-9a-f]{64} \|", card)  # of what was made on this machine


def test_list_as_json() -> None:
    done = run(cli.app, ["models", "list", "--json"])
    rows = {r["name"]: r for r in json.loads(done.stdout)}
    assert set(rows) == {e.name for e in zoo.entries()}
    assert rows["facex"]["training_data"] == "undocumented"


def test_commands_of_the_group(small_zoo: Registry) -> None:
    assert "tiny" in run(cli.app, ["models", "list"]).stdout
    assert "missing tiny" in run(cli.app, ["models", "verify"]).stdout
    pulled = run(cli.app, ["models", "pull"])
    assert pulled.stdout.startswith("tiny: ")
    assert "ok      tiny" in run(cli.app, ["models", "verify", "tiny"]).stdout
    assert run(cli.app, ["models", "card", "tiny"]).stdout.startswith("# tiny\n")
    place = Path(pulled.stdout.split(": ", 1)[1].strip())
    (place / "model.bin").write_bytes(b"")
    bad = run(cli.app, ["models", "verify"])
    assert isinstance(bad.exception, WeightsError)
    assert "corrupt tiny: model.bin is missing or cut short; deleted" in bad.stdout
