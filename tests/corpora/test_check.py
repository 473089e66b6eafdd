"""``workbench corpora check`` and ``list``: findings for each file, and the exit code."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import media, small_corpora
from tests.support.small_corpora import BUILD, STUB, film, sound
from workbench.corpora import CORPORA
from workbench.corpora.check import check, media_fault

Command = Callable[..., object]


def test_real_votes_without_media_are_complete_and_a_note_says_so(command: Command, crema_d_root: Path) -> None:
    done = command("corpora", "check", "crema-d", crema_d_root, "--json")
    report = done.json
    assert done.code == 0
    assert (report["ok"], report["clips"], report["persons"], report["has"]) == (True, 7442, 91, {"votes": 7442})
    assert {"level": "note", "where": "AudioWAV, VideoFlash", "message": "no media here: votes only"} in report["findings"]
    assert report["counts"]["error"] == 0
    needed = command("corpora", "check", "crema-d", crema_d_root, "--need", "audio", "--json")
    assert needed.code == 2
    assert "0 of 7442 clips have audio; all were asked for" in needed.out


def test_the_bad_files_of_an_incomplete_corpus_are_named(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = small_corpora.common_voice(tmp_path / "common-voice")
    (root / "clips" / "common_voice_en_1.mp3").write_text(STUB)
    (root / "clips" / "common_voice_en_2.mp3").write_bytes(b"this is no sound at all")
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    done = command("corpora", "check", "common-voice")
    assert done.code == 2
    assert "error clips/common_voice_en_1.mp3: a git-LFS pointer, not the file; run `git lfs pull`" in done.out
    assert "error clips/common_voice_en_2.mp3: is no media file that FFmpeg can read" in done.out
    assert "2 errors" in done.out
    assert "audio 1, text 2" in done.out
    sound(root / "clips" / "common_voice_en_1.mp3")
    sound(root / "clips" / "common_voice_en_2.mp3")
    done = command("corpora", "check", "common-voice")
    assert done.code == 0
    assert "nothing is wrong" in done.out


def test_a_folder_that_cannot_be_loaded_is_a_finding(command: Command, tmp_path: Path) -> None:
    done = command("corpora", "check", "raf-db", tmp_path, "--json")
    assert done.code == 2
    assert done.json["clips"] == 0
    assert "the folder is empty" in done.json["findings"][0]["message"]
    for arguments, expected in (
        (("check", "films", tmp_path), "corpus 'films' is not known"),
        (("check", "meld", tmp_path, "--need", "smell"), "no modality 'smell'"),
    ):
        done = command("corpora", *arguments)
        assert done.code == 2
        assert expected in done.err
        assert done.err.count("\n") == 1


def test_files_that_are_cut_short_are_found(tmp_path: Path) -> None:
    whole = sound(tmp_path / "a.wav", 4.0)
    assert media_fault(whole) is None
    assert "bytes are missing at its end: cut short" in str(media_fault(media.truncate(whole, tmp_path / "b.wav", 0.26)))
    flash = media.write(tmp_path / "a.flv", media.plain(4, 10, 64, 48), codec="flv1")
    assert media_fault(flash) is None
    assert "its header says 3.9 s: cut short" in str(media_fault(media.truncate(flash, tmp_path / "b.flv", 0.4)))
    movie = film(tmp_path / "a.mp4", 4.0)
    assert media_fault(movie) is None
    assert "its index (moov) is missing" in str(media_fault(media.truncate(movie, tmp_path / "b.mp4", 0.5)))
    picture = small_corpora.picture(tmp_path / "a.jpg")
    assert media_fault(picture) is None
    assert "is no whole picture" in str(media_fault(media.truncate(picture, tmp_path / "b.jpg", 0.6)))
    voice = media.write(tmp_path / "voice.mp4", audio=media.tone(0.5), audio_codec="aac")
    assert media_fault(voice) == "holds no picture; download it again"


def test_every_file_is_opened_once(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    checked = check("iemocap", small_corpora.iemocap(tmp_path / "i"), progress=lambda label, done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert checked.has == {"audio": 3, "text": 1}


def test_list_names_every_corpus_its_card_and_whether_it_is_here(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    BUILD["meld"](tmp_path / "meld")
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    rows = {r["name"]: r for r in command("corpora", "list", "--json").json}
    assert set(rows) == set(CORPORA.names())
    assert rows["meld"]["here"] == str(tmp_path / "meld")
    assert rows["iemocap"]["here"] is None
    for row in rows.values():
        card = Path(__file__).parents[2] / row["card"]
        assert card.read_text(encoding="utf-8").startswith(f"# {row['title']}")
    assert "speech-accent-archive" in command("corpora", "list").out
