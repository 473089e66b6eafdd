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
# # Bias audit: CREMA-D's human votes
#
# For 7,442 acted clips of 91 actors about ten people each judged the emotion from **voice only**, **face only** and both.
# That makes a real audit without any media: how well is an emotion read from each channel, and from both fused, by the
# actors' sex, race, ethnicity and age, and how sure is that?
#
# The figures are about *raters and actors who were asked to show an emotion*: not about interviews, and not about the
# outputs of a network. Intervals are over actors, not clips: clips of one actor are alike.

# %%
import os
import tempfile
from pathlib import Path

# %matplotlib inline

# where no folder of corpora is named: the one beside the checkout
os.environ.setdefault("WORKBENCH_DATA", str(Path.cwd().parents[1] / "shared" / "datasets"))
os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///mlflow.db"
os.chdir(tempfile.mkdtemp())  # whatever is written stays out of the checkout

from workbench.audit import config, tracking
from workbench.audit.present import bundle
from workbench.audit.present import plots
from workbench.audit.present.findings import findings

asked = config.Config(
    name="crema-d votes",
    source={"corpus": "crema-d", "predictions": ["voice", "face", "logistic"]},
    groupings=["sex", "race", "ethnicity", "age_band"],
    audit={"draws": 1000},
    compare=["face", "logistic"],
    costs={"strategies": ["average", "calibrated_average", "logistic"]},
    ll144={"predictions": "logistic"},
    gates=[{"metric": "accuracy", "grouping": "sex", "limit": 0.1}],
)
found = bundle.run(asked)
{name: f"{audit.rows} clips, {audit.people} actors" for name, audit in found.audits.items()}

# %% [markdown]
# ## Overall: voice, face, and both fused
# *logistic* is a regression on the twelve probabilities. It is fitted on some actors and evaluated on the others.

# %%
import pandas as pd

overall = pd.concat(a.groups.query("grouping == 'overall'").assign(predictions=n) for n, a in found.audits.items())
shown = overall[overall.metric.isin(["accuracy", "macro_f1", "log_loss", "ece"])]
shown[["predictions", "metric", "value", "low", "high", "n_people"]].round(3)

# %% [markdown]
# ## Accuracy by group
# The dashed line is everyone together. Groups of fewer than five actors are named and not shown.

# %%
for audit in found.audits.values():
    display(plots.forest(audit, "accuracy"))

# %% [markdown]
# ## Findings
# Gaps that remain after control for how many were tested, and what cannot be concluded.

# %%
for name, audit in found.audits.items():
    print(f"\n{name}")
    for sentence in findings(audit, ["accuracy"])[:12]:
        print(f"  [{sentence.level}] {sentence.text}")

# %% [markdown]
# ## The largest gap of each grouping
# Its interval is simultaneous over all pairs of groups, because the extremes were picked after looking.

# %%
fused = found.audits["logistic"]
fused.worst[fused.worst.metric == "accuracy"].drop(columns=["metric", "p"]).round(3)

# %% [markdown]
# ## What fusing changes, for whom
# Paired by actor: both channels against the face alone. `groups` shows how much each group gains.

# %%
gained = found.change.groups.query("metric == 'accuracy' and grouping in ['overall', 'sex', 'race', 'age_band']")
gained[["grouping", "group", "value", "low", "high", "n_people", "reason"]].round(3)

# %% [markdown]
# ## What each modality adds, and what it costs
# Filled: nothing else is both more accurate and has a smaller gap.

# %%
plots.frontier(found.costs, "sex")

# %%
found.costs[found.costs.grouping == "sex"].drop(columns="grouping").round(3)

# %% [markdown]
# ## Local Law 144's tables
# The score stands in for a hiring score: an actor's share of clips that were read right.

# %%
print(found.ll144.summary())

# %% [markdown]
# ## Kept
# The whole audit as one page with its tables inside, and as a run in MLflow.

# %%
page = found.save(Path("audit"))
run = tracking.log(found, asked)
print(f"{page} ({page.stat().st_size / 1e6:.1f} MB); MLflow run {run}")
found.exceeded or "no stated limit is exceeded"
