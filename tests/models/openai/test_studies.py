"""Studies on a server: interrupted, resumed, and never of two models."""

import time
from pathlib import Path
from typing import Any

import pytest

from ambivox.errors import UsageError
from ambivox.models import load_model
from ambivox.readouts import load_readout
from ambivox.record import Record
from ambivox.run import run_study
from ambivox.study import Study
from tests.conftest import REPOSITORY
from tests.models.openai.scripted import Dialect, Scripted, press_ctrl_c, served

pytestmark = pytest.mark.slow


def study(url: str) -> Study:
    return Study.model_validate(
        {
            "corpora": [{"name": "crema-d", "path": REPOSITORY / "examples" / "crema-d", "limit": 4}],
            "models": [{"name": url, "options": {"timeout_s": 5.0, "max_retries": 0, "concurrency": 4}}],
            "prompts": ["word", "letter"],
            "controls": ["clip"],
            "batch_size": 4,
        }
    )


def run(script: Scripted, out: Path, **options: Any) -> list[Record]:
    return list(run_study(study(script.url), out, **options).records())


def test_ctrl_c_with_requests_in_flight_loses_nothing_and_ends_at_once(tmp_path: Path) -> None:
    with served(Scripted(dialect="openai")) as script:
        expected = [record.replied.text for record in run(script, tmp_path / "whole")]
        model = load_model(script.url)
        script.delay_s = 30.0
        press_ctrl_c(script)
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            run(script, tmp_path / "out", models=[model])
        assert time.monotonic() - begun < 20
        script.delay_s = 0.0
        records = run(script, tmp_path / "out")
    assert [record.replied.text for record in records] == expected
    assert len({record.key for record in records}) == len(records) == 8


def test_a_model_that_changed_before_the_resume_is_asked_everything_again(tmp_path: Path) -> None:
    with served(Scripted(dialect="openai")) as script:
        before = run(script, tmp_path / "out")
        script.backend = "fp-2"
        script.seen.clear()
        after = run(script, tmp_path / "out")
    assert len({record.asked.model.fingerprint for record in after}) == 1
    assert not {record.key for record in after} & {record.key for record in before}
    assert sum("input_audio" in str(body["messages"][0]["content"])[:60] for body in script.seen) == len(
        after
    )


@pytest.mark.parametrize("dialect", ["openai", "silent"])
def test_other_weights_under_the_same_name_may_not_go_on_with_a_run(dialect: Dialect, tmp_path: Path) -> None:
    with served(Scripted(dialect=dialect, faults=[*[None] * 6, "500"])) as script:
        before = run(script, tmp_path / "out")
        assert [record.reply is None for record in before].count(True) == 1
        script.weights = "others"
        with pytest.raises(UsageError, match="not the model that began this run"):
            run(script, tmp_path / "out")
        script.weights = ""
        after = run(script, tmp_path / "out")
        script.seen.clear()
        assert len(run(script, tmp_path / "out")) == 8
        assert not [body for body in script.seen if "input_audio" in str(body)]
    kept = {r.key: r.reply.text for r in before if r.reply}
    assert kept.items() <= {r.key: r.replied.text for r in after}.items()


def test_a_backend_that_changes_in_a_run_is_a_failure_that_may_pass(tmp_path: Path) -> None:
    with served(Scripted(dialect="openai", faults=[None, "other-backend"])) as script:
        [failed] = [record.error for record in run(script, tmp_path / "out") if record.error]
        assert failed.code == "unreachable"
        assert "another backend answers (fp-2, before fp-1)" in failed.text
        assert all(record.reply for record in run(script, tmp_path / "out"))


def test_what_failed_for_reasons_of_the_server_is_asked_again_beside_a_few_that_tell_the_model(
    tmp_path: Path,
) -> None:
    with served(Scripted(dialect="openai", faults=["500", None, "404", "413"])) as script:
        first = run(script, tmp_path / "out")
        codes = sorted(record.error.code for record in first if record.error)
        assert codes == ["model", "unreachable", "unreachable"]
        script.seen.clear()
        second = run(script, tmp_path / "out")
    assert [record.error.code for record in second if record.error] == ["model"]
    answered = {record.asked.utterance.id for record in first if record.reply}
    assert sum("input_audio" in str(body["messages"][0]["content"])[:60] for body in script.seen) == 2 + len(
        answered
    )


def test_without_log_probabilities_the_text_is_read_and_no_label_is_told(tmp_path: Path) -> None:
    with served(Scripted(dialect="silent")) as script:
        records = run(script, tmp_path / "out")
    for record in records:
        assert record.replied.text
        reading = load_readout("sequence")(record)
        assert (reading.status, reading.distribution) == ("bounded", None)
        assert reading.lower is not None
        assert not reading.lower.any()
        assert load_readout("first")(record).status == "undefined"
        assert load_readout("label")(record).status in ("ok", "unparsed", "foreign")


def test_records_hold_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "sk-very-secret-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with served(Scripted(dialect="openai", key=key, faults=[None, "401"])) as script:
        run(script, tmp_path / "out")
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(files) > 3
    assert not any(b"very-secret" in path.read_bytes() for path in files)
