"""Recognition figures by hand, and what changes between two models on the same rows."""

import numpy as np
import pytest

from workbench import audit, contracts
from workbench.audit.stats import simulation
from workbench.audit.stats.transcripts import metrics


def transcript(*words):
    """Words as (text, start)."""
    spoken = [contracts.Word(word=w, start=t, end=t + 0.2) for w, t in words]
    return contracts.Transcript(segment_id="s", start=0, end=9, transcript=" ".join(w for w, _ in words), words=spoken)


def figure(name, heard, said):
    found = {m.name: m for m in metrics(heard, said, None)[0]}[name]
    return float(found.value(found.sums.sum(axis=0)))


def test_error_rates_by_hand():
    # six words said: "a" dropped, "queue" heard as "cue", one "now" added
    said, heard = ["Um, I built a message queue uh today."], ["i built message cue today now"]
    assert figure("wer", heard, said) == pytest.approx(3 / 6)
    assert figure("deletions", heard, said) == pytest.approx(1 / 6)
    assert figure("insertions", heard, said) == pytest.approx(1 / 6)
    assert figure("filler_recall", heard, said) == 0
    assert figure("filler_recall", ["um i built a message queue today"], said) == pytest.approx(1 / 2)


def test_nothing_heard_is_all_deletions():
    assert figure("wer", [""], ["one two three"]) == 1
    assert figure("deletions", [""], ["one two three"]) == 1


def test_alignment_error_counts_words_that_were_recognised():
    said = [transcript(("one", 0.0), ("two", 1.0), ("three", 2.0))]
    heard = [transcript(("one", 0.1), ("too", 1.0), ("three", 1.7))]
    assert figure("alignment_error", heard, said) == pytest.approx((0.1 + 0.3) / 2)


def test_what_cannot_be_said_is_noted():
    _, notes = metrics(["one two"], ["one two"], None)
    assert notes == [
        "the references hold no fillers: filler recall cannot be said",
        "word times are not given on both sides: alignment error cannot be said",
    ]


def test_audit_of_recognition_by_accent():
    said = ["one two three four five"] * 20
    heard = ["one two three four five", "one two three four"] * 5 + ["one two", "one three five"] * 5
    groups = {"accent": np.repeat(["a", "b"], 10)}
    found = audit.run(heard, said, groups, kind="asr", draws=200)
    shown = found.groups.query("metric == 'wer'").set_index("group")
    assert shown.loc["a", "value"] == pytest.approx(0.1)
    assert shown.loc["b", "value"] == pytest.approx(0.5)
    assert found.gaps.set_index("metric").loc["wer", "found"]


def test_change_is_paired_by_person():
    s = simulation.people({"a": 30, "b": 30}, 0.7, random=np.random.default_rng(1))
    after = s.probabilities.copy()
    right = np.array(simulation.CLASSES)[after.argmax(axis=1)] == s.labels
    better = ~right & (s.groups["group"] == "b") & (np.arange(len(right)) % 3 == 0)  # a third of b's errors mended
    after[better] = np.eye(3)[[simulation.CLASSES.index(x) for x in s.labels[better]]]
    found = audit.change(
        s.probabilities, after, s.labels, s.groups, people=s.people, classes=simulation.CLASSES, draws=200, metrics=["accuracy"]
    )
    rows = found.groups.query("grouping == 'group'").set_index("group")
    assert rows.loc["b", "value"] == pytest.approx(better[s.groups["group"] == "b"].mean())
    assert rows.loc["b", "low"] > 0.05
    assert rows.loc["a", "reason"] == "no difference between people: an interval cannot be estimated"  # nothing changed for a
    assert found.figures["accuracy"].label == "change of accuracy"


def test_change_needs_the_same_rows():
    with pytest.raises(audit.AuditError, match="after: 1 predictions against 2 before"):
        audit.change(["a", "b"], ["a"], ["a", "b"], {"g": [1, 2]})
