"""manage.py platforms --json: every marketplace and how it is linked."""

from __future__ import annotations

from typing import Any

from platforms import registry
from platforms.adapter import Adapter
from platforms.management.doors import Door
from platforms.spec import Field, Limit, Mode, Site


class Command(Door):
    help = "List every platform: sites, modes, capabilities, scopes, limits."

    def answer(self, options: dict[str, Any]) -> list[dict[str, object]]:
        return [_platform(adapter) for adapter in registry.all_adapters()]

    def told(self, answer: list[dict[str, Any]]) -> str:
        lines = []
        for platform in answer:
            lines.append(f"{platform['code']}  {platform['name']}")
            for mode in platform["modes"]:
                fields = ", ".join(field["name"] for field in mode["fields"])
                refused = mode["refused_why"]
                lines.append(f"  {mode['code']}: {refused or fields or mode['kind']}")
        return "\n".join(lines)


def _platform(adapter: Adapter) -> dict[str, object]:
    return {
        "code": adapter.code,
        "name": str(adapter.name),
        "sites": [_site(site) for site in adapter.sites],
        "regions": [{"code": code, "name": str(name)} for code, name in adapter.regions],
        "modes": [_mode(mode) for mode in adapter.modes],
        "capabilities": list(adapter.capabilities),
        "messages_note": str(adapter.messages_note) or None,
        "scopes": {scope: str(words) for scope, words in adapter.scopes.items()},
        "limits": {name: _limits(limits) for name, limits in adapter.limits.items()},
        "webhooks": list(adapter.webhooks.topics) if adapter.webhooks else [],
        "uncertain": str(adapter.uncertain) or None,
        "max_window_seconds": int(adapter.max_window.total_seconds()),
        "back_fill_days": adapter.back_fill.days,
        "poll_seconds": int(adapter.poll_every.total_seconds()),
    }


def _site(site: Site) -> dict[str, object]:
    return {
        "code": site.code,
        "name": str(site.name),
        "region": site.region or None,
        "external_id": site.external_id or None,
        "time_zone": site.time_zone,
    }


def _mode(mode: Mode) -> dict[str, object]:
    return {
        "code": mode.code,
        "name": str(mode.name),
        "kind": str(mode.kind),
        "fields": [_field(field) for field in mode.fields],
        "own_app": mode.own_app,
        "refused_why": str(mode.refused_why) or None,
        "instead": list(mode.instead),
        "recommended": mode.recommended,
        "needs_site": mode.needs_site,
        "needs_region": mode.needs_region,
        "scopes": list(mode.scopes),
        "consent_days": mode.consent_period.days if mode.consent_period else None,
    }


def _field(field: Field) -> dict[str, object]:
    return {
        "name": field.name,
        "label": str(field.label),
        "secret": field.secret,
        "required": field.required,
        "pattern": field.pattern or None,
        "choices": [code for code, _label in field.choices],
    }


def _limits(limits: Limit | tuple[Limit, ...]) -> object:
    return [_limit(each) for each in limits] if isinstance(limits, tuple) else _limit(limits)


def _limit(limit: Limit) -> dict[str, object]:
    return {"rate": limit.rate, "burst": limit.burst, "per_app": limit.per_app}
