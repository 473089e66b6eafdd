"""Stages that others add: by instance, by callable, by the name of an installed package; and those that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import soundfile

from tests.support.packages import fresh, install
from workbench.capture.media_file import MediaFile
from workbench.contracts import TrackRow
from workbench.errors import SettingsError
from workbench.outputs import Output
from workbench.pipeline import evaluate
from workbench.sample import SamplePaths
from workbench.sessions.store import Session
from workbench.settings import Settings
from workbench.stage import StageSpec
from workbench.streams import AlignedClip, AudioBlock, FaceCrop, Track, TrackUpdate

LOUDNESS = """
from workbench.stage import StageSpec
from workbench.streams import AudioBlock, Track, TrackUpdate

class Loudness:
    spec = StageSpec("loudness", (AudioBlock,), (TrackUpdate,), modality="audio")
    def __init__(self, settings): pass
    def process(self, block):
        yield TrackUpdate(Track.of("loudness", [block.end], [[float(abs(block.samples).max())]], ("peak",)))
    def flush(self): return ()
    def reset(self): pass

class Orphan(Loudness):
    class Nothing: pass
    spec = StageSpec("orphan", (Nothing,), (TrackUpdate,))

class Broken(Loudness):
    def __init__(self, settings): raise RuntimeError("no licence key")

class Faulty(Loudness):
    spec = StageSpec("faulty", (AudioBlock,), (TrackUpdate,), modality="audio")
    def process(self, block): raise ValueError("wrong sign")
"""
POINTS = {n: f"toy_loudness:{n.capitalize()}" for n in ("loudness", "orphan", "broken", "faulty")} | {"absent": "toy_missing:Stage"}


class Words:
    """Counts the words of each aligned segment, in a stream of its own."""

    spec = StageSpec("word count", (AlignedClip,), (TrackUpdate,), modality="language")

    def process(self, clip: AlignedClip) -> Iterator[TrackUpdate]:
        yield TrackUpdate(Track.of("word_count", [clip.transcript.end], [[len(clip.transcript.words)]], ("words",)))

    def flush(self) -> Iterator[TrackUpdate]:
        return iter(())

    def reset(self) -> None:
        pass


class Impossible(Words):
    spec = StageSpec("impossible", (dict,), (TrackUpdate,))


@pytest.fixture(scope="module")
def voice(sample_paths: SamplePaths, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first eight seconds of the sample's voice."""
    blocks = [b.samples for b in MediaFile(sample_paths.video) if isinstance(b, AudioBlock) and b.end <= 8]
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    soundfile.write(path, np.concatenate(blocks), 16000)
    return path


def test_a_stage_handed_over_is_run_and_its_stream_is_read_and_exported(
    voice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    real = Session.open.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(Session, "open", classmethod(lambda cls, *a, **k: opened.append(a) or real(cls, *a, **k)))
    session = evaluate(voice, out=tmp_path / "s", stages=[Words()])
    assert len(opened) == 1, "one evaluation opens its session once"
    assert not session.recording
    assert session.added_streams == ["word_count"]
    rows = session.messages("word_count")
    assert sum(row["values"]["words"] for row in rows) == len(session.words) > 5
    assert len(session.windows) > 5, "what was written last is read"
    assert session.scores["value"].notna().any()
    table = session.tables()["word_count"]
    assert list(table["values.words"]) == [row["values"]["words"] for row in rows]
    assert (tmp_path / "out" / "word_count.parquet") in session.export(tmp_path / "out")
    again = Session.open(tmp_path / "s")
    assert again.warnings == []
    assert again.messages("word_count") == rows


def test_a_stage_that_consumes_what_nobody_makes_is_said_before_anything_is_written(voice: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="stages: 'impossible' cannot be used: it consumes dict, which no stage makes"):
        evaluate(voice, out=tmp_path / "s", stages=[Impossible()])
    assert not (tmp_path / "s").exists()
    with pytest.raises(SettingsError, match="is no stage: it needs spec, process, flush and reset"):
        evaluate(voice, out=tmp_path / "s", stages=[lambda settings: 5])  # type: ignore[list-item,return-value]


def test_an_installed_stage_is_named_in_the_settings_or_on_the_command_line(voice: Path, tmp_path: Path) -> None:
    site = install(tmp_path / "site", "toy-loudness", {"workbench.stages": POINTS}, {"toy_loudness": LOUDNESS})
    named = tmp_path / "settings.yaml"
    named.write_text("session:\n  stages: [loudness]\n")
    arguments = f"{str(voice)!r}, settings={str(named)!r}, out={str(tmp_path / 'a')!r}"
    code = f"import workbench; print(workbench.evaluate({arguments}).added_streams)"
    done = fresh("-c", code, packages=(site,))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['loudness']"
    session = Session.open(tmp_path / "a")
    assert session.settings.session.stages == ("loudness",), "a session says which stages made it"

    command = ("-m", "workbench", "evaluate", voice, "--out", tmp_path / "b", "--stage", "loudness", "--stage", "faulty", "--json")
    done = fresh(*command, packages=(site,))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["windows"] > 5, "a stage that fails costs its own results only"
    session = Session.open(tmp_path / "b")
    assert session.added_streams == ["loudness"]
    errors = [e for e in session.events if e.stage == "faulty"]
    assert [e.kind for e in errors] == ["stage_error", "stage_error", "stage_down"]
    assert "ValueError: wrong sign" in errors[0].message


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("orphan", "package toy-loudness 1.0: 'orphan' of workbench.stages is left out: it consumes Nothing, which no stage makes"),
        ("broken", "package toy-loudness 1.0: 'broken' of workbench.stages is left out: it cannot be made: RuntimeError: no licence key"),
        ("absent", "package toy-loudness 1.0: 'absent' of workbench.stages is left out: it cannot be imported: ModuleNotFoundError"),
        ("unheard_of", "stage 'unheard_of' is not known; choose one of face_detection"),
    ],
)
def test_a_stage_that_cannot_be_used_is_one_line_and_exit_code_2(voice: Path, tmp_path: Path, name: str, line: str) -> None:
    site = install(tmp_path / "site", "toy-loudness", {"workbench.stages": POINTS}, {"toy_loudness": LOUDNESS})
    done = fresh("-m", "workbench", "evaluate", voice, "--out", tmp_path / "s", "--stage", name, packages=(site,))
    assert done.returncode == 2
    assert line in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "s").exists()


def test_the_workbench_s_own_stages_are_in_the_registry() -> None:
    from workbench.stages import SPEECH, STAGES, VISION

    assert set(VISION) | set(SPEECH) <= set(STAGES.names())
    for name in (*VISION, *SPEECH):
        assert STAGES.get(name)(Settings()).spec.name


@dataclass(frozen=True)
class Loud:
    """An item of a stage of our own, stored in a stream of its own."""

    time: float
    outputs: ClassVar[tuple[Output, ...]] = (Output("loud", TrackRow, lambda item: (TrackRow(timestamp=item.time, values={"loud": 1.0}),)),)


class Maker(Words):
    spec = StageSpec("maker", (AudioBlock,), (Loud,))

    def process(self, block: AudioBlock) -> Iterator[Loud]:  # type: ignore[override]
        yield Loud(block.end)


class User(Words):
    spec = StageSpec("user", (Loud,), (TrackUpdate,))

    def process(self, item: Loud) -> Iterator[TrackUpdate]:  # type: ignore[override]
        yield TrackUpdate(Track.of("louder", [item.time], [[2.0]], ("twice",)))


class Faces(Words):
    spec = StageSpec("faces", (FaceCrop,), (TrackUpdate,))


def test_stages_may_be_given_in_any_order_and_store_items_of_their_own(voice: Path, tmp_path: Path) -> None:
    session = evaluate(voice, out=tmp_path / "s", stages=[User(), Maker()])
    assert session.added_streams == ["loud", "louder"]
    assert len(session.messages("louder")) == len(session.messages("loud")) > 5


def test_a_stage_whose_input_is_not_made_in_a_session_is_left_out_and_said(voice: Path, tmp_path: Path) -> None:
    session = evaluate(voice, out=tmp_path / "s", stages=[Faces()])
    (event,) = [e for e in session.events if e.kind == "stage_left_out"]
    assert event.message == "faces: FaceCrop is not made in this session"


@pytest.mark.parametrize(
    ("thing", "line"),
    [
        (3, "stages: 3 is no stage: it needs spec, process, flush and reset"),
        (Words, "Words"),
        (lambda settings: 1 / 0, "it cannot be made: ZeroDivisionError: division by zero"),
        ("transcription", "stages: 'transcription' cannot be used: a stage called 'transcription' is there already"),
    ],
)
def test_what_is_no_stage_is_one_clear_line(voice: Path, tmp_path: Path, thing: Any, line: str) -> None:
    with pytest.raises(SettingsError) as error:
        evaluate(voice, out=tmp_path / "s", stages=[thing])
    assert line in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "s").exists()
