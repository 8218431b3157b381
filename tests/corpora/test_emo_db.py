from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ambivox.corpora import load_emo_db, load_recognition_rates
from ambivox.errors import UsageError

TABLE = (
    "Nr.\tSatz\terkannt\tnatuerlich\r\n"
    "1  \t03a01Fa.wav\t90,00     \t75,00     \r\n"
    "2  \t08a05Wb.wav\t72,50     \t5,00\r\n"
)


def make(root: Path, *names: str) -> Path:
    (root / "wav").mkdir()
    for name in names:
        (root / "wav" / name).touch()
    return root


def test_a_clip_knows_its_speaker_sentence_and_intended_emotion(tmp_path: Path) -> None:
    corpus = load_emo_db(make(tmp_path, "08a05Wb.wav", "03a01Fa.wav"))
    assert [(u.id, u.speaker, u.intended) for u in corpus] == [
        ("03a01Fa", "03", "happy"),
        ("08a05Wb", "08", "angry"),
    ]
    assert corpus.utterances[1].transcript == (
        "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück."
    )
    assert not any(u.votes for u in corpus)


def test_files_with_other_names_are_left_out_and_counted(tmp_path: Path) -> None:
    corpus = load_emo_db(make(tmp_path, "03a01Fa.wav", "03a09Fa.wav", "copy of 03a01Fa.wav"))
    assert len(corpus) == 1
    assert corpus.notes == (
        "files that are not named as the corpus's clips, left out: 2 (03a09Fa.wav, copy of 03a01Fa.wav)",
    )


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no clip such as 03a01Fa\.wav in here: give the folder of emo-db"):
        load_emo_db(tmp_path)


def test_recognition_rates_are_shares(tmp_path: Path) -> None:
    (tmp_path / "erkennung.txt").write_bytes(TABLE.encode("latin-1"))
    assert load_recognition_rates(tmp_path) == {"03a01Fa": 0.9, "08a05Wb": 0.725}


@pytest.mark.parametrize("line", ["3\t03a01Wa.wav\t90", "3\t03a01Wa.wav\t101,00\t10,00", "3\tx\ty\tz"])
def test_other_lines_in_the_table_are_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "erkennung.txt").write_bytes((TABLE + line).encode("latin-1"))
    with pytest.raises(UsageError, match=r"erkennung\.txt: line 4: expected a number, a clip"):
        load_recognition_rates(tmp_path)


def test_every_real_clip_has_a_recognition_rate(data_dir: Path) -> None:
    corpus = load_emo_db(data_dir / "emo-db")
    rates = load_recognition_rates(data_dir / "emo-db")
    assert len(corpus) == 403
    assert corpus.notes == ()
    assert len(rates) == 816
    assert {u.id for u in corpus} <= rates.keys()
    assert rates["03a01Fa"] == 0.9
    assert all(0 <= rate <= 1 for rate in rates.values())
    assert Counter(u.intended for u in corpus)["angry"] == 101
    assert len({u.speaker for u in corpus}) == 8
