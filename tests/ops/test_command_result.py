from __future__ import annotations

from pathlib import Path

import pytest

from cmetrics.ops.command_result import load_failure

UNFINISHED = "the command did not finish"


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ('{"branch": "data", "commit": null}', None),
        ('{"error": {"message": "refused", "hint": "repair it", "exit_code": 1}}', "refused; repair it"),
        ('{"error": {"message": "refused", "hint": null, "exit_code": 1}}', "refused"),
        ('{"error": {}}', "no reason was given"),
        ('{"error": "refused"}', "refused"),
        ("", UNFINISHED),
        ("[1]", UNFINISHED),
        ('{"error', UNFINISHED),
    ],
)
def test_the_result_of_a_command(tmp_path: Path, text: str, failure: str | None):
    """A result without an error is a success; invalid content is a failure."""
    (tmp_path / "result.json").write_text(text)
    assert load_failure(tmp_path / "result.json") == failure


def test_a_missing_result_is_a_failure(tmp_path: Path):
    """A step that was killed or not started leaves no file."""
    assert load_failure(tmp_path / "result.json") == UNFINISHED
    assert load_failure(tmp_path) == UNFINISHED
