"""Why readings are undefined stands in the table, not only that they are."""

from pathlib import Path

import pytest

from ambivox.run import run_study
from ambivox.scoring import ScoringOptions, score
from ambivox.scoring.table import ScoreRow
from ambivox.study import Study
from tests.run.toy import ToyModel
from tests.scoring.rows import readout_of

pytestmark = pytest.mark.usefixtures("few_noise_draws")


def test_the_reason_of_undefined_readings_is_that_of_the_readout_or_the_calibration(
    study: Study, tmp_path: Path
) -> None:
    run = run_study(study.model_copy(update={"prompts": ("word",)}), tmp_path / "out", models=[ToyModel()])
    negative = "mean(value=log-probability, normalise=sum)"
    table = score(run, ScoringOptions(readouts=[negative, "label"], calibrations=["batch"]))

    def reason(name: str) -> str:
        found: ScoreRow = next(row for row in table.rows if readout_of(row) == name)
        assert found.reason is not None
        return found.reason.text

    assert "undefined: log-probability: negative values" in reason(negative)
    assert "undefined: the answers leave too little probability for a label" in reason("label + batch")
