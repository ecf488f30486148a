"""The issue over several nights, with the simulated GitHub."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import SecretStr

from cmetrics.domain.errors import AccessRefused
from cmetrics.ops.alert import MARKER, Alert
from cmetrics.ops.sync_issue import IssueAction, NoActionReason, SyncedIssue, next_params, sync_issue
from cmetrics.settings import load_settings
from tests.world.project import NAME
from tests.world.services import Services
from tests.world.truth import World

ONE = Alert("cmetrics: 1 metric is stale", f"{MARKER}\n\n- one\n")
TWO = Alert("cmetrics: 2 metrics are stale", f"{MARKER}\n\n- one\n- two\n")

OPENED, CLOSED = SyncedIssue(IssueAction.OPENED, 1), SyncedIssue(IssueAction.CLOSED, 1)
UNCHANGED = SyncedIssue(IssueAction.NONE, 1, NoActionReason.UNCHANGED)
HEALTHY = SyncedIssue(IssueAction.NONE, reason=NoActionReason.HEALTHY)

Sync = Callable[[Alert | None], SyncedIssue]


@pytest.fixture
def sync(services: Services, monkeypatch: pytest.MonkeyPatch) -> Sync:
    for name, value in services.env().items():
        monkeypatch.setenv(name, value)
    return lambda alert: sync_issue(
        NAME, SecretStr("ghs_0123456789"), "https://example.com", load_settings().network, alert
    )


def test_an_issue_is_opened_updated_and_closed(sync: Sync, world: World):
    synced = [sync(alert) for alert in (None, ONE, ONE, TWO, TWO, None, None)]
    assert synced == [HEALTHY, OPENED, UNCHANGED, SyncedIssue(IssueAction.UPDATED, 1), UNCHANGED, CLOSED, HEALTHY]
    (issue,) = world.project.issues
    assert (issue["title"], issue["body"], issue["state"]) == (TWO.title, TWO.body, "closed")
    assert world.project.comments == [(1, "All metrics are up to date again.")]
    assert sync(ONE) == SyncedIssue(IssueAction.OPENED, 2)


def test_an_issue_without_a_label_is_found_again(sync: Sync, world: World):
    world.project.may_label = False
    assert [sync(alert) for alert in (ONE, ONE, None)] == [OPENED, UNCHANGED, CLOSED]


def test_an_issue_of_a_stranger_with_the_marker_is_ignored(sync: Sync, world: World):
    stranger = {"user": {"login": "x", "type": "User"}, "author_association": "NONE"}
    world.project.open("mine", MARKER, ["cmetrics"], **stranger)
    world.project.open("a pull request", MARKER, ["cmetrics"], pull_request={"url": "x"})
    assert sync(ONE) == SyncedIssue(IssueAction.OPENED, 3)
    sync(None)
    assert [(issue["title"], issue["state"]) for issue in world.project.issues] == [
        ("mine", "open"),
        ("a pull request", "open"),
        (ONE.title, "closed"),
    ]


def test_an_issue_reopened_by_a_maintainer_is_used(sync: Sync, world: World):
    world.project.open("old", MARKER, user={"login": "m", "type": "User"}, author_association="MEMBER")
    assert sync(ONE) == SyncedIssue(IssueAction.UPDATED, 1)


def test_nothing_is_sent_twice(sync: Sync, services: Services, world: World):
    def drop_response(request, usual):
        reply = usual()
        reply.reset = request.method == "POST"
        return reply

    world.faults["api.github.com"] = drop_response
    with pytest.raises(Exception, match="ended its response early"):
        sync(ONE)
    assert len(world.project.issues) == 1
    world.faults.clear()
    assert sync(ONE) == UNCHANGED


def test_missing_permission_and_disabled_issues(sync: Sync, world: World):
    world.project.may_write_issues = False
    with pytest.raises(AccessRefused, match="permissions: issues: write"):
        sync(ONE)
    world.project.has_issues = False
    disabled = SyncedIssue(IssueAction.NONE, reason=NoActionReason.ISSUES_DISABLED)
    assert [sync(ONE), sync(None)] == [disabled, disabled]


def test_the_issue_is_found_among_hundreds(sync: Sync, world: World):
    """An issue that lost its label and is not among the newest hundred is found, and not opened again."""
    world.project.open(ONE.title, ONE.body)
    for n in range(250):
        world.project.open(f"other {n}", "something else", ["bug"])
    assert sync(ONE) == UNCHANGED
    assert sync(None) == CLOSED


@pytest.mark.parametrize(
    ("link", "params"),
    [
        ("", None),
        ('<https://api.github.com/repositories/1/issues?page=1>; rel="prev"', None),
        (
            '<https://other.example/x?page=2&after=a%3D%3D&state=open>; rel="next", <https://x/?page=9>; rel="last"',
            {"page": "2", "after": "a==", "state": "open"},
        ),
        ('<not an address>; rel="next"', {}),
    ],
)
def test_the_next_page_comes_from_the_link_header(link: str, params: dict[str, str] | None):
    """Only the query of the link is used, not its host."""
    assert next_params(link) == params


def test_an_endless_link_is_followed_to_a_limit(sync: Sync, services: Services, world: World):
    world.project.endless = True
    assert sync(None) == HEALTHY
    assert 100 < len(services.requests) <= 200


def test_an_account_without_permissions_recognizes_its_issue(sync: Sync, world: World):
    """GitHub drops the label of such an account and shows no association."""
    world.project.account, world.project.may_label = "outsider", False
    assert [sync(alert) for alert in (ONE, ONE, None, None)] == [OPENED, UNCHANGED, CLOSED, HEALTHY]
    world.project.open("copied", MARKER, user={"login": "stranger", "type": "User"}, author_association="NONE")
    assert sync(None) == HEALTHY
    assert [issue["state"] for issue in world.project.issues] == ["closed", "open"]


def test_an_issue_that_cannot_be_recognized_later_is_closed_at_once(sync: Sync, world: World):
    """It is closed at once; later runs have the same error and open nothing."""
    world.project.account, world.project.may_label, world.project.may_read_account = "outsider", False, False
    for _ in range(3):
        with pytest.raises(
            AccessRefused, match="cannot be recognised later; #1 was closed; use the token of the workflow"
        ):
            sync(ONE)
    assert [issue["state"] for issue in world.project.issues] == ["closed"]
    assert not world.project.comments


@pytest.mark.parametrize("permissions", [None, {"pull": True, "push": False, "triage": False}])
def test_a_personal_token_without_permissions_opens_nothing(
    services: Services, world: World, monkeypatch: pytest.MonkeyPatch, permissions: dict[str, bool] | None
):
    """Permissions are checked before opening an issue that could not be found again."""
    world.project.account, world.project.may_label, world.project.may_read_account = "outsider", False, False
    world.project.permissions = permissions
    for name, value in services.env().items():
        monkeypatch.setenv(name, value)
    for _ in range(2):
        with pytest.raises(AccessRefused, match="cannot be recognised later; use the token of the workflow"):
            sync_issue(NAME, SecretStr("ghp_0123456789"), "https://example.com", load_settings().network, ONE)
    assert not world.project.issues


def test_the_marker_of_a_stranger_does_not_prevent_the_alert(sync: Sync, world: World):
    """Only the marker of the same token states that it was rejected before."""
    world.project.open("copied", f"{MARKER} <!-- cmetrics-refused 0123 -->", state="closed")
    assert sync(ONE) == SyncedIssue(IssueAction.OPENED, 2)


def test_a_token_that_regains_its_permissions_keeps_one_issue(sync: Sync, world: World):
    """No second issue is opened, and the recovery closes the first one."""
    assert sync(ONE) == OPENED
    world.project.may_write_issues = False
    for _ in range(3):
        with pytest.raises(AccessRefused, match="permissions: issues: write"):
            sync(TWO)
    world.project.may_write_issues = True
    assert [sync(alert) for alert in (TWO, None)] == [SyncedIssue(IssueAction.UPDATED, 1), CLOSED]
    assert len(world.project.issues) == 1
