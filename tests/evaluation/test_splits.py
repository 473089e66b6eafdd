"""No figure comes from a person who was seen in training or calibration: by construction, for every strategy."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from workbench.errors import CorpusError
from workbench.evaluation import splits
from workbench.evaluation.samples import Samples
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.network import Hyperparameters
from workbench.training import benchmark

QUICK = Hyperparameters(hidden=4, members=2, epochs=3, batch=128)
ENTRIES = benchmark.candidates(QUICK)


def test_every_person_is_judged_once_and_never_learned_from(samples: Samples) -> None:
    folds = splits.by_person(samples.persons, 5, seed=3)
    assert sorted(np.concatenate([f.test for f in folds])) == list(range(len(samples)))
    for fold in folds:
        assert not set(samples.persons[fold.train]) & set(samples.persons[fold.test])
        assert len(fold.train) + len(fold.test) == len(samples)
    sizes = [len(set(samples.persons[f.test])) for f in folds]
    assert max(sizes) - min(sizes) <= 1


def test_folds_depend_on_the_seed_alone(samples: Samples) -> None:
    first, again, other = (splits.by_person(samples.persons, 4, seed)[0].test.tolist() for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("name", ENTRIES)
def test_a_fitted_strategy_knows_nothing_of_the_held_out_persons(name: str, samples: Samples) -> None:
    """Whatever is done to the held-out rows, the strategy fitted for them stays the same to the last bit."""
    entry = ENTRIES[name]
    seen = samples.only(entry.inputs)
    folds = splits.by_person(samples.persons, 3)
    rng = np.random.default_rng(9)
    held = folds[0].test
    labels, features = seen.labels.copy(), {m: x.copy() for m, x in seen.features.items()}
    labels[held] = rng.permutation(labels[held])
    for x in features.values():
        x[held] = rng.dirichlet(np.ones(6), len(held))
    spoilt = replace(seen, labels=labels, batch=ModalityBatch(features, seen.batch.masks))
    before, after = (next(iter(splits.fitted(s, entry.build, folds)))[1].to_dict() for s in (seen, spoilt))
    assert json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)


@pytest.mark.parametrize("name", ["calibrated_average", "logistic", "learned"])
def test_knowing_the_person_does_not_help(name: str, samples: Samples) -> None:
    """Each person says one class only, and a track names the person: learned by heart in training, worth nothing held out."""
    persons, who = np.unique(samples.persons, return_inverse=True)
    oracle = np.random.default_rng(0).dirichlet(np.full(6, 0.2), len(persons))[who]
    labels = (who % 6).astype(np.int64)
    known = replace(
        samples, batch=samples.batch.only(("visual", "audio")).with_features({"visual": oracle, "audio": oracle}), labels=labels
    )
    probs = splits.held_out(known, ENTRIES[name].build, splits.by_person(samples.persons, 4))
    assert np.mean(probs.argmax(axis=1) == labels) < 0.5  # chance is 1 in 6; by heart it would be 1


def test_a_person_on_both_sides_is_refused(samples: Samples) -> None:
    with pytest.raises(CorpusError, match=r"1 persons are in training and test \(p00\); split by person"):
        splits.Fold(np.arange(10), np.arange(20, 40), samples.persons)
    sides = np.where(np.arange(len(samples)) < 30, "train", "test")
    with pytest.raises(CorpusError, match="in training and test"):
        splits.given(sides, samples.persons)


def test_too_few_persons_and_empty_splits_are_said(samples: Samples) -> None:
    with pytest.raises(CorpusError, match="2 persons cannot make 5 folds"):
        splits.by_person(samples.persons[:48])
    with pytest.raises(CorpusError, match="no clip is in split 'test'; there is train"):
        splits.given(np.full(len(samples), "train"), samples.persons)
