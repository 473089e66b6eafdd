"""Writing a session: streams, audio on its clock, video, and disks that say no."""

import errno
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
import soundfile

from workbench import contracts
from workbench.errors import SessionError
from workbench.sessions import files
from workbench.sessions.store import STREAMS, Session, SessionWriter
from workbench.streams import AudioBlock


def row(t, value=0.5):
    return contracts.TrackRow(timestamp=t, values={"probability": value})


def test_a_new_session_has_its_header_and_every_stream(tmp_path, header):
    with SessionWriter.create(tmp_path / "a", header) as writer:
        assert writer.folder == tmp_path / "a"
    assert {p.name for p in (tmp_path / "a").iterdir()} == {"header.json", *(f"{s}.jsonl" for s in STREAMS)}
    assert Session.open(tmp_path / "a").header == header


def test_a_line_is_on_disk_when_write_returns(tmp_path, header):
    with SessionWriter.create(tmp_path / "a", header) as writer:
        writer.write("speech", row(0.1))
        assert (tmp_path / "a" / "speech.jsonl").read_text() == row(0.1).line() + "\n"


def test_floats_come_back_bit_for_bit(tmp_path, header):
    values = [0.1 + 0.2, 1e-300, 5e-324, 1 / 3, 12345.678901234567, None]
    with SessionWriter.create(tmp_path / "a", header) as writer:
        for i, v in enumerate(values):
            writer.write("acoustics", contracts.TrackRow(timestamp=i / 3, values={"pitch": v, "intensity": 1.0}))
    session = Session.open(tmp_path / "a")
    assert [r.values["pitch"] for r in session.messages("acoustics")] == values
    track = session.track("acoustics")
    assert track.column("pitch")[:-1].tolist() == values[:-1]
    assert np.isnan(track.column("pitch")[-1])
    assert track.times.tolist() == [i / 3 for i in range(6)]


def test_text_of_any_language_and_line_ends_inside_it(tmp_path, header):
    said = contracts.Transcript(segment_id="s", start=0, end=1, transcript="naïve\n日本\u2028\u0085\r 🙂")
    with SessionWriter.create(tmp_path / "a", header) as writer:
        writer.write("transcripts", said)
        writer.write("transcripts", said)
    assert Session.open(tmp_path / "a").transcripts == [said, said]


def test_the_wrong_message_or_stream_is_refused(tmp_path, header):
    with SessionWriter.create(tmp_path / "a", header) as writer:
        with pytest.raises(SessionError, match="stream 'visual' does not take a TrackRow"):
            writer.write("visual", row(0))
        with pytest.raises(SessionError, match=r"stream '\.\./nonsense' cannot be stored"):
            writer.write("../nonsense", row(0))
        with pytest.raises(SessionError, match="stream 'overrides' cannot be stored"):
            writer.write("overrides", row(0))


def test_a_session_never_overwrites_anything(tmp_path, header):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SessionError, match="is not empty; choose another folder"):
        SessionWriter.create(tmp_path, header)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_events_carry_data(tmp_path, header):
    with SessionWriter.create(tmp_path / "a", header) as writer:
        writer.event("question", "Tell me …", timestamp=2.5, stage="live", question_id="q1", marks=[1, 2])
    (event,) = Session.open(tmp_path / "a").events
    assert (event.kind, event.timestamp, event.stage, event.data) == ("question", 2.5, "live", {"question_id": "q1", "marks": [1, 2]})


def test_many_threads_write_whole_lines(tmp_path, header):
    with SessionWriter.create(tmp_path / "a", header) as writer:
        threads = [threading.Thread(target=lambda k=k: [writer.write("speech", row(k * 1000 + i)) for i in range(200)]) for k in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    session = Session.open(tmp_path / "a")
    assert len(session.track("speech")) == 800
    assert session.warnings == []


def test_replace_puts_all_lines_in_place_of_the_old_and_goes_on(tmp_path, header):
    with SessionWriter.create(tmp_path / "a", header) as writer:
        writer.write("speech", row(0.1))
        writer.replace("speech", [row(1.0), row(2.0)])
        writer.write("speech", row(3.0))
    assert Session.open(tmp_path / "a").track("speech").times.tolist() == [1.0, 2.0, 3.0]


# ── audio and video ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_audio_is_a_wav_that_anyone_can_read(tmp_path, header):
    tone = np.sin(np.arange(40000) / 20).astype(np.float32)
    with SessionWriter.create(tmp_path / "a", header) as writer:
        for first in range(0, 40000, 7000):
            writer.audio(AudioBlock(first, tone[first : first + 7000]))
    samples, rate = soundfile.read(tmp_path / "a" / "audio.wav", dtype="float32")
    assert rate == 16000
    np.testing.assert_allclose(samples, tone, atol=1 / 32768)
    assert Session.open(tmp_path / "a").duration == 2.5


def test_audio_can_be_read_while_it_grows(tmp_path, header):
    with SessionWriter.create(tmp_path / "a", header) as writer:
        for i in range(5):
            writer.audio(AudioBlock(i * 8000, np.zeros(8000, np.float32)))
        assert soundfile.info(tmp_path / "a" / "audio.wav").duration == pytest.approx(2.0)
        assert Session.open(tmp_path / "a", repair=False).duration == 2.5


def test_a_gap_becomes_silence_and_what_was_written_stays(tmp_path, header):
    half = np.full(8000, 0.5, np.float32)
    with SessionWriter.create(tmp_path / "a", header) as writer:
        writer.audio(AudioBlock(0, half))
        writer.audio(AudioBlock(16000, half))  # half a second is missing before it
        writer.audio(AudioBlock(20000, -half))  # a quarter of a second of it is there already
    samples, _ = soundfile.read(tmp_path / "a" / "audio.wav")
    assert len(samples) == 28000
    assert (samples[8000:16000] == 0).all()
    assert (samples[16000:24000] > 0.4).all()
    assert (samples[24000:] < -0.4).all()
    (event,) = Session.open(tmp_path / "a").events
    assert (event.kind, event.timestamp) == ("audio_gap", 0.5)


def test_loud_samples_are_clipped_not_wrapped(tmp_path, header):
    with SessionWriter.create(tmp_path / "a", header) as writer:
        writer.audio(AudioBlock(0, np.array([2.0, -2.0, 1.0, -1.0], np.float32)))
    samples, _ = soundfile.read(tmp_path / "a" / "audio.wav", dtype="int16")
    assert samples.tolist() == [32767, -32768, 32767, -32768]


def test_another_sample_rate_is_refused(tmp_path, header):
    with SessionWriter.create(tmp_path / "a", header) as writer, pytest.raises(SessionError, match="48000 Hz"):
        writer.audio(AudioBlock(0, np.zeros(10, np.float32), 48000))


def test_video_is_copied(tmp_path, header):
    source = tmp_path / "Interview.MP4"
    source.write_bytes(b"not really a video")
    with SessionWriter.create(tmp_path / "a", header) as writer:
        writer.video(source)
    session = Session.open(tmp_path / "a")
    assert session.video_path == tmp_path / "a" / "video.mp4"
    assert session.video_path.read_bytes() == source.read_bytes()
    source.write_bytes(b"changed")
    assert session.video_path.read_bytes() == b"not really a video"


def test_a_video_that_cannot_be_read_leaves_nothing(tmp_path, header):
    with SessionWriter.create(tmp_path / "a", header) as writer, pytest.raises(SessionError, match=r"video\.mp4: cannot be written"):
        writer.video(tmp_path / "gone.mp4")
    assert Session.open(tmp_path / "a").video_path is None


# ── disks that say no ────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_folder_that_cannot_be_made(tmp_path, header):
    (tmp_path / "file").write_text("")
    with pytest.raises(SessionError, match=r"cannot be written \(Not a directory\)") as caught:
        SessionWriter.create(tmp_path / "file" / "session", header)
    assert "\n" not in str(caught.value)


def test_a_folder_without_permission(tmp_path, header, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(SessionError, match=r"Permission denied.*choose a folder that you may write to"):
        SessionWriter.create(tmp_path / "a", header)


def test_a_full_disk_is_one_line():
    full = files.Appender(files.Path("/dev/full"))
    with pytest.raises(SessionError, match=r"/dev/full: cannot be written \(No space left on device\); free some space; .* is kept"):
        full.append(b"anything")


def test_half_a_line_is_taken_back_when_the_disk_is_full(tmp_path, header, monkeypatch):
    with SessionWriter.create(tmp_path / "a", header) as writer:
        writer.write("speech", row(0.1))

        def half(fd, data):
            monkeypatch.setattr(files, "_write", full)
            return real(fd, data[: len(data) // 2])

        def full(fd, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        real = files._write
        monkeypatch.setattr(files, "_write", half)
        with pytest.raises(SessionError, match="No space left on device"):
            writer.write("speech", row(0.2))
        monkeypatch.setattr(files, "_write", real)  # somebody made room
        writer.write("speech", row(0.3))
    session = Session.open(tmp_path / "a")
    assert session.track("speech").times.tolist() == [0.1, 0.3]
    assert session.warnings == []


def test_a_limit_of_the_operating_system_keeps_what_was_written(tmp_path):
    """The real thing: the kernel takes part of a write and refuses the rest."""
    script = textwrap.dedent(
        """
        import resource, sys
        import numpy as np
        from workbench import contracts, settings
        from workbench.errors import SessionError
        from workbench.sessions.store import SessionWriter
        from workbench.streams import AudioBlock
        header = contracts.SessionHeader(session_id="x", created="", purpose="research", jurisdiction="",
            consent=contracts.Consent(given=True), settings=settings.Settings().echo(),
            clock=contracts.Clock(wall_zero="", sample_rate=16000))
        with SessionWriter.create(sys.argv[1], header) as writer:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_001, 100_001))
            try:
                for i in range(100):
                    writer.audio(AudioBlock(i * 8000, np.zeros(8000, np.float32)))
            except SessionError as error:
                writer.event("stopped", str(error))
        """
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "a")], check=True)
    session = Session.open(tmp_path / "a")
    assert "File too large" in session.events[-1].message
    assert soundfile.info(session.audio_path).duration == session.duration == 3.0  # whole blocks of half a second
