"""Corpora: one loader a corpus, all giving the same typed table (`base.Corpus`); cards lie in ``datasets/``."""

from workbench.corpora.registry import CORPORA, Entry, find, folder, load

__all__ = ["CORPORA", "Entry", "find", "folder", "load"]
