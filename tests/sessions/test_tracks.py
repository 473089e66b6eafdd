"""Stored messages → arrays."""

from dataclasses import fields

import numpy as np
import pytest

from workbench import contracts
from workbench.contracts import InterviewPlan
from workbench.labels import BASIC
from workbench.sessions import synthetic, tracks
from workbench.sessions.store import Session, SessionWriter
from workbench.streams import Track


def prediction(face, frame, t, label="happy", size=100.0, score=0.8):
    probs = {name: 0.94 if name == label else 0.01 for name in BASIC}
    quality = None if size is None else contracts.CropQuality(size_px=size, sharpness=100.0, brightness=0.5, score=score)
    return contracts.VisualPrediction(face_id=face, frame_id=frame, timestamp=t, probs=probs, top=(label, 0.94), quality=quality)


def store(folder, header, detections, predictions, **streams):
    with SessionWriter.create(folder, header) as writer:
        for d in detections:
            writer.write("detections", d)
        for i in range(0, len(predictions), 2):
            writer.write("visual", contracts.VisualOutput(batch_id=f"b-{i}", predictions=predictions[i : i + 2]))
        for stream, messages in streams.items():
            for message in messages:
                writer.write(stream, message)
    return Session.open(folder)


def looked(frame, t, candidate):
    return contracts.Detections(frame_id=frame, timestamp=t, candidate=candidate)


def test_a_stored_session_reads_back_as_what_was_stored(tmp_path):
    """Every array of a generated session, through JSON lines and back: bit for bit."""
    written = synthetic.observations(2.5, seed=4)
    read = Session.open(synthetic.write(tmp_path / "s", 2.5, seed=4)).observations
    for field in fields(written):
        a, b = getattr(written, field.name), getattr(read, field.name)
        if isinstance(a, Track):
            for part in ("times", "values", "confidence", "valid"):
                np.testing.assert_array_equal(getattr(a, part), getattr(b, part), err_msg=f"{field.name}.{part}")
            assert (a.name, a.names) == (b.name, b.names)
        elif hasattr(a, "__dataclass_fields__"):
            for part in fields(a):
                np.testing.assert_array_equal(getattr(a, part.name), getattr(b, part.name), err_msg=f"{field.name}.{part.name}")
        else:
            assert a == b, field.name


def test_the_candidate_of_each_frame_is_followed(tmp_path, header):
    detections = [looked(0, 0.0, "f-1"), looked(1, 0.1, "f-2"), looked(2, 0.2, None), looked(3, 0.3, "f-2")]
    predictions = [prediction("f-1", 0, 0.0), prediction("f-2", 0, 0.0, "sad"), prediction("f-1", 1, 0.1), prediction("f-2", 1, 0.1, "sad"),
                   prediction("f-1", 2, 0.2)]  # fmt: skip
    seen = store(tmp_path / "s", header, detections, predictions).observations
    assert [BASIC[v.argmax()] if ok else None for v, ok in zip(seen.visual.values, seen.visual.valid, strict=True)] == [
        "happy",
        "sad",
        None,
        None,
    ]
    assert [seen.faces.names[i] if i >= 0 else None for i in seen.faces.face] == ["f-1", "f-2", None, None]
    assert seen.faces.frame_id.tolist() == [0, 1, 2, 3]


def test_without_a_named_candidate_the_face_seen_most_counts(tmp_path, header):
    detections = [looked(i, i / 10, None) for i in range(3)]
    predictions = [prediction("f-1", 0, 0.0, "sad"), prediction("f-2", 1, 0.1), prediction("f-2", 2, 0.2)]
    seen = store(tmp_path / "s", header, detections, predictions).observations
    assert seen.visual.valid.tolist() == [False, True, True]


def test_predictions_without_detections_stand_alone(tmp_path, header):
    seen = store(tmp_path / "s", header, [], [prediction("f-1", 7, 0.7), prediction("f-1", 8, 0.8)]).observations
    assert seen.visual.times.tolist() == [0.7, 0.8]
    assert seen.visual.valid.all()


def test_small_or_unclear_crops_are_seen_but_not_usable(tmp_path, header):
    detections = [looked(i, i / 10, "f-1") for i in range(4)]
    predictions = [prediction("f-1", 0, 0.0, size=40.0), prediction("f-1", 1, 0.1, score=0.1), prediction("f-1", 2, 0.2, score=0.6),
                   prediction("f-1", 3, 0.3, size=None)]  # fmt: skip
    seen = store(tmp_path / "s", header, detections, predictions).observations
    assert seen.visual.valid.tolist() == [False, False, True, True]
    assert seen.visual.confidence.tolist() == [0.8, 0.1, 0.6, 1.0]
    assert (seen.faces.face == 0).all()


def test_rows_out_of_order_are_put_in_order(tmp_path, header):
    rows = [contracts.TrackRow(timestamp=t, values={"probability": v}) for t, v in ((0.2, 2.0), (0.1, 1.0), (0.2, 9.0))]
    track = store(tmp_path / "s", header, [], [], speech=rows).track("speech")
    assert track.times.tolist() == [0.1, 0.2]
    assert track.column("probability").tolist() == [1.0, 2.0]


def test_affect_without_the_basic_classes_is_not_usable(tmp_path, header):
    rows = [contracts.TrackRow(timestamp=t / 2, values={"arousal": 0.5}) for t in range(3)]
    session = store(tmp_path / "s", header, [], [], affect=rows)
    assert session.track("affect").names == ("arousal",)
    assert not session.observations.affect.valid.any()
    assert session.observations.affect.names == BASIC


def test_an_empty_session(tmp_path, header):
    seen = store(tmp_path / "s", header, [], []).observations
    assert (len(seen.visual), len(seen.affect), len(seen.acoustics), len(seen.words.text)) == (0, 0, 0, 0)
    assert seen.duration == 0


def said(name, start, end, speaker):
    word = contracts.Word(word=f"word-of-{name}", start=start, end=start + 0.5)
    return contracts.Transcript(segment_id=name, start=start, end=end, transcript=name, words=[word], speaker=speaker)


def test_only_the_candidates_voice_counts_where_speakers_are_named(tmp_path, header):
    """seg-1 is the interviewer's; in seg-2 the candidate takes over after a second; seg-3 nobody understood; seg-4 is shared."""
    spans = {"seg-1": (0.0, 1.0), "seg-2": (2.0, 6.0), "seg-3": (7.0, 8.0), "seg-4": (9.0, 13.0)}
    seen = store(
        tmp_path / "s", header, [], [],
        transcripts=[said("seg-1", 0.0, 1.0, "other-1"), said("seg-2", 2.0, 3.0, "other-1"), said("seg-2.2", 3.0, 6.0, tracks.CANDIDATE),
                     said("seg-4", 9.0, 10.0, tracks.CANDIDATE), said("seg-4.2", 10.0, 13.0, "other-1")],
        segments=[contracts.SpeechSegment(segment_id=n, start=a, end=b, snr_db=12.0) for n, (a, b) in spans.items()],
        prosody=[contracts.Prosody(segment_id=n, start=a, end=b, jitter=0.01) for n, (a, b) in spans.items()],
        affect=[contracts.TrackRow(timestamp=float(t), values=dict.fromkeys(BASIC, 1 / 7)) for t in range(13)],
    ).observations  # fmt: skip
    assert seen.words.text == ("word-of-seg-2.2", "word-of-seg-4")
    assert list(zip(seen.segments.start, seen.segments.end, strict=True)) == [(3.0, 6.0), (7.0, 8.0), (9.0, 10.0)]
    assert seen.segments.snr_db.tolist() == [12.0] * 3
    assert [p.segment_id for p in seen.prosody] == ["seg-2", "seg-3"]
    assert seen.affect.times[seen.affect.valid].tolist() == [3.0, 4.0, 5.0, 7.0, 9.0]


def test_everybody_counts_where_nobody_is_named():
    transcripts = [said("seg-1", 0.0, 1.0, None), said("seg-2", 2.0, 3.0, None)]
    spans = [contracts.SpeechSegment(segment_id="seg-1", start=0.0, end=1.0)]
    assert tracks.candidate(transcripts, spans, []) == (transcripts, spans, [])


def test_segments_that_run_into_one_another_are_cut():
    found = tracks.segments(
        [contracts.SpeechSegment(segment_id="b", start=1.0, end=2.0), contracts.SpeechSegment(segment_id="a", start=0.0, end=1.5)]
    )
    assert found.end.tolist() == [1.0, 2.0]
    assert np.isnan(found.snr_db).all()


def test_question_weights_come_from_the_interview(tmp_path, header):
    plan = {"questions": [{"id": "q1", "weight": 2.0}, {"id": "q2"}]}
    seen = store(tmp_path / "s", header.model_copy(update={"interview": InterviewPlan(**plan)}), [], []).observations
    assert seen.weights == {"q1": 2.0, "q2": 1.0}


@pytest.mark.parametrize("name", ["visual", "affect", "acoustics", "speech"])
def test_every_track_has_increasing_times(generated, name):
    track = Session.open(generated).track(name)
    assert (np.diff(track.times) > 0).all()
