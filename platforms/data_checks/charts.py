"""Bar charts of a report: one geometry for the page (SVG) and for the PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 190
LEFT, BOTTOM, TOP = 40, 26, 10
MOST_LABELS = 11


@dataclass(frozen=True, kw_only=True)
class Bar:
    """`parts` are stacked from below: (tone, value), in the order of the legend."""

    label: str
    parts: tuple[tuple[str, float], ...]

    @property
    def total(self) -> float:
        return sum(value for _tone, value in self.parts)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """`legend` names the tones (good, warn, bad, info, neutral); `about` says in a sentence what
    is seen, for those who do not see it."""

    title: str
    bars: tuple[Bar, ...]
    legend: tuple[tuple[str, str], ...]
    about: str = ""

    @property
    def drawing(self) -> Drawing:
        return draw(self)


@dataclass(frozen=True, kw_only=True)
class Rect:
    x: float
    y: float
    width: float
    height: float
    tone: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    x: float
    y: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Coordinates grow to the right and downwards, in a box of `width` x `height`."""

    width: int
    height: int
    rects: tuple[Rect, ...]
    lines: tuple[Mark, ...]  # horizontal ones, with what they stand for
    labels: tuple[Mark, ...]  # below the bars, centred
    left: int = LEFT


def draw(chart: Chart) -> Drawing:
    top = nice_top(max((bar.total for bar in chart.bars), default=0))
    room = HEIGHT - BOTTOM - TOP
    step = (WIDTH - LEFT) / max(1, len(chart.bars))
    names = dict(chart.legend)
    rects, labels = [], []
    every = max(1, -(-len(chart.bars) // MOST_LABELS))
    for index, bar in enumerate(chart.bars):
        x, y = LEFT + index * step, float(HEIGHT - BOTTOM)
        for tone, value in bar.parts:
            height = room * value / top
            if value <= 0:
                continue
            y -= height
            rects.append(
                Rect(
                    x=round(x + step * 0.12, 1), y=round(y, 1), width=round(step * 0.76, 1),
                    height=round(height, 1), tone=tone,
                    title=f"{bar.label}: {names.get(tone, '')} {value:g}",
                )
            )  # fmt: skip
        if index % every == 0:
            labels.append(Mark(x=round(x + step / 2, 1), y=HEIGHT - 8, text=bar.label))
    return Drawing(
        width=WIDTH, height=HEIGHT, rects=tuple(rects), labels=tuple(labels),
        lines=tuple(
            Mark(x=LEFT, y=round(HEIGHT - BOTTOM - room * value / top, 1), text=f"{value:g}")
            for value in _ticks(top)
        ),
    )  # fmt: skip


def nice_top(most: float) -> float:
    """The first of 1, 2, 4, 5, 10, 20, 40, 50, … that is not below it."""
    scale = 1.0
    while True:
        for step in (1, 2, 4, 5):
            if most <= step * scale:
                return step * scale
        scale *= 10


def _ticks(top: float) -> Sequence[float]:
    return (0, top / 2, top) if top > 1 else (0, top)
