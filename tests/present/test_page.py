import hashlib
import html
import json
import re
import stat
from base64 import b64encode
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ambivox.errors import UsageError
from ambivox.field_claims import claims, claims_of_readings
from ambivox.present.html import write_report
from ambivox.present.html.again import do_again
from ambivox.present.html.svg import NARROW_PX, WIDE_PX
from ambivox.present.scores import main_metrics
from ambivox.scoring import ScoringOptions, read_run, score
from tests.present.pages import Page, report
from tests.present.runs import SHARED, Made, make_run
from tests.scoring.rows import find_row, prompt_of, readout_of

EVIL = '</script><script>alert("x")</script><img src=x onerror=alert(1)><!--'
DRAWN = {"svg", "g", "text", "line", "polyline", "circle", "polygon", "rect", "title"}


def number(value: float, digits: int = 3, *, signed: bool = False) -> str:
    """As the page writes a number; written again here, so that the two can differ."""
    text = format(value, f"{'+' if signed and round(value, digits) else ''}.{digits}f")
    return text if round(value, digits) else text.lstrip("-")


def lines(page: Page, caption: str) -> dict[str, list[str]]:
    """The lines of the first table whose lead is `caption`, by readout within prompt."""
    found: dict[str, list[str]] = {}
    group, started = "", False
    for row in page.rows:
        if row[0] == "readout":
            if started:
                break
            started = caption in " ".join(row)
        elif started and len(row) == 1:
            group = row[0]
        elif started:
            name = re.sub(r"(text|token) level$", "", row[0])
            found[f"{group} | {name}"] = [re.sub(r"–[\d, ]+$", "–", cell) for cell in row[1:]]
    return found


def without_intervals(cells: list[str]) -> list[str]:
    """Cells as `lines` gives them, without intervals and the marks of their footnotes."""
    return [re.sub(r"(\d\.\d{3})(\[[^\]]*\])?[\d, ]*$", r"\1", cell) for cell in cells]


@pytest.fixture(scope="module")
def table(usual):
    """The scores of the usual run."""
    return score(usual.run)


@pytest.mark.parametrize("convention", ["ambivox", "aer-llm", "scaling-ambiguity", "yu-2026"])
def test_every_number_of_the_table_is_that_of_the_score_table(tmp_path, convention):
    page = report(tmp_path, Made(controls=("clip", "noise")), ScoringOptions(convention=convention))
    table = score(tmp_path / "made-run", ScoringOptions(convention=convention))
    written = lines(page, "mass")
    shown = [table.headline, *(name for name in main_metrics(table) if name != table.headline)]
    for row in table.rows:
        if not (row.level == "control" or row.of_clips):
            continue
        prompt = f"Prompt {prompt_of(row)} (v1), mini" if prompt_of(row) else "Controls, which ask no model"
        cells = written[f"{prompt} | {readout_of(row)}"]
        assert cells[0] == f"{row.failed}/{row.utterances}"
        assert cells[-1] == ", ".join(f"{s} {n}" for s, n in row.statuses.items())
        if row.level == "token" and row.mass is not None:
            assert cells[-2] == number(row.mass)
        scores = without_intervals([cells[1], *cells[3:-2]])
        assert len(scores) == len(shown)
        for metric, cell in zip(shown, scores, strict=True):
            value = row.scores[metric].value if row.scores else float("nan")
            assert cell == ("–" if value != value else number(value)), (row.key, metric)
        skill = row.skill.get(table.headline)
        [cell] = without_intervals([cells[2]])
        assert cell == ("–" if skill is None else number(skill, signed=True))


def test_metrics_beyond_the_main_table_and_every_skill_are_written_too(usual, table):
    page = usual.page
    further = [name for name in table.metrics if name not in main_metrics(table)]
    cells = lines(page, "top2_share")["Prompt word (v1), mini | first"]
    row = find_row(table, "first", "word")
    assert without_intervals(cells[1:]) == [number(row.scores[metric].value) for metric in further]
    skills = [line for line in page.rows if len(line) == len(table.metrics) + 2]
    known = [number(skill, signed=True) for skill in row.skill.values() if skill == skill]
    assert any(set(known) <= set(without_intervals(line[2:])) for line in skills)


def test_controls_come_before_readouts(usual):
    groups = [row[0] for row in usual.page.rows if len(row) == 1]
    assert groups[0] == "Controls, which ask no model"
    assert groups[1:3] == ["Prompt word (v1), mini", "Prompt dictionary (v1), mini"]


def test_scores_under_each_choice_of_what_a_failed_reading_counts_as(usual, table):
    page = usual.page
    row = find_row(table, "dictionary", "dictionary")
    cells = next(cells for cells in page.rows if cells[0] == "dictionary · dictionary")
    expected = [row.by_failed[choice]["jsd_bits"] for choice in ("excluded", "uniform", "neutral")]
    assert cells[1:] == ["7/40", *(f"{number(s.value)}n = {s.utterances}" for s in expected)]
    assert expected[0].utterances == 33


def test_a_readout_that_failed_everywhere_has_no_score_and_is_not_ranked(tmp_path):
    page = report(tmp_path, Made(offset=-20.0))
    cells = next(c for name, c in lines(page, "mass").items() if name.endswith("normalise=sum)"))
    assert cells[0] == "40/40"
    assert set(cells[1:-2]) == {"–"}
    assert "all 40 readings failed (undefined" in page.text
    assert "not ranked: “mean(value=logit, normalise=sum)” on the prompt “word”" in page.text
    assert "no score · word · mean(value=logit, normalise=sum)" in page.all_words


def test_failed_rows_are_listed_with_clip_and_reason(tmp_path):
    page = report(tmp_path, Made(clips=20, error="clips/broken.wav: no sound in it"))
    rows = [row for row in page.rows if row[1:3] == ["failed", "clips/broken.wav: no sound in it"]]
    assert [(row[0], row[3], row[4]) for row in rows] == [
        (f"crema-d · {prompt} · every readout", readings, "1000_DFA_005")
        for prompt, readings in (("word", "3"), ("dictionary", "3"))
    ]
    assert any(row[1] == "refused" and "As an AI" in row[2] for row in page.rows if len(row) == 5)


def test_readings_of_the_failure_list_are_those_that_the_table_counts(usual, table):
    page = usual.page
    listed = sum(int(row[3]) for row in page.rows if len(row) == 5 and row[3].isdigit())
    readouts = [row for row in table.rows if row.level != "control"]
    assert listed == sum(row.failed for row in readouts)


def test_text_from_outside_is_shown_and_never_run(tmp_path):
    made = Made(
        clips=8,
        names=[EVIL + str(n) for n in range(8)],
        model=EVIL,
        corpus=EVIL,
        licence=EVIL,
        notes=(EVIL,),
        error=EVIL,
        say=lambda clip, prompt, votes: None if clip == 3 else f"angry {EVIL}",
    )
    page = report(tmp_path, made)
    tags = [tag for tag, _ in page.tags]
    assert "img" not in tags
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert tags.count("script") == len(page.clips) + len(page.scripts)
    assert {"b", "onload"}.isdisjoint(tags)
    assert EVIL in page.text
    assert f"angry {EVIL}" in page.clips[0]["questions"][0]["answers"]


def test_names_in_pictures_are_shown_literally(tmp_path):
    page = report(tmp_path, Made(model="<b>&amp;", controls=("clip", "silence")))
    drawn = [element for picture in page.pictures for element in picture]
    assert any("<b>&amp;" in element.text for element in drawn)
    assert {element.tag for element in drawn} <= DRAWN


def test_only_the_scripts_of_the_page_may_run_and_nothing_is_fetched(tmp_path):
    out = write_report(make_run(tmp_path / "run"), tmp_path / "report.html")
    page = Page(out.read_text("utf-8"))
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    hashes = {b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in page.scripts}
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == hashes
    assert "default-src 'none'" in policy
    for _, attrs in page.tags:
        assert "src" not in attrs
        assert attrs.get("href") in (None, "data:,")


def test_not_a_number_is_never_written(tmp_path):
    for name, made in {
        "one": Made(clips=1),
        "undefined": Made(offset=-20.0),
        "nothing said": Made(say=lambda *_: None),
        "collided": Made(label_tokens=SHARED),
    }.items():
        words = report(tmp_path / name, made).all_words
        study = do_again(read_run(tmp_path / name / "made-run")).study  # whose YAML has them
        assert study in words
        words = words.replace(study, "")
        assert not re.search(r"\b([Nn]a[Nn]|[Ii]nf(inity)?|None|null)\b", words), name


def test_every_picture_says_what_it_shows(tmp_path):
    page = report(tmp_path, Made(controls=("clip", "silence", "swapped")), ScoringOptions(cluster="clip"))
    heads = [picture[0].attributes for picture in page.pictures]
    titles = [attrs["aria-label"].partition(".")[0] for attrs in heads]
    assert titles == [
        "What can be claimed",
        "jsd_bits of every readout",
        "Text against token level by ambiguity",
        "Sensitivity to prompts and orders",
        "What became of the answers",
        "As unsure as the raters?",
        "How sure, and how many raters agree",
    ]
    assert {attrs["role"] for attrs in heads} == {"img"}
    assert re.search(r"text level: \d\.\d+ \d\.\d\d\d", heads[-1]["aria-label"])


def test_every_picture_is_drawn_for_a_phone_too(usual):
    page = usual.page
    widths = [float(attrs["width"]) for tag, attrs in page.tags if tag == "svg"]
    assert widths == [WIDE_PX, NARROW_PX] * len(page.pictures)


def test_headings_are_in_order_and_there_is_one_title(usual):
    page = usual.page
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    before_the_body = [tag for tag, _ in page.tags][: [tag for tag, _ in page.tags].index("body")]
    assert before_the_body.count("title") == 1


def test_statuses_of_every_kind_are_written(tmp_path):
    words = report(tmp_path, Made(label_tokens=SHARED)).all_words
    for status in ("ok", "renormalised", "partial", "foreign", "refused", "unparsed", "collided", "failed"):
        assert re.search(rf"\b{status} \d+", words), status


def test_the_same_run_gives_the_same_bytes(tmp_path):
    run = make_run(tmp_path / "run")
    first = write_report(run, tmp_path / "a.html").read_bytes()
    assert write_report(run.folder, tmp_path / "b.html").read_bytes() == first


def test_a_report_that_cannot_be_made_leaves_the_old_one(tmp_path, monkeypatch):
    out = write_report(make_run(tmp_path / "run"), tmp_path / "report.html")
    before = out.read_bytes()
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(Exception, match="No space left"):
        write_report(tmp_path / "run", out)
    assert out.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "run"]


def test_its_folder_is_made_and_a_folder_is_no_file(tmp_path):
    run = make_run(tmp_path / "run")
    out = write_report(run, tmp_path / "new" / "deep" / "report.html")
    assert stat.S_ISREG(out.stat().st_mode)
    with pytest.raises(UsageError, match="name the file to write"):
        write_report(run, tmp_path / "new")


def test_a_run_without_votes_is_refused_and_nothing_is_written(tmp_path):
    run = make_run(tmp_path / "run", Made(votes=lambda clip: {}))
    with pytest.raises(UsageError, match="nothing to score against"):
        write_report(run, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_the_folder_is_named_but_not_where_it_lies(usual):
    page = usual.page
    assert "made-run" in page.text
    assert str(usual.run.folder.parent) not in html.unescape(page.all_words) + json.dumps(page.clips)


def test_the_page_has_the_verdicts_of_the_claims(tmp_path):
    made, options = Made(controls=("clip", "silence", "swapped")), ScoringOptions(cluster="clip")
    page = report(tmp_path, made, options)
    [found] = claims(make_run(tmp_path / "run", made), options).corpora
    rows = {row[0]: row for row in page.rows}
    assert {claim.verdict for claim in found.claims} > {"not tested"}
    for claim in found.claims:
        _, verdict, effects, p = rows[claim.sentence]
        assert verdict.startswith(claim.verdict)
        assert p == ("" if np.isnan(claim.p_holm) else f"{claim.p_holm:.2g}")
        for part in claim.parts:
            assert f"{part.what} {number(part.interval.estimate, signed=True)}" in effects


def test_calibrated_readings_change_no_claim(tmp_path):
    run = make_run(tmp_path / "run", Made(controls=("clip", "silence", "swapped")))
    plain, calibrated = (
        claims_of_readings(read_run(run, ScoringOptions(cluster="clip", calibrations=names)))
        for names in ((), ("pmi",))
    )
    assert repr(plain.corpora[0].claims) == repr(calibrated.corpora[0].claims)
    assert repr(plain.comparisons) == repr(calibrated.comparisons)
