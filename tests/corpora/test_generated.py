"""The generated corpus: the same tables every time, in CREMA-D's format, with the difference that its docstring names and no other."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support.command import Done
from workbench import corpora
from workbench.corpora import crema_d, generated
from workbench.errors import CorpusError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no corpora elsewhere."""
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "cache"


def test_a_seed_gives_the_same_tables_and_another_seed_others(tmp_path: Path) -> None:
    one, two, other = (generated.write(tmp_path / n, persons=6, clips=6, seed=s) for n, s in (("a", 1), ("b", 1), ("c", 2)))
    for file in (crema_d.VOTES, crema_d.PEOPLE, Path("SentenceFilenames.csv")):
        assert (one / file).read_bytes() == (two / file).read_bytes()
    assert crema_d.load_votes(one).fingerprint == crema_d.load_votes(two).fingerprint != crema_d.load_votes(other).fingerprint


def test_it_is_written_to_the_cache_once_and_loads_by_name(cache: Path) -> None:
    corpus = corpora.load("generated")
    assert corpus.name == "generated"
    assert cache in corpus.root.parents
    assert len(corpus.clips) == generated.PERSONS * generated.CLIPS
    assert set(corpus.clips["modalities"]) == {"votes"}
    assert {"sex", "age", "race", "ethnicity"} <= set(corpora.find("generated").groups)
    assert not [f for f in corpus.findings if f.level == "error"]
    written = (corpus.root / crema_d.VOTES).stat().st_mtime_ns
    assert corpora.load("generated").fingerprint == corpus.fingerprint
    assert (corpus.root / crema_d.VOTES).stat().st_mtime_ns == written


def test_votes_say_that_nobody_was_recorded(cache: Path) -> None:
    votes = generated.load_votes()
    assert votes.name == "generated"
    assert "nobody was recorded" in votes.source
    assert crema_d.load_votes(generated.folder()).name == "crema-d"


def test_agreement_is_like_that_of_the_real_corpus(cache: Path) -> None:
    """CREMA-D: voice 45 %, face 69 %, both 75 % of clips by the most frequent vote."""
    votes = generated.load_votes()
    right = {c: np.mean(getattr(votes, c).argmax(axis=1) == votes.labels) for c in ("voice", "face", "av")}
    assert 0.35 < right["voice"] < 0.6 < right["face"] < right["av"] < 0.85
    for channel in right:
        np.testing.assert_allclose(getattr(votes, channel).sum(axis=1), 1.0)


def test_only_faces_differ_between_the_sexes(cache: Path) -> None:
    votes = generated.load_votes()
    women = (votes.table["sex"] == "female").to_numpy()
    hits = {c: getattr(votes, c)[np.arange(len(women)), votes.labels] for c in ("voice", "face", "av")}
    gaps = {c: h[women].mean() - h[~women].mean() for c, h in hits.items()}
    assert gaps["face"] == pytest.approx(generated.FACE_HIT["Female"] - generated.FACE_HIT["Male"], abs=0.03)
    assert abs(gaps["voice"]) < 0.03
    assert abs(gaps["av"]) < 0.03


def test_it_is_the_default_where_the_real_votes_are_not(cache: Path, generated_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert generated.default_votes() == "generated"
    monkeypatch.setenv("WORKBENCH_DATA", str(generated_root.parent))  # tables in CREMA-D's place
    assert generated.default_votes() == "crema-d"


def test_the_commands_list_and_check_it(command: Callable[..., Done], cache: Path) -> None:
    rows = {r["name"]: r for r in command("corpora", "list", "--json").json}
    assert rows["generated"]["title"] == "Generated votes: not people"
    checked = command("corpora", "check", "generated", "--json")
    assert checked.code == 0
    assert checked.json["has"] == {"votes": generated.PERSONS * generated.CLIPS}


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(CorpusError, match=r"cannot be written \(.*\); set WORKBENCH_CACHE") as caught:
        corpora.load("generated")
    assert "\n" not in str(caught.value)
