"""Checks every file of a corpus: which are missing, unreadable, cut short or git-LFS pointers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import av

from workbench.capture.container import open_media
from workbench.capture.media_file import EXACT_HEADERS, SHORT
from workbench.corpora.base import MEDIA, MODALITIES, Corpus, Finding
from workbench.corpora.registry import find, folder
from workbench.errors import CorpusError, MediaError
from workbench.zoo.progress import Progress

_STREAMED = 0xFFFFFF00
"""A size this large in a WAV header means that the writer did not know it, because the file was streamed."""


@dataclass(frozen=True)
class Checked:
    """The result of `check`.

    Parameters
    ----------
    name : str
    root : Path
    clips, persons : int
        How many can be used.
    has : dict of int
        Modality → number of clips that have it.
    findings : tuple of Finding
        Everything that is wrong or doubtful.
    """

    name: str
    root: Path
    clips: int
    persons: int
    has: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def wrong(self) -> bool:
        """Whether any finding is an error."""
        return any(f.level == "error" for f in self.findings)


def check(name: str, path: Path | None = None, need: Iterable[str] = (), progress: Progress = lambda label, done, total: None) -> Checked:
    """Load a corpus and open each of its files.

    Parameters
    ----------
    name : str
    path : Path, optional
        Else ``$WORKBENCH_DATA/NAME``.
    need : iterable of str
        Modalities that every clip must have ("audio"); one that some lack is an error.
    progress : callable
        Called with the number of files that were opened.

    Returns
    -------
    Checked

    Raises
    ------
    CorpusError
        If the corpus or a modality is not known, or the corpus's folder is not given. Problems of the folder itself are
        findings.
    """
    root = folder(find(name).name, path)
    if strange := [m for m in need if m not in MODALITIES]:
        raise CorpusError(f"no modality {strange[0]!r}; choose of {', '.join(MODALITIES)}")
    try:
        corpus = find(name).load(root)
    except CorpusError as error:
        whole = Finding("error", str(root), str(error))
        return Checked(name, root, 0, 0, {}, (*error.findings, whole))
    broken = unreadable(corpus, progress)
    bad = {f.where for f in broken}
    with_it = {m: corpus.clips["modalities"].map(lambda x, m=m: m in x.split("+")) for m in MODALITIES}
    has = {m: int((with_it[m] & ~corpus.clips[m].isin(bad)).sum() if m in MEDIA else with_it[m].sum()) for m in MODALITIES}
    has = {m: n for m, n in has.items() if n or m in need}
    n = len(corpus.clips)
    lacking = [Finding("error", m, f"{has[m]} of {n} clips have {m}; all were asked for") for m in need if has[m] < n]
    return Checked(name, root, n, corpus.clips["person"].nunique(), has, (*corpus.findings, *broken, *lacking))


def unreadable(corpus: Corpus, progress: Progress) -> list[Finding]:
    """One error for every media file that cannot be opened, or ends before its header says."""
    paths = [p for kind in MEDIA for p in corpus.clips[kind].dropna()]
    findings = []
    for i, path in enumerate(paths):
        if problem := media_fault(corpus.root / path):
            findings.append(Finding("error", path, problem))
        progress(f"{corpus.name}: files", i + 1, len(paths))
    return findings


def media_fault(path: Path) -> str | None:
    """What is wrong with a media file, or None. Packets are read to the end, but not decoded."""
    try:
        if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
            return picture_fault(path)
        if missing := _missing_of_wav(path):
            return f"{missing} bytes are missing at its end: cut short; download it again"
        with open_media(path) as media:
            if media.video is None and path.suffix.lower() in (".mp4", ".flv", ".avi"):
                return "holds no picture; download it again"
            box = media.container
            end = 0.0
            for packet in box.demux([s for s in (media.video, media.audio) if s is not None]):
                if packet.pts is not None and packet.time_base is not None:
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base) - media.zero)
            stated = box.duration / av.time_base if box.duration else 0.0
            if any(kind in box.format.name.split(",") for kind in EXACT_HEADERS) and end < stated - SHORT:
                return f"ends at {end:.1f} s, its header says {stated:.1f} s: cut short; download it again"
    except MediaError as error:
        return str(error).removeprefix(f"{path}: ")
    except (av.FFmpegError, OSError) as error:
        return f"cannot be read to its end ({error.strerror}); download it again"
    return None


def _missing_of_wav(path: Path) -> int:
    """Bytes by which a WAV file falls short of its header (FFmpeg takes what is there for the whole); 0 for other files."""
    with path.open("rb") as file:
        head = file.read(8)
    stated = int.from_bytes(head[4:], "little") + 8 if head[:4] == b"RIFF" else 0
    return max(0, stated - path.stat().st_size) if stated < _STREAMED else 0


def picture_fault(path: Path) -> str | None:
    """What is wrong with a picture, or None."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            picture.load()
    except (OSError, ValueError, SyntaxError) as error:
        return f"is no whole picture ({str(error).splitlines()[0]}); download it again"
    return None
