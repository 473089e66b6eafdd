"""Model and data cards of what the zoo ships, from what is known of it and from audits that were made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from workbench import zoo
from workbench.audit.bundle import Bundle
from workbench.audit.findings import findings
from workbench.audit.options import AuditError
from workbench.audit.result import Audit

NOT_FOR = {
    "visual emotion": "judging what a person feels; faces unlike those of its (undocumented) training pictures; hiring in the EU",
    "face detection": "identifying anyone; counting people where faces turn away or are covered",
    "speech recognition": "deciding about speakers of accents, dialects or with speech differences that nobody measured it on",
    "sentence embedding": "grading answers in other languages than the ones it was trained on",
    "speech synthesis": "measuring anything about people: its accents are a synthesiser's",
}
"""For whom not to use a kind of model; kinds are matched by their first words."""
GENERAL_NOT_FOR = "decisions about people without a human who sees the evidence"


def write(folder: Path, audits: Iterable[Bundle] = ()) -> list[Path]:
    """One Markdown card for every entry of the zoo, and one for every audited data set.

    Raises
    ------
    AuditError
        If the folder cannot be written.
    """
    bundles = list(audits)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for entry in zoo.entries():
            path = folder / f"{entry.name}.md"
            path.write_text(model(entry.name), encoding="utf-8")
            paths.append(path)
        for found in bundles:
            path = folder / f"data-{found.name.replace(' ', '-')}.md"
            path.write_text(data(found), encoding="utf-8")
            paths.append(path)
    except OSError as error:
        raise AuditError(f"{folder}: cannot be written ({error.strerror}); choose another folder with --out") from None
    return paths


def model(name: str) -> str:
    """A zoo entry's card with what nobody measured, and for whom not to use it."""
    entry = zoo.find(name)
    against = next((v for k, v in NOT_FOR.items() if entry.kind.lower().startswith(k)), "")
    unknown = ["How well it works by sex, age, skin tone, race or accent: no corpus that would tell is available offline."]
    if "undocumented" in entry.training_data.lower() or "not " in entry.training_data.lower():
        unknown.append("Whom its training data show: they are not, or not fully, documented.")
    return (
        zoo.card(name).rstrip()
        + "\n\n## What is not known\n\n"
        + _bullets(unknown)
        + "\n## Not to be used for\n\n"
        + _bullets([x for x in (against, GENERAL_NOT_FOR) if x])
    )


def data(found: Bundle) -> str:
    """A card of audited data: what it is, who is in it, what was found, what could not be said."""
    first = next(iter(found.audits.values()))
    parts = [f"# {found.name}\n\n"]
    if found.label:
        parts.append(f"**{found.label}**\n\n")
    parts.append(_bullets([f"{k.replace('_', ' ')}: {v}" for k, v in first.about.items() if k not in ("label", "people_are")]))
    parts.append(f"\n{first.rows} rows, {first.people} {first.about.get('people_are', 'people')}; fingerprint {first.data_fingerprint}.\n")
    parts.append("\n## Who is in it\n\n| grouping | group | n |\n|---|---|---|\n" + "".join(_members(first)))
    for name, audit in found.audits.items():
        said = [f.text for f in findings(audit) if f.level == "gap"]
        parts.append(f"\n## Known: {name}\n\n" + _bullets(said or ["No gap stands after control for the number of gaps."]))
    small = first.groups[first.groups["status"] == "suppressed"].drop_duplicates(["grouping", "group"])
    lines = [f"{g} ({by}): {reason}" for by, g, reason in zip(small["grouping"], small["group"], small["reason"], strict=True)]
    parts.append("\n## What is not known\n\n" + _bullets(lines or ["Every group that was named had enough people."]))
    parts.append("\n## Not to be used for\n\n" + _bullets([first.about.get("limits", "other people than these"), GENERAL_NOT_FOR]))
    return "".join(parts)


def _members(audit: Audit) -> list[str]:
    from workbench.audit.groups import CROSS

    rows = audit.groups[~audit.groups["grouping"].str.contains(CROSS)].drop_duplicates(["grouping", "group"])
    return [f"| {r['grouping'].replace('_', ' ')} | {r['group']} | {r['n_people']} |\n" for r in rows.to_dict("records")]


def _bullets(lines: Sequence[str]) -> str:
    return "".join(f"- {line}\n" for line in lines)
