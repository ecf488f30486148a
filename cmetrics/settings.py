"""Settings from command-line options, the environment and ``.env``: store, catalogue, secrets."""

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
#: The characters allowed in a header value (RFC 9110, 5.5), without obsolete ones.
_SENDABLE = re.compile(r"[\x20-\x7e]+")


class StoreKind(Enum):
    """The kind of a store. All kinds use the same code."""

    EMBEDDED = "embedded"
    OBJECT_STORE = "object store"
    ENTERPRISE = "LanceDB Enterprise"


@dataclass(frozen=True, slots=True)
class StoreTarget:
    """The location of a store."""

    kind: StoreKind
    uri: str
    api_key: SecretStr | None = None
    host_override: str | None = None
    region: str = DEFAULT_REGION
    #: Options of an object store that are set in `.env` only; some are secret.
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: The folder for the lock of a remote store; None if the user has no cache folder.
    locks: Path | None = None

    @property
    def label(self) -> str:
        """The location for output, without user, password and query."""
        where = f"{self.uri} at {self.host_override}" if self.host_override else self.uri
        # Only a URL has a query; the name of a folder may contain a question mark.
        shown = re.sub(r"(?<=://)([^?\s]*)\?\S*", r"\1", where)
        return sanitize(f"{shown} ({self.kind.value})")


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy for one scheme, with the variable that set it."""

    scheme: str
    variable: str
    url: SecretStr


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """Proxies and certificates, from the usual variables."""

    proxies: tuple[Proxy, ...] = ()
    no_proxy: str = ""
    cert_file: str | None = None
    cert_dir: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, read once per process."""

    store: StoreTarget
    #: None for the built-in catalogue.
    catalog: Path | None
    github_token: SecretStr | None = None
    #: A token with push access to the repositories whose traffic is collected.
    traffic_token: SecretStr | None = None
    #: Folder for archive files read by a long backfill; None disables the cache.
    cache: Path | None = None
    #: The published address of the site, as written; None to use that of the catalogue.
    site_url: str | None = None
    #: ``owner/name`` of the repository that runs the workflow, set by GitHub Actions.
    repository: str | None = None
    #: The file name of the nightly workflow.
    workflow: str = NIGHTLY
    #: Whether `alert` may open issues in that repository.
    alerts: bool = True
    #: The URL that receives the summary of every run. A secret, because it allows anyone to post there.
    webhook: SecretStr | None = None
    network: NetworkSettings = NetworkSettings()
    #: Warnings about ignored variables, with the next step. The caller prints them.
    warnings: tuple[str, ...] = ()

    def token(self, variable: str) -> SecretStr | None:
        """Return the token in ``variable``, one that a source names."""
        return {"GITHUB_TOKEN": self.github_token, "CMETRICS_TRAFFIC_TOKEN": self.traffic_token}.get(variable)


def load_settings(*, db: str | None = None, config: Path | None = None, directory: Path | None = None) -> Settings:
    """Return the settings: options take precedence over the environment, the environment over ``.env``.

    Registers all secrets. Raises UsageError, naming the variable, for an incomplete or invalid store and for
    a catalogue that does not exist.
    """
    here = directory or _working_directory()
    loaded = load_environment(here)
    return _settings(
        loaded,
        store=resolve_store(db, loaded.variables, loaded.store_options),
        catalog=_catalog_path(config, loaded.variables, here),
    )


def load_report_settings(directory: Path | None = None) -> Settings:
    """Return the settings needed to report that a command could not start: token, repository, webhook, network.

    Store and catalogue have their defaults, because their variables may be the cause. Raises UsageError for
    the other variables.
    """
    loaded = load_environment(directory or _working_directory())
    return _settings(loaded, store=StoreTarget(StoreKind.EMBEDDED, EMBEDDED_DEFAULT), catalog=None)


def _settings(loaded: Loaded, *, store: StoreTarget, catalog: Path | None) -> Settings:
    env = loaded.variables
    token, warnings = _sendable_token("GITHUB_TOKEN", env.github_token)
    traffic_token, traffic_warnings = _sendable_token("CMETRICS_TRAFFIC_TOKEN", env.cmetrics_traffic_token)
    return Settings(
        store=store,
        catalog=catalog,
        github_token=token,
        traffic_token=traffic_token,
        cache=cache_folder(env.cmetrics_cache),
        site_url=env.cmetrics_site_url,
        repository=env.github_repository,
        workflow=_workflow(env.github_workflow_ref or ""),
        alerts=_switch("CMETRICS_ALERTS", env.cmetrics_alerts or "on"),
        webhook=env.cmetrics_webhook_url,
        network=_network(env),
        warnings=(*warnings, *traffic_warnings, *loaded.warnings),
    )


def _sendable_token(variable: str, token: SecretStr | None) -> tuple[SecretStr | None, tuple[str, ...]]:
    """Return the token, or a warning if it is invalid. Stars are public, so a run continues without it."""
    if token is None or _SENDABLE.fullmatch(token.get_secret_value()):
        return token, ()
    warning = (
        f"{variable} is ignored: it contains a line break or another invalid character. "
        "Copy it again without surrounding characters"
    )
    return None, (warning,)


def _network(env: Environment) -> NetworkSettings:
    named = (("https", env.https_proxy), ("http", env.http_proxy), ("all", env.all_proxy))
    proxies = tuple(Proxy(scheme, f"{scheme.upper()}_PROXY", url) for scheme, url in named if url)
    no_proxy = env.no_proxy or ""
    if not proxies and sys.platform in {"darwin", "win32"}:
        from urllib.request import getproxies  # The system settings apply if no variable is set.

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
        msg = f"{name} is {sanitize(text, limit=40)!r}; use on or off"
        raise UsageError(msg)
    return word in _ON


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        msg = f"the working directory cannot be accessed ({sanitize(str(error))}); change to another one"
        raise UsageError(msg) from error


def cache_folder(chosen: str | None) -> Path | None:
    """Return ``CMETRICS_CACHE``, or the user's cache folder on this platform; None if there is none."""
    try:
        if chosen:
            return Path(chosen).expanduser()
        # platformdirs does not ignore a relative XDG_CACHE_HOME, as the standard requires, and returns a path with
        # a tilde if there is no home folder (a container user without a passwd entry).
        folder = user_cache_path("cmetrics", appauthor=False)
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None


def resolve_store(db: str | None, env: Environment, options: Mapping[str, str] | None = None) -> StoreTarget:
    """Return the first that is set: ``--db`` or ``CMETRICS_DB``, the Enterprise variables, the embedded folder.

    ``options`` are passed to an object store. Raises UsageError, naming the variable.
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
            f"{absent} is not set, but {why}. Set both LANCEDB_API_KEY and "
            "LANCEDB_HOST_OVERRIDE, or neither, and use --db for a folder"
        )
        raise UsageError(msg)
    if not _SENDABLE.fullmatch(key.get_secret_value()):
        msg = (
            "LANCEDB_API_KEY contains a line break or another invalid character. "
            "Copy it again without surrounding characters"
        )
        raise UsageError(msg)
    if not _is_absolute_url(host):
        msg = (
            f"LANCEDB_HOST_OVERRIDE is {sanitize(host, limit=80)!r}, which is not an absolute "
            "http(s) URL. Use the form https://cluster.example.com"
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
        # Accessing the port validates it.
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_file(path: Path) -> bool:
    """Return whether the file exists; False for an invalid file name."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Return whether the folder exists; False for an invalid name."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _catalog_path(config: Path | None, env: Environment, here: Path) -> Path | None:
    named = config or (Path(env.cmetrics_config) if env.cmetrics_config else None)
    if named is None:
        local = here / CATALOG_NAME
        if not is_file(local) and (is_folder(local) or local.is_symlink()):
            what = "a folder" if is_folder(local) else "a link to a file that does not exist"
            msg = f"{CATALOG_NAME} is {what}, not a catalogue"
            raise UsageError(msg, hint="remove it, or name another file with --config")
        return local if is_file(local) else None
    if not is_file(named):
        who = "--config" if config else "CMETRICS_CONFIG"
        msg = (
            f"{who}: {'this is a folder, not a file' if is_folder(named) else 'file not found'}: {sanitize(str(named))}"
        )
        raise UsageError(msg)
    return named
