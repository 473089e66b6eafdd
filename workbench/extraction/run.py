"""All clips of a corpus: what is missing is computed on every core, stored clip by clip, and picked up again after a stop."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from workbench import pipeline
from workbench import settings as tree
from workbench.corpora import find, folder
from workbench.corpora.base import Corpus
from workbench.corpora.tracks import CLIPS, CONTENT, ERRORS, MANIFEST, content, default_folder, track_file
from workbench.errors import CorpusError
from workbench.extraction.clip import Clip, Extractor, Job, Outcome, start, work
from workbench.extraction.steps import STEPS, chain, keys, wanted
from workbench.sessions.consent import disabled_channels
from workbench.settings import Settings
from workbench.zoo.progress import Progress

AHEAD = 2
"""Clips a worker that are handed out before results are awaited."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass
class Result:
    """What an extraction did.

    Parameters
    ----------
    root : Path
        Folder of the tracks; `corpora.tracks.Extracted.open` reads it.
    clips : int
        That were asked for.
    computed, kept, empty : Counter
        Step → clips that were computed now; that were there already; that were computed and gave no row (no face, no speech).
    problems : int
        Files that the corpus's loader found missing or broken; `workbench corpora check` names them.
    errors : DataFrame
        `clip`, `stage`, `level` ("error": the step and what rests on it are not stored; "warning"), `message`.
    off : dict of str
        Steps that the purpose and place in the settings switch off, with the reason.
    seconds : float
    workers : int
    """

    root: Path
    clips: int
    computed: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    empty: Counter[str] = field(default_factory=Counter)
    problems: int = 0
    errors: pd.DataFrame = field(default_factory=lambda: _errors([]))
    off: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    workers: int = 1

    @property
    def failed(self) -> int:
        """Clips with an error."""
        return int(self.errors.loc[self.errors["level"] == "error", "clip"].nunique())


def extract(
    name: str,
    path: Path | None = None,
    stages: Iterable[str] | None = None,
    *,
    settings: Settings | None = None,
    out: Path | None = None,
    workers: int | None = None,
    limit: int | None = None,
    progress: Progress = lambda label, done, total: None,
) -> Result:
    """Compute what is not there yet.

    Parameters
    ----------
    name : str
        A corpus of `corpora.CORPORA`.
    path : Path, optional
        Its folder; else ``$WORKBENCH_DATA/NAME``.
    stages : iterable of str, optional
        Of `corpora.tracks.STAGES`; those that they rest on come along. All where left out.
    settings : Settings, optional
        Changing one of them computes the stages anew that depend on it, and those that rest on these.
    out : Path, optional
        Folder of the tracks; ``tracks/NAME`` in the cache where left out.
    workers : int, optional
        Processes; one a core where left out. 1 works in this process.
    limit : int, optional
        The first so many clips only.
    progress : callable
        Told how many clips are done.

    Raises
    ------
    CorpusError
        If the corpus cannot be loaded, has no media, a stage is not known, the folder cannot be written, or every clip failed.
    WeightsError
        If weights are missing.
    """
    from filelock import FileLock, Timeout

    begun = time.perf_counter()
    asked, chosen = wanted(stages), settings or tree.load()
    if (limit is not None and limit < 1) or (workers is not None and workers < 1):
        raise CorpusError("--limit and --workers must be at least 1")
    corpus = find(name).load(folder(name, path))
    root = out or default_folder(name)
    disabled = disabled_channels(chosen.session.purpose, chosen.session.jurisdiction)
    job, off = _job(root, chosen, disabled)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".lock", timeout=0):
            result = _run(corpus, [s for s in asked if s not in off], job, workers, limit, progress)
    except Timeout:
        raise CorpusError(f"{root}: another extraction is writing here; wait for it or give --out") from None
    except OSError as error:
        raise CorpusError(f"{error.filename or root}: {error.strerror or error}; what was extracted so far is kept") from None
    result.off = {s: why for s, why in off.items() if s in asked}
    result.seconds = round(time.perf_counter() - begun, 2)
    if result.clips and result.failed == result.clips:
        first = result.errors[result.errors["level"] == "error"].iloc[0]
        raise CorpusError(f"{name}: every clip failed; the first, {first['clip']}: {first['message']}; see {root / ERRORS}")
    return result


def _job(root: Path, settings: Settings, disabled: dict[str, str]) -> tuple[Job, dict[str, str]]:
    """What the workers need, and the steps that are switched off."""
    every = [*pipeline.vision_stages(settings), *pipeline.speech_stages(settings)]
    left = {s.spec.name for s in [*pipeline.vision_stages(settings, disabled), *pipeline.speech_stages(settings, disabled)]}
    why = next(iter(disabled.values()), "")
    off = {step.name: why for step in STEPS if any(stage not in left for stage in step.stages)}
    return Job(root, settings, keys(settings, every), disabled), off


def _run(corpus: Corpus, steps: list[str], job: Job, workers: int | None, limit: int | None, progress: Progress) -> Result:
    clips = corpus.clips.dropna(subset=["audio", "video", "image"], how="all").iloc[:limit]
    if clips.empty:
        raise CorpusError(f"{corpus.name}: no clip in {corpus.root} has audio, video or a picture; nothing can be extracted")
    problems = sum(f.level == "error" for f in corpus.findings)
    result = Result(job.root, len(clips), problems=problems)
    for counted in (result.computed, result.kept, result.empty):
        counted.update(dict.fromkeys(steps, 0))
    errors: list[dict[str, str]] = []
    table, todo = [], []
    for i, row in enumerate(clips.to_dict("records")):
        progress(f"{corpus.name}: what is there", i + 1, len(clips))
        files = {kind: corpus.root / row[kind] for kind in ("video", "audio", "image") if isinstance(row[kind], str)}
        text = row["text"] if isinstance(row["text"], str) else ""
        try:
            what = content(list(files.values()), text)
        except OSError as error:
            errors.append({"clip": row["clip"], "stage": "capture", "level": "error", "message": f"{error.filename}: {error.strerror}"})
            continue
        table.append({**row, CONTENT: what})
        missing = []
        for step in _possible(steps, set(files), bool(text)):
            if track_file(job.root, step, job.keys[step], row["clip"], what).exists():
                result.kept[step] += 1
            else:
                missing.append(step)
        if missing:
            todo.append(Clip(row["clip"], what, tuple(missing), **files, text=text))
    _describe(corpus, pd.DataFrame(table, columns=[*clips.columns, CONTENT]), job)
    result.workers = min(workers or len(os.sched_getaffinity(0)), max(1, len(todo)))
    try:
        for i, outcome in enumerate(spread(job, todo, result.workers)):
            for step in outcome.computed:
                result.computed[step] += 1
            for step in outcome.empty:
                result.empty[step] += 1
            errors += outcome.errors
            progress(f"{corpus.name}: clips", i + 1, len(todo))
    finally:
        result.errors = _errors(errors)
        result.errors.to_parquet(job.root / ERRORS)
    return result


def _possible(steps: list[str], kinds: set[str], text: bool) -> Iterator[str]:
    """The steps that a clip with these files can have; its words are recognised where its embedding needs them."""
    seen, heard = bool(kinds & {"video", "image"}), bool(kinds & {"video", "audio"})
    if "embedding" in steps and not text:
        steps = [*steps, *wanted(["alignment"])]
    possible = {"vision": seen, "speech": heard, "text": text or heard}
    yield from (s.name for name, ok in possible.items() if ok for s in chain(name) if s.name in steps)  # type: ignore[arg-type]


def _describe(corpus: Corpus, clips: pd.DataFrame, job: Job) -> None:
    """Write down what is extracted, before it is: a run that is stopped can be read as far as it came."""
    manifest = {"corpus": corpus.name, "fingerprint": corpus.fingerprint, "keys": job.keys, "settings": job.settings.echo()}
    (job.root / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    clips.to_parquet(job.root / CLIPS)
    _errors([]).to_parquet(job.root / ERRORS)


def _errors(rows: list[dict[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["clip", "stage", "level", "message"]).astype("str")


def spread(job: Job, clips: list[Clip], workers: int) -> Iterator[Outcome]:
    """Outcomes as they come. Clips under way when a worker died are tried again one by one, so that only the culprit fails."""
    if workers == 1:
        if clips:
            yield from map(Extractor(job).extract, clips)
        return
    waiting, suspects = deque(clips), deque[Clip]()
    context = multiprocessing.get_context("spawn")
    while waiting or suspects:
        alone = bool(suspects)
        queue, room = (suspects, 1) if alone else (waiting, AHEAD * workers)
        running: dict[Future[Outcome], Clip] = {}
        with _one_thread_each():
            pool = ProcessPoolExecutor(1 if alone else workers, context, start, (job,))
            try:
                while queue or running:
                    while queue and len(running) < room:
                        running[pool.submit(work, queue[0])] = queue[0]
                        queue.popleft()
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        outcome = future.result()
                        del running[future]
                        yield outcome
            except BrokenProcessPool:
                if not alone:
                    suspects.extend(running.values())
                for clip in running.values() if alone else ():
                    outcome = Outcome(clip.name)
                    outcome.error("capture", "the process that worked on it died (out of memory, or a decoder crashed)")
                    yield outcome
            finally:  # also where the run is stopped: clips under way are finished, those handed out are not begun
                pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Libraries of processes begun inside use one thread: the processes are as many as the cores."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
