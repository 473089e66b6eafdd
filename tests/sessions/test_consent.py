"""What purpose and place allow."""

import pytest

from workbench.sessions.consent import CHANNELS, EU, country, disabled_channels, notes


@pytest.mark.parametrize("place", ["EU", "eu", "DE", "de-by", "FR_75", "EL", "Germany", "czech republic", "EEA", " se "])
def test_hiring_in_the_eu_switches_the_channels_off(place):
    found = disabled_channels("hiring", place)
    assert set(found) == {"visual_emotion", "prosodic_affect"} == set(CHANNELS)
    assert all("EU AI Act Art. 5(1)(f)" in reason and "Not legal advice" in reason for reason in found.values())


def test_all_member_states_count():
    assert len(EU) == 27
    assert all(disabled_channels("hiring", code) and disabled_channels("hiring", name) for code, name in EU.items())


@pytest.mark.parametrize("place", ["US", "US-IL", "GB", "UK", "CH", "NO", "unstated", ""])
def test_elsewhere_the_channels_stay_on(place):
    assert disabled_channels("hiring", place) == {}


@pytest.mark.parametrize("purpose", ["research", "practice", "demonstration"])
def test_other_purposes_are_not_hiring(purpose):
    assert disabled_channels(purpose, "EU") == {}
    assert notes(purpose, "EU") == []


@pytest.mark.parametrize("place", ["Deutschland", "Gremany", "DEU", "europe", "E"])
def test_a_place_that_is_not_understood_counts_as_the_eu(place):
    assert country(place) == ""
    assert all(repr(place) in reason for reason in disabled_channels("hiring", place).values())


@pytest.mark.parametrize(
    ("place", "text"),
    [("US-IL", "820 ILCS 42"), ("US-NY", "Local Law 144"), ("EU", "Annex III"), ("NO", "EEA"), ("unstated", "No jurisdiction"),
     ("US", "820 ILCS 42"), ("US", "Local Law 144")],
)  # fmt: skip
def test_reminders(place, text):
    assert any(text in line for line in notes("hiring", place))


def test_no_reminder_without_a_law_that_is_known_here():
    assert notes("hiring", "CH") == []
