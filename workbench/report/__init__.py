"""The post-interview report: one self-contained HTML file that shows evidence and doubt beside every figure."""

from workbench.report.build import build

__all__ = ["build"]
