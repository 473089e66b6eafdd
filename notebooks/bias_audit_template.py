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
# # Bias audit of any table
#
# One row a prediction; columns for what was predicted, what was true, whom it is about, and the groups. Set the parameters
# below, or run it from a shell:
#
# ```
# papermill notebooks/bias_audit_template.ipynb mine.ipynb -p table decisions.csv -p kind score -p prediction points -p label "" \
#   -y "{groupings: [sex, race]}"
# ```
#
# Without a table it audits **simulated people**, of whom group *b* is judged right less often: that says nothing about anyone.

# %% tags=["parameters"]
table = ""  # path of a .csv or .parquet; empty: simulated people
kind = "classifier"  # classifier, score or asr
prediction = "prediction"  # column of labels, scores or recognised text; empty where probabilities are given
probabilities = {}  # class: its column
label = "label"  # column of true labels, true scores or reference text; empty for scores without truth
person = "person"  # column that says whom a row is about; empty: every row is somebody else
weight = ""
groupings = ["group", "sex"]
options = {"draws": 1000}  # see workbench.audit.Options: draws, min_people, intersections, control, same, distinct, ...
gates = []  # e.g. [{"metric": "accuracy", "grouping": "sex", "limit": 0.1}]
name = "table"
out = ""  # folder for the page and the tables; empty: a temporary one
track = False  # keep the run in MLflow

# %%
import tempfile
from pathlib import Path

# %matplotlib inline

from workbench.audit import config, tracking
from workbench.audit.present import bundle
from workbench.audit.present import plots
from workbench.audit.present.findings import HEADINGS, findings

folder = Path(out or tempfile.mkdtemp())
about = "given table"
if not table:
    import numpy as np
    import pandas as pd

    from workbench.audit.stats import simulation

    s = simulation.people({"a": 40, "b": 30, "c": 4}, {"a": 0.8, "b": 0.65, "c": 0.7}, random=np.random.default_rng(0), others={"sex": ("Female", "Male")})
    guess = np.array(simulation.CLASSES)[s.probabilities.argmax(axis=1)]
    table, name, about = folder / "simulated.csv", "simulated people", "SIMULATED PEOPLE: says nothing about anyone"
    pd.DataFrame({"prediction": guess, "label": s.labels, "person": s.people, **s.groups}).to_csv(table, index=False)

source = {"path": table, "kind": kind, "prediction": prediction or None, "probabilities": probabilities}
source |= {"label": label or None, "person": person or None, "weight": weight or None}
asked = config.Config(name=name, source={"table": source}, groupings=groupings, audit=options, gates=gates, track=track)
found = bundle.run(asked)
(audit,) = found.audits.values()
print(f"{about}: {audit.rows} rows, {audit.people} people; figures: {', '.join(audit.metrics)}")

# %% [markdown]
# ## Findings

# %%
for sentence in findings(audit):
    print(f"{HEADINGS[sentence.level]}: {sentence.text}")

# %% [markdown]
# ## By group

# %%
plots.forest(audit)

# %%
audit.gaps[audit.gaps.difference.notna()].sort_values(["found", "p"], ascending=[False, True]).head(20).round(3)

# %% [markdown]
# ## Kept

# %%
page = found.save(folder / "audit")
run = tracking.log(found, asked) if track else None
print("\n".join(filter(None, [f"page: {page}", run and f"MLflow run: {run}", *found.exceeded])))
