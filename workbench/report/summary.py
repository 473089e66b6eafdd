"""What was analysed and how much of it was usable, in plain words and without judgement; and the score cards: what a score is, how sure
it is, and what every part of it came from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from workbench.contracts import Contribution, Event, Evidence, Score
from workbench.events import Severity
from workbench.report import wording
from workbench.report.data import ReportData, cells, covered
from workbench.report.transcript import Anchors
from workbench.report.wording import count, duration, feature_title, kind_of, modality_title, ranged, score_title, share
from workbench.sessions.overrides import Override, in_force


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
        Fact("Speech", duration(spoken), f"{share(spoken, total)} of the session", _portion(spoken, total)),
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
        out.append(Fact(name, duration(seconds), f"{share(seconds, total)} of the session", _portion(seconds, total)))
    return out


def _portion(seconds: float, total: float) -> float:
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


SHOWN = 12
"""Pieces of evidence printed for one contribution; the rest stays in the session."""
FACES = 6
"""Of those, pictures at most."""
ORDER = ("composite", "technical", "clarity", "confidence", "engagement")


@dataclass(frozen=True)
class Proof:
    """One piece of evidence: when, what, and where to look."""

    kind: str
    when: str
    start: float
    text: str
    value: str
    link: str
    quoted: bool


@dataclass(frozen=True)
class Part:
    """One contribution; `colour` numbers its segment of the stacked bar."""

    title: str
    colour: int
    source: Contribution
    raw: str
    proofs: list[Proof] = field(default_factory=list)
    more: int = 0
    link: str = ""


@dataclass(frozen=True)
class Card:
    """A score as it is printed."""

    anchor: str
    title: str
    about: str
    score: Score
    parts: list[Part]
    missing: list[tuple[str, str]]
    override: Override | None = None


def cards(material: ReportData, scope: str, anchors: Anchors) -> list[Card]:
    """The scope's cards, the composite first."""
    scores = [s for s in material.scores if s.scope == scope]
    rank = {name: i for i, name in enumerate(ORDER)}
    scores.sort(key=lambda s: rank.get(s.name, len(rank)))
    names = {s.name for s in scores}
    reviewed = in_force(material.overrides)
    return [replace(_card(s, names, anchors), override=reviewed.get((s.scope, s.name))) for s in scores]


def _card(score: Score, names: set[str], anchors: Anchors) -> Card:
    parts = [_part(c, i, score.scope, names, anchors) for i, c in enumerate(score.contributions)]
    about = wording.SCORES.get(score.name, ("", ""))[1]
    missing = [(wording.feature_title(name), reason) for name, reason in score.missing.items()]
    return Card(anchor(score.scope, score.name), wording.score_title(score.name), about, score, parts, missing)


def anchor(scope: str, name: str) -> str:
    """Name of a card's place in the page."""
    return f"score-{scope}-{name}".replace(" ", "_")


def _part(c: Contribution, index: int, scope: str, names: set[str], anchors: Anchors) -> Part:
    raw = "not measured" if c.raw is None else f"{wording.measure(c.raw)} {wording.unit(c.unit)}".strip()
    link = anchor(scope, c.feature) if c.feature in names else ""
    shown = _spread(c.evidence)
    proofs = [_proof(e, anchors, bare=bool(link)) for e in shown]
    return Part(wording.feature_title(c.feature), index, c, raw, proofs, len(c.evidence) - len(shown), link)


def _spread(evidence: list[Evidence]) -> list[Evidence]:
    """At most `SHOWN` pieces, of them at most `FACES` pictures, in the order that scoring gave them."""
    shown: list[Evidence] = []
    faces = 0
    for e in evidence:
        faces += e.kind == "frame"
        if len(shown) < SHOWN and (e.kind != "frame" or faces <= FACES):
            shown.append(e)
    return shown


def _proof(e: Evidence, anchors: Anchors, bare: bool) -> Proof:
    """`bare` leaves out the values of spans: under a composite they are of different units."""
    when = wording.clock(e.start) if e.kind != "span" or e.end - e.start < 0.1 else f"{wording.clock(e.start)} to {wording.clock(e.end)}"
    value = "" if bare and e.kind == "span" else _value(e)
    text = e.text.strip(" ,") if e.kind == "word" else e.text
    word = e.kind == "word"
    return Proof(e.kind, when, e.start, text, value, anchors.find(e.start, e.end, word), word or anchors.holds(e.text))


def _value(e: Evidence) -> str:
    """What the value is depends on the kind; a span's that its text says already is not repeated."""
    if e.value is None:
        return ""
    if e.kind == "span":
        return "" if f"{e.value:.1f}" in e.text else f"value {wording.measure(e.value)}"
    return f"{'confidence' if e.kind == 'word' else 'certainty'} {wording.number(e.value)}"


def moments(groups: list[list[Card]]) -> list[float]:
    """Times of all frames that the cards show."""
    return [p.start for group in groups for card in group for part in card.parts for p in part.proofs if p.kind == "frame"]
