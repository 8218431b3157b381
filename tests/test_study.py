from pathlib import Path

import pytest

from ambivox.errors import UsageError
from ambivox.run import load_study

GOOD = "corpora: [{name: manifest, path: m.csv}]\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_study_needs_only_a_corpus(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, GOOD))
    assert [model.name for model in study.models] == ["mini"]
    assert study.emotions == "cremad6"
    assert study.controls == ("clip", "silence", "no-audio", "swapped")


def test_paths_start_at_the_folder_of_the_study(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, GOOD + "prompts: [mine.yaml]\nemotions: own.yml\n"))
    assert study.corpora[0].path == tmp_path / "m.csv"
    assert study.prompts == (str(tmp_path / "mine.yaml"),)
    assert study.emotions == str(tmp_path / "own.yml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "promts: [word]\n", "unknown key 'promts': did you mean 'prompts'"),
        ("corpora: [{name: manifest, pth: x}]\n", "path"),
        ("corpora: [{name: manifest, path: x, limits: 3}]\n", "unknown key 'limits': did you mean 'limit'"),
        (GOOD + "models: [{nmae: x}]\n", "name"),
        (GOOD + "batch_size: 0\n", "batch_size: input should be greater than or equal to 1"),
        (
            GOOD + "controls: [deafness]\n",
            "controls.0: input should be 'clip', 'silence', 'noise', 'swapped'",
        ),
        (GOOD + "order_seeds: [a]\n", "order_seeds"),
        (GOOD + "temperatures: [0]\n", "temperatures.0: input should be greater than 0"),
        (GOOD + "prompts: []\n", "prompts: "),
        ("prompts: [word]\n", "corpora: field required"),
        ("- just\n- a list\n", "expected lines of 'key: value' that describe a study"),
        (GOOD + GOOD, "the key 'corpora' is given twice"),
        ("corpora: [}\n", "not YAML"),
        ("corpora: !!python/object/apply:os.system [ls]\n", "not YAML"),
    ],
)
def test_a_mistake_in_a_study_is_one_line_that_names_file_and_key(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(UsageError) as error:
        load_study(write(tmp_path, text))
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "study.yaml"))
    assert "\n" not in str(error.value)


def test_a_missing_study_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load_study(tmp_path / "none.yaml")
