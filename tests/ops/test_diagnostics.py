from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from cmetrics.analytics.model import RunNote
from cmetrics.domain.errors import (
    AccessRefused,
    RateLimited,
    ServiceFailed,
    ServiceUnreachable,
    StoreMissing,
    StoreUnreachable,
)
from cmetrics.http.service import Response
from cmetrics.ops.check import Level
from cmetrics.ops.diagnostics import (
    judge_clock,
    judge_folder,
    judge_runs,
    judge_service,
    judge_tables,
    judge_token,
    judge_versions,
)
from cmetrics.ops.repository_checks import check_repository_settings, switched_off
from cmetrics.ops.repository_settings import RepositorySettings, TokenFacts, parse_token
from cmetrics.ops.services import ServiceFacts
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.inspect import FolderFacts, TableFacts

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
EMBEDDED = StoreTarget(StoreKind.EMBEDDED, "data/lancedb")
REMOTE = StoreTarget(StoreKind.ENTERPRISE, "db://x", api_key=SecretStr("sk-secret"), host_override="https://c.example")
OK, WARNING, PROBLEM = Level.OK, Level.WARNING, Level.PROBLEM
TABLES = tuple(TableFacts(name, exists=True) for name in ("metrics", "stats", "history"))
ON = RepositorySettings(
    repository="o/r",
    is_fork=False,
    has_issues=True,
    has_pages=True,
    pages_by_workflow=True,
    workflow_file="nightly.yml",
    workflow="active",
    actions_enabled=True,
)


def answers(**ahead: float | None) -> list[ServiceFacts]:
    return [ServiceFacts(name, name, ahead=seconds) for name, seconds in ahead.items()]


def test_the_clock_is_compared_with_the_services():
    assert judge_clock(NOW, answers(a=1.0, b=-119.0)).level is OK
    assert judge_clock(NOW, answers(a=None)).level is OK
    behind = judge_clock(NOW, answers(a=600.0, b=900.0))
    assert (behind.level, "10 minutes behind a" in behind.text) == (WARNING, True)
    assert "ahead of a" in judge_clock(NOW, answers(a=-600.0)).text
    assert judge_clock(NOW, answers(a=1.0, b=9000.0)).level is OK, "one service alone may be wrong"
    for year in (1970, 2024, 2101):
        assert judge_clock(NOW.replace(year=year), ()).level is PROBLEM


def test_versions_are_shown_and_a_missing_package_is_a_problem():
    found = judge_versions((3, 12, 1), {"lancedb": "0.40"})
    assert (found.level, "Python 3.12.1, lancedb 0.40" in found.text) == (OK, True)
    assert judge_versions((3, 10, 9), {}).level is PROBLEM
    assert judge_versions((3, 12, 1), {"lancedb": None}).level is PROBLEM


@pytest.mark.parametrize(
    ("refusal", "free", "level"),
    [
        (None, 2**40, OK),
        (None, None, OK),
        (None, 100 * 2**20, WARNING),
        (None, 2**20, PROBLEM),
        ("denied", 2**40, PROBLEM),
    ],
)
def test_a_folder_must_be_writable_and_have_space(refusal: str | None, free: int | None, level: Level):
    assert judge_folder(FolderFacts(Path("data"), exists=True, refusal=refusal, free_bytes=free)).level is level


def test_tables_must_match_this_version():
    def levels(*tables: TableFacts, target: StoreTarget = EMBEDDED) -> list[Level]:
        return [check.level for check in judge_tables(target, tables)]

    assert levels(*TABLES, TableFacts("revisions", exists=False, is_optional=True)) == [OK]
    assert levels(*TABLES, target=REMOTE) == [OK, OK]
    assert levels(*TABLES[:2], TableFacts("stats", exists=False)) == [PROBLEM]
    assert (
        levels(TableFacts("stats", exists=True, missing=("value",), different=("x is int32 instead of int64",)))
        == [PROBLEM] * 2
    )
    assert levels(TableFacts("stats", exists=True, unknown=("shiny",))) == [WARNING]
    none = [TableFacts(t.name, exists=False) for t in TABLES]
    assert levels(*none) == [WARNING]
    assert levels(*none, target=REMOTE) == [OK, PROBLEM]
    assert [c.level for c in judge_tables(EMBEDDED, StoreMissing("x"))] == [WARNING]
    assert [c.level for c in judge_tables(REMOTE, StoreMissing("x"))] == [PROBLEM]
    assert [c.level for c in judge_tables(REMOTE, StoreUnreachable("x"))] == [PROBLEM]


@pytest.mark.parametrize(
    ("source", "error", "level"),
    [
        ("npm", None, OK),
        ("npm", RateLimited("x"), WARNING),
        ("npm", ServiceFailed("x"), WARNING),
        ("npm", ServiceUnreachable("x"), PROBLEM),
        ("cratesio", AccessRefused("x"), PROBLEM),
        ("github", AccessRefused("x"), WARNING),
    ],
)
def test_the_level_of_a_service_depends_on_its_error(source: str, error: None, level: Level):
    assert judge_service(ServiceFacts(source, source, error=error)).level is level


def facts(**changes: object) -> TokenFacts:
    usual = {"limit": 5000, "remaining": 4999, "resets_at": NOW, "scopes": (), "expires_at": None}
    return TokenFacts(**(usual | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("ghp_abc", "classic personal token"),
        ("github_pat_abc", "fine-grained personal token"),
        ("ghs_abc", "token of a workflow or an app"),
        ("gho_abc", "token of an OAuth app"),
        ("ghu_abc", "token of an app for a user"),
        ("0123456789abcdef", "token of an unknown kind"),
        (None, "none"),
    ],
)
def test_the_kind_of_a_token_is_shown_but_not_the_token(token: str | None, kind: str):
    (check,) = judge_token(SecretStr(token) if token else None, facts(scopes=None), 2, NOW)
    assert (check.level, check.text) == (OK, kind)
    assert kind in judge_token(SecretStr(token) if token else None, None, 2, NOW)[0].text


def test_broad_or_expiring_tokens_are_reported():
    levels = {
        "rights": judge_token(SecretStr("ghp_x"), facts(scopes=("repo", "admin:org")), 1, NOW)[0],
        "soon": judge_token(SecretStr("ghp_x"), facts(expires_at=NOW + timedelta(days=3)), 1, NOW)[1],
        "late": judge_token(SecretStr("ghp_x"), facts(expires_at=NOW + timedelta(days=90)), 1, NOW)[1],
        "past": judge_token(SecretStr("ghp_x"), facts(expires_at=NOW - timedelta(days=3)), 1, NOW)[1],
        "few": judge_token(None, facts(limit=60, remaining=5), 2, NOW)[1],
    }
    assert {k: c.level for k, c in levels.items()} == {
        "rights": WARNING,
        "soon": WARNING,
        "late": OK,
        "past": PROBLEM,
        "few": WARNING,
    }
    assert "repo, admin:org" in levels["rights"].text
    assert "GITHUB_TOKEN" in levels["few"].advice


def test_facts_about_a_token_are_read_from_body_and_headers():
    body = b'{"resources":{"core":{"limit":5000,"remaining":4990,"reset":1795770000,"used":10}},"rate":{}}'
    headers = {"x-oauth-scopes": "repo, gist", "github-authentication-token-expiration": "2026-12-01 10:00:00 UTC"}
    found = parse_token(Response(body, headers))
    assert (found.limit, found.remaining, found.scopes) == (5000, 4990, ("repo", "gist"))
    assert found.expires_at == datetime(2026, 12, 1, 10, tzinfo=UTC)
    other = parse_token(Response(body, {"github-authentication-token-expiration": "2026-12-01 12:00:00 +0200"}))
    assert other.expires_at == found.expires_at
    assert (other.scopes, parse_token(Response(body, {"x-oauth-scopes": ""})).scopes) == (None, ())
    assert parse_token(Response(body, {"github-authentication-token-expiration": "never"})).expires_at is None


def test_runs_are_judged_by_the_last_one():
    def level(status: str) -> Level:
        return judge_runs(RunNote("1", "refresh", status, NOW, NOW, ("why",)), (), 3)[0].level

    assert (level("success"), level("partial"), level("failed"), level("running")) == (OK, WARNING, PROBLEM, OK)
    assert [check.level for check in judge_runs(None, (), 3)] == [WARNING]


def test_disabled_settings_have_the_page_to_change_them():
    assert all(check.level is OK for check in check_repository_settings(ON))
    assert switched_off(ON) == ()
    unknown = replace(ON, has_pages=None, pages_by_workflow=None, workflow=None, actions_enabled=None)
    assert check_repository_settings(unknown) == ()
    off = replace(
        ON, is_fork=True, has_issues=False, has_pages=False, workflow="disabled_inactivity", actions_enabled=None
    )
    schedule, pages, alerts = check_repository_settings(off)
    assert (schedule.level, pages.level, alerts.level) == (PROBLEM, WARNING, WARNING)
    assert "60 days" in schedule.text
    assert [text.rpartition("<")[2] for text in switched_off(off)] == [
        "https://github.com/o/r/actions/workflows/nightly.yml>",
        "https://github.com/o/r/settings/pages>",
        "https://github.com/o/r/settings>",
    ]
    assert check_repository_settings(replace(ON, workflow="absent", actions_enabled=False))[0].link.endswith(
        "/settings/actions"
    )
    assert check_repository_settings(replace(ON, workflow="absent", actions_enabled=None))[0].link.endswith("/actions")
