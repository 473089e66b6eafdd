"""From recognition to score: the same words in different voices, how well each is recognised, and what that does to its scores.

All of it comes from synthetic voices. It exercises the audit and says nothing about people.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench import contracts
from workbench.audit.options import AuditError, Options, options
from workbench.audit.result import Audit
from workbench.audit.stats import core
from workbench.corpora.accents import LABEL, Accents, Spoken
from workbench.settings import Settings
from workbench.zoo.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from workbench.sessions.store import Session

Evaluate = Callable[[Path, Path, Settings], "Session"]
"""Evaluates a recording with its questions; `workbench.evaluate` does."""
SCORES = ("technical", "clarity")
VERSION = 2
"""Of what is measured; raise it where that changes, so that nothing older is taken for it."""


def measure(corpus: Accents, evaluate: Evaluate, settings: Settings, progress: Progress = lambda *_: None) -> pd.DataFrame:
    """Evaluate every recording (once; later calls find what was measured).

    Returns
    -------
    DataFrame
        `corpus.clips` with `heard` (recognised text), the scores of `SCORES`, and each score's value had every word been
        recognised (``technical_true`` …). A score that could not be measured is NaN.
    """
    import pandas as pd

    rows = []
    for i, recording in enumerate(corpus.recordings):
        rows += _measured(recording, evaluate, settings)
        progress("accents: recognising", i + 1, len(corpus.recordings))
    return corpus.clips.merge(pd.DataFrame(rows), on=["person", "question_id"])


def _measured(spoken: Spoken, evaluate: Evaluate, settings: Settings) -> list[dict[str, Any]]:
    source = spoken.audio.read_bytes() + spoken.interview.read_bytes()
    key = f"{VERSION}-{hashlib.sha256(source).hexdigest()[:12]}-{settings.fingerprint()}"
    kept = spoken.audio.with_suffix(".measured.json")
    try:
        stored = json.loads(kept.read_text(encoding="utf-8"))
        if stored["key"] == key:
            return list(stored["rows"])
    except (OSError, ValueError, KeyError):
        pass
    session = evaluate(spoken.audio, spoken.interview, settings)
    true = _true_scores(spoken, settings)
    rows = []
    for answer in session.answers:
        found = {s.name: s.value for s in session.score_messages if s.scope == answer.question_id and s.name in SCORES}
        ideal = {f"{name}_true": value for name, value in true[answer.question_id].items()}
        rows.append({"person": spoken.voice.name, "question_id": answer.question_id, "heard": answer.text, **found, **ideal})
    kept.write_text(json.dumps({"key": key, "rows": rows}, indent=1), encoding="utf-8")
    return rows


def _true_scores(spoken: Spoken, settings: Settings) -> dict[str, dict[str, float | None]]:
    """Scores of the words that were said, by question: what a recogniser without errors would have given."""
    from workbench.fusion.observations import Observations, Words
    from workbench.language.answers import measure as measure_answer
    from workbench.language.interview import load_plan
    from workbench.scoring.scores import score

    plan = load_plan(spoken.interview)
    out = {}
    for question, start, end in plan.spans(1e6):
        words = _words(spoken.texts[question.id], start, end, settings)
        answer = measure_answer(question, start, end, words, settings, plan.language)
        begin, stop = np.array([(w.start, w.end) for w in words]).T
        marked = np.array([w.filler for w in words])
        known = Words(tuple(w.word for w in words), begin, stop, np.ones(len(words)), marked, np.zeros(len(words), np.int64))
        found = score(Observations(duration=end, words=known, answers=(answer,)), settings.scoring)
        out[question.id] = {s.name: s.value for s in found if s.scope == question.id and s.name in SCORES}
    return out


def _words(text: str, start: float, end: float, settings: Settings) -> list[contracts.Word]:
    parts = text.split()
    edges = np.linspace(start, end, len(parts) + 1)
    fillers = settings.speech.fillers
    return [
        contracts.Word(word=w, start=float(a), end=float(b), filler=w.strip(".,").lower() in fillers)
        for w, a, b in zip(parts, edges[:-1], edges[1:], strict=True)
    ]


def audits(table: pd.DataFrame, recogniser: str = "", base: Options | None = None, **changes: Any) -> dict[str, Audit]:
    """Recognition by accent, synthesiser and sex of the voice, and for every score its shift away from that of the true words.

    The score audits' figure `bias` is the score less what the true words would have scored. `recogniser` is its name in the
    zoo, in whose model card that audit can then be quoted.
    """
    o = options(base, **{"intersections": 1, **changes})
    groups = table[["accent", "synthesiser", "sex"]]
    about = _about(table)
    found = {
        "recognition": core.run(
            list(table["heard"]), list(table["text"]), groups, kind="asr", name="recognition", people=list(table["person"]),
            about=about | ({"models": recogniser} if recogniser else {}), base=o,
        )
    }  # fmt: skip
    for name in SCORES:
        rows = table[name].notna() & table[f"{name}_true"].notna()
        if rows.any():
            part = table[rows]
            found[name] = core.run(
                part[name], part[f"{name}_true"], part[["accent", "synthesiser", "sex"]], kind="score", name=f"{name} score",
                metrics=["mean_score", "bias", "mae"], people=list(part["person"]), about=about, base=o,
            )  # fmt: skip
    return found


def _about(table: pd.DataFrame) -> dict[str, str]:
    questions = table["question_id"].nunique()
    same = "the same answer" if questions == 1 else f"the same {questions} answers"
    return {
        "label": LABEL,
        "people_are": "voices",
        "data": f"generated accent corpus: {same} in every voice of Kokoro and eSpeak NG",
        "limits": "synthesisers' accents, confounded with how well each synthesiser speaks",
    }


def effect(table: pd.DataFrame, base: Options | None = None) -> pd.DataFrame:
    """How far each score moves when ten words in a hundred are misrecognised: slope over voices, with its interval.

    Returns
    -------
    DataFrame
        `score`, `slope` (points of a 0 to 1 score per 0.1 of word error rate), `low`, `high`, `voices`.

    Raises
    ------
    AuditError
        If all voices are recognised equally well, so that nothing can be said.
    """
    import pandas as pd

    from workbench.audit.stats.transcripts import metrics
    from workbench.evaluation.bootstrap import weights

    o = base or Options()
    said, errors = next(m for m in metrics(list(table["heard"]), list(table["text"]), None)[0] if m.name == "wer").sums.T[::-1]
    frame = table.assign(said=said, errors=errors)
    rows = []
    for name in SCORES:
        part = frame[frame[name].notna() & frame[f"{name}_true"].notna()]
        by = part.assign(shift=part[name] - part[f"{name}_true"]).groupby("person").agg({"said": "sum", "errors": "sum", "shift": "mean"})
        wer, shift = (by["errors"] / by["said"]).to_numpy(), by["shift"].to_numpy()
        if len(by) < o.min_people or np.ptp(wer) == 0:
            raise AuditError(
                f"accents: {len(by)} voices with {np.ptp(wer) if len(by) else 0:.2f} range of word error rate say nothing of {name}"
            )
        draws = weights(len(by), o.draws, np.random.default_rng(o.seed)).astype(float)
        low, high = np.nanquantile(_slope(wer, shift, draws), [(1 - o.level) / 2, (1 + o.level) / 2])
        rows.append(
            {"score": name, "slope": float(_slope(wer, shift, np.ones((1, len(by))))[0]), "low": low, "high": high, "voices": len(by)}
        )
    return pd.DataFrame(rows)


def sentences(found: pd.DataFrame) -> list[str]:
    """`effect` in words."""
    return [
        f"Ten more word errors in a hundred words move the {r['score']} score by {r['slope']:+.3f} [{r['low']:+.3f}, {r['high']:+.3f}] "
        f"on its scale of 0 to 1, the words being the same ({r['voices']} voices; {LABEL})."
        for r in found.to_dict("records")
    ]


def _slope(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Weighted least squares of ``y`` on ``x``, per 0.1 of ``x``, for every row of weights."""
    n = w.sum(axis=1)
    mean_x, mean_y = w @ x / n, w @ y / n
    spread = w @ (x * x) / n - mean_x**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 1e-12, 0.1 * (w @ (x * y) / n - mean_x * mean_y) / spread, np.nan)


def by_accent(found: Mapping[str, Audit]) -> pd.DataFrame:
    """Word error rate and the shift of each score by accent, side by side."""
    import pandas as pd

    parts = []
    for name, figure in (("recognition", "wer"), *((s, "bias") for s in SCORES)):
        if name in found:
            rows = found[name].groups.query("grouping == 'accent' and metric == @figure")
            parts.append(
                rows[["group", "value", "low", "high", "n_people", "reason"]].assign(figure=f"{name}: {found[name].label(figure)}")
            )
    return pd.concat(parts, ignore_index=True)
