"""Figures as SVG: marks stand where the axis says, and text stays text."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from ambivox.present.figures.charts import (
    CYCLE,
    TEXT,
    TOKEN,
    Bars,
    Curve,
    Curves,
    Figure,
    Line,
    Mark,
    Row,
    Rows,
    Shares,
    styled,
)
from ambivox.present.html.svg import NARROW_PX, WIDE_PX, draw

EVIL = "<b>&amp;</svg>\x00 \"'"
WIDTHS = pytest.mark.parametrize("width_px", [WIDE_PX, NARROW_PX])


def elements(figure: Figure, width_px: int) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(draw(figure, width_px)).iter())


def figure_of(*panels: Rows | Curves | Shares | Bars) -> Figure:
    return Figure("f", "title", "caption", panels)


def numbers(found: list[ElementTree.Element], tag: str, name: str, **attributes: str) -> list[float]:
    """An attribute of all elements of a kind that have the other attributes."""
    return [
        float(element.attrib[name])
        for element in found
        if element.tag == tag and attributes.items() <= element.attrib.items()
    ]


@WIDTHS
def test_marks_whiskers_lines_and_ticks_stand_where_the_axis_says(width_px: int) -> None:
    rows = tuple(Row(f"row {v}", (Mark(v, TOKEN, (v - 0.1, v + 0.1)),)) for v in (0.2, 0.6))
    found = elements(figure_of(Rows("p", "x", rows, (Line(0.4, "prior"),))), width_px)
    first, second = numbers(found, "circle", "cx")
    per_unit = (second - first) / 0.4

    def place(value: float) -> float:
        return pytest.approx(first + (value - 0.2) * per_unit, abs=0.3)  # type: ignore[return-value]

    colour = {"stroke": TOKEN.colour}
    assert numbers(found, "line", "x1", **colour) == [place(0.1), place(0.5)]
    assert numbers(found, "line", "x2", **colour) == [place(0.3), place(0.7)]
    assert numbers(found, "line", "x1", **{"class": "rule"}) == [place(0.4)]
    named = [
        float(element.text or "") for element in found if (element.text or "").replace(".", "").isdigit()
    ]
    assert numbers(found, "line", "x1", **{"class": "grid"}) == [place(value) for value in named]


@WIDTHS
def test_points_of_a_curve_stand_where_the_axes_say(width_px: int) -> None:
    curve = Curve(TEXT, (0.0, 0.5, 1.0), (1.0, 0.5, 0.0), ((0.9, 1.1), None, None))
    found = elements(figure_of(Curves("p", "x", "y", (curve,), (0, 1), (0, 1.2))), width_px)
    [line] = [element for element in found if element.tag == "polyline"]
    points = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    assert points[1][0] == pytest.approx((points[0][0] + points[2][0]) / 2, abs=0.1)
    assert points[1][1] == pytest.approx((points[0][1] + points[2][1]) / 2, abs=0.1)
    assert points[0][1] < points[2][1]
    [low], [high] = (numbers(found, "line", end, stroke=TEXT.colour) for end in ("y1", "y2"))
    assert (low + high) / 2 == pytest.approx(points[0][1], abs=0.1)


@WIDTHS
def test_a_long_title_keeps_both_of_its_ends_and_fits(width_px: int) -> None:
    curve = Curve(TEXT, (0.5,), (0.5,))
    panel = Curves("crema-d · " + "/folder" * 20 + "/tiny.en", "x", "y", (curve,), (0, 1), (0, 1))
    found = elements(figure_of(panel, panel), width_px)
    title = next(element.text or "" for element in found if "crema-d" in (element.text or ""))
    assert title.endswith("/tiny.en")
    assert 6.0 * len(title) <= (width_px if width_px == NARROW_PX else width_px / 2)


@WIDTHS
def test_bars_are_as_high_as_their_numbers(width_px: int) -> None:
    found = elements(figure_of(Bars("", "x", "y", (0, 1, 2), (2.0, 4.0), "told")), width_px)
    first, second = numbers(found, "rect", "height")
    assert second == pytest.approx(2 * first, abs=0.2)


@WIDTHS
def test_everything_lies_inside_of_the_picture(width_px: int) -> None:
    rows = tuple(
        Row("a long name " * 12, (Mark(v, TOKEN, (v - 1, v + 1)),), "more " * 40) for v in (-5.0, 9.0)
    )
    lines = tuple(Line(value, "a line with a name") for value in (-5.9, 9.9))
    found = elements(figure_of(Rows("p", "x", rows, lines)), width_px)
    height = float(found[0].attrib["height"])
    for element in found:
        for name, end in (
            ("x", width_px),
            ("cx", width_px),
            ("x1", width_px),
            ("x2", width_px),
            ("y", height),
        ):
            assert 0 <= float(element.attrib.get(name, 0)) <= end
    longest = max(len(element.text or "") for element in found if element.tag == "text")
    assert longest * 6.0 <= width_px


@WIDTHS
def test_text_from_outside_is_text(width_px: int) -> None:
    panels = (
        Rows(EVIL, EVIL, (Row(EVIL, (Mark(0.1, styled([EVIL])[0]),), EVIL),), (Line(0.0, EVIL),)),
        Curves(EVIL, EVIL, EVIL, (Curve(TEXT, (0.5,), (0.5,), names=(EVIL,), joined=False),), (0, 1), (0, 1)),
        Shares(EVIL, EVIL, ((EVIL, ((TOKEN, 1.0, EVIL),)),)),
        Bars(EVIL, EVIL, EVIL, (0, 1), (1.0,), EVIL),
    )
    found = elements(Figure(EVIL, EVIL, EVIL, panels), width_px)
    assert "b" not in {element.tag for element in found}
    assert sum("<b>&amp;</svg>" in (element.text or "") for element in found) > 10


def test_each_style_of_the_cycle_is_drawn_in_a_shape_of_its_own() -> None:
    styles = styled([str(n) for n in range(len(CYCLE))])
    curves = tuple(Curve(style, (0.5,), (0.5,)) for style in styles)
    found = elements(figure_of(Curves("", "x", "y", curves, (0, 1), (0, 1))), WIDE_PX)
    corners = {element.attrib["points"].count(",") for element in found if element.tag == "polygon"}
    assert len(corners) == 3  # 4 of both square and diamond, 3, and 12


@pytest.mark.parametrize("path", ["src/ambivox/present/html/templates/style.css"])
def test_the_classes_that_a_dark_page_colours_are_those_of_the_picture(path: str) -> None:
    style = Path(path).read_text("utf-8")
    rows = (Row("r", (Mark(0.5, TOKEN),)),)
    shares = Shares("s", "x", (("r", ((TOKEN, 1.0, "1"),)),))
    found = elements(figure_of(Rows("p", "x", rows, (Line(0.1, "l"),)), shares), WIDE_PX)
    classes = {name for element in found for name in element.attrib.get("class", "").split()} - {"data"}
    assert classes == {"ink", "soft", "grid", "rule", "halo", "bar"}
    assert all(f".picture .{name}" in style for name in classes)
