"""Corpora: one loader a corpus, all giving the same typed table (`base.Corpus`); cards lie in ``datasets/``."""
