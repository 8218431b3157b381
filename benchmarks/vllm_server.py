"""vLLM's server, for models too whose window is shorter than 30 s; run by the Python of vLLM's environment.

In a check, vLLM's Qwen2-Audio insists on 3,000 frames of features; its model takes any number. Child
processes import this file again, so the change stands at the top.
"""

import runpy
from typing import Annotated

import torch
from vllm.model_executor.models.qwen2_audio import Qwen2AudioFeatureInputs
from vllm.utils.tensor_schema import TensorShape

Qwen2AudioFeatureInputs.__annotations__ |= {
    "input_features": Annotated[torch.Tensor | list[torch.Tensor], TensorShape("na", "nmb", "frames")],
    "feature_attention_mask": Annotated[torch.Tensor, TensorShape("na", "frames")],
}

if __name__ == "__main__":
    runpy.run_module("vllm.entrypoints.openai.api_server", run_name="__main__")
