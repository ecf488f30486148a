"""Validate the structure of responses before any value is read from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from cmetrics.domain.days import parse_day
from cmetrics.domain.errors import InvalidResponse
from cmetrics.domain.sanitize import sanitize

#: All npm packages together have fewer than 10^11 downloads a day; a larger count is an error.
LARGEST_COUNT = 10**13

_HTML = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml")

Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]


def _without_fraction(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


#: A count that a service writes as a number with a decimal point: ``11966368.0``.
WholeCount = Annotated[Count, BeforeValidator(_without_fraction)]


def _day_text(value: object) -> object:
    """Remove the time: crates.io once sent ``2017-02-10T00:00:00Z`` instead of ``2017-02-10``."""
    return value[:10] if isinstance(value, str) and value[10:] in ("", "T00:00:00Z") else value


def _iso_day(value: object) -> date:
    try:
        return parse_day(value) if isinstance(value, str) else parse_day("")
    except ValueError:
        msg = "expected a date in the form YYYY-MM-DD"
        raise ValueError(msg) from None


Day = Annotated[date, BeforeValidator(_iso_day), BeforeValidator(_day_text)]


class Shape(BaseModel):
    """A JSON object of a service. Unknown fields are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


T = TypeVar("T")


def parse(adapter: TypeAdapter[T], body: bytes, where: str) -> T:
    """Parse ``body`` into the documented structure. Raises InvalidResponse naming ``where`` and the field."""
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        if not body.strip():
            msg = f"{where} sent an empty response"
            raise InvalidResponse(msg) from None
        if body.lstrip()[:9].lower().startswith(_HTML):
            msg = f"{where} sent an HTML page instead of JSON"
            raise InvalidResponse(msg) from None
        first = error.errors(include_url=False, include_input=False)[0]
        place = sanitize(".".join(str(part) for part in first["loc"]), limit=80)
        reason = sanitize(first["msg"], limit=120)
        msg = f"{where} sent an unexpected response ({f'{place}: ' if place else ''}{reason})"
        raise InvalidResponse(msg) from None


def by_day(rows: Iterable[tuple[date, int]], where: str) -> dict[date, int]:
    """Return the rows as a mapping in ascending order. Raises InvalidResponse for a duplicate day."""
    found: dict[date, int] = {}
    for day, value in rows:
        if day in found:
            msg = f"{where} lists {day} twice"
            raise InvalidResponse(msg)
        found[day] = value
    return dict(sorted(found.items()))
