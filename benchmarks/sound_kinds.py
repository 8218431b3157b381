"""What becomes of sound files as people have them: read, read with a caution, or refused.

    python -m benchmarks.sound_kinds [--out benchmarks/results/sound_kinds.md]

The files are made from two of the example clips in a temporary folder. "Of" is how many seconds of sound
there are in the file; one of which only a part was read, without a caution or an error, is a fault and is
counted. Kinds that need ffmpeg are made with it and left out where it is not installed.
"""

from __future__ import annotations

import argparse
import functools
import io
import os
import shutil
import struct
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

from ambivox.audio import Channel, audio_facts
from ambivox.errors import AudioError

CLIPS = Path(__file__).parents[1] / "examples" / "crema-d" / "AudioWAV"
RATE_HZ = 16_000


@dataclass(frozen=True)
class Kind:
    """One file: its name, what it is, its bytes or what puts it there, and the seconds of sound in it."""

    name: str
    what: str
    content: bytes | Callable[[Path], None]
    seconds: float | None = None
    channel: Channel = None


@dataclass(frozen=True)
class Outcome:
    """What became of a file: ``read``, ``cautioned`` or ``refused``, the seconds that were read, and why."""

    kind: Kind
    result: str
    seconds: float | None
    why: str

    @property
    def lost(self) -> bool:
        """Whether sound is missing and nothing says so."""
        told = self.result != "read" or self.kind.seconds is None or self.seconds is None
        return not told and self.kind.seconds - self.seconds > 0.01  # type: ignore[operator]


def encoded(
    samples: np.ndarray, kind: str = "WAV", subtype: str | None = None, rate_hz: int = RATE_HZ
) -> bytes:
    file = io.BytesIO()
    sf.write(file, samples, rate_hz, format=kind, subtype=subtype)
    return file.getvalue()


def chunk(name: bytes, body: bytes, size: int | None = None, pad: bool = True) -> bytes:
    size = len(body) if size is None else size
    return name + struct.pack("<I", size & 0xFFFF_FFFF) + body + b"\0" * (len(body) % 2 if pad else 0)


def wav(
    data: bytes, size: int | None = None, riff: int | None = None, before: bytes = b"", rate_hz: int = RATE_HZ
) -> bytes:
    fmt = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, rate_hz, 2 * rate_hz & 0xFFFF_FFFF, 2, 16))
    body = b"WAVE" + fmt + before + chunk(b"data", data, size)
    return b"RIFF" + struct.pack("<I", (len(body) if riff is None else riff) & 0xFFFF_FFFF) + body


def plain_kinds(a: np.ndarray) -> Iterator[Kind]:
    s = len(a) / RATE_HZ
    for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"):
        yield Kind(f"{subtype.lower()}.wav", f"WAV, {subtype}", encoded(a, "WAV", subtype), s)
    yield Kind("extensible.wav", "WAV, WAVE_FORMAT_EXTENSIBLE", encoded(a, "WAVEX"), s)
    yield Kind("rf64.wav", "RF64", encoded(a, "RF64"), s)
    yield Kind("w64.w64", "W64", encoded(a, "W64"), s)
    yield Kind("aiff.aiff", "AIFF", encoded(a, "AIFF"), s)
    yield Kind("ms_adpcm.wav", "WAV, Microsoft ADPCM", encoded(a, "WAV", "MS_ADPCM"), s)
    yield Kind("ima_adpcm.wav", "WAV, IMA ADPCM", encoded(a, "WAV", "IMA_ADPCM"), s)
    for subtype in ("GSM610", "G721_32", "NMS_ADPCM_16"):
        yield Kind(
            f"{subtype.lower()}.wav", f"WAV, {subtype} at 8 kHz", encoded(a[::2], "WAV", subtype, 8_000), s
        )
    yield Kind("flac.flac", "FLAC", encoded(a, "FLAC"), s)
    yield Kind("vorbis.ogg", "Ogg Vorbis", encoded(a, "OGG"), s)
    yield Kind("opus.opus", "Ogg Opus", encoded(a, "OGG", "OPUS"), s)
    yield Kind("mp3.mp3", "mp3 with a Xing header", encoded(a, "MP3"), s)
    yield Kind(
        "no_xing.mp3", "mp3 without a count of frames", encoded(a, "MP3").replace(b"Xing", bytes(4)), s
    )


def header_kinds(a: np.ndarray) -> Iterator[Kind]:
    s = len(a) / RATE_HZ
    data = (32_767 * a).astype("<i2").tobytes()
    for size in (0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F000):
        yield Kind(
            f"open_{size:08x}.wav", f"WAV, size of samples 0x{size:08X} (piped)", wav(data, size, 36), s
        )
    yield Kind(
        "placeholder.wav", "WAV, size of samples 2,000,000,000 (speech service)", wav(data, 2 * 10**9, 36), s
    )
    yield Kind(
        "plus16.wav", "WAV, size of samples 16 bytes too long", wav(data, len(data) + 16, 36 + len(data)), s
    )
    yield Kind("short.wav", "WAV, size of samples half of what is there", wav(data, len(data) // 4 * 2), s)
    yield Kind(
        "unpadded.wav",
        "WAV, odd chunk without its pad byte",
        wav(data, before=chunk(b"LIST", b"INFOx", pad=False)),
        s,
    )
    yield Kind("negative.wav", "WAV, chunk of size -1", wav(data, before=chunk(b"LIST", b"", -1)), s)
    yield Kind("truncated.wav", "WAV, cut in the middle", wav(data)[: len(data) // 2], s)
    yield Kind("junk.wav", "WAV, a few bytes behind the samples", wav(data) + b"left by a player", s)
    open_flac = bytearray(encoded(a, "FLAC"))
    open_flac[21] &= 0xF0
    open_flac[22:26] = bytes(4)
    yield Kind("piped.flac", "FLAC, number of samples left open", bytes(open_flac), s)
    yield Kind("rate_1hz.wav", "WAV, rate of 1 Hz", wav(data, rate_hz=1))
    yield Kind("rate_2ghz.wav", "WAV, rate of 2 GHz", wav(data, rate_hz=2**31 - 1))
    yield Kind("empty.wav", "WAV without samples", wav(b""), 0.0)


def joined_kinds(a: np.ndarray, b: np.ndarray) -> Iterator[Kind]:
    s = (len(a) + len(b)) / RATE_HZ
    kinds = (
        ("wav", "WAV", None),
        ("flac", "FLAC", None),
        ("ogg", "OGG", None),
        ("opus", "OGG", "OPUS"),
        ("mp3", "MP3", None),
    )
    for ending, kind, subtype in kinds:
        yield Kind(
            f"joined.{ending}",
            f"two {ending} in one",
            encoded(a, kind, subtype) + encoded(b, kind, subtype),
            s,
        )
    one, two = encoded(a, "MP3"), encoded(b, "MP3")
    tag = b"ID3\x04\0\0\0\0\x02\x10".ljust(282, b"\xff")
    yield Kind("id3_between.mp3", "two mp3 in one, ID3v2 tag between", one + tag + two, s)
    yield Kind(
        "first_xing.mp3", "two mp3 in one, only the first is counted", one + two.replace(b"Xing", bytes(4)), s
    )
    ape = b"APETAGEX" + struct.pack("<IIII", 2_000, 32, 0, 0) + bytes(8)
    yield Kind(
        "tags_after.mp3",
        "mp3 with APE and ID3v1 tags behind it",
        one + ape + b"TAG".ljust(128),
        len(a) / RATE_HZ,
    )
    yield Kind(
        "rates.ogg",
        "two ogg in one, of different rates",
        encoded(a, "OGG") + encoded(b, "OGG", None, 22_050),
        s,
    )
    yield Kind(
        "channels.flac",
        "two flac in one, mono and stereo",
        encoded(a, "FLAC") + encoded(np.stack([b, b], 1), "FLAC"),
        s,
    )
    yield Kind("wav_mp3.wav", "an mp3 behind a WAV", encoded(a) + two, s)
    yield Kind("flac_wav.flac", "a WAV behind a FLAC", encoded(a, "FLAC") + encoded(b), s)
    yield Kind("mp3_ogg.mp3", "an ogg behind an mp3", one + encoded(b, "OGG"), s)


def damaged_kinds(a: np.ndarray) -> Iterator[Kind]:
    s = len(a) / RATE_HZ
    for ending, kind in (("ogg", "OGG"), ("flac", "FLAC"), ("mp3", "MP3")):
        content = bytearray(encoded(a, kind))
        content[len(content) // 2] ^= 8
        yield Kind(f"bit.{ending}", f"{ending}, one bit flipped", bytes(content), s)
        yield Kind(f"cut.{ending}", f"{ending}, cut in the middle", bytes(content[: len(content) // 2]), s)
    yield Kind("empty", "an empty file", b"")
    yield Kind(
        "lfs.wav", "a git-lfs pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n"
    )
    yield Kind("text.wav", "text", b"hello, I am not audio\n" * 50)
    yield Kind("raw.raw", "samples without a header", (32_767 * a).astype("<i2").tobytes())
    for ending, kind in (("au", "AU"), ("caf", "CAF"), ("nist", "NIST")):
        content = encoded(a, kind, "PCM_16")
        yield Kind(f"{ending}.{ending}", kind, content, s)
        yield Kind(f"cut.{ending}", f"{kind}, cut in the middle", content[: len(content) // 2], s)
        yield Kind(f"twice.{ending}", f"two {kind} files in one", 2 * content, 2 * s)
    yield Kind("voc.voc", "VOC", encoded(a, "VOC", "PCM_16"), s)
    yield Kind("pipe.wav", "a named pipe", lambda path: os.mkfifo(path))
    yield Kind("zero.wav", "a link to /dev/zero", lambda path: path.symlink_to("/dev/zero"))


def odd_samples(a: np.ndarray, b: np.ndarray) -> Iterator[Kind]:
    s = len(a) / RATE_HZ
    n = min(len(a), len(b))
    two = np.stack([a[:n], b[:n]], axis=1)
    yield Kind(
        "ints_in_floats.wav",
        "16-bit values as float samples",
        encoded(np.rint(32_767 * a), "WAV", "FLOAT"),
        s,
    )
    yield Kind(
        "scaled_floats.wav",
        "float samples up to thousands, no whole numbers",
        encoded(9_999.5 * a, "WAV", "FLOAT"),
        s,
    )
    yield Kind("silence.wav", "digital silence", encoded(0 * a), s)
    yield Kind(
        "hiss.wav",
        "hardly any sound",
        encoded(1e-4 * np.random.default_rng(0).standard_normal(len(a)), "WAV", "PCM_24"),
        s,
    )
    yield Kind("clipped.wav", "heavy clipping", encoded(np.clip(30 * a, -1, 1)), s)
    yield Kind("offset.wav", "an offset of 0.2", encoded(a + 0.2, "WAV", "FLOAT"), s)
    yield Kind(
        "nan.wav",
        "a sample that is NaN",
        encoded(np.where(np.arange(len(a)) == 99, np.nan, a), "WAV", "FLOAT"),
        s,
    )
    yield Kind("same.wav", "stereo, both channels the same", encoded(np.stack([a, a], axis=1)), s)
    yield Kind("call.wav", "stereo, a speaker on each channel", encoded(two), n / RATE_HZ)
    yield Kind("call_1.wav", "the same, channel 1 chosen", encoded(two), n / RATE_HZ, channel=1)
    yield Kind("call_7.wav", "the same, channel 7 chosen", encoded(two), n / RATE_HZ, channel=7)
    yield Kind("opposite.wav", "stereo, channels that cancel out", encoded(np.stack([a, -a], axis=1)), s)
    yield Kind(
        "opposite_0.wav", "the same, channel 0 chosen", encoded(np.stack([a, -a], axis=1)), s, channel=0
    )
    yield Kind("array.wav", "65 channels", encoded(np.repeat(a[:1_600, None], 65, axis=1)), 0.1)
    yield Kind("blip.wav", "20 ms", encoded(a[:320]), 0.02)


def foreign_kinds(a: np.ndarray) -> Iterator[Kind]:
    s = len(a) / RATE_HZ
    if shutil.which("ffmpeg") is None:
        return
    wanted = ("m4a", "aac", "mka", "wma", "mp2", "avi", "ts", "flv", "ac3", "tta", "wv")
    rates = {"flv": "44100", "ac3": "48000"}

    def make(path: Path, options: tuple[str, ...] = ()) -> None:
        command = ["ffmpeg", "-v", "error", "-nostdin", "-i", "pipe:0", *options, str(path)]
        subprocess.run(command, input=encoded(a), check=True)

    for ending in wanted:
        put = functools.partial(make, options=("-ar", rates.get(ending, str(RATE_HZ))))
        yield Kind(f"a.{ending}", f"{ending}, through ffmpeg", put, s)
    codecs = {
        "mp3_in.wav": ("mp3 in a WAV", ("-c:a", "mp3")),
        "a.webm": ("webm", ("-c:a", "opus", "-strict", "-2")),
        "flac.oga": ("FLAC in Ogg", ("-c:a", "flac")),
    }
    for name, (what, options) in codecs.items():
        yield Kind(name, f"{what}, through ffmpeg", functools.partial(make, options=options), s)

    def cut(path: Path) -> None:
        make(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    def twice(path: Path) -> None:
        make(path)
        path.write_bytes(2 * path.read_bytes())

    yield Kind("cut.m4a", "m4a, cut in the middle", cut, s)
    yield Kind("joined.m4a", "two m4a in one", twice, 2 * s)


def outcome(kind: Kind, folder: Path) -> Outcome:
    """What the one reader of `ambivox read`, `run`, `corpora check` and `corpora inspect` makes of a file."""
    path = folder / kind.name
    if isinstance(kind.content, bytes):
        path.write_bytes(kind.content)
    else:
        kind.content(path)
    try:
        facts = audio_facts(path, channel=kind.channel)
    except AudioError as error:
        return Outcome(kind, "refused", None, str(error).removeprefix(f"{path}: "))
    why = "; ".join(f"`{caution.code}`: {caution.text}" for caution in facts.cautions)
    if facts.silent:
        why = "; ".join(filter(None, ("`silent`: no sound at all", why)))
    return Outcome(kind, "cautioned" if why else "read", facts.duration_s, why)


def table(outcomes: list[Outcome]) -> str:
    counts = Counter(o.result for o in outcomes)
    lines = [
        "# What becomes of sound files of many kinds",
        "",
        "Made by `python -m benchmarks.sound_kinds` from two example clips. `of` is how many seconds of",
        "sound the file holds; encoders add up to 0.2 s of silence.",
        "",
        f"{len(outcomes)} files: {counts['read']} read without a caution, {counts['cautioned']} with one,",
        f"{counts['refused']} refused in one line; in part, unsaid: {sum(o.lost for o in outcomes)}.",
        "",
        "| file | what it is | result | read (s) | of (s) | what is said |",
        "|---|---|---|---|---|---|",
    ]
    for o in outcomes:
        seconds = ["" if n is None else f"{n:.2f}" for n in (o.seconds, o.kind.seconds)]
        lines.append(
            f"| {o.kind.name} | {o.kind.what} | {o.result} | {seconds[0]} | {seconds[1]} | {o.why} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="Markdown file; printed by default.")
    out: Path | None = parser.parse_args().out
    first, second = (sf.read(path, dtype="float32")[0] for path in sorted(CLIPS.glob("*.wav"))[:2])
    kinds = [
        *plain_kinds(first),
        *header_kinds(first),
        *joined_kinds(first, second),
        *damaged_kinds(first),
        *odd_samples(first, second),
        *foreign_kinds(first),
    ]
    with tempfile.TemporaryDirectory() as folder:
        outcomes = [outcome(kind, Path(folder)) for kind in kinds]
    text = table(outcomes)
    print(text)
    if out is not None:
        out.write_text(text)


if __name__ == "__main__":
    main()
