"""The engine of the bundled `mini`, without torch: importing that costs several times what an answer does.

`features` makes a clip a spectrogram, `network` is the model itself in numpy, `chat` writes the prompts, and
`engine` (`Mini`) answers requests. The same weights go through transformers, too
(``load_model("mini", device="cpu")``), and a test holds the answers of both against each other.
"""
