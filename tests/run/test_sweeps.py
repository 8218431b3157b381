"""Factors of a study are rows of its table; orders of the options are repetitions of a row."""

from pathlib import Path

import pytest

from ambivox.run import Study, run_study
from ambivox.scoring import score
from tests.run.toy import ToyModel
from tests.scoring.rows import prompt_of, readout_of

pytestmark = pytest.mark.usefixtures("few_noise_draws")


@pytest.mark.parametrize(
    ("factors", "rows"),
    [
        ({"wordings": [None, {"sad": "sadness", "fear": "afraid"}]}, {"word", "word, worded afraid/sadness"}),
        ({"temperatures": [0.5, 1.0], "readouts": ["frequency"], "n_draws": 3}, {"word", "word, T=0.5"}),
        ({"order_seeds": "rotations"}, {"word"}),
    ],
)
def test_levels_of_a_factor_are_rows_and_orders_are_pooled(
    study: Study, tmp_path: Path, factors: dict[str, object], rows: set[str]
) -> None:
    small = {"prompts": ["word"], "readouts": ["label"]}
    swept = Study.model_validate(study.model_dump() | small | factors)
    table = score(run_study(swept, tmp_path / "out", models=[ToyModel()]))
    found = [row for row in table.rows if row.level != "control"]
    assert {prompt_of(row) for row in found} == rows
    n_orders = 6 if factors.get("order_seeds") else 1
    assert {row.utterances for row in found} == {6 * n_orders}


def test_every_layer_is_a_row(study: Study, tmp_path: Path) -> None:
    swept = study.model_copy(update={"prompts": ("word",), "readouts": ("first", "lens")})
    table = score(run_study(swept, tmp_path / "out", models=[ToyModel()]))
    assert [readout_of(row) for row in table.rows if row.level == "token"] == [
        "first",
        "lens(layer=1)",
        "lens(layer=2)",
    ]


def test_a_cooler_temperature_draws_answers_more_alike(study: Study, tmp_path: Path) -> None:
    swept = study.model_copy(
        update={"prompts": ("word",), "readouts": ("frequency",), "temperatures": (0.01, 5.0), "n_draws": 30}
    )
    records = list(run_study(swept, tmp_path / "out", models=[ToyModel()]).records())
    cold, hot = (
        sum(len(set(r.replied.draws or ())) for r in records if r.asked.temperature == t) for t in (0.01, 5.0)
    )
    assert cold < hot
