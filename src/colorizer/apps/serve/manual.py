"""The service's manual: what OpenAPI says of it, as a page that needs no scripts."""

from html import escape
from typing import Any

_FILE = {"schema": {"type": "string", "format": "binary"}}
_RECORD = {"schema": {"type": "object"}}
_REFUSALS = {
    400: "under this name nobody is served: --allow-host",
    401: "no token: send Authorization: Bearer TOKEN",
    408: "the body did not arrive in time",
    413: "too many bytes or pixels",
    415: "no photograph",
    422: "a damaged photograph, or a parameter that is none",
    429: "too many requests wait: send it again after Retry-After seconds",
    503: "not done in time, or its workers died: send it again",
}


def _post(body: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """Return what OpenAPI shall say of a request: what it takes, and how it is answered."""
    refusals: dict[int | str, Any] = {code: {"description": say} for code, say in _REFUSALS.items()}
    return {
        "openapi_extra": {"requestBody": {"required": True, "content": body}},
        "responses": {200: {"description": "in color", "content": result}} | refusals,
        "response_model": None,
    }


def _form(image: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "required": ["image"], "properties": {"image": image}}
    return {"multipart/form-data": {"schema": schema}}


COLORIZE = _post(
    {"image/*": _FILE} | _form(_FILE["schema"]), {"image/*": _FILE, "application/json": _RECORD}
)
"""Of FastAPI's `post`: a photograph as the body, or as the form's field `image`."""

BATCH = _post(_form({"type": "array", "items": _FILE["schema"]}), {"application/x-ndjson": _RECORD})
"""Of FastAPI's `post`: photographs as fields `image`."""


def write_manual(schema: dict[str, Any]) -> str:
    """Return an HTML page.

    Args:
        schema: as OpenAPI describes the service.
    """
    parts = [
        f"<h1>{escape(schema['info']['title'])} {escape(schema['info']['version'])}</h1>",
        "<p>As <a href='openapi.json'>OpenAPI</a>; counters for Prometheus: ",
        "<a href='metrics'>metrics</a>.</p>",
    ]
    for path, methods in schema["paths"].items():
        for method, said in methods.items():
            parts += [f"<h2>{method.upper()} {escape(path)}</h2>", _describe(said)]
    body = "\n".join(parts)
    head = '<meta charset="utf-8"><title>colorizer</title>'
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>"


def _describe(said: dict[str, Any]) -> str:
    """Return a request's description, body, parameters and answers as HTML."""
    body = said.get("requestBody", {}).get("content", {})
    rows = [("body", " or ".join(body))] if body else []
    rows += [
        (f"?{one['name']}", f"{one.get('description', '')} {_values(one['schema'])}")
        for one in said.get("parameters", ())
    ]
    rows += [(code, answer["description"]) for code, answer in said["responses"].items()]
    cells = "".join(f"<tr><th>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in rows)
    return f"<p>{escape(said.get('description', ''))}</p><table>{cells}</table>"


def _values(schema: dict[str, Any]) -> str:
    """Return which values a parameter takes, in parentheses."""
    known = [
        f"{name}: {schema[name]!r}"
        for name in ("enum", "minimum", "maximum", "default")
        if name in schema
    ]
    return f"({', '.join(known)})"
