"""Small random Whisper checkpoints of the real classes, English and multilingual."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers

from tests.models.hf.checkpoints import SEED, bpe

CONTROL = ("<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|translate|>", "<|transcribe|>")
CONTROL += ("<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>")


def whisper(folder: Path, *, multilingual: bool = True, window_s: int = 2) -> Path:
    """A checkpoint of 2 + 2 layers of width 32 that hears so many seconds."""
    tokenizer = transformers.WhisperTokenizerFast(
        tokenizer_object=bpe(CONTROL),
        unk_token="<|endoftext|>",
        bos_token="<|endoftext|>",
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(CONTROL[1:]),
    )
    end, begin = tokenizer.convert_tokens_to_ids(["<|endoftext|>", "<|startoftranscript|>"])
    config = transformers.WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_source_positions=50 * window_s,
        max_target_positions=64,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        decoder_start_token_id=begin,
        init_std=0.3,  # a tiny model's answer has to depend on what it heard
    )
    torch.manual_seed(SEED)
    model = transformers.WhisperForConditionalGeneration(config)
    model.generation_config = transformers.GenerationConfig(
        is_multilingual=multilingual,
        decoder_start_token_id=begin,
        eos_token_id=end,
        pad_token_id=end,
        suppress_tokens=tokenizer.convert_tokens_to_ids(list(CONTROL[1:])),
        begin_suppress_tokens=[end],
        repetition_penalty=1.3,  # as the settings of a checkpoint may be
    )
    model.save_pretrained(folder)
    extractor = transformers.WhisperFeatureExtractor(chunk_length=window_s)
    transformers.WhisperProcessor(extractor, tokenizer).save_pretrained(folder)
    return folder
