"""The notice of a catalogue, such as "Sample data", which marks everything published."""

from __future__ import annotations


def mark(text: str, notice: str) -> str:
    """Return ``text`` after the notice if there is one."""
    return f"{notice} · {text}" if notice else text
