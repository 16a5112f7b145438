"""Checks a request against a published specification (OpenAPI 3.0 or Swagger 2.0), strictly.

What a specification does not declare is refused, too: a misspelt parameter is a defect.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator

from platforms.spec import Request

Spec = dict[str, Any]


def load(path: Path) -> Spec:
    spec: Spec = json.loads(path.read_text(encoding="utf-8"))
    return spec


def base_path(spec: Spec) -> str:
    """What stands before every path: the server's base path in eBay's files, else nothing."""
    server = (spec.get("servers") or [{}])[0]
    path: str = server.get("variables", {}).get("basePath", {}).get("default", "")
    return path


def check(request: Request, spec: Spec) -> None:
    """Raises AssertionError naming what the specification does not allow."""
    path = _declared_path(request.path.removeprefix(base_path(spec)), spec)
    item = spec["paths"][path]
    assert request.method.lower() in item, f"no {request.method} {path}"
    operation = item[request.method.lower()]
    declared = [
        _resolved(p, spec) for p in [*item.get("parameters", []), *operation.get("parameters", [])]
    ]
    _check_query(request, [p for p in declared if p["in"] == "query"], spec)
    _check_body(request, operation, spec)
    _check_credentials(request, operation, spec)


def _declared_path(path: str, spec: Spec) -> str:
    """The path as the specification writes it, with names in place of what is different."""
    if path in spec["paths"]:
        return path
    for declared in spec["paths"]:
        pattern = re.sub(r"\\\{\w+\\\}", r"[\\w.~%-]+", re.escape(declared))
        if re.fullmatch(pattern, path):
            return str(declared)
    raise AssertionError(f"no path {path}")


def _check_query(request: Request, declared: list[Spec], spec: Spec) -> None:
    names = {p["name"] for p in declared}
    assert set(request.params) <= names, f"undeclared {set(request.params) - names}"
    required = {p["name"] for p in declared if p.get("required")}
    assert required <= set(request.params), f"missing {required - set(request.params)}"
    for parameter in declared:
        if parameter["name"] in request.params:
            schema = parameter.get("schema", parameter)
            _validate(_typed(request.params[parameter["name"]], schema), schema, spec)


def _typed(value: str, schema: Spec) -> object:
    if schema.get("type") == "array":
        return [_typed(part, schema["items"]) for part in value.split(",")]
    return int(value) if schema.get("type") == "integer" else value


def _check_body(request: Request, operation: Spec, spec: Spec) -> None:
    content = operation.get("requestBody", {}).get("content", {})
    if request.form is not None:
        schema = content["application/x-www-form-urlencoded"]["schema"]
        _validate(dict(request.form), schema, spec)
        _refuse_undeclared(dict(request.form), schema, spec)
    elif request.json is not None:
        schema = content["application/json"]["schema"]
        _validate(request.json, schema, spec)
        _refuse_undeclared(request.json, schema, spec)
    else:
        assert not operation.get("requestBody", {}).get("required"), "a body is required"


def _refuse_undeclared(value: object, schema: Spec, spec: Spec) -> None:
    schema = _resolved(schema, spec)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        assert set(value) <= set(properties), f"undeclared {set(value) - set(properties)}"
        for name, inner in value.items():
            _refuse_undeclared(inner, properties[name], spec)


def _check_credentials(request: Request, operation: Spec, spec: Spec) -> None:
    schemes = spec.get("components", {}).get("securitySchemes", {})
    allowed = operation.get("security", spec.get("security", []))
    sent = {name.lower(): value for name, value in request.headers.items()}
    assert not allowed or any(
        all(_carries(sent, schemes[name]) for name in requirement) for requirement in allowed
    ), "no credential that the specification asks for"


def _carries(sent: dict[str, str], scheme: Spec) -> bool:
    if scheme["type"] == "apiKey":
        return bool(sent.get(scheme["name"].lower()))
    kind = "Basic " if scheme.get("scheme") == "basic" else "Bearer "
    return sent.get("authorization", "").startswith(kind)


def _resolved(node: Spec, spec: Spec) -> Spec:
    while "$ref" in node:
        target: Any = spec
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def _validate(value: object, schema: Spec, spec: Spec) -> None:
    # The definitions go along, so that references inside the schema are found.
    whole = {**schema, **{k: spec[k] for k in ("components", "definitions") if k in spec}}
    OAS30Validator(whole).validate(value)
