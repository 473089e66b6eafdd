"""Fixtures shared by all rooms' tests."""

pytest_plugins = ["tests.support.browser", "tests.support.corpora", "tests.support.command"]
