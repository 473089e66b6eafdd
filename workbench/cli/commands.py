"""Puts every group of commands on the one application."""

from workbench.cli import app  # noqa: F401
