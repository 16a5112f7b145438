"""Fails where a string on screen has no Chinese, or a compiled catalogue is stale."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import polib
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

LOCALE = "zh_Hans"
IGNORED = [".venv", "var", "tests", "staticfiles", "bench", "platforms/emulator"]


class Command(BaseCommand):
    help = "Check that the Chinese catalogue is complete, current and compiled."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--compile", action="store_true", help="write the compiled catalogue")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.LOCALE_PATHS[0]) / LOCALE / "LC_MESSAGES"
        path = folder / "django.po"
        catalogue = polib.pofile(str(path))
        if options["compile"]:
            catalogue.save_as_mofile(str(path.with_suffix(".mo")))
            return
        problems = [f"not translated: {e.msgid!r}" for e in catalogue.untranslated_entries()]
        problems += [f"fuzzy: {e.msgid!r}" for e in catalogue.fuzzy_entries()]
        problems += [f"not in the catalogue: {m!r}" for m in sorted(_missing(catalogue))]
        problems += _stale(catalogue, path.with_suffix(".mo"))
        problems += [f"holes differ: {e.msgid!r}" for e in catalogue if not _same_holes(e)]
        if problems:
            raise CommandError("\n".join(problems))
        self.stdout.write(f"{len(catalogue.translated_entries())} strings, all in Chinese.")


def _missing(catalogue: polib.POFile) -> set[str]:
    """What the code says that the catalogue does not know: extracted afresh and compared."""
    known = {(e.msgctxt, e.msgid) for e in catalogue if not e.obsolete}
    path = Path(settings.LOCALE_PATHS[0]) / LOCALE / "LC_MESSAGES" / "django.po"
    backup = path.read_bytes()
    try:
        # makemessages writes in place only.
        call_command(
            "makemessages", locale=[LOCALE], ignore_patterns=IGNORED, no_location=True,
            no_wrap=True, verbosity=0,
        )  # fmt: skip
        said = {(e.msgctxt, e.msgid) for e in polib.pofile(str(path)) if not e.obsolete}
    finally:
        path.write_bytes(backup)
    return {msgid for _context, msgid in said - known}


def _stale(catalogue: polib.POFile, compiled: Path) -> list[str]:
    if not compiled.exists():
        return [f"{compiled.name} is missing: manage.py check_translations --compile"]
    written = {(e.msgctxt, e.msgid): (e.msgstr, e.msgstr_plural) for e in polib.mofile(compiled)}
    current = {
        (e.msgctxt, e.msgid): (e.msgstr, e.msgstr_plural) for e in catalogue.translated_entries()
    }
    if {k: v[0] or dict(v[1]) for k, v in written.items()} != {
        k: v[0] or dict(v[1]) for k, v in current.items()
    }:
        return [f"{compiled.name} is stale: manage.py check_translations --compile"]
    return []


def _same_holes(entry: polib.POEntry) -> bool:
    def holes(text: str) -> set[str]:
        return set(re.findall(r"%\(\w+\)[sd]|\{\w*\}", text))

    if entry.msgid_plural:
        return all(
            holes(text) <= holes(entry.msgid_plural) for text in entry.msgstr_plural.values()
        )
    return not entry.msgstr or holes(entry.msgstr) == holes(entry.msgid)
