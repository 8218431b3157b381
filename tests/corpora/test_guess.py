from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ambivox.corpora.guess import guess_corpus
from ambivox.errors import UsageError
from tests.corpora.test_hf_datasets import ROWS, save_to_disk, write_parquet
from tests.corpora.trees import MspClip, SpokenTurn, write_iemocap, write_msp


def test_published_layouts_are_told_apart(tmp_path: Path, data_dir: Path) -> None:
    write_iemocap(tmp_path / "i" / "IEMOCAP_full_release", {(2, "Ses02F_impro01"): [SpokenTurn("F", "Hm.")]})
    write_msp(tmp_path / "m", [MspClip()], "2.0")
    save_to_disk(tmp_path / "h", ROWS)
    write_parquet(tmp_path / "p" / "data" / "train-00000-of-00001.parquet", ROWS)
    (tmp_path / "manifest.csv").write_text("id,audio\n")
    pq.write_table(pa.table({"id": ["a"], "audio": ["a.wav"]}), tmp_path / "manifest.parquet")
    found = {
        "i": "iemocap",
        "i/IEMOCAP_full_release": "iemocap",
        "m": "msp-podcast",
        "h": "datasets",
        "p": "datasets",
        "p/data/train-00000-of-00001.parquet": "datasets",
        "manifest.csv": "manifest",
        "manifest.parquet": "manifest",
    }
    assert {name: guess_corpus(tmp_path / name) for name in found} == found
    for name in ("crema-d", "emo-db", "ravdess"):
        assert guess_corpus(data_dir / name) == name


def test_what_cannot_be_told_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"laid out as no corpus that is known.*--corpus"):
        guess_corpus(tmp_path)
    with pytest.raises(UsageError, match="no such file or folder"):
        guess_corpus(tmp_path / "nowhere")
