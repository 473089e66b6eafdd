"""Word times compared with times set by hand, and texts that cannot be aligned."""

from __future__ import annotations

import json
from collections.abc import Callable
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.speech import RATE, Spans, hand_timed, recording, through
from workbench import contracts
from workbench.errors import WeightsError
from workbench.settings import Speech
from workbench.speech.word_alignment import WordAligner, merged
from workbench.speech.words import tokens
from workbench.streams import AlignedClip, SpeechClip, TranscribedClip

pytestmark = pytest.mark.media
Transcribe = Callable[[str], list[TranscribedClip]]
Aligneds = Callable[[str], list[AlignedClip]]


def start_errors(clips: list[TranscribedClip] | list[AlignedClip], truth: Spans) -> list[float]:
    """Absolute start errors (s) of the words that were recognised as spoken."""
    words = [(t, w.start) for c in clips for w in c.transcript.words for t in tokens(w.word)]
    matcher = SequenceMatcher(a=[t for t, _, _ in truth], b=[t for t, _ in words], autojunk=False)
    return [abs(words[b.b + k][1] - truth[b.a + k][1]) for b in matcher.get_matching_blocks() for k in range(b.size)]


def with_text(file: str, text: str) -> TranscribedClip:
    """A recording with a text of our own, its words spread evenly as poor first times."""
    samples = recording(file)
    seconds = len(samples) / RATE
    words = text.split()
    step = seconds / len(words)
    times = [contracts.Word(word=w, start=i * step, end=(i + 1) * step, conf=0.9) for i, w in enumerate(words)]
    transcript = contracts.Transcript(segment_id="seg-1", start=0.0, end=seconds, transcript=text, words=times)
    return TranscribedClip(transcript, SpeechClip(contracts.SpeechSegment(segment_id="seg-1", start=0.0, end=seconds), samples))


def test_starts_compared_with_times_set_by_hand(transcribed: Transcribe, aligned: Aligneds) -> None:
    """17 words of three voices, from recording to aligned words."""
    files = ("mary.wav", "bobby.wav", "arctic_a0009.wav")
    ours = [e for f in files for e in start_errors(aligned(f), hand_timed(f))]
    whispers = [e for f in files for e in start_errors(transcribed(f), hand_timed(f))]
    assert len(ours) >= 15
    assert np.median(ours) <= 0.025
    assert np.percentile(ours, 90) <= 0.07
    assert np.median(whispers) >= 2 * np.median(ours)


@pytest.mark.parametrize("file", ["acoustic_corpus.wav", "cold_corpus.wav", "cold_corpus3.wav"])
def test_spontaneous_speech_against_another_aligner(transcribed: Transcribe, aligned: Aligneds, file: str) -> None:
    """The reference times are those of the Montreal Forced Aligner's own test data, not hand-made."""
    ours, whispers = start_errors(aligned(file), hand_timed(file)), start_errors(transcribed(file), hand_timed(file))
    assert len(ours) >= 50
    assert np.median(ours) <= 0.03
    assert np.median(ours) < 0.6 * np.median(whispers)


def test_aligned_words_are_marked_and_keep_their_order(aligned: Aligneds) -> None:
    for clip in (c for f in ("acoustic_corpus.wav", "cold_corpus.wav") for c in aligned(f)):
        words = clip.transcript.words
        assert {w.aligner for w in words} == {"pocketsphinx"}
        assert all(w.alignment_conf is not None for w in words)
        assert all(a.end <= b.start + 1e-9 for a, b in pairwise(words))
        assert any(w.filler for w in words)


def test_confidence_is_lower_for_words_that_were_not_spoken(aligner: WordAligner) -> None:
    right = "he turned sharply and faced Gregson across the table"
    wrong = "he turned sharply and bought bananas across the table"
    [a], [b] = (through(aligner, [with_text("arctic_a0009.wav", text)]) for text in (right, wrong))
    good = {w.word: w.alignment_conf or 0.0 for w in a.transcript.words}
    bad = {w.word: w.alignment_conf or 0.0 for w in b.transcript.words}
    assert min(good.values()) > 0.6
    assert bad["bananas"] < 0.4


def test_a_word_outside_the_dictionary_is_aligned_by_its_pronunciation(aligner: WordAligner) -> None:
    text = "he turned sharply and faced Greggsun across the table"
    [clip] = through(aligner, [with_text("arctic_a0009.wav", text)])
    truth = hand_timed("arctic_a0009.wav")
    word = clip.transcript.words[5]
    assert word.word == "Greggsun"
    assert word.aligner == "pocketsphinx"
    assert word.start == pytest.approx(truth[5][1], abs=0.06)
    assert word.end == pytest.approx(truth[5][2], abs=0.06)


def test_a_hyphenated_word_spans_its_parts(aligner: WordAligner) -> None:
    text = "he turned sharply and faced Gregson across-the table"
    [clip] = through(aligner, [with_text("arctic_a0009.wav", text)])
    truth = hand_timed("arctic_a0009.wav")
    assert clip.transcript.words[6].start == pytest.approx(truth[6][1], abs=0.06)
    assert clip.transcript.words[6].end == pytest.approx(truth[7][2], abs=0.06)


def test_what_cannot_be_pronounced_keeps_its_time_between_its_neighbours(aligner: WordAligner) -> None:
    text = "he turned sharply and 東京 faced Gregson across the table"
    [clip] = through(aligner, [with_text("arctic_a0009.wav", text)])
    before, odd, after = clip.transcript.words[3:6]
    assert (before.aligner, odd.aligner, after.aligner) == ("pocketsphinx", "whisper", "pocketsphinx")
    assert odd.alignment_conf is None
    assert before.end <= odd.start <= odd.end <= after.start


def test_a_text_that_does_not_fit_keeps_whispers_times(aligner: WordAligner) -> None:
    item = with_text("arctic_a0009.wav", "banana umbrella forty zebras gently whispered thunderous poems about mahogany")
    [clip] = through(aligner, [item])
    assert clip.transcript.words == item.transcript.words


@pytest.mark.parametrize("changed", [{"aligner": "whisper"}, {"language": "es"}])
def test_other_aligners_and_languages_keep_whispers_times(changed: dict[str, str]) -> None:
    item = with_text("mary.wav", "Mary rolled the barrel.")
    stage = WordAligner(Speech.model_validate(changed))
    [clip] = through(stage, [item])
    assert clip.transcript.words == item.transcript.words
    assert stage.spec.models == ()


@given(
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 3)), min_size=1, max_size=8),
    st.lists(st.booleans(), min_size=8, max_size=8),
    st.lists(st.floats(0, 10), min_size=16, max_size=16),
)
def test_merged_words_stay_in_order_and_inside(whisper: list[tuple[float, float]], has: list[bool], edges: list[float]) -> None:
    words = [contracts.Word(word="w", start=5 + min(a, 10), end=5 + min(a + d, 10)) for a, d in whisper]
    transcript = contracts.Transcript(segment_id="s", start=5.0, end=15.0, transcript="", words=words)
    edges = sorted(edges)
    times = [(edges[2 * i], edges[2 * i + 1], 0.5) if has[i] else None for i in range(len(words))]
    out = merged(transcript, times, "pocketsphinx")
    assert [w.aligner for w in out] == ["pocketsphinx" if t else "whisper" for t in times]
    flat = [t for w in out for t in (w.start, w.end)]
    assert flat == sorted(flat)
    assert flat[0] >= 5.0
    assert flat[-1] <= 15.0


@pytest.mark.parametrize("given_path", [None, Path("nowhere")])
def test_wav2vec2_without_weights_is_one_clear_line(given_path: Path | None) -> None:
    stage = WordAligner(Speech(aligner="wav2vec2", aligner_path=given_path))
    with pytest.raises(WeightsError, match=r"speech\.aligner is 'wav2vec2' but speech\.aligner_path") as caught:
        stage.warm_up()
    assert "\n" not in str(caught.value)


def test_wav2vec2_runs_on_local_weights(tmp_path: Path) -> None:
    """A network of random weights in the real format: this shows that WhisperX's aligner runs offline, not that it is right."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC, Wav2Vec2Processor

    symbols = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ'"]
    (tmp_path / "vocab.json").write_text(json.dumps({s: i for i, s in enumerate(symbols)}))
    tokenizer = Wav2Vec2CTCTokenizer(str(tmp_path / "vocab.json"), word_delimiter_token="|")
    Wav2Vec2Processor(feature_extractor=Wav2Vec2FeatureExtractor(), tokenizer=tokenizer).save_pretrained(tmp_path)
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        vocab_size=len(symbols), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, conv_dim=(8,) * 7,
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, pad_token_id=0,
    )  # fmt: skip
    Wav2Vec2ForCTC(config).save_pretrained(tmp_path)

    item = with_text("mary.wav", "Mary rolled 2 barrels.")
    [clip] = through(WordAligner(Speech(aligner="wav2vec2", aligner_path=tmp_path)), [item])
    words = clip.transcript.words
    assert [w.word for w in words] == ["Mary", "rolled", "2", "barrels."]
    assert {w.aligner for w in words} == {"wav2vec2"}
    assert [w.start for w in words] == sorted(w.start for w in words)
    assert all(0.0 <= w.start <= w.end <= item.transcript.end for w in words)


def test_a_folder_that_is_no_wav2vec2_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(WeightsError, match="holds no wav2vec2 weights"):
        WordAligner(Speech(aligner="wav2vec2", aligner_path=tmp_path)).warm_up()
