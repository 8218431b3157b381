"""Options and arguments that several commands have, each once: one flag, one help text, one list of choices.

Closed choices are types of `ambivox.choices`, so that help and completion list them. Names that plug-ins may
add to are completed from their registry.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ambivox.choices import ClipSound, Cluster, Dtype, FailedAs, Outside, Truth, TruthMethod


def names_in(module: str, registry: str) -> Callable[[str], list[str]]:
    """A completion: the names of a registry, imported when somebody presses the key."""

    def complete(incomplete: str) -> list[str]:
        names = getattr(importlib.import_module(f"ambivox.{module}"), registry)
        log = logging.getLogger("ambivox")
        level = log.level
        log.setLevel(logging.ERROR)  # commands say what is wrong with a plug-in; a prompt is no place for it
        try:
            return [name for name in names if name.startswith(incomplete)]
        finally:
            log.setLevel(level)

    return complete


def emotion_set_names(incomplete: str) -> list[str]:
    """A completion: the emotion sets."""
    from ambivox.emotions import emotion_sets

    return [name for name in emotion_sets() if name.startswith(incomplete)]


def complete_columns(incomplete: str) -> list[str]:
    """A completion: the last of several columns of the score table, with commas between them."""
    from ambivox.metrics import METRICS
    from ambivox.present.scores import OTHER_COLUMNS

    before, comma, last = incomplete.rpartition(",")
    return [before + comma + name for name in (*OTHER_COLUMNS, *METRICS) if name.startswith(last)]


complete_metrics = names_in("metrics", "METRICS")
complete_readouts = names_in("readouts", "READOUTS")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV instead.")]

# What to ask, and whom.
_MODEL = typer.Option(
    "--model",
    "-m",
    metavar="MODEL",
    help="'mini', an engine, a folder, or a hub name org/name.",
    autocompletion=names_in("models", "MODELS"),
)
ModelOption = Annotated[str, _MODEL]
ModelsOption = Annotated[list[str] | None, _MODEL]
AnyModelOption = Annotated[str | None, _MODEL]
"""One of the models of a run, where it has several."""
ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="'mini', an engine, a folder, or a hub name org/name.",
        autocompletion=names_in("models", "MODELS"),
    ),
]
TrustOption = Annotated[
    bool, typer.Option("--trust-remote-code", help="Run code that comes with the model's weights.")
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device", metavar="DEVICE", help="Where the model runs, such as 'cpu', 'cuda' or 'cuda:1'."
    ),
]
DtypeOption = Annotated[Dtype | None, typer.Option("--dtype", help="What the model computes with.")]


def model_options(trust_remote_code: bool, device: str | None, dtype: Dtype | None) -> dict[str, object]:
    """What was asked of a model's engine, for `load_model`; what was not asked is left to the engine."""
    asked: dict[str, object] = {
        "device": device,
        "dtype": dtype,
        "trust_remote_code": trust_remote_code or None,
    }
    return {name: value for name, value in asked.items() if value is not None}


PromptOption = Annotated[
    list[str] | None,
    typer.Option(
        "--prompt",
        "-p",
        metavar="PROMPT",
        help="A prompt by name, or a YAML file.",
        autocompletion=names_in("prompts", "PROMPTS"),
    ),
]
OnePromptOption = Annotated[
    str | None,
    typer.Option(
        "--prompt",
        "-p",
        metavar="PROMPT",
        help="A prompt by name, or a YAML file.",
        autocompletion=names_in("prompts", "PROMPTS"),
    ),
]
PromptArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[PROMPT]",
        help="A prompt to show, by name or a YAML file; without it, they are listed.",
        autocompletion=names_in("prompts", "PROMPTS"),
    ),
]
EmotionsOption = Annotated[
    str,
    typer.Option(
        "--emotions",
        "-e",
        metavar="SET",
        help="An emotion set by name, or a YAML file.",
        autocompletion=emotion_set_names,
    ),
]
AnyEmotionsOption = Annotated[
    str | None,
    typer.Option(
        "--emotions",
        "-e",
        metavar="SET",
        help="An emotion set by name, or a YAML file; without it, all labels that occur.",
        autocompletion=emotion_set_names,
    ),
]
ReadoutOption = Annotated[
    list[str] | None,
    typer.Option(
        "--readout",
        metavar="READOUT",
        help="A readout in place of the usual ones, such as 'mean(value=logit)'; may be repeated.",
        autocompletion=complete_readouts,
    ),
]
ChannelOption = Annotated[
    str | None,
    typer.Option(metavar="CHANNEL", help="Which channel: a number from 0, or 'mix' for their average."),
]

CalibrateOption = Annotated[
    Path | None,
    typer.Option(
        "--calibrate", metavar="FILE.json", help="Apply the calibration that 'ambivox calibrate' wrote."
    ),
]

AudioOption = Annotated[
    ClipSound,
    typer.Option(
        "--audio", help="How clips are heard on a page: by links to their files, inside the page, or not."
    ),
]

# How to score a run.
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="The directory that 'ambivox run' wrote.")]
RunsArgument = Annotated[
    list[Path],
    typer.Argument(metavar="RUN...", help="The directories that 'ambivox run' wrote; several in one table."),
]
ConventionOption = Annotated[
    str,
    typer.Option(
        "--convention",
        "-c",
        metavar="NAME",
        help="A published way to score; 'ambivox metrics' lists them.",
        autocompletion=names_in("metrics", "CONVENTIONS"),
    ),
]
MetricsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="METRIC",
        help="A metric to show, from a plug-in too; may be repeated.",
        autocompletion=complete_metrics,
    ),
]
MetricOption = Annotated[
    str,
    typer.Option(
        "--metric",
        metavar="METRIC",
        help="The metric to test by; one with a value for each utterance.",
        autocompletion=complete_metrics,
    ),
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="READOUT",
        help="The token-level readout, in place of the one that suits each prompt.",
        autocompletion=complete_readouts,
    ),
]
OutsideOption = Annotated[
    Outside, typer.Option("--outside", help="What becomes of votes for labels outside the emotion set.")
]
FailedAsOption = Annotated[
    FailedAs | None,
    typer.Option("--failed-as", help="What a failed reading counts as; the convention decides otherwise."),
]
ClusterOption = Annotated[
    Cluster,
    typer.Option(
        "--cluster",
        help="What intervals and tests take for independent; but for 'speaker', of these speakers only.",
    ),
]
TruthOption = Annotated[
    Truth,
    typer.Option(help="What clips are scored against: votes, or the intended or the published label."),
]
TruthTableOption = Annotated[
    Path | None,
    typer.Option(
        "--truth-table",
        metavar="TABLE",
        help="Score against this table, written by 'ambivox corpora inspect --truth-method METHOD -o TABLE'.",
    ),
]
CalibrationOption = Annotated[
    list[str] | None,
    typer.Option(
        "--calibration",
        metavar="NAME",
        help="A calibration, shown beside the plain readings; may be repeated.",
        autocompletion=names_in("calibration", "CALIBRATIONS"),
    ),
]
DevelopmentSpeakersOption = Annotated[
    str,
    typer.Option(
        "--development-speakers",
        metavar="A,B,...",
        help="Fit calibrations to these speakers and do not score them; without it, to folds of speakers.",
    ),
]

# Which corpus, and how it is read.
CorpusPathArgument = Annotated[
    Path, typer.Argument(metavar="PATH", help="The folder of the corpus, or a manifest.")
]
CorpusOption = Annotated[
    str | None,
    typer.Option(
        "--corpus",
        metavar="NAME",
        help="Which corpus it is; without it, its layout tells.",
        autocompletion=names_in("corpora", "CORPORA"),
    ),
]
CorpusOptionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        help="An option of its loader: labels=self, columns.rater=worker; may be repeated.",
    ),
]
TruthMethodOption = Annotated[
    TruthMethod, typer.Option("--truth-method", help="How a truth is made of what the raters said.")
]
TemplateArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[FORMAT]",
        help="A kind of table; without it, they are listed.",
        autocompletion=names_in("corpora.templates", "TEMPLATES"),
    ),
]

PartialOption = Annotated[
    bool, typer.Option("--partial", help="Go on with a run that is unfinished, as far as it is.")
]
