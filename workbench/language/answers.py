"""What was said in reply to each question, and its language features."""

from __future__ import annotations

from collections.abc import Sequence

from workbench import contracts
from workbench.interview_plan import InterviewPlan, Question
from workbench.language.diversity import MEASURES
from workbench.language.interview import WHOLE
from workbench.language.keywords import mentions
from workbench.language.similarity import sentences, similarity
from workbench.settings import Settings
from workbench.speech.diarization import CANDIDATE
from workbench.speech.words import tokens


def analyse(
    plan: InterviewPlan | None, transcripts: Sequence[contracts.Transcript], settings: Settings, duration: float
) -> list[contracts.Answer]:
    """Cut the candidate's words into answers and measure them.

    Parameters
    ----------
    plan : InterviewPlan or None
        With the answers' times (see `interview.from_marks`). Without a plan everything is one answer, "session", compared
        with nothing.
    transcripts : sequence of Transcript
        Where they name a candidate, only those count.
    settings : Settings
    duration : float
        Of the recording, s.

    Returns
    -------
    list of Answer
        One a question, in the plan's order; an answer without words has no features.

    Raises
    ------
    SettingsError
        If the plan has no answer times.
    WeightsError
        If the similarity model's weights are missing.
    """
    words = spoken(transcripts)
    if plan is None:
        return [measure(Question(id=WHOLE), 0.0, duration, words, settings, settings.speech.language)]
    return [measure(q, start, end, words, settings, plan.language) for q, start, end in plan.spans(duration)]


def spoken(transcripts: Sequence[contracts.Transcript]) -> list[contracts.Word]:
    """The candidate's words that were understood (everybody's where nobody is named candidate), in order of time."""
    theirs = [t for t in transcripts if t.speaker == CANDIDATE] or list(transcripts)
    return sorted((w for t in theirs if not t.doubt for w in t.words), key=lambda w: (w.start + w.end, w.start))


def measure(
    question: Question, start: float, end: float, words: Sequence[contracts.Word], settings: Settings, language: str
) -> contracts.Answer:
    """One answer: the words whose middles lie between `start` and `end` (s), and what can be said of them."""
    said = [w for w in words if start <= (w.start + w.end) / 2 < end]
    content = [w for w in said if not w.filler]
    text = " ".join(w.word for w in content)
    diversity = MEASURES[settings.language.lexical_measure](tokens(text))
    near, each = (
        similarity(text, question.model_answer, settings.language.similarity_model) if content and question.model_answer else (None, [])
    )
    keywords = list(dict.fromkeys(question.keywords))
    found = {k: times for k, times in mentions(keywords, said, language).items() if times}
    return contracts.Answer(
        question_id=question.id,
        start=start,
        end=end,
        text=" ".join(w.word for w in said),
        words=len(content),
        fillers=len(said) - len(content),
        filler_rate=(len(said) - len(content)) / len(said) if said else None,
        lexical_diversity=diversity,
        lexical_measure=settings.language.lexical_measure if diversity is not None else None,
        semantic_similarity=near,
        sentence_similarities=each,
        sentence_spans=sentence_spans(text, content) if each else [],
        keywords_found=found,
        keywords_missed=[k for k in keywords if k not in found],
        keyword_coverage=len(found) / len(keywords) if keywords and content else None,
    )


def sentence_spans(text: str, words: Sequence[contracts.Word]) -> list[tuple[float, float]]:
    """Start and end (s) of each sentence of `text`, which is `words` joined by spaces."""
    of = [w for w in words for _ in w.word.split()]
    found, at = [], 0
    for sentence in sentences(text):
        count = len(sentence.split())
        found.append((of[at].start, of[at + count - 1].end))
        at += count
    return found
