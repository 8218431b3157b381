"""The sound of planned requests: each clip decoded once, in threads, ahead of the model."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from ambivox.audio import SAMPLE_RATE_HZ, Samples, channel_named, noise_like, read_audio, silence_like
from ambivox.choices import Control
from ambivox.errors import AmbivoxError
from ambivox.record import Record, Sound

WITHOUT_AUDIO: tuple[Control, ...] = ("no-audio", "transcript-only")

THREADS = 2

_Key = tuple[object, ...]


class Clips:
    """What the model is given to hear for each record; call `prepare` ahead and `forget` behind.

    Args:
        seed: of the noise control. One for the study; each clip gets noise of its own from it, which does not
            depend on the order.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="clips")
        self._waiting: dict[_Key, Future[tuple[Samples, Sound]]] = {}

    def __enter__(self) -> Clips:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def prepare(self, records: Iterable[Record]) -> None:
        """Begin to decode the clips of these records."""
        for record in records:
            key = _key(record)
            if record.asked.control not in WITHOUT_AUDIO and key not in self._waiting:
                self._waiting[key] = self._pool.submit(self._load, record)

    def hold(self, record: Record, samples: Samples, sound: Sound) -> None:
        """Take the sound of a record that is decoded already."""
        held: Future[tuple[Samples, Sound]] = Future()
        held.set_result((samples, sound))
        self._waiting[_key(record)] = held

    def forget(self, records: Iterable[Record], but: Iterable[Record] = ()) -> None:
        """Drop the clips of these records, but for those of others that are still to come."""
        for key in {_key(record) for record in records} - {_key(record) for record in but}:
            self._waiting.pop(key, None)

    def __getitem__(self, record: Record) -> tuple[Samples, Sound] | None:
        """Samples, shape ``(n_samples,)``, the same for every record on a clip, and what is known of them.

        None where no audio is shown.

        Raises:
            AmbivoxError: the clip cannot be read, or there is not a transcript to show in its place.
        """
        asked = record.asked
        if asked.control == "transcript-only" and not asked.prompt.shows_transcript:
            raise AmbivoxError(
                f"{asked.utterance.id}: no transcript to show: give the corpus transcripts, and the prompt "
                f"{asked.prompt.name!r} a place for them, or leave out the control 'transcript-only'"
            )
        if asked.control in WITHOUT_AUDIO:
            return None
        self.prepare([record])
        return self._waiting[_key(record)].result()

    def _load(self, record: Record) -> tuple[Samples, Sound]:
        clip, utterance = record.asked.clip, record.asked.utterance
        samples, facts = read_audio(clip.path, clip.start_s, clip.end_s, channel_named(clip.channel))
        duration_s = len(samples) / SAMPLE_RATE_HZ
        if record.asked.control == "silence":
            return silence_like(samples), Sound(duration_s)
        if record.asked.control == "noise":
            name = f"{self.seed}/{utterance.corpus}/{utterance.id}"
            return noise_like(samples, seed=zlib.crc32(name.encode())), Sound(duration_s)
        return samples, Sound(duration_s, facts.silent, facts.cautions)


def _key(record: Record) -> _Key:
    asked = record.asked
    own_noise = (asked.utterance.corpus, asked.utterance.id) if asked.control == "noise" else ()
    clip = asked.clip
    return (clip.path, clip.start_s, clip.end_s, clip.channel, asked.control, *own_noise)
