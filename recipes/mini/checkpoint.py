"""The architecture, tokenizer, processor and chat template of `mini`, with random weights."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen2AudioConfig,
    Qwen2AudioEncoderConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    Qwen2Config,
    WhisperFeatureExtractor,
)

from ambivox.emotions import emotion_sets, load_emotions

PAD, IM_START, IM_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
AUDIO, AUDIO_BOS, AUDIO_EOS = "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"
SPECIAL = (PAD, IM_START, IM_END, AUDIO, AUDIO_BOS, AUDIO_EOS)

N_MELS = 80
HOP = 160
"""10 ms, as Whisper was trained; an audio token spans 40 ms."""
WINDOW_S = 15
POSITIONS = WINDOW_S * 16_000 // HOP // 2
VOCABULARY = 1536

EXTRA_WORDS = (
    "bored", "boredom", "frustrated", "frustration", "excited", "excitement", "anxious", "confused", "proud",
    "tired", "amused", "annoyed", "relaxed", "worried", "ashamed", "hopeful", "tender", "irritated", "lonely",
    "curious", "content", "desperate", "awe", "relief", "love", "pain", "hate", "interest", "shame", "guilt",
)  # fmt: skip
"""Options beyond the built-in sets, so that copying an option does not depend on which word it is."""

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'audio' or 'audio' in part or 'audio_url' in part %}"
    "<|audio_bos|><|AUDIO|><|audio_eos|>\n"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def emotion_words() -> list[str]:
    """Every surface form of every built-in emotion set, and `EXTRA_WORDS`, sorted."""
    forms = {
        form for name in emotion_sets() for group in load_emotions(f"{name}+other").forms for form in group
    }
    return sorted(forms | set(EXTRA_WORDS))


def build_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Byte-level BPE in which every emotion word is one token and every digit stands alone.

    Args:
        texts: rendered prompts and answers to learn the merges from.

    Raises:
        ValueError: an emotion word came out as more than one token.
    """
    words = emotion_words()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    weighted = [f"{word} {word}\n{word.capitalize()} {word.capitalize()}" for word in words] * 400
    tokenizer.train_from_iterator([*weighted, *texts], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=IM_END,
        pad_token=PAD,
        additional_special_tokens=[IM_START, AUDIO, AUDIO_BOS, AUDIO_EOS],
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=2048,
    )
    for word in words:
        for written in (word, f" {word}", word.capitalize(), f" {word.capitalize()}"):
            if len(fast.encode(written, add_special_tokens=False)) != 1:
                raise ValueError(f"{written!r} is not one token: {fast.tokenize(written)}")
    return fast


def build_extractor() -> WhisperFeatureExtractor:
    """Whisper features of 15 s: ``(N_MELS, 1500)`` frames of 10 ms."""
    return WhisperFeatureExtractor(
        feature_size=N_MELS, hop_length=HOP, chunk_length=WINDOW_S, return_attention_mask=True
    )


def build_processor(tokenizer: PreTrainedTokenizerFast) -> Qwen2AudioProcessor:
    """The processor that `AutoProcessor.from_pretrained` will load."""
    return Qwen2AudioProcessor(
        feature_extractor=build_extractor(), tokenizer=tokenizer, chat_template=CHAT_TEMPLATE
    )


def encoder_config() -> Qwen2AudioEncoderConfig:
    """Two layers of the size of Whisper tiny."""
    return Qwen2AudioEncoderConfig(
        num_mel_bins=N_MELS,
        encoder_layers=2,
        encoder_attention_heads=6,
        encoder_ffn_dim=1536,
        d_model=384,
        max_source_positions=POSITIONS,
    )


def build_model(tokenizer: PreTrainedTokenizerFast) -> Qwen2AudioForConditionalGeneration:
    """Random weights, untied embeddings (the class cannot tie them)."""
    text = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=192,
        intermediate_size=576,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=2048,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        tie_word_embeddings=False,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    config = Qwen2AudioConfig(
        audio_config=encoder_config(),
        text_config=text,
        audio_token_index=tokenizer.convert_tokens_to_ids(AUDIO),
        tie_word_embeddings=False,
    )
    config.dtype = torch.float32  # loaded in float32 though stored in float16
    model = Qwen2AudioForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        do_sample=False, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    return model


def save(model: Qwen2AudioForConditionalGeneration, processor: Qwen2AudioProcessor, out: Path) -> None:
    """Write the checkpoint, weights in float16, the configuration asking for float32."""
    out.mkdir(parents=True, exist_ok=True)
    half = Qwen2AudioForConditionalGeneration(model.config)
    half.load_state_dict(model.state_dict())
    half.generation_config = model.generation_config
    half.half().save_pretrained(out)
    config = type(model.config).from_pretrained(out)
    for part in (config, config.text_config, config.audio_config):
        part.dtype = torch.float32
    config.save_pretrained(out)
    processor.save_pretrained(out)
