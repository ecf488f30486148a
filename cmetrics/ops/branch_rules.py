"""Find rules of a GitHub repository that block a push to the data branch.

Endpoints as in GitHub's REST reference (docs.github.com/rest: repos/rules, branches/branches,
branches/branch-protection).

Only administrators can see who is exempt from a rule. The account that pushes may be exempt, so every
finding is a warning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter

from cmetrics.domain.errors import AccessRefused, NotFound
from cmetrics.http.client import ServiceClient
from cmetrics.http.validation import Shape, parse
from cmetrics.ops.check import Check, ok, warning

AREA = "data branch"
#: Rules that an ordinary push satisfies: it adds one commit on top of the newest one and deletes nothing.
_HARMLESS = frozenset({"deletion", "non_fast_forward", "required_linear_history", "copilot_code_review"})
#: Blocks only the creation of the branch.
_CREATION = "creation"
#: Settings of a classic branch protection that block a push.
_REFUSING = (
    "required_pull_request_reviews",
    "required_status_checks",
    "required_signatures",
    "restrictions",
    "lock_branch",
)


class Rule(Shape):
    """An active rule for the branch, with its ruleset."""

    type: str
    #: ``Repository``, ``Organization`` or ``Enterprise``.
    ruleset_source_type: str = ""
    ruleset_source: str = ""
    ruleset_id: int | None = None


class _Protection(Shape):
    enabled: bool = False


class _Branch(Shape):
    protection: _Protection = _Protection()


_RULES = TypeAdapter(list[Rule])
_BRANCH = TypeAdapter(_Branch)
_DETAILS: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


@dataclass(frozen=True, slots=True)
class BranchRules:
    """The active rules and protection of one branch."""

    repository: str
    branch: str
    exists: bool
    rules: tuple[Rule, ...]
    #: Whether a classic protection is active, and its settings that block a push; None if they are hidden.
    is_protected: bool = False
    protection: tuple[str, ...] | None = None


async def load_branch_rules(client: ServiceClient, repository: str, branch: str) -> BranchRules:
    """Fetch the rules for ``branch``, which may not exist yet. Raises SourceError."""
    base, name = f"/repos/{quote(repository, safe='/')}", quote(branch, safe="")
    where = f"api.github.com, branch {branch} of {repository}"
    rules = parse(_RULES, (await client.get(f"{base}/rules/branches/{name}", {"per_page": "100"})).body, where)
    try:
        found = parse(_BRANCH, (await client.get(f"{base}/branches/{name}")).body, where)
    except NotFound:
        return BranchRules(repository, branch, exists=False, rules=tuple(rules))
    is_protected, protection = found.protection.enabled, None
    if is_protected:
        try:
            details = parse(_DETAILS, (await client.get(f"{base}/branches/{name}/protection")).body, where)
            protection = tuple(part for part in _REFUSING if _is_on(details.get(part)))
        except (AccessRefused, NotFound):
            protection = None
    return BranchRules(
        repository, branch, exists=True, rules=tuple(rules), is_protected=is_protected, protection=protection
    )


def _is_on(part: Any) -> bool:
    """Return whether a protection setting is active: an object, unless its `enabled` is false."""
    return isinstance(part, dict) and part.get("enabled") is not False


def check_branch_rules(found: BranchRules) -> tuple[Check, ...]:
    """Check that no rule blocks a push. Each finding has the setting to change."""
    refusing: dict[Rule, list[str]] = {}
    for rule in found.rules:
        if rule.type in _HARMLESS or (rule.type == _CREATION and found.exists):
            continue
        refusing.setdefault(rule.model_copy(update={"type": ""}), []).append(rule.type)
    checks = [_ruleset(found, ruleset, types) for ruleset, types in refusing.items()]
    if found.is_protected and found.protection != ():
        parts = f" ({', '.join(found.protection)})" if found.protection else ""
        checks.append(
            warning(
                AREA,
                f"the branch {found.branch} is protected{parts}; push-data is refused unless its token is exempt",
                "Remove the protection, or allow the account that pushes to bypass it",
                f"https://github.com/{found.repository}/settings/branches",
            )
        )
    return tuple(checks) or (ok(AREA, f"no rule blocks a push to {found.branch}"),)


def _ruleset(found: BranchRules, ruleset: Rule, types: list[str]) -> Check:
    where = {"Organization": "organization", "Enterprise": "enterprise"}.get(ruleset.ruleset_source_type, "repository")
    owner = quote(ruleset.ruleset_source, safe="")
    home = {
        "organization": f"https://github.com/organizations/{owner}/settings/rules",
        "enterprise": f"https://github.com/enterprises/{owner}/settings/policies",
        "repository": f"https://github.com/{found.repository}/settings/rules",
    }[where]
    is_linked = where != "enterprise" and ruleset.ruleset_id is not None
    return warning(
        AREA,
        f"a ruleset of the {where} ({', '.join(sorted(types))}) applies to the branch {found.branch}; push-data is "
        "refused unless its token is exempt",
        f"Exclude the branch {found.branch} from the ruleset, or add the account that pushes to its bypass list",
        f"{home}/{ruleset.ruleset_id}" if is_linked else home,
    )
