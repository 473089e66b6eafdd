"""What was analysed and how much of it was usable, in plain words and without judgement."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.contracts import Event
from workbench.events import Severity
from workbench.report.data import ReportData, cells, covered
from workbench.report.wording import count, duration, feature_title, kind_of, modality_title, ranged, score_title, share


@dataclass(frozen=True)
class Fact:
    """A headline figure; `part` in [0, 1] draws how much of the session it covers."""

    name: str
    value: str
    detail: str
    part: float | None = None


def sentences(material: ReportData) -> list[str]:
    """The summary's sentences."""
    h = material.header
    what = f"“{h.media['name']}”, " if h.media.get("name") else ""
    said = f"This report describes a recorded session ({what}{duration(material.duration)}). Its purpose is {h.purpose}."
    return [said, _speech(material), _face(material), _answers(material), _doubt(material)]


def _speech(material: ReportData) -> str:
    spoken = speech_seconds(material)
    if not spoken:
        return "No speech was found in it." if has_audio(material) else "It holds no sound, so nothing could be said about speech."
    words = [w for t in material.transcripts for w in t.words]
    if not words:
        return f"Speech was found in {duration(spoken)}, but no words were recognised."
    fillers = sum(w.filler for w in words)
    unsure = sum(w.conf is not None and w.conf < material.low_confidence() for w in words)
    return (
        f"Speech was found in {duration(spoken)} ({share(spoken, material.duration)}): {count(len(words), 'word')}, of which "
        f"{count(fillers, 'is a filler', 'are fillers')} and {unsure} were recognised with low confidence."
    )


def _face(material: ReportData) -> str:
    if "visual_emotion" in material.header.disabled:
        return "The face was not analysed."
    if not has_video(material):
        return "It holds no picture, so nothing could be said about the face."
    if not material.windows:
        return "No analysis windows are stored, so it is not known how much of the face was usable."
    usable = usable_seconds(material, "visual")
    if not usable:
        return "No usable face was seen in it."
    return f"A usable face was seen in {duration(usable)} ({share(usable, material.duration)}).{_whose(material)}"


def _whose(material: ReportData) -> str:
    """Whose face it is, where there was a choice."""
    if material.candidate is None or len({d.face_id for item in material.detections for d in item.detections if d.face_id}) < 2:
        return ""
    return f" The candidate's is {material.candidate.sentence}."


def _answers(material: ReportData) -> str:
    if not material.questions:
        return "No interview plan was given, so no answers were told apart and nothing was compared with model answers."
    answered = {a.question_id for a in material.replies if a.words}
    return f"The interview plan holds {count(len(material.questions), 'question')}; {len(answered)} of them were answered in words."


def _doubt(material: ReportData) -> str:
    if not material.reads_emotion:
        return "No emotion was estimated: both channels that could are switched off."
    if not material.windows:
        return "No emotion estimate was made."
    spans = cells(material.windows)
    unsure = sum(b - a for w, (a, b) in zip(material.windows, spans, strict=True) if w.fused_emotion and w.fused_emotion.uncertain)
    made = usable_seconds(material, "fused")
    if not made:
        return "No emotion estimate could be made."
    return f"An emotion estimate could be made for {duration(made)}; for {duration(unsure)} of that it is uncertain."


def facts(material: ReportData) -> list[Fact]:
    """The headline figures."""
    total = material.duration
    spoken = speech_seconds(material)
    words = [w for t in material.transcripts for w in t.words]
    fillers = sum(w.filler for w in words)
    out = [
        Fact("Length", duration(total), count(len(material.windows), "analysis window")),
        Fact("Speech", duration(spoken), f"{share(spoken, total)} of the session", _part(spoken, total)),
        Fact("Words", str(len(words)), count(fillers, "filler")),
    ]
    for modality, name, channel in (
        ("visual", "Face usable", "visual_emotion"),
        ("audio", "Voice usable", "prosodic_affect"),
        ("fused", "Fused estimate", ""),
    ):
        if not material.windows or not material.reads_emotion or channel in material.header.disabled:
            continue
        seconds = usable_seconds(material, modality)
        out.append(Fact(name, duration(seconds), f"{share(seconds, total)} of the session", _part(seconds, total)))
    return out


def _part(seconds: float, total: float) -> float:
    return min(seconds / total, 1.0) if total > 0 else 0.0


def speech_seconds(material: ReportData) -> float:
    return covered((s.start, s.end) for s in material.segments or material.transcripts)


def usable_seconds(material: ReportData, modality: str) -> float:
    """Seconds of the windows that have the modality: ``visual``, ``audio`` or ``fused``."""
    field = {"fused": "fused_emotion"}.get(modality, modality)
    spans = cells(material.windows)
    return sum(b - a for w, (a, b) in zip(material.windows, spans, strict=True) if getattr(w, field) is not None)


def has_audio(material: ReportData) -> bool:
    return material.header.media.get("sample_rate") is not None or bool(material.segments)


def has_video(material: ReportData) -> bool:
    return material.header.media.get("width") is not None or bool(material.detections)


@dataclass(frozen=True)
class Gap:
    """Something that was missing, for how long, and why."""

    what: str
    why: str
    seconds: float | None = None
    times: int = 1


def window_gaps(material: ReportData) -> list[Gap]:
    """Every reason of every window, with the seconds it holds for; longest first within a modality."""
    found: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for window, (start, end) in zip(material.windows, cells(material.windows), strict=True):
        for modality, reason in window.missing.items():
            found.setdefault((modality, kind_of(reason)), []).append((reason, end - start))
    gaps = [Gap(modality_title(m), ranged([r for r, _ in group]), sum(s for _, s in group), len(group)) for (m, _), group in found.items()]
    return sorted(gaps, key=lambda g: (g.what, -(g.seconds or 0)))


def score_gaps(material: ReportData) -> list[Gap]:
    """Features that are in no score, over all scopes."""
    found: dict[tuple[str, str], int] = {}
    for score in material.scores:
        for feature, reason in score.missing.items():
            key = (f"{score_title(score.name)}: {feature_title(feature)}", reason)
            found[key] = found.get(key, 0) + 1
    return [Gap(what, reason, times=n) for (what, reason), n in found.items()]


@dataclass(frozen=True)
class Trouble:
    """Events of one kind, told once: when the first was, what it was, and how often it came."""

    time: float
    what: str
    message: str
    times: int


def troubles(events: list[Event]) -> list[Trouble]:
    """Events that tell of trouble; those that differ only in figures are one."""
    found: dict[tuple[str, str], list[Event]] = {}
    for e in events:
        if e.severity is not Severity.ROUTINE:
            what = " · ".join(filter(None, (e.title, e.stage)))
            found.setdefault((what, kind_of(e.message)), []).append(e)
    return [Trouble(g[0].timestamp, what, ranged([e.message for e in g]), len(g)) for (what, _), g in found.items()]


def quality_gaps(material: ReportData) -> list[Gap]:
    """Doubts that no stage calls an error: noise, other languages, several faces, unsure words."""
    floor, wanted = material.settings.fusion.low_snr_db, material.settings.speech.language
    out = []
    noisy = [s for s in material.segments or material.transcripts if s.snr_db is not None and s.snr_db < floor]
    if noisy:
        out.append(Gap("Speech", f"signal-to-noise ratio under {floor:.0f} dB", covered((s.start, s.end) for s in noisy), len(noisy)))
    for language in sorted({t.language for t in material.transcripts if t.language and t.language != wanted}):
        spans = [(t.start, t.end) for t in material.transcripts if t.language == language]
        out.append(Gap("Words", f"sounded like the language “{language}”, the settings say “{wanted}”", covered(spans), len(spans)))
    words = [w for t in material.transcripts for w in t.words]
    unsure = [w for w in words if w.conf is not None and w.conf < material.low_confidence()]
    if unsure:
        why = f"recognised with a confidence under {material.low_confidence():.2f}: {share(len(unsure), len(words))} of the words"
        out.append(Gap("Words", why, covered((w.start, w.end) for w in unsure), len(unsure)))
    many = [d for d in material.detections if len(d.detections) > 1]
    if many:
        most = max(len(d.detections) for d in many)
        why = f"more than one face in {share(len(many), len(material.detections))} of the frames (up to {most})"
        out.append(Gap("Face", why, times=len(many)))
    spans = cells(material.windows)
    doubt = [b - a for w, (a, b) in zip(material.windows, spans, strict=True) if w.fused_emotion and w.fused_emotion.uncertain]
    if doubt:
        limit = material.settings.smoothing.uncertain
        out.append(Gap("Fused estimate", f"highest probability under {limit:.2f}: shown as uncertain", sum(doubt), len(doubt)))
    if not material.header.consent.given:
        out.append(Gap("Consent", "none was recorded with the session", times=1))
    return out
