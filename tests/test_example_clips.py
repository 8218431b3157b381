"""The example clips are an excerpt of CREMA-D that says what it is, under which licence."""

import csv
from pathlib import Path

import pytest

from ambivox.audio import SAMPLE_RATE_HZ, load_audio
from ambivox.corpora import load_crema_d
from ambivox.emotions import load_emotions
from ambivox.raters.distribution import count_votes

EXAMPLE = Path(__file__).parents[1] / "examples" / "crema-d"


def test_every_clip_is_heard_and_has_votes_of_people_within_cremad6() -> None:
    corpus = load_crema_d(EXAMPLE, votes="voice")
    assert len(corpus) == 12
    assert {u.speaker for u in corpus} == {"1001", "1002"}
    assert not corpus.load_issues
    for utterance in corpus:
        assert 1 < len(load_audio(utterance.audio)) / SAMPLE_RATE_HZ < 4
        votes = count_votes(utterance.votes, load_emotions("cremad6"))
        assert 8 <= votes.total <= 11
        assert not votes.outside


def test_the_votes_are_those_of_the_published_table(data_dir: Path) -> None:
    whole = (data_dir / "crema-d" / "processedResults" / "tabulatedVotes.csv").read_text("utf-8").splitlines()
    here = (EXAMPLE / "processedResults" / "tabulatedVotes.csv").read_text("utf-8").splitlines()
    clips = {row["fileName"] for row in csv.DictReader(here)}
    assert len(clips) == 12
    assert here == [line for line in whole if line.startswith('"",') or any(f'"{c}"' in line for c in clips)]


@pytest.mark.parametrize(
    "said", ["Open Database License", "Database Contents License", "10.1109/TAFFC.2014.2336244"]
)
def test_the_notice_names_licences_and_source(said: str) -> None:
    assert said in (EXAMPLE / "README.md").read_text("utf-8")
