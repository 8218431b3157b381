"""Whether a run can be trusted: kills, edits between start and resume, and hostile files.

``python -m benchmarks.chaos [--kills 100] [--files 200] [--cases FOLDER]`` runs studies of a synthetic
listener and trainings of a small random checkpoint (three in ten of the kills) in a temporary folder and
prints a table of counts; ``--write`` puts it into results/chaos.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ambivox.audio import load_audio
from ambivox.corpora import load_corpus
from ambivox.emotions import load_emotions
from ambivox.errors import AmbivoxError, UnfinishedRunError
from ambivox.prompts import load_prompt
from ambivox.record import Record, read_records
from ambivox.run import Progress, Run, Study, load_study, run_study
from ambivox.testing.listener import Listener, sound_of
from benchmarks import chaos_training

RESULTS = Path(__file__).parent / "results" / "chaos.md"
N_CLIPS = 12
PROMPT = "version: 1\nformat: word\nmax_new_tokens: 8\ntext: 'One of {{ options | join(\", \") }}?'\n"


def write_inputs(folder: Path, n_clips: int = N_CLIPS) -> Study:
    """Clips, a manifest with votes, a prompt and a study; two prompts, shards of two clips."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    lines = ["id,audio,speaker,votes.angry,votes.happy,votes.sad"]
    for n in range(n_clips):
        sound = sound_of(rng.dirichlet(np.ones(6)), duration_s=0.1)
        soundfile.write(folder / f"c{n}.wav", sound, 16_000, subtype="FLOAT")
        lines.append(f"c{n},c{n}.wav,s{n % 4},{n % 3 + 1},{n % 2},{n % 5}")
    (folder / "m.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "mine.yaml").write_text(PROMPT, encoding="utf-8")
    (folder / "study.yaml").write_text(
        "corpora: [{name: manifest, path: m.csv}]\nmodels: [listener]\nprompts: [dictionary, mine.yaml]\n"
        "controls: [clip, silence]\nreadouts: [label, dictionary, first]\nshard_size: 8\nbatch_size: 4\n",
        encoding="utf-8",
    )
    return load_study(folder / "study.yaml")


def facts(record: Record) -> tuple[Any, ...]:
    """What must be the same in two runs: all but the time."""
    reply = record.reply and replace(record.reply, time_s=0.0)
    logits = record.reply.token_logits.tobytes() if record.reply else b""
    return record.key, record.asked, reply, logits, record.error


def kill(folder: Path, study: Study, rng: random.Random, n_kills: int) -> Counter[str]:
    """Kill runs at random moments and go on, until so many kills have hit; compare with a whole run."""
    found: Counter[str] = Counter()
    whole = [facts(r) for r in run_study(study, folder / "whole", models=[Listener()]).records()]
    fork = multiprocessing.get_context("fork")
    while found["kills"] < n_kills:
        out = folder / f"killed{found['runs']}"
        found["runs"] += 1
        for _ in range(rng.randint(1, 8)):
            child = fork.Process(target=run_study, args=(study, out), kwargs={"models": [Listener()]})
            child.start()
            time.sleep(rng.uniform(0, 0.4))
            if child.pid is not None and child.is_alive():
                os.kill(child.pid, signal.SIGKILL)
                found["kills"] += 1
            child.join()
        compare([facts(r) for r in run_study(study, out, models=[Listener()]).records()], whole, found)
        shutil.rmtree(out)
    return found


def compare(got: list[Any], wanted: list[Any], found: Counter[str]) -> None:
    """Count records that are lost, doubled or others than they should be."""
    keys = [one[0] for one in got]
    found["doubled"] += len(keys) - len(set(keys))
    found["lost"] += len({one[0] for one in wanted} - set(keys))
    there = {one[0]: one for one in wanted}
    found["changed"] += sum(one != there.get(one[0]) for one in got)


def replace_in(path: Path, old: str, new: str) -> None:
    """Edit a file, and make sure that it was edited."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def other_sound(folder: Path) -> None:
    soundfile.write(folder / "c9.wav", sound_of(np.eye(6)[1], duration_s=0.2), 16_000, subtype="FLOAT")


EDITS: dict[str, Callable[[Path], None]] = {
    "votes": lambda f: replace_in(f / "m.csv", "c5,c5.wav,s1,3", "c5,c5.wav,s1,40"),
    "speaker": lambda f: replace_in(f / "m.csv", "c5,c5.wav,s1", "c5,c5.wav,zoe"),
    "prompt": lambda f: replace_in(f / "mine.yaml", "One of", "Which of"),
    "corpus shrank": lambda f: replace_in(f / "m.csv", "c3,c3.wav,s3,1,1,3\n", ""),
    "corpus grew": lambda f: replace_in(f / "m.csv", "c3,c3.wav", "d,c3.wav,s9,1,1,1\nc3,c3.wav"),
    "sound of a clip": other_sound,
    "weights": lambda f: None,
    "options": lambda f: replace_in(f / "study.yaml", "controls: [clip, silence]", "controls: [clip]"),
}


def edit(folder: Path) -> Counter[str]:
    """Edit each input after a whole or a half run; stop half-way again; go on; compare with a fresh run."""
    found: Counter[str] = Counter()
    for name, change in EDITS.items():
        for first, second in ((48, 9), (20, 9), (20, 30), (48, 30)):
            here = folder / f"{name} {first} {second}"
            study = write_inputs(here)
            stopped(study, here / "out", Listener(), first)
            change(here)
            study = load_study(here / "study.yaml")
            model = Listener(format_errors=0.5) if name == "weights" else Listener()
            found["edits"] += 1
            try:
                complete = stopped(study, here / "out", model, second)
            except AmbivoxError:  # another study needs another folder
                found["refused"] += 1
                continue
            try:
                Run(here / "out").shards()
                # Another sound is seen when the run gets there; until then there are the answers of before.
                if not complete and name != "sound of a clip":
                    found["mixed"] += 1
            except UnfinishedRunError:
                found["unfinished and said so"] += 1
            got = [facts(r) for r in run_study(study, here / "out", models=[model]).records()]
            fresh = [facts(r) for r in run_study(study, here / "fresh", models=[model]).records()]
            compare(got, fresh, found)
            shutil.rmtree(here)
    return found


def stopped(study: Study, out: Path, model: Listener, after: int) -> bool:
    """Run until so many requests are done; whether that was all of them."""

    def report(progress: Progress) -> None:
        if progress.done >= after and progress.done < progress.total:
            raise KeyboardInterrupt

    try:
        run_study(study, out, models=[model], report=report)
    except KeyboardInterrupt:
        return False
    return True


def generated(folder: Path, rng: random.Random, n_files: int) -> list[Path]:
    """Hostile files: bytes flipped, cut, doubled, nested and filled in files that are good."""
    good = [path for path in write_and_run(folder / "good").rglob("*") if path.suffix in READERS]
    paths = []
    for n in range(n_files):
        source = rng.choice(good)
        data = bytearray(source.read_bytes())
        match rng.randrange(6):
            case 0:
                data = data[: rng.randrange(len(data) + 1)]
            case 1:
                for _ in range(rng.randint(1, 20)):
                    data[rng.randrange(len(data))] = rng.randrange(256)
            case 2:
                data = data * 2
            case 3:
                data = bytearray(b"a: " + b"[" * rng.randint(10, 5000))
            case 4:
                data = bytearray(rng.randbytes(rng.randrange(2000)))
            case _:
                place = rng.randrange(len(data) + 1)
                data[place:place] = "\ud800\x00\u202e=1+1".encode("utf-8", "surrogatepass")
        path = folder / f"hostile{n}{source.suffix}"
        path.write_bytes(bytes(data))
        paths.append(path)
    return paths


def write_and_run(folder: Path) -> Path:
    """Inputs and a finished run: what hostile files are made of."""
    study = write_inputs(folder)
    run_study(study, folder / "out", models=[Listener()])
    return folder


def feed(paths: list[Path]) -> Counter[str]:
    """Give each file to every reader of files of its kind; only an error of ours may come of it."""
    found: Counter[str] = Counter()
    for path in paths:
        for reader in READERS.get(path.suffix, ()):
            found["files read"] += 1
            try:
                reader(path)
            except AmbivoxError as error:
                found["one line"] += "\n" not in str(error)
            except Exception as error:
                found["tracebacks"] += 1
                print(f"{path}: {type(error).__name__}: {error}"[:200])
    return found


def described(path: Path) -> Path:
    """The folder of a dataset, for the file that describes it; other files are read as they are."""
    return path.parent if path.name in ("state.json", "dataset_dict.json", "metadata.csv") else path


def as_corpus(path: Path) -> None:
    """A file, or the folder that it describes, as a corpus."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = described(path)
        options = {"clips": scratch} if folder.is_dir() or path.suffix in (".parquet", ".arrow") else {}
        for utterance in load_corpus("datasets" if options else "manifest", folder, **options):
            load_audio(utterance.audio, utterance.start_s, utterance.end_s, utterance.channel)


def as_part_of_a_run(path: Path) -> None:
    """A JSON file in the place of a run's manifest and environment."""
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("manifest.json", "environment.json"):
            shutil.copy(path, Path(scratch) / name)
        for use in (Run(scratch).progress, Run(scratch).environment):
            try:
                use()
            except AmbivoxError:
                continue


READERS: dict[str, tuple[Callable[[Path], object], ...]] = {
    ".yaml": (load_study, load_prompt, load_emotions),
    ".csv": (as_corpus,),
    ".jsonl": (as_corpus,),
    ".parquet": (read_records, as_corpus),
    ".json": (as_part_of_a_run, as_corpus),
    **dict.fromkeys((".wav", ".flac", ".mp3", ".ogg", ".opus"), (load_audio,)),
}


MUST = ("lost", "doubled", "changed", "mixed", "tracebacks")
"""What has to be 0, wherever it is counted."""


def table(counts: dict[str, Counter[str]], looked_for: dict[str, tuple[str, ...]]) -> list[str]:
    """The counts as lines of Markdown, those that have to be 0 too where there is nothing to count."""
    lines = ["| part | count | |", "|---|---|---|"]
    for part, found in counts.items():
        for name in sorted({*found, *looked_for[part]}, key=lambda name: (name in MUST, name)):
            lines.append(f"| {part} | {name} | {found[name]} |")
    return lines


def peak_mib() -> tuple[float, float]:
    """The largest memory that this process and any of its children have taken, MiB."""
    return tuple(  # type: ignore[return-value]
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--cases", type=Path, help="a folder of hostile files of one's own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    of_trainings = arguments.kills * 3 // 10
    kept = ("lost", "doubled", "changed")
    parts: dict[str, tuple[tuple[str, ...], Callable[[Path], Counter[str]]]] = {
        "studies, killed": (
            kept,
            lambda f: kill(f, write_inputs(f / "inputs"), rng, arguments.kills - of_trainings),
        ),
        "studies, edited": ((*kept, "mixed"), edit),
        "generated files": (("tracebacks",), lambda f: feed(generated(f, rng, arguments.files))),
        "cases": (
            ("tracebacks",),
            lambda _: feed(sorted(path for path in arguments.cases.rglob("*") if path.is_file())),
        ),
        "trainings, killed": (("changed",), lambda f: chaos_training.kill(f, rng, of_trainings)),
        "trainings, edited": (("mixed",), chaos_training.edit),
    }
    if not arguments.cases:
        del parts["cases"]
    counts: dict[str, Counter[str]] = {}
    peaks = []
    with tempfile.TemporaryDirectory() as scratch:
        for place, (part, (_, run)) in enumerate(parts.items()):
            folder = Path(scratch) / str(place)
            folder.mkdir()
            began_s = time.monotonic()
            counts[part] = run(folder)
            peaks.append(f"| {part} | {' | '.join(f'{mib:.0f}' for mib in peak_mib())} |")
            print(f"{part}: {dict(counts[part])}, {time.monotonic() - began_s:.0f} s", flush=True)
    lines = [
        "# Chaos",
        "",
        f"Written by `python -m benchmarks.chaos --kills {arguments.kills} --files {arguments.files}"
        f"{' --cases FOLDER' if arguments.cases else ''} --write`. Studies ask the synthetic listener about "
        f"{N_CLIPS} clips; trainings are of a random Qwen2-Audio of a few thousand weights (all, or LoRA).",
        "",
        *table(counts, {part: looked_for for part, (looked_for, _) in parts.items()}),
        "",
        "Peak memory up to the end of each part, in MiB, of the process and of the largest that it started:",
        "",
        "| part | process | started |",
        "|---|---|---|",
        *peaks,
    ]
    print("\n".join(lines))
    if arguments.write:
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
