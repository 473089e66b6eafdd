"""Taxonomies, contracts and streams: fixed orders, field for field, and shapes that must fit."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from workbench import contracts, labels
from workbench.streams import Track

PROBS = arrays(np.float64, 7, elements=st.floats(0.001, 1)).map(lambda a: a / a.sum())


def test_orders_are_fixed() -> None:
    assert labels.BASIC == ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
    assert len(labels.COMPOUND) == 11
    assert labels.RAF_DB_COMPOUND[1] == "happily_surprised"
    assert labels.RAF_DB_COMPOUND[11] == "disgustedly_surprised"
    assert set(labels.RAF_DB_BASIC.values()) == set(labels.BASIC)
    assert all(a in labels.BASIC and b in labels.BASIC for a, b in labels.COMPOUND_PAIRS.values())


@given(PROBS)
def test_a_derived_compound_is_high_only_where_both_basics_are(p: np.ndarray) -> None:
    shares = labels.derive_compound(p)
    assert shares.shape == (11,)
    for share, (a, b) in zip(shares, labels.COMPOUND_PAIRS.values(), strict=True):
        low, high = sorted((p[labels.BASIC.index(a)], p[labels.BASIC.index(b)]))
        assert low - 1e-12 <= share <= high + 1e-12
        assert share <= 0.5 + 1e-12


def test_reorder_moves_columns_and_fills_absent_labels() -> None:
    assert labels.reorder([1, 2, 3, 4, 5, 6], labels.CREMA_D).tolist() == [1, 2, 3, 4, 5, 6, 0]


def test_the_blueprints_fused_window_is_a_message() -> None:
    window = contracts.FusedWindow.model_validate(
        {
            "window_id": "w-900", "start": 1.5, "end": 2.5, "face_id": "f-123",
            "visual": {"label": "happy", "score": 0.67},
            "audio": {"label": "positive", "score": 0.73, "pitch": 150},
            "fused_emotion": {"label": "happily_surprised", "score": 0.78},
            "scores": {"communication": 0.82, "confidence": 0.71, "technical": 0.63},
            "transcript_summary": "Candidate described building a queue with ZMQ and retries",
        }
    )  # fmt: skip
    assert contracts.FusedWindow.model_validate_json(window.line()) == window


def test_the_blueprints_detection_and_transcript_are_messages() -> None:
    detection = {
        "frame_id": 12345, "timestamp": 0.123,
        "detections": [{"face_id": None, "box": [0.12, 0.22, 0.40, 0.56], "score": 0.92, "frame_ref": "frames/12345.jpg",
                        "landmarks": {"left_eye": [0.3, 0.2], "right_eye": [0.4, 0.2]}}],
    }  # fmt: skip
    assert contracts.Detections.model_validate(detection).detections[0].box == (0.12, 0.22, 0.40, 0.56)
    said = {
        "segment_id": "seg-42", "start": 1.2, "end": 4.8, "transcript": "I implemented", "asr_confidence": 0.92,
        "words": [{"word": "I", "start": 1.20, "end": 1.24, "conf": 0.98}],
    }  # fmt: skip
    assert contracts.Transcript.model_validate(said).words[0].conf == 0.98


def test_unknown_fields_and_impossible_values_are_refused() -> None:
    with pytest.raises(ValidationError):
        contracts.Frame(frame_id=1, timestamp=0.0, width=1, height=1, colour="red")  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        contracts.Label(label="happy", score=1.2)


def test_every_message_has_a_schema_with_described_units() -> None:
    for message in contracts.ALL:
        assert json.dumps(message.model_json_schema())
    assert "Hz" in json.dumps(contracts.Prosody.model_json_schema())


def test_a_track_slices_and_joins_back_to_itself() -> None:
    track = Track.of("t", [0, 1, 2, 3], np.arange(8), ["a", "b"], confidence=[1, 0.5, 0.2, 0], valid=[1, 1, 0, 1])
    joined = Track.concat([track.slice(0, 2), track.slice(2, 9)])
    assert joined.times.tolist() == track.times.tolist()
    assert joined.values.tolist() == track.values.tolist()
    assert joined.valid.tolist() == track.valid.tolist()
    assert len(Track.empty("t", ["a"])) == 0
    back = Track.from_rows("t", ["a", "b"], track.rows())
    assert back.values.tolist() == track.values.tolist()


@pytest.mark.parametrize("times", [[0, 0], [1, 0]])
def test_a_tracks_times_must_increase(times: list[float]) -> None:
    with pytest.raises(ValueError, match="increase"):
        Track.of("t", times, [[1], [2]], ["a"])


def test_a_tracks_shapes_must_fit() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Track("t", np.arange(3.0), np.zeros((2, 1)), ("a",))
