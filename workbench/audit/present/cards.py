"""Model and data cards of what the zoo ships and of what was audited: what is known, what is not, for whom not to use it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from workbench import zoo
from workbench.audit.config import file_name
from workbench.audit.options import AuditError
from workbench.audit.present.bundle import Bundle
from workbench.audit.present.findings import findings
from workbench.audit.result import Audit
from workbench.audit.stats.groups import CROSS
from workbench.zoo.registry import ModelEntry

NOT_FOR = {
    "visual emotion": "judging what a person feels; faces unlike those of its training pictures, whoever they show; hiring in the EU",
    "face detection": "identifying anyone; counting people where faces turn away or are covered",
    "voice activity": "deciding that somebody did not answer",
    "speech recognition": "deciding about speakers of accents, dialects or with speech differences that nobody measured it on",
    "word alignment": "speech in other languages than English; timing of words that recognition got wrong",
    "speaker embedding": "identifying or verifying anyone",
    "sentence embedding": "grading answers in other languages than the ones it was trained on; grading by similarity alone",
    "speech synthesis": "measuring anything about people: its accents are a synthesiser's",
}
"""For what not to use a kind of model; kinds are matched by their first words."""
GENERAL_NOT_FOR = "decisions about people without a human who sees the evidence"
MEDIA_NOT_FOR = "measuring how well anything works for people: it exercises code, and a handful of people represent nobody"
MADE = "\n*Made by `workbench audit cards`; make it anew rather than edit it.*\n"


def write(folder: Path, audits: Iterable[Bundle] = ()) -> list[Path]:
    """One Markdown card for every entry of the zoo, and one for every audited data set.

    Parameters
    ----------
    folder : Path
    audits : iterable of Bundle
        Quoted in the cards of the models that they name (``about["models"]``).

    Raises
    ------
    AuditError
        If the folder cannot be written.
    """
    bundles = list(audits)
    texts = {entry.name: _entry(entry, bundles) for entry in zoo.entries()}
    texts |= {f"data-{file_name(found.name)}": data(found) for found in bundles}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / f"{name}.md").write_text(text + MADE, encoding="utf-8")
    except OSError as error:
        raise AuditError(f"{folder}: cannot be written ({error.strerror}); choose another folder with --out") from None
    return [folder / f"{name}.md" for name in texts]


def model(name: str, audits: Sequence[Bundle] = ()) -> str:
    """A zoo entry's card, with what audits found of it, what nobody measured, and for what not to use it.

    Raises
    ------
    WeightsError
        If the zoo does not know `name`.
    """
    return _entry(zoo.find(name), audits)


def _entry(entry: ModelEntry, audits: Sequence[Bundle]) -> str:
    text = zoo.card(entry.name).rstrip() + "\n"
    if entry.training_data.lower().startswith("none:"):
        unknown, against = ["Who the people in it are, beyond what is said above."], [MEDIA_NOT_FOR]
    else:
        unknown = ["How well it works by sex, age, skin tone, race or accent of people: no corpus that would tell is at hand offline."]
        if _undocumented(entry):
            unknown.append("Whom its training data show or record: **they are undocumented, or not fully documented**.")
        against = [v for k, v in NOT_FOR.items() if entry.kind.lower().startswith(k)]
        text += _known(entry, audits)
    return text + "\n## What is not known\n\n" + _bullets(unknown) + "\n## Not to be used for\n\n" + _bullets([*against, GENERAL_NOT_FOR])


def _undocumented(entry: ModelEntry) -> bool:
    said = entry.training_data.lower()
    return any(word in said for word in ("undocumented", "not listed", "not stated", "not published"))


def _known(entry: ModelEntry, audits: Sequence[Bundle]) -> str:
    """What audits that name the entry found; groups' figures with their intervals, never without their label."""
    parts = []
    for found in audits:
        for name, audit in found.audits.items():
            if entry.name not in audit.about.get("models", "").split(", "):
                continue
            label = audit.about.get("label")
            parts.append(f"\n## Known: {found.name}, {name}\n\n" + (f"**{label}**\n\n" if label else "") + _figures(audit))
    return "".join(parts)


def _figures(audit: Audit) -> str:
    lead = audit.metrics[0]
    rows = audit.groups[(audit.groups["metric"] == lead) & ~audit.groups["grouping"].str.contains(CROSS)]
    lines = [
        f"| {r['grouping'].replace('_', ' ')} | {r['group']} | {r['n_people']} | "
        + (r["reason"] if r["reason"] else f"{r['value']:.3f} [{r['low']:.3f}, {r['high']:.3f}]") + " |\n"
        for r in rows.to_dict("records")
    ]  # fmt: skip
    head = f"| grouping | group | n | {audit.label(lead)} [{audit.options.level:.0%}] |\n|---|---|---|---|\n"
    return head + "".join(lines) + "\n" + _gaps(audit)


def data(found: Bundle) -> str:
    """A card of audited data: what it is, who is in it, what was found, what could not be said."""
    first = next(iter(found.audits.values()))
    people = first.about.get("people_are", "people")
    parts = [f"# {found.name}\n\n"]
    if found.label:
        parts.append(f"**{found.label}**\n\n")
    parts.append(_bullets([f"{k.replace('_', ' ')}: {v}" for k, v in first.about.items() if k not in ("label", "people_are")]))
    parts.append(f"- {first.rows} rows, {first.people} {people}; fingerprint {found.fingerprints.get('data', first.data_fingerprint)}\n")
    parts.append("\n## Who is in it\n\n| grouping | group | n |\n|---|---|---|\n" + "".join(_members(first)))
    for name, audit in found.audits.items():
        parts.append(f"\n## Known: {name}\n\n" + _figures(audit))
    small = first.groups[(first.groups["status"] == "suppressed") & ~first.groups["grouping"].str.contains(CROSS)]
    small = small[small["reason"].str.contains("fewer than")].drop_duplicates(["grouping", "group"])
    lines = [f"{g} ({by.replace('_', ' ')}): {why}" for by, g, why in zip(small["grouping"], small["group"], small["reason"], strict=True)]
    parts.append("\n## What is not known\n\n" + _bullets([*lines, "Anything of groups that the data do not name."]))
    limits = f"any conclusion beyond these limits: {first.about['limits']}" if "limits" in first.about else f"other {people} than these"
    parts.append("\n## Not to be used for\n\n" + _bullets([limits, GENERAL_NOT_FOR]))
    return "".join(parts)


def _gaps(audit: Audit) -> str:
    said = [f.text for f in findings(audit, groupings=[g for g in audit.groupings if CROSS not in g]) if f.level == "gap"]
    more = int(audit.gaps["found"].sum()) - len(said)
    crossed = [f"{more} more between crossed groups; see the audit's page."] if more else []
    return _bullets([*said, *crossed] or [f"None of {int(audit.gaps['tested'].sum())} gaps stands after control for their number."])


def _members(audit: Audit) -> list[str]:
    rows = audit.groups[~audit.groups["grouping"].str.contains(CROSS)].drop_duplicates(["grouping", "group"])
    return [f"| {r['grouping'].replace('_', ' ')} | {r['group']} | {r['n_people']} |\n" for r in rows.to_dict("records")]


def _bullets(lines: Sequence[str]) -> str:
    return "".join(f"- {line}\n" for line in lines)
