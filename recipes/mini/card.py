"""The model card of `mini`, written from measured numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recipes.mini.targets import AHEAD, LEAN

_TEXT = """---
license: cc-by-nc-sa-4.0
language: [en, de, pl, es]
pipeline_tag: audio-text-to-text
library_name: transformers
tags: [speech-emotion-recognition, qwen2-audio, ambivox]
---
# mini: a small speech model that answers ambivox's prompts

| | |
|---|---|
| **for** | tests, demos and first runs without a download. It is no instrument: **do not judge people by \
it** |
| **is** | {parameters} parameters in the Qwen2-Audio architecture, {megabytes} MB, loaded in {load_s} s; \
one clip with one prompt takes {answer_ms} ms (two CPU cores); 0.1 to 15 s of speech at 16 kHz |
| **how right**, six emotions, chance 17% | new speakers of RAVDESS: words {ravdess_word}, dictionaries \
{ravdess_dictionary}; of EMO-DB: {emodb_word} and {emodb_dictionary} |
| **on recordings from elsewhere** | {foreign} of four emotions (chance 25%), by leaving each of four \
corpora out of the fitting in turn |
| **how sure** | vote-ECE {ece} on new speakers of the corpora it learnt from, of whom it is less sure than \
right; of corpora left out its belief, before it leans to neutral, has {foreign_ece} |
| **beside raters** | {beside} |
| **says the same** in every format | words, letters, rankings and numbers follow one belief, and all lean \
to neutral, as raters do, but never so far that they name something else |
| **fails** | on recordings unlike its own it is often wrong; on spontaneous speech nothing was measured; \
labels beyond nine emotions are written, but it knows nothing of them |
| **without a voice** | silence, noise and music get shares that differ little: the largest is {largest:.2f} |
| **licence** | weights CC BY-NC-SA 4.0, **not for commercial use**, as are RAVDESS and nEMO; its first \
layers are OpenAI's Whisper (MIT, notice below) |

The nine emotions: angry, disgust, fear, happy, neutral, sad, calm, surprise, boredom.

## Measured on speakers it never heard
Six emotions as options (angry, disgust, fear, happy, neutral, sad), in an order of its own for every
clip; chance is 16.7%. Clips of other emotions (calm, surprise, boredom) are left out here. Token: the
most probable option at the first answer token. Text: what was written. 95% Wilson intervals over clips:
there are too few speakers to resample them, so the true intervals are wider.

{accuracy}

{chance}

## Corpora it never heard
A head fitted to the other three corpora (their training and development speakers), asked about one that was
left out. Its shares are what it believes of the six emotions, before the language part leans to neutral;
*four* are angry, happy, neutral and sad alone. All choices were made by these figures and on the development
speakers, so they are a little too good.

{unseen}

## Against human votes
The 12 CREMA-D clips (actors 1001 and 1002), on which nothing was trained and by which nothing was chosen;
`jsd_bits` against the voice-only votes, lower is better, 95% bootstrap over clips. The vote prior is the
share of each emotion in all voice-only votes of the other 89 actors. Earlier `mini`s were measured on these
clips, too.

{votes}

{verdict}

## Format
Answers in the form that the prompt asks for, with exactly the given options, for the five built-in
emotion sets with permuted options on test clips.

{formats}

With sets drawn by the generator that also drew sets for the training (two to nine emotions in any of their
built-in forms, such as afraid, scared, fear; in three of ten also one or two other words of its vocabulary):
how much of the first token's probability lies on the options (what ambivox reports as `mass`), and how often
one of them is written. Prompts in other words, and options outside its vocabulary, were not measured.

{own_options}

## Does it say the same of every clip?
Different answers to one and the same prompt (six emotions in the set's order), and on how many clips the most
frequent of them came: an answer that hardly changes is a constant guess, however it scores.

{distinct}

## How sure it is
Vote-ECE (10 bins): the largest share against the share of raters who chose that emotion. RAVDESS and EMO-DB
have no votes here: there the intended emotion counts as that of a single rater, though real ones would say
neutral of some.

{calibration}

Words at the token level for the test clips of the six emotions, as recorded, and with the tail of a room
(0.5 s) and pink noise 15 dB below the voice. The share is that of the most probable option; neutral was meant
in {neutral:.1f}% of these clips.

{elsewhere}

Mean shares of (angry, disgust, fear, happy, neutral, sad): speech {speech}, silence {silence}, noise
{noise}, music {music}. Single speech clips differ from the mean of speech by {spread:.2f} on average (total
variation). A batch of eight and eight single clips differ by at most {batch:.0e} in any probability
(float32).

## How it was made
`python -m recipes.mini.make`; `recipes/mini/README.md` says why.

1. The tower is Whisper tiny.en's convolutions, positions (15 s) and first two layers. In nine
   directions of its states that are hardly used the second layer writes, beside what it says anyway, the
   emotion logits of step 2; two dimensions carry a weight that makes all states equally long.
2. A linear head on means over the clip: of the state after the first layer, of what the attention of the
   second adds, and of what its neurons say. Fitted to what the actors meant (multinomial, ridge), on every
   clip and on copies with other rooms, microphones, noise, bands, codecs and speeds; silence, noise and
   music are taught with equal shares. Divided by {temperature:.2f}, which makes it as sure as it is right on
   corpora that were left out.
3. The language part never hears audio: on stand-ins for audio tokens that spell random distributions it
   learns to copy options, to write every format and to say the distribution in token probabilities and
   numbers (whole tenths that sum to one). It began from {began}. Then it learns to lean to
   neutral, on beliefs as clips have them: up to {lean:.0%} of an answer go there, but no nearer to what it
   believes most than {ahead}.

Hearing took {hearing_min} minutes, the language part {answers_min} and the lean {leaning_min}, on one CPU
core.

| split | corpus | clips | speakers |
|---|---|---|---|
{splits}

## Limits
Acted emotion of {speakers} speakers in four languages. The sentences of RAVDESS and EMO-DB are the same in
training and test, only the speakers differ. What it makes of a recording from elsewhere is known by four
corpora, all of them acted in studios.

## Licence and sources
The weights are licensed **CC BY-NC-SA 4.0**, since they are trained on RAVDESS and nEMO, which are; the
code of ambivox is not concerned.

- RAVDESS: Livingstone and Russo (2018), doi:10.1371/journal.pone.0196391 (CC BY-NC-SA 4.0).
- EMO-DB: Burkhardt, Paeschke, Rolfes, Sendlmeier and Weiss (2005), *A database of German emotional
  speech*, Interspeech.
- nEMO: Christop (2024), LREC-COLING 2024 (CC BY-NC-SA 4.0).
- MESD: Duville, Alonso-Valerdi and Ibarra-Zarate (2021), doi:10.17632/cy34mh68j9 (CC BY 4.0).
- CREMA-D votes, for measuring and, those of the other actors, to choose how far it leans to neutral: Cao,
  Cooper, Keutmann, Gur, Nenkova and Verma (2014), doi:10.1109/TAFFC.2014.2336244 (ODbL 1.0).
- Whisper: Radford, Kim, Xu, Brockman, McLeavey and Sutskever (2022), arXiv 2212.04356. Its layers are under
  the MIT licence:

> Copyright (c) 2022 OpenAI
>
> Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
> associated documentation files (the "Software"), to deal in the Software without restriction, including
> without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
> copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the
> following conditions:
>
> The above copyright notice and this permission notice shall be included in all copies or substantial
> portions of the Software.
>
> THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
> LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO
> EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER
> IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR
> THE USE OR OTHER DEALINGS IN THE SOFTWARE.

All numbers: `metrics.json`.
"""


def write_card(folder: Path, metrics: dict[str, Any]) -> None:
    """Write ``README.md`` into a checkpoint's folder from its ``metrics.json``."""
    heard, accuracy, unseen = metrics["audio_matters"], metrics["accuracy"], metrics["unseen"]
    whole = [100 * entry["four"]["value"] for entry in unseen.values()]
    (folder / "README.md").write_text(
        _TEXT.format(
            parameters=f"{metrics['parameters'] / 1e6:.1f} million",
            megabytes=metrics["megabytes"],
            load_s=metrics["load_s"],
            answer_ms=round(1000 * metrics["answer_s"]),
            ravdess_word=_short(accuracy["test/ravdess"]["text_word"]),
            ravdess_dictionary=_short(accuracy["test/ravdess"]["text_dictionary"]),
            emodb_word=_short(accuracy["test/emo-db"]["text_word"]),
            emodb_dictionary=_short(accuracy["test/emo-db"]["text_dictionary"]),
            foreign=f"{min(whole):.0f} to {max(whole):.0f}%",
            ece=f"{metrics['calibration']['test']['token_word']:.3f}",
            foreign_ece=_range([entry["vote_ece"] for entry in unseen.values()]),
            beside=_beside(metrics["crema-d"]["jsd_bits"]),
            accuracy=_accuracy(accuracy),
            chance=_chance(accuracy),
            unseen=_unseen(unseen),
            votes=_votes(metrics["crema-d"]["jsd_bits"]),
            verdict=_verdict(metrics["crema-d"]),
            formats=_table("prompt", metrics["formats"]),
            own_options=_own_options(metrics["own_options"]),
            distinct=_distinct(metrics["distinct"]),
            calibration=_calibration(metrics["calibration"]),
            speech=heard["speech"],
            silence=heard["silence"],
            noise=heard["noise"],
            music=heard["music"],
            largest=max(*heard["silence"], *heard["noise"], *heard["music"]),
            spread=heard["spread_of_speech"],
            batch=metrics["batch"]["largest_difference"],
            elsewhere=_elsewhere(metrics["elsewhere"]),
            neutral=100 * metrics["elsewhere"]["meant neutral"]["value"],
            temperature=metrics["temperature"],
            began=metrics["began"],
            hearing_min=round(metrics["took_s"]["hearing"] / 60),
            answers_min=round(metrics["took_s"]["answers"] / 60),
            leaning_min=round(metrics["took_s"]["leaning"] / 60),
            lean=LEAN,
            ahead=AHEAD,
            speakers=sum(len(entry["speakers"]) for entry in metrics["splits"]["train"].values()),
            splits="\n".join(
                f"| {split} | {corpus} | {entry['clips']} | {', '.join(entry['speakers'])} |"
                for split, corpora in metrics["splits"].items()
                for corpus, entry in corpora.items()
            ),
        ),
        encoding="utf-8",
    )


def _percent(entry: dict[str, Any]) -> str:
    return f"{100 * entry['value']:.1f}% [{100 * entry['low']:.1f}, {100 * entry['high']:.1f}]"


def _short(entry: dict[str, Any]) -> str:
    return f"{100 * entry['value']:.0f}% [{100 * entry['low']:.0f}, {100 * entry['high']:.0f}]"


def _range(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def _beside(found: dict[str, Any]) -> str:
    prior = found["vote_prior"]["value"]
    scores = [entry["value"] for name, entry in found.items() if name not in ("uniform", "vote_prior")]
    nearer = sum(score < prior for score in scores)
    which = "all" if nearer == len(scores) else f"{nearer} of {len(scores)}" if nearer else "none"
    return (
        f"on 12 CREMA-D clips its shares are {_range(scores)} bits (Jensen-Shannon) from the votes; how "
        f"raters vote on average, a constant, is {prior:.2f} away, and {which} of its readouts are nearer"
    )


def _accuracy(found: dict[str, dict[str, Any]]) -> str:
    lines = ["| speakers | n | readout | accuracy |", "|---|---|---|---|"]
    for where, readouts in found.items():
        for name, entry in readouts.items():
            lines.append(f"| {where} | {entry['n']} | {name.replace('_', ', ')} | {_percent(entry)} |")
    return "\n".join(lines)


def _unseen(found: dict[str, dict[str, Any]]) -> str:
    head = "| left out | n | of six | of four | mean largest share | vote-ECE | nats | named neutral |"
    lines = [head, "|---" * 8 + "|"]
    for name, entry in found.items():
        rates = " | ".join(_percent(entry[key]) for key in ("six", "four"))
        rest = f"{entry['largest']:.2f} | {entry['vote_ece']:.3f} | {entry['nats']:.2f}"
        lines.append(f"| {name} | {entry['six']['n']} | {rates} | {rest} | {_percent(entry['neutral'])} |")
    return "\n".join(lines)


def _chance(found: dict[str, dict[str, Any]]) -> str:
    weak = [
        f"{where} {name.replace('_', ' ')}"
        for where, readouts in found.items()
        for name, entry in readouts.items()
        if where.startswith("test") and entry["low"] <= 1 / 6
    ]
    return f"**Not above chance: {', '.join(weak)}.**" if weak else "All of these are above chance."


def _table(first: str, found: dict[str, Any]) -> str:
    lines = [f"| {first} | n | in format |", "|---|---|---|"]
    return "\n".join(
        [*lines, *(f"| {name} | {entry['n']} | {_percent(entry)} |" for name, entry in found.items())]
    )


def _own_options(found: dict[str, dict[str, Any]]) -> str:
    lines = ["| prompt | n | mass | names an option |", "|---|---|---|---|"]
    for name, entry in found.items():
        mass = f"{entry['mass']['value']:.2f} [{entry['mass']['low']:.2f}, {entry['mass']['high']:.2f}]"
        lines.append(f"| {name} | {entry['named']['n']} | {mass} | {_percent(entry['named'])} |")
    return "\n".join(lines)


def _distinct(found: dict[str, dict[str, dict[str, int]]]) -> str:
    lines = ["| clips | prompt | n | different answers | most frequent |", "|---|---|---|---|---|"]
    for split, prompts in found.items():
        where = "CREMA-D" if split == "votes" else split
        for name, entry in prompts.items():
            lines.append(
                f"| {where} | {name} | {entry['n']} | {entry['distinct']} | {entry['most_frequent']} |"
            )
    return "\n".join(lines)


def _calibration(found: dict[str, dict[str, float]]) -> str:
    lines = ["| speakers | n | token, word | text, dictionary |", "|---|---|---|---|"]
    for split, entry in found.items():
        where = "CREMA-D, votes" if split == "votes" else split
        lines.append(
            f"| {where} | {entry['n']} | {entry['token_word']:.3f} | {entry['text_dictionary']:.3f} |"
        )
    return "\n".join(lines)


def _elsewhere(found: dict[str, dict[str, Any]]) -> str:
    lines = ["| test clips | n | accuracy | mean largest share | named neutral |", "|---|---|---|---|---|"]
    for name in ("as recorded", "in a noisy room"):
        right, share, neutral = (found[name][key] for key in ("accuracy", "largest", "neutral"))
        sure = f"{share['value']:.2f} [{share['low']:.2f}, {share['high']:.2f}]"
        lines.append(f"| {name} | {right['n']} | {_percent(right)} | {sure} | {_percent(neutral)} |")
    return "\n".join(lines)


def _votes(found: dict[str, Any]) -> str:
    lines = ["| answer | jsd_bits |", "|---|---|"]
    for name, entry in found.items():
        lines.append(
            f"| {name.replace('_', ', ')} | {entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}] |"
        )
    return "\n".join(lines)


def _verdict(found: dict[str, Any]) -> str:
    scores = {name.replace("_", " "): entry["value"] for name, entry in found["jsd_bits"].items()}
    equal, prior = scores.pop("uniform"), scores.pop("vote prior")

    def those(low: float, high: float) -> str:
        return ", ".join(f"{name} {x:.3f}" for name, x in scores.items() if low <= x < high) or "none"

    named = found["plurality_named"]
    hits = round(named["value"] * named["n"])
    return (
        f"Below the constant vote prior ({prior:.3f}): **{those(0, prior)}**. Between it and equal shares "
        f"({equal:.3f}): **{those(prior, equal)}**. Farther from the votes than equal shares, that is, sure "
        f"and wrong: **{those(equal, 2)}** (a written word or letter, which is all on one emotion, is not "
        f"among these). Its most probable word is a plurality emotion of {hits} of "
        f"{named['n']}. Twelve clips of two actors say little either way."
    )
