"""Randomly initialised Qwen2-Audio models: what an architecture costs, it costs with random weights, too.

python benchmarks/checkpoint.py FOLDER
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers

from ambivox.emotions import emotion_sets, load_emotions
from ambivox.models.label_tokens import written_variants
from ambivox.prompts import PROMPTS

SEED = 0


@dataclass(frozen=True)
class Tower:
    """The size of a transformer."""

    width: int
    layers: int
    heads: int
    feed_forward: int


@dataclass(frozen=True)
class Size:
    """The size of a model; `key_value_heads` are those of its decoder."""

    encoder: Tower
    decoder: Tower
    key_value_heads: int
    vocabulary: int


SMALL = Size(Tower(512, 6, 8, 2048), Tower(512, 12, 8, 1536), 8, 32_000)
"""95 million parameters."""

QWEN2_05B = Size(Tower(768, 12, 12, 3072), Tower(896, 24, 14, 4864), 2, 151_936)
"""718 million parameters: Whisper small's encoder and the decoder of Qwen2-0.5B."""

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"]


def tokenizer(vocabulary_size: int) -> transformers.PreTrainedTokenizerFast:
    """Words of the prompts in one or two tokens, as a large tokenizer has them, and filler up to the size."""
    sets = [load_emotions(name) for name in emotion_sets()]
    text = [PROMPTS[name].render(emotions).text for name in PROMPTS for emotions in sets]
    text += [
        v for emotions in sets for forms in emotions.forms for form in forms for v in written_variants(form)
    ]
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=2000,
        show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=SPECIAL,
    )
    bpe.train_from_iterator(text * 4, trainer)
    vocabulary = bpe.get_vocab()
    filler = (f"Ġfiller{n}" for n in range(vocabulary_size))
    vocabulary |= {next(filler): n for n in range(len(vocabulary), vocabulary_size)}
    merges = [tuple(pair) for pair in json.loads(bpe.to_str())["model"]["merges"]]
    whole = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, merges))
    whole.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    whole.decoder = tokenizers.decoders.ByteLevel()
    whole.add_special_tokens(SPECIAL)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=whole, pad_token="<|endoftext|>", eos_token="<|im_end|>"
    )


def built(work: Path) -> Path:
    """The checkpoint's folder under `work`, made if it is not there."""
    folder = work / "checkpoint"
    if not (folder / "config.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        build(folder)
    return folder


def build(folder: Path) -> Path:
    """Write the small checkpoint as the hub would hold it."""
    model, processor = make(SMALL)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def make(size: Size) -> tuple[Any, Any]:
    """A model and its processor."""
    words = tokenizer(size.vocabulary)
    encoder, decoder = size.encoder, size.decoder
    config = transformers.Qwen2AudioConfig(
        audio_config={
            "d_model": encoder.width,
            "encoder_layers": encoder.layers,
            "encoder_attention_heads": encoder.heads,
            "encoder_ffn_dim": encoder.feed_forward,
            "num_mel_bins": 128,
            "max_source_positions": 1500,
        },
        text_config={
            "model_type": "qwen2",
            "vocab_size": size.vocabulary,
            "hidden_size": decoder.width,
            "intermediate_size": decoder.feed_forward,
            "num_hidden_layers": decoder.layers,
            "num_attention_heads": decoder.heads,
            "num_key_value_heads": size.key_value_heads,
            "max_position_embeddings": 4096,
            "initializer_range": 0.1,
        },
        audio_token_index=words.convert_tokens_to_ids("<|AUDIO|>"),
    )
    processor = transformers.Qwen2AudioProcessor(
        transformers.WhisperFeatureExtractor(feature_size=128), words
    )
    torch.manual_seed(SEED)
    model = transformers.Qwen2AudioForConditionalGeneration(config)
    model.generation_config.eos_token_id = [words.eos_token_id]
    model.generation_config.pad_token_id = words.pad_token_id
    return model.eval(), processor


if __name__ == "__main__":
    build(Path(sys.argv[1]))
