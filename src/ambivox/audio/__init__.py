"""Sound files to samples at 16 kHz mono, facts about the files, and controls that hold no speech."""

from ambivox.audio.cautions import AudioCaution
from ambivox.audio.controls import NOISE_FLOOR_RMS, noise_like, silence_like
from ambivox.audio.decode import (
    MIN_DURATION_S,
    SAMPLE_RATE_HZ,
    AudioFacts,
    Channel,
    Samples,
    audio_facts,
    channel_named,
    load_audio,
    read_audio,
)
from ambivox.audio.digest import audio_digest
from ambivox.audio.files import sound_files
from ambivox.audio.given import Clip, as_file, check_rate
from ambivox.audio.measure import NEAR_SILENCE_RMS
from ambivox.audio.recording import Heard, Recording, open_recording

__all__ = [
    "MIN_DURATION_S",
    "NEAR_SILENCE_RMS",
    "NOISE_FLOOR_RMS",
    "SAMPLE_RATE_HZ",
    "AudioCaution",
    "AudioFacts",
    "Channel",
    "Clip",
    "Heard",
    "Recording",
    "Samples",
    "as_file",
    "audio_digest",
    "audio_facts",
    "channel_named",
    "check_rate",
    "load_audio",
    "noise_like",
    "open_recording",
    "read_audio",
    "silence_like",
    "sound_files",
]
