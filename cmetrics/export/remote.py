"""The address of a repository, and what git needs to reach it: credentials, time limits, no questions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from cmetrics.domain.errors import UsageError
from cmetrics.domain.redaction import register_url_credentials

#: The environment variables that hand user and password to `_HELPER`; its words are seen by everybody
#: who may list processes, its environment is not.
_USER, _PASSWORD = "CMETRICS_GIT_USER", "CMETRICS_GIT_PASSWORD"
_HELPER = f"""!f() {{ test "$1" = get && printf 'username=%s\\npassword=%s\\n' "${_USER}" "${_PASSWORD}"; }}; f"""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds after which a git command is given up."""

    #: Nothing arrives. A remote that has to answer one small question is given up then, too.
    silence: int = 60
    #: A whole command: the clone of a branch of ten years over a slow line.
    total: int = 600


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a repository is. Credentials of an http(s) address are used, and never stored on disk."""

    #: Without credentials.
    address: str
    user: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, text: str) -> Remote:
        """Read what follows `--remote`: an address or a folder. Raises UsageError."""
        if Path(text).is_dir():
            return cls(str(Path(text).absolute()))  # git runs in the clone
        if not text.lower().startswith(("http://", "https://")):
            return cls(text)
        register_url_credentials(text)
        try:
            parts = urlsplit(text)
        except ValueError:
            msg = "--remote is not an address that git takes"
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
        """Settings of git for this remote; no other helper is asked, or gets to store the password."""
        return () if self.user is None else ("credential.helper=", f"credential.helper={_HELPER}")

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables of git for this remote."""
        return {} if self.user is None else {_USER: self.user, _PASSWORD: self.password or ""}


def ssh_environment(limits: TimeLimits, configured: str | None) -> Mapping[str, str]:
    """Return variables by which ssh gives up on a silent host, unless somebody has chosen the command."""
    if configured or {"GIT_SSH", "GIT_SSH_COMMAND"} & os.environ.keys():
        return {}
    probe = max(1, limits.silence // 4)
    options = f"-o ConnectTimeout={limits.silence} -o ServerAliveInterval={probe} -o ServerAliveCountMax=4"
    return {"GIT_SSH_COMMAND": f"ssh {options}"}
