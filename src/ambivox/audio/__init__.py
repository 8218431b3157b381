"""Sound files to samples at 16 kHz mono, facts about the files, and controls that hold no speech."""

from ambivox.audio.controls import NOISE_FLOOR_RMS, noise_like, silence_like
from ambivox.audio.decode import MIN_DURATION_S, SAMPLE_RATE_HZ, Samples, load_audio
from ambivox.audio.facts import AudioInfo, audio_digest, audio_info

__all__ = [
    "MIN_DURATION_S",
    "NOISE_FLOOR_RMS",
    "SAMPLE_RATE_HZ",
    "AudioInfo",
    "Samples",
    "audio_digest",
    "audio_info",
    "load_audio",
    "noise_like",
    "silence_like",
]
