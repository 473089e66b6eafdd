"""Bias audits: who is a score or a recogniser worse for, by how much, and how sure is that."""

from workbench.audit.options import AuditError, Options
from workbench.audit.result import Audit
from workbench.audit.stats.core import change, run

__all__ = ["Audit", "AuditError", "Options", "change", "run"]
