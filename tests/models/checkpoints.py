"""Small random checkpoints of real model classes, written as the hub writes them and loaded by the same path.

Random weights prove the plumbing and say nothing about quality.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SEED = 20260101

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'audio' %}AUDIO{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    # larger than the default .02, so that a tiny model's answer depends on what it heard
    "initializer_range": 0.3,
}

WHISPER: dict[str, Any] = {"initializer_range": 0.1}


def bpe(special: Iterable[str]) -> Tokenizer:
    """A byte-level tokenizer of about 500 entries that writes the common emotion words in few tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    words = (
        "angry anger happy happiness neutral sad sadness fear fearful disgust surprise "
        "What is the emotion of this voice? Answer with one word: "
    )
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(special),
    )
    tokenizer.train_from_iterator([words, words.title(), *[f"{w} {w}" for w in words.split()]] * 3, trainer)
    return tokenizer


def fast_tokenizer(audio: Iterable[str] = (), **extra: Any) -> Any:
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *audio]
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=bpe(special), pad_token="<|endoftext|>", eos_token="<|im_end|>", **extra
    )


def save(folder: Path, model: Any, processor: Any) -> Path:
    """What a hub repository holds; its generation settings are hostile on purpose."""
    end = processor.tokenizer.eos_token_id
    model.generation_config.eos_token_id = [end]
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.generation_config.do_sample = True
    model.generation_config.temperature = 0.5
    model.generation_config.repetition_penalty = 1.3
    model.generation_config.suppress_tokens = [5, 6, 7]
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def qwen2_audio(folder: Path, *, max_source_positions: int = 1500) -> Path:
    """Qwen2-Audio: ``max_source_positions`` sets the window, 1500 being the hub's 30 s."""
    tokenizer = fast_tokenizer(["<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"])
    config = transformers.Qwen2AudioConfig(
        audio_config={
            "d_model": 32,
            "encoder_layers": 2,
            "encoder_attention_heads": 4,
            "encoder_ffn_dim": 64,
            "num_mel_bins": 80,
            "max_source_positions": max_source_positions,
            **WHISPER,
        },
        text_config={"model_type": "qwen2", "vocab_size": len(tokenizer), **TEXT},
        audio_token_index=tokenizer.convert_tokens_to_ids("<|AUDIO|>"),
    )
    processor = transformers.Qwen2AudioProcessor(
        transformers.WhisperFeatureExtractor(feature_size=80, chunk_length=max_source_positions // 50),
        tokenizer,
    )
    torch.manual_seed(SEED)
    return save(folder, transformers.Qwen2AudioForConditionalGeneration(config), processor)


FAMILIES: dict[str, Callable[[Path], Path]] = {"qwen2_audio": qwen2_audio}
