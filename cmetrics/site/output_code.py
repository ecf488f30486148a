"""Generate template code that writes numbers faster.

Jinja wraps every value that it writes in a safe-text object. Pages with charts consist mostly of numbers, which need
neither escaping nor the wrapper.
"""

from __future__ import annotations

from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from markupsafe import escape


def output_text(value: object) -> str:
    """Return a value as text for a page, escaped unless it is a number or marked as safe."""
    kind = type(value)
    return str(value) if kind is int or kind is float else escape(value)


class OutputCode(CodeGenerator):
    """Generates code that writes values with `output_text`, a member of the environment, instead of `escape`."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.output_text(")
