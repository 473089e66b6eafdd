"""Puts every group of commands on the one application: one import a line, in the order of the help."""
# ruff: noqa: F401, I001

from workbench.cli import app
from workbench.cli import models
from workbench.cli import sample
from workbench.cli import report
from workbench.cli import sessions
from workbench.cli import reviewing
from workbench.cli import evaluate
from workbench.cli import info
from workbench.cli import serve
from workbench.cli import bench
from workbench.cli import audit
from workbench.cli import corpora
from workbench.cli import fusion
from workbench.cli import plugins
