"""How many files one must open to follow a frame from a file to the report, and a word from the microphone to the session."""

import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.walk import walked
from workbench import contracts, report, sample
from workbench.capture.browser import pack_audio
from workbench.capture.media_file import MediaFile
from workbench.live import opening
from workbench.live.pool import measuring_stages
from workbench.pipeline import evaluate
from workbench.runtime.graph import Graph
from workbench.sessions.store import Session
from workbench.settings import Capture, Settings, from_dict
from workbench.streams import AlignedClip, AudioBlock, SpeechClip, TranscribedClip

pytestmark = pytest.mark.media
FRAME, WORD = 25, 14
OF_A_WORD = frozenset(
    {"AudioBlock", "SpeechClip", "Hypothesis", "TimedWord", "Word", "Interim", "TranscribedClip", "Transcript", "AlignedClip"}
)
CONSENT = contracts.Consent(given=True, by="test", when="2026-01-01T00:00:00+00:00", text="synthetic voice, stock footage")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of the sample's picture, without sound."""
    path = tmp_path_factory.mktemp("walk") / "pictures.mp4"
    with av.open(str(sample.build().video)) as source, av.open(str(path), "w") as out:
        video = source.streams.video[0]
        stream = out.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        source.seek(20_000_000)
        for i, frame in enumerate(source.decode(video)):
            if i == 72:
                break
            copy = frame.reformat(format="yuv420p")
            copy.pts, copy.time_base = i, Fraction(1, 24)
            out.mux(stream.encode(copy))
        out.mux(stream.encode())
    return path


def test_a_frame_from_file_to_report(pictures: Path, tmp_path: Path) -> None:
    evaluate(pictures, out=tmp_path / "models are loaded now")
    with walked() as files:
        session = evaluate(pictures, out=tmp_path / "session")
        report.build(session)
    assert {"capture/media_file.py", "vision/emotion.py", "fusion/fuse.py", "scoring/scores.py", "report/timeline.py"} <= set(files)
    assert len(files) <= FRAME, "\n".join(sorted(files))


@pytest.fixture
def settings() -> Settings:
    return from_dict({"session": {"purpose": "demonstration", "store_video": False}}, environment=False)


def test_a_word_from_microphone_to_session(settings: Settings, tmp_path: Path) -> None:
    sound = [b for b in MediaFile(sample.build().video, Capture()) if isinstance(b, AudioBlock) and b.end < 16]
    session = opening.open_live(settings, consent=CONSENT, folder=tmp_path / "session")
    with walked(OF_A_WORD, not_threads=frozenset({"live-ticker"})) as files:  # the ticker reads what is stored, for the page
        session.begin()
        for block in sound:
            session.intake.receive(pack_audio(block.first_sample, block.samples * 32767))
            time.sleep(0.5 * len(block.samples) / block.sample_rate)
        deadline = time.monotonic() + 120
        while not (tmp_path / "session" / "transcripts.jsonl").stat().st_size:
            assert time.monotonic() < deadline, "no word was stored"
            time.sleep(0.1)
    session.stop("test")
    assert session.ended.wait(60)
    words = Session.open(tmp_path / "session").transcripts[0]
    clip = SpeechClip(contracts.SpeechSegment(segment_id=words.segment_id, start=words.start, end=words.end), samples_of(sound, words))
    with walked(OF_A_WORD) as child:  # the process that aligns words cannot be followed from here: the same graph, here
        assert any(isinstance(item, AlignedClip) for item in Graph(measuring_stages(settings, {})).push(TranscribedClip(words, clip)))
    entered = sorted({"capture/browser.py", *files, *child})  # where bytes of the microphone become a block of samples
    assert {"speech/streaming.py", "speech/word_alignment.py", "sessions/writer.py"} <= set(entered)
    assert len(entered) <= WORD, "\n".join(entered)


def samples_of(sound: list[AudioBlock], words: contracts.Transcript) -> np.ndarray:
    every = np.concatenate([b.samples for b in sound])
    return every[round(words.start * 16000) : round(words.end * 16000)]
