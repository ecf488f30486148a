"""Summaries of runs that are sent to a webhook."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from cmetrics.ops.webhook import send_summary
from cmetrics.settings import NetworkSettings
from tests.conftest import Workspace, catalog_text
from tests.world.nights import skip_sleep
from tests.world.receiver import Receiver

SECRETS = ("s3cr3t-path", "v4lue", "key=")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def test_the_summary_of_a_run_is_posted(workspace: Workspace, receiver: Receiver):
    (workspace.folder / "cmetrics.toml").write_text('title = "Mine"\n' + catalog_text(("cratesio", "lance")))
    workspace.env["CMETRICS_WEBHOOK_URL"] = receiver.url
    printed = workspace.json("refresh")
    (got,) = receiver.received
    assert got.pop("title") == "Mine"
    assert got.pop("as_of")
    text, content = got.pop("text"), got.pop("content")
    assert text.startswith("Mine: refresh success, ")
    assert content.startswith("Mine: refresh success, ")
    assert got == printed
    assert receiver.paths == ["/hooks/s3cr3t-path?key=v4lue%2Bx"]
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "gone")))
    workspace.run("backfill", code=1)
    assert (receiver.received[1]["job"], receiver.received[1]["status"]) == ("backfill", "failed")
    assert receiver.received[1]["metrics"][0]["error"]


def test_a_failing_receiver_is_a_warning_without_its_address(workspace: Workspace, receiver: Receiver):
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lance")))
    workspace.env["CMETRICS_WEBHOOK_URL"] = receiver.url
    receiver.statuses = [500, 503]
    done = workspace.run("refresh")
    assert len(receiver.received) == 2, "one retry"
    assert "warning: the summary was not delivered: the webhook of CMETRICS_WEBHOOK_URL: answered 503" in done.stderr
    workspace.env["CMETRICS_WEBHOOK_URL"] = "https://hooks.invalid/s3cr3t-path?key=v4lue"
    again = workspace.run("refresh")
    assert "warning: the summary was not delivered" in again.stderr
    workspace.env["CMETRICS_WEBHOOK_URL"] = "http://example.com/s3cr3t-path?key=v4lue"
    third = workspace.run("refresh")
    assert "CMETRICS_WEBHOOK_URL is not an https:// address" in third.stderr
    for text in (done.stderr, again.stderr, third.stderr, workspace.runs[0].error_summary or ""):
        assert not [secret for secret in SECRETS if secret in text]


def test_a_run_that_cannot_start_is_posted(workspace: Workspace, receiver: Receiver):
    workspace.env["CMETRICS_WEBHOOK_URL"] = receiver.url
    (workspace.folder / "data").write_text("no folder")
    workspace.run("refresh", code=1)
    assert (receiver.received[0]["status"], receiver.received[0]["run_id"]) == ("failed", None)
    assert receiver.received[0]["error"]


def test_a_command_that_cannot_start_is_posted(workspace: Workspace, receiver: Receiver):
    """This includes a wrong catalogue, a wrong variable, and an unreachable data branch."""
    workspace.env["CMETRICS_WEBHOOK_URL"] = receiver.url
    (workspace.folder / "cmetrics.toml").write_text("nonsense = 1\n")
    workspace.run("refresh", code=2)
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lance")))
    workspace.env["CMETRICS_SITE_URL"] = "here"
    workspace.run("backfill", code=2)
    workspace.run("pull-data", "--remote", str(workspace.folder / "nowhere"), code=1)
    workspace.run("push-data", "elsewhere", code=2)
    workspace.env["LANCEDB_API_KEY"] = "sk-0123456789"
    workspace.run("refresh", code=2)
    jobs = ["refresh", "backfill", "pull-data", "push-data", "refresh"]
    assert [got["job"] for got in receiver.received] == jobs
    reasons = ("cmetrics.toml", "CMETRICS_SITE_URL", "nowhere", "elsewhere", "LANCEDB_HOST_OVERRIDE")
    assert {got["status"] for got in receiver.received} == {"failed"}
    for got, reason in zip(receiver.received, reasons, strict=True):
        assert reason in got["error"]
        assert reason.replace("_", "\\_") in got["content"]
        assert reason in got["text"]


@pytest.mark.parametrize("status", [401, 404, 410])
def test_a_rejection_is_not_retried(receiver: Receiver, status: int):
    receiver.statuses = [status]
    warning = send_summary(
        SecretStr(receiver.url), {"run_id": "1"}, "https://example.com", NetworkSettings(), sleep=skip_sleep
    )
    assert warning is not None
    assert len(receiver.received) == 1
    assert not [secret for secret in SECRETS if secret in warning]


@pytest.mark.parametrize(
    "url",
    ["", "ftp://x/y", "https://", "http://10.0.0.1/x", "https://x:99999/y", "https://x/ y", "https://[::1/x", "//x"],
)
def test_an_invalid_address_is_named_by_its_variable_only(url: str):
    warning = send_summary(SecretStr(url), {}, "https://example.com", NetworkSettings())
    assert warning is not None
    assert "CMETRICS_WEBHOOK_URL is not an https:// address" in warning
