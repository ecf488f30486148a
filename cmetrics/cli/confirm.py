"""Ask before something is removed."""

from __future__ import annotations

import sys

import typer

from cmetrics.domain.errors import UsageError


def confirm(question: str, refusal: str, *, hint: str) -> None:
    """Ask ``question`` on the terminal; raise UsageError unless the answer is yes.

    Without a terminal the error is ``refusal`` with ``hint``.
    """
    if not sys.stdin.isatty():
        raise UsageError(refusal, hint=hint)
    try:
        confirmed = typer.confirm(question, err=True)
    except typer.Abort:
        # The end of input is not a confirmation.
        confirmed = False
    if not confirmed:
        msg = f"not confirmed; {refusal.rpartition('; ')[2]}"
        raise UsageError(msg)
