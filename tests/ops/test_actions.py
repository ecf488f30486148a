from __future__ import annotations

import io
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from cmetrics.domain.run import Counts, Job, MetricOutcome, MetricStatus, RunStatus, RunSummary
from cmetrics.domain.sanitize import code_span, sanitize
from cmetrics.ops.actions import LONGEST_SUMMARY, Guarded, annotation, append, harmless, summary_markdown
from tests.world.runner import commands

HOSTILE = st.lists(
    st.sampled_from(
        ["::", ":", "##[", "#", "[", "]", "error", "set-env name=X", " ", "\t", "\n", "\r", "%0A", "\u034f", "x"]
    ),
    max_size=12,
).map("".join)


@given(HOSTILE)
def test_no_line_of_output_is_a_command(text: str):
    assert not commands(harmless(text.replace("\r", "\n")))
    assert not commands(harmless(sanitize(text)))


@given(st.lists(HOSTILE, max_size=4))
def test_no_output_in_pieces_is_a_command(pieces: list[str]):
    out = io.StringIO()
    guarded = Guarded(out)
    for piece in pieces:
        guarded.write(sanitize(piece) + "\n")
    assert not commands(out.getvalue())


def test_ordinary_output_is_unchanged():
    for line in (
        "downloads:lance:python  ok",
        "error: std::vec::Vec",
        "  indented",
        "a # b [c]",
        "",
        "# heading",
        "- 12::34",
    ):
        assert harmless(line) == line


@given(HOSTILE, HOSTILE)
def test_an_annotation_is_one_command_with_the_text_as_its_data(text: str, title: str):
    (found,) = commands(annotation("warning", text, title=title))
    assert found[0] == "warning"
    assert found[2].replace("## [", "##[") == text.replace("\u034f", "").replace("## [", "##[")
    assert "=" not in found[1].removeprefix("title=").replace("name=X", "")


def test_external_markdown_is_escaped():
    for text in (
        "a `b` c",
        "``",
        "`",
        "<img src=x onerror=1>",
        "@someone",
        "[x](https://e.example)",
        "a|b",
        "\\|",
        "#1",
    ):
        span = code_span(text)
        fence = span[: len(span) - len(span.lstrip("`"))]
        assert span.endswith(fence)
        inner = span[len(fence) : -len(fence)]
        assert fence not in inner
        assert "|" not in span
        assert inner.strip() == text.replace("|", "¦").strip()
    assert code_span("one\n\n# two") == "`one # two`"
    assert code_span("\x1b[31m") == "–"


def a_summary(*outcomes: MetricOutcome, **changes: object) -> RunSummary:
    return RunSummary("refresh-1", Job.REFRESH, RunStatus.PARTIAL, Counts(1, 2, 3), outcomes, **changes)  # type: ignore[arg-type]


def test_the_job_summary_has_failures_filled_gaps_and_the_site():
    text = summary_markdown(
        a_summary(
            MetricOutcome("downloads:p:rust", MetricStatus.FAILED, error="no | <b>answer</b>"),
            MetricOutcome("downloads:p:python", MetricStatus.OK, 9, date(2026, 11, 22), healed_days=2),
            warnings=("doubtful: `x`",),
        ),
        "https://example.github.io/metrics/",
        ["Pages is off: <https://github.com/o/r/settings/pages>"],
    )
    assert "- `downloads:p:rust`: `no ¦ <b>answer</b>`" in text
    assert "### Filled gaps\n\n- `downloads:p:python`: 2 days" in text
    assert "<https://example.github.io/metrics/>" in text
    assert "### Repository settings\n\n- Pages is off: " in text
    assert "- `` doubtful: `x` ``" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert {row.count("|") for row in rows} == {8}


def test_a_summary_respects_the_limit_of_github(tmp_path):
    many = [MetricOutcome(f"downloads:p:{n}", MetricStatus.FAILED, error="e" * 390) for n in range(6000)]
    text = summary_markdown(a_summary(*many, warnings=("w" * 390,) * 6000), None)
    assert len(text) < 200_000
    assert "and 5500 more" in text
    append(tmp_path / "summary", "a line\n" * 200_000)
    assert (tmp_path / "summary").stat().st_size <= LONGEST_SUMMARY + 10
    append(tmp_path / "summary", "more\n")
    assert (tmp_path / "summary").read_text().endswith("…\nmore\n")
