"""vLLM's server, for models too whose window is shorter than 30 s; run by the Python of vLLM's environment.

In a check, vLLM's Qwen2-Audio insists on 3,000 frames of features; its model takes any number. Child
processes may import this file again, so the changes stand at the top.
"""

import runpy
from typing import Annotated

import torch
from vllm import ModelRegistry
from vllm.model_executor.models.qwen2_audio import (
    Qwen2AudioFeatureInputs,
    Qwen2AudioForConditionalGeneration,
)
from vllm.utils.tensor_schema import TensorShape

Qwen2AudioFeatureInputs.__annotations__ |= {
    "input_features": Annotated[torch.Tensor | list[torch.Tensor], TensorShape("na", "nmb", "frames")],
    "feature_attention_mask": Annotated[torch.Tensor, TensorShape("na", "frames")],
}
# A class that is known need not be looked at in a process of its own, which imports all of vLLM.
ModelRegistry.register_model("Qwen2AudioForConditionalGeneration", Qwen2AudioForConditionalGeneration)

if __name__ == "__main__":
    runpy.run_module("vllm.entrypoints.openai.api_server", run_name="__main__")
