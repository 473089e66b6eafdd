"""A corpus's media through the workbench's own stages into Parquet tracks: resumable, on every core, stage by stage."""

from workbench.extraction.run import Result, extract

__all__ = ["Result", "extract"]
