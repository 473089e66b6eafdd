"""Model and data cards: what is known with its source, what is not, for what not to use it."""

import numpy as np
import pytest

from workbench import audit, zoo
from workbench.audit import AuditError
from workbench.audit.present import cards
from workbench.audit.present.bundle import Bundle
from workbench.audit.stats import simulation

LABEL = "simulated: says nothing about people"


@pytest.fixture(scope="module")
def found():
    s = simulation.people({"a": 30, "b": 30, "c": 2}, {"a": 0.9, "b": 0.5, "c": 0.7}, random=np.random.default_rng(0))
    about = {"label": LABEL, "people_are": "voices", "data": "simulated", "models": "whisper-base", "limits": "nobody"}
    made = audit.run(
        s.probabilities, s.labels, s.groups, people=s.people, classes=simulation.CLASSES, draws=200, name="recognition", about=about
    )
    return Bundle("simulated voices", {"recognition": made}, fingerprints={"data": "0123456789ab"})


def test_every_entry_of_the_zoo_has_a_card(found, tmp_path):
    paths = cards.write(tmp_path / "cards", [found])
    assert {p.stem for p in paths} == {e.name for e in zoo.entries()} | {"data-simulated-voices"}
    for path in paths:
        text = path.read_text()
        assert "## What is not known" in text
        assert "## Not to be used for" in text
        assert cards.GENERAL_NOT_FOR in text
        assert "workbench audit cards" in text


def test_undocumented_training_data_are_called_that():
    assert "| Training data | undocumented |" in cards.model("facex-mobilenetv2")
    assert "they are undocumented, or not fully documented" in cards.model("facex-mobilenetv2")
    assert "they are undocumented" not in cards.model("resemblyzer")
    assert "hiring in the EU" in cards.model("facex-mobilenetv2")


def test_media_are_no_models():
    (name, *_) = [e.name for e in zoo.entries() if e.kind.startswith("footage")]
    text = cards.model(name)
    assert "How well it works" not in text
    assert cards.MEDIA_NOT_FOR in text


def test_a_model_that_was_audited_quotes_it_under_its_label(found):
    text = cards.model("whisper-base", [found])
    assert f"## Known: simulated voices, recognition\n\n**{LABEL}**" in text
    row = found.audits["recognition"].groups.query("group == 'a' and metric == 'accuracy'").iloc[0]
    assert f"| group | a | 30 | {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}] |" in text
    assert "| group | c | 2 | 2 people: fewer than 5 |" in text
    assert "Accuracy is higher (better) for a (n = 30 voices)" in text
    assert "Known" not in cards.model("minilm", [found])


def test_a_data_card_says_who_is_in_it_and_what_could_not_be_said(found):
    text = cards.data(found)
    assert text.startswith(f"# simulated voices\n\n**{LABEL}**")
    assert "62 voices; fingerprint 0123456789ab" in text
    assert "| group | c | 2 |" in text
    assert "- c (group): 2 people: fewer than 5" in text
    assert "- any conclusion beyond these limits: nobody" in text


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditError, match=r"cannot be written .* choose another folder with --out"):
        cards.write(tmp_path / "file" / "cards")


def test_the_command_writes_them(found, tmp_path, command):
    found.save(tmp_path / "run")
    done = command("audit", "cards", "--out", tmp_path / "cards", "--run", tmp_path / "run")
    assert done.code == 0, done.err
    assert str(tmp_path / "cards" / "data-simulated-voices.md") in done.out.splitlines()
