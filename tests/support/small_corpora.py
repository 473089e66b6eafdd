"""Tiny corpora in the layout of the real ones, with generated media: tones, grey pictures, and clips of the sample interview."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.support import media
from workbench.extraction.clip import Clip, Outcome

STUB = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"


def sound(path: Path, seconds: float = 0.5) -> Path:
    """A tone; MP3 and WAV by the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return media.write(path, audio=media.tone(seconds), audio_codec="mp3" if path.suffix == ".mp3" else "pcm_s16le")


def film(path: Path, seconds: float = 0.5) -> Path:
    """Grey pictures and a tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return media.write(path, media.plain(seconds, 10, 64, 48), media.tone(seconds), audio_codec="aac")


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((100, 100, 3), 128, np.uint8)).save(path)
    return path


def text(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def ravdess(root: Path) -> Path:
    """Actor 1: two takes, one with a file of sound alone; actor 2: a song and a calm take."""
    folder = root / "Video_Speech_Actor_01" / "Actor_01"
    film(folder / "01-01-03-01-02-02-01.mp4")
    film(folder / "01-01-05-02-01-01-01.mp4")
    film(folder / "02-01-05-02-01-01-01.mp4")
    sound(root / "Audio_Speech_Actors_01-24" / "Actor_01" / "03-01-05-02-01-01-01.wav")
    film(root / "Video_Speech_Actor_02" / "Actor_02" / "01-01-02-01-01-01-02.mp4")
    film(root / "Video_Song_Actor_02" / "Actor_02" / "01-02-04-01-01-01-02.mp4")
    return root


MELD_HEAD = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"


def meld(root: Path) -> Path:
    """Three tables; Ross is in two of them; clips of train alone."""
    rows = '1,"Oh, no!",Ross,surprise,negative,0,0,1,2,"00:20:57,256","00:20:58,500"\n'
    rows += '2,Fine.,Rachel,joy,positive,0,1,1,2,"00:21:00,000","00:21:01,5"\n'
    text(root / "train_sent_emo.csv", MELD_HEAD + rows)
    text(root / "dev_sent_emo.csv", MELD_HEAD + '1,Hi,Ross,neutral,neutral,0,0,2,1,"00:00:01,000","00:00:02,000"\n')
    text(root / "test_sent_emo.csv", MELD_HEAD + '1,Go!,Monica,anger,negative,0,0,2,1,"00:00:05,000","00:00:02,000"\n')
    for i in range(2):
        film(root / "train" / "train_splits" / f"dia0_utt{i}.mp4")
    return root


def iemocap(root: Path) -> Path:
    """One dialog of session 1, two turns by different actors; the other four sessions are absent."""
    lines = [
        "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]",
        "",
        "[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]",
        "C-E2:\tNeutral;\t()",
        "[10.0100 - 11.3925]\tSes01F_impro01_M000\tfru\t[2.5000, 2.5000, 2.5000]",
        "[12.0 - 13.5]\tSes01F_impro01_F001\texc\t[4.5, 3.5, 3.0]",
    ]
    dialog = root / "Session1" / "dialog"
    text(dialog / "EmoEvaluation" / "Ses01F_impro01.txt", "\n".join(lines) + "\n")
    text(dialog / "transcriptions" / "Ses01F_impro01.txt", "Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.\n")
    for turn in ("F000", "M000", "F001"):
        sound(root / "Session1" / "sentences" / "wav" / "Ses01F_impro01" / f"Ses01F_impro01_{turn}.wav")
    return root


def first_impressions(root: Path, traits: Iterable[str] = ()) -> Path:
    """Two clips of one source video in training."""
    from workbench.corpora.first_impressions import TRAITS

    names = ["aBc-d.000.mp4", "aBc-d.001.mp4"]
    root.mkdir(parents=True, exist_ok=True)
    values = {t: {names[0]: 0.25, names[1]: 0.75} for t in traits or TRAITS}
    (root / "annotation_training.pkl").write_bytes(pickle.dumps(values, protocol=2))
    (root / "transcription_training.pkl").write_bytes(pickle.dumps({names[0]: "Hello there."}, protocol=2))
    text(root / "eth_gender_annotations_dev.csv", f"VideoName;Ethnicity;Gender\n{names[0]};2;1\n{names[1]};3;2\n")
    text(root / "annotation" / "age_anno_dev.csv", f"VideoName;AgeGroup\n{names[0]};5\n{names[1]};6\n")
    for name in names:
        film(root / "train" / "part_01" / name)
    return root


def raf_db(root: Path) -> Path:
    """Two basic pictures and a compound one."""
    text(root / "basic" / "EmoLabel" / "list_patition_label.txt", "train_00001.jpg 5\ntest_0001.jpg 4\n")
    text(root / "compound" / "EmoLabel" / "list_patition_label.txt", "train_0001.jpg 3\n")
    landmarks = "10.5\t20.5\n" * 5
    for folder, stem, attributes in (
        ("basic", "train_00001", "1\n0\n2"),
        ("basic", "test_0001", "2\n2\n4"),
        ("compound", "train_0001", "0\n1\n1"),
    ):
        picture(root / folder / "Image" / "aligned" / f"{stem}_aligned.jpg")
        text(root / folder / "Annotation" / "manual" / f"{stem}_manu_attri.txt", landmarks + attributes + "\n")
    return root


def accent_archive(root: Path) -> Path:
    """Two speakers with a recording, one without by the table itself."""
    head = "age,age_onset,birthplace,filename,native_language,sex,speakerid,country,file_missing?\n"
    rows = "24,12,koussi,balanta1,balanta,male,788,guinea,FALSE\n18,0,lyon,french1,french,famale,12,france,FALSE\n"
    rows += "30,1,x,ghost1,ghost,male,9,y,TRUE\n"
    text(root / "speakers_all.csv", head + rows)
    for name in ("balanta1", "french1"):
        sound(root / "recordings" / "recordings" / f"{name}.mp3")
    return root


def common_voice(root: Path) -> Path:
    """Three clips by two people; one is in `train`."""
    head = "client_id\tpath\tsentence_id\tsentence\tsentence_domain\tup_votes\tdown_votes\tage\tgender\taccents\tvariant\tlocale\tsegment\n"
    row = 'aa\tcommon_voice_en_1.mp3\ts1\tHe said "no.\t\t2\t0\ttwenties\tfemale_feminine\tScottish English\t\ten\t\n'
    more = "aa\tcommon_voice_en_2.mp3\ts2\tYes.\t\t2\t1\ttwenties\tfemale_feminine\tScottish English\t\ten\t\n"
    last = "bb\tcommon_voice_en_3.mp3\ts3\tWell.\t\t2\t0\t\t\t\t\ten\t\n"
    text(root / "validated.tsv", head + row + more + last)
    text(root / "train.tsv", head + row)
    for i in (1, 2, 3):
        sound(root / "clips" / f"common_voice_en_{i}.mp3")
    return root


BUILD = {
    "ravdess": ravdess,
    "meld": meld,
    "iemocap": iemocap,
    "first-impressions-v2": first_impressions,
    "raf-db": raf_db,
    "speech-accent-archive": accent_archive,
    "common-voice": common_voice,
}


def cut(source: Path, target: Path, start: float, seconds: float) -> Path:
    """Some seconds of a film, encoded anew."""
    target.parent.mkdir(parents=True, exist_ok=True)
    frames, samples = [], []
    with av.open(str(source)) as file:
        resampler = av.AudioResampler("fltp", "mono", 16000)
        for packet in file.demux(video=0, audio=0):
            for frame in packet.decode():
                if not start <= frame.time < start + seconds:
                    continue
                if isinstance(frame, av.VideoFrame):
                    frames.append((frame.time - start, frame.to_ndarray(format="rgb24")))
                else:
                    samples += [f.to_ndarray()[0] for f in resampler.resample(frame)]
    return media.write(target, frames, np.concatenate(samples), audio_codec="aac")


def sample_clips(source: Path, root: Path, seconds: float = 3.0) -> Path:
    """Three clips of the sample interview (stock footage, synthetic voice) under RAVDESS names, and half of a file.

    What the names say has nothing to do with what the clips show.
    """
    for emotion, actor, start in (("03", "01", 2.0), ("04", "01", 22.0), ("05", "02", 42.0)):
        cut(source, root / f"Actor_{actor}" / f"01-01-{emotion}-01-01-01-{actor}.mp4", start, seconds)
    whole = root / "Actor_02" / "01-01-05-01-01-01-02.mp4"
    media.truncate(whole, root / "Actor_02" / "01-01-06-01-01-01-02.mp4", 0.5)
    return root


def die_on_clip_3(clip: Clip) -> Outcome:
    """In place of the extraction's own worker: a decoder that takes the process down."""
    if clip.name == "3":
        os._exit(9)
    return Outcome(clip.name, ["vad"])
