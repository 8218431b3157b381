"""Constant guesses, the order of options and answers not yet begun are said in one line each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ambivox.models import Request
from ambivox.present.html import write_report
from ambivox.present.names import note_lines
from ambivox.run import Study, run_study
from ambivox.run_folder import Run
from ambivox.scoring import score
from tests.run.toy import ToyModel


@dataclass
class Deaf(ToyModel):
    """Says and thinks the same whatever it hears, but for a little noise in its logits."""

    noise: float = 0.0

    def _logits(self, request: Request) -> NDArray[np.float64]:
        heard = super()._logits(request)
        return np.random.default_rng(1).normal(size=heard.shape) + self.noise * heard


@dataclass
class ByRote(ToyModel):
    """Begins with the option that was offered first, whatever it hears."""

    def _logits(self, request: Request) -> NDArray[np.float64]:
        logits = super()._logits(request)
        first = request.prompt.order[0]
        for sequence, label in zip(
            request.label_tokens.sequences, request.label_tokens.sequence_labels, strict=True
        ):
            logits[:, sequence[0]] += 20.0 * (label == first)
        return logits


def cautions(study: Study, out: Path, model: ToyModel, **changes: object) -> tuple[str, ...]:
    changed = Study.model_validate(
        study.model_dump() | {"prompts": ["word"], "readouts": ["label", "first"]} | changes
    )
    return tuple(note_lines(score(run_study(changed, out, models=[model])).cautions))


def test_a_model_that_hears_is_not_cautioned(study: Study, tmp_path: Path) -> None:
    found = cautions(study, tmp_path / "out", ToyModel())
    assert [c for c in found if "next to no probability" not in c and "forms of a label" not in c] == []


def test_the_same_answer_everywhere_is_said_in_one_line(study: Study, tmp_path: Path) -> None:
    found = cautions(study, tmp_path / "out", Deaf())
    said = "the same answer on 6 of 6 clips; its score is that of a constant guess"
    assert f"manifest: toy: word: label, first: {said}" in found
    assert all("\n" not in text for text in found)


def test_one_other_answer_in_ten_is_still_constant_and_one_in_five_is_not() -> None:
    from ambivox.scoring.cautions import modal

    p = np.eye(3)[[0] * 9 + [1]]
    assert modal(p, np.zeros(10, dtype=int)) == 9


def test_every_option_order_is_looked_at_by_itself(study: Study, tmp_path: Path) -> None:
    found = cautions(study, tmp_path / "out", Deaf(), order_seeds=[None, 1, 2], prompts=["word", "letter"])
    assert any("letter: label, first: the same answer on 18 of 18 readings" in text for text in found)


def test_logits_that_hardly_move_are_said(study: Study, tmp_path: Path) -> None:
    letters = {"prompts": ["letter"], "order_seeds": [None, 1, 2]}  # which letter is which label changes
    for name, changes in (("one", {}), ("orders", letters)):
        found = cautions(study, tmp_path / name, Deaf(noise=0.02), **changes)
        assert any("first: hardly moves from clip to clip" in text for text in found), name


def test_a_constant_answer_to_constant_votes_is_no_mistake(study: Study, tmp_path: Path) -> None:
    manifest = tmp_path / "clips" / "manifest.csv"
    head, *rows = manifest.read_text(encoding="utf-8").splitlines()
    same = [",".join([*row.split(",")[:3], "1", "2", "3", "4", "0"]) for row in rows]
    manifest.write_text("\n".join([head, *same]), encoding="utf-8")
    assert not any("constant" in text for text in cautions(study, tmp_path / "out", Deaf()))


def test_a_model_that_begins_with_the_first_option_is_said_to(study: Study, tmp_path: Path) -> None:
    found = cautions(study, tmp_path / "out", ByRote(), order_seeds="rotations", readouts=["first"])
    assert any(
        "first: names the option offered first in 36 of 36: it reads the order" in text for text in found
    )


def test_labels_without_probability_are_said(study: Study, tmp_path: Path) -> None:
    found = cautions(study, tmp_path / "out", ToyModel(), readouts=["first"])
    assert any("next to no probability" in text for text in found)


def test_readings_that_hang_on_the_list_of_forms_are_said(study: Study, tmp_path: Path) -> None:
    changes = {"readouts": ["first"], "prompts": ["word", "letter"]}  # a letter is written in one form
    found = [c for c in cautions(study, tmp_path / "out", ToyModel(), **changes) if "forms of a label" in c]
    assert len(found) == 1
    assert found[0].startswith("manifest: toy: word: first: more than 5% of it hangs on which written forms")
    row = next(row for row in score(Run(tmp_path / "out")).rows if row.forms_shift)
    assert row.forms_shift > 0.05


def test_controls_are_not_cautioned(study: Study, tmp_path: Path) -> None:
    assert cautions(study, tmp_path / "out", Deaf(), controls=["silence"]) == ()


def test_the_report_says_it_too(study: Study, tmp_path: Path) -> None:
    small = study.model_copy(update={"prompts": ("word",), "readouts": ("label",)})
    run = run_study(small, tmp_path / "out", models=[Deaf()])
    page = write_report(run, tmp_path / "report.html").read_text("utf-8")
    assert "the same answer on 6 of 6 clips" in page


def test_mini_is_cautioned_where_it_does_not_listen(data_dir: Path, tmp_path: Path) -> None:
    """Whatever the bundled weights are: where nearly all texts are the same, there is a line that says so."""
    study = Study.model_validate(
        {
            "corpora": [{"name": "crema-d", "path": data_dir / "crema-d", "options": {"votes": "voice"}}],
            "prompts": ["word", "letter"],
            "readouts": ["label"],
            "controls": ["clip"],
        }
    )
    run: Run = run_study(study, tmp_path / "out")
    for prompt in ("word", "letter"):
        texts: Sequence[str | None] = [r.replied.text for r in run.records() if r.asked.prompt.name == prompt]
        constant = max(map(texts.count, texts)) >= 0.9 * len(texts)
        said = any(
            f"mini: {prompt}: label: the same answer" in line for line in note_lines(score(run).cautions)
        )
        assert said == constant


def test_labels_that_a_checkpoint_never_learnt_are_named(study: Study, tmp_path: Path) -> None:
    for words, missing in ("anger, disgust, fear, joy, neutral, sad", None), ("angry, sad", "happy"):
        checkpoint = tmp_path / f"checkpoint-{missing}"
        checkpoint.mkdir()
        (checkpoint / "learnt.yaml").write_text(f"labels: [{words}]\n")
        asked = {"models": [{"name": str(checkpoint)}]}
        found = cautions(study, tmp_path / f"out-{missing}", ToyModel(), **asked)
        said = [text for text in found if "never learnt" in text]
        assert len(said) == (missing is not None)
        assert all("disgust, fear, happy, neutral" in text and "angry" not in text for text in said)
