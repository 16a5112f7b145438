"""A check's report as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from platforms.data_checks.sheet import Sheet
from platforms.orders_csv import BOM, Cell, write_rows


def as_csv(sheet: Sheet) -> str:
    """The sheet from top to bottom, a blank line between its parts."""
    return BOM + write_rows(_rows(sheet))


def _rows(sheet: Sheet) -> Iterator[Sequence[Cell]]:
    yield [_("Report"), sheet.title]
    yield [_("Company"), sheet.company]
    yield [_("Store"), sheet.store]
    yield [_("Platform"), sheet.platform]
    yield [_("Finished"), sheet.made]
    for figure in sheet.about:
        yield [figure.label, figure.value]
    yield [_("Verdict"), sheet.verdict.text]
    yield [_("What to do"), sheet.verdict.to_do]
    yield []
    for figure in (*sheet.figures, *sheet.details):
        yield [figure.label, figure.value, figure.note]
    for table in sheet.tables:
        yield []
        yield [table.title]
        yield table.headings
        yield from table.rows
    for chart in sheet.charts:
        yield []
        yield [chart.title]
        yield ["", *(name for _tone, name in chart.legend)]
        for bar in chart.bars:
            yield [bar.label, *(str(int(value)) for _tone, value in bar.parts)]
    if sheet.note:
        yield []
        yield [sheet.note]
