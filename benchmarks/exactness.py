"""How far prefix sharing is from the reference path on every family of `tests/models/hf/families.py`.

    python -m benchmarks.exactness > benchmarks/results/exactness.md
    make families  # with torchvision and torchaudio: benchmarks/results/families.md

Four clips of 0.4 to 4 s, four prompts each with answers of 8 tokens, labels of several tokens scored; the
reference path is transformers' own `generate` and a pass per label prefix. Random weights, float32, CPU.
"""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import torch
import transformers
from tests.models.hf.families import FAMILIES, WITHOUT_PROCESSOR

from ambivox.models import load_model
from ambivox.models.hf.prefix_sharing.checked import distance
from benchmarks.engine import work

SOME_LABELS = [["angry"], ["sad"]]


def main() -> None:
    torch.set_num_threads(1)
    print(
        "| family | shared | largest difference in probability | same answers | encodes the real part only |"
    )
    print("|---|---|---|---|---|")
    load_processor = transformers.AutoProcessor.from_pretrained
    for family, build in FAMILIES.items():
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder))
            if family in WITHOUT_PROCESSOR:
                processor = WITHOUT_PROCESSOR[family]()
                transformers.AutoProcessor.from_pretrained = lambda *_, p=processor, **__: p
            model = load_model(folder, device="cpu")
            transformers.AutoProcessor.from_pretrained = load_processor
        requests = work.requests(model, work.clips(4, (0.4, 4.0)), work.prompts(4, 8))
        label_tokens = model.label_tokens(SOME_LABELS)
        requests = [
            replace(r, score=n % 4 == 0, label_tokens=label_tokens if n % 4 == 0 else r.label_tokens)
            for n, r in enumerate(requests)
        ]
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            got = model.sharing.run(model.jobs(requests))
        expected = model.reference.run(model.jobs(requests))
        apart = max(distance(a, b) for a, b in zip(expected, got, strict=True))
        same = sum(
            a.answers[0].token_ids == b.answers[0].token_ids for a, b in zip(expected, got, strict=True)
        )
        shared = model.sharing.shared
        print(
            f"| {family} | {'yes' if shared else str(said[-1].message).rpartition(', since ')[2]} | "
            f"{apart:.0e} | {same}/{len(got)} | {'yes' if shared and shared.encode.shortens else 'no'} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
