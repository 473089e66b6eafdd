"""The messages between stages and on disk: the blueprint's §3 field for field, and what storing them needs besides.

Units, everywhere: times are seconds since the session began (monotonic, float; the header alone knows the wall-clock
time of zero); boxes are ``[ymin, xmin, ymax, xmax]`` and points ``[x, y]``, both as fractions of the image in [0, 1];
probabilities, scores and confidences are in [0, 1]; pitch is in Hz, levels in dB, rates per second unless named.
"""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from workbench import events
from workbench.interview_plan import InterviewPlan, older_plan
from workbench.outputs import Output

Unit = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0)]
Point = tuple[float, float]
Box = tuple[float, float, float, float]


class Modality(StrEnum):
    """What a person can be evaluated by: the face, the voice, the words."""

    VISUAL = "visual"
    AUDIO = "audio"
    LANGUAGE = "language"


EMOTION_MODALITIES: tuple[str, ...] = (Modality.VISUAL.value, Modality.AUDIO.value)
"""The modalities that give emotion probabilities."""


class Message(BaseModel):
    """Base of all messages: immutable, unknown fields refused, one JSON object a line on disk."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="null")
    outputs: ClassVar[tuple[Output, ...]] = ()

    def line(self) -> str:
        """This message as one JSON line, without the newline.

        Examples
        --------
        >>> Frame(frame_id=7, timestamp=0.5, width=640, height=360).line()
        '{"frame_id":7,"timestamp":0.5,"width":640,"height":360,"image_format":"rgb","image_ref":null}'
        """
        return self.model_dump_json()


# ── capture ──────────────────────────────────────────────────────────────────────────────────────────────────────────
class Frame(Message):
    """One camera or video frame. `image_ref` names stored pixels; in memory they travel beside the message."""

    frame_id: int = Field(ge=0, description="identity, counted by the source; never a time")
    timestamp: Seconds = Field(description="presentation time, s")
    width: int = Field(gt=0, description="px")
    height: int = Field(gt=0, description="px")
    image_format: Literal["bgr", "rgb"] = "rgb"
    image_ref: str | None = None


class AudioChunk(Message):
    """A run of mono samples. `first_sample` is the master clock: `timestamp` = first_sample / sample_rate."""

    timestamp: Seconds
    sample_rate: int = Field(gt=0, description="Hz")
    first_sample: int = Field(ge=0)
    samples: int = Field(ge=0, description="number of samples")
    audio_ref: str | None = None


# ── vision ───────────────────────────────────────────────────────────────────────────────────────────────────────────
class Landmarks(Message):
    """Eye centres and mouth as [x, y] fractions of the image, from the image's point of view (left_eye has the smaller x)."""

    left_eye: Point
    right_eye: Point
    mouth: Point | None = Field(default=None, description="says which way up the face is; null in sessions of version 0.1")


class Detection(Message):
    """A face in one frame; `face_id` is null until tracking has named it."""

    face_id: str | None = None
    box: Box = Field(description="[ymin, xmin, ymax, xmax], fractions of the image")
    score: Unit
    landmarks: Landmarks | None = None
    frame_ref: str | None = None
    change: float | None = Field(default=None, ge=0, description="root mean square change of the face's pixels in 0.5 s, grey levels")
    motion: float | None = Field(default=None, ge=0, description="movement of its parts against one another in 0.5 s, share of its size")
    mouth_motion: float | None = Field(default=None, ge=0, description="the same of the mouth")


class Detections(Message):
    """All faces of one frame. An empty list says that the frame was looked at and no face was there."""

    frame_id: int
    timestamp: Seconds
    detections: list[Detection] = []
    candidate: str | None = Field(default=None, description="face_id judged to be the candidate so far (it moves; largest, longest seen)")
    cut: bool = Field(default=False, description="the picture is another one than the frame before: faces are told apart anew")


class CropQuality(Message):
    """How usable a face crop is: `score` is the product of the three parts' fitness."""

    size_px: float = Field(ge=0, description="shorter side of the face box in the source image, px")
    sharpness: float = Field(ge=0, description="variance of the Laplacian of the grey crop at working size, grey levels²")
    brightness: Unit = Field(description="mean grey level / 255")
    score: Unit


class CropItem(Message):
    """A face crop: whose it is, from which frame, and how usable it is."""

    face_id: str
    frame_id: int
    crop_ref: str | None = None
    timestamp: Seconds
    quality: CropQuality | None = None


class CropBatch(Message):
    """Crops that one call of the emotion network takes together."""

    batch_id: str
    items: list[CropItem]


class VisualPrediction(Message):
    """Emotion probabilities of one face in one frame. `derived` is a read-out from pairs of basics, not a classifier."""

    face_id: str
    frame_id: int
    timestamp: Seconds
    probs: dict[str, Unit]
    top: tuple[str, Unit]
    quality: CropQuality | None = None
    derived: dict[str, Unit] | None = Field(default=None, description="compound classes derived from pairs of basics")
    derived_note: Literal["derived from basic classes; no compound weights"] | None = None


class VisualOutput(Message):
    """What the emotion networks gave for one batch of crops."""

    batch_id: str
    predictions: list[VisualPrediction]
    models: list[str] = Field(default=[], description="zoo names of the networks that were averaged")

    @property
    def reached(self) -> float | None:
        """The session second of the newest prediction, s."""
        return self.predictions[-1].timestamp if self.predictions else None


# ── speech ───────────────────────────────────────────────────────────────────────────────────────────────────────────
class Word(Message):
    """A recognised word with its time and the recogniser's confidence."""

    word: str
    start: Seconds
    end: Seconds
    conf: Unit | None = Field(default=None, description="the recogniser's probability of the word")
    filler: bool = False
    aligner: Literal["pocketsphinx", "whisper", "wav2vec2"] = "whisper"
    alignment_conf: Unit | None = None


class Transcript(Message):
    """One recognised segment of speech; all times are session times, words included."""

    segment_id: str
    start: Seconds
    end: Seconds
    transcript: str
    words: list[Word] = []
    asr_confidence: Unit | None = None
    language: str | None = None
    snr_db: float | None = None
    speaker: str | None = Field(default=None, description="diarized speaker; null where diarization is off")
    reliability: Unit | None = Field(default=None, description="mean word confidence; null in sessions of older versions")
    doubt: str = Field(default="", description="why the words are left out of scores; empty where they count")


class SpeechSegment(Message):
    """A stretch of voice activity."""

    segment_id: str
    start: Seconds
    end: Seconds
    snr_db: float | None = Field(default=None, description="level of speech over the noise around it, dB")
    rms: float | None = Field(default=None, ge=0, description="root mean square, full scale = 1")


class Prosody(Message):
    """How a segment was said. Null means that it could not be measured (no voiced frame, too short), never zero."""

    segment_id: str
    start: Seconds
    end: Seconds
    pitch_mean: float | None = Field(default=None, description="Hz, voiced frames")
    pitch_std: float | None = Field(default=None, description="Hz")
    pitch_slope: float | None = Field(default=None, description="Hz/s, least squares over voiced frames")
    pitch_std_semitones: float | None = Field(default=None, description="semitones about the segment's median")
    rms_mean: float | None = Field(default=None, description="full scale = 1")
    rms_std: float | None = None
    jitter: float | None = Field(default=None, description="local jitter, fraction (Praat)")
    shimmer: float | None = Field(default=None, description="local shimmer, fraction (Praat)")
    hnr_db: float | None = Field(default=None, description="mean harmonics-to-noise ratio, dB")
    voiced_fraction: Unit | None = None
    pause_count: int | None = Field(default=None, description="pauses ≥ 0.2 s between words")
    pause_total: float | None = Field(default=None, description="s")
    speaking_rate: float | None = Field(default=None, description="words/s over the segment, pauses included")
    articulation_rate: float | None = Field(default=None, description="syllable nuclei/s, pauses excluded")
    filler_rate: Unit | None = Field(default=None, description="fillers / words")


class TrackRow(Message):
    """One row of a dense series (`acoustics`, `affect`): what a `streams.Track` is on disk."""

    timestamp: Seconds
    values: dict[str, float | None]
    confidence: Unit = 1.0
    valid: bool = True


class Answer(Message):
    """What was said in reply to one question, and its language features (raw)."""

    question_id: str
    start: Seconds
    end: Seconds
    text: str
    words: int = Field(ge=0, description="words without fillers")
    fillers: int = Field(ge=0)
    filler_rate: Unit | None = None
    lexical_diversity: float | None = Field(default=None, description="MTLD (McCarthy & Jarvis 2010) or MATTR; see `lexical_measure`")
    lexical_measure: str | None = None
    semantic_similarity: float | None = Field(default=None, ge=-1, le=1, description="cosine to the model answer")
    sentence_similarities: list[float] = []
    sentence_spans: list[tuple[Seconds, Seconds]] = Field(default=[], description="start and end of each of these sentences")
    keywords_found: dict[str, list[Seconds]] = Field(default={}, description="keyword → start times of its mentions")
    keywords_missed: list[str] = []
    keyword_coverage: Unit | None = None


# ── fusion and scoring ───────────────────────────────────────────────────────────────────────────────────────────────
class Label(Message):
    """The most probable emotion of a modality, and its probability."""

    label: str
    score: Unit


class AudioLabel(Label):
    """The same of the voice, with its mean pitch."""

    pitch: float | None = Field(default=None, description="Hz")


class FusedLabel(Label):
    """The fused and smoothed emotion of a window, with all probabilities."""

    uncertain: bool = False
    top2: list[tuple[str, Unit]] = Field(default=[], description="shown where uncertain")
    probs: dict[str, Unit] = {}


class FusedWindow(Message):
    """One analysis window. A modality that was not usable is null, and `missing` says why."""

    window_id: str
    start: Seconds
    end: Seconds
    face_id: str | None = None
    visual: Label | None = None
    audio: AudioLabel | None = None
    fused_emotion: FusedLabel | None = None
    scores: dict[str, Unit | None] = {}
    transcript_summary: str = ""
    weights: dict[str, Unit] = Field(default={}, description="modality weights after masking; they sum to 1 or are empty")
    missing: dict[str, str] = Field(default={}, description="modality → reason")


class Evidence(Message):
    """Where a contribution came from: a word, a span of time, or a frame."""

    kind: Literal["word", "span", "frame"]
    start: Seconds
    end: Seconds
    text: str = ""
    frame_id: int | None = None
    value: float | None = None


class Contribution(Message):
    """One feature's share of a score: ``contribution = weight * normalised``; contributions add up to the score."""

    feature: str
    raw: float | None
    unit: str = ""
    normalised: Unit | None
    weight: Unit = Field(description="after renormalising over the features that could be measured")
    contribution: Unit
    low: Unit | None = Field(default=None, description="95 % interval of `normalised`")
    high: Unit | None = None
    evidence: list[Evidence] = []
    note: str = ""


class Score(Message):
    """An interpretable score with everything it came from. `value` is null where nothing could be measured."""

    name: str
    scope: str = Field(description="'session' or a question's id")
    value: Unit | None
    low: Unit | None = Field(default=None, description="95 % interval")
    high: Unit | None = None
    contributions: list[Contribution] = []
    missing: dict[str, str] = Field(default={}, description="feature → why it is not in the score")


# ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────────────────
class Consent(Message):
    """Whether the person consented, and how that was recorded."""

    given: bool
    by: str = Field(default="", description="who recorded the consent; a role or pseudonym will do")
    when: str = Field(default="", description="ISO 8601")
    text: str = Field(default="", description="what the person was told")


class Clock(Message):
    """How seconds of the session relate to the time of day."""

    wall_zero: str = Field(description="ISO 8601 time of second 0")
    sample_rate: int = Field(gt=0, description="Hz, of the stored audio: the master clock")


class SessionHeader(Message):
    """What a session is: purpose, place, consent, settings, questions, weights; written when it begins."""

    schema_version: int = 1
    session_id: str
    created: str
    purpose: str
    jurisdiction: str
    consent: Consent
    disabled: dict[str, str] = Field(default={}, description="channel → why it is off (law, purpose, choice)")
    media: dict[str, Any] = Field(default={}, description="name, SHA-256, duration, streams of the source")
    settings: dict[str, Any]
    interview: Annotated[InterviewPlan | None, BeforeValidator(older_plan)] = None
    models: dict[str, dict[str, str]] = Field(default={}, description="zoo name → version, sha256, licence, training data")
    clock: Clock
    software: dict[str, str] = {}


class Event(Message):
    """Something that happened to the session.

    `kind` is an `events.EventKind`; stages of other packages may write kinds of their own.
    """

    timestamp: Seconds
    kind: str
    stage: str | None = None
    message: str = ""
    data: dict[str, Any] = {}

    @property
    def reached(self) -> float:
        """The session second at which it happened, s."""
        return self.timestamp

    @property
    def severity(self) -> events.Severity:
        """How serious it is."""
        return events.severity(self.kind)

    @property
    def title(self) -> str:
        """A few words for people; `message` follows."""
        return events.title(self.kind)


VisualOutput.outputs = (Output("visual", VisualOutput, lambda item: (item,)),)
Event.outputs = (Output("events", Event, lambda item: (item,)),)

ALL: tuple[type[Message], ...] = (
    Frame, AudioChunk, Detections, CropBatch, VisualOutput, SpeechSegment, Transcript, Prosody, TrackRow, Answer,
    FusedWindow, Score, SessionHeader, Event,
)  # fmt: skip
"""The messages that `workbench schema` prints."""
