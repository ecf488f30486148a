"""`/docs`: the description of the API as one page without scripts, which loads nothing from another host. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}"
    "th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8886}"
    "code{font-size:.9em;overflow-wrap:anywhere}h2{margin-top:2.5rem}"
)
#: FastAPI's own schemas.
_FRAMEWORK = {"HTTPValidationError", "ValidationError"}


def render_reference(openapi: Mapping[str, Any]) -> str:
    """Return the page for an OpenAPI document."""
    info = openapi["info"]
    title = f"{info['title']} {info['version']}: API"
    schemas = {name: one for name, one in openapi["components"]["schemas"].items() if name not in _FRAMEWORK}
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>',
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>',
        f"<h1>{escape(title)}</h1><p>{escape(info['description'])} The machine-readable description is",
        ' <a href="openapi.json">openapi.json</a>.</p><h2 id="endpoints">Endpoints</h2>',
        *(_endpoint(path, methods["get"]) for path, methods in openapi["paths"].items()),
        '<h2 id="schemas">Schemas</h2>',
        *(_schema(name, one) for name, one in schemas.items()),
        "</html>\n",
    ]
    return "".join(parts)


def _endpoint(path: str, described: Mapping[str, Any]) -> str:
    rows = [
        (_code(one["name"]), _kind(one["schema"]), escape(one.get("description", "")))
        for one in described.get("parameters", [])
    ]
    content = described["responses"]["200"].get("content", {}).get("application/json", {})
    parameters = _table(("parameter", "type", "description"), rows) if rows else ""
    answer = _kind(content.get("schema", {}))
    return (
        f"<h3><code>{escape(path)}</code></h3><p>{escape(described.get('description', ''))}</p>{parameters}"
        f"<p>Response: {answer}</p>"
    )


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    fields = schema.get("properties", {})
    rows = [(_code(field), _kind(one), escape(one.get("description", ""))) for field, one in fields.items()]
    table = _table(("field", "type", "description"), rows) if rows else f"<p>{_kind(schema)}</p>"
    return f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{escape(schema.get("description", ""))}</p>{table}'


def _kind(schema: Mapping[str, Any]) -> str:
    """Return the type of a field as HTML, with a link to the schema that it names."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(_kind(one) for one in schema[key])
    if "enum" in schema:
        return ", ".join(_code(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return escape(str(schema.get("format") or schema.get("type") or "any"))


def _code(value: object) -> str:
    return f"<code>{escape(str(value))}</code>"


def _table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; the cells are HTML."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heading)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
