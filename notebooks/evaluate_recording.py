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
# # Evaluate a recording
#
# From a media file to scores with evidence. The sample interview is **stock footage with a synthetic voice**: every figure
# below exercises the workbench and says nothing about people. Scores are assistive, never a verdict.

# %%
import tempfile
from pathlib import Path

import workbench
from workbench import sample

paths = sample.build()
folder = Path(tempfile.mkdtemp()) / "session"
session = workbench.evaluate(paths.video, paths.interview, out=folder)
session.header.models.keys(), session.duration

# %% [markdown]
# ## Scores, their intervals and what they are made of
# Contributions add up to the score exactly.

# %%
session.scores

# %%
parts = session.contributions
parts[parts.scope == "session"]

# %% [markdown]
# ## Words
# With the time of each word. Fillers are kept on purpose: the score *clarity* needs them.

# %%
session.words.head(12)

# %% [markdown]
# ## Windows
# One row a window: emotion read from the face, from the voice and from both, and what was missing.

# %%
import matplotlib.pyplot as plt

windows = session.windows
fig, ax = plt.subplots(figsize=(10, 2.6))
columns = [c for c in windows.columns if c.startswith("prob_")]
ax.stackplot(windows.start, windows[columns].fillna(0).to_numpy().T, labels=[c[5:] for c in columns])
ax.set(xlabel="time (s)", ylabel="fused share", ylim=(0, 1), title="Fused emotion, smoothed (sample: stock footage, synthetic voice)")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
plt.show()

# %% [markdown]
# ## What if the weights were different?
# Windows and scores are computed again from what is stored: no model runs. The same settings give the same bytes.

# %%
from workbench.sessions import differences, replay

assert replay.matches(session, replay.replay_session(session))
other = replay.overlay(session, {"fusion": {"weights": {"visual": 0.3, "audio": 0.7}}}, "this notebook")
changed = replay.replay_session(session, other)
report = differences.of_session(session, changed)
len(report["changed_labels"]), report["moved_scores"]
