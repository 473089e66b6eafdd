"""Corpora: one loader a corpus, all giving the same typed table (`base.Corpus`); cards lie in ``datasets/``."""

from workbench.corpora.registry import CORPORA, CorpusEntry, find, folder, load, samples

__all__ = ["CORPORA", "CorpusEntry", "find", "folder", "load", "samples"]
