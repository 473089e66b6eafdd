"""Opening sessions: whole, torn, unfinished, damaged, still being recorded."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
import soundfile

from workbench import contracts
from workbench.errors import SessionError
from workbench.sessions import files
from workbench.sessions.store import Session, SessionWriter, list_sessions
from workbench.streams import AudioBlock


def test_torn_last_lines_are_dropped_with_a_warning_and_an_event(copied):
    whole = (copied / "visual.jsonl").read_bytes()
    (copied / "visual.jsonl").write_bytes(whole + b'{"batch_id":"b-9","predi')
    session = Session.open(copied)
    assert session.warnings == ["visual.jsonl: its last line was torn; 24 bytes were dropped"]
    assert (copied / "visual.jsonl").read_bytes() == whole
    assert [(e.kind, e.message) for e in session.events][-1] == ("repair", session.warnings[0])
    again = Session.open(copied)
    assert again.warnings == []
    assert len(again.events) == len(session.events)


def test_every_stream_can_be_torn_anywhere(copied):
    expected = Session.open(copied)
    transcripts, answers, visual = expected.transcripts, expected.answers, expected.visual
    lines = {p: p.read_bytes().splitlines(keepends=True) for p in copied.glob("*.jsonl") if p.stat().st_size}
    for i, (path, content) in enumerate(lines.items()):
        path.write_bytes(b"".join(content[:-1]) + content[-1][: i + 1])
    session = Session.open(copied)
    assert len(session.warnings) == len(lines)
    assert session.transcripts == transcripts[:-1]
    assert session.answers == answers[:-1]
    assert session.visual == visual[:-1]


def test_an_unfinished_wav_header_is_rewritten(copied):
    audio = copied / "audio.wav"
    data = bytearray(audio.read_bytes())
    data[4:8] = data[40:44] = b"\0\0\0\0"
    audio.write_bytes(data + b"\x01")  # and half a sample
    session = Session.open(copied)
    assert session.warnings == ["audio.wav: its header was unfinished and was rewritten"]
    assert soundfile.info(audio).duration == session.duration == 150.0
    assert Session.open(copied).warnings == []


@pytest.mark.parametrize("length", [0, 10, 43])
def test_a_wav_torn_inside_its_header(copied, length):
    os.truncate(copied / "audio.wav", length)
    assert Session.open(copied).warnings == ["audio.wav: its header was unfinished and was rewritten"]
    assert soundfile.info(copied / "audio.wav").frames == 0


def test_killed_while_writing(tmp_path):
    """kill -9 at any moment: the session opens, and nothing older than the last line or block is gone."""
    script = textwrap.dedent(
        """
        import sys
        import numpy as np
        from workbench import contracts, settings
        from workbench.sessions.store import SessionWriter
        from workbench.streams import AudioBlock
        header = contracts.SessionHeader(session_id="x", created="", purpose="research", jurisdiction="",
            consent=contracts.Consent(given=True), settings=settings.Settings().echo(),
            clock=contracts.Clock(wall_zero="", sample_rate=16000))
        writer = SessionWriter.create(sys.argv[1], header)
        for i in range(10**9):
            writer.audio(AudioBlock(i * 1600, np.full(1600, 0.1, np.float32)))
            writer.write("detections", contracts.Detections(frame_id=i, timestamp=i / 10))
            writer.write("speech", contracts.TrackRow(timestamp=i / 10, values={"probability": 0.5}))
            print(i, flush=True)
        """
    )
    folder = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if int(line) >= 100:
            break
    assert Session.open(folder).recording
    process.send_signal(signal.SIGKILL)
    last = max([int(line) for line in process.communicate()[0].split()] or [100])  # what it had printed before it died
    session = Session.open(folder)
    assert not session.recording
    assert len(session.detections) >= last + 1
    assert len(session.track("speech")) >= last + 1
    assert session.duration >= (last + 1) / 10 - 1e-9
    assert soundfile.info(session.audio_path).duration >= (last + 1) / 10 - 1e-9
    samples, _ = soundfile.read(session.audio_path)
    np.testing.assert_allclose(samples, 0.1, atol=1e-4)


def test_a_session_that_is_being_recorded_is_left_alone(tmp_path, header):
    with SessionWriter.create(tmp_path / "a", header) as writer:
        writer.audio(AudioBlock(0, np.zeros(100, np.float32)))
        with (tmp_path / "a" / "speech.jsonl").open("ab") as file:
            file.write(b'{"half a line')
        session = Session.open(tmp_path / "a")
        assert session.recording
        assert session.warnings == []
        assert len(session.track("speech")) == 0
    closed = Session.open(tmp_path / "a")
    assert not closed.recording
    assert len(closed.warnings) == 1


def test_a_folder_that_cannot_be_written_is_read_as_far_as_it_is_whole(copied, monkeypatch):
    whole = len(Session.open(copied).visual)
    with (copied / "visual.jsonl").open("ab") as file:
        file.write(b"{")

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("workbench.sessions.files.cut_torn", refuse)
    session = Session.open(copied)
    assert session.warnings == ["visual.jsonl: its last line was torn; 1 bytes were dropped in memory only (the folder cannot be written)"]
    assert len(session.visual) == whole
    assert len(session.track("visual"))


def test_a_damaged_line_in_the_middle_is_left_out_and_named(copied):
    path = copied / "visual.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    before = Session.open(copied).track("visual")
    lines[3] = b'{"batch_id": \x00\xff garbage}\n'
    path.write_bytes(b"".join(lines))
    session = Session.open(copied)
    track = session.track("visual")
    assert len(track) == len(before)  # the frames were looked at; their probabilities are gone
    assert before.valid.sum() - 8 <= track.valid.sum() < before.valid.sum()
    assert session.warnings == ["visual.jsonl: 1 unreadable lines are left out (line 4 is the first)"]


def test_a_missing_file_is_named_and_the_rest_is_read(copied):
    (copied / "transcripts.jsonl").unlink()
    session = Session.open(copied)
    assert session.warnings == ["transcripts.jsonl is missing; the session is read without it"]
    assert session.transcripts == []
    assert len(session.words) == 0
    assert len(session.windows)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "holds no session"), ("{", "not a session header"), ('{"session_id": "x"}', "not a session header: created: Field required")],
)
def test_what_is_no_session_is_one_line(tmp_path, content, message):
    if content is not None:
        (tmp_path / "header.json").write_text(content)
    with pytest.raises(SessionError, match=message) as caught:
        Session.open(tmp_path)
    assert "\n" not in str(caught.value)


def test_unknown_streams_and_tracks_are_named(generated):
    session = Session.open(generated)
    with pytest.raises(SessionError, match="no stream is called 'nope'"):
        session.messages("nope")
    with pytest.raises(SessionError, match="no track is called 'windows'"):
        session.track("windows")


def test_typed_messages(generated):
    session = Session.open(generated)
    assert isinstance(session.transcripts[0], contracts.Transcript)
    assert session.messages("windows") == session.fused_windows
    assert isinstance(session.score_messages[0], contracts.Score)
    assert session.messages("visual") == session.visual
    assert session.messages("prosody") == session.prosody


def test_tables(generated):
    session = Session.open(generated)
    assert list(session.windows["window_id"][:2]) == ["w-0", "w-1"]
    assert session.windows[[c for c in session.windows if c.startswith("prob_")]].sum(axis=1).max() == pytest.approx(1)
    assert session.words["start"].is_monotonic_increasing
    assert len(session.words) == sum(len(t.words) for t in session.transcripts)
    scores = session.scores.set_index(["scope", "name"])["value"]
    parts = session.contributions.groupby(["scope", "score"])["contribution"].sum()
    for key, value in scores.dropna().items():
        assert parts[key] == pytest.approx(value)


@pytest.mark.parametrize("format", ["parquet", "csv", "json"])
def test_export(generated, tmp_path, format):
    session = Session.open(generated)
    paths = session.export(tmp_path / "out", format)
    read = {"parquet": pd.read_parquet, "csv": pd.read_csv, "json": pd.read_json}[format]
    tables = {p.stem: read(p) for p in paths if p.stat().st_size > 3}
    assert {"windows", "words", "scores", "contributions", "evidence", "visual", "affect", "events"} <= set(tables)
    assert len(tables["windows"]) == len(session.fused_windows)
    np.testing.assert_allclose(tables["visual"]["happy"], session.track("visual").column("happy"), rtol=1e-9)


def test_export_names_what_it_cannot_do(generated, tmp_path):
    session = Session.open(generated)
    with pytest.raises(SessionError, match="format 'xlsx' is not known; choose one of parquet, csv, json"):
        session.export(tmp_path / "out", "xlsx")
    (tmp_path / "file").write_text("")
    with pytest.raises(SessionError, match="cannot be written"):
        session.export(tmp_path / "file")


def test_list_of_sessions(tmp_path, header, copied):
    later = header.model_copy(update={"session_id": "later", "created": "2027-01-01", "disabled": {"visual_emotion": "law"}})
    with SessionWriter.create(tmp_path / "later", later):
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "header.json").write_text("{")
        (tmp_path / "no session").mkdir()
        found = list_sessions(tmp_path)
    assert [s["id"] for s in found] == ["later", "demo", "broken"]
    assert (found[0]["recording"], found[0]["disabled"]) == (True, ["visual_emotion"])
    assert (found[1]["duration"], found[1]["recording"]) == (150.0, False)
    assert "not a session header" in found[2]["problem"]
    json.dumps(found)


def test_no_folder_has_no_sessions(tmp_path):
    assert list_sessions(tmp_path / "nowhere") == []


def test_opening_and_listing_read_no_stream(copied, monkeypatch):
    """Two hours of predictions must not be read to show a list: the ends of files are enough."""

    def read(self, stream):
        raise AssertionError(f"{stream} was read")

    monkeypatch.setattr(Session, "raw", read)
    assert Session.open(copied).duration == 150.0
    assert list_sessions(copied.parent)[0]["duration"] == 150.0


def test_last_line_and_torn_bytes(tmp_path):
    path = tmp_path / "x.jsonl"
    for data, last, torn in ((b"", b"", 0), (b"a\n", b"a", 0), (b"a\nbb\n", b"bb", 0), (b"a\nbb", b"a", 2), (b"bb", b"", 2)):
        path.write_bytes(data)
        assert (files.last_line(path), files.torn_bytes(path)) == (last, torn)
    long = b"x" * 200_000
    path.write_bytes(b"first\n" + long + b"\n" + long)
    assert files.last_line(path) == long
    assert files.torn_bytes(path) == 200_000


def test_open_session_takes_a_folder_or_an_id(copied, monkeypatch):
    import workbench

    assert workbench.open_session(copied).id == "demo"
    monkeypatch.setenv("WORKBENCH_SESSIONS", str(copied.parent))
    assert workbench.open_session("demo").folder == copied
    with pytest.raises(SessionError, match=r"holds no session .*; give a session's id or folder"):
        workbench.open_session("nothing")
