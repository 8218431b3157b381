"""The page as Gradio lays it out; what it shows is made in `listen`, `follow` and `show`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from ambivox.app.examples import example_clips
from ambivox.app.follow import follow
from ambivox.app.held import Held
from ambivox.app.limits import Limits
from ambivox.app.listen import Asked, Question, listen
from ambivox.app.reports import Reports
from ambivox.app.show import (
    show_error,
    show_followed,
    show_listened,
    show_notice,
    show_progress,
    show_report,
)
from ambivox.emotions import emotion_sets
from ambivox.errors import AmbivoxError
from ambivox.models import SpeechModel
from ambivox.models.protocol import takes
from ambivox.prompts import PROMPTS

_Choices = Sequence[tuple[str, str]]

_USUAL = ("the model's usual", "")
_NOTHING = ("nothing", "nothing")
_ORDERS: _Choices = (
    ("as in the set", ""),
    *((f"drawn with seed {seed}", str(seed)) for seed in range(1, 6)),
)
_PRIVATE: Mapping[str, Any] = {"api_visibility": "private"}
_AT_ONCE: Mapping[str, Any] = {**_PRIVATE, "queue": False}
"""For what happens just before a button is pressed. The queue answers by one stream, which is closed when
nothing is left to answer; a page that asks before it hears of that waits for ever."""


def page(models: Sequence[SpeechModel], limits: Limits, held: Held, reports: Reports) -> gr.Blocks:
    """The whole page.

    Args:
        models: loaded, with names that differ.
        limits: on what is sent.
        held: where uploads lie.
        reports: the pages of runs.
    """
    parts = _Parts({model.name: model for model in models}, limits, held, reports)
    with gr.Blocks(title="ambivox", analytics_enabled=False) as blocks:
        gr.HTML(show_notice(), apply_default_css=False)
        with gr.Tab("A clip"):
            parts.clip_tab()
        with gr.Tab("A long recording"):
            parts.recording_tab()
        if reports.offered:
            with gr.Tab("A run"):
                parts.run_tab()
        blocks.unload(parts.leave)
    return blocks


class _Parts:
    """The tabs, and what their buttons do."""

    def __init__(
        self, models: Mapping[str, SpeechModel], limits: Limits, held: Held, reports: Reports
    ) -> None:
        self.models = models
        self.limits = limits
        self.held = held
        self.reports = reports
        self.prompts: _Choices = [
            (name, name)
            for name in PROMPTS
            if any(takes(model, PROMPTS[name].format) for model in models.values())
        ]

    def clip_tab(self) -> None:
        """One clip, and one or two questions about it."""
        examples = example_clips()
        with gr.Row():
            with gr.Column(scale=1, min_width=300):
                clip = self._sound("Record or upload a clip", "clip")
                if examples:
                    example = gr.Dropdown(["", *examples], value="", label="or pick an example (CREMA-D)")
                    example.input(lambda name: examples.get(name), example, clip, **_AT_ONCE)
                model, prompt, emotions = self._asking()
                order = gr.Dropdown(list(_ORDERS), value="", label="Order of the options")
                layers = gr.Checkbox(label="Read every layer, too")
                with gr.Accordion("Beside it: another model or prompt", open=False):
                    other_model = self._model()
                    others = [_NOTHING, _USUAL, *self.prompts]
                    other_prompt = gr.Dropdown(others, value="nothing", label="Prompt")
                button = gr.Button("Ask", variant="primary")
            with gr.Column(scale=2, min_width=300):
                shown = gr.HTML(elem_id="listened", apply_default_css=False)
        inputs = [clip, model, prompt, emotions, order, layers, other_model, other_prompt]
        button.click(_told(self.ask), inputs, shown, concurrency_limit=None, **_PRIVATE)

    def ask(
        self,
        clip: str | None,
        model: str,
        prompt: str,
        emotions: str,
        order: str,
        layers: bool,
        other_model: str,
        other_prompt: str,
    ) -> str:
        """What the button of the first tab does."""
        questions = [Question(self.models[model], prompt or None)]
        if other_prompt != "nothing":
            questions.append(Question(self.models[other_model], other_prompt or None))
        order_seed = int(order) if order else None
        return show_listened(
            listen(Asked(_given(clip), tuple(questions), emotions, order_seed, layers), self.limits)
        )

    def recording_tab(self) -> None:
        """A recording, and windows that slide over it."""
        recording = self._sound("Record or upload a recording", "recording")
        with gr.Row():
            model, prompt, emotions = self._asking()
            window_s = gr.Number(4.0, label="Window, in seconds")
            hop_s = gr.Number(1.0, label="Hop, in seconds")
        with gr.Row():
            button = gr.Button("Follow", variant="primary")
            stop = gr.Button("Stop")
        shown = gr.HTML(elem_id="followed", apply_default_css=False)
        inputs = [recording, model, prompt, emotions, window_s, hop_s]
        following = button.click(self.follow, inputs, shown, concurrency_limit=None, **_PRIVATE)
        stop.click(None, None, None, cancels=[following], **_PRIVATE)

    def follow(
        self,
        recording: str | None,
        model: str,
        prompt: str,
        emotions: str,
        window_s: float | None,
        hop_s: float | None,
    ) -> Iterator[str]:
        """What the button of the second tab does."""
        try:
            path = _given(recording)
            if window_s is None or hop_s is None:
                raise AmbivoxError("window and hop: give seconds, more than 0")
            for followed in follow(
                path,
                self.models[model],
                window_s=window_s,
                hop_s=hop_s,
                prompt=prompt or None,
                emotions=emotions,
                limits=self.limits,
            ):
                yield show_progress(followed)
        except AmbivoxError as error:
            yield show_error(error)
        else:
            yield show_followed(followed, f"gradio_api/file={quote(str(path))}")

    def run_tab(self) -> None:
        """The report of a run."""
        if self.reports.any_folder:
            folder: Any = gr.Textbox(self.reports.run, label="The folder that 'ambivox run' wrote")
            button = gr.Button("Open", variant="primary")
        else:
            button = gr.Button(f"Open {Path(self.reports.run).name}", variant="primary")
            folder = gr.State(self.reports.run)
        shown = gr.HTML(elem_id="run", apply_default_css=False)
        button.click(_told(self.open), folder, shown, **_PRIVATE)

    def open(self, folder: str) -> str:
        """What the button of the third tab does."""
        return show_report(self.reports.write(folder))

    def leave(self, request: gr.Request) -> None:
        """The page was closed."""
        self.held.leave(str(request.session_hash))

    def _sound(self, label: str, place: str) -> gr.Audio:
        sound = gr.Audio(type="filepath", label=label, editable=False, buttons=[], elem_id=place)

        def hold(file: str | None, request: gr.Request) -> None:
            self.held.hold(str(request.session_hash), place, Path(file) if file else None)

        sound.change(hold, sound, None, show_progress="hidden", **_AT_ONCE)
        return sound

    def _model(self) -> gr.Dropdown:
        names = list(self.models)
        return gr.Dropdown(names, value=names[0], label="Model")

    def _asking(self) -> tuple[gr.Dropdown, gr.Dropdown, gr.Dropdown]:
        return (
            self._model(),
            gr.Dropdown([_USUAL, *self.prompts], value="", label="Prompt"),
            gr.Dropdown(list(emotion_sets()), value="cremad6", label="Emotions"),
        )


def _given(file: str | None) -> Path:
    if not file:
        raise AmbivoxError("there is no sound yet: record one, upload a file or pick an example")
    return Path(file)


def _told(function: Callable[..., str]) -> Callable[..., str]:
    """The same, with a line for what went wrong."""

    def told(*given: Any) -> str:
        try:
            return function(*given)
        except AmbivoxError as error:
            return show_error(error)

    return told
