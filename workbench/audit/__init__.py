"""Bias audits: who is a score or a recogniser worse for, by how much, and how sure is that."""

from workbench.audit.core import change, run
from workbench.audit.options import AuditError, Options
from workbench.audit.result import Audit

__all__ = ["Audit", "AuditError", "Options", "change", "run"]
