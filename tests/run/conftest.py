from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from ambivox import lease
from ambivox.run import Study, load_study
from tests.run.toy import write_corpus

SECRET = "hush-hush-hush"
"""The key to the server like S3."""


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


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A server like S3 with an empty bucket ``studies``, to which the environment leads."""
    moto, s3fs = pytest.importorskip("moto.server"), pytest.importorskip("s3fs")
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(lease, "SETTLED_S", 0.0)
    s3fs.S3FileSystem.clear_instance_cache()
    httpx.post(f"http://{host}:{port}/moto-api/reset").raise_for_status()
    s3fs.S3FileSystem().mkdir("studies")
    yield running
    running.stop()
    s3fs.S3FileSystem.clear_instance_cache()
