"""Where the store is, where the catalogue is, which secrets there are: environment, ``.env``, options."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from cmetrics.domain.errors import UsageError
from cmetrics.domain.redaction import register_secret
from cmetrics.domain.sanitize import sanitize

EMBEDDED_DEFAULT = "data/lancedb"
ENTERPRISE_DEFAULT = "db://community-metrics"
DEFAULT_REGION = "us-east-1"
CATALOG_NAME = "cmetrics.toml"
NIGHTLY = "nightly.yml"

#: What `.env` may set; anything else in it is for other programs.
VARIABLES = (
    "LANCEDB_API_KEY",
    "LANCEDB_HOST_OVERRIDE",
    "LANCEDB_REGION",
    "GITHUB_TOKEN",
    "CMETRICS_DB",
    "CMETRICS_CONFIG",
    "CMETRICS_CACHE",
    "CMETRICS_SITE_URL",
    "CMETRICS_ALERTS",
    "CMETRICS_WEBHOOK_URL",
    "GITHUB_REPOSITORY",
)


#: Never printed.
SECRETS = ("LANCEDB_API_KEY", "GITHUB_TOKEN", "CMETRICS_WEBHOOK_URL")

_ON, _OFF = {"on", "true", "yes", "1"}, {"off", "false", "no", "0"}


class StoreKind(Enum):
    """How a store is reached; all three run the same code."""

    EMBEDDED = "embedded"
    OBJECT_STORE = "object store"
    ENTERPRISE = "LanceDB Enterprise"


@dataclass(frozen=True, slots=True)
class StoreTarget:
    """A place that can be opened as a store."""

    kind: StoreKind
    uri: str
    api_key: str | None = field(default=None, repr=False)
    host_override: str | None = None
    region: str = DEFAULT_REGION

    @property
    def label(self) -> str:
        """How to name the place in output; holds no secret."""
        where = f"{self.uri} at {self.host_override}" if self.host_override else self.uri
        return sanitize(f"{where} ({self.kind.value})")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the environment decides, read once per process."""

    store: StoreTarget
    #: None means the catalogue that comes with the package.
    catalog: Path | None
    github_token: str | None = field(default=None, repr=False)
    #: For what a long backfill has read and would read again; None keeps nothing.
    cache: Path | None = None
    #: Where the site is published, as it was written; None leaves it to the catalogue.
    site_url: str | None = None
    #: ``owner/name`` of the repository that runs this, which GitHub Actions says by itself.
    repository: str | None = None
    #: The file name of the workflow that runs this every night.
    workflow: str = NIGHTLY
    #: Whether `alert` may open issues there.
    alerts: bool = True
    #: Gets the summary of every run; whoever knows it can write there.
    webhook: str | None = field(default=None, repr=False)


def load_settings(*, db: str | None = None, config: Path | None = None, directory: Path | None = None) -> Settings:
    """The settings of this process: options first, then the environment, then ``.env``.

    Raises UsageError, naming the variable, for a half-configured or impossible store and for a
    catalogue that does not exist.
    """
    here = directory or _working_directory()
    env = _environment(here)
    for name in SECRETS:
        register_secret(env.get(name))
    return Settings(
        store=resolve_store(db, env),
        catalog=_catalog_path(config, env, here),
        github_token=env.get("GITHUB_TOKEN"),
        cache=cache_folder(env.get("CMETRICS_CACHE")),
        site_url=env.get("CMETRICS_SITE_URL"),
        repository=env.get("GITHUB_REPOSITORY"),
        workflow=_workflow(os.environ.get("GITHUB_WORKFLOW_REF", "")),
        alerts=_switch("CMETRICS_ALERTS", env.get("CMETRICS_ALERTS", "on")),
        webhook=env.get("CMETRICS_WEBHOOK_URL"),
    )


def _workflow(ref: str) -> str:
    """The file name in ``owner/name/.github/workflows/nightly.yml@refs/heads/main``, as a step is told it."""
    name = ref.partition("@")[0].rpartition("/")[2]
    return name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*\.ya?ml", name) else NIGHTLY


def _switch(name: str, text: str) -> bool:
    """Whether that variable says on; raises UsageError for a word that is neither."""
    word = text.lower()
    if word not in _ON | _OFF:
        msg = f"{name} is {sanitize(text, limit=40)!r}; write on or off"
        raise UsageError(msg)
    return word in _ON


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        msg = f"the folder that this command was started in is gone or closed ({sanitize(str(error))}); go to another"
        raise UsageError(msg) from error


def cache_folder(chosen: str | None) -> Path | None:
    """``CMETRICS_CACHE``, or the platform's place for what can be made again; None where there is none.

    That is ``XDG_CACHE_HOME`` (freedesktop.org), ``~/Library/Caches`` on macOS.
    """
    try:
        if chosen:
            return Path(chosen).expanduser()
        home = os.environ.get("XDG_CACHE_HOME", "")
        if Path(home).is_absolute():
            return Path(home) / "cmetrics"
        return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "cmetrics"
    except RuntimeError:
        # No home folder: a container's user without an entry.
        return None


def resolve_store(db: str | None, env: Mapping[str, str]) -> StoreTarget:
    """The first of: ``--db`` or ``CMETRICS_DB``, the Enterprise variables, the embedded folder."""
    chosen = db or env.get("CMETRICS_DB")
    if chosen and not chosen.startswith("db://"):
        if "://" in chosen:
            return StoreTarget(StoreKind.OBJECT_STORE, chosen)
        try:
            return StoreTarget(StoreKind.EMBEDDED, str(Path(chosen).expanduser()))
        except RuntimeError as error:
            msg = f"{'--db' if db else 'CMETRICS_DB'} {sanitize(chosen, limit=80)}: {sanitize(str(error))}"
            raise UsageError(msg) from error
    key, host = env.get("LANCEDB_API_KEY"), env.get("LANCEDB_HOST_OVERRIDE")
    if not chosen and not key and not host:
        return StoreTarget(StoreKind.EMBEDDED, EMBEDDED_DEFAULT)
    if not key or not host:
        absent = "LANCEDB_HOST_OVERRIDE" if key else "LANCEDB_API_KEY"
        why = f"{chosen} is on LanceDB Enterprise" if chosen else "the other one is set"
        msg = (
            f"{absent} is not set, but {why}. Set LANCEDB_API_KEY and LANCEDB_HOST_OVERRIDE, "
            "or neither of them and --db for a folder"
        )
        raise UsageError(msg)
    if not _is_absolute_url(host):
        msg = (
            f"LANCEDB_HOST_OVERRIDE is {sanitize(host, limit=80)!r}, which is no absolute "
            "http(s) URL. Write it like https://cluster.example.com"
        )
        raise UsageError(msg)
    return StoreTarget(
        StoreKind.ENTERPRISE,
        chosen or ENTERPRISE_DEFAULT,
        api_key=key,
        host_override=host,
        region=env.get("LANCEDB_REGION", DEFAULT_REGION),
    )


def _is_absolute_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        # Reading the port checks that it is one.
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that no file can have is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """The same for folders."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _environment(directory: Path) -> Mapping[str, str]:
    """Our variables, empty ones left out; the real environment wins over ``.env``."""
    values: dict[str, str] = {}
    dotenv = directory / ".env"
    if dotenv.is_file():
        from dotenv import dotenv_values  # only where there is a file to read

        try:
            values = {k: v for k, v in dotenv_values(dotenv).items() if v and k in VARIABLES}
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{dotenv}: cannot be read ({sanitize(str(error))})"
            raise UsageError(msg) from error
    values.update({k: v for k in VARIABLES if (v := os.environ.get(k, "").strip())})
    return values


def _catalog_path(config: Path | None, env: Mapping[str, str], here: Path) -> Path | None:
    named = config or (Path(env["CMETRICS_CONFIG"]) if "CMETRICS_CONFIG" in env else None)
    if named is None:
        local = here / CATALOG_NAME
        return local if local.is_file() else None
    if not is_file(named):
        who = "--config" if config else "CMETRICS_CONFIG"
        msg = f"{who}: there is no file {sanitize(str(named))}"
        raise UsageError(msg)
    return named
