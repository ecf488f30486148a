"""Licences of published data."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class License:
    """The licence under which the owner of a catalogue publishes its data."""

    #: The SPDX identifier; None for a licence that is described by name and address.
    identifier: str | None
    title: str
    url: str


_CREATIVE = "https://creativecommons.org"
_OPEN_DATA = "https://opendatacommons.org/licenses"
#: Licences for data by SPDX identifier (spdx.org/licenses), most of them conformant to the Open Definition.
LICENSES: Mapping[str, License] = {
    identifier: License(identifier, title, url)
    for identifier, title, url in (
        ("CC0-1.0", "Creative Commons Zero 1.0", f"{_CREATIVE}/publicdomain/zero/1.0/"),
        ("CC-BY-4.0", "Creative Commons Attribution 4.0", f"{_CREATIVE}/licenses/by/4.0/"),
        ("CC-BY-SA-4.0", "Creative Commons Attribution Share-Alike 4.0", f"{_CREATIVE}/licenses/by-sa/4.0/"),
        ("CC-BY-NC-4.0", "Creative Commons Attribution Non-Commercial 4.0", f"{_CREATIVE}/licenses/by-nc/4.0/"),
        ("PDDL-1.0", "Open Data Commons Public Domain Dedication and License 1.0", f"{_OPEN_DATA}/pddl/1-0/"),
        ("ODC-By-1.0", "Open Data Commons Attribution License 1.0", f"{_OPEN_DATA}/by/1-0/"),
        ("ODbL-1.0", "Open Data Commons Open Database License 1.0", f"{_OPEN_DATA}/odbl/1-0/"),
        ("CDLA-Permissive-2.0", "Community Data License Agreement Permissive 2.0", "https://cdla.dev/permissive-2-0/"),
        ("CDLA-Sharing-1.0", "Community Data License Agreement Sharing 1.0", "https://cdla.dev/sharing-1-0/"),
    )
}


def find_license(identifier: str) -> License:
    """Return the licence with that SPDX identifier, in any case. Raises ValueError with the known ones."""
    by_name = {name.casefold(): name for name in LICENSES}
    if (name := by_name.get(identifier.strip().casefold())) is not None:
        return LICENSES[name]
    close = difflib.get_close_matches(identifier.casefold(), by_name, n=1)
    meant = f"did you mean {by_name[close[0]]!r}?" if close else f"known are {', '.join(LICENSES)}."
    msg = f'is not a known licence; {meant} For any other, write {{ name = "…", url = "https://…" }}'
    raise ValueError(msg)
