from pathlib import Path

import pytest
import yaml

from ambivox.run import Study, load_study
from tests.run.toy import write_corpus


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Six clips x four prompts, shards of five requests, batches of two."""
    return write_study(tmp_path)


def write_study(folder: Path) -> Study:
    """That study, with its clips, in an empty folder."""
    write_corpus(folder / "clips")
    path = folder / "study.yaml"
    data = {
        "corpora": [{"name": "manifest", "path": "clips/manifest.csv"}],
        "controls": ["clip"],
        "shard_size": 5,
        "batch_size": 2,
    }
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return load_study(path)
