"""The zoo: where weights come from, which bytes they are, under which licence, and what they were trained on.

>>> from workbench import zoo
>>> zoo.path("whisper-base")  # doctest: +SKIP
PosixPath('.../interview-workbench/models/whisper-base@b61fd23f/')
"""

from workbench.zoo.cards import card, provenance
from workbench.zoo.networks import Network, load
from workbench.zoo.registry import Entry, entries, find
from workbench.zoo.store import path, pull, status, verify

__all__ = ["Entry", "Network", "card", "entries", "find", "load", "path", "provenance", "pull", "status", "verify"]
