"""The listings: ``ambivox models | prompts | emotions | readouts | calibrations | metrics``."""

from __future__ import annotations

import typer

from ambivox.cli.options import EmotionsOption, JsonOption, PromptArgument
from ambivox.cli.output import print_json, print_table, show_list


def models(as_json: JsonOption = False) -> None:
    """List the models and engines."""
    from ambivox.models import MODELS

    rows = [(name, _first_line(MODELS[name].__doc__)) for name in MODELS]
    show_list(("model", "what it is"), rows, as_json)


def prompts(
    name: PromptArgument = None, emotions: EmotionsOption = "cremad6", as_json: JsonOption = False
) -> None:
    """List the prompts, or show one with its wording.

    A prompt by name or a YAML file is shown as a model would see it.
    """
    from ambivox.prompts import PROMPTS

    if name is not None:
        _show_prompt(name, emotions, as_json)
        return
    rows = [
        (name, PROMPTS[name].version, PROMPTS[name].format, PROMPTS[name].description) for name in PROMPTS
    ]
    show_list(("prompt", "version", "format", "what it asks for"), rows, as_json)


def _show_prompt(name: str, emotions: str, as_json: bool) -> None:
    from ambivox.emotions import load_emotions
    from ambivox.prompts import load_prompt

    prompt, chosen = load_prompt(name), load_emotions(emotions)
    rendered = prompt.render(chosen)
    answers = {
        label: list(forms) for label, forms in zip(chosen.labels, rendered.answers, strict=True) if forms
    }
    facts = {
        "prompt": prompt.name,
        "version": prompt.version,
        "format": prompt.format,
        "description": prompt.description,
        "variables": sorted(prompt.variables),
        "max_new_tokens": rendered.max_new_tokens,
        "answers": answers,
        "template": prompt.text,
        "text": rendered.text,
    }
    if as_json:
        print_json(facts)
        return
    print_table(
        ("fact", "of this prompt"),
        [
            ("name", f"{prompt.name}, version {prompt.version}"),
            ("asks for", f"{prompt.description} ({prompt.format})"),
            ("variables", ", ".join(sorted(prompt.variables))),
            ("answers", "; ".join(f"{label}: {' / '.join(forms)}" for label, forms in answers.items())),
            ("tokens", f"at most {rendered.max_new_tokens} in the answer"),
        ],
    )
    typer.echo(f"\nWith the emotion set {chosen.name}, the model is asked:\n\n{rendered.text}\n")
    typer.echo(f"The template:\n\n{prompt.text}")


def emotions(as_json: JsonOption = False) -> None:
    """List the emotion sets."""
    from ambivox.emotions import emotion_sets, load_emotions

    show_list(
        ("emotion set", "labels"), [(n, ", ".join(load_emotions(n).labels)) for n in emotion_sets()], as_json
    )


def readouts(as_json: JsonOption = False) -> None:
    """List the readouts."""
    from ambivox.readouts import READOUTS

    rows = [
        (
            name,
            READOUTS[name].level,
            ", ".join(READOUTS[name].formats or ("all",)),
            READOUTS[name].description,
        )
        for name in READOUTS
    ]
    show_list(("readout", "level", "answer formats", "what it is"), rows, as_json)


def calibrations(as_json: JsonOption = False) -> None:
    """List the calibrations."""
    from ambivox.calibration import CALIBRATIONS

    found = [CALIBRATIONS[name] for name in CALIBRATIONS]
    rows = [(c.name, "votes" if c.fit else ", ".join(c.controls) or "nothing", c.description) for c in found]
    show_list(("calibration", "needs", "what it does"), rows, as_json)


def metrics(as_json: JsonOption = False) -> None:
    """List the metrics and the published conventions."""
    from ambivox.metrics import CONVENTIONS, METRICS

    better = {True: "lower", False: "higher"}
    rows = [
        (
            m.name,
            m.unit,
            better[m.lower_is_better],
            "utterances" if m.per_utterance else "corpus",
            m.description,
        )
        for m in (METRICS[name] for name in METRICS)
    ]
    if as_json:
        conventions = {name: CONVENTIONS[name].source for name in CONVENTIONS}
        print_json({"metrics": [row[0] for row in rows], "conventions": conventions})
        return
    print_table(("metric", "unit", "better", "over", "what it is"), rows)
    print_table(
        ("convention", "source", "metrics"),
        [
            (name, CONVENTIONS[name].source, ", ".join(m.name for m in CONVENTIONS[name].metrics))
            for name in CONVENTIONS
        ],
    )


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n")[0]
