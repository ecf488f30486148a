"""The address of a git remote, with credentials and time limits for git."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from cmetrics.domain.errors import UsageError
from cmetrics.domain.redaction import register_url_credentials

#: Environment variables that pass user and password to `_HELPER`. Unlike its arguments, they are not
#: visible in the process list.
_USER, _PASSWORD = "CMETRICS_GIT_USER", "CMETRICS_GIT_PASSWORD"
_HELPER = f"""!f() {{ test "$1" = get && printf 'username=%s\\npassword=%s\\n' "${_USER}" "${_PASSWORD}"; }}; f"""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Time limits of git commands in seconds."""

    #: The maximum time without data, also used for small requests as a whole.
    silence: int = 60
    #: The maximum time of a command, enough to clone a branch with ten years of data over a slow connection.
    total: int = 600


@dataclass(frozen=True, slots=True)
class Remote:
    """The address of a repository. Credentials of an http(s) URL are used, but never stored on disk."""

    #: Without credentials.
    address: str
    user: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, text: str) -> Remote:
        """Parse the value of `--remote`: a URL or a folder. Raises UsageError."""
        if Path(text).is_dir():
            return cls(str(Path(text).absolute()))  # Absolute, because git runs in the clone.
        if not text.lower().startswith(("http://", "https://")):
            return cls(text)
        register_url_credentials(text)
        try:
            parts = urlsplit(text)
        except ValueError:
            msg = "--remote is not an address that git accepts"
            raise UsageError(msg, hint="percent-encode special characters of the password") from None
        userinfo, at, host = parts.netloc.rpartition("@")
        if not at:
            return cls(text)
        user, _, password = userinfo.partition(":")
        user, password = unquote(user), unquote(password)
        if not (user + password).isprintable():
            msg = "--remote has a user or password with a line break or another control character"
            raise UsageError(msg)
        return cls(urlunsplit(parts._replace(netloc=host)), user, password)

    @property
    def options(self) -> tuple[str, ...]:
        """Git settings for this remote. No other credential helper is used, so none can store the password."""
        return () if self.user is None else ("credential.helper=", f"credential.helper={_HELPER}")

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment variables of git for this remote."""
        return {} if self.user is None else {_USER: self.user, _PASSWORD: self.password or ""}


def ssh_environment(limits: TimeLimits, configured: str | None) -> Mapping[str, str]:
    """Return variables that make ssh time out on a silent host, unless the user has set the command."""
    if configured or {"GIT_SSH", "GIT_SSH_COMMAND"} & os.environ.keys():
        return {}
    probe = max(1, limits.silence // 4)
    options = f"-o ConnectTimeout={limits.silence} -o ServerAliveInterval={probe} -o ServerAliveCountMax=4"
    return {"GIT_SSH_COMMAND": f"ssh {options}"}
