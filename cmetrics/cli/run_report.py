"""Whom a run is told to besides the terminal: the workflow's page and a webhook. Nothing here changes an exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cmetrics.catalog import Catalog, parse_address
from cmetrics.cli.output import print_warning
from cmetrics.cli.summary import failure_json, summary_json
from cmetrics.domain.days import last_completed_day, utc_now
from cmetrics.domain.run import Job, RunSummary
from cmetrics.domain.sanitize import sanitize
from cmetrics.ops import actions
from cmetrics.settings import Settings


def site_address(settings: Settings, catalog: Catalog) -> str | None:
    """Where the page is: CMETRICS_SITE_URL, else what the catalogue says; UsageError for what is no address."""
    return parse_address("CMETRICS_SITE_URL", settings.site_url) if settings.site_url else catalog.url


@dataclass(frozen=True, slots=True)
class Reports:
    """Made before the run, so that a mistake in a variable is told before anything is done."""

    job: Job
    settings: Settings
    catalog: Catalog
    site: str | None

    @classmethod
    def prepare(cls, job: Job, settings: Settings, catalog: Catalog) -> Reports:
        """For one run; raises UsageError."""
        return cls(job, settings, catalog, site_address(settings, catalog))

    def ended(self, summary: RunSummary) -> None:
        """A run has a result."""
        self._append(actions.summary_markdown(summary, self.site, self._hints()))
        self._post(summary_json(summary))

    def failed(self, error: Exception) -> None:
        """A run never got to its metrics."""
        text = sanitize(str(error), limit=2000)
        self._append(actions.failure_markdown(self.job.value, text))
        self._post(failure_json(self.job.value, text))

    def _hints(self) -> tuple[str, ...]:
        """What is still switched off in the repository that runs this, as far as its token may know."""
        settings = self.settings
        if actions.summary_file() is None or not settings.repository or not settings.github_token:
            return ()
        from cmetrics.ops.repository_checks import switched_off
        from cmetrics.ops.repository_settings import fetch_repository_settings

        found = fetch_repository_settings(
            settings.repository, settings.workflow, settings.github_token, self.catalog.contact, settings.network
        )
        return switched_off(found) if found else ()

    @staticmethod
    def _append(markdown: str) -> None:
        path = actions.summary_file()
        if path is None:
            return
        try:
            actions.append(path, markdown)
        except OSError as error:
            print_warning(f"the job summary could not be written: {error.strerror}")

    def _post(self, document: Mapping[str, Any]) -> None:
        if not self.settings.webhook:
            return
        from cmetrics.ops.webhook import send_summary

        more = {"title": self.catalog.title, "as_of": last_completed_day(utc_now()).isoformat()}
        if (
            problem := send_summary(
                self.settings.webhook, {**document, **more}, self.catalog.contact, self.settings.network
            )
        ) is not None:
            print_warning(sanitize(problem))
