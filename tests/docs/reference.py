"""The generated parts of the reference as Markdown, from declarations in the code.

``python -m tests.docs --write`` writes them; a test fails if they are out of date.
"""

from __future__ import annotations

import importlib
import inspect
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

import pyarrow as pa
import typer
import yaml
from pydantic.fields import FieldInfo

from cmetrics.api.app import create_app
from cmetrics.catalog_file import EventEntry, LinkEntry, MetricEntry, NoteEntry, ProductEntry, ThemeEntry, _TopLevel
from cmetrics.cli import exit_codes
from cmetrics.cli.app import app
from cmetrics.cli.invoke import ErrorDocument
from cmetrics.domain.license import LICENSES
from cmetrics.domain.metric import ArchiveSpec, KnownLoss, SourceSpec
from cmetrics.environment import known_variables
from cmetrics.export.data_dictionary import COLUMNS
from cmetrics.export.data_dictionary import TABLES as TABLE_TEXTS
from cmetrics.export.data_files import DAILY, GAPS, ROLLUPS, STARS
from cmetrics.http.rate_limit import Rate
from cmetrics.ops.run_report import FailedRunDocument, RunDocument
from cmetrics.reader import Reader
from cmetrics.reader import open as open_store
from cmetrics.sources import REGISTRY
from cmetrics.store.schema import OPTIONAL_TABLES, TABLES, Table
from tests.docs import descriptions
from tests.docs.comments import field_comments
from tests.docs.project import DOCS, ROOT

#: Set by GitHub Actions only.
INTERNAL_VARIABLES = {"GITHUB_WORKFLOW_REF"}

WEBHOOK = """## Webhook

The webhook receives the object of the run, with `title`, `as_of`, and a message in `text` and `content`. A command that
ends before its first metric sends this object instead:
"""
#: FastAPI's own schemas.
FRAMEWORK_SCHEMAS = {"HTTPValidationError", "ValidationError"}
#: Commands that print a run.
RUN_COMMANDS = ("refresh", "backfill", "bootstrap", "restore", "rename", "forget")
EXIT_CODES = {value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)}
SECTIONS = {
    "top level": _TopLevel,
    "products": ProductEntry,
    "metrics": MetricEntry,
    "events": EventEntry,
    "notes": NoteEntry,
    "theme": ThemeEntry,
    "links": LinkEntry,
}


# -- Markdown --------------------------------------------------------------------------------------


def markdown_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; line breaks and bars in cells are escaped."""
    heading = list(columns)
    lines = [heading, ["---"] * len(heading), *([_cell(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{text}`"


def _sentence(text: str) -> str:
    """Return ``text`` with a capital letter and a full stop, without reST's double backquotes."""
    text = " ".join(text.split()).replace("``", "`")
    return text if not text or text[-1] in ".?!" else f"{text}."


# -- commands --------------------------------------------------------------------------------------


def _commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def render_commands() -> str:
    """Return every command with its arguments and options, in the groups of `--help`."""
    commands = _commands()
    panels = dict.fromkeys(command.rich_help_panel for command in commands.values())
    parts = []
    for panel in panels:
        names = [name for name, command in commands.items() if command.rich_help_panel == panel]
        rows = [(f"[`{name}`](#cmetrics-{name})", commands[name].get_short_help_str(200)) for name in names]
        parts.append(f"## {panel}\n\n{markdown_table(('command', 'summary'), rows)}")
        parts += [_command(name, commands[name]) for name in names]
    return "\n".join(parts)


def _command(name: str, command: Any) -> str:
    positional = [p for p in command.params if p.param_type_name == "argument"]
    arguments = [p for p in positional if not p.hidden]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    usage = " ".join(
        [
            "cmetrics",
            name,
            "[OPTIONS]",
            *(p.metavar if p.required else f"[{p.metavar}]{'...' if p.nargs < 0 else ''}" for p in positional),
        ]
    )
    parts = [f"### cmetrics {name}\n", _paragraphs(command.help), f"```text\n{usage}\n```\n"]
    if arguments:
        rows = [(_code(p.metavar), _default(p), _sentence(p.help or "")) for p in arguments]
        parts.append(markdown_table(("argument", "default", "description"), rows))
    rows = [(_option(p), _default(p), _sentence(p.help or "")) for p in options]
    parts.append(markdown_table(("option", "default", "description"), rows))
    return "\n".join(parts)


def _paragraphs(text: str) -> str:
    parts = [" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n")]
    # Format options and placeholders as code.
    return "\n\n".join(re.sub(r"(?<![\w`-])(--[a-z-]+)", r"`\1`", part) for part in parts) + "\n"


def _option(option: Any) -> str:
    names = [*option.opts, *option.secondary_opts]
    return ", ".join(_code(f"{name} {option.metavar}" if option.metavar else name) for name in names)


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.required:
        return "required"
    if value is None or value is False or not parameter.show_default:
        return ""
    return _code(str(value))


# -- catalogue, environment, exit codes ------------------------------------------------------------


def render_catalogue_fields(section: str) -> str:
    """Return the fields of one section of cmetrics.toml."""
    texts, comments = descriptions.CATALOGUE[section], field_comments(SECTIONS[section])
    rows = [
        (
            _code(name),
            "yes" if field.is_required() else "no",
            _toml_type(name, field),
            texts.get(name) or _sentence(field.description or comments.get(name, "")),
        )
        for name, field in SECTIONS[section].model_fields.items()
    ]
    return markdown_table(("field", "required", "type", "description"), rows)


def _toml_type(name: str, field: FieldInfo) -> str:
    if name in SECTIONS and "list[Any]" in str(field.annotation).replace("typing.", ""):
        return "sections"
    if name == "theme":
        return "section"
    if name == "links":
        return "list of tables"
    kinds = {"bool": "boolean", "date": "date", "list": "list of strings", "int": "integer", "float": "number"}
    text = str(field.annotation)
    return next((title for kind, title in kinds.items() if re.search(rf"\b{kind}\b", text)), "string")


def render_environment() -> str:
    """Return the environment variables."""
    rows = []
    for name in known_variables():
        if name not in INTERNAL_VARIABLES:
            text, default = descriptions.VARIABLES.get(name, ("", ""))
            rows.append((_code(name), text, default))
    return markdown_table(("variable", "description", "if not set"), rows)


def render_exit_codes() -> str:
    """Return the exit codes."""
    rows = [(str(code), descriptions.EXIT_CODES.get(code, "")) for code in sorted(EXIT_CODES)]
    return markdown_table(("code", "meaning"), rows)


# -- sources ---------------------------------------------------------------------------------------


def render_source_overview() -> str:
    """Return one row per source."""
    rows = []
    for entry in REGISTRY.values():
        spec = entry.spec
        rows.append(
            (
                f"[`{spec.name}`](#{spec.name})",
                spec.title,
                ", ".join(dict.fromkeys(measure.noun for measure in spec.measures.values())),
                *_reach(spec),
            )
        )
    return markdown_table(("source", "service", "counts", "serves", "first refresh", "settles"), rows)


def _reach(spec: SourceSpec) -> tuple[str, str, str]:
    if not any(measure.has_history for measure in spec.measures.values()):
        return "the current value", "–", "–"
    return _days(spec.served_days), _days(spec.first_days), _days(spec.settling_days)


def _days(days: int | None) -> str:
    return "all days" if days is None else "1 day" if days == 1 else f"{days} days"


def render_sources() -> str:
    """Return one section per source."""
    return "\n".join(_source(name) for name in REGISTRY)


def _source(name: str) -> str:
    entry = REGISTRY[name]
    spec, policy = entry.spec, entry.policy(None)
    options = sorted(spec.options | spec.list_options)
    rows = [
        ("service", spec.title),
        ("what is counted", spec.counts),
        ("subject", f"{spec.subject_hint}; page: `{spec.page}`"),
        *(row for row in zip(("serves", "first refresh", "settles"), _reach(spec), strict=True) if row[1] != "–"),
        *([("counts may grow for", _days(spec.growing_days))] if spec.growing_days else []),
        *([("fields in the catalogue", ", ".join(map(_code, options)))] if options else []),
        *([("archive", _archive(spec.archive))] if spec.archive else []),
        ("rate limit", "; ".join(map(_rate, policy.rates)) or "that of the service"),
        *([("terms", _terms(spec.terms))] if spec.terms else []),
    ]
    parts = [f"## {spec.name}\n", markdown_table(("property", "value"), rows), _measures(spec)]
    if spec.steps:
        rows = [(str(step.day), _sentence(step.reason)) for step in spec.steps]
        parts += ["Days on which the way of counting changed:\n", markdown_table(("day", "change"), rows)]
    if spec.known_losses:
        rows = [(_span(loss), _sentence(loss.reason)) for loss in spec.known_losses]
        parts += ["Days that the service has lost, or counted in part:\n", markdown_table(("days", "reason"), rows)]
    return "\n".join(parts)


def _measures(spec: SourceSpec) -> str:
    rows = []
    for count, measure in spec.measures.items():
        reading = "past days" if measure.has_history else "current value, once a night"
        if measure.every_days > 1:
            reading = f"current value, every {measure.every_days} days"
        default = " (default)" if count == spec.default_count else ""
        rows.append((f"`{count}`{default}", measure.kind.value, measure.noun, _code(measure.value_kind), reading))
    return markdown_table(("count", "kind", "counts", "`value_kind`", "read"), rows)


def _terms(text: str) -> str:
    return f"<{text}>" if text.startswith("https://") else _sentence(text)


def _archive(archive: ArchiveSpec) -> str:
    differs = "; counts differ slightly and are compared" if archive.overlaps else ""
    return f"{archive.title}, from {archive.first_day}{differs}"


def _rate(rate: Rate) -> str:
    requests = "1 request" if rate.count == 1 else f"{rate.count} requests"
    return f"{requests} per {'second' if rate.seconds == 1 else f'{rate.seconds:g} seconds'}"


def _span(loss: KnownLoss) -> str:
    return str(loss.first) if loss.first == loss.last else f"{loss.first} to {loss.last}"


# -- tables ----------------------------------------------------------------------------------------


def render_tables() -> str:
    """Return every table of the store with its columns."""
    return "\n".join(_store_table(table, optional=table in OPTIONAL_TABLES) for table in (*TABLES, *OPTIONAL_TABLES))


def _store_table(table: Table[Any], *, optional: bool) -> str:
    texts = COLUMNS[table.name]
    types_by_name = {column.name: column for column in table.columns}
    rows = []
    for field in table.schema:
        column = types_by_name[field.name]
        arrow = str(field.type)
        kind = f"{arrow} (`YYYY-MM-DD`)" if column.type is date else arrow
        marks = "key" if field.name in table.key else "may be empty" if column.is_optional else ""
        rows.append((_code(field.name), kind, marks, texts[field.name]))
    created = "Created by the first run that writes a row to it.\n\n" if optional else ""
    introduction = TABLE_TEXTS[table.name]
    return (
        f"## {table.name}\n\n{introduction}\n\n{created}{markdown_table(('column', 'type', '', 'description'), rows)}"
    )


def _comment(comments: Mapping[str, str], name: str, nothing: str) -> str:
    return re.sub(r"\bNone\b", nothing, _sentence(comments.get(name, "")))


def render_licenses() -> str:
    """Return the licences that a catalogue can name."""
    rows = [(_code(name), f"[{one.title}]({one.url})") for name, one in LICENSES.items()]
    return markdown_table(("identifier", "licence"), rows)


#: The published tables that no store has.
COMPUTED: dict[str, pa.Schema] = {"daily": DAILY, "stars": STARS, "gaps": GAPS, "rollups": ROLLUPS}


def render_data_files() -> str:
    """Return the published tables that are not in the store, with their columns."""
    parts = []
    for name, schema in COMPUTED.items():
        rows = [(_code(field.name), str(field.type), COLUMNS[name][field.name]) for field in schema]
        table = markdown_table(("column", "type", "description"), rows)
        parts.append(f"### {name}.parquet\n\n{TABLE_TEXTS[name]}\n\n{table}")
    return "\n".join(parts)


# -- JSON ------------------------------------------------------------------------------------------


def render_json() -> str:
    """Return what each command prints with `--json`."""
    parts = [
        "## Failures\n",
        *_typed_dicts(ErrorDocument),
        f"## {', '.join(f'`{name}`' for name in RUN_COMMANDS)}\n",
        *_typed_dicts(RunDocument),
    ]
    for name, command in _commands().items():
        documents = _own_documents(command)
        if documents and name not in RUN_COMMANDS:
            parts.append(f"## {_code(name)}\n")
            for document in documents:
                parts += _typed_dicts(document)
    parts += [
        WEBHOOK,
        *_typed_dicts(FailedRunDocument, nested=False),
    ]
    return "\n".join(parts)


def _own_documents(command: Any) -> list[type]:
    """Return the TypedDicts of a command's module that are not part of another one in it."""
    module = importlib.import_module(inspect.unwrap(command.callback).__module__)
    own = [one for one in vars(module).values() if is_typeddict(one) and one.__module__ == module.__name__]
    parts = {part for one in own for part in _parts(one)}
    return [one for one in own if one not in parts]


def _parts(document: type) -> list[type]:
    return [part for hint in _hints(document).values() for part in _leaves(hint) if is_typeddict(part)]


def _hints(document: type) -> dict[str, Any]:
    # Commands import it for the type checker only.
    return get_type_hints(document, localns={"RunDocument": RunDocument}, include_extras=True)


def _leaves(hint: Any) -> Iterator[Any]:
    arguments = get_args(hint)
    if not arguments:
        yield hint
    for argument in arguments:
        yield from _leaves(argument)


def _typed_dicts(document: type, *, nested: bool = True) -> Iterator[str]:
    """Yield the table of a document, then those of its parts."""
    comments = field_comments(document)
    hints = _hints(document)
    yield re.sub(r"\bNone\b", "null", f"{_sentence(inspect.getdoc(document) or '')}\n")
    rows = [
        (_code(name), _json_type(hint), _comment(comments, name, "null") or _field(document.__name__, name))
        for name, hint in hints.items()
    ]
    yield markdown_table(("key", "type", "description"), rows)
    for part in dict.fromkeys(_parts(document)) if nested else ():
        name = next(name for name, hint in hints.items() if part in list(_leaves(hint)))
        texts = list(_typed_dicts(part))
        yield f"`{name}`: {texts[0]}"
        yield from texts[1:]


def _field(document: str, name: str) -> str:
    """Return the description of a field: that of the document, else the general one."""
    return descriptions.FIELDS.get(f"{document}.{name}") or descriptions.FIELDS.get(name, "")


_JSON_TYPES: dict[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    date: "string (date)",
    datetime: "string (time)",
    types.NoneType: "null",
    None: "null",
}


def _json_type(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is NotRequired:
        return f"{_json_type(arguments[0])}, optional"
    if origin is list:
        return f"list of {_json_type(arguments[0])}s"
    if origin is dict:
        return f"object of {_json_type(arguments[1])}s"
    if origin is types.UnionType or (arguments and type(None) in arguments):
        return " or ".join(_json_type(one) for one in arguments)
    return _JSON_TYPES.get(hint, "object" if is_typeddict(hint) else "string")


# -- API -------------------------------------------------------------------------------------------


@cache
def _api() -> dict[str, Any]:
    def no_reader() -> Any:
        raise AssertionError

    return create_app(no_reader).openapi()


def render_endpoints() -> str:
    """Return the endpoints with their parameters and responses."""
    parts = []
    for path, methods in _api()["paths"].items():
        endpoint = methods["get"]
        parts += [f"### GET {path}\n", f"{re.sub('^Return ', 'Returns ', endpoint['description'])}\n"]
        rows = [
            (_code(one["name"]), one["in"], _parameter_type(one["schema"]), one.get("description", ""))
            for one in endpoint.get("parameters", ())
        ]
        if rows:
            parts.append(markdown_table(("parameter", "in", "value", "description"), rows))
        rows = [
            (code, response["description"], _response(response)) for code, response in endpoint["responses"].items()
        ]
        parts.append(markdown_table(("status", "meaning", "body"), rows))
    return "\n".join(parts)


def _parameter_type(schema: Mapping[str, Any]) -> str:
    kind = next(one for one in schema.get("anyOf", [schema]) if one.get("type") != "null")
    bounds = f" from {kind['minimum']} to {kind['maximum']}" if "minimum" in kind and "maximum" in kind else ""
    default = f", default {schema['default']}" if schema.get("default") is not None else ""
    name = "date" if schema.get("format") == "date" else _schema_type(kind)
    return f"{name}{bounds}{default}"


def _response(response: Mapping[str, Any]) -> str:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    return _schema_type(schema) if schema else ""


def _schema_type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in FRAMEWORK_SCHEMAS:
            return "object"
        if values := _api()["components"]["schemas"][name].get("enum"):
            return ", ".join(map(_code, values))
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema or "oneOf" in schema:
        return " or ".join(dict.fromkeys(_schema_type(one) for one in schema.get("anyOf", schema.get("oneOf"))))
    if schema.get("type") == "array":
        return f"list of {_schema_type(schema['items'])}"
    text = str(schema.get("type", "any"))
    return f"{text} ({schema['format']})" if "format" in schema else text


def render_schemas() -> str:
    """Return the fields of all documents of the API."""
    parts = []
    schemas = _api()["components"]["schemas"]
    for name in sorted(schemas):
        schema = schemas[name]
        if name in FRAMEWORK_SCHEMAS or "enum" in schema:
            continue
        rows = [
            (_code(field), _schema_type(one), _sentence(one.get("description") or _field(name, field)))
            for field, one in schema["properties"].items()
        ]
        parts += [f"### {name}\n", f"{_sentence(schema.get('description', ''))}\n"]
        parts.append(markdown_table(("field", "type", "description"), rows))
    return "\n".join(parts)


# -- GitHub ----------------------------------------------------------------------------------------


def _yaml(path: str) -> dict[Any, Any]:
    return dict(yaml.safe_load((ROOT / path).read_text(encoding="utf-8")))


def _inputs(inputs: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name, one in inputs.items():
        default = one.get("default")
        shown = (
            "" if default in (None, "") else _code(str(default).lower() if isinstance(default, bool) else str(default))
        )
        rows.append((_code(name), shown, _sentence(one["description"])))
    return markdown_table(("name", "default", "description"), rows)


def render_workflow_inputs() -> str:
    """Return the inputs of the reusable workflow."""
    # YAML reads the bare word `on` as true.
    return _inputs(_yaml(".github/workflows/nightly.yml")[True]["workflow_call"]["inputs"])


def render_workflow_secrets() -> str:
    """Return the secrets of the reusable workflow."""
    return _inputs(_yaml(".github/workflows/nightly.yml")[True]["workflow_call"]["secrets"])


def render_action_inputs() -> str:
    """Return the inputs of the action."""
    return _inputs(_yaml("action.yml")["inputs"])


def render_action_outputs() -> str:
    """Return the outputs of the action."""
    return _inputs(_yaml("action.yml")["outputs"])


def render_python() -> str:
    """Return the functions and methods of the Python API with their docstrings."""
    methods = [value for name, value in vars(Reader).items() if inspect.isfunction(value) and not name.startswith("_")]
    parts = []
    for title, function in (
        ("cmetrics.open", open_store),
        *((f"Reader.{method.__name__}", method) for method in methods),
    ):
        signature = inspect.signature(function)
        shown = [parameter for name, parameter in signature.parameters.items() if name != "self"]
        # Annotations are texts, and are shown with quotes.
        call = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(signature.replace(parameters=shown)))
        parts.append(f"## `{title}`\n\n```text\n{title}{call}\n```\n\n{_markup(inspect.getdoc(function) or '')}\n")
    return "\n".join(parts)


def _markup(docstring: str) -> str:
    return re.sub(r"(?<!`)`(?=\w)|``", "`", docstring)


#: Page → name of the generated part → its content.
GENERATED: dict[Path, dict[str, Callable[[], str]]] = {
    DOCS / "reference" / "commands.md": {"commands": render_commands},
    DOCS / "reference" / "catalogue.md": {
        f"fields of {section}": lambda section=section: render_catalogue_fields(section)  # type: ignore[misc]
        for section in SECTIONS
    }
    | {"licences": render_licenses},
    DOCS / "reference" / "environment.md": {"variables": render_environment},
    DOCS / "reference" / "exit-codes.md": {"codes": render_exit_codes},
    DOCS / "reference" / "sources.md": {"overview": render_source_overview, "sources": render_sources},
    DOCS / "reference" / "tables.md": {"tables": render_tables},
    DOCS / "reference" / "python.md": {"python": render_python},
    DOCS / "reference" / "json.md": {"documents": render_json},
    DOCS / "reference" / "api.md": {
        "data files": render_data_files,
        "endpoints": render_endpoints,
        "schemas": render_schemas,
    },
    DOCS / "reference" / "github.md": {
        "workflow inputs": render_workflow_inputs,
        "workflow secrets": render_workflow_secrets,
        "action inputs": render_action_inputs,
        "action outputs": render_action_outputs,
    },
}
