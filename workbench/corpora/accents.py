"""The accent corpus: an answer of the sample interview, in the same words, spoken by many synthetic voices.

It tests the audit from transcription to score. It says nothing about people: no person spoke a word of it, and differences
between accents of a synthesiser cannot be separated from differences in its quality.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from workbench import sample, settings, zoo
from workbench.errors import CorpusError
from workbench.sample import speech
from workbench.zoo.progress import Progress, bars

if TYPE_CHECKING:
    import pandas as pd

LABEL = "synthetic voices: exercises the audit, says nothing about people"
QUESTIONS = ("outage",)
TAIL = 1.0  # s of room noise after the last answer


@dataclass(frozen=True)
class Voice:
    """A synthetic voice: its name in the synthesiser, and the groups of the audit."""

    name: str
    synthesiser: str
    accent: str
    sex: str


def _kokoro(name: str) -> Voice:
    return Voice(name, "Kokoro", f"{'American' if name[0] == 'a' else 'British'} (Kokoro)", "Female" if name[1] == "f" else "Male")


_ESPEAK = {
    "en-us": "American", "en-us-nyc": "New York", "en-gb-x-rp": "Received Pronunciation", "en-gb-scotland": "Scottish",
    "en-gb-x-gbclan": "Lancaster", "en-gb-x-gbcwmd": "West Midlands", "en-029": "Caribbean",
}  # fmt: skip
_VARIANTS = ("m3", "m7", "f1", "f2", "f4")
VOICES: tuple[Voice, ...] = (
    *map(_kokoro, ("af_heart", "af_bella", "af_nova", "am_michael", "am_puck")),
    *map(_kokoro, ("bf_emma", "bf_isabella", "bf_alice", "bm_george", "bm_fable")),
    *(
        Voice(f"{v}+{variant}", "eSpeak NG", f"{accent} (eSpeak)", "Female" if variant[0] == "f" else "Male")
        for v, accent in _ESPEAK.items() for variant in _VARIANTS
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Spoken:
    """One voice's recording: a WAV at 16 kHz, its `interview.yaml`, and the spoken text by question."""

    voice: Voice
    audio: Path
    interview: Path
    texts: dict[str, str]


@dataclass(frozen=True)
class Accents:
    """The corpus in its folder."""

    folder: Path
    recordings: tuple[Spoken, ...]

    @property
    def clips(self) -> pd.DataFrame:
        """One row a recording and question: `clip`, `person` (the voice), `synthesiser`, `accent`, `sex`, `question_id`, `text`."""
        import pandas as pd

        rows = [
            {"clip": f"{r.voice.name}/{q}", "person": r.voice.name, "synthesiser": r.voice.synthesiser, "accent": r.voice.accent}
            | {"sex": r.voice.sex, "question_id": q, "text": text, "audio": str(r.audio)}
            for r in self.recordings for q, text in r.texts.items()
        ]  # fmt: skip
        return pd.DataFrame(rows)

    @property
    def fingerprint(self) -> str:
        """First 12 hex digits of the SHA-256 over all recordings."""
        digest = hashlib.sha256()
        for r in self.recordings:
            digest.update(r.audio.read_bytes())
        return digest.hexdigest()[:12]


def build(
    out: Path | None = None,
    voices: Sequence[Voice] = VOICES,
    questions: Sequence[str] = QUESTIONS,
    force: bool = False,
    progress: Progress | None = None,
) -> Accents:
    """Speak the answers with every voice; existing recordings from the same inputs are kept.

    Parameters
    ----------
    out : Path, optional
        Folder to write into; ``accents`` in the cache where left out.
    voices : sequence of Voice
    questions : sequence of str
        Ids of questions of the sample interview.
    force : bool
        Speak everything again.
    progress : callable, optional
        Called with the number of voices that are done; by default bars on stderr.

    Returns
    -------
    Accents

    Raises
    ------
    WeightsError
        If Kokoro's weights cannot be obtained, or eSpeak NG does not know a voice.
    CorpusError
        If a question is not in the sample interview.
    """
    from filelock import FileLock

    script = yaml.safe_load((sample.HERE / "script.yaml").read_text(encoding="utf-8"))
    known = [q["id"] for q in script["questions"]]
    if strange := [q for q in questions if q not in known]:
        raise CorpusError(f"accents: no question {strange[0]!r}; the sample interview has {', '.join(known)}")
    script["questions"] = [q for q in script["questions"] if q["id"] in questions]
    folder = Path(out) if out is not None else settings.cache_dir() / "accents"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        missing = [v for v in voices if force or not _is_current(folder, v, script)]
        if missing and progress is None:
            with bars() as progress:
                _speak(folder, missing, script, progress)
        elif missing and progress is not None:
            _speak(folder, missing, script, progress)
        return Accents(folder, tuple(_read(folder, v) for v in voices))


def _paths(folder: Path, voice: Voice) -> tuple[Path, Path, Path]:
    return folder / f"{voice.name}.wav", folder / f"{voice.name}.interview.yaml", folder / f"{voice.name}.truth.json"


def _fingerprint(script: Mapping[str, Any]) -> str:
    source = b"".join(p.read_bytes() for p in (Path(__file__), Path(speech.__file__)))
    text = json.dumps(script, sort_keys=True) + zoo.find("kokoro").fingerprint
    return hashlib.sha256(source + text.encode()).hexdigest()[:12]


def _is_current(folder: Path, voice: Voice, script: Mapping[str, Any]) -> bool:
    audio, interview, truth = _paths(folder, voice)
    try:
        made_from = json.loads(truth.read_text(encoding="utf-8"))["fingerprint"]
    except (OSError, ValueError, KeyError):
        return False
    return made_from == _fingerprint(script) and audio.exists() and interview.exists()


def _read(folder: Path, voice: Voice) -> Spoken:
    audio, interview, truth = _paths(folder, voice)
    return Spoken(voice, audio, interview, json.loads(truth.read_text(encoding="utf-8"))["said"])


def _speak(folder: Path, voices: Sequence[Voice], script: Mapping[str, Any], progress: Progress) -> None:
    for i, (voice, answers) in enumerate(_spoken(voices, script)):
        _write(folder, voice, script, answers)
        progress("accents: speaking", i + 1, len(voices))


def _spoken(voices: Sequence[Voice], script: Mapping[str, Any]) -> Iterator[tuple[Voice, dict[str, list[speech.Phrase]]]]:
    for voice in voices:
        if voice.synthesiser == "Kokoro":
            yield voice, speech.speak({**script, "voice": voice.name}, lambda *_: None)
        else:
            yield voice, {q["id"]: [_phrase(text, pause, voice.name) for text, pause in q["phrases"]] for q in script["questions"]}


def _phrase(text: str, pause: float, voice: str) -> speech.Phrase:
    """A phrase by eSpeak NG at the sample's rate and loudness; the times of its words are in proportion to their letters."""
    import soxr

    from workbench.corpora import espeak

    samples, rate = espeak.speak(text, voice)
    samples = soxr.resample(samples, rate, speech.RATE)
    samples = speech.trimmed(samples)
    samples = (samples * (speech.SPEECH / np.sqrt(np.mean(np.square(samples))))).astype(np.float32)
    words = [w.strip(".,").lower() for w in text.split()]
    edges = np.concatenate([[0.0], np.cumsum([len(w) for w in words]) / sum(len(w) for w in words)])
    return speech.Phrase(text, samples, pause, [(w, float(a), float(b)) for w, a, b in zip(words, edges[:-1], edges[1:], strict=True)])


def _write(folder: Path, voice: Voice, script: Mapping[str, Any], phrases: Mapping[str, Sequence[speech.Phrase]]) -> None:
    import soundfile
    import soxr

    audio, interview, truth = _paths(folder, voice)
    truth.unlink(missing_ok=True)  # written last, so that an interrupted build does not count
    seconds = sum(len(p.samples) / speech.RATE + p.pause for answer in phrases.values() for p in answer)
    samples, answers = speech.lay_out({**script, "duration": seconds + script["lead"] * len(phrases) + TAIL}, phrases)
    soundfile.write(audio, soxr.resample(samples, speech.RATE, 16000), 16000, subtype="PCM_16")
    interview.write_text(
        yaml.safe_dump(sample.interview_plan(dict(script), answers), sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    texts = {a["question_id"]: a["text"] for a in answers}
    truth.write_text(json.dumps({"what": LABEL, "fingerprint": _fingerprint(script), "said": texts}, indent=1), encoding="utf-8")
