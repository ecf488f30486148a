"""Check the settings of the repository that runs cmetrics, with links to the settings pages. Pure."""

from __future__ import annotations

from cmetrics.ops.check import Check, Level, ok, problem, warning
from cmetrics.ops.repository_settings import RepositorySettings

_DISABLED = {
    "disabled_fork": "is disabled, as in every new fork",
    "disabled_inactivity": "was disabled by GitHub after 60 days without activity in the repository",
    "disabled_manually": "is disabled",
    "deleted": "was deleted",
}


def check_repository_settings(found: RepositorySettings) -> tuple[Check, ...]:
    """Check Actions, the nightly workflow, Pages and issues. Settings that the token cannot read are skipped."""
    return (*_actions(found), *_pages(found), *_issues(found))


def switched_off(found: RepositorySettings) -> tuple[str, ...]:
    """Return the findings as Markdown, for the job summary of a run."""
    return tuple(
        f"{check.text}. {check.advice}: <{check.link}>"
        for check in check_repository_settings(found)
        if check.level is not Level.OK and check.link
    )


def _actions(found: RepositorySettings) -> tuple[Check, ...]:
    home = f"https://github.com/{found.repository}"
    if found.actions_enabled is False:
        text = "Actions are disabled in this repository"
        return (problem("actions", text, "Enable them", f"{home}/settings/actions"),)
    if found.workflow is None:
        return ()
    if found.workflow == "active":
        return (ok("schedule", f"{found.workflow_file} is active"),)
    if found.workflow == "absent":
        text = f"The default branch has no workflow {found.workflow_file}, or Actions were never enabled"
        return (
            warning("schedule", text, "Enable Actions, or schedule `cmetrics refresh` elsewhere", f"{home}/actions"),
        )
    text = f"{found.workflow_file} {_DISABLED.get(found.workflow, 'is not active')}"
    return (problem("schedule", text, "Enable it", f"{home}/actions/workflows/{found.workflow_file}"),)


def _pages(found: RepositorySettings) -> tuple[Check, ...]:
    link = f"https://github.com/{found.repository}/settings/pages"
    if found.has_pages is None:
        return ()
    if not found.has_pages:
        return (warning("pages", "Pages is disabled", "Set its source to GitHub Actions", link),)
    if found.pages_by_workflow is False:
        text = "Pages publishes a branch instead of the built site"
        return (warning("pages", text, "Set its source to GitHub Actions", link),)
    return (ok("pages", "Pages is enabled"),)


def _issues(found: RepositorySettings) -> tuple[Check, ...]:
    if found.has_issues:
        return ()
    text = "Issues are disabled (as in every new fork), so `cmetrics alert` cannot open one"
    link = f"https://github.com/{found.repository}/settings"
    return (warning("alerts", text, "Enable them under Features, or set CMETRICS_ALERTS=off", link),)
