"""A prompt: the path of a YAML file."""

from pathlib import Path

THINK_ALOUD = Path(__file__).parent / "think_aloud.yaml"
