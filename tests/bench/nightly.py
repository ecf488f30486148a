"""The cost of a nightly run and of a recomputation, with near and distant services."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench.clock import ProcessUsage, command
from tests.bench.figures import Figure
from tests.world.services import Services
from tests.world.truth import World

#: The round-trip times to services in seconds: none, and a typical one over a long distance.
LATENCIES = (0.0, 0.06)


def measure(folder: Path) -> Iterator[Figure]:
    """Measure the default catalogue in the simulated world, with the real pace for each service."""
    for latency in LATENCIES:
        yield from _measure(folder / f"{latency}", latency)


def _measure(folder: Path, latency: float) -> Iterator[Figure]:
    folder.mkdir(parents=True)
    world = World.default()
    with Services(world, folder) as services:
        services.latency = latency
        far = f"7 metrics, service latency {latency * 1e3:.0f} ms"

        def done(*args: str) -> tuple[ProcessUsage, str]:
            before = len(services.requests), services.connections
            taken = command(*args, folder=folder, env=services.env())
            requests, connections = len(services.requests) - before[0], services.connections - before[1]
            return taken, f"{requests} requests, {connections} connections"

        usual = dict(world.lag)
        # The night before: the last day has not been published yet.
        world.lag = {host: days + 1 for host, days in usual.items()}
        for what, args in (
            ("first refresh", ("refresh",)),
            ("refresh on the next night", ("refresh",)),
            ("backfill of 90 days", ("backfill", "--lookback-days", "90")),
        ):
            taken, details = done(*args)
            yield Figure(what, far, taken.seconds, memory=taken.memory, details=details)
            world.lag = usual
