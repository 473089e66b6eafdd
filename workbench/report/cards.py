"""Score cards: what a score is, how sure it is, and what every part of it came from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from workbench.contracts import Contribution, Evidence, Score
from workbench.report import wording
from workbench.report.data import ReportData
from workbench.report.transcript import Anchors
from workbench.sessions.overrides import Override, in_force

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
