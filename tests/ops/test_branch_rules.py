"""Rules that block a push to the data branch, and the setting to change."""

from __future__ import annotations

import pytest

from cmetrics.ops.branch_rules import BranchRules, Rule, check_branch_rules
from cmetrics.ops.check import Level

NONE = BranchRules("o/r", "data", exists=True, rules=())
OK, WARNING = Level.OK, Level.WARNING


def a_rule(kind: str, source: str = "Repository", name: str = "o/r", number: int | None = 7) -> Rule:
    return Rule(type=kind, ruleset_source_type=source, ruleset_source=name, ruleset_id=number)


@pytest.mark.parametrize(
    ("kind", "exists", "level"),
    [
        ("deletion", True, OK),
        ("non_fast_forward", True, OK),
        ("required_linear_history", False, OK),
        ("creation", True, OK),
        ("creation", False, WARNING),
        ("update", True, WARNING),
        ("pull_request", False, WARNING),
        ("required_signatures", True, WARNING),
        ("commit_author_email_pattern", True, WARNING),
        ("a rule of tomorrow", True, WARNING),
    ],
)
def test_only_rules_that_block_a_push_are_reported(kind: str, *, exists: bool, level: Level):
    """A push adds a commit and deletes nothing; unknown rules may block it."""
    (check,) = check_branch_rules(BranchRules("o/r", "data", exists, (a_rule(kind),)))
    assert check.level is level


def test_each_ruleset_is_reported_once_with_its_page():
    """Rules of one ruleset are reported together."""
    rules = (
        a_rule("update"),
        a_rule("pull_request"),
        a_rule("pull_request", "Organization", "o", 8),
        a_rule("workflows", "Enterprise", "big", 9),
        a_rule("update", number=None),
    )
    checks = check_branch_rules(BranchRules("o/r", "data", exists=True, rules=rules))
    assert [check.link for check in checks] == [
        "https://github.com/o/r/settings/rules/7",
        "https://github.com/organizations/o/settings/rules/8",
        "https://github.com/enterprises/big/settings/policies",
        "https://github.com/o/r/settings/rules",
    ]
    assert "(pull_request, update)" in checks[0].text
    assert "Exclude the branch data from the ruleset" in checks[0].advice


@pytest.mark.parametrize(
    ("protection", "level"), [((), OK), (None, WARNING), (("restrictions", "lock_branch"), WARNING)]
)
def test_a_protection_that_allows_pushes_is_ok(protection: tuple[str, ...] | None, level: Level):
    """Only administrators see the parts of a protection; hidden ones may block a push."""
    (check,) = check_branch_rules(
        BranchRules("o/r", "data", exists=True, rules=(), is_protected=True, protection=protection)
    )
    assert check.level is level
    assert check_branch_rules(NONE)[0].level is OK
