"""Small random checkpoints of real model classes, written as the hub writes them and loaded by the same path.

Random weights prove the plumbing and say nothing about quality.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

SEED = 20260101

CHATML = """{% for message in messages %}<|im_start|>{{ message['role'] }}
{% if message['content'] is string %}{{ message['content'] }}{% else %}\
{% for part in message['content'] %}\
{% if part['type'] == 'audio' %}AUDIO{% else %}{{ part['text'] }}{% endif %}\
{% endfor %}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

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


def audio_flamingo_3(folder: Path) -> Path:
    return _flamingo(folder, "AudioFlamingo3", {})


def music_flamingo(folder: Path) -> Path:
    return _flamingo(
        folder,
        "MusicFlamingo",
        {"audio_bos_token_id": "<|sound_bos|>", "audio_eos_token_id": "<|sound_eos|>"},
    )


def _flamingo(folder: Path, family: str, tokens: dict[str, str]) -> Path:
    tokenizer = fast_tokenizer(["<sound>", *tokens.values()])
    config = getattr(transformers, f"{family}Config")(
        audio_config={
            "model_type": "audioflamingo3_encoder",
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "num_mel_bins": 80,
            **WHISPER,
        },
        text_config={"model_type": "qwen2", "vocab_size": len(tokenizer), **TEXT},
        audio_token_id=tokenizer.convert_tokens_to_ids("<sound>"),
        **{key: tokenizer.convert_tokens_to_ids(token) for key, token in tokens.items()},
    )
    processor = getattr(transformers, f"{family}Processor")(
        transformers.WhisperFeatureExtractor(feature_size=80), tokenizer, chat_template=template("<sound>")
    )
    torch.manual_seed(SEED)
    return save(folder, getattr(transformers, f"{family}ForConditionalGeneration")(config), processor)


def glm_asr(folder: Path) -> Path:
    """GLM-ASR, whose placeholder of the audio is called ``<|pad|>``; here it is the padding token, too."""
    tokenizer = fast_tokenizer(["<|pad|>", "<|begin_of_audio|>", "<|end_of_audio|>"])
    tokenizer.pad_token = "<|pad|>"
    config = transformers.GlmAsrConfig(
        audio_config={
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 128,
            "num_mel_bins": 80,
            **WHISPER,
        },
        text_config={"model_type": "llama", "vocab_size": len(tokenizer), **TEXT, "eos_token_id": None},
        audio_token_id=tokenizer.convert_tokens_to_ids("<|pad|>"),
    )
    processor = transformers.GlmAsrProcessor(
        transformers.WhisperFeatureExtractor(feature_size=80),
        tokenizer,
        chat_template=template("<|begin_of_audio|><|pad|><|end_of_audio|>"),
    )
    torch.manual_seed(SEED)
    return save(folder, transformers.GlmAsrForConditionalGeneration(config), processor)


def qwen3_asr(folder: Path) -> Path:
    tokens = {
        "audio_token": "<|audio_pad|>",
        "audio_bos_token": "<|audio_start|>",
        "audio_eos_token": "<|audio_end|>",
    }
    tokenizer = fast_tokenizer(tokens.values(), extra_special_tokens=tokens)
    config = transformers.Qwen3ASRConfig(
        audio_config={
            "model_type": "qwen3_asr_encoder",
            "d_model": 32,
            "encoder_layers": 2,
            "encoder_attention_heads": 4,
            "encoder_ffn_dim": 64,
            "num_mel_bins": 128,
            "downsample_hidden_size": 16,
            "output_dim": 32,
            **WHISPER,
        },
        text_config={"model_type": "qwen3", "vocab_size": len(tokenizer), "head_dim": 8, **TEXT},
        audio_token_id=tokenizer.convert_tokens_to_ids("<|audio_pad|>"),
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    processor = transformers.Qwen3ASRProcessor(
        transformers.Qwen3ASRFeatureExtractor(),
        tokenizer,
        chat_template=template("<|audio_start|><|audio_pad|><|audio_end|>"),
    )
    torch.manual_seed(SEED)
    return save(folder, transformers.Qwen3ASRForConditionalGeneration(config), processor)


def vibevoice_asr(folder: Path) -> Path:
    tokenizer = fast_tokenizer(
        ["<|object_ref_start|>", "<|box_start|>", "<|object_ref_end|>", "<|AUDIO_DURATION|>"]
    )
    encoder = {
        "model_type": "vibevoice_acoustic_tokenizer_encoder",
        "num_filters": 4,
        "depths": [1, 1, 1, 1, 1, 1, 1],
        "hidden_size": 16,
        "layer_scale_init_value": 0.1,
        "initializer_range": 0.3,
    }
    config = transformers.VibeVoiceAsrConfig(
        acoustic_tokenizer_encoder_config=encoder,
        semantic_tokenizer_encoder_config=encoder,
        text_config={"model_type": "qwen2", "vocab_size": len(tokenizer), **TEXT},
        audio_token_id=tokenizer.convert_tokens_to_ids("<|box_start|>"),
        audio_bos_token_id=tokenizer.convert_tokens_to_ids("<|object_ref_start|>"),
        audio_eos_token_id=tokenizer.convert_tokens_to_ids("<|object_ref_end|>"),
    )
    processor = transformers.VibeVoiceAsrProcessor(
        transformers.VibeVoiceAcousticTokenizerFeatureExtractor(),
        tokenizer,
        chat_template=template("<|object_ref_start|><|box_start|><|object_ref_end|>"),
    )
    torch.manual_seed(SEED)
    return save(folder, transformers.VibeVoiceAsrForConditionalGeneration(config), processor)


def voxtral(folder: Path) -> Path:
    """Voxtral as its repository is laid out: a ``tekken.json`` read by mistral-common, no template."""
    (folder / "tekken.json").write_text(json.dumps(tekken()), encoding="utf-8")
    tokenizer = transformers.MistralCommonBackend.from_pretrained(folder)
    config = transformers.VoxtralConfig(
        audio_config={
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 128,
            "num_mel_bins": 128,
            **WHISPER,
        },
        text_config={
            "model_type": "llama",
            **TEXT,
            "vocab_size": len(tokenizer),
            "head_dim": 8,
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        audio_token_id=24,
    )
    processor = transformers.VoxtralProcessor(
        transformers.WhisperFeatureExtractor(feature_size=128), tokenizer
    )
    torch.manual_seed(SEED)
    return save(folder, transformers.VoxtralForConditionalGeneration(config), processor)


def tekken() -> dict[str, Any]:
    """A tokenizer file for mistral-common: all bytes, and the emotion words built up letter by letter."""
    pieces = [bytes([b]) for b in range(256)]
    for word in ("angry", "happy", "neutral", "sad", " angry", " happy", " neutral", " sad"):
        pieces += [word[:n].encode() for n in range(2, len(word) + 1)]
    special = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"]
    special += [
        "[TOOL_RESULTS]",
        "[/TOOL_RESULTS]",
        "[TOOL_CALLS]",
        "[IMG]",
        "<pad>",
        "[IMG_BREAK]",
        "[IMG_END]",
    ]
    special += ["[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"]
    special += [f"<SPECIAL_{n}>" for n in range(20, 24)] + ["[AUDIO]", "[BEGIN_AUDIO]"]
    special += [f"<SPECIAL_{n}>" for n in range(26, 34)] + ["[TRANSCRIBE]"]
    pieces = list(dict.fromkeys(pieces))
    return {
        "config": {
            "pattern": r"\s?\p{L}+|\p{N}|[^\p{L}\p{N}]",
            "num_vocab_tokens": len(pieces),
            "default_vocab_size": len(pieces) + len(special),
            "default_num_special_tokens": len(special),
            "version": "v7",
        },
        "vocab": [
            {"rank": n, "token_bytes": base64.b64encode(piece).decode(), "token_str": None}
            for n, piece in enumerate(pieces)
        ],
        "special_tokens": [
            {"rank": n, "token_str": token, "is_control": True} for n, token in enumerate(special)
        ],
        "audio": {
            "sampling_rate": 16000,
            "frame_rate": 12.5,
            "audio_encoding_config": {"num_mel_bins": 128, "hop_length": 160, "window_size": 400},
            "chunk_length_s": 30.0,
        },
    }


def template(audio: str) -> str:
    return CHATML.replace("AUDIO", audio)


def gemma_3n(folder: Path) -> Path:
    """Gemma 3n: 188 audio tokens whatever the length. Its vision tower, which wants timm, is a stub."""
    # The last entries of the vocabulary are vision's and audio's own, each with an embedding table beside the
    # text's, which ends before them.
    tokens = {
        "boi_token": "<start_of_image>",
        "boa_token": "<start_of_audio>",
        "eoi_token": "<end_of_image>",
        "image_token": "<image_soft_token>",
        "eoa_token": "<end_of_audio>",
        "audio_token": "<audio_soft_token>",
    }
    tokenizer = fast_tokenizer(["<bos>"], bos_token="<bos>", extra_special_tokens=tokens)
    # like Gemma's own, it starts every text with <bos>, and so does the template
    bos = ("<bos>", tokenizer.bos_token_id)
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        "<bos> $A", special_tokens=[bos]
    )
    ids = {key: tokenizer.convert_tokens_to_ids(token) for key, token in tokens.items()}
    assert sorted(ids.values()) == list(ids.values())
    transformers.AutoModel.register(transformers.Gemma3nVisionConfig, NoVision, exist_ok=True)
    config = transformers.Gemma3nConfig(
        text_config={
            **TEXT,
            "num_hidden_layers": 4,
            "num_kv_shared_layers": 2,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
            "vocab_size": len(tokenizer),
            "vocab_size_per_layer_input": ids["eoi_token"],
            "hidden_size_per_layer_input": 8,
            "head_dim": 8,
            "laurel_rank": 4,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.bos_token_id,
        },
        audio_config={
            "hidden_size": 32,
            "conf_num_attention_heads": 4,
            "conf_num_hidden_layers": 2,
            "sscp_conv_channel_size": [8, 4],
            "vocab_offset": ids["eoa_token"],
            "vocab_size": 2,
        },
        vision_config={
            "hidden_size": 32,
            "vocab_offset": ids["eoi_token"],
            "vocab_size": 2,
            "label_names": ["none"],
        },
        **{f"{key}_id": token for key, token in ids.items()},
    )
    processor = transformers.Gemma3nProcessor(
        transformers.Gemma3nAudioFeatureExtractor(),
        transformers.SiglipImageProcessorPil(),
        tokenizer,
        chat_template="<bos>" + template("<audio_soft_token>"),
    )
    torch.manual_seed(SEED)
    return save(folder, transformers.Gemma3nForConditionalGeneration(config), processor)


class NoVision(transformers.PreTrainedModel):
    """Stands in for the vision tower, which an audio chat never calls."""

    config_class = transformers.Gemma3nVisionConfig

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.unused = torch.nn.Linear(1, 1)
        self.post_init()


MROPE = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1]}
OMNI_AUDIO: dict[str, Any] = {
    "num_mel_bins": 80,
    "d_model": 32,
    "encoder_layers": 2,
    "encoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "output_dim": 32,
    **WHISPER,
}
OMNI_VISION: dict[str, Any] = {
    "depth": 1,
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_heads": 2,
    "out_hidden_size": 32,
}


def qwen2_5_omni(folder: Path) -> Path:
    """Qwen2.5-Omni, the whole model as the hub holds it, without the talker. See `omni_processor`."""
    tokenizer = omni_tokenizer()
    token = tokenizer.convert_tokens_to_ids
    config = transformers.Qwen2_5OmniConfig(
        enable_audio_output=False,
        thinker_config={
            "audio_config": OMNI_AUDIO,
            "vision_config": OMNI_VISION | {"fullatt_block_indexes": [0]},
            "text_config": {
                **TEXT,
                "vocab_size": len(tokenizer),
                "rope_parameters": MROPE,
            },
            "audio_token_index": token("<|AUDIO|>"),
            "image_token_index": token("<|IMAGE|>"),
            "video_token_index": token("<|VIDEO|>"),
            "audio_start_token_id": token("<|audio_bos|>"),
            "audio_end_token_id": token("<|audio_eos|>"),
            "vision_start_token_id": token("<|vision_bos|>"),
            "vision_end_token_id": token("<|vision_eos|>"),
        },
    )
    torch.manual_seed(SEED)
    model = transformers.Qwen2_5OmniForConditionalGeneration(config)
    model.generation_config.eos_token_id = [tokenizer.eos_token_id]
    model.save_pretrained(folder)
    return folder


def omni_tokenizer() -> Any:
    tokens = {
        "image_token": "<|IMAGE|>",
        "audio_token": "<|AUDIO|>",
        "video_token": "<|VIDEO|>",
        "vision_bos_token": "<|vision_bos|>",
        "vision_eos_token": "<|vision_eos|>",
        "audio_bos_token": "<|audio_bos|>",
        "audio_eos_token": "<|audio_eos|>",
    }
    return fast_tokenizer(tokens.values(), extra_special_tokens=tokens)


class OmniProcessor(transformers.Qwen2_5OmniProcessor):
    """The real processor but for its video part, which wants torchvision even where no video is shown."""

    def __init__(self) -> None:
        tokenizer = omni_tokenizer()
        self.chat_template = template("<|audio_bos|><|AUDIO|><|audio_eos|>")
        self.tokenizer = tokenizer
        self.feature_extractor = transformers.WhisperFeatureExtractor(feature_size=80)
        self.image_processor = self.video_processor = None
        for name in ("image_token", "audio_token", "video_token", "audio_bos_token", "audio_eos_token"):
            setattr(self, name, getattr(tokenizer, name))
            setattr(self, f"{name}_id", getattr(tokenizer, f"{name}_id"))


FAMILIES: dict[str, Callable[[Path], Path]] = {
    "audio_flamingo_3": audio_flamingo_3,
    "gemma_3n": gemma_3n,
    "glm_asr": glm_asr,
    "music_flamingo": music_flamingo,
    "qwen2_audio": partial(qwen2_audio, max_source_positions=250),  # 5 s
    "qwen2_5_omni": qwen2_5_omni,
    "qwen3_asr": qwen3_asr,
    "vibevoice_asr": vibevoice_asr,
    "voxtral": voxtral,
}

WITHOUT_PROCESSOR: dict[str, Callable[[], Any]] = {"qwen2_5_omni": OmniProcessor}
"""Families whose own processor cannot be built without torchvision: a processor to use in its place."""
