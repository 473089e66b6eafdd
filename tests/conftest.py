"""Fixtures shared by all tests."""

pytest_plugins = ["tests.support.browser", "tests.support.corpora", "tests.support.command", "tests.support.samples"]
