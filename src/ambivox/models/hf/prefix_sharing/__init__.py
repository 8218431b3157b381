"""Everything that makes many questions about one clip cheap, behind `PrefixSharing`.

A clip is encoded once (`encode`). All prompts and labels on it are read in one forward pass over the tree
of their tokens (`tree`, `prefix_tree`). Their answers are decoded together, each from a copy of its prompt's
keys and values (`decode`, `key_values`). `text_model` runs a decoder on such arrangements, `shared` puts the
steps in order, and `checked` tries all of it against the reference path.
"""

from ambivox.models.hf.prefix_sharing.checked import PrefixSharing

__all__ = ["PrefixSharing"]
