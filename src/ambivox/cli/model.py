"""The commands on one model: ``ambivox read | track | check | finetune``."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ambivox.cli.options import (
    AnyModelOption,
    CalibrateOption,
    ChannelOption,
    CsvOption,
    DevelopmentSpeakersOption,
    DeviceOption,
    DtypeOption,
    EmotionsOption,
    JsonOption,
    ModelArgument,
    ModelOption,
    OnePromptOption,
    OutsideOption,
    PartialOption,
    PromptOption,
    ReadoutOption,
    RunArgument,
    TrustOption,
    TruthOption,
    model_options,
    names_in,
)
from ambivox.cli.output import console, errors, print_json, print_table, say, say_error
from ambivox.errors import AudioError, UsageError, no_such_clip
from ambivox.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ambivox.models import SpeechModel
    from ambivox.models.check import Check
    from ambivox.run.read_clip import Reader


def read(
    clips: Annotated[
        list[str], typer.Argument(metavar="CLIP...", help="Sound files, or folders of sound files.")
    ],
    model: ModelOption = "mini",
    prompt: PromptOption = None,
    emotions: EmotionsOption = "cremad6",
    readout: ReadoutOption = None,
    start_s: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Where the segment begins.")
    ] = None,
    end_s: Annotated[float | None, typer.Option(metavar="SECONDS", help="Where the segment ends.")] = None,
    channel: ChannelOption = None,
    order_seed: Annotated[
        int | None, typer.Option(metavar="SEED", help="Offer the options in the order that this seed draws.")
    ] = None,
    ask_silent: Annotated[
        bool, typer.Option("--ask-silent", help="Ask about digital silence, too; otherwise it has no answer.")
    ] = False,
    calibrate: CalibrateOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE.jsonl",
            help="Append a line of JSON per clip to this file.",
        ),
    ] = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    trust_remote_code: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Ask a model which emotions a clip carries.

    Its answers are read from the text that it writes and from the logits underneath. Without --prompt it is
    asked what stands for the model: a distribution in its own words, and one label. --prompt may be repeated.
    For many clips, give a folder and --out: the same command goes on with a file that is there.
    """
    from ambivox.emotions import load_emotions

    if out is not None and as_json:
        raise UsageError("--out and --json: choose one, lines in a file are JSON")
    # What is misspelt, and clips of which none can be heard, should not wait for the model to load; and a
    # wrong path not for numpy and what decodes.
    emotion_set = load_emotions(emotions)
    labels = emotion_set.labels
    clips = [file for clip in clips for file in _files_of(clip)]
    unheard = _unheard(clips, start_s, end_s, channel)
    if len(unheard) == len(clips):
        for clip, why in unheard.items():
            say_error(why)
            if as_json:
                error = asdict(Reason("clip", why))
                facts = {"clip": clip, "model": model, "error": error, "sound": None, "labels": labels}
                print_json(facts | {"answers": {}})
        raise typer.Exit(1)
    from ambivox.audio import channel_named
    from ambivox.models import load_model
    from ambivox.present.text.reading import show_reading
    from ambivox.run.calibrate import check_kept, kept_calibration
    from ambivox.run.read_clip import BATCH_SIZE, Segment, reader_of, wanted_readouts

    kept = kept_calibration(calibrate)
    wanted = wanted_readouts(model, prompt, readout, kept)
    check_kept(kept, wanted, emotion_set)
    reader = reader_of(
        load_model(model, **model_options(trust_remote_code, device, dtype)),
        wanted,
        emotion_set,
        segment=Segment(start_s, end_s, channel_named(channel)),
        order_seed=order_seed,
        ask_silent=ask_silent,
        kept=kept,
    )
    if out is not None:
        _read_to_file(clips, reader, out)
        return
    failed = False
    for result in reader.stream(iter(clips), BATCH_SIZE):
        if result.error:
            failed = True
            say_error(result.error.text)
        if as_json:
            print_json(result.to_dict())
        elif not result.error:
            show_reading(console, result)
    if failed:
        raise typer.Exit(1)


def _read_to_file(clips: list[str], reader: Reader, out: Path) -> None:
    from ambivox.present.text.progress import run_progress
    from ambivox.run.read_to_file import read_to_file

    with run_progress(errors) as bar:
        found = read_to_file(clips, reader, out, report=bar)
    said = f"{out}: {found.done} {'clip' if found.done == 1 else 'clips'}" + (
        f", {found.kept} of them from before" if found.kept else ""
    )
    say(said + (f"; {found.failed} failed, see their lines" if found.failed else ""))
    if found.failed:
        raise typer.Exit(1)


def _files_of(clip: str) -> list[str]:
    """The sound files of a folder; of anything else itself."""
    if not os.path.isdir(clip):  # noqa: PTH112 -- as below
        return [clip]
    from ambivox.audio import sound_files

    return [str(file) for file in sound_files(clip)]


def _unheard(
    clips: list[str], start_s: float | None, end_s: float | None, channel: str | None
) -> dict[str, str]:
    """The first clips, as long as they cannot be heard, and why."""
    found: dict[str, str] = {}
    for clip in clips:
        try:
            if not os.path.exists(clip):  # noqa: PTH110 -- unlike Path's, it takes any name
                raise no_such_clip(clip)
            from ambivox.audio import audio_facts, channel_named

            audio_facts(clip, start_s, end_s, channel_named(channel))
        except AudioError as error:
            found[clip] = str(error)
        else:
            break
    return found


def track(
    recording: Annotated[str, typer.Argument(metavar="RECORDING", help="A sound file of any length.")],
    model: ModelOption = "mini",
    window_s: Annotated[
        float, typer.Option("--window", metavar="SECONDS", help="How much is heard at a time.")
    ] = 4.0,
    hop_s: Annotated[
        float, typer.Option("--hop", metavar="SECONDS", help="How much later each window starts.")
    ] = 1.0,
    prompt: OnePromptOption = None,
    emotions: EmotionsOption = "cremad6",
    channel: ChannelOption = None,
    calibrate: CalibrateOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    trust_remote_code: TrustOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Follow the emotions of a long recording.

    A window slides over it, and every window is read at token level: one line each, as they come. Without
    --prompt the model is asked for the label that stands for it.
    """
    from ambivox.audio import channel_named, open_recording

    if as_json and as_csv:
        raise UsageError("--json and --csv: choose one")
    open_recording(recording, channel_named(channel))  # a wrong path should not wait for what follows
    from ambivox.models import load_model
    from ambivox.present.text.track import csv_header, csv_row, show_window
    from ambivox.run import track as track_windows

    options = model_options(trust_remote_code, device, dtype)
    results = track_windows(
        recording,
        load_model(model, **options) if options else model,
        window_s=window_s,
        hop_s=hop_s,
        prompt=prompt,
        emotions=emotions,
        channel=channel_named(channel),
        calibrate=calibrate,
    )
    n_failed = 0
    for n, result in enumerate(results):
        n_failed += result.status == "failed"
        if as_json:
            print_json(result.to_dict())
        elif as_csv:
            if n == 0:
                typer.echo(csv_header(result))
            typer.echo(csv_row(result))
        else:
            show_window(console, result)
    if n_failed:
        say_error(f"{recording}: {n_failed} windows failed, see their notes")
        raise typer.Exit(1)


def calibrate(
    run: RunArgument,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE.json", help="Where the calibration is kept.")
    ],
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="temperature or vector, fitted to votes; batch or prior-match, to answers alone.",
            autocompletion=names_in("calibration", "CALIBRATIONS"),
        ),
    ] = "temperature",
    model: AnyModelOption = None,
    prompt: PromptOption = None,
    readout: ReadoutOption = None,
    development_speakers: DevelopmentSpeakersOption = "",
    outside: OutsideOption = "drop",
    truth: TruthOption = "votes",
    partial: PartialOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fit a calibration to a run with votes, and keep it.

    It is fitted to all clips, or to those of the speakers named, for each prompt and readout, and tried on
    speakers it was not fitted to. 'ambivox read' and 'ambivox track' apply it with --calibrate.
    """
    from ambivox.calibration import write_kept
    from ambivox.present.text.calibration import show_calibration
    from ambivox.run_folder import Run
    from ambivox.scoring import ScoringOptions
    from ambivox.scoring import calibrate as fit_calibration

    kept = fit_calibration(
        Run(run, partial=partial),
        method,
        model=model,
        prompts=prompt or (),
        readouts=readout,
        development_speakers=[name for name in development_speakers.split(",") if name],
        options=ScoringOptions(outside=outside, truth=truth),
    )
    write_kept(kept, out)
    if as_json:
        print_json(kept.model_dump(mode="json"))
    else:
        show_calibration(console, kept)
        say(f"wrote {out}; next: ambivox read CLIP --calibrate {out}")


def check(
    model: ModelArgument,
    clips: Annotated[
        list[str] | None,
        typer.Option("--clip", metavar="CLIP", help="A sound file to try a server with; give two or more."),
    ] = None,
    price: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="IN OUT", help="Of a million tokens of prompts and of answers, for a server."),
    ] = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    trust_remote_code: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Test whether a model can be trusted.

    Does it hear the clip, and does it answer alone as it answers in a batch? Of a server it is also told what
    it can and cannot give, by readout, and what a question costs.
    """
    from ambivox.models import load_model
    from ambivox.models.check import check_model

    loaded = load_model(model, **model_options(trust_remote_code, device, dtype))
    if model.startswith(("http://", "https://", "openai:")):
        checks, more = _check_server(loaded, clips, price)
    else:
        checks, more = check_model(loaded), {}
    if as_json:
        print_json({"model": model, "checks": [asdict(check) for check in checks]} | more)
    else:
        print_table(
            ("", "check", "detail"),
            (("caution" if c.caution else "ok" if c.passed else "FAILED", c.name, c.detail) for c in checks),
        )
        if more:
            print_table(
                ("readout", "this server gives", "why"),
                ((name, gift["gives"], gift["why"]) for name, gift in more["readouts"].items()),
            )
            say("{requests} requests, {prompt_tokens} + {completion_tokens} tokens".format_map(more))
    if not all(c.passed for c in checks):
        raise typer.Exit(1)


def _check_server(
    model: SpeechModel, clips: list[str] | None, price: tuple[float, float] | None
) -> tuple[Sequence[Check], dict[str, Any]]:
    from ambivox.audio import load_audio
    from ambivox.inspection.server import check_server
    from ambivox.models.openai.adapter import ServerModel

    if not isinstance(model, ServerModel):
        raise TypeError(f"{type(model).__name__} in place of a model on a server")
    if clips is not None and len(clips) < 2:
        raise UsageError("--clip: give at least two, or none")
    found = check_server(model, [load_audio(clip) for clip in clips] if clips else None, price=price)
    more = asdict(found)
    del more["checks"]
    return found.checks, more


def finetune(
    config: Annotated[Path, typer.Argument(metavar="FINETUNE.yaml", help="What learns what from whom.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="The directory of the training; runs/NAME by default."
        ),
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what it would take, and do not train.")
    ] = False,
    tflops: Annotated[
        float, typer.Option(metavar="TFLOP/S", help="What a device sustains, for --estimate.", min=1e-6)
    ] = 100.0,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune a model on votes, or resume that.

    The same command goes on with a training that was interrupted.
    """
    from ambivox.finetuning import estimate_finetuning, load_finetuning
    from ambivox.finetuning import finetune as finetune_on_votes
    from ambivox.present.text.estimate import show_estimate
    from ambivox.present.text.progress import finetune_progress

    loaded = load_finetuning(config)
    if estimate:
        found = estimate_finetuning(loaded)
        if as_json:
            print_json(asdict(found) | {"hours": found.hours(tflops * 1e12)})
        else:
            show_estimate(console, found, tflops)
        return
    with finetune_progress(errors) as bar:
        folder = finetune_on_votes(loaded, out or Path("runs") / config.stem, report=bar)
    say(f"wrote {folder}; next: ambivox read CLIP --model {folder}")
