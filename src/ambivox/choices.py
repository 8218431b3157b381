"""Closed choices that Python, the command line and YAML files share: one name, one list of values each."""

from __future__ import annotations

from typing import Literal

Outside = Literal["drop", "other", "exclude-utterance"]
"""How votes for labels outside the emotion set enter the truth: they are dropped, they become one more label
``other``, or the utterance that has them is left out."""

FailedAs = Literal["excluded", "uniform", "neutral"]
"""What a failed reading counts as: left out, every label alike, or neutral with certainty."""

Cluster = Literal["speaker", "dialogue", "clip"]
"""What intervals and tests take for independent; dialogues and clips are of just these speakers."""

Truth = Literal["votes", "intended", "consensus"]
"""What clips are scored against: the shares of their votes, the emotion that an actor was asked for, or the
one label that the corpus publishes."""

Control = Literal["clip", "silence", "noise", "swapped", "no-audio", "transcript-only"]
"""What the model hears: the clip itself, silence or noise of the same length, another clip of the corpus, or
nothing at all, without the words and with them."""

TruthMethod = Literal["shares", "dirichlet", "dawid-skene", "mace"]
"""How a truth is made of what raters said: shares of the votes, smoothed shares, or a model of the raters."""

PictureWidth = Literal["column", "page"]
"""How wide a picture is: one column of a paper or a whole page."""

ExportFormat = Literal["table", "label-studio", "audformat", "croissant"]
"""What a run is exported as: a flat table of readings, predictions for Label Studio, a database of audformat,
or a description of its records in Croissant."""

ClipSound = Literal["link", "embed", "none"]
"""How a page lets clips be heard: by links to their files, with the sound inside the page, or not at all."""

Engine = Literal["local", "ray"]
"""What runs a study: this process, or the actors of a Ray cluster."""

Dtype = Literal["float32", "bfloat16", "float16"]
"""The numbers that a model computes with."""
