"""Diagnoses and data checks of every tenant, in words."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.templatetags.look import look_of
from platforms import registry
from platforms.admin import health_parts
from platforms.admin.conditions import (
    CHECKS,
    Condition,
    Conditions,
    FaultFilter,
    SearchedByPath,
    by_condition,
    by_platform,
)
from platforms.admin.filters import ChosenStore
from platforms.advice import fault_words
from platforms.data_checks.nightly import NIGHTLY
from platforms.data_checks.report import file_name, sheet_of
from platforms.data_checks.report_csv import as_csv
from platforms.data_checks.report_pdf import as_pdf
from platforms.data_checks.sheet import Figure, Sheet, Table
from platforms.data_checks.words import verdict_of
from platforms.diagnosis.bundle import as_text, bundle_of
from platforms.diagnosis.report import Report, report_of
from platforms.diagnosis.verdict import OK
from platforms.errors import Fault
from platforms.models import DataCheck, Diagnosis
from platforms.templatetags.storelink import duration
from platforms.views.headers import as_file
from tenants.scope import tenant_scope
from tenants.support import Button, ChosenTenant, DeskAdmin, page_link, table


class VerdictFilter(admin.SimpleListFilter):
    title = gettext_lazy("verdict")
    parameter_name = "verdict"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(OK, _("All well")), *((fault.value, fault_words(fault)) for fault in Fault)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(verdict=self.value()) if self.value() else queryset


@admin.register(Diagnosis)
class DiagnosisAdmin(SearchedByPath, DeskAdmin):
    """Newest first. Looking at one is not looking for the cause: that is a button of the store."""

    list_display = ("at", "about", "verdict_words", "took", "asked_by")
    list_filter = (
        ChosenTenant, ChosenStore, by_platform("store__platform", "attempt__platform"),
        VerdictFilter,
    )  # fmt: skip
    list_select_related = ("tenant", "store__tenant", "store__authorization", "attempt", "asked_by")
    search_fields = (
        "store__account_name", "store__display_name", "attempt__account_name", "tenant__slug",
        "tenant__name",
    )  # fmt: skip
    fields = (
        "tenant", "about", "at", "took", "asked_by", "verdict_words", "said", "checks_made",
        "bundle", "public_id",
    )  # fmt: skip
    readonly_fields = (
        "about", "took", "verdict_words", "said", "checks_made", "bundle", "public_id",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("store or attempt"))
    def about(self, row: Diagnosis) -> str | SafeString:
        if row.store is not None:
            return health_parts.store_link(row.store)
        return page_link(row.attempt)

    @admin.display(description=gettext_lazy("verdict"), ordering="verdict")
    def verdict_words(self, row: Diagnosis) -> str | SafeString:
        if row.verdict == OK:
            return health_parts.tag(_("All well"), "good")
        return health_parts.fault_in_words(row.verdict)

    @admin.display(description=gettext_lazy("took"), ordering="took_ms")
    def took(self, row: Diagnosis) -> str:
        return f"{row.took_ms} ms"

    @admin.display(description=gettext_lazy("what it says"))
    def said(self, row: Diagnosis) -> SafeString:
        report = report_of(row)
        return format_html("<strong>{}</strong><br>{}", report.title, report.text)

    @admin.display(description=gettext_lazy("checks"))
    def checks_made(self, row: Diagnosis) -> str | SafeString:
        return checks_table(report_of(row))

    @admin.display(description=gettext_lazy("support bundle"))
    def bundle(self, row: Diagnosis) -> str | SafeString:
        if row.store is None:
            return "-"
        with tenant_scope(row.tenant_id):
            told = as_text(bundle_of(row, now=timezone.now()))
        return format_html('<pre class="support-raw" tabindex="0">{}</pre>', told)


def checks_table(report: Report) -> str | SafeString:
    """Each check with what was found, what to do, and what that rests on."""
    return table(
        [_("Result"), _("Check"), _("Found"), _("Took")],
        [
            [
                _result(line.result),
                line.words.title,
                format_html(
                    "{}{}{}",
                    line.words.detail,
                    format_html("<br><strong>{}</strong>", line.words.advice)
                    if line.words.advice
                    else "",
                    format_html_join(
                        "", '<br><span class="quiet">{}: {}</span>', line.words.evidence
                    ),
                ),
                f"{line.outcome.took_ms}\u00a0ms",
            ]
            for line in report.lines
        ],
    )


def _result(result: str) -> SafeString:
    look = look_of(result)
    return health_parts.tag(str(look.label), look.tone)


WHOSE_IDEA: Conditions = {
    "people": Condition(label=gettext_lazy("by people"), rows=lambda now: ~NIGHTLY),
    "night": Condition(label=gettext_lazy("every night"), rows=lambda now: NIGHTLY),
}


@admin.register(DataCheck)
class DataCheckAdmin(SearchedByPath, DeskAdmin):
    """Without the numbers of orders: those are read where orders are, with a line in the trail."""

    list_display = (
        "created_at", "store_page", "kind", "state", "verdict", "took", "asked_by",
    )  # fmt: skip
    list_filter = (
        by_condition(CHECKS, "standing", gettext_lazy("standing")), ChosenTenant, ChosenStore,
        by_platform("store__platform"), "kind", "state", FaultFilter,
        by_condition(WHOSE_IDEA, "asked", gettext_lazy("asked by")),
    )  # fmt: skip
    list_select_related = ("tenant", "store__tenant", "asked_by")
    search_fields = (
        "store__account_name", "store__display_name", "tenant__slug", "tenant__name",
    )  # fmt: skip
    fields = (
        "tenant", "store_page", "kind", "state", "created_at", "started_at", "finished_at",
        "leased_until", "stop_asked", "asked_by", "fault_words", "verdict", "report_text",
        "public_id",
    )  # fmt: skip
    readonly_fields = ("store_page", "fault_words", "verdict", "report_text", "public_id")
    buttons = (
        Button(
            name="report_pdf", label=gettext_lazy("Report as PDF"), posts=False,
            permission="platforms.view_datacheck",
        ),
        Button(
            name="report_csv", label=gettext_lazy("Report as CSV"), posts=False,
            permission="platforms.view_datacheck",
        ),
    )  # fmt: skip

    def offers(self, request: HttpRequest, row: DataCheck, button: Button) -> bool:
        return _is_told(row)

    @admin.display(description=gettext_lazy("store"))
    def store_page(self, row: DataCheck) -> str | SafeString:
        return health_parts.store_link(row.store)

    @admin.display(description=gettext_lazy("fault"), ordering="fault")
    def fault_words(self, row: DataCheck) -> str | SafeString:
        return health_parts.fault_in_words(row.fault)

    @admin.display(description=gettext_lazy("verdict"))
    def verdict(self, row: DataCheck) -> str | SafeString:
        found = verdict_of(row) if _is_told(row) else None
        return health_parts.tag(found.short, found.tone) if found else "-"

    @admin.display(description=gettext_lazy("took"))
    def took(self, row: DataCheck) -> str:
        if row.started_at is None:
            return "-"
        return duration((row.finished_at or timezone.now()) - row.started_at)

    @admin.display(description=gettext_lazy("report"))
    def report_text(self, row: DataCheck) -> str | SafeString:
        if not _is_told(row):
            return "-"
        return report_parts(_sheet(row))

    def do_report_pdf(self, request: HttpRequest, row: DataCheck) -> HttpResponse | None:
        if not _is_told(row):
            return None
        return _download(row, as_pdf(_sheet(row)), "application/pdf", "pdf")

    def do_report_csv(self, request: HttpRequest, row: DataCheck) -> HttpResponse | None:
        if not _is_told(row):
            return None
        return _download(row, as_csv(_sheet(row)), "text/csv; charset=utf-8", "csv")


def _is_told(row: DataCheck) -> bool:
    """It is over, and of a platform whose name and words we still have."""
    return row.finished_at is not None and row.store.platform in registry.codes()


def _sheet(row: DataCheck) -> Sheet:
    return sheet_of(row, with_numbers=False)


def _download(row: DataCheck, content: bytes | str, kind: str, ending: str) -> HttpResponse:
    return as_file(HttpResponse(content, content_type=kind), file_name(row, ending))


def report_parts(sheet: Sheet) -> SafeString:
    """The report as its page tells it, without the drawings."""
    asked = [_figure(each) for each in sheet.about]
    found = [_figure(each) for each in (*sheet.figures, *sheet.details)]
    return format_html(
        "<p><strong>{}</strong> {}</p>{}{}",
        sheet.verdict.text,
        sheet.verdict.to_do,
        table([_("What"), _("Value"), _("Note")], [*asked, *found]),
        format_html_join("", "{}", ((_table(each),) for each in sheet.tables)),
    )


def _figure(figure: Figure) -> list[str]:
    return [figure.label, figure.value, figure.note]


def _table(given: Table) -> SafeString:
    return format_html("<h3>{}</h3>{}", given.title, table(given.headings, given.rows))
