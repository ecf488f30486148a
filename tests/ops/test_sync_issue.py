"""The issue over several nights, against the local GitHub."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import SecretStr

from cmetrics.domain.errors import AccessRefused
from cmetrics.ops.alert import MARKER, Alert
from cmetrics.ops.sync_issue import IssueAction, SyncedIssue, sync_issue
from cmetrics.settings import load_settings
from tests.world.project import NAME
from tests.world.services import Services
from tests.world.truth import World

ONE = Alert("cmetrics: 1 metric is stale", f"{MARKER}\n\n- one\n")
TWO = Alert("cmetrics: 2 metrics are stale", f"{MARKER}\n\n- one\n- two\n")

Tell = Callable[[Alert | None], SyncedIssue]


@pytest.fixture
def told(services: Services, monkeypatch: pytest.MonkeyPatch) -> Tell:
    for name, value in services.env().items():
        monkeypatch.setenv(name, value)
    return lambda alert: sync_issue(
        NAME, SecretStr("ghs_0123456789"), "https://example.com", load_settings().network, alert
    )


def test_it_is_opened_once_updated_when_the_text_changes_and_closed_with_a_comment(told: Tell, world: World):
    deeds = [told(alert).action for alert in (None, ONE, ONE, TWO, TWO, None, None)]
    assert deeds == [
        *(
            IssueAction.NOTHING,
            IssueAction.OPENED,
            IssueAction.UNCHANGED,
            IssueAction.UPDATED,
            IssueAction.UNCHANGED,
            IssueAction.CLOSED,
            IssueAction.NOTHING,
        )
    ]
    (issue,) = world.project.issues
    assert (issue["title"], issue["body"], issue["state"]) == (TWO.title, TWO.body, "closed")
    assert world.project.comments == [(1, "All metrics are up to date again.")]
    assert told(ONE) == SyncedIssue(IssueAction.OPENED, 2)


def test_without_the_right_to_label_it_is_found_again(told: Tell, world: World):
    world.project.may_label = False
    assert [told(alert).action for alert in (ONE, ONE, None)] == [
        IssueAction.OPENED,
        IssueAction.UNCHANGED,
        IssueAction.CLOSED,
    ]


def test_an_issue_of_a_stranger_with_our_mark_is_left_alone(told: Tell, world: World):
    stranger = {"user": {"login": "x", "type": "User"}, "author_association": "NONE"}
    world.project.open("mine", MARKER, ["cmetrics"], **stranger)
    world.project.open("a pull request", MARKER, ["cmetrics"], pull_request={"url": "x"})
    assert told(ONE) == SyncedIssue(IssueAction.OPENED, 3)
    told(None)
    assert [(issue["title"], issue["state"]) for issue in world.project.issues] == [
        ("mine", "open"),
        ("a pull request", "open"),
        (ONE.title, "closed"),
    ]


def test_an_issue_that_a_maintainer_has_opened_again_is_used(told: Tell, world: World):
    world.project.open("old", MARKER, user={"login": "m", "type": "User"}, author_association="MEMBER")
    assert told(ONE) == SyncedIssue(IssueAction.UPDATED, 1)


def test_nothing_is_sent_twice(told: Tell, services: Services, world: World):
    def lose_the_answer(request, usual):
        reply = usual()
        reply.reset = request.method == "POST"
        return reply

    world.faults["api.github.com"] = lose_the_answer
    with pytest.raises(Exception, match="broke off"):
        told(ONE)
    assert len(world.project.issues) == 1
    world.faults.clear()
    assert told(ONE).action is IssueAction.UNCHANGED


def test_no_right_and_no_issues(told: Tell, world: World):
    world.project.may_write_issues = False
    with pytest.raises(AccessRefused, match="permissions: issues: write"):
        told(ONE)
    world.project.has_issues = False
    assert told(ONE) == SyncedIssue(IssueAction.IMPOSSIBLE)
    assert told(None) == SyncedIssue(IssueAction.IMPOSSIBLE)
