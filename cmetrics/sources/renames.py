"""Detect renamed subjects, whose id does not change with their name. Pure."""

from __future__ import annotations

from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.base import FetchRequest


def rename_warnings(request: FetchRequest, name: str, number: int | None) -> tuple[str, ...]:
    """Return a warning with the line to write in cmetrics.toml. Each rename is reported once.

    If the newest row has the new name, an earlier run has already reported it.
    """
    subject, stored = request.metric.subject, request.repository.repository if request.repository else ""
    if name.lower() in (subject.lower(), stored.lower()):
        return ()
    where = f"{request.metric.metric_id}: {subject} is now {name} (repository id {number})"
    return (f'{where}; write subject = "{name}" in cmetrics.toml',)


def other_known_repository(request: FetchRequest, number: int | None) -> int | None:
    """Return the stored id of the repository if it differs from ``number``, else None.

    After a rename, GitHub lets others use the old name.
    """
    known = request.repository.number if request.repository else None
    return None if known is None or number is None or number == known else known


def name_taken_over(request: FetchRequest, number: int | None, known: int, name: str | None) -> str:
    """Return the error message for a name that now belongs to another repository.

    ``name`` is the current name of the repository with the id ``known``; None if it no longer exists.
    """
    subject = request.metric.subject
    where = f"api.github.com, {subject} is a different repository (id {number}) from the one counted so far"
    if name is None:
        return f"{where} (id {known}), which no longer exists; add a separate metric for the new one to cmetrics.toml"
    return f'{where} (id {known}), which is now {name}; write subject = "{name}" in cmetrics.toml'


def check_current_name(request: FetchRequest, name: str, identity: str | None) -> tuple[str, ...]:
    """Return the warnings for a counted subject that is now called ``name`` and has the id ``identity``.

    A rename and a subject that was deleted and created again are each reported once. Raises
    InvalidResponse if the subject was renamed and its old name now belongs to another one.
    """
    metric, known = request.metric, request.known
    stored = known.subject if known else metric.subject
    if known and known.identity and identity and known.identity != identity:
        if stored.lower() != name.lower():
            msg = (
                f"{metric.source}, {metric.subject} is a different one (id {identity}) from the one counted so far "
                f'(id {known.identity}), which is now {stored}; write subject = "{stored}" in cmetrics.toml'
            )
            raise InvalidResponse(msg, service=metric.source)
        return (f"{metric.metric_id}: {name} was deleted and created again; its count restarts",)
    if name.lower() in (metric.subject.lower(), stored.lower()):
        return ()
    return (f'{metric.metric_id}: {metric.subject} is now {name}; write subject = "{name}" in cmetrics.toml',)
