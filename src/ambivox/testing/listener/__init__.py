"""The synthetic listener: a speech model without weights whose answers follow set probabilities.

Readouts, calibrations and statistics are tried on it, because with it the truth is known.
"""

from ambivox.testing.listener.listener import Listener
from ambivox.testing.listener.sound import heard, sound_of

__all__ = ["Listener", "heard", "sound_of"]
