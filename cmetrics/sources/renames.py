"""Renamed repositories: a repository keeps its number when its name changes. Pure."""

from __future__ import annotations

from cmetrics.sources.base import FetchRequest


def rename_warnings(request: FetchRequest, name: str, number: int | None) -> tuple[str, ...]:
    """Return a warning with the line to write in cmetrics.toml, once.

    A newest row that carries the new name means that an earlier run has reported it.
    """
    subject, stored = request.metric.subject, request.repository.repository if request.repository else ""
    if name.lower() in (subject.lower(), stored.lower()):
        return ()
    where = f"{request.metric.metric_id}: {subject} is now {name} (repository id {number})"
    return (f'{where}; write subject = "{name}" in cmetrics.toml',)


def other_known_repository(request: FetchRequest, number: int | None) -> int | None:
    """Return the number of the repository counted so far where ``number`` is another one, else None.

    GitHub releases a name for others when its repository has been renamed.
    """
    known = request.repository.number if request.repository else None
    return None if known is None or number is None or number == known else known


def name_taken_over(request: FetchRequest, number: int | None, known: int, name: str | None) -> str:
    """Return the error for a name that leads to another repository; ``name`` is the known one's current name."""
    where = f"api.github.com, {request.metric.subject} is another repository (id {number}) than the one counted so far"
    if name is None:
        return f"{where} (id {known}), which is gone; give the new one a metric of its own in cmetrics.toml"
    return f'{where} (id {known}), which is now {name}; write subject = "{name}" in cmetrics.toml'
