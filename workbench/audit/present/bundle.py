"""A whole audit run: its audits, what changed between two of them, the costs of modalities, mitigation, the law's tables."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from workbench import extras
from workbench.audit import data as reading
from workbench.audit.config import Config, Gate, file_name
from workbench.audit.data import AuditData
from workbench.audit.options import AuditError
from workbench.audit.present import page
from workbench.audit.result import Audit
from workbench.audit.stats import core
from workbench.audit.stats.callables import METRICS
from workbench.audit.strategies import MODALITIES, held_out
from workbench.audit.studies import ll144, mitigation, modalities
from workbench.zoo.progress import Progress

if TYPE_CHECKING:
    import pandas as pd


LIMITS = "Stated limits that are exceeded"
REMARKS = "From recognition to score"


@dataclass(frozen=True)
class Bundle:
    """What one run found.

    `exceeded` holds a sentence for every stated limit that was passed; `remarks` further sentences; `fingerprints` what was
    audited: ``data`` (labels, people and groups) and each set of predictions.
    """

    name: str
    audits: dict[str, Audit]
    change: Audit | None = None
    costs: pd.DataFrame | None = None
    mitigation: pd.DataFrame | None = None
    ll144: ll144.Tables | None = None
    exceeded: list[str] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    fingerprints: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The banner of data that are not about people, or empty."""
        return next(iter(self.audits.values())).about.get("label", "")

    def html(self) -> str:
        """Everything as one self-contained page, with the tables embedded as JSON."""
        first = next(iter(self.audits.values()))
        head = [f"{k.capitalize()}: {v}" for k, v in first.about.items() if k not in ("label", "people_are")]
        parts: list[dict[str, Any]] = []
        for key, title, lines in (("limits", LIMITS, self.exceeded), ("remarks", REMARKS, self.remarks)):
            if lines:
                parts.append({"id": key, "title": title, "body": page.bullets(lines)})
        for audit in self.audits.values():
            parts += page.sections(audit)
        if self.change is not None:
            parts += page.sections(self.change)
        parts += [s for s in (self.costs_section(), self.mitigation_section(), self.ll144_section()) if s]
        every = [*self.audits.values(), *([self.change] if self.change else [])]
        parts.append(page.evidence_section(every, self.fingerprints))
        evidence = {a.name: a.to_json() for a in every}
        for name in ("costs", "mitigation"):
            if (table := getattr(self, name)) is not None:
                evidence[name] = table.to_json(orient="records")
        return page.whole(f"Bias audit: {self.name}", head, parts, evidence, self.label)

    def costs_section(self, grouping: str | None = None) -> dict[str, Any] | None:
        """What modalities cost: by every grouping, or by one."""
        if self.costs is None:
            return None
        body = Markup("").join(
            Markup("<h3>{}</h3>").format(str(g).replace("_", " ").capitalize()) + page.frontier(part)
            for g, part in self.costs.groupby("grouping", sort=False)
            if grouping in (None, g)
        )
        note = Markup("<p>{}</p>").format(self.notes.get("costs", ""))
        return {"id": "costs", "nav": "Modalities", "title": "What each modality adds and what it costs", "body": note + body}

    def mitigation_section(self) -> dict[str, Any] | None:
        if self.mitigation is None:
            return None
        why = Markup('<p>{}</p><p class="alert">{}</p>').format(self.notes.get("mitigation", ""), mitigation.LAW)
        return {
            "id": "mitigation",
            "nav": "Mitigation",
            "title": "Mitigation, and what it trades",
            "body": why + page.trades(self.mitigation),
        }

    def ll144_section(self) -> dict[str, Any] | None:
        if self.ll144 is None:
            return None
        about = self.ll144.about
        note = Markup("<p>Score: {} Date of the audit: {}.</p>").format(
            about.get("score", ""), about.get("date_of_the_audit", "not stated")
        )
        return {
            "id": "ll144",
            "nav": "Local Law 144",
            "title": "Local Law 144 (6 RCNY § 5-301)",
            "body": note + page.ll144_body(self.ll144),
        }

    def save(self, folder: Path) -> Path:
        """Write every table and ``audit.html``; gives the page's path.

        Raises
        ------
        AuditError
            If the folder cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, audit in self.audits.items():
                audit.save(folder / file_name(name))
            if self.change is not None:
                self.change.save(folder / "change")
            for name in ("costs", "mitigation"):
                if (table := getattr(self, name)) is not None:
                    table.to_csv(folder / f"{name}.csv", index=False)
            if self.ll144 is not None:
                self.ll144.save(folder / "ll144")
                (folder / "ll144" / "ll144.html").write_text(page.ll144(self.ll144), encoding="utf-8")
            head = {"name": self.name, "audits": list(self.audits), "exceeded": self.exceeded, "notes": self.notes}
            head |= {"fingerprints": self.fingerprints, "remarks": self.remarks}
            (folder / "bundle.json").write_text(json.dumps(head | {"ll144": _law(self.ll144)}, indent=1), encoding="utf-8")
            (folder / "audit.html").write_text(self.html(), encoding="utf-8")
        except OSError as error:
            raise AuditError(f"{folder}: cannot be written ({error.strerror}); choose another folder with --out") from None
        return folder / "audit.html"


def load(folder: Path) -> Bundle:
    """Read what `Bundle.save` wrote.

    Raises
    ------
    AuditError
        If the folder does not hold an audit run.
    """
    import pandas as pd

    try:
        head = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
        tables = {n: pd.read_csv(folder / f"{n}.csv") if (folder / f"{n}.csv").exists() else None for n in ("costs", "mitigation")}
        law = None
        if head["ll144"] is not None:
            rows, quantiles = (pd.read_csv(folder / "ll144" / n) for n in ("ll144.csv", "ll144_quantiles.csv"))
            law = ll144.Tables(rows.assign(note=rows["note"].fillna("")), quantiles, **head["ll144"])
        kept = head["exceeded"], head["notes"], head["remarks"], head["fingerprints"]
    except (OSError, ValueError, KeyError) as error:
        raise AuditError(f"{folder}: not an audit run ({type(error).__name__}); make one with `workbench audit run`") from None
    audits = {name: Audit.load(folder / file_name(name)) for name in head["audits"]}
    change = Audit.load(folder / "change") if (folder / "change").is_dir() else None
    return Bundle(head["name"], audits, change, tables["costs"], tables["mitigation"], law, *kept)


def _law(tables: ll144.Tables | None) -> dict[str, Any] | None:
    if tables is None:
        return None
    return {"people": tables.people, "median": tables.median, "unknown": tables.unknown, "small": tables.small, "about": tables.about}


def run(config: Config, progress: Progress = lambda *_: None) -> Bundle:
    """Make everything that a configuration asks for.

    Parameters
    ----------
    config : Config
    progress : callable, optional
        Told which step is under way.

    Raises
    ------
    AuditError
        If data or configuration do not allow it.
    """
    steps = len(config.source.predictions if config.source.corpus else "1") + 1
    steps += sum(part is not None for part in (config.compare, config.costs, config.mitigation, config.ll144))
    done = itertools.count()

    def step() -> None:
        progress(f"audit {config.name}", next(done), steps)

    step()
    m = reading.read(config)
    step()
    shared = {
        "people": m.people,
        "classes": m.classes,
        "weights": m.weights,
        "metrics": config.metrics,
        "about": m.about,
        "base": config.audit,
    }
    audits = {}
    for name, p in m.predictions.items():
        audits[name] = core.run(p, m.labels, m.groups, kind=m.kind, name=name, **shared)  # type: ignore[arg-type]
        step()
    exceeded = [line for gate in config.gates for line in check(gate, audits)]
    notes: dict[str, str] = {}
    remarks: list[str] = []
    change = costs = trades = law = None
    comparable = config.metrics is None or bool(set(config.metrics) - set(METRICS.names()))
    if config.compare and comparable:
        before, after = (_named(m, name, "compare") for name in config.compare)
        title = f"from {config.compare[0]} to {config.compare[1]}"
        change = core.change(before, after, m.labels, m.groups, kind=m.kind, name=title, **shared)  # type: ignore[arg-type]
        step()
    if config.costs:
        costs, remarks = _costs(config, m)
        notes["costs"] = (
            f"Every strategy on every set of modalities, on people that it was not fitted on; changes are counted from "
            f"{config.costs.baseline}. Up and to the left is better; on the frontier nothing else is better in both."
        )
        step()
    if config.mitigation:
        trades = _mitigation(config, m)
        step()
        notes["mitigation"] = (
            f"The decision: is the clip {config.mitigation.label}? Made from the modalities' probabilities; gaps are of the true-positive "
            f"rate by {config.mitigation.grouping}, on people that nothing was fitted on."
        )
    if config.ll144:
        law = _ll144(config, m)
        step()
    if config.compare and not comparable:
        remarks = [
            *remarks,
            "A change from one set of predictions to another is computed of the audit's own figures only; none was asked for.",
        ]
    return Bundle(config.name, audits, change, costs, trades, law, exceeded, notes, remarks, m.fingerprints())


def _named(m: AuditData, name: str, where: str) -> Any:
    if name not in m.predictions:
        raise AuditError(f"{where}: {name!r} not among the predictions {', '.join(m.predictions)}")
    return m.predictions[name]


def check(gate: Gate, audits: dict[str, Audit]) -> list[str]:
    """A sentence for every gap that exceeds a stated limit.

    Raises
    ------
    AuditError
        If the gate names an audit, a metric or a grouping that there is not.
    """
    if gate.predictions is not None and gate.predictions not in audits:
        raise AuditError(f"gates: no audit {gate.predictions!r}; there are {', '.join(audits)}")
    out = []
    for name, audit in audits.items() if gate.predictions is None else [(gate.predictions, audits[gate.predictions])]:
        if gate.metric not in audit.metrics or gate.grouping not in audit.groupings:
            raise AuditError(
                f"gates: {name} has no {gate.metric} by {gate.grouping}; it has {', '.join(audit.metrics)} by {', '.join(audit.groupings)}"
            )
        rows = audit.gaps[
            (audit.gaps["metric"] == gate.metric) & (audit.gaps["grouping"] == gate.grouping) & audit.gaps["difference"].notna()
        ]
        for r in rows.to_dict("records"):
            nearest = max(r["low"], -r["high"])  # how far from zero the whole interval lies
            if (nearest if gate.by == "interval" else abs(r["difference"])) > gate.limit:
                out.append(
                    f"{name}: {audit.label(gate.metric)} of {r['group']} (n = {int(r['n_people'])}) differs from {r['reference']} by "
                    f"{r['difference']:+.3f} [{r['low']:+.3f}, {r['high']:+.3f}]; the limit is {gate.limit:g} ({gate.by})"
                )
    return out


def _costs(config: Config, m: AuditData) -> tuple[pd.DataFrame, list[str]]:
    """The table, and a sentence for every strategy that is left out because its library is not installed."""
    assert config.costs is not None
    if m.samples is None:
        raise AuditError("costs: the source has no modalities to take away; leave costs out")
    words = MODALITIES
    fused, left_out = [], []
    for name in config.costs.strategies:
        try:
            for subset in modalities.subsets(tuple(words)):
                fused.append(modalities.Fused(name, subset, held_out(name, m.samples, [words[x] for x in subset])))
        except ModuleNotFoundError as error:
            if (missing := extras.missing(error)) is None:
                raise
            left_out.append(f"The costs of modalities leave out the strategy {name}: {missing}")
    return modalities.costs(fused, m.labels, m.groups, m.people, m.classes or (), config.costs.baseline, config.audit), left_out


def _mitigation(config: Config, m: AuditData) -> pd.DataFrame:
    asked = config.mitigation
    assert asked is not None
    if m.samples is None or asked.label not in (m.classes or ()):
        raise AuditError(f"mitigation.label: {asked.label!r} not among {', '.join(m.classes or ('(no classes)',))}")
    if asked.grouping not in m.groups:
        raise AuditError(f"mitigation.grouping: {asked.grouping!r} not among {', '.join(m.groups.columns)}")
    group = m.groups[asked.grouping]
    known = (group.notna() & ~group.astype(str).str.casefold().isin(config.audit.unknown)).to_numpy()
    features = np.hstack([m.samples.features[x] for x in MODALITIES.values()])[known]
    positive = (np.asarray(m.labels) == asked.label)[known]
    return mitigation.compare(features, positive, group[known].to_numpy(str), np.asarray(m.people)[known], base=config.audit)


def _ll144(config: Config, m: AuditData) -> ll144.Tables:
    asked = config.ll144
    assert asked is not None
    people = reading.scores_by_person(m, asked.predictions)
    for column in (asked.sex, asked.race, asked.ethnicity):
        if column is not None and column not in people.columns:
            raise AuditError(f"ll144: no grouping {column!r}; there are {', '.join(m.groups.columns)}")
    race = list(people[asked.race])
    if asked.ethnicity is not None:
        race = ll144.race_ethnicity(race, list(people[asked.ethnicity]))
    what = "share of a person's rows that were classified right" if m.kind == "classifier" else "mean score of a person's rows"
    about = {"date_of_the_audit": datetime.now(UTC).date().isoformat(), "score": f"{asked.predictions}: {what}."}
    about |= {k: m.about[k] for k in ("data", "label") if k in m.about}
    return ll144.tables(people["score"], list(people[asked.sex]), race, about=about, base=config.audit)
