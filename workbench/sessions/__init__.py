"""Stored sessions: the folder format, replay, corrections, and questions to all of them."""

from workbench.sessions.sql import query

__all__ = ["query"]
