"""Code of templates that writes numbers faster.

Jinja marks everything that it writes as safe text, one object for each number, and most of what a page with
charts consists of are numbers. They need no escaping, and what is written needs no mark.
"""

from __future__ import annotations

from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from markupsafe import escape


def output_text(value: object) -> str:
    """Return a value as text of a page, escaped unless it is a number or safe."""
    kind = type(value)
    return str(value) if kind is int or kind is float else escape(value)


class OutputCode(CodeGenerator):
    """Generates code that writes by `output_text`, which is a member of the environment, instead of `escape`."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.output_text(")
