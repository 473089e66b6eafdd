"""Samples whose clips lack modalities, as extracted corpora have them: the benchmark judges them all the same."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.samples import generated
from workbench.errors import CorpusError
from workbench.evaluation.calibration import reliability
from workbench.evaluation.samples import Samples
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.network import Hyperparameters
from workbench.training import benchmark

QUICK = Hyperparameters(members=2, epochs=2, hidden=4)


def partial() -> Samples:
    """Every fifth clip without a voice, every seventh without a face, every third voice without its prosody; no human votes."""
    whole = generated(8, 12)
    n = len(whole)
    rows = np.arange(n)
    masks = {"visual": rows % 7 != 0, "audio": rows % 5 != 0, "prosody": (rows % 5 != 0) & (rows % 3 != 0)}
    features = {m: whole.features[m].copy() for m in ("visual", "audio")}
    features["prosody"] = np.random.default_rng(0).normal(size=(n, 3))
    for m, x in features.items():
        x[~masks[m]] = np.nan
    return replace(whole, batch=ModalityBatch(features, masks), human=None, sources={"prosody": "audio", "text": "audio"})


def test_the_benchmark_judges_clips_that_lack_modalities() -> None:
    found = benchmark.run(partial(), folds=2, seeds=1, draws=5, hyper=QUICK, jobs=1)
    lines = {s["name"]: s for s in found["strategies"]}
    assert "logistic_strength" not in lines  # it has no flag for a voice without prosody
    assert lines["learned"]["inputs"] == ["visual", "audio", "prosody"]
    assert lines["learned"]["note"] == "the network on probabilities and prosody"
    assert all(0 <= s["accuracy"]["value"] <= 1 for s in lines.values())
    assert lines["average"]["accuracy"]["value"] > lines["voice"]["accuracy"]["value"]  # a missing voice counts as wrong
    assert found["ceiling"] == []
    assert {r["without"] for r in found["ablation"]} == {None, "visual", "audio"}


def test_one_modality_alone_is_no_fusion() -> None:
    with pytest.raises(CorpusError, match="no clip has usable visual probabilities"):
        benchmark.run(partial().only(("audio", "prosody")), folds=2, draws=5)


def test_clips_about_which_nothing_was_said_are_in_no_bin_of_reliability() -> None:
    predicted = np.array([[0.9, 0.1], [np.nan, np.nan], [0.2, 0.8]])
    assert reliability(predicted, np.array([0, 1, 0])).count.sum() == 2
