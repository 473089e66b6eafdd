"""Every loader on a small folder in its layout: what it reads, and which damage it reports without stopping."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support import small_corpora
from tests.support.small_corpora import BUILD, STUB, film, sound
from workbench import corpora
from workbench.corpora import base, first_impressions, ravdess
from workbench.corpora.base import COLUMNS, Corpus
from workbench.errors import CorpusError


def findings_of(corpus: Corpus) -> str:
    return "\n".join(f"{f.level} {f.where}: {f.message}" for f in corpus.findings)


def table(corpus: Corpus, *columns: str) -> list[list[object]]:
    return corpus.clips[["clip", *columns]].to_numpy().tolist()


@pytest.mark.parametrize("name", sorted(BUILD))
def test_every_loader_gives_the_common_columns(name: str, tmp_path: Path) -> None:
    corpus = corpora.load(name, BUILD[name](tmp_path / name))
    assert corpus.name == name
    assert list(corpus.clips.columns[: len(COLUMNS)]) == list(COLUMNS)
    assert not corpus.clips.empty
    for kind in ("audio", "video", "image"):
        assert all((corpus.root / p).is_file() for p in corpus.clips[kind].dropna())
    entry = corpora.find(name)
    assert set("+".join(corpus.clips["modalities"]).split("+")) <= set(entry.modalities)
    assert all(corpus.clips[g].notna().any() for g in entry.groups)
    assert corpus.problems.columns.tolist() == ["level", "where", "message"]


@pytest.mark.parametrize("name", [*sorted(BUILD), "crema-d"])
def test_an_empty_an_absent_and_a_foreign_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=f"the folder is empty; see datasets/{name}.md"):
        corpora.load(name, tmp_path)
    with pytest.raises(CorpusError, match="no such folder"):
        corpora.load(name, tmp_path / "nowhere")
    (tmp_path / "holiday.txt").write_text("sun")
    with pytest.raises(CorpusError) as error:
        corpora.load(name, tmp_path)
    assert "\n" not in str(error.value)


def test_the_data_root_is_where_corpora_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    with pytest.raises(CorpusError, match="set WORKBENCH_DATA"):
        corpora.load("ravdess")
    small_corpora.ravdess(tmp_path / "ravdess")
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    assert len(corpora.load("ravdess").clips) == 4
    with pytest.raises(CorpusError, match="corpus 'films' is not known; choose one of crema-d"):
        corpora.load("films")


def test_ravdess_joins_the_files_of_a_take(tmp_path: Path) -> None:
    corpus = corpora.load("ravdess", small_corpora.ravdess(tmp_path / "r"))
    rows = {r["clip"]: r for r in corpus.clips.to_dict("records")}
    both = rows["01-05-02-01-01-01"]
    assert both["modalities"] == "audio+video+text"
    assert both["video"].endswith("01-01-05-02-01-01-01.mp4")  # not 02-, which has no sound
    assert both["audio"].endswith("03-01-05-02-01-01-01.wav")
    assert (both["label"], both["person"], both["sex"], both["intensity"]) == ("angry", "Actor_01", "male", "strong")
    assert rows["01-02-01-01-01-02"]["label"] == "neutral"
    assert rows["02-04-01-01-01-02"]["channel"] == "song"
    assert rows["02-04-01-01-01-02"]["sex"] == "female"
    text = findings_of(corpus)
    assert "note label: 'calm' counts as 'neutral' with another label (1 clips)" in text
    assert "1 files with picture alone were passed over" in text


def test_ravdess_names_the_missing_files_of_the_actors_that_are_here(tmp_path: Path) -> None:
    root = small_corpora.ravdess(tmp_path / "r")
    folder = root / "Video_Speech_Actor_01" / "Actor_01"
    assert len(list(ravdess.takes("01"))) == 60
    corpus = corpora.load("ravdess", root)
    missing = [f.where for f in corpus.findings if f.message.startswith("missing") and f.where.startswith("Video_Speech_Actor_01")]
    assert len(missing) == 58
    assert "Video_Speech_Actor_01/Actor_01/01-01-01-01-01-01-01.mp4" in missing
    assert "22 of 24 actors are not here: 03, 04" in findings_of(corpus)
    shutil.copy(folder / "01-01-03-01-02-02-01.mp4", root / "01-01-03-01-02-02-01.mp4")
    film(root / "trailer.mp4")
    text = findings_of(corpora.load("ravdess", root))
    assert "a second copy of" in text
    assert "error trailer.mp4: not a RAVDESS file name; skipped" in text


def test_meld_reads_its_three_tables(tmp_path: Path) -> None:
    corpus = corpora.load("meld", small_corpora.meld(tmp_path / "m"))
    assert table(corpus, "person", "split", "label", "modalities", "start") == [
        ["train/dia0_utt0", "Ross", "train", "surprise", "video+text", pytest.approx(1257.256)],
        ["train/dia0_utt1", "Rachel", "train", "happy", "video+text", pytest.approx(1260.0)],
        ["dev/dia0_utt0", "Ross", "dev", "neutral", "text", 1.0],
        ["test/dia0_utt0", "Monica", "test", "angry", "text", pytest.approx(np.nan, nan_ok=True)],
    ]
    text = findings_of(corpus)
    assert "warning split: 1 persons are in more than one split (Ross)" in text
    assert "note dev_sent_emo.csv: no clips of this split here: text only" in text
    assert "warning test/dia0_utt0: its times 5.00 to 2.00 s are impossible and left out" in text


def test_meld_says_what_is_damaged(tmp_path: Path) -> None:
    root = small_corpora.meld(tmp_path / "m")
    (root / "train" / "train_splits" / "dia0_utt1.mp4").write_text(STUB)
    (root / "dev_sent_emo.csv").unlink()
    lines = (root / "test_sent_emo.csv").read_text().replace("anger", "rage").splitlines()
    lines = [lines[0] + ",Zodiac", lines[1] + ",leo", lines[1] + ",leo"]
    (root / "test_sent_emo.csv").write_text("\n".join(lines))
    corpus = corpora.load("meld", root)
    assert table(corpus, "modalities", "label")[1:] == [
        ["train/dia0_utt1", "text", "happy"],
        ["test/dia0_utt0", "text", pytest.approx(np.nan, nan_ok=True)],
    ]
    text = findings_of(corpus)
    for expected in (
        "error train/train_splits/dia0_utt1.mp4: a git-LFS pointer",
        "error dev_sent_emo.csv: missing",
        "warning test_sent_emo.csv: unknown columns left out: Zodiac",
        "unknown emotion 'rage'",
        "error test/dia0_utt0: occurs 2 times; the first is kept",
        "'rage' has no class here: 1 clips have no label",
    ):
        assert expected in text
    (root / "train_sent_emo.csv").write_text("Utterance,Speaker\nHi,Ross\n")
    with pytest.raises(CorpusError, match=r"the table of train lacks column Sr No\., Emotion"):
        corpora.load("meld", root)


def test_iemocap_takes_the_speaker_from_the_final_letter(tmp_path: Path) -> None:
    root = small_corpora.iemocap(tmp_path / "i")
    corpus = corpora.load("iemocap", root)
    assert table(corpus, "person", "sex", "original", "split", "start", "valence", "modalities") == [
        ["Ses01F_impro01_F000", "Ses01F", "female", "neu", "Session1", 6.2901, 2.5, "audio+text"],
        ["Ses01F_impro01_M000", "Ses01M", "male", "fru", "Session1", 10.01, 2.5, "audio"],
        ["Ses01F_impro01_F001", "Ses01F", "female", "exc", "Session1", 12.0, 4.5, "audio"],
    ]
    assert corpus.clips["label"].fillna("").tolist() == ["neutral", "", "happy"]
    text = findings_of(corpus)
    assert "'fru' has no class here: 1 clips have no label" in text
    assert "error Session2/dialog/EmoEvaluation: no evaluation of this session is here" in text
    sheet = root / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    sheet.write_text(sheet.read_text() + "[1.0 - 2.0]\ttorn li")
    (root / "Session1" / "sentences" / "wav" / "Ses01F_impro01" / "Ses01F_impro01_M000.wav").write_bytes(b"")
    corpus = corpora.load("iemocap", root)
    assert len(corpus.clips) == 2
    assert "line 7 is no turn; skipped" in findings_of(corpus)
    assert "Ses01F_impro01_M000.wav: empty (0 bytes)" in findings_of(corpus)


def test_first_impressions_reads_traits_people_and_words(tmp_path: Path) -> None:
    corpus = corpora.load("first-impressions-v2", small_corpora.first_impressions(tmp_path / "f"))
    assert table(corpus, "person", "split", "sex", "race", "age_band", "interview", "modalities") == [
        ["aBc-d.000", "aBc-d", "train", "male", "Caucasian", "25-32", 0.25, "video+text"],
        ["aBc-d.001", "aBc-d", "train", "female", "African-American", "33-45", 0.75, "video"],
    ]
    assert corpus.clips["label"].isna().all()
    assert "1-MAE of a constant, the mean of these clips: extraversion 0.750" in findings_of(corpus)
    assert "error annotation_test.pkl: missing" in findings_of(corpus)


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (eval, ("1/0",))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (pickle.dumps(Harmful()), r"not a pickle of plain values \(it names (__builtin__|builtins)\.eval\)"),
        (pickle.dumps({"a": 1})[:-3], "not a pickle of plain values"),
        (pickle.dumps([1]), "holds a list, not a dictionary"),
        (STUB.encode(), "a git-LFS pointer"),
        (b"", "empty"),
    ],
)
def test_a_pickle_that_could_run_code_or_is_cut_short_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "annotation_training.pkl").write_bytes(content)
    with pytest.raises(CorpusError, match=expected):
        first_impressions.read_pickle(tmp_path / "annotation_training.pkl", "the annotation")


def test_first_impressions_without_a_trait_is_one_error_and_nothing_usable(tmp_path: Path) -> None:
    root = small_corpora.first_impressions(tmp_path / "f", traits=["interview"])
    with pytest.raises(CorpusError, match="nothing usable") as error:
        corpora.load("first-impressions-v2", root)
    assert any("the annotation lacks extraversion" in f.message for f in error.value.findings)


def test_raf_db_reads_labels_and_attributes(tmp_path: Path) -> None:
    root = small_corpora.raf_db(tmp_path / "r")
    corpus = corpora.load("raf-db", root)
    assert corpus.clips[["clip", "split", "label", "sex", "race", "age_band", "compound"]].fillna("").to_numpy().tolist() == [
        ["train_00001", "train", "sad", "female", "Caucasian", "20-39", ""],
        ["test_0001", "test", "happy", "", "Asian", "70+", ""],
        ["compound/train_0001", "train", "", "male", "African-American", "4-19", "sadly_fearful"],
    ]
    assert "RAF-DB names no persons" in findings_of(corpus)
    labels = root / "basic" / "EmoLabel" / "list_patition_label.txt"
    labels.write_text(labels.read_text() + "train_00002.jpg 8\ntrain_00003.jpg 3\n")
    (root / "basic" / "Annotation" / "manual" / "test_0001_manu_attri.txt").write_text("1 2\n")
    corpus = corpora.load("raf-db", root)
    assert len(corpus.clips) == 3
    for expected in (
        "line 3 is no picture with a label from 1 to 7; skipped",
        "basic/Image/aligned/train_00003_aligned.jpg: missing",
        "test_0001_manu_attri.txt: not five landmarks",
    ):
        assert expected in findings_of(corpus)


def test_the_accent_archive_leaves_out_speakers_without_a_recording(tmp_path: Path) -> None:
    root = small_corpora.accent_archive(tmp_path / "s")
    corpus = corpora.load("speech-accent-archive", root)
    assert table(corpus, "person", "accent", "sex", "age", "modalities") == [
        ["balanta1", "788", "balanta", "male", 24.0, "audio+text"],
        ["french1", "12", "french", "female", 18.0, "audio+text"],
    ]
    assert corpus.clips["text"].str.startswith("Please call Stella.").all()
    assert "1 speakers have no recording by the table itself" in findings_of(corpus)
    assert "accent: 2 groups have one person only (balanta, french)" in findings_of(corpus)
    (root / "recordings" / "recordings" / "french1.mp3").unlink()
    sheet = (root / "speakers_all.csv").read_text().replace("24,12", "240,12").replace(",male,788", ",m,788")
    (root / "speakers_all.csv").write_text(sheet)
    corpus = corpora.load("speech-accent-archive", root)
    assert table(corpus, "modalities") == [["balanta1", "audio+text"]]  # the text alone is no clip
    for expected in ("french1.mp3: missing", "person 788: age 240 is impossible", "balanta1: unknown sex 'm'"):
        assert expected in findings_of(corpus)


def test_common_voice_of_several_releases(tmp_path: Path) -> None:
    root = small_corpora.common_voice(tmp_path / "c")
    corpus = corpora.load("common-voice", root)
    assert corpus.clips[["clip", "person", "split", "sex", "age_band", "accent"]].fillna("").to_numpy().tolist() == [
        ["common_voice_en_1", "aa", "train", "female", "20-29", "Scottish English"],
        ["common_voice_en_2", "aa", "", "female", "20-29", "Scottish English"],
        ["common_voice_en_3", "bb", "", "", "", ""],
    ]
    assert corpus.clips["text"][0] == 'He said "no.'
    old = tmp_path / "old"
    head = "client_id\tpath\tsentence\tup_votes\tdown_votes\tage\tgender\taccent\n"
    small_corpora.text(old / "validated.tsv", head + "aa\tx1\tHello.\t2\t0\tancient\tmale\tus\n")
    sound(old / "clips" / "x1.mp3")
    corpus = corpora.load("common-voice", old)
    assert table(corpus, "sex", "accent") == [["x1", "male", "us"]]
    assert "unknown age 'ancient'; left empty" in findings_of(corpus)
    shutil.rmtree(old / "clips")
    with pytest.raises(CorpusError, match="first problem: clips: the folder is missing"):
        corpora.load("common-voice", old)


def test_a_clip_without_a_person_is_left_out(tmp_path: Path) -> None:
    root = small_corpora.common_voice(tmp_path / "c")
    (root / "validated.tsv").write_text((root / "validated.tsv").read_text().replace("bb\t", "\t"))
    corpus = corpora.load("common-voice", root)
    assert len(corpus.clips) == 2
    assert "error common_voice_en_3: it names no person; the clip is left out" in findings_of(corpus)


def test_a_table_with_wrong_columns_is_named(tmp_path: Path) -> None:
    corpus = corpora.load("common-voice", small_corpora.common_voice(tmp_path / "c"))
    for column, value in (("label", "bored"), ("age", 300.0), ("person", None), ("modalities", "smell")):
        clips = corpus.clips.copy()
        clips.loc[1, column] = value
        with pytest.raises(CorpusError, match=f"clip 'common_voice_en_2': impossible {column}"):
            base.validate(Corpus("x", tmp_path, clips))
    with pytest.raises(CorpusError, match="column 'age' is not of type float64"):
        base.validate(Corpus("x", tmp_path, corpus.clips.assign(age="old")))
    assert isinstance(corpus.problems, pd.DataFrame)
