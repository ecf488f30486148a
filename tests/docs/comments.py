"""The ``#:`` comments of fields, which Python does not retain at run time."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from typing import is_typeddict


@cache
def field_comments(owner: type) -> dict[str, str]:
    """Return the comment above each field of a dataclass, model or TypedDict, including those of its bases.

    Fields without a comment are omitted.
    """
    comments: dict[str, str] = {}
    for base in reversed(getattr(owner, "__mro__", (owner,))):
        if base.__module__.startswith("cmetrics."):
            comments |= _of_class(base)
    return comments


def _of_class(owner: type) -> dict[str, str]:
    lines = inspect.getsource(owner).splitlines()
    (node,) = ast.parse(textwrap.dedent("\n".join(lines))).body
    assert isinstance(node, ast.ClassDef)
    comments: dict[str, str] = {}
    if is_typeddict(owner):
        # At run time, a TypedDict has only `dict` as its base, so the bases are read from the source.
        for base in node.bases:
            found = getattr(inspect.getmodule(owner), ast.unparse(base), None)
            if found is not None and is_typeddict(found):
                comments |= _of_class(found)
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            above: list[str] = []
            number = statement.lineno - 2
            while number >= 0 and lines[number].strip().startswith("#:"):
                above.insert(0, lines[number].strip().removeprefix("#:").strip())
                number -= 1
            if above:
                comments[statement.target.id] = " ".join(above)
    return comments
