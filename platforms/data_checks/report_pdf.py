"""A check's report as PDF: one or two pages for the wall, the boss or the marketplace.

Latin text is set in Helvetica, everything else in STSong-Light, which every PDF reader brings
along: no font has to be shipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from xml.sax.saxutils import escape

from django.utils.translation import gettext as _
from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Table as Grid

from platforms.data_checks.charts import Chart, draw
from platforms.data_checks.sheet import Figure, Sheet, Table

EAST = "STSong-Light"
LATIN, BOLD = "Helvetica", "Helvetica-Bold"
TEXT, QUIET, LINE, SUNKEN = "#1a202c", "#586174", "#d9dde5", "#f1f3f6"
TONES = {  # soft background, text, bar
    "good": ("#e3f4e8", "#17633a", "#2f9e5b"),
    "warn": ("#fff2d1", "#7a4b00", "#e0a100"),
    "bad": ("#fde7e7", "#a61b1b", "#d64545"),
    "info": ("#e9eeff", "#2f4bc0", "#4c6ef5"),
    "neutral": ("#eceff3", "#475063", "#98a2b3"),
}
MARGIN = 16 * mm
PADDING = 6  # of ReportLab's frames, at each side
WIDTH = A4[0] - 2 * (MARGIN + PADDING)
FLAT = 0.6  # charts are lower than on the page, to leave room for the tables
MOST_ROWS = 60  # of a table; the CSV has them all

_FOREIGN = re.compile(r"[^\x20-\x7e\xa0-\xff–—‘’“”•…€]+")


def as_pdf(sheet: Sheet) -> bytes:
    """The sheet as a PDF file."""
    if EAST not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(EAST))
    file = BytesIO()
    document = SimpleDocTemplate(
        file, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=14 * mm,
        bottomMargin=16 * mm, pageCompression=1, title=_plain(sheet.title),
        author=_plain(sheet.company), creator="Storelink",
    )  # fmt: skip
    foot = _foot(sheet)
    document.build(_story(sheet), onFirstPage=foot, onLaterPages=foot)
    return file.getvalue()


def _story(sheet: Sheet) -> list[Flowable]:
    story: list[Flowable] = [
        _text(sheet.title, size=17, bold=True, after=2),
        _text(f"{sheet.store} · {sheet.platform}", size=11, after=6),
        _facts(
            [
                Figure(label=_("Company"), value=sheet.company),
                *sheet.about,
                Figure(label=_("Finished"), value=sheet.made),
            ]
        ),
        Spacer(0, 8),
        _verdict(sheet),
        Spacer(0, 10),
    ]
    if sheet.figures:
        story += [_figures(sheet.figures), Spacer(0, 10)]
    for chart in sheet.charts:
        story.append(KeepTogether([_heading(chart.title), _chart(chart), Spacer(0, 6)]))
    if sheet.details:
        story.append(
            KeepTogether([_heading(_("Details")), _facts(sheet.details), Spacer(0, 6)])
        )  # fmt: skip
    for table in sheet.tables:
        story += _table(table)
    if sheet.note:
        story += [Spacer(0, 6), _text(sheet.note, size=8, colour=QUIET)]
    return story


# --- text in two fonts


def _plain(text: str) -> str:
    """Without what neither font has: characters beyond the basic plane."""
    return "".join(c if ord(c) < 0x10000 and c >= " " else "?" for c in text)


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """The text in pieces, each with the font that has its characters."""
    last = 0
    for found in _FOREIGN.finditer(text):
        if found.start() > last:
            yield LATIN, text[last : found.start()]
        yield EAST, found[0]
        last = found.end()
    if last < len(text):
        yield LATIN, text[last:]


def _marked(text: str) -> str:
    """Escaped for a Paragraph, the parts that Helvetica lacks in the other font."""
    return "".join(
        escape(piece) if font == LATIN else f'<font name="{font}">{escape(piece)}</font>'
        for font, piece in _runs(_plain(text))
    )


def _text(
    text: str, *, size: float = 9, bold: bool = False, colour: str = TEXT, after: float = 0,
    right: bool = False,
) -> Paragraph:  # fmt: skip
    # The other font has no bold: half a bold line looks broken.
    foreign = bool(_FOREIGN.search(text))
    style = ParagraphStyle(
        "text", fontName=BOLD if bold and not foreign else LATIN, fontSize=size,
        leading=size * 1.35,
        textColor=HexColor(colour), spaceAfter=after, wordWrap="CJK" if foreign else None,
        alignment=TA_RIGHT if right else 0,
    )  # fmt: skip
    return Paragraph(_marked(text), style)


def _heading(text: str) -> Paragraph:
    return _text(text, size=10.5, bold=True, after=3)


# --- parts


def _verdict(sheet: Sheet) -> Grid:
    soft, dark, bar = TONES[sheet.verdict.tone]
    lines = [_text(sheet.verdict.text, size=11, bold=True, colour=dark, after=2)]
    if sheet.verdict.to_do:
        lines.append(_text(sheet.verdict.to_do, colour=dark))
    return Grid(
        [[lines]], colWidths=[WIDTH],
        style=TableStyle([
            ("BACKGROUND", (0, 0), (-1, -1), HexColor(soft)),
            ("LINEBEFORE", (0, 0), (0, -1), 3, HexColor(bar)),
            ("LEFTPADDING", (0, 0), (-1, -1), 10), ("RIGHTPADDING", (0, 0), (-1, -1), 10),
            ("TOPPADDING", (0, 0), (-1, -1), 7), ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
        ]),
    )  # fmt: skip


def _figures(figures: Sequence[Figure]) -> Grid:
    """Three in a row."""
    cells: list[list[Flowable]] = [
        [
            _text(figure.value, size=15, bold=True),
            _text(figure.label, size=8, colour=QUIET),
            _text(figure.note, size=8, colour=QUIET),
        ]
        for figure in figures
    ]
    cells += [[] for _missing in range(-len(cells) % 3)]
    return Grid(
        [cells[i : i + 3] for i in range(0, len(cells), 3)], colWidths=[WIDTH / 3] * 3,
        style=TableStyle([
            ("GRID", (0, 0), (-1, -1), 0.6, HexColor(LINE)), ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 8), ("TOPPADDING", (0, 0), (-1, -1), 5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
        ]),
    )  # fmt: skip


def _facts(figures: Sequence[Figure]) -> Grid:
    rows = [
        [
            _text(figure.label, colour=QUIET),
            _text(f"{figure.value} ({figure.note})" if figure.note else figure.value),
        ]
        for figure in figures
    ]
    return Grid(
        rows, colWidths=[WIDTH * 0.27, WIDTH * 0.73],
        style=TableStyle([
            ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 1.5), ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
        ]),
    )  # fmt: skip


def _table(table: Table) -> list[Flowable]:
    shown = table.rows[:MOST_ROWS]
    head = [
        _text(heading, size=8, colour=QUIET, right=bool(i) and table.is_numeric)
        for i, heading in enumerate(table.headings)
    ]
    rows = [
        [
            _text(str(cell), size=8.5, right=bool(i) and table.is_numeric)
            for i, cell in enumerate(row)
        ]
        for row in shown
    ]
    first = 0.3
    rest = (1 - first) / max(1, len(table.headings) - 1)
    grid = Grid(
        [head, *rows], repeatRows=1,
        colWidths=[WIDTH * first, *[WIDTH * rest] * (len(table.headings) - 1)],
        style=TableStyle([
            ("BACKGROUND", (0, 0), (-1, 0), HexColor(SUNKEN)),
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor(LINE)),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ]),
    )  # fmt: skip
    notes = [table.note] if table.note else []
    if len(shown) < len(table.rows):
        notes.append(_("The file for spreadsheets (CSV) has all rows."))
    below = [_text(" ".join(notes), size=8, colour=QUIET)] if notes else []
    parts: list[Flowable] = [_heading(table.title), grid, Spacer(0, 2), *below, Spacer(0, 8)]
    return [KeepTogether(parts)] if len(shown) <= 12 else parts


def _chart(chart: Chart) -> Drawing:
    plan = draw(chart)
    legend = chart.legend if len(chart.legend) > 1 else ()
    scale, height = WIDTH / plan.width, plan.height * WIDTH / plan.width * FLAT
    drawing = Drawing(WIDTH, height + (14 if legend else 0))

    def at(x: float, y: float) -> tuple[float, float]:
        return x * scale, (plan.height - y) * scale * FLAT

    for mark in plan.lines:
        x, y = at(mark.x, mark.y)
        drawing.add(Line(x, y, WIDTH, y, strokeColor=HexColor(LINE), strokeWidth=0.5))
        drawing.add(_string(x - 4, y - 2.5, mark.text, anchor="end"))
    for rect in plan.rects:
        x, y = at(rect.x, rect.y + rect.height)
        drawing.add(
            Rect(x, y, rect.width * scale, rect.height * scale * FLAT, strokeColor=None,
                 fillColor=HexColor(TONES[rect.tone][2]))
        )  # fmt: skip
    for mark in plan.labels:
        x, y = at(mark.x, mark.y)
        drawing.add(_string(x, y, mark.text, anchor="middle"))
    x, y = 0.0, height + 4
    for tone, name in legend:
        drawing.add(Rect(x, y, 7, 7, strokeColor=None, fillColor=HexColor(TONES[tone][2])))
        label = _string(x + 11, y + 0.5, name)
        drawing.add(label)
        x += 26 + pdfmetrics.stringWidth(label.text, label.fontName, label.fontSize)
    return drawing


def _string(x: float, y: float, text: str, *, anchor: str = "start") -> String:
    text = _plain(text)
    font = EAST if _FOREIGN.search(text) else LATIN
    return String(
        x, y, text, fontName=font, fontSize=7.5, fillColor=HexColor(QUIET), textAnchor=anchor
    )  # fmt: skip


def _foot(sheet: Sheet) -> Callable[[Canvas, SimpleDocTemplate], None]:
    left = _plain(f"{sheet.company} · {sheet.store} · {sheet.made}")[:110]

    def write(canvas: Canvas, document: SimpleDocTemplate) -> None:
        canvas.saveState()
        canvas.setFillColor(HexColor(QUIET))
        x = MARGIN + PADDING
        for font, piece in _runs(left):
            canvas.setFont(font, 7.5)
            canvas.drawString(x, 9 * mm, piece)
            x += pdfmetrics.stringWidth(piece, font, 7.5)
        canvas.setFont(LATIN, 7.5)
        canvas.drawRightString(A4[0] - MARGIN - PADDING, 9 * mm, str(document.page))
        canvas.restoreState()

    return write
