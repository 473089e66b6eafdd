"""The sample interview: a minute of stock footage with a synthetic voice whose words and times are known.

It shows and tests the whole pipeline on a real face and on speech with fillers and pauses. It says nothing about people.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from workbench import settings, zoo
from workbench.zoo.progress import Progress, bars

HERE = Path(__file__).parent


@dataclass(frozen=True)
class SamplePaths:
    """The sample's files."""

    video: Path
    """MP4, H.264 and AAC."""
    interview: Path
    """`interview.yaml` with the questions and their times."""
    truth: Path
    """`truth.json` with the spoken words and their times, s."""
    audio: Path
    """The sound alone: WAV, mono, 16 kHz."""


def build(out: Path | None = None, force: bool = False, progress: Progress | None = None) -> SamplePaths:
    """Make the one-minute sample interview, unless it exists already from the same inputs.

    Parameters
    ----------
    out : Path, optional
        Folder to write into; ``sample`` in the cache where left out.
    force : bool
        Make it again in any case.
    progress : callable, optional
        Called with the progress; by default bars on stderr.

    Returns
    -------
    SamplePaths

    Raises
    ------
    WeightsError
        If the footage or the voice cannot be obtained.
    """
    from filelock import FileLock

    folder = Path(out) if out is not None else settings.cache_dir() / "sample"
    paths = SamplePaths(*(folder / name for name in ("interview.mp4", "interview.yaml", "truth.json", "audio.wav")))
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        if force or not _is_current(paths):
            if progress is None:
                with bars() as progress:
                    _make(paths, progress)
            else:
                _make(paths, progress)
    return paths


def long_sample(minutes: int) -> Path:
    """The sample, repeated to a length of `minutes` by copying its encoded streams; for measurements of memory and speed."""
    from workbench.sample import film

    paths = build()
    target = paths.video.with_name(f"interview-{minutes}min-{_fingerprint()}.mp4")
    if not target.exists():
        part = target.with_suffix(".part")
        film.repeat(paths.video, part, minutes)
        part.replace(target)
    return target


def _fingerprint() -> str:
    """A hash of everything that the sample is made from."""
    sources = [*sorted(HERE.glob("*.py")), HERE / "script.yaml"]
    text = b"".join(p.read_bytes() for p in sources)
    text += "".join(zoo.find(name).fingerprint for name in ("kokoro", "footage-portrait")).encode()
    return hashlib.sha256(text).hexdigest()[:12]


def _is_current(paths: SamplePaths) -> bool:
    try:
        made_from = json.loads(paths.truth.read_text(encoding="utf-8"))["fingerprint"]
    except (OSError, ValueError, KeyError):
        return False
    return made_from == _fingerprint() and all(p.exists() for p in (paths.video, paths.interview, paths.audio))


def _make(paths: SamplePaths, progress: Progress) -> None:
    import soundfile
    import soxr

    from workbench.sample import film, speech

    script = yaml.safe_load((HERE / "script.yaml").read_text(encoding="utf-8"))
    for old in paths.video.parent.glob("interview-*min-*.mp4"):
        old.unlink()
    paths.truth.unlink(missing_ok=True)  # written last, so that an interrupted build does not count
    samples, answers = speech.lay_out(script, speech.speak(script, progress))
    part = paths.video.with_suffix(".part")
    film.write(part, samples, speech.RATE, script, answers, progress)
    shutil.move(part, paths.video)
    soundfile.write(paths.audio, soxr.resample(samples, speech.RATE, 16000), 16000, subtype="PCM_16")
    paths.interview.write_text(yaml.safe_dump(interview_plan(script, answers), sort_keys=False, allow_unicode=True), encoding="utf-8")
    truth = {
        "what": film.LABEL,
        "fingerprint": _fingerprint(),
        "duration": script["duration"],
        "fps": film.FPS,
        "voice": f"Kokoro-82M {script['voice']}",
        "times": "phrases and fillers within 0.02 s; words inside a phrase spread by phoneme count (median error about 0.07 s)",
        "answers": answers,
    }
    paths.truth.write_text(json.dumps(truth, indent=1), encoding="utf-8")


def interview_plan(script: dict[str, Any], answers: list[dict[str, Any]]) -> dict[str, Any]:
    """The content of `interview.yaml`.

    Parameters
    ----------
    script : dict
        From `script.yaml`.
    answers : list of dict
        From `speech.lay_out`; each question begins 0.5 s before its answer and ends 0.5 s after it.
    """
    questions = [
        {key: question[key] for key in ("id", "text", "model_answer", "keywords")}
        | {"start": round(answer["start"] - 0.5, 2), "end": round(answer["end"] + 0.5, 2)}
        for question, answer in zip(script["questions"], answers, strict=True)
    ]
    return {"title": script["title"], "language": script["language"], "questions": questions}
