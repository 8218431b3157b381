"""The parser of written answers: a text to a reading. Its rules are in docs/answers.md.

An answer is read as it is meant, or refused with a status that says why. In the order in which a text passes:

1. ``read`` is the entrance, and ``answer`` the text with what was asked.
2. Signs are made plain: ``plain``, ``markup``.
3. The answer proper is cut out of reasoning, tags and remarks: ``final``.
4. What it names and counts is found: ``mentions`` of labels, ``letters``, ``numbers``, in a row as ``atoms``.
5. What belongs together is bound: ``said`` and denied, ``pairs`` of label and number, ``tables``.
6. The reader of the format decides: ``label``, ``shares``, ``ranked``, ``prose``.

The words of each language are data: ``languages`` and its YAML files.
"""

from ambivox.readouts.answers.read import read_answer

__all__ = ["read_answer"]
