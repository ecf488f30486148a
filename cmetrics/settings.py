"""Where the store is, where the catalogue is, which secrets there are: environment, ``.env``, options."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from platformdirs import user_cache_path
from pydantic import SecretStr

from cmetrics.domain.errors import UsageError
from cmetrics.domain.redaction import register_url_credentials
from cmetrics.domain.sanitize import sanitize
from cmetrics.environment import Environment, Loaded, load_environment

EMBEDDED_DEFAULT = "data/lancedb"
ENTERPRISE_DEFAULT = "db://community-metrics"
DEFAULT_REGION = "us-east-1"
CATALOG_NAME = "cmetrics.toml"
NIGHTLY = "nightly.yml"

_ON, _OFF = {"on", "true", "yes", "1"}, {"off", "false", "no", "0"}
#: What a header may hold (RFC 9110, 5.5) without what is obsolete.
_SENDABLE = re.compile(r"[\x20-\x7e]+")


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
    api_key: SecretStr | None = None
    host_override: str | None = None
    region: str = DEFAULT_REGION
    #: Options of an object store that the environment does not hold; some are secret.
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Folder of the lock of a remote store; None where this user has no folder of its own.
    locks: Path | None = None

    @property
    def label(self) -> str:
        """How to name the place in output: without user, password and query."""
        where = f"{self.uri} at {self.host_override}" if self.host_override else self.uri
        # A folder may have a question mark in its name; only an address has a query.
        shown = re.sub(r"(?<=://)([^?\s]*)\?\S*", r"\1", where)
        return sanitize(f"{shown} ({self.kind.value})")


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy for one scheme, and the variable that names it."""

    scheme: str
    variable: str
    url: SecretStr


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """How the services are reached: proxies and certificates, as the usual variables say."""

    proxies: tuple[Proxy, ...] = ()
    no_proxy: str = ""
    cert_file: str | None = None
    cert_dir: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the environment decides, read once per process."""

    store: StoreTarget
    #: None means the catalogue that comes with the package.
    catalog: Path | None
    github_token: SecretStr | None = None
    #: What a long backfill has read and would read again; None stores nothing.
    cache: Path | None = None
    #: Where the site is published, as it was written; None leaves it to the catalogue.
    site_url: str | None = None
    #: ``owner/name`` of the repository that runs this, which GitHub Actions sets.
    repository: str | None = None
    #: The file name of the workflow that runs this every night.
    workflow: str = NIGHTLY
    #: Whether `alert` may open issues there.
    alerts: bool = True
    #: Gets the summary of every run; whoever knows it can write there.
    webhook: SecretStr | None = None
    network: NetworkSettings = NetworkSettings()
    #: Variables that have no effect, each with the next step. Whoever loads the settings shows them.
    warnings: tuple[str, ...] = ()


def load_settings(*, db: str | None = None, config: Path | None = None, directory: Path | None = None) -> Settings:
    """Return the settings of this process: options first, then the environment, then ``.env``.

    Secrets are registered and never shown from then on. Raises UsageError, naming the variable, for a
    half-configured or impossible store and for a catalogue that does not exist.
    """
    here = directory or _working_directory()
    loaded = load_environment(here)
    return _settings(
        loaded,
        store=resolve_store(db, loaded.variables, loaded.store_options),
        catalog=_catalog_path(config, loaded.variables, here),
    )


def load_report_settings(directory: Path | None = None) -> Settings:
    """Return what is needed to report that a command could not start: token, repository, webhook, network.

    Store and catalogue are left at their defaults, because it is they that may be wrong. Raises UsageError
    for the other variables.
    """
    loaded = load_environment(directory or _working_directory())
    return _settings(loaded, store=StoreTarget(StoreKind.EMBEDDED, EMBEDDED_DEFAULT), catalog=None)


def _settings(loaded: Loaded, *, store: StoreTarget, catalog: Path | None) -> Settings:
    env = loaded.variables
    token, warnings = _sendable_token(env.github_token)
    return Settings(
        store=store,
        catalog=catalog,
        github_token=token,
        cache=cache_folder(env.cmetrics_cache),
        site_url=env.cmetrics_site_url,
        repository=env.github_repository,
        workflow=_workflow(env.github_workflow_ref or ""),
        alerts=_switch("CMETRICS_ALERTS", env.cmetrics_alerts or "on"),
        webhook=env.cmetrics_webhook_url,
        network=_network(env),
        warnings=(*warnings, *loaded.warnings),
    )


def _sendable_token(token: SecretStr | None) -> tuple[SecretStr | None, tuple[str, ...]]:
    """Return the token, or a warning in its place: stars are public, and a run goes on without it."""
    if token is None or _SENDABLE.fullmatch(token.get_secret_value()):
        return token, ()
    warning = (
        "GITHUB_TOKEN is not used: it holds a line break or another character that a token cannot have. "
        "Copy it again without what is around it"
    )
    return None, (warning,)


def _network(env: Environment) -> NetworkSettings:
    named = (("https", env.https_proxy), ("http", env.http_proxy), ("all", env.all_proxy))
    proxies = tuple(Proxy(scheme, f"{scheme.upper()}_PROXY", url) for scheme, url in named if url)
    no_proxy = env.no_proxy or ""
    if not proxies and sys.platform in {"darwin", "win32"}:
        from urllib.request import getproxies  # the system's settings, where nobody set a variable

        system = getproxies()
        proxies = tuple(
            Proxy(scheme, "the proxy in the system settings", SecretStr(url))
            for scheme in ("https", "http", "all")
            if (url := system.get(scheme))
        )
        no_proxy = no_proxy or system.get("no", "")
    return NetworkSettings(proxies, no_proxy, env.ssl_cert_file, env.ssl_cert_dir)


def _workflow(ref: str) -> str:
    """Return the file name in a workflow reference, ``owner/name/.github/workflows/nightly.yml@refs/heads/main``."""
    name = ref.partition("@")[0].rpartition("/")[2]
    return name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*\.ya?ml", name) else NIGHTLY


def _switch(name: str, text: str) -> bool:
    """Parse a switch, on or off. Raises UsageError for any other word."""
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
    """Return ``CMETRICS_CACHE``, or the user's cache folder on this platform; None where there is none."""
    try:
        if chosen:
            return Path(chosen).expanduser()
        # It does not read a relative XDG_CACHE_HOME, as the standard wants, and where there is no home
        # folder (a container's user without an entry) leaves the tilde.
        folder = user_cache_path("cmetrics", appauthor=False)
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None


def resolve_store(db: str | None, env: Environment, options: Mapping[str, str] | None = None) -> StoreTarget:
    """Return the first of: ``--db`` or ``CMETRICS_DB``, the Enterprise variables, the embedded folder.

    ``options`` are handed to an object store. Raises UsageError, naming the variable.
    """
    chosen = db or env.cmetrics_db
    cache = cache_folder(env.cmetrics_cache)
    locks = cache / "locks" if cache else None
    for address in (chosen, env.lancedb_host_override):
        if address and "://" in address:
            register_url_credentials(address)
    if chosen and not chosen.startswith("db://"):
        if "://" in chosen:
            return StoreTarget(StoreKind.OBJECT_STORE, chosen, options=options or {}, locks=locks)
        try:
            return StoreTarget(StoreKind.EMBEDDED, str(Path(chosen).expanduser()))
        except RuntimeError as error:
            msg = f"{'--db' if db else 'CMETRICS_DB'} {sanitize(chosen, limit=80)}: {sanitize(str(error))}"
            raise UsageError(msg) from error
    key, host = env.lancedb_api_key, env.lancedb_host_override
    if not chosen and not key and not host:
        return StoreTarget(StoreKind.EMBEDDED, EMBEDDED_DEFAULT)
    if not key or not host:
        absent = "LANCEDB_HOST_OVERRIDE" if key else "LANCEDB_API_KEY"
        why = f"{sanitize(chosen, limit=80)} is on LanceDB Enterprise" if chosen else "the other one is set"
        msg = (
            f"{absent} is not set, but {why}. Set LANCEDB_API_KEY and LANCEDB_HOST_OVERRIDE, "
            "or neither of them and --db for a folder"
        )
        raise UsageError(msg)
    if not _SENDABLE.fullmatch(key.get_secret_value()):
        msg = (
            "LANCEDB_API_KEY holds a line break or another character that a key cannot have. "
            "Copy it again without what is around it"
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
        region=env.lancedb_region or DEFAULT_REGION,
        locks=locks,
    )


def _is_absolute_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        if not _SENDABLE.fullmatch(text):
            return False
        # Reading the port checks that it is one.
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_file(path: Path) -> bool:
    """Return whether the file exists; False for a name that no file can have."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Return whether the folder exists; False for a name that no folder can have."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _catalog_path(config: Path | None, env: Environment, here: Path) -> Path | None:
    named = config or (Path(env.cmetrics_config) if env.cmetrics_config else None)
    if named is None:
        local = here / CATALOG_NAME
        return local if local.is_file() else None
    if not is_file(named):
        who = "--config" if config else "CMETRICS_CONFIG"
        msg = f"{who}: there is no file {sanitize(str(named))}"
        raise UsageError(msg)
    return named
