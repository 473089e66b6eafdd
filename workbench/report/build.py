"""One self-contained HTML file out of a stored session: no script, no network, pictures inlined."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from workbench import theme
from workbench.contracts import Answer, Event
from workbench.errors import SessionError
from workbench.events import EventKind
from workbench.report import summary, timeline, transcript, wording
from workbench.report.data import Pictures, ReportData, read
from workbench.sessions.source import source_summary

if TYPE_CHECKING:
    from workbench.sessions.store import Session

SECTIONS = (
    ("summary", "Summary"), ("purpose", "Purpose"), ("scores", "Scores"), ("timeline", "Timeline"), ("questions", "Questions"),
    ("transcript", "Transcript"), ("gaps", "Missing"), ("models", "Models"), ("settings", "Settings"), ("limits", "Limits"),
)  # fmt: skip

LIMITS = (
    "The scores assist a human reader. They are no verdict on a person, and no decision may rest on them alone.",
    "A facial expression or a tone of voice is not a feeling. The emotion estimates say what a network answered to a picture, "
    "and such networks answer differently for faces unlike those they were trained on.",
    "The training data of some of the networks is undocumented, so nobody can say for whom they work less well.",
    "The voice affect model has not been validated.",
    "Speech recognition makes more errors with some accents, dialects and speech differences. Every figure built on words inherits them.",
    "The intervals cover the spread within this recording. They do not cover errors of the models, and another recording of the same "
    "person would give other figures.",
    "Scores of different recordings, cameras, microphones or settings are not comparable without an audit.",
    "The weights and ranges of the scores are settings. They were chosen, not measured.",
    "In the European Union, inferring emotions in recruitment is prohibited (AI Act Art. 5(1)(f)). Other places have rules of their own. "
    "This is not legal advice.",
)
COMPACT = 900.0
"""s; a transcript of a shorter session is printed with all its parts open."""


@dataclass(frozen=True)
class Question:
    """A question with its answer and that answer's cards."""

    number: int
    text: str
    answer: Answer | None
    cards: list[summary.Card]
    link: str


@dataclass(frozen=True)
class Tally:
    """Seconds for which a modality gave each class its highest probability."""

    name: str
    seconds: dict[str, float]


def build(session: Session, out: str | Path | None = None) -> Path:
    """Write the report of a session.

    Parameters
    ----------
    session : Session
        Complete, partial or damaged: what is not there is said to be missing.
    out : path, optional
        The HTML file; ``report.html`` in the session's folder otherwise. An existing file is replaced.

    Returns
    -------
    Path

    Raises
    ------
    SessionError
        If the file cannot be written.

    Examples
    --------
    >>> from workbench.sessions import synthetic
    >>> from workbench.sessions.store import Session
    >>> build(Session.open(synthetic.write("generated", minutes=1))).name
    'report.html'
    """
    path = Path(out) if out else session.folder / "report.html"
    page = render(read(session))
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise SessionError(f"{path}: the report cannot be written ({error.strerror or error}); choose another file with --out") from None
    return path


def render(material: ReportData) -> str:
    """The report as HTML."""
    anchors = transcript.Anchors(material.transcripts)
    session_cards = summary.cards(material, "session", anchors)
    questions = _questions(material, anchors)
    answers = [(a.start, material.questions.get(a.question_id, a.question_id)) for a in material.replies]
    # after the cards: they say which words need an anchor
    chapters = transcript.chapters(material.transcripts, answers, anchors, material.low_confidence())
    pictures = Pictures(material, summary.moments([session_cards, *(q.cards for q in questions)]))
    repairs = [Event(timestamp=material.duration, kind=EventKind.REPAIR, message=w) for w in [*material.warnings, pictures.problem] if w]
    layers = {m: timeline.strip(material, m) for m in ("visual", "audio", "fused")}
    window_gaps = summary.window_gaps(material)
    environment = _environment()
    return environment.get_template(
        "report.html.j2"
    ).render(
        material=material,
        css=Markup(theme.css() + environment.loader.get_source(environment, "report.css")[0]),  # type: ignore[union-attr]
        title=material.title,
        sections=SECTIONS,
        sentences=summary.sentences(material),
        facts=summary.facts(material),
        cards=session_cards,
        pictures=pictures,
        parts=timeline.parts(material, layers, pictures.stills),
        layers=timeline.LAYERS,
        masked=[g for g in window_gaps if g.why not in material.header.disabled.values()],
        tallies=_tallies(layers) if material.reads_emotion else [],
        voice="prosodic_affect" not in material.header.disabled and any(w.audio for w in material.windows),
        derived=list(material.derived.items())[:5],
        questions=questions,
        chapters=chapters,
        compact=material.duration <= COMPACT,
        low=material.low_confidence(),
        language=material.settings.speech.language,
        window_gaps=window_gaps,
        quality_gaps=summary.quality_gaps(material),
        score_gaps=summary.score_gaps(material),
        events=summary.troubles([*material.events, *repairs]),
        overrides=material.overrides,
        models=_models(material),
        notes=_notes(material),
        off=_off(material.header.disabled),
        settings=yaml.safe_dump(material.header.settings, sort_keys=False, allow_unicode=True),
        source=_source(material.header.media) | source_summary(material.header, material.events).lines(),
        limits=LIMITS,
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("workbench.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters |= {
        "number": wording.number,
        "measure": wording.measure,
        "clock": wording.clock,
        "plain": wording.plain,
        "modality": wording.modality_title,
        "count_of": wording.count,
    }
    return environment


def _questions(material: ReportData, anchors: transcript.Anchors) -> list[Question]:
    answers = {a.question_id: a for a in material.replies}
    texts = material.questions | {q: material.questions.get(q, q) for q in answers}
    find = partial(_first_segment, material)
    return [
        Question(number, text, answers.get(q), summary.cards(material, q, anchors), find(answers.get(q)))
        for number, (q, text) in enumerate(texts.items(), start=1)
    ]


def _first_segment(material: ReportData, answer: Answer | None) -> str:
    if answer is None:
        return ""
    return next((f"s{i}" for i, t in enumerate(material.transcripts) if answer.start <= (t.start + t.end) / 2 < answer.end), "")


def _tallies(layers: dict[str, list[timeline.Cell]]) -> list[Tally]:
    if not layers["fused"]:
        return []
    out = []
    for modality, cells in layers.items():
        seconds = dict.fromkeys([*timeline.LAYERS, "not available"], 0.0)
        for cell in cells:
            key = "not available" if cell.reason else cell.label
            seconds[key] = seconds.get(key, 0.0) + cell.span[1] - cell.span[0]
        out.append(Tally(wording.modality_title(modality), seconds))
    columns = dict.fromkeys(key for t in out for key in t.seconds)
    return [Tally(t.name, {key: t.seconds.get(key, 0.0) for key in columns}) for t in out]


def _models(material: ReportData) -> list[dict[str, Any]]:
    from workbench import zoo

    known = {e.name: e.card for e in zoo.entries()}
    return [
        {
            "name": name,
            "facts": facts,
            "undocumented": facts.get("training_data", "").strip().lower().startswith(wording.UNDOCUMENTED),
            "card": [p.strip() for p in known.get(name, "").split("\n\n") if p.strip()],
        }
        for name, facts in material.header.models.items()
    ]


def _notes(material: ReportData) -> list[str]:
    from workbench.sessions.consent import notes

    return notes(material.header.purpose, material.header.jurisdiction)


def _off(disabled: dict[str, str]) -> dict[str, list[str]]:
    """Reason → the channels that it switches off."""
    out: dict[str, list[str]] = {}
    for channel, reason in disabled.items():
        out.setdefault(wording.switched_off(reason), []).append(channel)
    return out


def _source(media: dict[str, Any]) -> dict[str, str]:
    """What the source was, as printed pairs."""
    out = {}
    if media.get("name"):
        out["Source"] = str(media["name"])
    if media.get("width"):
        rate = f", {float(media['fps']):.3g} frames/s" if media.get("fps") else ""
        out["Picture"] = f"{media['width']} × {media.get('height', '?')} px{rate}"
    if media.get("sample_rate"):
        out["Sound"] = f"{media['sample_rate']} Hz, {wording.count(int(media.get('channels') or 1), 'channel')}"
    if media.get("sha256"):
        out["SHA-256 of the source"] = str(media["sha256"])
    return out
