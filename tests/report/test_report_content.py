"""What the report says, compared with what the session holds. The sessions are invented; their numbers are known."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from tests.support import media, stored
from workbench import contracts as c
from workbench.errors import SessionError
from workbench.report import build
from workbench.sessions.consent import disabled_channels
from workbench.sessions.store import Session

VERDICTS = re.compile(
    r"\b(good|bad|excellent|outstanding|poor|weak|strong|impressive|recommend\w*|hire|hired|reject\w*|suitable|unsuitable|"
    r"rank\w*|best|worst|pass(ed)?|failed|above average|below average|top candidate)\b",
    re.IGNORECASE,
)


def page(session: Session) -> BeautifulSoup:
    return BeautifulSoup(build(session).read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("stored")
    return stored.write(folder / "invented", video=stored.clip(folder / "clip.mp4"))


@pytest.fixture(scope="module")
def soup(session: Session) -> BeautifulSoup:
    return page(session)


def text_of(tag: Any) -> str:
    """The text as read: pieces apart, white space single."""
    return " ".join(" ".join(tag.stripped_strings).split())


def values(tag: Any) -> list[float]:
    return [float(d["value"]) for d in tag.find_all("data")]


def test_every_score_is_shown_with_its_interval_as_stored(session: Session, soup: BeautifulSoup) -> None:
    for score in session.score_messages:
        card = soup.find(attrs={"data-score": score.name, "data-scope": score.scope})
        assert values(card.header) == [score.value, score.low, score.high]


def test_contributions_are_those_stored_and_add_up_to_the_score(session: Session, soup: BeautifulSoup) -> None:
    for score in session.score_messages:
        card = soup.find(attrs={"data-score": score.name, "data-scope": score.scope})
        shown = [values(cell)[0] for cell in card.select("summary .contribution")]
        assert shown == [part.contribution for part in score.contributions]
        total = 0.0
        for value in shown:
            total += value
        assert total == score.value == values(card.select_one(".total"))[0]
        for part, row in zip(score.contributions, card.select("summary"), strict=True):
            raw, normalised, weight, contribution = values(row)
            assert (raw, normalised, weight, contribution) == (part.raw, part.normalised, part.weight, part.contribution)
            assert part.unit in row.find_next(class_="evidence").text


def test_contributions_open_to_their_evidence(session: Session, soup: BeautifulSoup) -> None:
    card = soup.find(attrs={"data-score": "clarity", "data-scope": "session"})
    fillers = card.find("details")
    assert [q.text for q in fillers.select(".proof q")] == ["um", "uh"]
    assert [a.text for a in fillers.select(".proof a")] == ["0:01.0", "0:06.4"]
    for link in fillers.select(".proof a"):
        target = soup.find(id=link["href"][1:])
        assert target.text in ("um", "uh")
    faces = soup.select('[data-score="confidence"][data-scope="session"] .proof.frame')
    assert len(faces) == 3
    assert all(f.img["src"].startswith("data:image/jpeg;base64,") and f.img["alt"] for f in faces)


def test_a_missing_feature_says_why(soup: BeautifulSoup) -> None:
    card = soup.find(attrs={"data-score": "engagement", "data-scope": "session"})
    assert "Prosodic variation is not in it: fewer than three voiced segments" in text_of(card)
    assert "fewer than three voiced segments" in soup.find(id="gaps").text


def test_every_reason_of_every_window_is_shown_with_its_seconds(session: Session, soup: BeautifulSoup) -> None:
    gaps = text_of(soup.find(id="gaps"))
    reasons = {reason for window in session.fused_windows for reason in window.missing.values()}
    assert reasons == {stored.NO_FACE, stored.NO_SPEECH}
    # 24 s in windows of 1 s every 0.5 s: the face is gone from the window centred on 18.0 s, whose cell begins at 17.75 s
    assert f"Face {stored.NO_FACE} 6.2 s in 12 windows" in gaps
    assert stored.NO_SPEECH in gaps


def test_reasons_that_differ_in_figures_only_share_a_line(tmp_path: Path) -> None:
    noisy = [
        w.model_copy(update={"missing": {"audio": f"SNR {2 + i / 10:.1f} dB, below 5 dB"}}) for i, w in enumerate(stored.windows()[:9])
    ]
    gaps = page(stored.write(tmp_path / "s", windows=noisy)).find(id="gaps")
    assert "SNR 2.0 to 2.8 dB, below 5 dB" in gaps.text


def test_events_noise_and_doubt_are_listed(soup: BeautifulSoup) -> None:
    gaps = text_of(soup.find(id="gaps"))
    assert "A stage broke off and was restarted · emotion one batch was lost and the stage restarted" in gaps
    assert "signal-to-noise ratio under 10 dB" in gaps
    assert "recognised with a confidence under 0.50" in gaps
    assert "highest probability under 0.45: shown as uncertain" in gaps


def test_what_belongs_to_every_session_is_no_trouble(tmp_path: Path) -> None:
    routine = ("started", "paused", "resumed", "settings_changed", "question", "latency", "stopped", "override")
    events = [c.Event(timestamp=i, kind=kind, message=f"as ever {i}") for i, kind in enumerate(routine)]
    others = [c.Event(timestamp=9, kind="toy_alarm", message="from another package")]
    (told,) = page(stored.write(tmp_path / "s", events=[*events, *others])).select(".events li")
    assert text_of(told) == "0:09.0 Toy alarm from another package"


def test_events_of_one_kind_are_told_once(tmp_path: Path) -> None:
    made = [c.Event(timestamp=i, kind="asr_rejected", stage="asr", message=f"no speech probability 0.{i}") for i in (7, 8, 9)]
    (told,) = page(stored.write(tmp_path / "s", events=[*made, c.Event(timestamp=9, kind="latency")])).select(".events li")
    assert text_of(told) == "0:07.0 Some speech was left out · asr no speech probability 0.7 to 0.9 (3 times)"


def test_other_language_and_several_faces_are_named(tmp_path: Path) -> None:
    spanish = [t.model_copy(update={"language": "es"}) for t in stored.transcripts()]
    pair = [c.Detection(face_id=f"f{i}", box=(0.1, 0.4 * i, 0.5, 0.4 * i + 0.3), score=0.9) for i in range(2)]
    crowd = [c.Detections(frame_id=n, timestamp=n / 15, detections=pair, candidate="f0") for n in range(30)]
    soup = page(stored.write(tmp_path / "s", transcripts=spanish, detections=crowd))
    gaps = soup.find(id="gaps").text
    assert "sounded like the language “es”, the settings say “en”" in gaps
    assert "more than one face in 100 % of the frames (up to 2)" in gaps
    assert soup.select_one("#transcript .said")["lang"] == "es"


def test_questions_show_answers_keywords_and_what_was_not_answered(soup: BeautifulSoup) -> None:
    first, second, third = soup.select("#questions table tbody tr")
    text = text_of(first)
    assert "20 words" in text
    assert "found: log 0:03.8, 0:07.8" in text
    assert "not found: fsync, idempotent" in text
    assert values(first.find(attrs={"data-name": "Similarity"})) == [0.6137]
    assert values(first.find(attrs={"data-name": "Fillers"})) == [2 / 22]
    assert len(second.select(".mini")) == 5
    assert "no answer was found" in third.text


def test_transcript_marks_fillers_and_unsure_words(session: Session, soup: BeautifulSoup) -> None:
    words = [w for t in session.transcripts for w in t.words]
    said = soup.select("#transcript .said")
    assert " ".join(" ".join(p.text.split()) for p in said) == " ".join(w.word for w in words)
    assert [m.text for m in soup.select("#transcript .said mark.filler")] == [w.word for w in words if w.filler]
    assert [m.text for m in soup.select("#transcript .said mark.unsure")] == [w.word for w in words if w.conf == stored.UNSURE]
    assert "SNR 8 dB" in soup.find(id="transcript").text


def test_unvalidated_and_derived_are_marked_where_shown(soup: BeautifulSoup) -> None:
    voice = next(p for p in soup.select(".track-name") if "Voice affect" in p.text)
    assert voice.select_one(".badge").text == "unvalidated"
    assert soup.select_one(".derived").find_previous("h3").select_one(".badge").text == "derived"
    models = soup.find(id="models")
    assert "training data undocumented" in models.find("summary").text
    assert models.text.count("training data undocumented") == 1


def test_nothing_judges_the_person(soup: BeautifulSoup) -> None:
    text = soup.find("body").get_text(" ", strip=True)
    assert VERDICTS.findall(text) == []
    assert "Assistive, never a verdict." in text


def test_the_file_loads_nothing(session: Session) -> None:
    html = build(session).read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|href|action|poster)\s*=\s*["'](?!#|data:image/)""", html)
    assert not re.search(r"@import|url\((?!#)", html)
    assert "<script" not in html
    assert "default-src 'none'" in html
    assert len(html.encode()) < 2_000_000


def test_every_link_has_its_place(soup: BeautifulSoup) -> None:
    places = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(places) == len(set(places))
    assert {a["href"][1:] for a in soup.find_all("a")} <= set(places)


HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{ 7*7 }}</style>'


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    word = c.Word(word=HOSTILE, start=1.0, end=1.5, conf=0.9, filler=True)
    evil = c.Transcript(segment_id=HOSTILE, start=1.0, end=2.0, transcript=HOSTILE, words=[word], language="en", speaker=HOSTILE)
    proof = c.Evidence(kind="word", start=1.0, end=1.5, text=HOSTILE)
    window = stored.windows()[0].model_copy(update={"missing": {HOSTILE: HOSTILE}, "visual": None})
    session = stored.write(
        tmp_path / "s",
        transcripts=[evil],
        windows=[window, *stored.windows()[1:]],
        scores=[stored.score(HOSTILE, "session", [(HOSTILE, 0.5, HOSTILE, 0.5, 1.0, [proof])], **{HOSTILE: HOSTILE})],
        answers=[stored.answers()[0].model_copy(update={"keywords_found": {HOSTILE: [1.0]}, "keywords_missed": [HOSTILE]})],
        events=[c.Event(timestamp=1.0, kind=HOSTILE, stage=HOSTILE, message=HOSTILE)],
        interview={"questions": [{"id": "queue", "text": HOSTILE}, {"id": "evil", "text": HOSTILE}], "title": HOSTILE},
        media={"name": HOSTILE, "width": 1, "sample_rate": 1},
        models={HOSTILE: {"version": HOSTILE, "training_data": HOSTILE}},
        software={HOSTILE: HOSTILE},
        consent=c.Consent(given=True, by=HOSTILE, text=HOSTILE),
        disabled={},
    )
    html = build(session).read_text(encoding="utf-8")
    soup = BeautifulSoup(html, "html.parser")
    assert soup.find("script") is None
    assert [i for i in soup.find_all("img") if i.get("src") == "x"] == []
    assert not any(name.startswith("on") for tag in soup.find_all() for name in tag.attrs)
    assert HOSTILE in soup.find(id="transcript").text
    assert "49" not in soup.find(id="transcript").text


def test_channels_that_the_law_switches_off_are_shown_and_not_drawn(tmp_path: Path) -> None:
    disabled = disabled_channels("hiring", "EU")
    windows = [
        w.model_copy(update={"visual": None, "audio": None, "fused_emotion": None, "missing": {"visual": disabled["visual_emotion"]}})
        for w in stored.windows()
    ]
    soup = page(
        stored.write(
            tmp_path / "s", video=stored.clip(tmp_path / "clip.mp4"), purpose="hiring", jurisdiction="EU", disabled=disabled,
            windows=windows, visual=[], detections=[],
        )
    )  # fmt: skip
    (alert,) = soup.select(".alert")
    assert "Switched off: Emotion from the face, Affect from the voice." in alert.text
    assert "Art. 5(1)(f)" in alert.text
    assert "both channels that could are switched off" in soup.find(id="summary").text
    assert [t.b.text for t in soup.select(".track-name")][:3] == ["Answers", "Face emotion", "Voice affect"]
    assert "high-risk" in soup.find(id="purpose").text
    assert "data:image/jpeg" not in str(soup)
    assert soup.select("#timeline .e-happy") == []
    assert soup.select_one(".derived") is None
    assert VERDICTS.findall(soup.find("body").get_text(" ", strip=True)) == []


EMPTY: dict[str, Any] = {
    name: [] for name in ("transcripts", "segments", "windows", "scores", "answers", "acoustics", "detections", "visual", "events")
}
SOUND = {"name": "voice.wav", "sample_rate": 16000, "channels": 1, "width": None}
PICTURE = {"name": "silent.mp4", "sample_rate": None, "width": 320, "height": 240}
NO_VOICE = EMPTY | {"windows": [w.model_copy(update={"audio": None, "missing": {"audio": "no speech"}}) for w in stored.windows()]}
NO_FACES = {"windows": stored.windows(face_until=0.0), "visual": [], "detections": stored.detections(until=0.0)}
YES = c.Word(word="Yes.", start=2.0, end=2.3, conf=0.7)
ONE_WORD = {
    "transcripts": [c.Transcript(segment_id="s0", start=2.0, end=2.3, transcript="Yes.", words=[YES])],
    "segments": [c.SpeechSegment(segment_id="s0", start=2.0, end=2.3)],
    "answers": [c.Answer(question_id="queue", start=1.0, end=4.0, text="Yes.", words=1, fillers=0)],
}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (EMPTY | NO_FACES | {"windows": [], "media": PICTURE, "seconds": 0}, "It holds no sound"),
        ({"media": SOUND, "visual": [], "detections": [], "windows": stored.windows(face_until=0.0)}, "It holds no picture"),
        (NO_VOICE, "No speech was found in it."),
        (NO_FACES, "No usable face was seen in it."),
        ({"interview": None, "answers": []}, "No interview plan was given"),
        (ONE_WORD, "1 word, of which 0 are fillers"),
        (EMPTY, "No emotion estimate was made."),
        ({"scores": [c.Score(name="technical", scope="session", value=None, missing={"keyword_coverage": "no keywords"})]}, "usable face"),
        ({"consent": c.Consent(given=False)}, "usable face"),
    ],
    ids=["no audio", "no video", "silence", "no face", "no plan", "one word", "nothing", "no value", "no consent"],
)
def test_partial_sessions_are_reported_as_far_as_they_go(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    soup = page(stored.write(tmp_path / "s", **changes))
    assert sentence in text_of(soup.find(id="summary"))
    assert [s["id"] for s in soup.find_all("section")] == [
        "summary", "purpose", "scores", "timeline", "questions", "transcript", "gaps", "models", "settings", "limits",
    ]  # fmt: skip
    assert {a["href"][1:] for a in soup.find_all("a")} <= {tag["id"] for tag in soup.find_all(id=True)}
    assert not re.search(r"\b(nan|None|inf|undefined)\b", soup.find("main").get_text(" "))


def test_a_score_without_value_is_not_drawn_as_zero(tmp_path: Path) -> None:
    score = c.Score(name="technical", scope="session", value=None, missing={"keyword_coverage": "no keywords"})
    card = page(stored.write(tmp_path / "s", scores=[score])).find(attrs={"data-score": "technical"})
    assert "not measured" in card.text
    assert card.select_one(".scale") is None


def test_a_damaged_session_is_reported_with_its_damage(tmp_path: Path) -> None:
    clip = stored.clip(tmp_path / "clip.mp4")
    session = stored.write(tmp_path / "s", video=media.truncate(clip, tmp_path / "cut.mp4", 0.5))
    (session.folder / "scores.jsonl").unlink()
    with (session.folder / "windows.jsonl").open("a") as file:
        file.write('{"window_id": "torn')
    soup = page(Session.open(session.folder))
    events = soup.select_one(".events").text
    assert "scores.jsonl is missing" in events
    assert "windows.jsonl: its last line was torn" in events
    assert "the stored video could not be read to its end" in events
    assert "No score is stored in this session." in soup.find(id="scores").text
    assert soup.select(".track-name")


def test_an_unwritable_place_is_named(session: Session, tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=r"no/such/folder.*cannot be written.*--out"):
        build(session, tmp_path / "no" / "such" / "folder" / "report.html")
