"""What it takes to do a run again: the study, the commands, the versions, the exact words of the prompts."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import yaml

from ambivox.scoring import DEFAULT_OPTIONS, RunReadings, ScoringOptions
from ambivox.scoring.several_runs import run_names

_FLAGS = {
    "convention": "--convention",
    "metrics": "--metric",
    "outside": "--outside",
    "failed_as": "--failed-as",
    "readouts": "--readout",
    "calibrations": "--calibration",
    "cluster": "--cluster",
    "truth": "--truth",
    "truth_table": "--truth-table",
}
"""Options of scoring by the flag that sets them."""


@dataclass(frozen=True)
class Again:
    """How to do a run again.

    Args:
        study: its file, with the last part of each path only.
        versions: what it ran on, by name.
        prompts: name, version and words of each prompt as it was first asked, and in how many ways.
    """

    study: str
    versions: tuple[tuple[str, str], ...]
    prompts: tuple[tuple[str, str, int], ...]


def do_again(readings: RunReadings) -> Again:
    """What is told of a run, so that others can do it again."""
    facts, environment = readings.facts, readings.environment
    versions_of = facts.prompt_versions
    study = _without_folders(readings.run.study().model_dump(mode="json"))
    system = {name: environment.get(name) for name in ("python", "platform", "decoding")}
    corpora = {
        f"corpus {name}": f"fingerprint {told.get('fingerprint')}"
        for name, told in environment.get("corpora", {}).items()
    }
    versions = {**system, **environment.get("packages", {}), **corpora}
    return Again(
        yaml.safe_dump(study, sort_keys=False, allow_unicode=True),
        tuple((name, str(version)) for name, version in versions.items() if version),
        tuple(
            (f"{name} (v{', v'.join(map(str, versions_of[name]))})", text, len(facts.prompt_texts[name]))
            for name, text in facts.prompt_wordings.items()
        ),
    )


def commands(runs: Sequence[RunReadings]) -> list[str]:
    """From the study of each run to the page of all; of several, each study is named after its run."""
    options = runs[0].options
    flags = scoring_flags(options)
    # Claims are tested by one metric on plain readings, whatever the tables show.
    plain = DEFAULT_OPTIONS
    of_claims = scoring_flags(
        replace(
            options,
            convention=plain.convention,
            metrics=plain.metrics,
            calibrations=plain.calibrations,
            development_speakers=plain.development_speakers,
        )
    )
    names = run_names([one.run for one in runs])
    studies = ["study.yaml"] if len(names) == 1 else [f"{name}.yaml" for name in names]
    folders = [shlex.quote(name) for name in names]
    return [
        *(f"ambivox run {shlex.quote(s)} --out {out}" for s, out in zip(studies, folders, strict=True)),
        " ".join(["ambivox score", *folders, *flags]),
        *(" ".join(["ambivox claims", folder, *of_claims]) for folder in folders),
        " ".join(["ambivox report", *folders, *flags]),
    ]


def scoring_flags(options: ScoringOptions) -> list[str]:
    """The flags that give these options, those of the defaults left out.

    >>> scoring_flags(ScoringOptions(cluster="clip", readouts=("first(forms=all)",)))
    ['--readout', "'first(forms=all)'", '--cluster', 'clip']
    """
    flags = []
    for name, flag in _FLAGS.items():
        value = getattr(options, name)
        if value != getattr(DEFAULT_OPTIONS, name):
            values: Sequence[Any] = value if isinstance(value, tuple) else (value,)
            flags += [part for one in values for part in (flag, shlex.quote(str(_without_folders(str(one)))))]
    if options.development_speakers:
        flags += ["--development-speakers", shlex.quote(",".join(options.development_speakers))]
    return flags


def _without_folders(value: Any) -> Any:
    """The same with the last part of each absolute path only: a page may go where such paths should not."""
    if isinstance(value, dict):
        return {key: _without_folders(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_folders(one) for one in value]
    if isinstance(value, str):
        paths = (PurePosixPath(value), PureWindowsPath(value))
        return next((path.name for path in paths if path.is_absolute()), value)
    return value
