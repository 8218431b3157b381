"""A speech model whose probabilities are set, to try readouts, metrics and calibrations on, without weights.

A sound made by `sound_of` carries a distribution, and a `Listener` answers by what it hears: in words,
letters and numbers, with the logits and label probabilities that go with them. So the right answer is known.

>>> import tempfile, soundfile, ambivox
>>> from ambivox.testing import Listener, sound_of
>>> clip = tempfile.mkdtemp() + "/clip.flac"
>>> soundfile.write(clip, sound_of([0.1, 0.6, 0.1, 0.2]), 16_000)
>>> answer = ambivox.read(clip, Listener(), prompt="word", emotions="iemocap4", readouts=["label", "first"])
>>> answer.answers["word"].text, answer.readings["word/first"].distribution.round(2).tolist()
('happy', [0.1, 0.6, 0.1, 0.2])

`Listener(temperature=3)` is less sure than it should be, `Listener(deafness=1)` never hears the clip; a study
takes the same as ``models: [{name: listener, options: {temperature: 3}}]``.
"""

from ambivox.testing.listener import Listener, heard, sound_of

__all__ = ["Listener", "heard", "sound_of"]
