"""The commands on one model: ``ambivox read | check | train | bench``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ambivox.cli.output import JsonOption, ModelOption, console, errors, print_json, print_table, say_error
from ambivox.errors import AmbivoxError


def read(
    clips: Annotated[list[str], typer.Argument(metavar="CLIP...", help="Sound files.")],
    model: ModelOption = "mini",
    prompt: Annotated[
        str, typer.Option("--prompt", "-p", help="A prompt by name, or a YAML file.")
    ] = "dictionary",
    emotions: Annotated[
        str, typer.Option("--emotions", "-e", help="An emotion set, or a YAML file.")
    ] = "cremad6",
    readout: Annotated[
        list[str] | None, typer.Option(help="A readout, such as 'mean(value=logit)'; may be repeated.")
    ] = None,
    start: Annotated[float | None, typer.Option(help="Where the segment starts, in seconds.")] = None,
    end: Annotated[float | None, typer.Option(help="Where the segment ends, in seconds.")] = None,
    channel: Annotated[
        str | None,
        typer.Option(help="Which channel, a number from 0, or 'mix' for their average."),
    ] = None,
    order_seed: Annotated[int | None, typer.Option(help="Permute the options with this seed.")] = None,
    ask_silent: Annotated[
        bool, typer.Option("--ask-silent", help="Ask about digital silence, too; otherwise it has no answer.")
    ] = False,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Run code that the model's repository brings.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask a model what emotions clips carry, from its text and from its logits."""
    from ambivox.audio import channel_named
    from ambivox.models import load_model
    from ambivox.present.text import show_reading
    from ambivox.readouts import DEFAULT_READOUTS, load_readouts
    from ambivox.run import read as read_clip

    load_readouts(readout or DEFAULT_READOUTS)  # a misspelt name should not wait for the model to load
    speech_model = load_model(model, **({"trust_remote_code": True} if trust_remote_code else {}))
    failed = False
    for clip in clips:
        try:
            result = read_clip(
                clip,
                speech_model,
                prompt=prompt,
                emotions=emotions,
                readouts=readout or DEFAULT_READOUTS,
                start_s=start,
                end_s=end,
                channel=channel_named(channel),
                order_seed=order_seed,
                ask_silent=ask_silent,
            )
        except AmbivoxError as error:
            if error.exit_code == 2:
                raise
            failed = True
            say_error(error)
            if as_json:
                print_json({"clip": clip, "error": str(error)})
            continue
        if as_json:
            print_json({"clip": clip} | _reading_as_dict(result))
        else:
            show_reading(console, result)
    if failed:
        raise typer.Exit(1)


def check(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="mini, a folder, or a hub name.")],
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Run code that the model's repository brings.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Test that a model hears the clip and that its numbers can be trusted."""
    from ambivox.models import load_model
    from ambivox.models.check import check_model

    checks = check_model(load_model(model, **({"trust_remote_code": True} if trust_remote_code else {})))
    if as_json:
        print_json(
            {
                "model": model,
                "checks": [
                    {"name": c.name, "passed": c.passed, "caution": c.caution, "detail": c.detail}
                    for c in checks
                ],
            }
        )
    else:
        print_table(
            ("", "check", "detail"),
            (("caution" if c.caution else "ok" if c.passed else "FAILED", c.name, c.detail) for c in checks),
        )
    if not all(c.passed for c in checks):
        raise typer.Exit(1)


def train(
    training: Annotated[Path, typer.Argument(metavar="TRAIN.yaml", help="What to train on what.")],
    out: Annotated[
        Path | None, typer.Option(help="Directory of the training; runs/<name of the file> by default.")
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what it would take, and train nothing.")
    ] = False,
    tflops: Annotated[float, typer.Option(help="What a device sustains, for --estimate.", min=1e-6)] = 100.0,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune a model on votes, or go on with a training that was interrupted."""
    from ambivox.finetuning import estimate_finetuning, finetune, load_finetuning
    from ambivox.present.text import finetune_progress, show_estimate

    config = load_finetuning(training)
    if estimate:
        found = estimate_finetuning(config)
        if as_json:
            print_json(asdict(found) | {"hours": found.hours(tflops * 1e12)})
        else:
            show_estimate(console, found, tflops)
        return
    with finetune_progress(errors) as bar:
        folder = finetune(config, out or Path("runs") / training.stem, report=bar)
    errors.print(f"wrote {folder}; next: ambivox read CLIP --model {folder}", highlight=False)


def _reading_as_dict(result: Any) -> dict[str, Any]:
    asked, reply, sound = result.record.asked, result.record.reply, result.record.sound
    labels = asked.emotions.labels
    return {
        "model": asked.model.name,
        "prompt": asked.prompt.name,
        "text": reply and reply.text,
        "finish": reply and reply.finish,
        "sound": sound and asdict(sound),
        "labels": list(labels),
        "order": [labels[n] for n in asked.prompt.order],
        "readouts": {
            name: {
                "status": reading.status,
                "distribution": None
                if reading.distribution is None
                else dict(zip(labels, map(float, reading.distribution), strict=True)),
                "note": reading.note,
                "mass": reading.mass,
            }
            for name, reading in result.readings.items()
        },
    }
