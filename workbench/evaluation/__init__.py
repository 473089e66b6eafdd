"""One statistics for training and audits: which class is decided for, metrics, intervals over people, gaps between groups.

| module | holds |
|---|---|
| `decisions` | `top_classes` (ties share the decision), `hits`, `confusion` |
| `calibration` | `BINS`, `bin_of` (equal-width bins `(lo, hi]`), `reliability` |
| `metrics` | `Metric`: a function of sums with its gradient; `classifier`, `score`, `ratio`, `paired` |
| `bootstrap` | people drawn with replacement: `sample`, `estimate`, and `interval`, the one interval of the package |
| `gaps` | differences and ratios of two groups, the largest gap, its change, control of many comparisons |
| `samples`, `splits` | clips as arrays; folds by person |
| `cross_validation` | `Evaluator`: many strategies on the same draws of people; the quick way to the same figures |

Conventions, the same everywhere: classes that tie for the first place share the decision equally; a row without a prediction
is wrong; confidence bins are 15, of equal width, `(lo, hi]` (Guo et al. 2017); intervals are studentised over people, drawn
with replacement inside the group that the figure is of.
"""
