from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import resample_poly

from ambivox.audio import (
    MIN_DURATION_S,
    NOISE_FLOOR_RMS,
    SAMPLE_RATE_HZ,
    audio_digest,
    load_audio,
    noise_like,
    silence_like,
)
from ambivox.audio.mp3 import _parse as parse_frame
from ambivox.audio.mp3 import _parts as parts_of_mp3
from ambivox.errors import AudioError
from tests.audio.sounds import cut, loudest_hz, rms, sine, write

RATES_HZ = (8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000)
# (ending, subtype, largest error of a sample after the round trip)
LOSSLESS = (
    ("wav", "PCM_U8", 2**-7),
    ("wav", "PCM_16", 2**-15),
    ("wav", "PCM_24", 2**-22),
    ("wav", "PCM_32", 2**-22),
    ("wav", "FLOAT", 1e-7),
    ("wav", "DOUBLE", 1e-7),
    ("wav", "ULAW", 0.03),
    ("flac", "PCM_S8", 2**-7),
    ("flac", "PCM_16", 2**-15),
    ("flac", "PCM_24", 2**-22),
    ("aiff", "PCM_16", 2**-15),
)
LOSSY = (("ogg", "VORBIS"), ("ogg", "OPUS"), ("mp3", "MPEG_LAYER_III"))


# What is read


@pytest.mark.parametrize(("ending", "subtype", "error"), LOSSLESS)
def test_lossless_formats_give_back_their_samples(
    tmp_path: Path, ending: str, subtype: str, error: float
) -> None:
    written = sine(SAMPLE_RATE_HZ)
    read = load_audio(write(tmp_path / f"a.{ending}", written, subtype=subtype))
    assert read.dtype == np.float32
    assert read.shape == written.shape
    assert np.abs(read - written).max() <= error


@pytest.mark.parametrize(("ending", "subtype"), LOSSY)
@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_lossy_formats_keep_length_pitch_and_level(
    tmp_path: Path, ending: str, subtype: str, rate_hz: int
) -> None:
    read = load_audio(write(tmp_path / f"a.{ending}", sine(rate_hz), rate_hz, subtype))
    assert read.shape == (SAMPLE_RATE_HZ,)
    assert loudest_hz(read) == pytest.approx(440, abs=1)
    assert rms(read) == pytest.approx(0.5 / np.sqrt(2), rel=0.03)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_any_rate_is_resampled_as_a_polyphase_reference_does(tmp_path: Path, rate_hz: int) -> None:
    written = sine(rate_hz)
    read = load_audio(write(tmp_path / "a.wav", written, rate_hz, "FLOAT"))
    divisor = np.gcd(SAMPLE_RATE_HZ, rate_hz)
    reference = resample_poly(written.astype(np.float64), SAMPLE_RATE_HZ // divisor, rate_hz // divisor)
    assert read.shape == reference.shape == (SAMPLE_RATE_HZ,)
    middle = slice(800, -800)  # the filters differ in how they meet the ends
    assert np.abs(read[middle] - reference[middle]).max() < 5e-3
    assert np.abs(read[middle] - sine(SAMPLE_RATE_HZ)[middle]).max() < 1e-4


def test_a_tone_above_half_the_rate_does_not_fold_back(tmp_path: Path) -> None:
    read = load_audio(write(tmp_path / "a.wav", sine(48_000, tone_hz=9_000), 48_000, "FLOAT"))
    assert rms(read[800:-800]) < 1e-4


@pytest.mark.parametrize("n_channels", [1, 2, 6])
def test_channels_are_averaged(tmp_path: Path, n_channels: int) -> None:
    channels = np.stack([sine(16_000, level=0.1 * (n + 1)) for n in range(n_channels)], axis=1)
    read = load_audio(write(tmp_path / "a.wav", channels, subtype="FLOAT"))
    assert np.allclose(read, channels.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize(("ending", "subtype"), [("wav", "PCM_16"), ("flac", "PCM_16"), *LOSSY])
def test_a_segment_is_that_part_of_the_whole(tmp_path: Path, ending: str, subtype: str) -> None:
    rng = np.random.default_rng(3)
    path = write(tmp_path / f"a.{ending}", 0.1 * rng.standard_normal(80_000), 16_000, subtype)
    whole = load_audio(path)
    segment = load_audio(path, 1.25, 3.5)
    assert segment.shape == (36_000,)
    assert np.abs(segment - whole[20_000:56_000]).max() < 1e-6
    assert np.array_equal(load_audio(path, None, 1.25), whole[:20_000])
    assert len(load_audio(path, 4.0)) == 16_000


def test_only_the_segment_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.flac", sine(16_000, 60))
    decoded = 0
    read = sf.SoundFile.read

    def counted(self: sf.SoundFile, frames: int = -1, **options: object) -> np.ndarray:
        nonlocal decoded
        block = read(self, frames, **options)
        decoded += len(block)
        return block

    monkeypatch.setattr(sf.SoundFile, "read", counted)
    load_audio(path, 30, 31)
    assert decoded == 16_000


def test_segments_are_cut_at_the_rate_of_the_file(tmp_path: Path) -> None:
    silence_then_tone = np.concatenate([np.zeros(44_100, dtype="f4"), sine(44_100)])
    path = write(tmp_path / "a.wav", silence_then_tone, 44_100)
    assert np.abs(load_audio(path, 0, 0.9)).max() == 0
    assert rms(load_audio(path, 1.0, 2.0)) == pytest.approx(0.5 / np.sqrt(2), rel=1e-3)


def test_an_end_rounded_past_the_file_means_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", sine(16_000, 1.5075))
    assert len(load_audio(path, 0, 1.51)) == round(1.5075 * 16_000)


def test_ten_minutes_load(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", np.zeros((600 * 8_000, 2), dtype="i2"), 8_000)
    assert load_audio(path).shape == (600 * SAMPLE_RATE_HZ,)


def test_digital_silence_loads(tmp_path: Path) -> None:
    assert not load_audio(write(tmp_path / "a.wav", np.zeros(16_000))).any()


def test_the_shortest_clip_loads(tmp_path: Path) -> None:
    for rate_hz in RATES_HZ:
        path = write(tmp_path / f"{rate_hz}.wav", sine(rate_hz, MIN_DURATION_S), rate_hz)
        assert len(load_audio(path)) == pytest.approx(1_600, abs=2)


def test_a_wav_that_a_program_piped_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", sine(16_000))
    piped = bytearray(path.read_bytes())
    at = piped.index(b"data") + 4
    for size in (0xFFFF_FFFF, 0x7FFF_F000):
        piped[at : at + 4] = struct.pack("<I", size)
        path.write_bytes(piped)
        assert len(load_audio(path)) == 16_000


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("first_half", ["silence", "noise"])
def test_an_mp3_without_xing_header_is_read_to_its_end(
    tmp_path: Path, rate_hz: int, n_channels: int, first_half: str
) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal((10 * rate_hz, n_channels))
    noise[: 5 * rate_hz] *= first_half == "noise"  # a guess from the first bitrate is far too long or short
    path = write(tmp_path / "a.mp3", noise, rate_hz)
    whole = load_audio(path)
    assert path.read_bytes().count(b"Xing") == 1
    # what is in a tag, here a clip of its own, is not heard
    picture = write(tmp_path / "b.mp3", noise[: rate_hz // 2], rate_hz).read_bytes()
    tag = b"ID3\x04\0\0\0" + bytes([0, len(picture) >> 7, len(picture) & 127]) + picture
    assert len(picture) < 2**14
    path.write_bytes(tag + path.read_bytes().replace(b"Xing", bytes(4)) + b"TAG".ljust(128))
    read = load_audio(path)
    assert 0 <= len(read) / SAMPLE_RATE_HZ - 10 < 0.6  # what the header told to cut off is heard now
    if rate_hz == SAMPLE_RATE_HZ:
        delay = 576 + 576  # the frame that held the header, then the delay of the encoder
        assert np.allclose(read[delay : delay + len(whole)], whole, atol=1e-6)


@pytest.mark.parametrize(
    ("header", "n_bytes"),
    [("fffb9000", 417), ("fffb9200", 418), ("fffbe000", 1044), ("fff388c4", 288), ("ffe31800", 72)],
)
def test_mp3_frames_have_the_size_their_header_says(header: str, n_bytes: int) -> None:
    frame = parse_frame(bytes.fromhex(header))
    assert frame is not None
    assert frame.n_bytes == n_bytes


def test_junk_between_mp3_frames_is_passed_over_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp3", sine(16_000, 4))
    content = path.read_bytes()
    frames = [start for start, _, frame in parts_of_mp3(content) if frame]
    assert len(frames) == 1 + 112 + 2  # the header, 4 s in frames of 576 samples, the padding of the encoder
    junk = b"x" + content[:4] + b"\xff\xff junk" * 9
    odd = list(parts_of_mp3(content[: frames[60]] + junk + content[frames[60] :]))
    assert sum(frame is not None for _, _, frame in odd) == len(frames)
    assert sum(end - start for start, end, frame in odd if frame is None) == len(junk)
    assert sum(frame is not None for _, _, frame in parts_of_mp3(content[:-9])) == len(frames) - 1


# What is refused


@pytest.mark.parametrize("share", [0.2, 0.5, 0.98])
@pytest.mark.parametrize(
    ("ending", "subtype"),
    [("wav", "PCM_16"), ("wav", "FLOAT"), ("aiff", "PCM_16"), ("flac", "PCM_16"), *LOSSY],
)
def test_a_truncated_file_says_so(tmp_path: Path, ending: str, subtype: str, share: float) -> None:
    rng = np.random.default_rng(3)
    path = write(tmp_path / f"a.{ending}", 0.1 * rng.standard_normal(80_000), 16_000, subtype)
    with pytest.raises(AudioError, match=r"a\.\w+: truncated, .*: copy or download"):
        load_audio(cut(path, share))


def test_an_ogg_cut_between_two_pages_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ogg", 0.1 * np.random.default_rng(3).standard_normal(160_000))
    pages = path.read_bytes()
    path.write_bytes(pages[: pages.rindex(b"OggS")])
    with pytest.raises(AudioError, match="truncated, its last Ogg page is not marked as the last"):
        load_audio(path)


def test_a_truncated_wav_says_so_behind_other_chunks(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", sine(16_000))
    wav = path.read_bytes()
    at = wav.index(b"data")
    note = b"note" + struct.pack("<I", 3) + b"odd\0"  # a chunk of odd size is padded
    path.write_bytes(wav[:at] + note + wav[at:])
    assert len(load_audio(path)) == 16_000
    path.write_bytes(wav[:at] + note + wav[at:-100])
    with pytest.raises(AudioError, match="truncated, 100 bytes of samples"):
        load_audio(path)


def test_a_truncated_rf64_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    sf.write(path, sine(16_000), 16_000, format="RF64")
    assert len(load_audio(path)) == 16_000
    long = bytearray(path.read_bytes())
    at = long.index(b"data") + 4
    long[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(long)
    assert len(load_audio(path)) == 16_000
    path.write_bytes(long[: at + 4 + 16_000])
    with pytest.raises(AudioError, match="truncated, 16000 bytes of samples"):
        load_audio(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"an empty file: copy or download"),
        (b"hello, I am not audio\n" * 50, r"not sound that can be decoded .*: convert it to WAV or FLAC"),
        (bytes(range(256)) * 20, r"not sound that can be decoded"),
        (b"RIFF", r"not sound that can be decoded"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0f\nsize 72862\n",
            r"a git-lfs pointer, not the audio itself: run 'git lfs pull'",
        ),
    ],
)
def test_what_is_no_sound_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=rf"a\.wav: {message}"):
        load_audio(path)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"b\.wav: no such file"):
        load_audio(tmp_path / "b.wav")
    with pytest.raises(AudioError, match="a folder, not a sound file"):
        load_audio(tmp_path)
    with pytest.raises(AudioError, match="cannot be opened"):
        load_audio(tmp_path / ("n" * 300 + ".wav"))
    with pytest.raises(AudioError, match="cannot be opened"):
        load_audio("a\0.wav")


def test_headerless_and_unchecked_containers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(32_000))
    with pytest.raises(AudioError, match="raw samples do not say their rate"):
        load_audio(tmp_path / "a.raw")
    with pytest.raises(AudioError, match=r"VOC \(PCM_16\) files cannot be checked for missing audio"):
        load_audio(write(tmp_path / "a.voc", sine(16_000)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    samples = sine(16_000)
    samples[8_000] = value
    path = write(tmp_path / "a.wav", samples, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"a sample at 0\.500 s is NaN or infinite"):
        load_audio(path)
    with pytest.raises(AudioError, match=r"a sample at 0\.500 s is NaN or infinite"):
        load_audio(path, 0.25)


def test_short_clips_are_refused(tmp_path: Path) -> None:
    message = r"a\.wav: 0\.02 s of audio, at least 0\.1 s is needed"
    path = write(tmp_path / "a.wav", sine(44_100, 0.02), 44_100)
    with pytest.raises(AudioError, match=message):
        load_audio(path)
    with pytest.raises(AudioError, match=r"0 s of audio"):
        load_audio(write(path, np.empty(0)))
    with pytest.raises(AudioError, match=message):
        load_audio(write(path, sine(16_000)), 0.5, 0.52)


@pytest.mark.parametrize(
    ("start_s", "end_s", "message"),
    [
        (2.0, None, r"start 2\.0 s is outside the file, which lasts 2\.000 s"),
        (0.0, 2.02, r"end 2\.02 s is outside the file"),
        (1.0, 1.0, r"end 1\.0 s is not after start 1\.0 s"),
        (1.5, 0.5, r"end 0\.5 s is not after start 1\.5 s"),
        (None, 0.0, r"end 0\.0 s is not after start 0 s"),
        (-0.5, None, r"start -0\.5 s: give seconds from the beginning"),
        (None, float("nan"), r"end nan s: give seconds"),
        (None, float("inf"), r"end inf s: give seconds"),
    ],
)
def test_impossible_segments_are_refused(
    tmp_path: Path, start_s: float | None, end_s: float | None, message: str
) -> None:
    path = write(tmp_path / "a.wav", sine(16_000, 2))
    with pytest.raises(AudioError, match=message):
        load_audio(path, start_s, end_s)


@given(
    content=st.binary(max_size=200), head=st.sampled_from([b"", b"RIFF", b"OggS", b"fLaC", b"ID3", b"FORM"])
)
def test_no_content_at_all_raises_anything_but_an_audio_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, head: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.wav"
    path.write_bytes(head + content)
    with pytest.raises(AudioError):
        load_audio(path)


# Digest


def test_digest_names_the_sound_and_not_the_file(tmp_path: Path) -> None:
    one = write(tmp_path / "one.wav", sine(16_000))
    same = write(tmp_path / "same.wav", sine(16_000))
    other = write(tmp_path / "other.wav", sine(16_000, tone_hz=441))
    assert audio_digest(one) == audio_digest(same) != audio_digest(other)
    assert len(audio_digest(one)) == 64


def test_digest_differs_by_segment(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", sine(16_000))
    segments = [(None, None), (0.0, None), (None, 0.5), (0.5, None), (0.0, 0.5)]
    assert len({audio_digest(path, *segment) for segment in segments}) == len(segments)
    assert audio_digest(path, 1, 2) == audio_digest(path, 1.0, 2.0)


def test_digest_is_stable_between_releases(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert audio_digest(tmp_path / "a", 0.5, 1).startswith("889b7fae0ff19cc8")


def test_digest_of_a_missing_file_is_an_audio_error(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="no such file"):
        audio_digest(tmp_path / "a.wav")


# Controls


@given(level=st.floats(1e-2, 0.9), seed=st.integers(0, 2**32), n_samples=st.integers(1_600, 20_000))
def test_noise_is_as_long_and_as_loud_as_the_clip(level: float, seed: int, n_samples: int) -> None:
    samples = sine(n_samples, level=level)
    noise = noise_like(samples, seed)
    assert noise.dtype == np.float32
    assert noise.shape == samples.shape
    assert rms(noise) == pytest.approx(rms(samples), rel=1e-4)


def test_noise_is_repeatable_by_its_seed_alone() -> None:
    samples = sine(16_000)
    assert np.array_equal(noise_like(samples, 7), noise_like(samples, 7))
    assert not np.array_equal(noise_like(samples, 7), noise_like(samples, 8))


def test_noise_is_white() -> None:
    noise = noise_like(sine(16_000, 10), 0)
    power = np.abs(np.fft.rfft(noise)) ** 2
    bands = [band.mean() for band in np.array_split(power, 8)]
    assert max(bands) / min(bands) < 1.1
    assert abs(np.mean(noise[1:] * noise[:-1])) < 0.01 * np.mean(noise**2)


def test_noise_for_a_silent_clip_has_the_floor() -> None:
    noise = noise_like(np.zeros(16_000, dtype=np.float32), 0)
    assert rms(noise) == pytest.approx(NOISE_FLOOR_RMS, rel=1e-4)


def test_silence_is_as_long_as_the_clip_and_holds_nothing() -> None:
    silence = silence_like(sine(16_000))
    assert silence.shape == (16_000,)
    assert silence.dtype == np.float32
    assert not silence.any()


# Real clips


def test_real_clips_load_at_the_length_their_header_says(data_dir: Path) -> None:
    clips = [
        *sorted((data_dir / "crema-d/AudioWAV").glob("*.wav")),
        *sorted((data_dir / "emo-db/wav").glob("*.wav"))[:5],
        *sorted((data_dir / "ravdess/Actor_01").glob("*.flac"))[:5],
    ]
    assert len(clips) == 22
    for clip in clips:
        samples = load_audio(clip)
        assert len(samples) == sf.info(clip).frames
        assert 1e-4 < rms(samples) < 0.5
