"""The report in Chromium, as the machine has it or as ``playwright install chromium`` gets it."""

import csv
import io
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ambivox.present.html import write_report
from ambivox.scoring import ScoringOptions
from tests.browser import PATIENCE_MS, browser
from tests.present.runs import Made, make_run

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

EVIL = "</script><script>document.title='run'</script><img src=x onerror=document.title='run'>\"'&"
RIGHT_TO_LEFT = "שלום-\u202eabc"
FORMULA = "=1+1"
SPEECH = Path(__file__).parents[2] / "examples/crema-d/AudioWAV/1001_DFA_FEA_XX.wav"
N_CLIPS = 30
"""Opening the page takes a second, and a minute on a machine that has other things to do."""
MADE = Made(
    clips=N_CLIPS,
    prompts=("word",),
    readouts=("label", "first"),
    names=[EVIL, RIGHT_TO_LEFT, FORMULA],
    changes={"asked.clip.path": str(SPEECH)},
    say=lambda clip, prompt, votes: (
        None if clip == 5 else EVIL if clip == 0 else "angry" if clip % 2 else "sad"
    ),
)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    return write_report(
        make_run(folder / "run", MADE), folder / "report.html", ScoringOptions(cluster="clip")
    )


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as opened:
        yield opened


class Watched:
    """The report in a tab, with what it asked for and what it complained about."""

    def __init__(self, browser: Any, address: str) -> None:
        self.tab = browser.new_page()
        self.tab.set_default_timeout(PATIENCE_MS)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on("console", lambda message: self.complaints.append(message.text))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.goto(address)
        self.tab.wait_for_selector("ol.clips li")
        self.opened_at = self.focused()

    def focused(self) -> str:
        """The clip that the keyboard is at."""
        return self.tab.evaluate("document.activeElement.querySelector('h4 bdi')?.textContent")  # type: ignore[no-any-return]

    def names(self) -> list[str]:
        return self.tab.locator("ol.clips h4 bdi").all_inner_texts()  # type: ignore[no-any-return]

    def told(self) -> str:
        return self.tab.locator(".turn [role=status]").inner_text()  # type: ignore[no-any-return]

    def saved(self, button: Any) -> str:
        with self.tab.expect_download() as download:
            button.click()
        return Path(download.value.path()).read_text("utf-8")


@pytest.fixture(scope="module")
def opened(chromium: Any, page_file: Path) -> Watched:
    """One tab for all tests: opening a page of five megabytes takes seconds."""
    return Watched(chromium, f"{page_file.as_uri()}#clip=1000_DFA_025")


@pytest.fixture
def report(opened: Watched) -> Iterator[Watched]:
    opened.tab.set_viewport_size({"width": 1280, "height": 900})
    opened.tab.emulate_media(media="screen", color_scheme="light")
    opened.tab.click("[data-do=all]")
    opened.tab.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = false))")
    yield opened
    assert opened.complaints == []
    assert not [url for url in opened.requests if not url.startswith(("file:", "data:", "blob:"))]


def test_text_from_outside_is_text(report: Watched) -> None:
    assert report.names()[:3] == [EVIL, RIGHT_TO_LEFT, FORMULA]
    assert EVIL in report.tab.locator("ol.clips li").first.inner_text()
    assert report.tab.locator("main img").count() == 0
    assert report.tab.title() == "ambivox: run"


def test_clips_are_paged_sorted_and_filtered(report: Watched) -> None:
    tab = report.tab
    assert report.told() == f"1 to 12 of {N_CLIPS} selected, {N_CLIPS} in all"
    tab.click("[data-do=after]")
    tab.click("[data-do=after]")
    assert report.told() == f"25 to 30 of {N_CLIPS} selected, {N_CLIPS} in all"
    tab.select_option("[name=sort]", "people")
    entropies = [
        float(text.split("entropy ")[1].split()[0])
        for text in tab.locator("ol.clips li > p:first-of-type").all_inner_texts()
    ]
    assert entropies == sorted(entropies, reverse=True)
    tab.select_option("[name=status]", label="failed")
    assert report.names() == ["1000_DFA_005"]
    tab.click("[data-do=all]")
    tab.select_option("[name=speaker]", label="1001")
    assert report.told() == f"1 to 6 of 6 selected, {N_CLIPS} in all"
    tab.fill("[name=search]", "_DFA_006")
    assert report.names() == ["1001_DFA_006"]


def test_two_questions_stand_side_by_side_in_a_card_and_in_the_csv(report: Watched) -> None:
    tab = report.tab
    assert tab.locator("[name=beside] option").count() == 1 + tab.locator("[name=question] option").count()
    choose = "(one) => { one.value = '0'; one.dispatchEvent(new Event('input', {bubbles: true})); }"
    tab.eval_on_selector("[name=beside]", choose)  # hidden where there is one question only
    heads = tab.locator("ol.clips li").first.locator("thead th").all_inner_texts()
    assert heads == ["label", "votes", "A text", "A token", "B text", "B token"]
    [first, *_] = csv.DictReader(io.StringIO(report.saved(tab.locator("[data-do=csv]"))))
    assert first["beside.token.jsd_bits"] == first["token.jsd_bits"] != ""


def test_a_link_leads_to_one_clip(report: Watched) -> None:
    assert report.opened_at == "1000_DFA_025"
    report.tab.click("[data-do=after]")
    report.tab.locator("ol.clips li", has_text="1002_DFA_017").get_by_role("link").click()
    assert report.focused() == "1002_DFA_017"


def test_what_is_selected_is_saved_as_csv(report: Watched) -> None:
    report.tab.select_option("[name=status]", label="ok")
    rows = list(csv.DictReader(io.StringIO(report.saved(report.tab.locator("[data-do=csv]")))))
    assert len(rows) == int(report.told().split(" of ")[1].split()[0])
    assert {row["utterance"] for row in rows} >= {RIGHT_TO_LEFT, f"'{FORMULA}"}
    assert {row["token.readout"] for row in rows} == {"word · first"}
    assert all(0 <= float(row["token.jsd_bits"]) <= 1 for row in rows)


def test_every_table_is_saved_as_csv_with_the_numbers_that_it_shows(report: Watched) -> None:
    tab = report.tab
    tab.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    buttons = tab.get_by_role("button", name="save as CSV")
    assert buttons.count() == tab.locator(".box").count() > 3
    box = tab.locator(".box", has=tab.locator("table.scores")).first
    rows = list(csv.reader(io.StringIO(report.saved(box.locator("+ .save")))))
    shown = box.locator("tbody tr:not(:has(.group)) th").all_inner_texts()
    assert len(rows) == 1 + len(shown)
    assert {len(row) for row in rows} == {len(rows[0])}
    assert [name.splitlines()[0] for name in shown] == [row[1] for row in rows[1:]]


def test_every_picture_is_saved_as_svg_in_light_colours(report: Watched) -> None:
    report.tab.emulate_media(color_scheme="dark")
    buttons = report.tab.get_by_role("button", name="save as SVG")
    assert buttons.count() == report.tab.locator("figure.picture").count() > 4
    for n in range(buttons.count()):
        drawn = ElementTree.fromstring(report.saved(buttons.nth(n)))
        assert drawn.tag.endswith("}svg")
        assert drawn[0].attrib["fill"] == "#ffffff"
        assert drawn.attrib["aria-label"]


def test_pictures_follow_the_colours_and_the_width_of_the_screen(report: Watched) -> None:
    tab = report.tab
    ink = "getComputedStyle(document.querySelector('.wide .ink')).fill"
    light = tab.evaluate(ink)
    tab.emulate_media(color_scheme="dark")
    assert tab.evaluate(ink) != light
    shown = [tab.locator(f"figure.picture .{width}").first for width in ("wide", "narrow")]
    assert [one.is_visible() for one in shown] == [True, False]
    tab.set_viewport_size({"width": 390, "height": 800})
    assert [one.is_visible() for one in shown] == [False, True]


def test_a_clip_is_played(report: Watched) -> None:
    played = """(audio) => new Promise((done) => {
        audio.muted = true;
        audio.addEventListener("timeupdate", () => audio.currentTime > 0 && done(audio.duration));
        audio.play();
    })"""
    assert report.tab.locator("audio").nth(1).evaluate(played) == pytest.approx(2.27, abs=0.1)


def test_the_keyboard_reaches_clips_and_tokens(report: Watched) -> None:
    tab = report.tab
    tab.locator("[name=sort]").focus()
    tab.keyboard.press("ArrowDown")
    assert tab.locator("[name=sort]").input_value() == "people"
    tab.locator("ol.clips .token").first.focus()
    assert "token 1:" in tab.locator("ol.clips .told").first.inner_text()
    tab.keyboard.press("ArrowRight")
    assert "token 2:" in tab.locator("ol.clips .told").first.inner_text()


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_the_page_is_no_wider_than_the_screen(report: Watched, width: int) -> None:
    report.tab.set_viewport_size({"width": width, "height": 900})
    assert report.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_paper_has_all_parts_and_no_controls(report: Watched) -> None:
    tab = report.tab
    assert tab.locator("details:not([open])").count() > 0
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    assert tab.locator("details:not([open])").count() == 0
    assert tab.locator("ol.clips li").first.is_visible()
    assert not tab.locator(".browser form").is_visible()
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator("details[open]").count() == 0


@pytest.mark.parametrize(
    ("colours", "rules"), [("light", "{}"), ("dark", "{runOnly: {type: 'rule', values: ['color-contrast']}}")]
)
def test_axe_finds_nothing_serious(report: Watched, colours: Any, rules: str) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    report.tab.emulate_media(color_scheme=colours)
    report.tab.fill("[name=search]", "1001_DFA_006")
    report.tab.evaluate(resources.files(axe).joinpath("axe.min.js").read_text("utf-8"))
    found = report.tab.evaluate(f"axe.run(document, {rules})")
    assert {rule["id"] for rule in found["passes"]} >= {"color-contrast"}
    serious = [
        (rule["id"], rule["nodes"][0]["html"], rule["nodes"][0]["failureSummary"])
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
    assert serious == []
