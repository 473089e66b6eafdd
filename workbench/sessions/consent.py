"""What a session's purpose and place allow. A reminder built into the tool, not legal advice."""

from __future__ import annotations

EU: dict[str, str] = {
    "AT": "Austria", "BE": "Belgium", "BG": "Bulgaria", "HR": "Croatia", "CY": "Cyprus", "CZ": "Czechia", "DK": "Denmark",
    "EE": "Estonia", "FI": "Finland", "FR": "France", "DE": "Germany", "GR": "Greece", "HU": "Hungary", "IE": "Ireland",
    "IT": "Italy", "LV": "Latvia", "LT": "Lithuania", "LU": "Luxembourg", "MT": "Malta", "NL": "Netherlands", "PL": "Poland",
    "PT": "Portugal", "RO": "Romania", "SK": "Slovakia", "SI": "Slovenia", "ES": "Spain", "SE": "Sweden",
}  # fmt: skip
"""Member states by ISO 3166-1 alpha-2 code."""
EEA: tuple[str, ...] = ("IS", "LI", "NO")

CHANNELS: tuple[str, ...] = ("visual_emotion", "prosodic_affect")
"""Channels that infer emotion from biometric data: the face's expression, and how a voice sounds."""

REASON = (
    "off: hiring in the EU. EU AI Act Art. 5(1)(f) prohibits inferring emotions from biometric data in the workplace, "
    "recruitment included (in force since 2 February 2025). Transcript scoring remains. Not legal advice."
)


def country(jurisdiction: str) -> str:
    """The country of a jurisdiction as an upper-case code, or 'EU', or 'UNSTATED'; '' where it is not understood.

    Takes ``de``, ``DE-BY``, ``Germany``, ``EU``, ``EEA``, ``EL`` (the EU's own code of Greece), ``US-IL``.

    Examples
    --------
    >>> country("Germany"), country("DE-BY"), country("somewhere")
    ('DE', 'DE', '')
    """
    text = jurisdiction.strip().upper().replace("_", "-")
    names = {name.upper(): code for code, name in EU.items()}
    known = {"EL": "GR", "EEA": "EU", "EUROPEAN UNION": "EU", "UNSTATED": "UNSTATED", "": "UNSTATED", "CZECH REPUBLIC": "CZ"} | names
    code = text.partition("-")[0]
    return known.get(text) or known.get(code) or (code if len(code) == 2 and code.isalpha() else "")


def disabled_channels(purpose: str, jurisdiction: str) -> dict[str, str]:
    """Channels that must be off, each with the reason that is stored and shown.

    Parameters
    ----------
    purpose : str
        As in ``settings.session.purpose``.
    jurisdiction : str
        See `country`. One that is not understood counts as the EU (a misspelt member state must not switch emotion
        inference on); where it is unstated the channels stay on and `notes` asks for it.

    Examples
    --------
    >>> list(disabled_channels("hiring", "DE"))
    ['visual_emotion', 'prosodic_affect']
    >>> disabled_channels("research", "DE")
    {}
    """
    if purpose != "hiring":
        return {}
    place = country(jurisdiction)
    if place == "EU" or place in EU:
        return dict.fromkeys(CHANNELS, REASON)
    if not place:
        return dict.fromkeys(
            CHANNELS, f"off: hiring in {jurisdiction!r}, which is not a known country code and is treated like the EU; {REASON}"
        )
    return {}


def notes(purpose: str, jurisdiction: str) -> list[str]:
    """Reminders of the law of a place, as plain sentences (not legal advice).

    Parameters
    ----------
    purpose, jurisdiction : str
        As in ``settings.session``.
    """
    if purpose != "hiring":
        return []
    place, code = country(jurisdiction), jurisdiction.strip().upper().replace("_", "-")
    found = []
    if place == "EU" or place in EU:
        found.append(
            "EU AI Act Annex III(4): systems that evaluate candidates are high-risk: keep logs, ensure human oversight, inform candidates."
        )
    if place in EEA:
        found.append("EEA state: the EU AI Act applies once it is taken up into the EEA Agreement; check before emotion channels are used.")
    if place == "UNSTATED":
        found.append("No jurisdiction is stated: state one; in the EU the emotion channels would be off for hiring.")
    if code in {"US-IL", "US"}:
        found.append(
            "Illinois 820 ILCS 42: notify the applicant, explain how the system works and obtain consent before; share only with "
            "those needed; delete within 30 days of a request, copies included."
        )
    if code in {"US-NY", "US-NYC", "US"}:
        found.append(
            "New York City Local Law 144 (6 RCNY 5-301): an annual independent bias audit, its summary published, and notice "
            "to candidates 10 business days before."
        )
    return found
