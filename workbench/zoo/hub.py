"""Download from a model hub's repository at a fixed revision, where the package registry cannot give the files."""

from __future__ import annotations

import shutil
from pathlib import Path

from workbench.errors import WeightsError
from workbench.zoo import fetch
from workbench.zoo.registry import ModelEntry


def obtain(entry: ModelEntry, folder: Path, endpoint: str | None = None) -> None:
    """Download an entry's files from its hub repository into `folder` and check each.

    Parameters
    ----------
    endpoint : str, optional
        Another hub's address; the library's own default (``HF_ENDPOINT``) otherwise.

    Raises
    ------
    WeightsError
        If the hub cannot be reached, lacks a file, or gives other bytes than the catalogue's.
    """
    import httpx
    from huggingface_hub import constants, hf_hub_download

    assert entry.hub is not None
    try:  # checked first, because without a network the library retries for half a minute
        httpx.head(endpoint or constants.ENDPOINT, timeout=10.0)
    except httpx.TransportError as error:
        raise WeightsError(f"the model hub cannot be reached ({type(error).__name__})") from None
    for file in entry.files:
        try:
            hf_hub_download(entry.hub.repo, file.path, revision=entry.hub.revision, local_dir=folder, endpoint=endpoint)
        except OSError as error:  # every error of the library and of its transport is one
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise WeightsError(f"{entry.name}: hub repository {entry.hub.repo} failed ({reason[0]:.120})") from None
        fetch.check(folder / file.path, file.size, file.sha256, f"{entry.name}/{file.path}")
    shutil.rmtree(folder / ".cache", ignore_errors=True)
