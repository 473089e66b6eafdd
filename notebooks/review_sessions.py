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
# # Review sessions: query them, compute them again, correct them
#
# The sessions here are **generated**: random numbers with an interview's shape, nobody was recorded. With your own, leave
# `folder` out: `query` and `Session.find` look in the sessions folder (`WORKBENCH_SESSIONS`).

# %%
import tempfile
from pathlib import Path

from workbench import theme
from workbench.sessions import differences, overrides, overview, query, replay, synthetic
from workbench.sessions.store import Session

folder = Path(tempfile.mkdtemp())
for number, name in enumerate(["monday", "tuesday", "friday"]):
    synthetic.write(folder / name, minutes=4, seed=number)
query("select session, duration, purpose, flags from sessions order by session", folder)

# %% [markdown]
# ## SQL over all sessions
# Tables: sessions, windows, transcripts, words, scores, contributions, answers, segments, prosody, acoustics, events,
# overrides. Each has a column `session`. The files are only read.

# %%
query("select session, name, round(100 * value, 1) as score, round(100 * low, 1) as low, round(100 * high, 1) as high "
      "from scores where scope = 'session' order by name, session", folder)

# %%
query("select session, word, count(*) as times from words where filler group by all order by times desc", folder)

# %%
query("select session, feature, round(avg(contribution), 3) as contribution from contributions "
      "where score = 'composite' group by all order by session, contribution desc", folder)

# %% [markdown]
# ## What if the weights were different
# No model runs: stored outputs are fused and scored again. The same settings give the stored bytes.

# %%
session = Session.open(folder / "monday")
assert replay.matches(session, replay.replay_session(session))

settings = replay.overlay(session, {"fusion": {"weights": {"visual": 0.1, "audio": 0.9}}}, "notebook")
again = replay.replay_session(session, settings)
found = differences.of_session(session, again)
len(found["changed_labels"]), found["windows"], [m["name"] for m in found["moved_scores"]]

# %%
import matplotlib.pyplot as plt

before, now = overview.of_stored(session), overview.of_replay(again)
fig, ax = plt.subplots(figsize=(10, 2.6))
ax.plot(before.middle, before.probs[:, 3], color=theme.INK, label="stored: face 0.6, voice 0.4")
ax.plot(now.middle, now.probs[:, 3], color=theme.EMOTION_COLOURS["happy"], label="face 0.1, voice 0.9")
ax.set(xlabel="s", ylabel="p(happy)", title="Generated session: fused probability before and after", ylim=(0, 1))
ax.legend(loc="upper right")
fig.tight_layout()

# %% [markdown]
# ## What a span holds

# %%
overview.statistics(session, before, 60, 90)

# %% [markdown]
# ## A correction stands beside what was computed
# It needs a reason and a name, and goes to a log in which each line carries the hash of the line before.

# %%
overrides.of_score(session, "clarity", 0.8, reason="fillers were the interviewer's", by="reviewer 1")
Session.open(folder / "monday").scores.query("scope == 'session'")[["name", "value", "reviewed", "reviewed_by", "reason"]]

# %%
whole = overrides.verify(session).ok
log = folder / "monday" / overrides.LOG
log.write_text(log.read_text().replace("0.8", "0.9"))
whole, overrides.verify(Session.open(folder / "monday")).problems
