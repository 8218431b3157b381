"""A checkpoint is loaded whole, from weights that hold no code, and known by all that decides its answers."""

import hashlib
import json
import os
import pickle
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from ambivox.errors import AmbivoxError, UsageError
from ambivox.models import load_model
from ambivox.models.hf import checkpoint_files
from ambivox.models.hf.checkpoint import load_checkpoint
from ambivox.models.hf.checkpoint_files import file_digest, fingerprint, weight_files
from ambivox.models.hf.load import load_transformers
from ambivox.models.load import checkpoint_of
from tests.models.hf.checkpoints import fast_tokenizer


def test_an_unchanged_copy_has_the_same_fingerprint(copy: Path, checkpoint: Callable[[str], Path]) -> None:
    assert fingerprint(copy, "float32") == fingerprint(checkpoint("glm_asr"), "float32")


@pytest.mark.parametrize("file", ["chat_template.jinja", "config.json", "tokenizer.json"])
def test_the_fingerprint_changes_with_each_small_file(copy: Path, file: str) -> None:
    before = fingerprint(copy, "float32")
    (copy / file).write_text((copy / file).read_text() + " ")
    assert fingerprint(copy, "float32") != before


def test_the_fingerprint_changes_with_the_precision(copy: Path) -> None:
    float32, bfloat16 = (load_transformers(str(copy), device="cpu", dtype=d) for d in ("float32", "bfloat16"))
    assert float32.fingerprint != bfloat16.fingerprint


def test_the_fingerprint_changes_with_one_byte_in_the_middle_of_a_shard_in_a_subfolder(copy: Path) -> None:
    shard = sharded(copy)["shards/b.safetensors"]
    before = load_transformers(str(copy), device="cpu").fingerprint
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    assert load_transformers(str(copy), device="cpu").fingerprint != before


@pytest.fixture
def always_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(checkpoint_files, "CACHED_BYTES", 1)


def old_file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    os.utime(path, (1e9, 1e9))
    return path


def test_a_large_file_is_read_once(
    tmp_path: Path, always_cached: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = old_file(tmp_path / "weights", b"weights")
    assert file_digest(file) == hashlib.sha256(b"weights").hexdigest()
    monkeypatch.delattr(hashlib, "file_digest")
    assert file_digest(file) == hashlib.sha256(b"weights").hexdigest()


def test_a_file_of_the_same_size_and_time_is_read_again(tmp_path: Path, always_cached: None) -> None:
    file = old_file(tmp_path / "weights", b"weights")
    file_digest(file)
    assert file_digest(old_file(file, b"WEIGHTS")) == hashlib.sha256(b"WEIGHTS").hexdigest()


@pytest.mark.parametrize("kept", [b"", b"\xff" * 64, b"not a digest"])
def test_a_damaged_cache_is_not_believed(tmp_path: Path, always_cached: None, kept: bytes) -> None:
    file = old_file(tmp_path / "weights", b"weights")
    file_digest(file)
    [entry] = (tmp_path / "cache" / "ambivox" / "digests").iterdir()
    entry.write_bytes(kept)
    assert file_digest(file) == hashlib.sha256(b"weights").hexdigest()


def test_a_cache_that_cannot_be_written_changes_nothing(
    tmp_path: Path, always_cached: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    file = old_file(tmp_path / "weights", b"weights")
    assert file_digest(file) == hashlib.sha256(b"weights").hexdigest()


def test_weights_that_would_stay_random_are_an_error(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    lost = min(weights)
    save_file({k: v for k, v in weights.items() if k != lost}, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(AmbivoxError, match="1 weights are missing"):
        load_checkpoint(str(copy))


def test_weights_without_a_place_in_the_model_are_an_error(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(checkpoint_of("mini"), tmp_path / "mini"))
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] -= 1
    config["text_config"]["layer_types"].pop()
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(AmbivoxError, match=r"weights have no place in the model \(first: .*layers\.3\."):
        load_checkpoint(str(folder))


def test_pickled_weights_are_refused(copy: Path) -> None:
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    with pytest.raises(AmbivoxError, match=r"no weights in it that can be loaded: model\.safetensors"):
        load_checkpoint(str(copy))


class Bomb:
    """Leaves a file where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


def test_pickled_weights_named_by_an_index_are_refused_before_they_are_opened(copy: Path) -> None:
    sharded(copy)
    (copy / "shards" / "b.bin").write_bytes(pickle.dumps(Bomb(copy / "trace")))
    rename_shard(copy, "shards/b.safetensors", "shards/b.bin")
    with pytest.raises(AmbivoxError, match=r"names the weights 'shards/b\.bin': only \.safetensors"):
        load_checkpoint(str(copy))
    assert not (copy / "trace").exists()


def test_pickled_weights_of_a_hub_name_are_refused_before_they_are_fetched(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharded(copy)
    rename_shard(copy, "shards/b.safetensors", "shards/b.bin")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    fetched_before(copy, tmp_path / "hub", monkeypatch)
    with pytest.raises(AmbivoxError, match=r"names the weights 'shards/b\.bin'"):
        load_checkpoint("some/model")


COMMIT = "0123456789" * 4


def fetched_before(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if ``some/model`` had been fetched from the hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    fetched = cache / "models--some--model"
    (fetched / "refs").mkdir(parents=True)
    (fetched / "refs" / "main").write_text(COMMIT)
    shutil.copytree(folder, fetched / "snapshots" / COMMIT)


def test_a_hub_that_does_not_answer_is_asked_once_where_the_model_was_fetched_before(
    checkpoint: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched_before(checkpoint("glm_asr"), tmp_path / "hub", monkeypatch)
    monkeypatch.setattr(checkpoint_files, "HUB_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hub = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub)
        template = hub + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        model = load_transformers("some/model", device="cpu")
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
    assert model.fingerprint == hashlib.sha256(f"float32\nsome/model@{COMMIT}".encode()).hexdigest()


@pytest.mark.parametrize("name", ["../b.safetensors", "/b.safetensors", "a/../../b.safetensors", 3, "b.bin"])
def test_weights_outside_the_folder_or_of_another_format_are_refused(copy: Path, name: object) -> None:
    sharded(copy)
    rename_shard(copy, "shards/b.safetensors", name)
    with pytest.raises(AmbivoxError, match="names the weights"):
        weight_files(copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"transformers_weights": name}))
    with pytest.raises(AmbivoxError, match="names the weights"):
        weight_files(copy)


def test_weights_that_the_config_names_are_those_that_count(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"transformers_weights": "other.safetensors"}))
    assert weight_files(copy) == ["other.safetensors"]


def test_a_missing_shard_is_named(copy: Path) -> None:
    sharded(copy)["shards/b.safetensors"].unlink()
    with pytest.raises(AmbivoxError, match=r"shards/b\.safetensors is missing"):
        load_checkpoint(str(copy))


def test_an_adapter_is_refused_with_the_way_to_merge_it(copy: Path) -> None:
    (copy / "adapter_config.json").write_text("{}")
    with pytest.raises(UsageError, match="merge_and_unload"):
        load_checkpoint(str(copy))
    (copy / "config.json").unlink()
    with pytest.raises(UsageError, match="merge_and_unload"):
        load_checkpoint(str(copy))


def test_an_adapter_for_speech_in_a_folder_of_its_own_is_refused(copy: Path) -> None:
    (copy / "speech-lora").mkdir()
    (copy / "speech-lora" / "adapter_config.json").write_text("{}")
    with pytest.raises(UsageError, match=r"speech-lora/adapter_config\.json\): merge it"):
        load_checkpoint(str(copy))


@pytest.mark.parametrize("kept_bytes", [0, 5, 1000])
def test_truncated_weights_are_one_line(copy: Path, kept_bytes: int) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept_bytes])
    assert "cannot be loaded" in one_line(copy)


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}",
        b'{"model_type": 3}',
        b'{"model_type": "qwen2_audio", "text_config": 3}',
        b'{"model_type": "qwen2_audio", "text_config": {"model_type": "qwen2", "hidden_size": "wide"}}',
        b'{"model_type": "qwen2_audio", "text_config": {"model_type": "qwen2", "hidden_size": -8}}',
        b'{"model_type": "qwen2_audio", "audio_config": [], "thinker_config": 1}',
    ],
)
def test_an_odd_config_is_one_line(copy: Path, config: bytes) -> None:
    (copy / "config.json").write_bytes(config)
    assert str(copy) in one_line(copy)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_a_usage_error(copy: Path) -> None:
    with pytest.raises(UsageError, match="device 'cuda': not there"):
        load_checkpoint(str(copy), device="cuda")
    with pytest.raises(UsageError, match="device 'meta': not there"):
        load_checkpoint(str(copy), device="meta")


def test_a_text_model_is_refused_in_one_line(tmp_path: Path) -> None:
    config = transformers.Qwen2Config(
        vocab_size=500, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1
    )
    transformers.Qwen2ForCausalLM(config).save_pretrained(tmp_path)
    fast_tokenizer([]).save_pretrained(tmp_path)
    assert "not a speech model" in one_line(tmp_path)


def test_a_folder_never_takes_the_place_of_the_bundled_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mini").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_model("mini").fingerprint == load_model(checkpoint_of("mini")).fingerprint
    with pytest.raises(UsageError, match=r"\./mini: no config\.json"):
        load_model("./mini")


def one_line(folder: Path) -> str:
    """What is said when the folder is loaded."""
    with pytest.raises(AmbivoxError) as said:
        load_transformers(str(folder), device="cpu")
    assert "\n" not in str(said.value)
    return str(said.value)


def sharded(folder: Path) -> dict[str, Path]:
    """Cut the weights of a checkpoint in two files, one of them in a subfolder, behind an index."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    (folder / "shards").mkdir()
    names = sorted(weights)
    place = {name: ("a.safetensors", "shards/b.safetensors")[n % 2] for n, name in enumerate(names)}
    for shard in set(place.values()):
        save_file({k: v for k, v in weights.items() if place[k] == shard}, folder / shard, {"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": place}))
    return {shard: folder / shard for shard in place.values()}


def rename_shard(folder: Path, old: str, new: object) -> None:
    """Let the index name one shard otherwise."""
    index = folder / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    content["weight_map"] = {k: new if v == old else v for k, v in content["weight_map"].items()}
    index.write_text(json.dumps(content))
