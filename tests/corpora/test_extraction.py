"""Extraction of clips cut from the sample interview: what is computed, kept and computed again, and bad input."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tests.support import small_corpora
from tests.support.command import Done
from workbench import extraction, pipeline
from workbench.cli import corpora as corpora_commands
from workbench.corpora.tracks import PROSODY, STAGES, Extracted
from workbench.errors import CorpusError
from workbench.extraction import run as running
from workbench.extraction.clip import Clip, Job
from workbench.extraction.steps import BY_NAME, STEPS, keys, wanted
from workbench.fusion.windows import MINIMUM
from workbench.labels import BASIC
from workbench.sample import SamplePaths
from workbench.settings import Capture, Settings, Speech, Vision
from workbench.training import catalogue
from workbench.vision.detection import FaceDetectionStage

pytestmark = pytest.mark.media
Command = Callable[..., Done]
GOOD = ["01-03-01-01-01-01", "01-04-01-01-01-01", "01-05-01-01-01-02"]
BROKEN = "01-06-01-01-01-02"
MANY = 180


def with_(section: str, **values: object) -> Settings:
    chosen = Settings()
    return chosen.model_copy(update={section: getattr(chosen, section).model_copy(update=values)})


def files(root: Path) -> dict[Path, int]:
    """Every stored track with the time at which it was written."""
    return {p: p.stat().st_mtime_ns for p in root.rglob("*.parquet") if p.parent != root}


@pytest.fixture(scope="module")
def corpus(sample_paths: SamplePaths, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_corpora.sample_clips(sample_paths.video, tmp_path_factory.mktemp("ravdess"))


@pytest.fixture(scope="module")
def first(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> extraction.Result:
    """All stages once, in this process."""
    return extraction.extract("ravdess", corpus, settings=Settings(), out=tmp_path_factory.mktemp("tracks"), workers=1)


@pytest.fixture(scope="module")
def tracks(first: extraction.Result) -> Extracted:
    return Extracted.open(first.root)


def test_every_stage_is_stored_and_a_broken_clip_is_reported_and_skipped(first: extraction.Result, tracks: Extracted) -> None:
    assert first.clips == 4
    assert first.computed == {**dict.fromkeys(STAGES, 3)}
    assert first.failed == 1
    [error] = tracks.errors[tracks.errors["level"] == "error"].to_dict("records")
    assert error["clip"] == BROKEN
    assert "its index (moov) is missing" in error["message"]
    for clip in GOOD:
        assert all(tracks.rows(stage, clip) for stage in STAGES)
    assert all(tracks.rows(stage, BROKEN) is None for stage in STAGES)


def test_a_second_run_computes_nothing(first: extraction.Result, corpus: Path) -> None:
    before = files(first.root)
    again = extraction.extract("ravdess", corpus, settings=Settings(), out=first.root, workers=1)
    assert set(again.computed.values()) == {0}
    assert again.kept == dict.fromkeys(STAGES, 3)
    assert again.failed == 1
    assert files(first.root) == before


@pytest.mark.parametrize(
    ("chosen", "redone"),
    [
        (with_("vision", temperature=3.0), {"emotion"}),
        (with_("speech", pause=0.4), {"prosody", "affect"}),
        (with_("speech", affect_hop=1.0), {"affect"}),
        (with_("fusion", hop=1.0), set()),
        (with_("vision", min_face_px=90.0), set()),
    ],
)
def test_a_changed_setting_computes_its_stage_and_later_ones_again(
    first: extraction.Result, corpus: Path, chosen: Settings, redone: set[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("face detection and recognition have their results")

    monkeypatch.setattr(FaceDetectionStage, "process", never)
    monkeypatch.setattr("workbench.speech.transcription.Whisper", never)
    out = Path(shutil.copytree(first.root, tmp_path / "tracks"))
    before = files(out)
    result = extraction.extract("ravdess", corpus, settings=chosen, out=out, workers=1)
    assert {s for s, n in result.computed.items() if n} == redone
    assert all(result.computed[s] == 3 for s in redone)
    assert result.failed == 1
    after = files(out)
    assert {p: t for p, t in after.items() if p in before} == before
    assert {p.relative_to(out).parts[0] for p in after.keys() - before.keys()} == redone


def test_other_weights_and_other_code_are_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def keys_of(chosen: Settings) -> dict[str, str]:
        return keys(chosen, [*pipeline.vision_stages(chosen), *pipeline.speech_stages(chosen)])

    base = keys_of(Settings())

    def changed(other: dict[str, str]) -> set[str]:
        return {s for s in base if base[s] != other[s]}

    assert changed(keys_of(Settings())) == set()
    after_words = {"transcription", "alignment", "prosody", "affect", "embedding"}
    assert changed(keys_of(with_("speech", model="whisper-small"))) == after_words
    monkeypatch.setattr("workbench.extraction.steps.source", lambda module: "new" if module == "vision.emotion" else module)
    once = keys_of(Settings())
    monkeypatch.setattr("workbench.extraction.steps.source", lambda module: module)
    assert {s for s, key in keys_of(Settings()).items() if key != once[s]} == {"emotion"}


def test_every_setting_of_the_stages_is_part_of_a_key_or_known_not_to_matter() -> None:
    later = {
        "vision.compound_readout",
        "vision.min_face_px",
        "vision.min_quality",
        "vision.frozen_after",
        "speech.low_word_confidence",
        "speech.speakers",
    }
    every = {f"{name}.{f}" for name, part in (("capture", Capture), ("vision", Vision), ("speech", Speech)) for f in part.model_fields}
    used = {s for step in STEPS for s in step.settings}
    assert every - used == later
    assert used - every == {"language.similarity_model"}
    assert tuple(BY_NAME) == STAGES


@pytest.mark.parametrize(
    "gone", [("tracking", "emotion"), ("transcription", "alignment"), ("prosody",), ("affect",), ("emotion", "prosody")]
)
def test_continuing_from_stored_results_gives_the_same_as_one_pass(
    first: extraction.Result, tracks: Extracted, corpus: Path, gone: tuple[str, ...]
) -> None:
    before = {(s, c): tracks.rows(s, c) for s in gone for c in GOOD}
    for stage in gone:
        for path in (first.root / stage / tracks.keys[stage]).iterdir():
            path.unlink()
    result = extraction.extract("ravdess", corpus, settings=Settings(), out=first.root, workers=1)
    assert {s for s, n in result.computed.items() if n} == set(gone)
    for (stage, clip), rows in before.items():
        assert json.dumps(tracks.rows(stage, clip)) == json.dumps(rows)


def test_the_tracks_are_what_evaluation_of_the_clip_sees(tracks: Extracted, corpus: Path, tmp_path: Path) -> None:
    session = pipeline.evaluate(corpus / tracks.clips["video"][2], settings=Settings(), out=tmp_path / "session")
    seen, mine = session.observations, tracks.visual(GOOD[2])
    np.testing.assert_array_equal(mine.times, seen.visual.times)
    np.testing.assert_array_equal(mine.valid, seen.visual.valid)
    np.testing.assert_allclose(mine.values[mine.valid], seen.visual.values[mine.valid], atol=1e-9)
    assert [m.message for m in tracks.measured(GOOD[2])] == list(seen.prosody)
    [affect] = tracks.affect([tracks.measured(GOOD[2])])
    np.testing.assert_allclose(affect.values[:, : len(BASIC)], seen.affect.values)


def test_a_voice_is_compared_with_the_same_person_only(tracks: Extracted) -> None:
    said = [tracks.measured(c) for c in GOOD]
    [alone] = tracks.affect(said[1:2])
    assert alone.valid.mean() < MINIMUM  # 3 s of speech are too little to know what is usual for a person
    _, after = tracks.affect(said[:2])
    assert after.valid.all()
    features = tracks.features()
    assert features["visual"].shape == features["audio"].shape == (4, 7)
    assert features["prosody"].shape == (4, len(PROSODY))
    assert np.isnan(features["audio"]).all(axis=1).tolist() == [True, False, True, True]


def test_features_are_kept_until_a_track_changes(first: extraction.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = Path(shutil.copytree(first.root, tmp_path / "tracks"))
    before = Extracted.open(out).features()
    with monkeypatch.context() as patched:
        patched.setattr(Extracted, "rows", lambda *_: pytest.fail("the features are there"))
        kept = Extracted.open(out).features()
    assert set(kept) == set(before)
    for modality, values in before.items():
        np.testing.assert_array_equal(kept[modality], values)
    next((out / "emotion").rglob(f"{GOOD[0]}*")).unlink()
    again = Extracted.open(out).features()
    assert np.isnan(again["visual"][0]).all()
    assert len(list(out.glob("features-*.npz"))) == 1


def test_fusion_gets_samples_of_an_extracted_corpus(first: extraction.Result) -> None:
    samples = catalogue.load("ravdess", first.root)
    assert samples.classes == ("angry", "fear", "happy", "sad")
    assert [samples.classes[i] for i in samples.labels] == ["happy", "sad", "angry", "fear"]
    assert samples.persons.tolist() == ["Actor_01", "Actor_01", "Actor_02", "Actor_02"]
    assert samples.batch.masks["visual"].tolist() == [True, True, True, False]
    assert samples.batch.masks["text"].tolist() == [True, True, True, False]
    np.testing.assert_allclose(samples.features["visual"][:3].sum(axis=1), 1.0)
    assert samples.groups.columns.tolist() == ["sex"]
    assert "outputs of the workbench's own stages" in samples.source
    assert samples.notes[0] == f"1 clips had errors when they were extracted; see {first.root / 'errors.parquet'}"
    assert samples.notes[1:3] == ("1 of 4 clips have no visual", "3 of 4 clips have no audio")


def test_a_picture_is_shown_until_its_face_has_a_name(sample_paths: SamplePaths, tmp_path: Path) -> None:
    import av
    from PIL import Image

    root = small_corpora.raf_db(tmp_path / "raf")
    with av.open(str(sample_paths.video)) as film:
        face = next(film.decode(video=0)).to_ndarray(format="rgb24")
    Image.fromarray(face).save(root / "basic" / "Image" / "aligned" / "train_00001_aligned.jpg")
    result = extraction.extract("raf-db", root, settings=Settings(), out=tmp_path / "tracks", workers=1)
    assert result.computed == {**dict.fromkeys(STAGES, 0), "detection": 3, "tracking": 3, "emotion": 3}
    assert result.empty["emotion"] == 2  # grey pictures
    assert result.failed == 0
    visual = Extracted.open(result.root).features()["visual"]
    assert np.isnan(visual).all(axis=1).tolist() == [False, True, True]
    assert visual[0].sum() == pytest.approx(1.0)


def test_hiring_in_the_eu_extracts_no_emotion(corpus: Path, tmp_path: Path) -> None:
    hiring = with_("session", purpose="hiring", jurisdiction="DE")
    result = extraction.extract("ravdess", corpus, ["vad", "emotion"], settings=hiring, out=tmp_path / "tracks", workers=1)
    assert set(result.off) == {"detection", "tracking", "emotion"}
    assert "EU AI Act" in result.off["emotion"]
    assert result.computed == {"vad": 3}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`MANY` films of a tone: enough for a run to be stopped in the middle, also where the tests themselves must wait."""
    root = tmp_path_factory.mktemp("many")
    made = small_corpora.film(root / "01-01-01-01-01-01-01.mp4", 1.0).read_bytes()
    names = [f"01-01-{e:02}-{i:02}-{s:02}-{r:02}-{a:02}.mp4" for a, e, i, s, r in product(range(1, 4), range(1, 9), *[(1, 2)] * 3)]
    for name in (n for n in names if n[6:11] != "01-02"):  # neutral speech has no strong intensity
        (root / name).write_bytes(made)
    return root


def begun(root: Path, out: Path) -> subprocess.Popen[str]:
    """An extraction with two processes that has stored its first three clips; it is the leader of its process group."""
    arguments = ["corpora", "extract", "ravdess", str(root), "--stages", "vad", "--workers", "2", "--out", str(out), "--json"]
    command = [sys.executable, "-m", "workbench", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    while process.poll() is None and len(files(out)) < 3:
        time.sleep(0.005)
    return process


def group_is_gone(process: subprocess.Popen[str]) -> bool:
    for _ in range(500):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    return False


def test_a_killed_run_continues_where_it_stopped(many: Path, tmp_path: Path) -> None:
    process = begun(many, tmp_path)
    process.kill()
    process.communicate()
    assert group_is_gone(process)  # workers end with their parent
    before = files(tmp_path)
    result = extraction.extract("ravdess", many, ["vad"], settings=Settings(), out=tmp_path, workers=1)
    assert 3 <= len(before) < result.clips
    assert (result.computed["vad"], result.kept["vad"]) == (result.clips - len(before), len(before))
    assert {p: t for p, t in files(tmp_path).items() if p in before} == before
    assert len(files(tmp_path)) == result.clips


def test_ctrl_c_ends_all_processes_without_a_traceback(many: Path, tmp_path: Path) -> None:
    process = begun(many, tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in out + err
    assert group_is_gone(process)
    assert 3 <= len(files(tmp_path)) < MANY


def test_processes_share_the_clips_and_limit_holds(command: Command, many: Path, tmp_path: Path) -> None:
    done = command(
        "corpora", "extract", "ravdess", many, "--stages", "vad", "--workers", 2, "--limit", 6, "--out", tmp_path / "t", "--json"
    )
    assert done.code == 0, done.err
    assert (done.json["workers"], done.json["clips"], done.json["failed"]) == (2, 6, 0)
    assert done.json["stages"]["vad"]["computed"] == 6
    shown = command("corpora", "extract", "ravdess", many, "--stages", "vad", "--limit", 6, "--out", tmp_path / "t").out
    assert "0 clips with errors" in shown


def test_a_process_that_dies_costs_one_clip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(running, "work", small_corpora.die_on_clip_3)
    clips = [Clip(str(i), "c", ("vad",)) for i in range(6)]
    outcomes = {o.clip: o for o in running.spread(Job(tmp_path, Settings(), {}, {}), clips, 2)}
    assert set(outcomes) == {c.name for c in clips}
    assert [c for c, o in outcomes.items() if o.errors] == ["3"]
    assert "the process that worked on it died" in outcomes["3"].errors[0]["message"]


def test_clips_without_text_are_transcribed(sample_paths: SamplePaths, tmp_path: Path) -> None:
    root = small_corpora.meld(tmp_path / "meld")
    clip = small_corpora.cut(sample_paths.video, root / "train" / "train_splits" / "dia0_utt0.mp4", 2.0, 3.0)
    (root / "train" / "train_splits" / "dia0_utt1.mp4").write_bytes(clip.read_bytes())
    table = root / "train_sent_emo.csv"
    table.write_text(table.read_text().replace("Fine.", ""))
    result = extraction.extract("meld", root, ["embedding"], settings=Settings(), out=tmp_path / "tracks", workers=1)
    assert result.computed == {"embedding": 2, "vad": 1, "transcription": 1, "alignment": 1}
    extracted = Extracted.open(result.root)
    assert extracted.text("train/dia0_utt0") == "Oh, no!"
    assert len(extracted.text("train/dia0_utt1").split()) > 3
    assert extracted.features()["text"].shape == (2, 384)


def test_bad_input_is_one_clear_line(command: Command, corpus: Path, many: Path, generated_root: Path, tmp_path: Path) -> None:
    for arguments, expected in (
        (("ravdess", corpus, "--stages", "smell"), "no stage 'smell'; choose of detection, tracking"),
        (("ravdess", corpus, "--workers", 0), "--limit and --workers must be at least 1"),
        (("ravdess", tmp_path / "nowhere"), "no such folder"),
        (("films", corpus), "corpus 'films' is not known"),
        (("crema-d", generated_root), "has audio, video or a picture; nothing can be extracted"),
        (("ravdess", corpus, "--out", corpus / "Actor_02" / "01-01-05-01-01-01-02.mp4"), "File exists"),
    ):
        done = command("corpora", "extract", *arguments)
        assert done.code == 2
        assert expected in done.err
        assert done.err.count("\n") == 1, done.err
    lone = tmp_path / "lone"
    lone.mkdir()
    (lone / "01-01-03-01-01-01-01.mp4").write_bytes(b"no film")
    done = command("corpora", "extract", "ravdess", lone, "--workers", 1, "--out", tmp_path / "t")
    assert done.code == 2
    assert "every clip failed; the first, 01-03-01-01-01-01: " in done.err


def test_a_requested_stage_includes_those_it_depends_on() -> None:
    assert wanted(["emotion"]) == ["detection", "tracking", "emotion"]
    assert wanted(["transcription", "tracking"]) == ["detection", "tracking", "vad", "transcription"]
    assert wanted(None) == list(STAGES)
    assert ", ".join(STAGES) == corpora_commands.STAGES


def test_tracks_that_are_not_there_or_damaged_are_named(first: extraction.Result, tracks: Extracted, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"nothing was extracted here \(extraction\.json is missing\)"):
        Extracted.open(tmp_path)
    (tmp_path / "vad" / tracks.keys["vad"]).mkdir(parents=True)
    for path in (first.root / "vad" / tracks.keys["vad"]).iterdir():
        (tmp_path / "vad" / tracks.keys["vad"] / path.name).write_bytes(b"PAR1 torn")
    with pytest.raises(CorpusError, match=r"cannot be read .*; remove it and extract the corpus again"):
        replace(tracks, root=tmp_path).rows("vad", GOOD[0])
