"""Families whose processors want torchvision or torchaudio, for `make families`; as in `checkpoints`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers

from tests.models.hf import checkpoints
from tests.models.hf.checkpoints import (
    MROPE,
    OMNI_AUDIO,
    OMNI_VISION,
    SEED,
    TEXT,
    fast_tokenizer,
    omni_tokenizer,
    save,
    template,
)

OMNI_TEMPLATE = template("<|audio_bos|><|AUDIO|><|audio_eos|>")
VISION: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2}


def qwen2_5_omni(folder: Path) -> Path:
    """Qwen2.5-Omni, whole but for the talker, with its own processor."""
    checkpoints.qwen2_5_omni(folder)
    _omni_processor(transformers.Qwen2_5OmniProcessor, omni_tokenizer()).save_pretrained(folder)
    return folder


def qwen3_omni(folder: Path) -> Path:
    """Qwen3-Omni, a mixture of 4 experts, without the talker."""
    tokenizer = omni_tokenizer()
    token = tokenizer.convert_tokens_to_ids
    config = transformers.Qwen3OmniMoeConfig(
        enable_audio_output=False,
        thinker_config={
            "audio_config": OMNI_AUDIO | {"downsample_hidden_size": 16},
            "vision_config": OMNI_VISION | {"deepstack_visual_indexes": [0]},
            "text_config": {
                **TEXT,
                "vocab_size": len(tokenizer),
                "head_dim": 8,
                "num_experts": 4,
                "num_experts_per_tok": 2,
                "moe_intermediate_size": 32,
                "rope_parameters": MROPE,
            },
            "audio_token_id": token("<|AUDIO|>"),
            "image_token_id": token("<|IMAGE|>"),
            "video_token_id": token("<|VIDEO|>"),
            "audio_start_token_id": token("<|audio_bos|>"),
            "vision_start_token_id": token("<|vision_bos|>"),
        },
    )
    torch.manual_seed(SEED)
    model = transformers.Qwen3OmniMoeForConditionalGeneration(config)
    return save(folder, model, _omni_processor(transformers.Qwen3OmniMoeProcessor, tokenizer))


def _omni_processor(kind: Any, tokenizer: Any) -> Any:
    return kind(
        transformers.Qwen2VLImageProcessor(),
        transformers.Qwen2VLVideoProcessor(),
        transformers.WhisperFeatureExtractor(feature_size=80),
        tokenizer,
        chat_template=OMNI_TEMPLATE,
    )


def gemma_4(folder: Path) -> Path:
    """Gemma 4 with its audio tower, as of the models of 2 and 4 billion parameters."""
    tokens = {
        "image_token": "<|image|>",
        "boi_token": "<|image>",
        "eoi_token": "<image|>",
        "audio_token": "<|audio|>",
        "boa_token": "<|audio>",
        "eoa_token": "<audio|>",
    }
    tokenizer = fast_tokenizer(["<bos>", "<|video|>"], bos_token="<bos>", extra_special_tokens=tokens)
    token = tokenizer.convert_tokens_to_ids
    config = transformers.Gemma4Config(
        text_config={
            **TEXT,
            "num_hidden_layers": 4,
            "num_kv_shared_layers": 2,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
            "vocab_size": len(tokenizer),
            "vocab_size_per_layer_input": len(tokenizer),
            "hidden_size_per_layer_input": 8,
            "head_dim": 8,
            "global_head_dim": 16,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.bos_token_id,
        },
        audio_config={
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "subsampling_conv_channels": [128, 4],  # the first is the number of mel bands
            "output_proj_dims": 32,
            "initializer_range": 0.1,
        },
        vision_config=VISION | {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16},
        boi_token_id=token("<|image>"),
        eoi_token_id=token("<image|>"),
        image_token_id=token("<|image|>"),
        video_token_id=token("<|video|>"),
        boa_token_id=token("<|audio>"),
        eoa_token_index=token("<audio|>"),
        audio_token_id=token("<|audio|>"),
    )
    processor = transformers.Gemma4Processor(
        transformers.Gemma4AudioFeatureExtractor(),
        transformers.Gemma4ImageProcessor(),
        tokenizer,
        transformers.Gemma4VideoProcessor(),
        chat_template="<bos>" + template("<|audio|>"),
    )
    torch.manual_seed(SEED)
    return save(folder, transformers.Gemma4ForConditionalGeneration(config), processor)


def phi_4_multimodal(folder: Path) -> Path:
    """Phi-4 multimodal with its speech adapter merged: an adapter beside a model is refused."""
    tokens = {"image_token": "<|image|>", "audio_token": "<|audio|>"}
    tokenizer = fast_tokenizer(tokens.values(), extra_special_tokens=tokens)
    token = tokenizer.convert_tokens_to_ids
    config = transformers.Phi4MultimodalConfig(
        **TEXT,
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        audio_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_blocks": 2,
            "num_attention_heads": 4,
            "ext_pw_out_channel": 32,
            "depthwise_separable_out_channel": 32,
            "nemo_conv_channels": 16,
            "audio_token_id": token("<|audio|>"),
            "initializer_range": 0.1,
        },
        vision_config=VISION
        | {
            "num_attention_heads": 2,
            "image_size": 28,
            "crop_size": 28,
            "image_token_id": token("<|image|>"),
        },
    )
    processor = transformers.Phi4MultimodalProcessor(
        transformers.Phi4MultimodalImageProcessor(),
        transformers.Phi4MultimodalFeatureExtractor(),
        tokenizer,
        chat_template=template("<|audio|>"),
    )
    torch.manual_seed(SEED)
    return save(folder, transformers.Phi4MultimodalForCausalLM(config), processor)


def granite_speech(folder: Path) -> Path:
    """Granite Speech without the adapter that comes with some, and with its template that takes text only."""
    tokenizer = fast_tokenizer(["<|audio|>"])
    config = transformers.GraniteSpeechConfig(
        text_config={"model_type": "granite", "vocab_size": len(tokenizer), **TEXT},
        encoder_config={
            "hidden_dim": 32,
            "num_layers": 2,
            "num_heads": 4,
            "output_dim": 16,
            "initializer_range": 0.1,
        },
        projector_config={
            "model_type": "blip_2_qformer",
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 4,
            "encoder_hidden_size": 32,
            "initializer_range": 0.1,
        },
        audio_token_index=tokenizer.convert_tokens_to_ids("<|audio|>"),
        has_lora_adapter=False,
        initializer_range=0.1,
    )
    processor = transformers.GraniteSpeechProcessor(
        transformers.GraniteSpeechFeatureExtractor(), tokenizer, chat_template=TEXT_ONLY
    )
    torch.manual_seed(SEED)
    return save(folder, transformers.GraniteSpeechForConditionalGeneration(config), processor)


TEXT_ONLY = """{% for message in messages %}<|im_start|>{{ message['role'] }}
{{ message['content'] + '' }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


MORE_FAMILIES: dict[str, Callable[[Path], Path]] = {
    "gemma_4": gemma_4,
    "granite_speech": granite_speech,
    "phi_4_multimodal": phi_4_multimodal,
    "qwen2_5_omni": qwen2_5_omni,
    "qwen3_omni": qwen3_omni,
}
