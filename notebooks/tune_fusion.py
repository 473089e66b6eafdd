# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Tune fusion: from votes to a registered model
#
# CREMA-D: 7,442 acted clips by 91 actors; about ten people judged each from the *face alone*, the *voice alone*, and *both*.
# The inputs below are **human judgements, not outputs of a model**, and the emotions are acted. All figures are of people
# that nothing was learned from; intervals are 95 %, bootstrap over people. `WORKBENCH_DATA` names the folder of the corpora.
# Where CREMA-D is not there, the notebook uses **generated votes**, which say nothing about people; the next cell says which.

# %%
import os
import tempfile
from pathlib import Path

from workbench.corpora.generated import default_votes
from workbench.training import catalogue

samples = catalogue.load(default_votes())
folder = Path(tempfile.mkdtemp())
os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"  # a store for this notebook only,
os.chdir(folder)  # with its artifacts
f"{samples.source}. {len(samples)} clips, {len(set(samples.persons))} people, classes: {', '.join(samples.classes)}"

# %% [markdown]
# ## An untuned average is worse than the face alone

# %%
import pandas as pd

from workbench.fusion.network import Hyperparameters
from workbench.training.benchmark import candidates
from workbench.evaluation.cross_validation import Evaluator
from workbench.evaluation.splits import by_person, held_out

evaluator = Evaluator(samples, draws=1000)
folds = by_person(samples.persons, folds=5, seed=0)
strategies = candidates(Hyperparameters())
chosen = ["voice", "face", "average", "calibrated_average", "logistic", "learned_shares"]
probs = {n: held_out(samples.only(strategies[n].inputs), strategies[n].build, folds) for n in chosen}
scores = {n: evaluator.score([p]) for n, p in probs.items()} | {"people who saw and heard": evaluator.score([samples.human])}

columns = ("accuracy", "macro_f1", "log_loss", "ece")
table = pd.DataFrame({n: {c: str(s.interval(c)) for c in columns} for n, s in scores.items()}).T
table["accuracy against the average"] = {n: str(s.minus(scores["average"], "accuracy")) for n, s in scores.items()}
table

# %% [markdown]
# ## Why: the voice is far too sure
# Share of right answers against confidence. A calibrated modality lies on the diagonal.

# %%
import matplotlib.pyplot as plt

from workbench.evaluation.calibration import reliability

fig, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True)
for ax, name in zip(axes, ("voice", "average", "learned_shares")):
    bins = reliability(probs[name], samples.labels)
    ax.plot([0, 1], [0, 1], "k:", lw=0.8)
    ax.plot(bins.confidence, bins.accuracy, "o-", ms=4)
    ax.set(title=f"{name}: ECE {scores[name].interval('ece').value:.3f}", xlabel="confidence", xlim=(0, 1), ylim=(0, 1))
axes[0].set_ylabel("accuracy")
fig.suptitle(f"{samples.source}; people left out", y=1.04)
plt.show()

# %% [markdown]
# ## Accuracy and fairness of every weight
# What the tuning page (`workbench serve tune`) shows beside its sliders. Figures of the chosen weights are those of a third of the
# people, who were held out.

# %%
from workbench.training.tune import Point, Tuner

tuner = Tuner(samples)
point = Point({"visual": 0.6, "audio": 0.4}, {"fused": 0.7}, method="temperature")
found, frontier = tuner.evaluate(point), tuner.frontier(point)
fig, ax = plt.subplots(figsize=(5, 3.4))
ax.scatter(100 * frontier.gap, 100 * frontier.accuracy, c=frontier.face, cmap="viridis", s=18)
ax.plot(100 * found.figures["gap"].value, 100 * found.figures["accuracy"].value, "D", color="tab:orange", ms=9)
ax.set(xlabel="gap between the sexes, points", ylabel="accuracy, %", title="all weights, from voice alone (dark) to face alone")
plt.show()
found.sentence

# %% [markdown]
# ## Fit, keep, register
# On everyone; the figures that go with it are those of people left out. The run holds the data's fingerprint, the git
# revision, seed and figures.

# %%
from workbench.training import fitting

fitted = fitting.run(samples, "learned_shares", seed=0)
kept = fitting.log(fitted, register="fusion-from-votes", alias="champion")
kept["model"], {k: round(v["value"], 3) for k, v in fitted.report["figures"].items()}

# %% [markdown]
# ## Use it by name
# The same settings work for `workbench evaluate --settings` and for live sessions. Here: a **generated** session, fused again.

# %%
from workbench import settings
from workbench.sessions import replay, synthetic
from workbench.sessions.store import Session

named = settings.from_dict({"fusion": {"strategy": "stored", "parameters": {"model": kept["model"]}}})
session = Session.open(synthetic.write(folder / "session", minutes=0.5, audio=False))
before, after = replay.replay_session(session), replay.replay_session(session, named)
changed = sum(a.fused_emotion != b.fused_emotion for a, b in zip(before.windows, after.windows))
f"{changed} of {len(after.windows)} windows of a generated session are fused otherwise"
