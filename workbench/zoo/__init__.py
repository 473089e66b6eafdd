"""The model zoo: model weights and test media by name, with their checksums, licences and training data.

>>> from workbench import zoo
>>> zoo.path("whisper-base")  # doctest: +SKIP
PosixPath('.../interview-workbench/models/whisper-base@b61fd23f/')
"""

from workbench.zoo.cards import card, provenance
from workbench.zoo.networks import Network, load
from workbench.zoo.registry import ModelEntry, entries, find
from workbench.zoo.store import path, pull, status, verify

__all__ = ["ModelEntry", "Network", "card", "entries", "find", "load", "path", "provenance", "pull", "status", "verify"]
