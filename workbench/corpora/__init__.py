"""Corpora: one loader for each, all with the same typed table (`base.Corpus`) as result; their cards are in ``datasets/``."""

from workbench.corpora.registry import CORPORA, CorpusEntry, find, folder, load, samples

__all__ = ["CORPORA", "CorpusEntry", "find", "folder", "load", "samples"]
