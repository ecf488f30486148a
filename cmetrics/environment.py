"""Read the variables of cmetrics from the environment, or else from ``.env``."""

from __future__ import annotations

import difflib
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from cmetrics.domain.errors import UsageError
from cmetrics.domain.redaction import register_secret, register_url_credentials
from cmetrics.domain.sanitize import sanitize

DOTENV = ".env"
PREFIX = "CMETRICS_"
#: Set by the action for its own steps.
_FOREIGN = ("CMETRICS_SOURCE",)
#: Variables that object stores accept as options, with the name in lower case.
STORE_VARIABLE = re.compile(r"(?:AWS|GOOGLE|AZURE)_[A-Z0-9_]+")
#: Variables read only by cloud libraries, from the process environment.
_ENVIRONMENT_ONLY = ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ROLE_ARN")
#: Secret variables of other programs, which may occur in an error message.
_SECRET_VARIABLE = re.compile(
    r"(?:AWS|GOOGLE|AZURE)_\w*(?:KEY|SECRET|TOKEN|SAS|PASSWORD)\w*|(?:GH|GITHUB|GITLAB|NPM|NODE_AUTH|ACTIONS_\w+)_TOKEN"
)
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


def _either(name: str) -> AliasChoices:
    # Lower case first, as in curl and urllib, because some servers set HTTP_PROXY from a request header.
    return AliasChoices(name.lower(), name)


class Environment(BaseSettings):
    """All documented variables; None if unset or empty."""

    model_config = SettingsConfigDict(
        case_sensitive=True, extra="ignore", env_ignore_empty=True, env_file_encoding="utf-8-sig", frozen=True
    )

    lancedb_api_key: SecretStr | None = Field(None, alias="LANCEDB_API_KEY")
    lancedb_host_override: str | None = Field(None, alias="LANCEDB_HOST_OVERRIDE")
    lancedb_region: str | None = Field(None, alias="LANCEDB_REGION")
    github_token: SecretStr | None = Field(None, alias="GITHUB_TOKEN")
    cmetrics_traffic_token: SecretStr | None = Field(None, alias="CMETRICS_TRAFFIC_TOKEN")
    github_repository: str | None = Field(None, alias="GITHUB_REPOSITORY")
    #: Set by GitHub Actions: ``owner/name/.github/workflows/nightly.yml@refs/heads/main``.
    github_workflow_ref: str | None = Field(None, alias="GITHUB_WORKFLOW_REF")
    cmetrics_db: str | None = Field(None, alias="CMETRICS_DB")
    cmetrics_config: str | None = Field(None, alias="CMETRICS_CONFIG")
    cmetrics_cache: str | None = Field(None, alias="CMETRICS_CACHE")
    cmetrics_site_url: str | None = Field(None, alias="CMETRICS_SITE_URL")
    cmetrics_alerts: str | None = Field(None, alias="CMETRICS_ALERTS")
    cmetrics_webhook_url: SecretStr | None = Field(None, alias="CMETRICS_WEBHOOK_URL")
    https_proxy: SecretStr | None = Field(None, validation_alias=_either("HTTPS_PROXY"))
    http_proxy: SecretStr | None = Field(None, validation_alias=_either("HTTP_PROXY"))
    all_proxy: SecretStr | None = Field(None, validation_alias=_either("ALL_PROXY"))
    no_proxy: str | None = Field(None, validation_alias=_either("NO_PROXY"))
    ssl_cert_file: str | None = Field(None, alias="SSL_CERT_FILE")
    ssl_cert_dir: str | None = Field(None, alias="SSL_CERT_DIR")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources in order of precedence. They strip values."""
        assert isinstance(dotenv_settings, DotEnvSettingsSource)  # The declared type is wider than the actual one.
        return init_settings, _Process(settings_cls), _File(settings_cls, env_file=dotenv_settings.env_file)


class _Process(EnvSettingsSource):
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the stripped value; None if it is empty."""
        value, key, is_complex = super().get_field_value(field, field_name)
        return (value or "").strip() or None, key, is_complex


class _File(DotEnvSettingsSource):
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the stripped value; None if it is empty."""
        value, key, is_complex = super().get_field_value(field, field_name)
        return (value or "").strip() or None, key, is_complex

    def __call__(self) -> dict[str, Any]:
        """Return only documented variables. The file may also contain variables of other programs."""
        return EnvSettingsSource.__call__(self)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The variables, with warnings about their origin."""

    variables: Environment
    #: Object store variables such as ``AWS_*`` that are set in ``.env`` only, by their option names.
    store_options: Mapping[str, str]
    warnings: tuple[str, ...]


def load_environment(directory: Path) -> Loaded:
    """Read the variables of this process and of ``.env`` in ``directory``.

    The environment is not changed. Secret values are registered. Raises UsageError if the file cannot be
    read.
    """
    path = directory / DOTENV
    lines: dict[str, int] = {}
    in_file: dict[str, str] = {}
    warnings: list[str] = []
    if path.is_file():
        try:
            lines, in_file, warnings = _read_file(path)
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{path}: cannot be read ({sanitize(str(error))})"
            raise UsageError(msg) from error
    # Register both: the environment takes precedence, but the values in the file are secrets too.
    for values in (in_file, os.environ):
        _register(values)
    with _quiet_dotenv():
        variables = Environment(_env_file=path if in_file else None)
    options = {
        name.lower(): value
        for name, value in in_file.items()
        if STORE_VARIABLE.fullmatch(name) and name not in _ENVIRONMENT_ONLY and not os.environ.get(name)
    }
    warnings += [
        f"{name} in {DOTENV} has no effect: set it in the process environment"
        for name in _ENVIRONMENT_ONLY
        if name in in_file and not os.environ.get(name)
    ]
    warnings += _unknown(in_file, lines, DOTENV)
    warnings += _unknown(os.environ, {}, "the environment")
    return Loaded(variables, options, tuple(warnings))


def known_variables() -> tuple[str, ...]:
    """Return the names of all documented variables, in upper case."""
    names = []
    for field in Environment.model_fields.values():
        alias = field.validation_alias
        names.append(str(alias.choices[-1]) if isinstance(alias, AliasChoices) else str(alias))
    return tuple(names)


def _read_file(path: Path) -> tuple[dict[str, int], dict[str, str], list[str]]:
    """Return the line number of each name, the values, and a warning for each invalid line."""
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    with path.open(encoding="utf-8-sig") as file:
        bindings = list(parse_stream(file))
    lines = {binding.key: binding.original.line for binding in bindings if binding.key}
    broken = [
        f"{DOTENV}, line {_first_line(binding.original.string, binding.original.line)}: ignored, because it "
        "is not of the form `NAME=value`. Check the quotes"
        for binding in bindings
        if binding.error
    ]
    with _quiet_dotenv():
        values = dotenv_values(path, encoding="utf-8-sig")
    return lines, {name: value.strip() for name, value in values.items() if value and value.strip()}, broken


def _first_line(text: str, line: int) -> int:
    """Return the line number of a statement. The parser's number is that of preceding blank lines."""
    return line + text[: len(text) - len(text.lstrip())].count("\n")


def _register(values: Mapping[str, str]) -> None:
    for name, field in Environment.model_fields.items():
        for variable in (name.upper(), name):
            value = values.get(variable, "").strip()
            if field.annotation == SecretStr | None and name.upper() not in _PROXIES:
                register_secret(value)
    for name, value in values.items():
        if name.upper() in _PROXIES:
            register_url_credentials(value.strip())
        elif _SECRET_VARIABLE.fullmatch(name):
            register_secret(value.strip())


def _unknown(values: Mapping[str, str], lines: Mapping[str, int], where: str) -> Iterator[str]:
    """Return a warning for each unknown variable with the prefix of cmetrics, to reveal typing mistakes."""
    ours = [name for name in known_variables() if name.startswith(PREFIX)]
    for name in values:
        if not name.startswith(PREFIX) or name in ours or name in _FOREIGN:
            continue
        line = f", line {lines[name]}" if name in lines else ""
        near = difflib.get_close_matches(name, ours, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the variables are {', '.join(ours)}"
        yield f"{sanitize(name, limit=60)} in {where}{line} is not a known variable; {hint}"


@contextmanager
def _quiet_dotenv() -> Iterator[None]:
    """Prevent python-dotenv from logging invalid lines in its own format, without the file name."""
    logger = logging.getLogger("dotenv.main")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = was_disabled
