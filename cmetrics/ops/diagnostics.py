"""Evaluate the facts that `doctor` collects. Pure."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from cmetrics.analytics.model import MetricFreshness, RunNote
from cmetrics.domain.errors import (
    AccessRefused,
    InvalidResponse,
    NotFound,
    RateLimited,
    ServiceFailed,
    StoreError,
    StoreMissing,
)
from cmetrics.domain.plural import plural
from cmetrics.ops.check import Check, ok, problem, warning
from cmetrics.ops.repository_settings import TokenFacts
from cmetrics.ops.services import ServiceFacts
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.inspect import FolderFacts, TableFacts
from cmetrics.store.temporary import TemporaryFolder

#: A star metric needs one request for the count, one for the history, and sometimes a repetition.
REQUESTS_PER_REPOSITORY = 3
#: Documents which store is used.
STORE_PAGE = "https://github.com/lancedb/cmetrics/blob/main/docs/reference/environment.md#store"
LONGEST_OFF = 120.0
#: The maximum number of metrics that are listed; the others are only counted.
NAMED = 3
LITTLE_SPACE, NO_SPACE = 200 * 2**20, 20 * 2**20
#: A token that expires within this time is a warning.
SOON = timedelta(days=14)
FIRST_YEAR, LAST_YEAR = 2025, 2100
OLDEST_PYTHON = (3, 11)

#: docs.github.com, "Token formats"; the token of Actions is an installation token.
TOKEN_KINDS = {
    "ghp_": "classic personal token",
    "github_pat_": "fine-grained personal token",
    "ghs_": "token of a workflow or an app",
    "gho_": "token of an OAuth app",
    "ghu_": "token of an app for a user",
}


def judge_versions(python: tuple[int, ...], found: Mapping[str, str | None]) -> Check:
    """Check the installed versions. A missing package is a problem."""
    shown = ", ".join([f"Python {'.'.join(map(str, python[:3]))}", *(f"{k} {v}" for k, v in found.items() if v)])
    absent = [name for name, version in found.items() if version is None]
    if python[:2] < OLDEST_PYTHON:
        return problem("versions", shown, "Install Python 3.11 or newer")
    if absent:
        return problem("versions", f"{shown}; not installed: {', '.join(absent)}", "Reinstall cmetrics")
    return ok("versions", f"{shown} on {sys.platform}")


def judge_clock(now: datetime, services: Iterable[ServiceFacts]) -> Check:
    """Compare the local clock, which determines the last completed day, with the clocks of the services."""
    shown = f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    advice = "Set the clock of this machine (NTP)"
    if not FIRST_YEAR <= now.year <= LAST_YEAR:
        return problem("clock", f"{shown} cannot be right", advice)
    offsets = {facts.title: facts.ahead for facts in services if facts.ahead is not None}
    if not offsets:
        return ok("clock", f"{shown}; no service sent a Date header")
    # A single service may be wrong, so the clock closest to the local one is used.
    title, off = min(offsets.items(), key=lambda item: abs(item[1]))
    if abs(off) > LONGEST_OFF:
        side = "behind" if off > 0 else "ahead of"
        return warning("clock", f"{shown}, {abs(off) / 60:.0f} minutes {side} {title}", advice)
    return ok("clock", f"{shown}, same as {title}")


def judge_folder(found: FolderFacts) -> Check:
    """Check the folder of an embedded store."""
    if found.refusal is not None:
        advice = "Give the user that runs cmetrics write access, or set another folder with --db or CMETRICS_DB"
        return problem("storage", f"{found.folder} is not writable: {found.refusal}", advice)
    free = "" if found.free_bytes is None else f", {found.free_bytes / 2**30:.1f} GiB free"
    text = f"{found.folder} is writable{free}"
    if found.free_bytes is not None and found.free_bytes < NO_SPACE:
        return problem("storage", text, "Free some disk space: every merge writes new versions of the files it changes")
    if found.free_bytes is not None and found.free_bytes < LITTLE_SPACE:
        return warning("storage", text, "Free some disk space: every merge writes new versions of the files it changes")
    return ok("storage", text)


def judge_temporary_folder(found: TemporaryFolder) -> Check:
    """Check the folder for the temporary files of a merge."""
    if found.refusal is None:
        return ok("temporary files", f"{found.folder} is writable")
    named = f"{found.variable} names {found.folder}" if found.variable else found.folder
    name = found.variable or "TMPDIR"
    return problem(
        "temporary files", f"{named}, which is not writable: {found.refusal}", f"Set {name} to a writable folder"
    )


def judge_tables(target: StoreTarget, found: Sequence[TableFacts] | StoreError) -> tuple[Check, ...]:
    """Check that the tables have the schema of this version."""
    make = "refresh" if target.kind is StoreKind.EMBEDDED else "create-tables"
    if isinstance(found, StoreMissing) and target.kind is StoreKind.EMBEDDED:
        return (warning("storage", f"no store at {target.label} yet", f"Create it with `cmetrics {make}`"),)
    if isinstance(found, StoreError):
        return (problem("storage", str(found), "See how the store is chosen", STORE_PAGE),)
    checks = [] if target.kind is StoreKind.EMBEDDED else [_remote(target)]
    needed = [table for table in found if not table.is_optional]
    if not any(table.exists for table in needed):
        text = f"{target.label} has no cmetrics tables"
        level = warning if target.kind is StoreKind.EMBEDDED else problem
        return (*checks, level("tables", text, f"Create them with `cmetrics {make}`"))
    wrong = [check for table in found for check in _table(table, make)]
    names = ", ".join(table.name for table in found if table.exists)
    return (*checks, *(wrong or [ok("tables", f"{names}: schema is current")]))


def _remote(target: StoreTarget) -> Check:
    return ok("storage", f"{target.label} is readable; write access is not checked")


def _table(table: TableFacts, make: str) -> Iterable[Check]:
    if not table.exists:
        if not table.is_optional:
            yield problem(
                "tables",
                f"{table.name} is missing",
                f"Create it with `cmetrics {make}`; `cmetrics restore` restores its rows",
            )
        return
    other = "Another program created this table: use another store (--db), or run export, bootstrap and restore"
    if table.missing:
        yield problem("tables", f"{table.name} lacks {', '.join(table.missing)}", other)
    if table.different:
        yield problem("tables", f"{table.name}: {'; '.join(table.different)}", other)
    if table.unknown:
        text = f"{table.name} has columns unknown to this version: {', '.join(table.unknown)}"
        yield warning(
            "tables", text, "A newer cmetrics may have added them: upgrade, or ignore them (new rows leave them empty)"
        )


def judge_service(found: ServiceFacts) -> Check:
    """Check that a service responds."""
    area, error = f"service {found.source}", found.error
    if error is None:
        budget = f", {found.token.remaining:,} of {found.token.limit:,} requests left" if found.token else ""
        return ok(area, f"{found.title} answers{budget}")
    if isinstance(error, RateLimited):
        return warning(area, error.message, error.hint or "Wait; if it happens every night, run at another hour")
    if isinstance(error, AccessRefused):
        if found.source == "github":
            return warning(area, str(error), "Renew GITHUB_TOKEN or unset it; runs continue without it")
        return problem(area, str(error), "The service refuses this IP address or `contact`; ask its operators")
    if isinstance(error, ServiceFailed | NotFound):
        return warning(area, str(error), "The service is failing; missed days are collected once it recovers")
    is_answer = isinstance(error, InvalidResponse)
    text = error.message if is_answer else f"unreachable: {error.message}"
    changed = "If this lasts, report it: the service may have changed"
    return problem(area, text, changed if is_answer else "Check the network, HTTPS_PROXY and SSL_CERT_FILE")


def judge_token(
    token: SecretStr | None, facts: TokenFacts | None, repositories: int, now: datetime
) -> tuple[Check, ...]:
    """Check kind, scopes, expiry and quota of the GitHub token, if GitHub reports them."""
    area = "github token"
    need = repositories * REQUESTS_PER_REPOSITORY
    kind = _kind(token.get_secret_value()) if token else "none"
    checks: list[Check] = []
    if facts is None:
        return (ok(area, f"{kind}; GitHub did not answer"),) if token else (ok(area, "none"),)
    if facts.scopes:
        advice = "Public repositories need no scopes; a token without any is safer"
        checks.append(warning(area, f"{kind} with the scopes {', '.join(facts.scopes)}", advice))
    else:
        rights = ", without scopes" if facts.scopes is not None else ""
        checks.append(ok(area, f"{kind}{rights}"))
    if facts.expires_at is not None:
        checks.append(_end(area, facts.expires_at, now))
    if facts.remaining < need:
        back = f"{facts.resets_at.astimezone(UTC):%H:%M} UTC"
        text = f"{facts.remaining:,} of {facts.limit:,} requests left until {back}; a run needs about {need}"
        advice = "Wait until then" if token else "Set GITHUB_TOKEN (no scopes needed); it raises the limit"
        checks.append(warning("github quota", text, advice))
    return tuple(checks)


def _kind(token: str) -> str:
    return next((kind for prefix, kind in TOKEN_KINDS.items() if token.startswith(prefix)), "token of an unknown kind")


def _end(area: str, end: datetime, now: datetime) -> Check:
    link = "https://github.com/settings/tokens"
    text = f"{end.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if end <= now:
        return problem(area, f"expired at {text}", "Renew it", link)
    if end - now < SOON:
        return warning(area, f"expires at {text}", "Renew it in time", link)
    return ok(area, f"expires at {text}")


def judge_runs(last: RunNote | None, metrics: Sequence[MetricFreshness], max_age_days: int) -> tuple[Check, ...]:
    """Check the last run and the age of the metrics."""
    stale = [m for m in metrics if m.overdue_days is None or m.overdue_days > max_age_days]
    if last is None:
        return (warning("runs", "none in the last 90 days", "Run `cmetrics refresh`"),)
    text = f"{last.job_name} {last.status}, started {last.started_at:%Y-%m-%d %H:%M} UTC"
    if last.status == "failed":
        checks = [
            problem(
                "runs",
                f"{text}: {'; '.join(last.errors[:2]) or 'no reason given'}",
                "Run it again, and see `cmetrics status`",
            )
        ]
    elif last.status == "partial":
        checks = [warning("runs", text, "See `cmetrics status`")]
    else:
        checks = [ok("runs", text)]
    if stale:
        names = ", ".join(m.metric.metric_id for m in stale[:NAMED]) + (
            f" and {len(stale) - NAMED} more" if len(stale) > NAMED else ""
        )
        checks.append(
            problem(
                "metrics", f"older than {plural(max_age_days, 'day')}: {names}", "See the reasons in `cmetrics status`"
            )
        )
    else:
        checks.append(ok("metrics", f"{len(metrics)}, none older than {plural(max_age_days, 'day')}"))
    return tuple(checks)
