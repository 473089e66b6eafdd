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
# # Bias audit: from accent to word error to score
#
# The same answer, the same words, in different **synthetic** voices: Kokoro's, and eSpeak NG's with four accents' rules.
# How well is each recognised, and how far do recognition errors move the scores of otherwise identical answers?
#
# **Synthetic voices: exercises the audit, says nothing about people.** An accent of a synthesiser is confounded with how well
# that synthesiser speaks; eSpeak NG is hard to understand in any accent.

# %%
import os
import tempfile
from pathlib import Path

# %matplotlib inline

folder = Path(tempfile.mkdtemp())
os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"

import workbench
from workbench import settings
from workbench.audit.studies import accents
from workbench.audit.present import plots
from workbench.corpora.accents import LABEL, VOICES, build

chosen = ["American (Kokoro)", "American (eSpeak)", "Scottish (eSpeak)", "Caribbean (eSpeak)"]
corpus = build(voices=[v for v in VOICES if v.accent in chosen])  # spoken once, then found in the cache
corpus.clips.drop(columns=["audio", "text"]).head()

# %% [markdown]
# ## Recognised and scored
# Each recording goes through the same steps as an interview. `technical_true` and `clarity_true` are the scores that the words
# would have had without recognition errors.

# %%
tree = settings.load()
measured = accents.measure(
    corpus, lambda audio, plan, s: workbench.evaluate(audio, plan, s, out=Path(tempfile.mkdtemp(dir=folder)) / "session"), tree
)
measured[["person", "accent", "heard", "technical", "technical_true", "clarity", "clarity_true"]].sample(5, random_state=0).round(3)

# %% [markdown]
# ## Word error rate by accent

# %%
found = accents.audits(measured, tree.speech.model)
print(LABEL)
plots.forest(found["recognition"], "wer", ["accent", "synthesiser"])

# %%
accents.by_accent(found).round(3)

# %% [markdown]
# ## How that error moves scores
# The shift is the score minus what the true words would have scored: 0 where recognition errors change nothing.

# %%
plots.forest(found["technical"], "bias", ["accent"])

# %%
for sentence in accents.sentences(accents.effect(measured)):
    print(sentence)

# %%
import matplotlib.pyplot as plt

from workbench.audit.stats.transcripts import metrics

errors = next(m for m in metrics(list(measured.heard), list(measured.text), None)[0] if m.name == "wer")
wer = errors.sums[:, 0] / errors.sums[:, 1]
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for accent in chosen:
    rows = (measured.accent == accent).to_numpy()
    ax.plot(wer[rows], (measured.technical - measured.technical_true)[rows], "o", label=accent)
ax.axhline(0, color="grey", linewidth=1)
ax.set(xlabel="word error rate", ylabel="shift of the technical score", title=LABEL)
ax.legend();
