"""Run the command given in the arguments, and print every failure in the same format."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import NotRequired, TypedDict

import typer
from typer.exceptions import TyperException

from cmetrics.cli.app import app
from cmetrics.cli.exit_codes import FAILED, INTERRUPTED, exit_code
from cmetrics.cli.runtime import Runtime
from cmetrics.domain.errors import CmetricsError, ConfigError, Mistake
from cmetrics.domain.interrupts import hold_interrupts
from cmetrics.domain.sanitize import sanitize


class MistakeDocument(TypedDict):
    """One mistake in the catalogue; `entry` and `field` are None if it concerns the file as a whole."""

    file: str
    entry: str | None
    field: str | None
    message: str


class ErrorDetails(TypedDict):
    """The reason for a failure, the next step (None if unknown), and the exit code of the process."""

    message: str
    hint: str | None
    exit_code: int
    #: All mistakes in the catalogue, if it is the cause.
    details: NotRequired[list[MistakeDocument]]


class ErrorDocument(TypedDict):
    """The output of every command that fails with `--json`."""

    #: The failure.
    error: ErrorDetails


def invoke(runtime: Runtime | None = None) -> int:
    """Run the command of ``sys.argv`` and return the exit code."""
    try:
        # A command ends with `typer.Exit(code)`. Without standalone mode, the app returns that code.
        code = app(standalone_mode=False, obj=runtime or Runtime())
    except CmetricsError as error:
        mistakes = error.mistakes if isinstance(error, ConfigError) else ()
        return _fail(error.message, error.hint, exit_code(error), mistakes)
    except TyperException as error:
        return _fail(_usage_message(error), _usage_hint(error), error.exit_code)
    except typer.Abort:
        return _fail("aborted", None, FAILED)
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        with hold_interrupts():
            _fail("interrupted; everything stored so far is complete", "run the command again to continue", INTERRUPTED)
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _fail(message: str, hint: str | None, code: int, mistakes: Sequence[Mistake] = ()) -> int:
    """Print a failure on stderr and, with `--json`, as the only object on stdout. Return ``code``.

    ``mistakes`` are the parts of the message; each is printed on its own line.
    """
    # Imports Rich, which `--help` does not need.
    from cmetrics.cli.output import print_error, print_json

    if "--json" in sys.argv[1:]:
        document: ErrorDocument = {
            "error": {
                "message": sanitize(message, limit=2000),
                "hint": sanitize(hint, limit=2000) if hint else None,
                "exit_code": code,
            }
        }
        if mistakes:
            document["error"]["details"] = [_mistake(mistake) for mistake in mistakes]
        print_json(document)
    for text in map(str, mistakes) if mistakes else (f"{message}; {hint}" if hint else message,):
        print_error(text)
    return code


def _mistake(mistake: Mistake) -> MistakeDocument:
    return {
        "file": sanitize(str(mistake.file)),
        "entry": mistake.entry,
        "field": mistake.field,
        "message": sanitize(mistake.reason),
    }


def _usage_message(error: TyperException) -> str:
    """Return the reason of a usage error, prefixed with the name of the option."""
    option = getattr(error, "param", None)
    names = [*getattr(option, "opts", ())]
    if error.message and names:
        return (
            f"{names[0] if names[0].startswith('-') else getattr(option, 'metavar', None) or names[0]}: {error.message}"
        )
    text = error.format_message()
    if extra := re.search(r"unexpected extra argument\S* \((.*)\)", text):
        return f"unexpected argument {extra[1]!r}"
    return text[:1].lower() + text[1:].rstrip(".")


def _usage_hint(error: TyperException) -> str | None:
    context = getattr(error, "ctx", None)
    return f"see `{context.command_path} --help`" if context is not None else None
