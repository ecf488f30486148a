"""A world with the packages and the repository in the examples of the documentation."""

from __future__ import annotations

from tests.world.truth import DAY, Repository, World, wave


def example_world() -> World:
    """Return a young world that also has the packages and the repository of the examples."""
    world = World.young()
    first, last = world.today - 200 * DAY, world.today
    for mirrors in (True, False):
        world.pypi["example", mirrors] = wave(500, 41, first, last)
    world.crates["example"] = wave(300, 42, first, last)
    world.npm["@example/client"] = wave(800, 43, first, last)
    world.repositories["example/example"] = Repository("example/example", 700_100, first, wave(2, 44, first, last))
    world.limits = False
    return world
