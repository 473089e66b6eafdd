"""`audit.run`: metrics by group and by intersection, each with n and an interval over people, and the gaps between groups."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from workbench.audit.options import AuditError, Options, options
from workbench.audit.result import Audit
from workbench.audit.schema import GAP_COLUMNS, GROUP_COLUMNS, WORST_COLUMNS
from workbench.audit.stats import groups as grouping
from workbench.audit.stats import inputs, transcripts
from workbench.audit.stats.callables import METRICS, Callables, Function, installed
from workbench.audit.stats.families import Family, Quantiles, Sums, generator
from workbench.evaluation import bootstrap
from workbench.evaluation.bootstrap import Estimate
from workbench.evaluation.gaps import adjust, gap, worst
from workbench.evaluation.metrics import Floats, Metric, paired

if TYPE_CHECKING:
    import pandas as pd
    from fairlearn.metrics import MetricFrame

Kind = Literal["classifier", "score", "asr"]
EVERYONE = "everyone"
OTHERS = "all others"


def run(
    predictions: Any,
    labels: Any,
    groups: Any,
    *,
    people: Sequence[Any] | None = None,
    kind: Kind = "classifier",
    classes: Sequence[str] | None = None,
    weights: Any = None,
    metrics: Iterable[str] | Mapping[str, Function] | None = None,
    name: str = "audit",
    about: Mapping[str, str] | None = None,
    base: Options | None = None,
    **changes: Any,
) -> Audit:
    """Audit predictions by group.

    Parameters
    ----------
    predictions : array_like
        ``classifier``: probabilities (n, k) in the order of `classes`, or labels (n,). ``score``: numbers (n,).
        ``asr``: n recognised transcripts (strings, or `contracts.Transcript` where word times are to count).
    labels : array_like or None
        True labels, true scores (or None), or reference transcripts.
    groups : DataFrame or mapping of str to sequence
        One column a grouping, n values each; missing values are counted, shown and not compared.
    people : sequence, optional
        Whom each row is about; intervals are over people. Rows count as people where left out.
    kind : {"classifier", "score", "asr"}
    weights : array_like, shape (n,), optional
        How much each row counts, 0 or more.
    metrics : iterable of str, or mapping of str to callable, optional
        Names: only these figures, the kind's own or those of installed packages. A mapping: these functions besides all of
        the kind's own figures, each called as ``function(y_true, y_pred, sample_weight=weights)``; of probabilities,
        `y_pred` is the most probable class (the first of those that tie). All of the kind's own where left out.
    about : mapping, optional
        What readers must know of the data and the model; travels with the audit.
    base, **changes
        `Options`, and changes to them.
    name : str
        What the audit is called.

    Returns
    -------
    Audit
        With tables `groups`, `gaps` and `worst`.

    Raises
    ------
    AuditError
        If anything given cannot be audited; the message says what, where and what to do.

    Examples
    --------
    >>> import numpy as np
    >>> people = np.arange(400) // 10
    >>> sex = np.where(people < 20, "Female", "Male")
    >>> truth = np.tile(["yes", "no"], 200)
    >>> guess = np.where(np.arange(400) % (4 + people // 20) == 0, "no", truth)
    >>> found = run(guess, truth, {"sex": sex}, people=people, draws=200)
    >>> found.groups.query("metric == 'accuracy' and group == 'Female'")[["n_people", "status"]].values.tolist()
    [[20, 'ok']]
    """
    o = options(base, **changes)
    figures, notes, values = _figures(predictions, labels, kind, classes, weights, o)
    who = grouping.people(groups, people, len(predictions), o)
    functions = dict(metrics) if isinstance(metrics, Mapping) else {}
    own = {f.name for f in figures} | ({f"quantile_{q:g}" for q in o.quantiles} if values is not None else set())
    if twice := sorted(own & set(functions)):
        raise AuditError(f"metrics: {twice[0]!r} is a figure of the audit itself; give the function another name")
    names = None if metrics is None or functions else list(metrics)
    functions |= {n: installed(n) for n in names or () if n in METRICS and n not in {f.name for f in figures}}
    figures, levels = _wanted(names, figures, o.quantiles if values is not None else (), functions)
    families: list[Family] = [Sums(figures, who, o)] if figures else []
    if values is not None and levels:
        families.append(Quantiles(values, inputs.row_weights(weights, len(values)), who, levels, o))
    if functions:
        families.append(_functions(functions, predictions, labels, classes, weights, who, o, notes))
    return _audit(families, who, o, name, kind, notes, about)


def _functions(
    functions: Mapping[str, Function], predictions: Any, labels: Any, classes: Sequence[str] | None, weights: Any, who: grouping.People,
    o: Options, notes: list[str],
) -> Callables:  # fmt: skip
    """The figures that plain functions give; `predictions` and `labels` were checked before."""
    if labels is None:
        raise AuditError("metrics: a function of labels and predictions needs labels; give them")
    predicted = np.asarray(predictions)
    if predicted.ndim == 2:
        predicted = np.asarray(classes)[predicted.argmax(axis=1)]
    return Callables(functions, labels, predicted, inputs.row_weights(weights, len(predicted)), who.row_person, o, notes)


def change(
    before: Any,
    after: Any,
    labels: Any,
    groups: Any,
    *,
    people: Sequence[Any] | None = None,
    kind: Kind = "classifier",
    classes: Sequence[str] | None = None,
    weights: Any = None,
    metrics: Iterable[str] | None = None,
    name: str = "change",
    about: Mapping[str, str] | None = None,
    base: Options | None = None,
    **changes: Any,
) -> Audit:
    """Audit what changes from one model to another on the same rows; parameters as in `run`.

    Every figure is *after minus before*, paired by person. `groups` says how much each group gains or loses, `gaps`
    whether some gain or lose more than others (the change of the gap). Quantiles are left out.

    Raises
    ------
    AuditError
        If anything given cannot be audited, or the two disagree in length or classes.
    """
    o = options(base, **changes)
    if len(before) != len(after):
        raise AuditError(f"after: {len(after)} predictions against {len(before)} before; a change is of the same rows")
    first, notes, _ = _figures(before, labels, kind, classes, weights, o)
    second, more, _ = _figures(after, labels, kind, classes, weights, o)
    named = {f.name: f for f in second}
    asked = None if metrics is None else [m for m in metrics if m not in METRICS or m in named]
    if asked is not None and len(asked) < len(list(metrics or ())):
        left = ", ".join(sorted(set(metrics or ()) - set(asked)))
        if not asked:
            raise AuditError(f"metrics: a change is computed of the audit's own figures only; {left} is none of them")
        notes = [*notes, f"{left}: a change is computed of the audit's own figures only"]
    figures, _ = _wanted(asked, [paired(f, named[f.name]) for f in first if f.name in named], ())
    who = grouping.people(groups, people, len(before), o)
    return _audit([Sums(figures, who, o)], who, o, name, "change", [*notes, *(n for n in more if n not in notes)], about)


def _figures(
    predictions: Any, labels: Any, kind: str, classes: Sequence[str] | None, weights: Any, o: Options
) -> tuple[list[Metric], list[str], Floats | None]:
    """Metrics, notes, and the scores where there are any."""
    if len(predictions) == 0:
        raise AuditError("predictions: none given; an audit needs rows")
    if kind == "classifier":
        return (*inputs.classifier(predictions, labels, classes, weights, o), None)
    if kind == "score":
        return inputs.scores(predictions, labels, weights, o)
    if kind == "asr":
        return (*transcripts.metrics(predictions, labels, weights), None)
    raise AuditError(f"kind: {kind!r} is not known; choose classifier, score or asr")


def _audit(
    families: list[Family], who: grouping.People, o: Options, name: str, kind: str, notes: list[str], about: Mapping[str, str] | None
) -> Audit:
    seen: dict[bytes, str] = {}
    tables = [_grouping(column, who, families, o, seen) for column in [None, *who.table.columns]]
    gaps = _frame([row for t in tables for row in t.gaps], GAP_COLUMNS)
    tested = gaps["tested"].to_numpy(dtype=bool)
    gaps.loc[tested, "p_adjusted"] = adjust(gaps.loc[tested, "p"], o.control)
    gaps["found"] = tested & (gaps["p_adjusted"].to_numpy(dtype=float) < 1 - o.level)
    return Audit(
        name=name,
        kind=kind,
        groups=_frame([row for t in tables for row in t.groups], GROUP_COLUMNS),
        gaps=gaps,
        worst=_frame([row for t in tables for row in t.worst], WORST_COLUMNS),
        rows=len(who.row_person),
        people=len(who),
        notes=[*notes, *who.notes],
        options=o,
        about=dict(about or {}),
        data_fingerprint=_fingerprint(families, who),
        figures={f.name: f for s in families for f in s.describe()},
        frames={t.grouping: t.frame for t in tables if t.frame is not None},
    )


def _wanted(
    names: Iterable[str] | None, figures: list[Metric], levels: tuple[float, ...], functions: Mapping[str, Function] | None = None
) -> tuple[list[Metric], tuple[float, ...]]:
    """The figures and quantiles that were asked for, beside the functions."""
    if names is None:
        return figures, levels
    asked = set(names)
    known = [f.name for f in figures] + [f"quantile_{q:g}" for q in levels] + list(functions or METRICS.names())
    if not asked or not asked <= set(known):
        raise AuditError(f"metrics: {', '.join(sorted(asked - set(known))) or 'none'} not among {', '.join(known)}")
    return [f for f in figures if f.name in asked], tuple(q for q in levels if f"quantile_{q:g}" in asked)


@dataclass
class Tables:
    """One grouping's rows of the audit's tables."""

    grouping: str
    groups: list[dict[str, Any]]
    gaps: list[dict[str, Any]]
    worst: list[dict[str, Any]]
    frame: Callable[[], MetricFrame] | None


def _grouping(column: str | None, who: grouping.People, families: list[Family], o: Options, seen: dict[bytes, str]) -> Tables:
    """One grouping's tables; `seen` holds the groups of earlier ones, so that a crossed group of the same people is not tested twice."""
    name = column or "overall"
    member = who.table[column].to_numpy() if column else np.full(len(who), EVERYONE)
    kinds = sorted(set(member) - {grouping.MISSING}) + ([grouping.MISSING] if grouping.MISSING in member else [])
    code = np.searchsorted(np.array(sorted(kinds), dtype=str), member.astype(str))
    code = np.array([kinds.index(k) for k in sorted(kinds)])[code]
    unit, group_of_unit = bootstrap.bundle(code, len(kinds), generator(o, name, "bundles"))
    persons = {g: np.flatnonzero(code == i) for i, g in enumerate(kinds)}
    rows = {g: int(who.rows[persons[g]].sum()) for g in kinds}
    reference = o.reference.get(name)
    if reference is not None and reference not in kinds:
        raise AuditError(f"reference: {name} has no group {reference!r}; choose one of {', '.join(kinds)}")
    known = [g for g in kinds if g != grouping.MISSING]
    against = _references(known, reference) if column else {}
    twins = {g: seen.setdefault(persons[g].tobytes(), f"{g} ({name})") for g in known} if column else {}
    min_rows = o.min_rows if who.rows.max() > 1 else 0
    tables = Tables(name, [], [], [], None)
    for source in families:
        units = source.units(unit, len(group_of_unit))
        if isinstance(source, Sums):
            tables.frame = _metric_frame(source, units, np.array(kinds)[group_of_unit])
        samples = {
            g: source.sample(units, np.flatnonzero(group_of_unit == i), persons[g], generator(o, name, g, type(source).__name__))
            for i, g in enumerate(kinds)
        }
        found = {g: source.estimates(samples[g]) for g in kinds}
        others = {g: found[r[0]] if len(r) == 1 else source.estimates(_sum([samples[x] for x in r])) for g, r in against.items()}
        ceilings = [1.0 if f.scale == "logit" else np.inf for f in source.describe()]
        for i, metric in enumerate(source.names):
            fit = {g: _gate(found[g][i], rows[g], min_rows, o) for g in kinds}
            tables.groups += [_group_row(name, g, metric, found[g][i], rows[g], fit[g]) for g in kinds]
            tables.gaps += [
                _gap_row(name, g, r, metric, found[g][i], others[g][i], fit[g] or _twin(name, g, twins), source.tested(i), o)
                for g, r in against.items()
            ]
            fair = [g for g in known if not fit[g]]
            if column and len(fair) > 1:
                tables.worst.append(_worst_row(name, metric, fair, [found[g][i] for g in fair], ceilings[i], o))
    return tables


def _references(known: list[str], reference: str | None) -> dict[str, list[str]]:
    """What each group is compared with; of two groups one comparison says all."""
    if reference is not None:
        return {g: [reference] for g in known if g != reference}
    if len(known) == 2:
        return {known[0]: [known[1]]}
    return {g: [x for x in known if x != g] for g in known} if len(known) > 2 else {}


def _sum(samples: list[list[Any]]) -> list[Any]:
    total = samples[0]
    for s in samples[1:]:
        total = [a + b for a, b in zip(total, s, strict=True)]
    return total


def _gate(e: Estimate, rows: int, min_rows: int, o: Options) -> str:
    """Why a figure is withheld; empty where it is shown."""
    if e.people < o.min_people:
        return f"{e.people} {'person' if e.people == 1 else 'people'}: fewer than {o.min_people}"
    if rows < min_rows:
        return f"{rows} rows: fewer than {min_rows}"
    return e.reason


def _twin(name: str, g: str, twins: dict[str, str]) -> str:
    return "" if twins[g] == f"{g} ({name})" else f"the same people as {twins[g]}"


def _group_row(name: str, g: str, metric: str, e: Estimate, rows: int, reason: str) -> dict[str, Any]:
    shown = (np.nan, np.nan, np.nan) if reason else (e.value, e.low, e.high)
    status = "suppressed" if reason else "ok"
    return dict(zip(GROUP_COLUMNS, [name, g, metric, *shown, rows, e.people, status, reason], strict=True))


def _gap_row(
    name: str, g: str, r: list[str], metric: str, a: Estimate, b: Estimate, reason: str, tested: bool, o: Options
) -> dict[str, Any]:
    label = r[0] if len(r) == 1 else OTHERS
    if not reason and (b.reason or b.people < o.min_people):
        reason = f"{label}: {b.reason or f'{b.people} people: fewer than {o.min_people}'}"
    if reason:
        figures: list[Any] = [np.nan] * 6
        p = np.nan
    else:
        d = gap(a, b, o.level)
        figures, p = [d.difference, d.low, d.high, d.ratio, d.ratio_low, d.ratio_high], d.p
    tested = tested and not reason
    cells = [name, g, label, metric, *figures, a.people, b.people, tested, p if tested else np.nan, np.nan, False, reason]
    return dict(zip(GAP_COLUMNS, cells, strict=True))


def _worst_row(name: str, metric: str, fair: list[str], e: list[Estimate], ceiling: float, o: Options) -> dict[str, Any]:
    top, bottom, d = worst(e, o.level, ceiling)
    cells = [name, metric, fair[top], fair[bottom], d.difference, d.low, d.high, d.ratio, d.ratio_low, d.ratio_high, len(fair), d.p]
    return dict(zip(WORST_COLUMNS, cells, strict=True))


def _metric_frame(source: Sums, units: list[Floats], member: Any) -> Callable[[], MetricFrame]:
    """Makes Fairlearn's view of the same figures: its rows are people (or bundles of them), a metric sums theirs."""

    def figure(value: Callable[[Floats], Floats], sums: Floats) -> Any:
        return lambda rows, _: float(value(sums[np.asarray(rows)].sum(axis=0)))

    figures = {f.name: figure(f.value, u) for f, u in zip(source.figures, units, strict=True)}

    def make() -> MetricFrame:
        from fairlearn.metrics import MetricFrame

        rows = np.arange(len(member))
        return MetricFrame(metrics=figures, y_true=rows, y_pred=rows, sensitive_features={"group": member})

    return make


def _frame(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=columns)


def _fingerprint(families: list[Family], who: grouping.People) -> str:
    digest = hashlib.sha256(b"".join(s.digest for s in families))
    digest.update(who.table.to_csv().encode())
    return digest.hexdigest()[:12]
