"""Checkpoints are built once per run, each on its first use."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers

from ambivox.models import load_model
from ambivox.models.hf.adapter import TransformersModel
from tests.models.hf.asking import ask, clip
from tests.models.hf.families import FAMILIES, UNSHARED, WITHOUT_PROCESSOR

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    built: dict[str, Path] = {}

    def build(family: str) -> Path:
        if family not in built:
            built[family] = FAMILIES[family](tmp_path_factory.mktemp(family))
        return built[family]

    return build


@pytest.fixture(scope="session")
def loaded(checkpoint: Callable[[str], Path]) -> Callable[[str], TransformersModel]:
    models: dict[str, TransformersModel] = {}

    def load(family: str) -> TransformersModel:
        if family not in models:
            with pytest.MonkeyPatch.context() as patch:
                if family in WITHOUT_PROCESSOR:
                    processor = WITHOUT_PROCESSOR[family]()
                    patch.setattr(transformers.AutoProcessor, "from_pretrained", lambda *_, **__: processor)
                model = load_model(str(checkpoint(family)), device="cpu")
            assert isinstance(model, TransformersModel)
            if family in UNSHARED:
                with pytest.warns(RuntimeWarning, match="nothing can be shared"):
                    model.generate([ask(model, clip(1.0))])
            models[family] = model
        return models[family]

    return load


@pytest.fixture
def copy(checkpoint: Callable[[str], Path], tmp_path: Path) -> Path:
    """A checkpoint to be changed."""
    return Path(shutil.copytree(checkpoint("glm_asr"), tmp_path / "copy"))


@pytest.fixture(params=sorted(FAMILIES))
def model(request: pytest.FixtureRequest, loaded: Callable[[str], TransformersModel]) -> TransformersModel:
    return loaded(request.param)
