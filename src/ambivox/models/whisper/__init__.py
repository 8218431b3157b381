"""The engine for Whisper, which reads no prompt: a label is a sentence that it may have written down.

`engine` (`Whisper`) encodes each clip once; `decoder` writes down what is said in it, and takes all label
sentences in one pass.

Source: Ma et al. 2024, arXiv 2311.09363.
"""
