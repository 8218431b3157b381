"""The example clips: an excerpt of CREMA-D that comes with the package, and lies beside it in a clone."""

from __future__ import annotations

from pathlib import Path

_PLACES = (
    Path(__file__).parent / "examples" / "crema-d",
    Path(__file__).parents[3] / "examples" / "crema-d",
)


def example_clips() -> dict[str, str]:
    """The clips by name; none where they were left out of an installation."""
    folder = next((place for place in _PLACES if place.is_dir()), None)
    files = sorted((folder / "AudioWAV").glob("*.wav")) if folder else []
    return {file.stem: str(file) for file in files}
