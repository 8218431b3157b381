"""What tests of the app share: the bundled model, clips, and models that go wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ambivox.errors import UsageError
from ambivox.models import Reply, Request, SpeechModel, load_model

CLIPS = Path(__file__).parents[2] / "examples" / "crema-d" / "AudioWAV"
CLIP = CLIPS / "1001_DFA_FEA_XX.wav"
OTHER = CLIPS / "1002_DFA_HAP_XX.wav"
EVIL = "</script><script>document.title='x'</script><img src=x onerror=document.title='x'>\"'&${1}{{2}}"
RIGHT_TO_LEFT = "שלום-\u202eabc"


class Behind:
    """Another model, but for what a subclass does otherwise."""

    def __init__(self, model: SpeechModel, name: str) -> None:
        self.model = model
        self.name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)


class Dying(Behind):
    """Fails as no engine should."""

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        raise TypeError("'NoneType' object is not\nsubscriptable")


class WithoutLayers(Behind):
    """Refuses to show its layers."""

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        if any(request.lens for request in requests):
            raise UsageError("its layers cannot be read")
        return self.model.generate(requests)


@pytest.fixture(scope="session")
def mini() -> SpeechModel:
    return load_model("mini")
