"""One typed tree of everything a run can vary. Loads ``experiments/*.yaml``; echoes itself into every session.

Environment variables override single values: ``WORKBENCH__FUSION__WINDOW=2.0`` (two underscores between levels).
Folders come from ``WORKBENCH_CACHE`` (weights, samples), ``WORKBENCH_SESSIONS`` and ``WORKBENCH_DATA`` (corpora).
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from workbench import yaml_files
from workbench.errors import SettingsError

FILLER_PROMPT = "Um, uh, so, like, you know, uhm, hmm, er, I mean..."


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Capture(Section):
    fps: float = Field(15.0, gt=0, le=60, description="analysed frames per second; a source with fewer gives what it has")
    max_height: int = Field(720, ge=120, description="px; larger frames are scaled down before detection")
    sample_rate: Literal[16000] = 16000
    block_seconds: float = Field(0.5, gt=0, le=5, description="length of one audio block, s")


class Vision(Section):
    detector: Literal["short_range", "full_range"] = "short_range"
    min_detection: float = Field(0.5, ge=0, le=1)
    max_faces: int = Field(8, ge=1)
    analysed_faces: int = Field(3, ge=1, description="faces of one picture whose emotion is stored: the candidate's and the largest others")
    track_gap: float = Field(2.0, gt=0, description="a face id survives this long unseen, s")
    track_iou: float = Field(0.2, ge=0, le=1)
    crop_margin: float = Field(0.05, ge=0, le=1, description="added on each side, fraction of the box")
    batch: int = Field(8, ge=1)
    batch_window: float = Field(0.4, gt=0, description="a smaller batch leaves after this long, s")
    runtime: Literal["fast", "keras"] = "fast"
    emotion_model: str = Field("facex-mobilenetv2", description="zoo name, or folder of a network in the zoo's form (RGB in [0, 1])")
    ensemble: bool = Field(True, description="average the MobileNetV2 with `fer`")
    ensemble_weight: float = Field(0.5, ge=0, le=1, description="weight of `fer` in the average")
    temperature: float = Field(2.0, gt=0, description="softmax temperature of the MobileNetV2 (over-confident at 1)")
    temperature_second: float = Field(1.0, gt=0, description="softmax temperature of `fer`")
    compound_readout: bool = Field(True, description="store the derived compound read-out")
    min_face_px: float = Field(48.0, ge=0, description="below this a crop counts as unusable")
    min_quality: float = Field(0.15, ge=0, le=1, description="least quality (size × sharpness × light) of a crop that is used")
    frozen_change: float = Field(1.5, ge=0, description="grey levels: a face whose pixels change less in 0.5 s does not change")
    frozen_after: float = Field(1.0, gt=0, description="s; a face that does not change for so long is a frozen picture")
    still_motion: float = Field(0.01, ge=0, description="a face whose parts never move by this share of its size is a still picture")


class Speech(Section):
    language: str = Field("en", min_length=2, max_length=3, description="ISO 639-1 code of the interview's language")
    model: str = Field("whisper-base", description="zoo name or path of a CTranslate2 folder")
    prompt: str = FILLER_PROMPT
    beam: int = Field(5, ge=1)
    batch: int = Field(8, ge=1)
    vad_threshold: float = Field(0.5, gt=0, lt=1)
    vad_min_silence: float = Field(0.5, gt=0, description="silence that ends a segment, s")
    vad_pad: float = Field(0.1, ge=0, description="kept before and after speech, s")
    max_segment: float = Field(28.0, gt=1, le=30, description="s; Whisper's window is 30 s")
    aligner: Literal["pocketsphinx", "whisper", "wav2vec2"] = "pocketsphinx"
    aligner_path: Path | None = Field(None, description="local wav2vec2 folder for WhisperX's aligner")
    min_confidence: float = Field(0.6, ge=0, le=1, description="mean word confidence below which a stretch counts as not understood")
    min_logprob: float = Field(-0.55, le=0, description="mean log probability of a text below which it counts as not understood")
    low_word_confidence: float = Field(0.5, ge=0, le=1, description="words below are marked in the report")
    diarize: bool = False
    speakers: int = Field(2, ge=1, description="voices that diarization looks for")
    fillers: tuple[str, ...] = ("um", "uh", "uhm", "umm", "uhh", "er", "erm", "hmm", "hm", "mm", "ah", "eh")
    pause: float = Field(0.2, gt=0, description="shortest gap between words that counts as a pause, s")
    affect_hop: float = Field(0.5, gt=0, description="s")


class Language(Section):
    similarity_model: str = Field("minilm", description="zoo name or path of a sentence-transformers folder")
    lexical_measure: Literal["mtld", "mattr"] = "mtld"


class Fusion(Section):
    strategy: str = Field("average", description="average, rules, or a registered or stored strategy")
    parameters: dict[str, Any] = Field({}, description="strategy-specific values, e.g. a path of stored weights")
    window: float = Field(1.0, ge=0.5, le=2.0, description="s")
    hop: float = Field(0.5, gt=0, le=2.0, description="s")
    weights: dict[str, float] = Field({"visual": 0.6, "audio": 0.4}, description="modality weights before masking")
    min_snr_db: float = Field(5.0, description="below this SNR the audio modality is masked (visual only)")
    low_snr_db: float = Field(10.0, description="rule-based: prefer visual below this")
    small_face_px: float = Field(64.0, description="rule-based: prefer audio below this crop size")


class Smoothing(Section):
    method: Literal["ema", "majority", "none"] = "ema"
    alpha: float = Field(0.6, gt=0, le=1, description="EMA weight of the newest window")
    majority: int = Field(5, ge=1, description="windows of the majority vote")
    commit_windows: int = Field(3, ge=1, description="M: a new label is shown once it held this many windows ...")
    commit_delta: float = Field(0.15, ge=0, le=1, description="δ: ... or leads by more than this")
    uncertain: float = Field(0.45, ge=0, le=1, description="below this probability: `uncertain`, top two shown")


class Scoring(Section):
    technical: dict[str, float] = {"semantic_similarity": 0.6, "keyword_coverage": 0.4}
    clarity: dict[str, float] = {"filler_rate": 0.5, "lexical_diversity": 0.5}
    confidence: dict[str, float] = {"vocal_steadiness": 0.5, "visual_certainty": 0.5}
    engagement: dict[str, float] = {"speaking_ratio": 0.5, "prosodic_variation": 0.5}
    composite: dict[str, float] = {"technical": 0.4, "clarity": 0.25, "confidence": 0.15, "engagement": 0.2}
    ranges: dict[str, tuple[float, float]] = Field(
        {}, description="overrides of the raw values that normalise to 0 and 1, by feature (see scoring/features.py)"
    )
    draws: int = Field(200, ge=0, description="bootstrap draws of each interval; 0 leaves intervals out")
    seed: int = 0


class Session(Section):
    purpose: Literal["research", "practice", "demonstration", "hiring"] = "research"
    jurisdiction: str = Field("unstated", description="ISO 3166 code, 'EU', or 'unstated'")
    store_video: bool = Field(True, description="keep a copy of the source video in the session folder")
    stages: tuple[str, ...] = Field((), description="further stages by name, which installed packages add (see `workbench plugins`)")


class Settings(BaseSettings):
    """Everything a run can vary; the defaults are those of ``experiments/default.yaml``."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix="WORKBENCH__", env_nested_delimiter="__")

    capture: Capture = Capture()
    vision: Vision = Vision()
    speech: Speech = Speech()
    language: Language = Language()
    fusion: Fusion = Fusion()
    smoothing: Smoothing = Smoothing()
    scoring: Scoring = Scoring()
    session: Session = Session()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings

    def echo(self) -> dict[str, Any]:
        """Plain values, as they go into a session header or an MLflow run."""
        return self.model_dump(mode="json")

    def fingerprint(self) -> str:
        """First 12 hex digits of the SHA-256 of the canonical JSON."""
        return hashlib.sha256(json.dumps(self.echo(), sort_keys=True).encode()).hexdigest()[:12]


def from_dict(values: dict[str, Any], source: str = "settings", environment: bool = True) -> Settings:
    """Validate a plain tree; `environment=False` ignores ``WORKBENCH__*`` (stored sessions must replay the same).

    Parameters
    ----------
    values : dict
        Section → key → value; what is left out keeps its default.
    source : str
        Where the values come from, for messages.
    environment : bool
        Whether ``WORKBENCH__*`` may override them.

    Raises
    ------
    SettingsError
        Naming the first unknown key or impossible value.

    Examples
    --------
    >>> from_dict({"fusion": {"window": 2}}).fusion.window
    2.0
    >>> from_dict({"fusion": {"windw": 2}})
    Traceback (most recent call last):
    ...
    workbench.errors.SettingsError: settings: unknown key 'fusion.windw'; remove it or check its spelling
    """
    try:
        if environment:
            return Settings(**values)
        return _Stored(**values)
    except ValidationError as error:
        raise SettingsError(explain(error, source)) from None


class _Stored(Settings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def load(path: Path | str | None = None) -> Settings:
    """Read a YAML file (or the defaults where `path` is None).

    Raises
    ------
    SettingsError
        If the file is missing, is not YAML, or holds unknown keys or impossible values.
    """
    if path is None:
        return from_dict({}, "environment")
    return from_dict(yaml_files.read(path), str(path))


def explain(error: ValidationError, source: str) -> str:
    """The first problem of a validation as one line: what, where, what to do."""
    first = error.errors()[0]
    where = ".".join(str(p) for p in first["loc"]) or "(top level)"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"{source}: unknown key {where!r}{more}; remove it or check its spelling"
    return f"{source}: {where}: {first['msg'][0].lower()}{first['msg'][1:]}{more}; got {first['input']!r:.80}"


def cache_dir() -> Path:
    """Where weights and samples are kept: ``WORKBENCH_CACHE``, else the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("WORKBENCH_CACHE") or Path(base) / "interview-workbench")


def sessions_dir() -> Path:
    """Where sessions are kept: ``WORKBENCH_SESSIONS``, else ``sessions`` in the working folder."""
    return Path(os.environ.get("WORKBENCH_SESSIONS") or "sessions")


def data_dir() -> Path | None:
    """Where corpora lie (``WORKBENCH_DATA``), or None."""
    value = os.environ.get("WORKBENCH_DATA")
    return Path(value) if value else None


def to_yaml(settings: Settings, comments: bool = True) -> str:
    """The tree as YAML, each key with its description as a comment; `load` reads it back to the same settings.

    Parameters
    ----------
    settings : Settings
    comments : bool
        Whether each key's meaning stands beside it.
    """
    lines = []
    values = settings.echo()
    for section in type(settings).model_fields:
        part: Section = getattr(settings, section)
        lines.append(f"{section}:")
        for name, field in type(part).model_fields.items():
            text = yaml.safe_dump({name: values[section][name]}, default_flow_style=True, width=10_000, allow_unicode=True).strip()
            note = f"  # {field.description}" if comments and field.description else ""
            lines.append(f"  {text[1:-1]}{note}")
        lines.append("")
    return "\n".join(lines)


def tracking_uri() -> str:
    """Where runs and models are tracked: ``MLFLOW_TRACKING_URI``, else ``mlflow.db`` in the working folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
