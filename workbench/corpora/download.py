"""Fetches what a corpus offers freely on the web, from its own public address; it goes on where a broken connection stopped."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from workbench.corpora.registry import find
from workbench.errors import CorpusError
from workbench.zoo.fetch import ChecksumError, RefusedError, digest, download
from workbench.zoo.progress import Progress


@dataclass(frozen=True)
class RemoteFile:
    """One file of a corpus: its path in the corpus's folder and below the address, its length in bytes and its SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class RemoteCorpus:
    """Where a corpus's files lie, what they are, and the licence under which they are offered.

    Parameters
    ----------
    address : str
        Files lie at ``address/path``.
    licence, licence_address : str
        The name by which a person accepts it, and where its text is.
    what : str
        What is fetched, and what is not.
    files : tuple of RemoteFile
    """

    address: str
    licence: str
    licence_address: str
    what: str
    files: tuple[RemoteFile, ...]


REMOTE: dict[str, RemoteCorpus] = {
    "crema-d": RemoteCorpus(
        "https://raw.githubusercontent.com/CheyneyComputerScience/CREMA-D/master",
        "ODbL 1.0",
        "https://opendatacommons.org/licenses/odbl/1-0/",
        "the tables of votes, clips and actors; no video and no sound",
        (
            RemoteFile("VideoDemographics.csv", 4033, "e33ddc8b60bedf98541735801127cbb67098b5957271adbdd5dea8a44294eec3"),
            RemoteFile("SentenceFilenames.csv", 170087, "d88cb50e84bbc30b2e159cdfc25e1cf87777ad97c7c41d6ab8f75d3383b8f740"),
            RemoteFile("processedResults/tabulatedVotes.csv", 4057953, "774d9d759cb5caf2542758a39eca8c0f1d2777f9987ff5d5adf8066d192f377b"),
        ),
    )
}
"""Corpora that can be fetched, by name."""


def get(name: str, folder: Path, accept: str, progress: Progress, address: str | None = None) -> list[Path]:
    """Fetch a corpus's files into a folder; what is there and whole is kept.

    Parameters
    ----------
    name : str
        One of `REMOTE`.
    folder : Path
        The corpus's own folder, made where it is not there.
    accept : str
        The name of the licence, as a sign that it was accepted.
    progress : callable
        ``progress(label, done, total)`` in bytes.
    address : str, optional
        A mirror to fetch from; files must be the same, byte for byte.

    Returns
    -------
    list of Path
        The corpus's files.

    Raises
    ------
    CorpusError
        If the corpus cannot be fetched, its licence was not accepted, the server cannot be reached, or sends something else.
    """
    import httpx

    find(name)
    remote = REMOTE.get(name)
    if remote is None:
        raise CorpusError(f"{name} cannot be fetched; its card datasets/{name}.md says who gives it. Can be fetched: {', '.join(REMOTE)}")
    if accept != remote.licence:
        raise CorpusError(
            f"{name} ({remote.what}) is offered under the licence {remote.licence}, {remote.licence_address}; "
            f"to accept it, add --accept '{remote.licence}'"
        )
    base = (address or remote.address).rstrip("/")
    paths = []
    with httpx.Client(follow_redirects=True, timeout=60) as http:
        for file in remote.files:
            target = folder / file.path
            paths.append(target)
            if target.exists() and target.stat().st_size == file.size and digest(target) == file.sha256:
                continue
            _make_room(target, file.size)
            url = f"{base}/{quote(file.path)}"
            try:
                download(url, target, file.size, file.sha256, http, progress, target.name)
            except RefusedError as error:
                raise CorpusError(f"{url}: the server answered {error.status}; try again later, or name a mirror with --from") from None
            except ChecksumError:
                raise CorpusError(
                    f"{url}: this is not the known {target.name} (SHA-256 differs); it was deleted. Fetch it from another address"
                ) from None
            except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                reason = str(error) or type(error).__name__
                raise CorpusError(
                    f"{url}: cannot be reached ({reason}); check the connection and run the command again: it goes on where it stopped"
                ) from None
    return paths


def _make_room(target: Path, size: int) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CorpusError(f"{target.parent}: cannot be made ({error.strerror}); choose another folder with --to") from None
    if shutil.disk_usage(target.parent).free < 2 * size:
        raise CorpusError(f"{target.parent}: the disk is full; {size / 1e6:.0f} MB are needed")
