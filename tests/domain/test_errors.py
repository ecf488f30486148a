"""Errors have attributes, from which their text is built; the text is never parsed."""

from __future__ import annotations

import pytest

from cmetrics.domain.errors import AccessRefused, CmetricsError, ConfigError, SourceError


def test_hint_follows_message():
    """The text of an error is its message and the hint."""
    error = ConfigError("cmetrics.toml: title is missing", hint="add one")
    assert (error.message, error.hint) == ("cmetrics.toml: title is missing", "add one")
    assert str(error) == "cmetrics.toml: title is missing; add one"


def test_message_alone():
    """Without a hint, the text is the message."""
    assert str(CmetricsError("the disk is full")) == "the disk is full"


def test_source_error_attributes():
    """An error of a service has service, status and metric as attributes."""
    error = AccessRefused("refused", service="api.github.com", status=401, metric_id="stars:x:github")
    assert (error.service, error.status, error.metric_id, error.hint) == ("api.github.com", 401, "stars:x:github", None)
    with pytest.raises(SourceError, match=r"^refused$"):
        raise error
