"""Models behind an OpenAI-type chat endpoint: vLLM, SGLang, llama.cpp, or a service one pays for.

The way of one request: `chat` writes it as messages, with the clip as a 16 kHz WAV; `client` sends it, with
the retries, timeouts and limits of the `openai` package; `logprobs` makes arrays of what the server tells of
each step; `adapter` puts these together. When a model is loaded, `server` asks what is served and how it
tells log-probabilities, and `tokens` finds the label tokens: from a tokenizer, the server, or by their text.
"""
