"""Estimates against a real model of the class, and against the FLOPs that torch counts in a real step."""

import json

import pytest
import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

from ambivox.finetuning.config import LoraSpec
from ambivox.finetuning.estimate import estimate
from ambivox.finetuning.examples import Examples
from ambivox.finetuning.parts import look_up
from ambivox.finetuning.run import load_trainable
from ambivox.finetuning.trainer import make_trainer
from ambivox.finetuning.weights import trained_parameters
from tests.finetuning.material import config
from tests.models.hf.checkpoints import qwen2_audio

THREE = ["word", "letter", "dictionary"]

WAYS = {
    "lora": {"lora": LoraSpec(dropout=0.0)},
    "lora on attention": {"lora": LoraSpec(dropout=0.0, modules=("attention",), rank=4)},
    "all weights": {"lora": None},
    "without the audio tower": {"lora": None, "freeze": ("audio_tower",)},
}


@pytest.fixture(params=sorted(WAYS))
def settings(request, tmp_path, tiny, manifest):
    # wide enough that products with weights outweigh what is not counted
    return config(tmp_path, tiny, manifest, **WAYS[request.param])


def test_parameters_and_trained_ones_are_those_of_the_model(settings):
    found = estimate(settings)
    speech, model = load_trainable(settings)
    trained = sum(p.numel() for p in trained_parameters(model))
    assert found.trained == trained
    assert found.parameters == sum(p.numel() for p in speech.model.parameters()) - (
        trained if settings.lora else 0
    )
    assert found.memory_gib["weights"] * 2**30 == 4 * found.parameters
    assert found.memory_gib["optimiser"] * 2**30 == 8 * trained
    assert found.steps == 6


def test_flops_are_near_those_that_torch_counts(settings, tmp_path):
    parts = look_up(settings)
    speech, model = load_trainable(settings)
    speech.model.set_attn_implementation("eager")  # torch does not count the products in fused attention
    shown = Examples(speech, parts.splits["train"], parts.prompts, parts.emotions)
    made = make_trainer(
        speech, model, parts.loss, shown, shown, settings.schedule, out=tmp_path, seed=0, report=print
    )
    rows = [shown[place] for place in range(4)]
    with FlopCounterMode(display=False) as counter:
        made.compute_loss(model, made.data_collator(rows)).backward()
    assert estimate(settings).step_flops == pytest.approx(counter.get_total_flops(), rel=0.15)


def test_more_is_estimated_for_what_needs_more(tmp_path, tiny, manifest):
    base = estimate(
        config(tmp_path, tiny, manifest, prompts=THREE, schedule={"max_steps": None, "epochs": 2})
    )
    saving = {"max_steps": None, "activation_checkpointing": True}
    again = config(tmp_path, tiny, manifest, prompts=THREE, schedule=saving)
    saved = estimate(again)
    assert saved.memory_gib["activations"] < base.memory_gib["activations"]
    assert saved.step_flops > base.step_flops
    assert base.steps == 2 * (8 * 3 // 4)  # 8 clips under 3 prompts, 4 a step
    assert base.hours(1e9) == pytest.approx(base.steps * base.step_flops / 1e9 / 3600)


def test_a_seven_billion_model_is_estimated_without_its_weights(tmp_path, manifest):
    # the sizes of Qwen/Qwen2-Audio-7B-Instruct
    qwen2_audio(tmp_path, max_source_positions=1500)
    (tmp_path / "model.safetensors").unlink()
    token = json.loads((tmp_path / "config.json").read_text())["audio_token_index"]
    transformers.Qwen2AudioConfig(
        audio_config={"d_model": 1280, "encoder_layers": 32, "num_mel_bins": 80},
        text_config={
            "model_type": "qwen2",
            "hidden_size": 4096,
            "intermediate_size": 11008,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 32,
            "vocab_size": 156032,
        },
        audio_token_index=token,
        dtype=torch.bfloat16,
    ).save_pretrained(tmp_path)
    found = estimate(config(tmp_path, tmp_path, manifest, lora=LoraSpec()))
    assert found.parameters == pytest.approx(8.4e9, rel=0.01)  # as on its page
    # rank 8 on q, k, v, o (4096 x 4096) and gate, up, down (4096 x 11008) of 32 layers
    assert found.trained == 8 * 32 * (4 * (4096 + 4096) + 3 * (4096 + 11008))
    assert found.memory_gib["weights"] == pytest.approx(15.6, abs=0.1)
