"""The engine for OpenAI-type servers, against a server of our own whose truth is known."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ambivox.emotions import load_emotions
from ambivox.errors import AmbivoxError, UnreachableError, UsageError
from ambivox.models import Request, load_model
from ambivox.models.check import speech_like
from ambivox.models.openai.adapter import ServerModel
from ambivox.models.openai.chat import as_wav
from ambivox.models.openai.tokens import TokenizerTokens
from ambivox.models.protocol import PartlyAnsweredError
from ambivox.prompts import PROMPTS
from tests.models.openai.scripted import END, IDS, PIECES, Scripted, served, tokenise

pytestmark = pytest.mark.slow

EMOTIONS = load_emotions("cremad6")
CLIPS = [np.rint(speech_like(0.3, seed) * 2**15) / np.float32(2**15) for seed in range(3)]

Serve = Callable[..., Scripted]


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda *faults, **options: stack.enter_context(served(Scripted(faults=list(faults), **options)))


def load(script: Scripted, **options: Any) -> ServerModel:
    model = load_model(script.url, **({"timeout_s": 10.0, "max_retries": 2} | options))
    assert isinstance(model, ServerModel)
    return model


def asks(model: ServerModel, *clips: Any, prompt: str = "word", **options: Any) -> list[Request]:
    rendered = PROMPTS[prompt].render(EMOTIONS)
    label_tokens = model.label_tokens(rendered.answers)
    return [Request(clip, rendered, label_tokens, f"clip {n}", **options) for n, clip in enumerate(clips)]


def truth(script: Scripted, request: Request, *prefix: int) -> Any:
    sound = b"" if request.samples is None else as_wav(request.samples)
    return script.logp(sound, request.prompt.text, prefix)


def test_named_ids_give_the_log_probabilities_of_the_model_behind_the_server(serve: Serve) -> None:
    script = serve(dialect="vllm")
    model = load(script)
    for request, reply in zip(asks(model, *CLIPS), model.generate(asks(model, *CLIPS)), strict=True):
        for t in range(len(reply.token_ids)):
            expected = truth(script, request, *reply.token_ids[:t])[list(request.label_tokens.token_ids)]
            np.testing.assert_allclose(reply.token_logits[t], expected, atol=1e-5)
        assert not reply.logsumexp.any()
        assert reply.bounded is None


def test_labels_of_several_tokens_are_scored_by_forced_beginnings(serve: Serve) -> None:
    script = serve(dialect="vllm")
    model = load(script)
    [request] = asks(model, CLIPS[0], score=True)
    [reply] = model.generate([request])
    sequences = request.label_tokens.sequences
    assert max(map(len, sequences)) > 2
    expected = [sum(truth(script, request, *s[:n])[s[n]] for n in range(len(s))) for s in sequences]
    np.testing.assert_allclose(reply.sequence_logp, expected, atol=1e-5)
    assert reply.sequence_bounded is None


def test_more_ids_than_the_server_takes_are_asked_for_in_parts(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = serve(dialect="vllm")
    model = load(script)
    requests = asks(model, CLIPS[0])
    [whole] = model.generate(requests)
    monkeypatch.setattr("ambivox.models.openai.adapter.MAX_IDS", 7)
    script.seen.clear()
    [parts] = model.generate(requests)
    assert max(len(body["logprob_token_ids"]) for body in script.seen if "logprob_token_ids" in body) == 7
    np.testing.assert_array_equal(parts.token_logits, whole.token_logits)


@pytest.mark.parametrize("dialect", ["openai", "llamacpp"])
@pytest.mark.parametrize("nulls", [False, True])
def test_a_token_that_is_not_listed_has_an_upper_bound(serve: Serve, dialect: str, nulls: bool) -> None:
    script = serve(dialect=dialect, nulls=nulls)
    model = load(script)
    requests = asks(model, *CLIPS)
    pieces = dict(zip(requests[0].label_tokens.token_ids, requests[0].label_tokens.tokens, strict=True))
    for request, reply in zip(requests, model.generate(requests), strict=True):
        logp = truth(script, request)
        listed = np.argsort(-logp, kind="stable")[: model.server.listed]
        control = [i for i in listed if PIECES[i] == END or "\x00" in PIECES[i]]
        kept = np.log1p(-np.exp(logp[control]).sum())
        assert reply.bounded is not None
        assert reply.unlisted_logp is not None
        assert 0 < reply.bounded[0].sum() < len(pieces)
        for k, piece in enumerate(pieces.values()):
            value = logp[IDS[piece]] - kept if piece in IDS else -np.inf
            if reply.bounded[0, k]:
                assert reply.token_logits[0, k] >= value - 1e-4
            else:
                assert reply.token_logits[0, k] == pytest.approx(value, abs=1e-4)
        assert {PIECES[i] for i in control} <= set(reply.left_out)
        assert ("\x00" in reply.left_out) == nulls


def test_null_bytes_are_left_out_of_the_vocabulary_and_named(serve: Serve) -> None:
    script = serve(dialect="openai", nulls=True)
    model = load(script)
    [reply] = model.generate(asks(model, CLIPS[0]))
    assert (
        np.exp(truth(script, asks(model, CLIPS[0])[0])[[IDS["\x00" * n] for n in range(1, 16)]]).sum() > 0.5
    )
    assert set(reply.left_out) == {"\x00" * n for n in range(1, 16)}
    assert np.exp(reply.token_logits[0][~reply.bounded[0]]).sum() > 0.5  # type: ignore[index]


def test_a_server_without_log_probabilities_gives_the_text_alone(serve: Serve) -> None:
    script = serve(dialect="silent")
    [reply] = load(script).generate(asks(load(script), CLIPS[0]))
    assert reply.text
    assert reply.token_logits.shape[0] == 0


def test_many_requests_at_a_time_keep_their_order(serve: Serve) -> None:
    script = serve(dialect="openai")
    alone, together = load(script, concurrency=1), load(script, concurrency=8)
    requests = asks(alone, *CLIPS, *CLIPS, *CLIPS)
    for a, b in zip(alone.generate(requests), together.generate(requests), strict=True):
        assert a.text == b.text
        np.testing.assert_array_equal(a.token_logits, b.token_logits)


def test_sixteen_bit_clips_arrive_with_every_bit(tmp_path: Path) -> None:
    import soundfile

    samples = np.arange(-(2**15), 2**15, 7, dtype=np.int64) / np.float32(2**15)
    (tmp_path / "a.wav").write_bytes(as_wav(samples.astype(np.float32)))
    heard, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert rate == 16_000
    np.testing.assert_array_equal(heard, samples)


def test_sampled_answers_come_in_the_number_asked_for(serve: Serve) -> None:
    script = serve(dialect="openai")
    model = load(script)
    [reply] = model.generate(asks(model, CLIPS[0], n_draws=3, temperature=0.7, seed=5))
    assert len(reply.draws) == 3
    assert [body["temperature"] for body in script.seen if body.get("n") == 3] == [0.7]


def test_a_server_that_drops_the_clip_is_found_out(serve: Serve) -> None:
    script = serve(dialect="openai", drops_audio=True, counts_audio=False)
    model = load(script)
    with pytest.raises(AmbivoxError, match="dropped the clip and answered from the text"):
        model.generate(asks(model, CLIPS[0]))
    [reply] = model.generate(asks(model, None))
    assert reply.audio_tokens == 0


def test_what_is_heard_is_counted_in_tokens_of_the_prompt(serve: Serve) -> None:
    model = load(serve(dialect="openai"))
    [reply] = model.generate(asks(model, CLIPS[0]))
    assert reply.audio_tokens == np.ceil(len(CLIPS[0]) / 640)


def test_several_models_without_a_name_are_an_error_that_lists_them(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = serve()
    card = Scripted.card(script)
    both = {"data": [card, card | {"id": "other"}]}
    monkeypatch.setattr("ambivox.models.openai.client.Client.get", _answering(both))
    with pytest.raises(UsageError, match="serves other, toy: name one, as openai:NAME with base_url"):
        load(script)


def _answering(data: dict[str, Any]) -> Any:
    async def get(self: object, url: str) -> dict[str, Any]:
        return data

    return get


def test_an_unknown_model_is_named_with_those_that_are_served(serve: Serve) -> None:
    with pytest.raises(UsageError, match=r"unknown model at .*'to': did you mean 'toy'\?"):
        load_model("openai:to", base_url=serve().url)


def test_the_key_comes_from_the_environment_and_is_shown_nowhere(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key = "sk-very-secret-0123456789"
    script = serve(key=key)
    with pytest.raises(UnreachableError, match=r"it wants a key \(401\): set OPENAI_API_KEY"):
        load(script)
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with caplog.at_level(logging.DEBUG):
        model = load(script)
        [reply] = model.generate(asks(model, CLIPS[0]))
        script.key = "another"
        with pytest.raises(AmbivoxError, match="the key was refused") as refused:
            model.generate(asks(model, CLIPS[1]))
    shown = [repr(model), repr(vars(model)), repr(reply), model.fingerprint, str(refused.value), caplog.text]
    assert not any("very-secret" in text for text in shown)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://user:pass@localhost:8000/v1", "leave out user, password and query"),
        ("http://localhost:8000/v1?key=sk-1234", "leave out user, password and query"),
        ("http://localhost:99999/v1", "give one such as"),
        ("http:///v1", "give one such as"),
    ],
)
def test_a_url_with_a_secret_or_without_a_host_is_refused(url: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        load_model(url)
    assert "sk-1234" not in str(error.value)
    assert "pass@" not in str(error.value)


def test_openai_itself_wants_a_key_before_anything_is_sent() -> None:
    with pytest.raises(UsageError, match=r"api\.openai\.com/v1 wants a key: set OPENAI_API_KEY"):
        load_model("openai:gpt-audio")


@pytest.mark.parametrize(
    ("fault", "sent"), [("500", 2), ("429:0.05", 2), ("hang-up", 2), ("half-json", 2), ("no-choices", 2)]
)
def test_a_fault_that_passes_costs_a_retry_and_nothing_else(serve: Serve, fault: str, sent: int) -> None:
    script = serve(dialect="openai")
    model = load(script)
    requests = asks(model, *CLIPS)
    expected = [reply.text for reply in model.generate(requests)]
    before, script.faults = model.client.counts.sent, [None, fault]
    assert [reply.text for reply in model.generate(requests)] == expected
    assert model.client.counts.sent - before == len(requests) + sent - 1


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ("401", UnreachableError, r"it wants a key \(401\)"),
        ("403", UnreachableError, r"it wants a key \(403\)"),
        ("404", UnreachableError, r"404 for /chat/completions"),
        ("413", AmbivoxError, "longer than the server accepts"),
        ("nan", UnreachableError, "nan in place of a log-probability"),
        ("short-logprobs", UnreachableError, "do not write the answer"),
        ("ignores-fields", UnreachableError, "listed no other tokens this time"),
    ],
)
def test_a_fault_that_stays_is_one_line_and_leaves_the_other_answers(
    serve: Serve, fault: str, error: type[AmbivoxError], says: str
) -> None:
    script = serve(dialect="openai")
    model = load(script, concurrency=1)
    script.faults = [None, fault]
    with pytest.raises(PartlyAnsweredError) as failed:
        model.generate(asks(model, *CLIPS))
    first, second, third = failed.value.answers
    assert isinstance(second, error)
    assert "clip 1: " in str(second)
    assert str(second).count("\n") == 0
    with pytest.raises(AmbivoxError, match=says):
        raise second
    assert not isinstance(first, AmbivoxError)
    assert not isinstance(third, AmbivoxError)


def test_a_clip_that_is_too_long_for_the_server_says_so(serve: Serve) -> None:
    script = serve(dialect="openai", longest_s=0.1)
    model = load(script)
    with pytest.raises(AmbivoxError, match=r"clip 0: .*refused \(400: the audio is longer than 0.1 s\)"):
        model.generate(asks(model, CLIPS[0]))


def test_a_stalled_answer_is_given_up_after_the_timeout(serve: Serve) -> None:
    script = serve(dialect="openai")
    model = load(script, timeout_s=1.0, max_retries=0)
    script.faults = ["stall"]
    with pytest.raises(AmbivoxError, match="no answer within 1 s"):
        model.generate(asks(model, CLIPS[0]))


def test_a_server_that_is_not_there_is_one_line() -> None:
    with pytest.raises(UnreachableError, match=r"127.0.0.1:9/v1: cannot be reached \(.*\): is it running"):
        load_model("http://127.0.0.1:9/v1", max_retries=0)


def test_another_model_or_backend_has_another_fingerprint(serve: Serve) -> None:
    script = serve()
    before = load(script).fingerprint
    assert load(script).fingerprint == before
    script.backend = "fp-2"
    assert load(script).fingerprint != before


def test_layers_are_refused_since_no_server_shows_them(serve: Serve) -> None:
    model = load(serve(dialect="openai"))
    with pytest.raises(UsageError, match="leave out the readout 'lens'"):
        model.generate(asks(model, CLIPS[0], lens=True))


def test_the_end_marker_is_a_token_of_the_answer(serve: Serve) -> None:
    model = load(serve(dialect="vllm"))
    [reply] = model.generate(asks(model, CLIPS[0]))
    assert reply.token_ids[-1] == IDS[END]
    assert END not in reply.text
    assert reply.finish == "stop"


class ToyTokenizer(TokenizerTokens):
    """The vocabulary of the scripted server, as the model's own tokenizer knows it."""

    def __init__(self, name: str) -> None:
        assert name == "toy"

    def render(self, messages: Any) -> str:
        text = "".join(part["text"] for part in messages[0]["content"] if part["type"] == "text")
        return f"{text}<turn>" + "".join(message["content"] for message in messages[1:])

    def tokenise(self, text: str) -> list[int]:
        return tokenise(text)

    def decode(self, ids: Any) -> str:
        return "".join(PIECES[token] for token in ids)

    def _piece(self, token: int) -> str:
        return PIECES[token]


def test_sglang_tells_named_tokens_on_its_own_endpoint(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ambivox.models.openai.adapter.TokenizerTokens", ToyTokenizer)
    script = serve(dialect="sglang")
    model = load(script, tokenizer="toy")
    [request] = asks(model, CLIPS[0], score=True)
    [reply] = model.generate([request])
    for t in range(len(reply.token_ids)):
        expected = truth(script, request, *reply.token_ids[:t])[list(request.label_tokens.token_ids)]
        np.testing.assert_allclose(reply.token_logits[t], expected, atol=1e-5)
    sequences = request.label_tokens.sequences
    logp = [sum(truth(script, request, *s[:n])[s[n]] for n in range(len(s))) for s in sequences]
    np.testing.assert_allclose(reply.sequence_logp, logp, atol=1e-5)
    assert reply.bounded is reply.sequence_bounded is None
    assert reply.audio_tokens == 25


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (
            "https://no-such-host.invalid/v1",
            r"no-such-host.invalid/v1: cannot be reached \(.*name",
        ),
        ("tls", r"cannot be reached \(.*(SSL|TLS)"),
    ],
)
def test_a_name_or_a_certificate_that_cannot_be_had_is_one_line(serve: Serve, url: str, says: str) -> None:
    url = serve().url.replace("http:", "https:") if url == "tls" else url
    with pytest.raises(UnreachableError, match=f"(?i){says}"):
        load_model(url, max_retries=0)
