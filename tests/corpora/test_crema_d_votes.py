"""CREMA-D's vote tables: known figures of the real ones, and one line for each kind of damage."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from workbench.corpora import crema_d
from workbench.errors import CorpusError

HEAD = '"",' + ",".join([*crema_d.LETTERS, "fileName", "numResponses", *crema_d.RAW, *crema_d.INTENSITY])


def row(index: int, clip: str, counts: tuple[int, ...], total: int | None = None) -> str:
    return f"{index}," + ",".join(map(str, counts)) + f",{clip},{sum(counts) if total is None else total}" + ",70" * 6 + ",50" * 6


def write(root: Path, rows: list[str], people: str = "1001,51,Male,Caucasian,Not Hispanic\n1002,21,Female,Asian,Hispanic\n") -> Path:
    (root / "processedResults").mkdir(parents=True)
    (root / crema_d.VOTES).write_text("\n".join([HEAD, *rows]) + "\n")
    (root / crema_d.PEOPLE).write_text("ActorID,Age,Sex,Race,Ethnicity\n" + people)
    return root


def clip_rows(clip: str, n: int = 1) -> list[str]:
    return [row(channel * 100000 + n, clip, (6, 1, 0, 0, 2, 0)) for channel in (1, 2, 3)]


def messages(votes: crema_d.Votes) -> str:
    return "\n".join(f"{f.where}: {f.message}" for f in votes.findings)


def test_real_votes_reproduce_the_published_figures(votes: crema_d.Votes) -> None:
    assert len(votes.table) == 7442
    assert len(np.unique(votes.persons)) == 91
    for shares, expected in ((votes.voice, 45.5), (votes.face, 69.0), (votes.av, 74.8)):
        assert 100 * np.mean(shares.argmax(axis=1) == votes.labels) == pytest.approx(expected, abs=0.06)
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert 100 * np.mean((votes.voice + votes.face).argmax(axis=1) == votes.labels) == pytest.approx(65.7, abs=0.06)


def test_real_demographics_are_joined_by_actor(votes: crema_d.Votes) -> None:
    people = votes.table.drop_duplicates("person")
    assert people["sex"].value_counts().to_dict() == {"male": 48, "female": 43}
    assert people["race"].value_counts()["Asian"] == 7
    assert set(people["age_band"]) == {"20-29", "30-44", "45-59", "60+"}


def test_ties_and_groups_of_one_person_are_reported(votes: crema_d.Votes) -> None:
    text = messages(votes)
    assert "644 of 7442 clips have a tied first place (voice)" in text
    assert "race: 1 groups have one person only (Unknown)" in text


def test_shares_and_intensities_of_a_small_table(tmp_path: Path) -> None:
    votes = crema_d.load_votes(write(tmp_path / "c", clip_rows("1001_DFA_ANG_XX")))
    np.testing.assert_allclose(votes.voice[0], [6 / 9, 1 / 9, 0, 0, 2 / 9, 0])
    np.testing.assert_allclose(votes.intensity["face"][0], 0.5)
    assert votes.table.loc[0, ["person", "label", "n_av", "age"]].tolist() == ["1001", "angry", 9, 51]


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (row(100009, "1001_DFA_ANG_XX", (1, 0, 0, 0, 0, 0)), "second row for this channel"),
        (row(100009, "holiday.wav", (1, 0, 0, 0, 0, 0)), "holiday.wav: not a CREMA-D clip name"),
        (row(900009, "1001_IEO_ANG_HI", (1, 0, 0, 0, 0, 0)), "names no channel"),
        (row(100009, "1001_IEO_ANG_HI", (0,) * 6), "nobody voted"),
        (row(100009, "1001_IEO_ANG_HI", (-1, 2, 0, 0, 0, 0)), "not a whole number"),
        (row(100009, "1001_IEO_ANG_HI", (3, 2, 0, 0, 0, 0), total=9), "do not add up to numResponses"),
        (row(100009, "1001_IEO_ANG_HI", (3, 2, 0, 0, 0, 0)), "no votes for face, av; clip skipped"),
    ],
)
def test_a_bad_row_is_reported_and_skipped(tmp_path: Path, bad: str, expected: str) -> None:
    votes = crema_d.load_votes(write(tmp_path / "c", [*clip_rows("1001_DFA_ANG_XX"), bad]))
    assert votes.table["clip"].tolist() == ["1001_DFA_ANG_XX"]
    assert expected in messages(votes)


def test_an_actor_without_demographics_is_reported(tmp_path: Path) -> None:
    votes = crema_d.load_votes(write(tmp_path / "c", [*clip_rows("1001_DFA_ANG_XX"), *clip_rows("1077_DFA_ANG_XX", 2)]))
    assert "actor 1077 is not in the table" in messages(votes)
    assert len(votes.table) == 2


def test_an_actor_listed_twice_is_reported(tmp_path: Path) -> None:
    people = "1001,51,Male,Caucasian,Not Hispanic\n1001,15,Male,Asian,Hispanic\n"
    votes = crema_d.load_votes(write(tmp_path / "c", clip_rows("1001_DFA_ANG_XX"), people))
    assert "actor 1001 occurs more than once" in messages(votes)
    assert votes.table["age"].tolist() == [51]


def test_missing_and_unknown_columns(tmp_path: Path) -> None:
    root = write(tmp_path / "c", clip_rows("1001_DFA_ANG_XX"))
    text = (root / crema_d.VOTES).read_text()
    lines = text.splitlines()
    (root / crema_d.VOTES).write_text("\n".join([lines[0] + ",zodiac", *(line + ",leo" for line in lines[1:])]))
    assert "unknown columns left out: zodiac" in messages(crema_d.load_votes(root))
    (root / crema_d.VOTES).write_text(text.replace("numResponses", "respondents"))
    with pytest.raises(CorpusError, match="the vote table lacks column numResponses"):
        crema_d.load_votes(root)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "is missing"),
        ("", "empty \\(0 bytes\\)"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "a git-LFS pointer"),
        (HEAD + "\n", "has no rows"),
    ],
)
def test_a_damaged_vote_table_is_one_clear_line(tmp_path: Path, content: str | None, expected: str) -> None:
    root = write(tmp_path / "c", clip_rows("1001_DFA_ANG_XX"))
    (root / crema_d.VOTES).unlink()
    if content is not None:
        (root / crema_d.VOTES).write_text(content)
    with pytest.raises(CorpusError, match=expected) as error:
        crema_d.load_votes(root)
    assert "\n" not in str(error.value)


def test_an_empty_and_an_absent_folder(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="the folder is empty"):
        crema_d.load_votes(tmp_path)
    with pytest.raises(CorpusError, match="no such folder"):
        crema_d.load_votes(tmp_path / "nowhere")


def test_media_that_are_missing_or_stubs_are_named_file_by_file(tmp_path: Path, generated_root: Path) -> None:
    root = tmp_path / "crema-d"
    shutil.copytree(generated_root, root, ignore=shutil.ignore_patterns("SentenceFilenames.csv"))
    root.chmod(0o755)
    table = crema_d.load_votes(root).table
    clips = table["clip"][table["sex"] == "male"].tolist()[:3]
    (root / "SentenceFilenames.csv").write_text("Stimulus_Number,Filename\n" + "".join(f"{i},{c}\n" for i, c in enumerate(clips)))
    (root / "AudioWAV").mkdir()
    (root / "VideoFlash").mkdir()
    (root / "AudioWAV" / f"{clips[0]}.wav").write_bytes(b"RIFF....")
    (root / "VideoFlash" / f"{clips[0]}.flv").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
    (root / "VideoFlash" / f"{clips[1]}.flv").write_bytes(b"FLV")
    corpus = crema_d.load(root)
    assert corpus.clips[["clip", "modalities", "sex"]].to_numpy().tolist() == [
        [clips[0], "audio+votes", "male"],
        [clips[1], "video+votes", "male"],
        [clips[2], "votes", "male"],
    ]
    errors = {(f.where, f.message.split(";")[0]) for f in corpus.findings if f.level == "error"}
    assert (f"VideoFlash/{clips[0]}.flv", "a git-LFS pointer, not the file") in errors
    assert (f"AudioWAV/{clips[2]}.wav", "missing") in errors
