from __future__ import annotations

from pathlib import Path

import pytest

from tests.world.nights import Nights
from tests.world.services import Services
from tests.world.truth import World


@pytest.fixture
def nights(world: World, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """Return nights whose refreshes run in this process, with the time of the world and without pauses."""
    for name, value in services.env().items():
        monkeypatch.setenv(name, value)
    for name in ("GITHUB_TOKEN", "http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return Nights(world, services, tmp_path)
