"""What is still switched off in the repository that runs cmetrics. Pure, with the page where it is switched on."""

from __future__ import annotations

from cmetrics.ops.check import Check, Level, ok, problem, warning
from cmetrics.ops.repository_settings import RepositorySettings

_DISABLED = {
    "disabled_fork": "is switched off, as in every new fork",
    "disabled_inactivity": "was switched off by GitHub after 60 days without activity in the repository",
    "disabled_manually": "is switched off",
    "deleted": "was deleted",
}


def check_repository_settings(found: RepositorySettings) -> tuple[Check, ...]:
    """Actions, the nightly workflow, Pages and issues; what the token may not know is not mentioned."""
    return (*_actions(found), *_pages(found), *_issues(found))


def switched_off(found: RepositorySettings) -> tuple[str, ...]:
    """The same for the summary of a run, in Markdown; nothing of what is in order."""
    return tuple(
        f"{check.text}. {check.advice}: <{check.link}>"
        for check in check_repository_settings(found)
        if check.level is not Level.OK and check.link
    )


def _actions(found: RepositorySettings) -> tuple[Check, ...]:
    home = f"https://github.com/{found.repository}"
    if found.actions_enabled is False:
        text = "Actions are switched off in this repository"
        return (problem("actions", text, "Allow them", f"{home}/settings/actions"),)
    if found.workflow is None:
        return ()
    if found.workflow == "active":
        return (ok("schedule", f"{found.workflow_file} is active"),)
    if found.workflow == "absent":
        text = (
            f"There is no workflow {found.workflow_file} on the default branch, or Actions have never been switched on"
        )
        return (
            warning("schedule", text, "Switch Actions on, or run `cmetrics refresh` by other means", f"{home}/actions"),
        )
    text = f"{found.workflow_file} {_DISABLED.get(found.workflow, 'is not active')}"
    return (problem("schedule", text, "Enable it", f"{home}/actions/workflows/{found.workflow_file}"),)


def _pages(found: RepositorySettings) -> tuple[Check, ...]:
    link = f"https://github.com/{found.repository}/settings/pages"
    if found.has_pages is None:
        return ()
    if not found.has_pages:
        return (warning("pages", "Pages is switched off", "Choose GitHub Actions as its source", link),)
    if found.pages_by_workflow is False:
        text = "Pages publishes a branch, not what the nightly job builds"
        return (warning("pages", text, "Choose GitHub Actions as its source", link),)
    return (ok("pages", "Pages is on"),)


def _issues(found: RepositorySettings) -> tuple[Check, ...]:
    if found.has_issues:
        return ()
    text = "Issues are switched off (as in every new fork), so `cmetrics alert` has nowhere to write"
    link = f"https://github.com/{found.repository}/settings"
    return (warning("alerts", text, "Switch them on under Features, or set CMETRICS_ALERTS=off", link),)
