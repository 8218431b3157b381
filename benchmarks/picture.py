"""Draw the picture of the README: one clip, what people voted, what `mini` says and what it nearly says.

``python -m benchmarks.picture --data DIR`` writes docs/pictures/one_clip.svg. The clip, of CREMA-D, was
chosen because it shows the idea; what all clips show is in the results.
"""

from __future__ import annotations

import argparse
from html import escape
from pathlib import Path

import ambivox
from ambivox.emotions import load_emotions
from ambivox.raters.distribution import count_votes, truth

CLIP = "1001_DFA_FEA_XX"
OUT = Path(__file__).parents[1] / "docs" / "pictures" / "one_clip.svg"
WIDTH, ROW, BAR, LEFT, TOP = 760, 30, 170, 84, 64
COLOURS = {"votes": "#4d4d4d", "text level": "#d55e00", "token level": "#0072b2"}  # Okabe and Ito (2008)


def draw(labels: tuple[str, ...], shares: dict[str, list[float]], titles: dict[str, str]) -> str:
    """Bars of each distribution side by side."""
    height = TOP + ROW * len(labels) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="14">',
        "<title>One clip: votes of people, text level and token level of the model</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for n, label in enumerate(labels):
        y = TOP + ROW * n + 16
        parts.append(f'<text x="{LEFT - 10}" y="{y}" text-anchor="end" fill="#222">{escape(label)}</text>')
    for place, (name, values) in enumerate(shares.items()):
        x = LEFT + place * (BAR + 56)
        parts.append(f'<text x="{x}" y="24" font-weight="bold" fill="{COLOURS[name]}">{name}</text>')
        parts.append(f'<text x="{x}" y="44" font-size="12" fill="#555">{escape(titles[name])}</text>')
        for n, value in enumerate(values):
            y = TOP + ROW * n
            parts.append(f'<rect x="{x}" y="{y}" width="{BAR}" height="20" fill="#eeeeee"/>')
            parts.append(
                f'<rect x="{x}" y="{y}" width="{BAR * value:.1f}" height="20" fill="{COLOURS[name]}"/>'
            )
            parts.append(
                f'<text x="{x + BAR + 6}" y="{y + 15}" font-size="12" fill="#222">{value:.0%}</text>'
            )
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    folder = parser.parse_args().data / "crema-d"
    emotions = load_emotions("cremad6")
    [utterance] = [u for u in ambivox.load_corpus("crema-d", folder, votes="voice") if u.id == CLIP]
    votes = count_votes(utterance.votes, emotions)
    people = truth(votes, emotions)
    answer = ambivox.read(utterance.audio, "mini", prompt="word", emotions="cremad6").answers["word"]
    read = answer.readings
    text, token = read["label"].distribution, read["first"].distribution
    assert people is not None
    assert text is not None
    assert token is not None
    shares = {"votes": people, "text level": text, "token level": token}
    titles = {
        "votes": f"{votes.total} people who heard the clip",
        "text level": f"the model says “{answer.text}”",
        "token level": "what it nearly said",
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(
        draw(emotions.labels, {k: v.tolist() for k, v in shares.items()}, titles), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
