"""Which tokens name a label, with real tokenizers built on the spot."""

from collections.abc import Callable

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from ambivox.emotions import emotion_sets, load_emotions
from ambivox.errors import UsageError
from ambivox.models import LabelTokens, find_label_tokens, select_forms, written_variants
from ambivox.prompts import load_prompt

SENTENCES = [
    *(
        v
        for name in emotion_sets()
        for forms in load_emotions(name).forms
        for f in forms
        for v in written_variants(f)
    ),
    *("A", " A", "B", " B", "C", " C", "D", " D"),
    "0 1 2 3 4 5 6 7 8 9 .",
]


def byte_level(vocabulary: int = 600) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        SENTENCES, trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=alphabet)
    )
    return tokenizer


def metaspace() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.train_from_iterator(SENTENCES, trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>"]))
    return tokenizer


def word_level(words: list[str]) -> Tokenizer:
    vocabulary = {word: n for n, word in enumerate(["<unk>", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def label_tokens_with(
    tokenizer: Tokenizer, answers: list[list[str]] | tuple[tuple[str, ...], ...], *, numbers: bool = False
) -> LabelTokens:
    return find_label_tokens(
        answers,
        lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
        lambda token: tokenizer.decode([token], skip_special_tokens=False) or tokenizer.id_to_token(token),
        numbers=numbers,
    )


@pytest.fixture(
    scope="module", params=[byte_level, lambda: byte_level(270), metaspace], ids=["bytes", "short", "▁"]
)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    build: Callable[[], Tokenizer] = request.param
    return build()


def test_numbers_are_watched_after_the_labels_where_asked(tokenizer: Tokenizer) -> None:
    answers = load_emotions("iemocap4").forms
    plain, wide = label_tokens_with(tokenizer, answers), label_tokens_with(tokenizer, answers, numbers=True)
    assert wide.token_ids[: len(plain.token_ids)] == plain.token_ids
    assert wide.sequences == plain.sequences
    rest = wide.tokens[len(plain.token_ids) :]
    assert {token.strip() for token in rest} >= {*map(str, range(10)), "."}
    assert set(wide.token_labels[len(plain.token_ids) :]) == {()}


def test_a_tokenizer_of_whole_numbers_has_them_watched_whole() -> None:
    label_tokens = label_tokens_with(
        word_level(["yes", "no", "Yes", "No", "7", "05", "40", "100", "."]), [["yes"], ["no"]], numbers=True
    )
    assert label_tokens.tokens[4:] == ("7", "05", "40", "100", ".")


@pytest.mark.parametrize("name", emotion_sets())
def test_every_variant_of_every_form_begins_with_a_watched_sequence_of_its_label(
    tokenizer: Tokenizer, name: str
) -> None:
    answers = load_emotions(name).forms
    label_tokens = label_tokens_with(tokenizer, answers)
    label_of = dict(zip(label_tokens.sequences, label_tokens.sequence_labels, strict=True))
    for n, forms in enumerate(answers):
        for text in (v for form in forms for v in written_variants(form)):
            ids = tuple(tokenizer.encode(text, add_special_tokens=False).ids)
            begun = [ids[:k] for k in range(len(ids), 0, -1) if ids[:k] in label_of]
            assert label_of[begun[0]] == n


def test_every_watched_sequence_decodes_to_a_variant_of_its_label(tokenizer: Tokenizer) -> None:
    answers = load_emotions("cremad6").forms
    label_tokens = label_tokens_with(tokenizer, answers)
    for sequence, n in zip(label_tokens.sequences, label_tokens.sequence_labels, strict=True):
        variants = {v.strip() for form in answers[n] for v in written_variants(form)}
        assert tokenizer.decode(list(sequence)).strip() in variants


def test_first_tokens_are_distinct_and_know_their_labels(tokenizer: Tokenizer) -> None:
    label_tokens = label_tokens_with(tokenizer, load_emotions("ravdess8").forms)
    assert len(set(label_tokens.token_ids)) == len(label_tokens.token_ids) == len(label_tokens.tokens)
    assert {s[0] for s in label_tokens.sequences} == set(label_tokens.token_ids)
    for token, labels in zip(label_tokens.token_ids, label_tokens.token_labels, strict=True):
        pairs = zip(label_tokens.sequences, label_tokens.sequence_labels, strict=True)
        assert set(labels) == {n for s, n in pairs if s[0] == token}


def test_no_sequence_continues_its_own_label(tokenizer: Tokenizer) -> None:
    label_tokens = label_tokens_with(tokenizer, load_emotions("msp8").forms)
    label_of = dict(zip(label_tokens.sequences, label_tokens.sequence_labels, strict=True))
    for sequence, n in label_of.items():
        begun = [sequence[:k] for k in range(len(sequence) - 1, 0, -1) if sequence[:k] in label_of]
        assert not begun or label_of[begun[0]] != n


def test_letters_are_one_token_each_and_do_not_collide(tokenizer: Tokenizer) -> None:
    answers = load_prompt("letter").render(load_emotions("iemocap4"), order=[2, 0, 3, 1]).answers
    label_tokens = label_tokens_with(tokenizer, answers)
    written = [tokenizer.decode(list(sequence)).strip() for sequence in label_tokens.sequences]
    assert written == [answers[n][0] for n in label_tokens.sequence_labels]
    assert set(label_tokens.sequence_labels) == {0, 1, 2, 3}


def test_spaces_and_capitals_are_watched_with_a_byte_level_tokenizer() -> None:
    label_tokens = label_tokens_with(byte_level(2000), [["happy"], ["sad"]])
    assert set(label_tokens.tokens) == {"happy", " happy", "Happy", " Happy", "sad", " sad", "Sad", " Sad"}


def test_a_continuation_of_the_same_label_is_left_out() -> None:
    label_tokens = find_label_tokens(
        [["fear", "fearful"], ["x"]], lambda text: [ord(c) for c in text.strip().lower()], chr
    )
    assert label_tokens.sequence_labels == (0, 1)


def test_a_continuation_across_another_label_is_kept() -> None:
    pieces = {"fear": [1], "fearful": [1, 2], "fearfulness": [1, 2, 3]}
    label_tokens = find_label_tokens(
        [["fear", "fearfulness"], ["fearful"]], lambda text: pieces[text.strip().lower()], str
    )
    assert dict(zip(label_tokens.sequences, label_tokens.sequence_labels, strict=True)) == {
        (1,): 0,
        (1, 2): 1,
        (1, 2, 3): 0,
    }


@pytest.mark.parametrize("name", emotion_sets())
def test_the_offered_form_is_watched_as_if_no_other_were_listed(tokenizer: Tokenizer, name: str) -> None:
    answers = load_emotions(name).forms
    label_tokens = label_tokens_with(tokenizer, answers)
    selected, places = select_forms(label_tokens, "offered")
    alone = label_tokens_with(tokenizer, tuple(forms[:1] for forms in answers))
    assert set(zip(selected.sequences, selected.sequence_labels, strict=True)) == set(
        zip(alone.sequences, alone.sequence_labels, strict=True)
    )
    assert selected.sequences == tuple(label_tokens.sequences[place] for place in places)
    assert selected.token_ids == label_tokens.token_ids


def test_the_offered_form_is_watched_where_it_continues_another_of_its_label() -> None:
    spelt = find_label_tokens(
        [["fearful", "fear"], ["x"]], lambda text: [ord(c) for c in text.strip().lower()], chr
    )
    offered, every = (select_forms(spelt, forms)[0].sequences for forms in ("offered", "all"))
    assert offered == (tuple(map(ord, "fearful")), (ord("x"),))
    assert every == (tuple(map(ord, "fear")), (ord("x"),))


def test_a_tokenizer_that_knows_no_word_is_a_usage_error_that_names_both_labels() -> None:
    with pytest.raises(UsageError, match=r"'happy' and 'sad' have the same tokens .*<unk>") as error:
        label_tokens_with(word_level(["angry", "Angry"]), [["angry"], ["happy"], ["sad"]])
    assert "\n" not in str(error.value)


def test_labels_that_differ_only_in_what_the_tokenizer_drops_are_a_usage_error() -> None:
    with pytest.raises(UsageError, match="'a!' and 'a'"):
        find_label_tokens([["a!"], ["a"]], lambda text: [ord(c) for c in text.strip() if c.isalpha()], chr)


def test_a_form_without_tokens_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"label '\?'.*no token"):
        find_label_tokens([["a"], ["?"]], lambda text: [ord(c) for c in text.strip() if c.isalpha()], chr)
