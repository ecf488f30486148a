"""What may be wrong with the machine that a run is on, or with the store that it finds."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import lancedb

import cmetrics.cli
from cmetrics.cli.exit_codes import RUN_EXITS
from cmetrics.domain.plural import plural
from cmetrics.domain.run import RunSummary
from tests.conftest import Workspace, catalog_text, daily
from tests.world.nights import Nights
from tests.world.services import Services
from tests.world.truth import DAY, World

SUBJECTS = (("cratesio", "lance"), ("github", "lancedb/lancedb"))
RUST, STARS = "downloads:p:rust", "stars:p:github"
UNCHANGED, CORRECT = "unchanged", "correct"


@dataclass
class Machine:
    """A folder with a store that is five days behind, and the command to run in it."""

    workspace: Workspace
    services: Services
    told: str = ""
    #: What the last command in this process has printed.
    out: str = ""
    _before: list = field(default_factory=list)

    @property
    def tables(self) -> Path:
        return self.workspace.folder / "data" / "lancedb"

    def here(self, *args: str) -> int:
        """The command in this process: importing what it needs takes longer than what it does."""
        out, err, kept = io.StringIO(), io.StringIO(), (Path.cwd(), sys.argv, dict(os.environ))
        try:
            os.chdir(self.workspace.folder)
            sys.argv = ["cmetrics", *args]
            with redirect_stdout(out), redirect_stderr(err):
                cmetrics.cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            os.chdir(kept[0])
            sys.argv = kept[1]
        self.told, self.out = err.getvalue(), out.getvalue()
        return code

    def apart(self, shell: str, *, code: int | None = None) -> int:
        """A shell command in a process of its own; ``cmetrics`` is the command."""
        script = f'set -o pipefail; cmetrics() {{ "{Path(sys.executable).parent}/cmetrics" "$@"; }}; {shell}'
        done = subprocess.run(
            ["bash", "-c", script],
            check=False,
            cwd=self.workspace.folder,
            env=self.workspace.environment,
            capture_output=True,
            text=True,
        )
        self.told = done.stderr
        assert code is None or done.returncode == code, done
        return done.returncode

    def at(self, now: datetime) -> int:
        """A refresh at another time than it is."""
        nights = Nights(
            self.services.world, self.services, self.workspace.folder / "data", self.workspace.folder / "cmetrics.toml"
        )
        nights.now = lambda: now  # type: ignore[method-assign]
        summary = nights.refresh()
        self.told = "\n".join([*_errors(summary), *summary.warnings, *summary.anomalies])
        return RUN_EXITS[summary.status]

    def table(self, name: str = "stats"):
        return lancedb.connect(str(self.tables)).open_table(name)

    def files(self, pattern: str) -> list[Path]:
        """Files of the table of values, the last written first."""
        return sorted((self.tables / "stats.lance").glob(pattern), key=lambda path: path.stat().st_mtime_ns)[::-1]

    @contextmanager
    def on_a_small_disk(self) -> Iterator[Callable[[str], None]]:
        """The tables on a disk of their own; what is handed out mounts it anew with other options."""
        moved = self.tables.with_name("moved")
        self.tables.rename(moved)
        self.tables.mkdir()
        mount("-t", "tmpfs", "-o", "size=8m", "tmpfs", str(self.tables))
        try:
            shutil.copytree(moved, self.tables, dirs_exist_ok=True)
            yield lambda options: mount("-o", f"remount,{options}", str(self.tables))
        finally:
            subprocess.run(["umount", str(self.tables)], check=True)
            self.tables.rmdir()
            moved.rename(self.tables)

    def without_rights(self, command: str) -> int:
        """A command of a user whom the folder's rights stop."""
        rights = "-dac_override,-dac_read_search,-fowner,-chown"
        program = Path(sys.executable).parent / "cmetrics"
        return self.apart(f"setpriv --bounding-set={rights} --inh-caps={rights} {program} {command}")


def _errors(summary: RunSummary) -> list[str]:
    return [outcome.error for outcome in summary.metrics if outcome.error]


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def fill(folder: Path) -> None:
    """Leave three pages of a disk."""
    room = os.statvfs(folder)
    (folder / "ballast").write_bytes(b"x" * (room.f_bavail * room.f_frsize - 3 * 4096))


#: What was found: the command, its exit code, whether the rows are the same, and how the next night went.
Tried = tuple[str, int, str, str]


def disk_full(machine: Machine) -> Tried:
    with machine.on_a_small_disk() as again:
        before = machine.workspace.rows()
        fill(machine.tables)
        code, said = machine.here("refresh"), machine.told
        same = kept(machine, before)
        again("size=64m")
        healed = next_night(machine)
    machine.told = said
    return "refresh", code, same, healed


def read_only(machine: Machine) -> Tried:
    with machine.on_a_small_disk() as again:
        before = machine.workspace.rows()
        again("ro")
        code, said = machine.here("refresh"), machine.told
        assert machine.here("status", "--max-age-days", "9") == 0, "what is there can be read"
        same = kept(machine, before)
        again("rw")
        healed = next_night(machine)
    machine.told = said
    return "refresh", code, same, healed


def no_right_to_write(machine: Machine) -> Tried:
    return _guarded(machine, 0o500, "refresh")


def no_right_to_read(machine: Machine) -> Tried:
    return _guarded(machine, 0o000, "status")


def _guarded(machine: Machine, mode: int, command: str) -> Tried:
    before = machine.workspace.rows()
    machine.tables.chmod(mode)
    code, said = machine.without_rights(command), machine.told
    machine.tables.chmod(0o700)
    return _and_after(machine, command, code, said, before)


def _and_after(machine: Machine, command: str, code: int, said: str, before: list) -> Tried:
    same = kept(machine, before)
    healed = next_night(machine)
    machine.told = said
    return command, code, same, healed


def kept(machine: Machine, before: list) -> str:
    return UNCHANGED if machine.workspace.rows() == before else "changed"


def next_night(machine: Machine) -> str:
    """A refresh under ordinary conditions, compared with the truth."""
    code = machine.here("refresh")
    return _agreement(daily(machine.workspace.rows()), machine.services.world) if code == 0 else f"exit {code}"


def column_of_a_newer_version(machine: Machine) -> Tried:
    machine.table().add_columns({"shiny": "cast(null as int)"})
    code, said = machine.here("refresh"), machine.told
    healed = next_night(machine)
    machine.told = said
    return "refresh", code, "new rows stored", healed


def needed_column_of_a_newer_version(machine: Machine) -> Tried:
    before = machine.workspace.rows()
    machine.table().add_columns({"shiny": "cast(1 as int)"})
    code, said = machine.here("refresh"), machine.told
    machine.table().drop_columns(["shiny"])
    return _and_after(machine, "refresh", code, said, before)


def missing_column(machine: Machine) -> Tried:
    before, exported = machine.workspace.rows(), machine.here("export", "export")
    machine.table().drop_columns(["source_ref"])
    code, said = machine.here("refresh"), machine.told
    return _from_export(machine, "refresh", code, said, before, exported)


def damaged_data(machine: Machine) -> Tried:
    return _damaged(machine, "data/*", "status")


def damaged_manifest(machine: Machine) -> Tried:
    return _damaged(machine, "_versions/*.manifest", "refresh")


def _damaged(machine: Machine, pattern: str, command: str) -> Tried:
    before, exported = machine.workspace.rows(), machine.here("export", "export")
    for path in machine.files(pattern):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    code, said = machine.here(command), machine.told
    return _from_export(machine, command, code, said, before, exported)


def _from_export(machine: Machine, command: str, code: int, said: str, before: list, exported: int) -> Tried:
    """The way that the message names: the folder moved away, the last export read back."""
    machine.tables.rename(machine.tables.with_name("damaged"))
    assert exported == 0
    assert machine.here("restore", "export") == 0
    same = "restored from an export" if machine.workspace.rows() == before else "changed"
    healed = next_night(machine)
    machine.told = said
    return command, code, same, healed


def _clock(now: datetime) -> Callable[[Machine], Tried]:
    def trouble(machine: Machine) -> Tried:
        before = machine.workspace.rows()
        machine.services.clock = datetime.now(UTC)
        code, said = machine.at(now), machine.told
        machine.services.clock = None
        return _and_after(machine, "refresh", code, said, before)

    return trouble


def _silent_clock(off: timedelta) -> Callable[[Machine], Tried]:
    """A clock that is wrong for one night, where no service says what time it is: caches may leave it out."""

    def trouble(machine: Machine) -> Tried:
        # A world of another day than ours does not tell the time.
        usual, today = machine.services.world, date(2026, 11, 20)
        nights = _nights(machine, World.default(today + 9 * DAY))
        nights.begin(today)
        nights.refresh()
        nights.sleep()
        true = nights.now
        nights.now = lambda: true() + off  # type: ignore[method-assign]
        wrong, stored = nights.refresh(), daily(nights.everything())
        nights.now = true  # type: ignore[method-assign]
        for _ in range(5):
            nights.sleep()
            nights.refresh()
        healed = _agreement(daily(nights.everything()), nights.world)
        truth = _truth(nights.world)
        false = sum(
            truth[name].get(day, value) != value for name, days in stored.items() for day, value in days.items()
        )
        machine.services.world = usual
        machine.told = "\n".join([*_errors(wrong), *wrong.warnings, *wrong.anomalies])
        return "refresh", RUN_EXITS[wrong.status], f"{false} wrong" if false else "new rows stored", healed

    return trouble


def _nights(machine: Machine, world: World) -> Nights:
    """Nights in a world of its own."""
    machine.services.world = world
    return Nights(
        world, machine.services, machine.workspace.folder / "years", machine.workspace.folder / "cmetrics.toml"
    )


def _truth(world: World) -> dict[str, dict[date, int]]:
    expected = world.expected()
    return {RUST: expected["downloads:lance:rust"], STARS: expected["stars:lancedb:github"]}


def _agreement(stored: dict[str, dict[date, int]], world: World) -> str:
    """Whether what is stored is the truth as far as the services reach, and nothing beyond it; else where not."""
    wrong = {}
    for name, truth in _truth(world).items():
        days = {day: value for day, value in stored[name].items() if day >= min(truth)}
        wrong[name] = sum(days.get(day) != truth.get(day) for day in days.keys() | truth.keys())
    return "; ".join(f"{name}: {plural(days, 'day')} wrong" for name, days in wrong.items() if days) or CORRECT


def _two_clocks(off: timedelta) -> Callable[[Machine], Tried]:
    """Two machines write to one store in turn; the clock of one of them is ``off``."""

    def trouble(machine: Machine) -> Tried:
        machine.services.clock = now = datetime.now(UTC)
        assert machine.at(now) == 0
        before = machine.workspace.rows()
        code, said = machine.at(now + off), machine.told
        assert machine.at(now) == 0
        machine.services.clock = None
        return _and_after(machine, "refresh", code, said, before)

    return trouble


def _in(**variables: str) -> Callable[[Machine], Tried]:
    def trouble(machine: Machine) -> Tried:
        words = " ".join(f"{name}={value}" for name, value in variables.items())
        # Machines seldom have other locales: this one is made, where there is what it is made from.
        name, folder = variables["LC_ALL"], machine.workspace.cache.with_name("locales")
        folder.mkdir(exist_ok=True)
        make = ["localedef", "-i", name.partition(".")[0], "-f", "UTF-8", str(folder / name)]
        if name != "C" and shutil.which("localedef"):
            subprocess.run(make, check=False, capture_output=True)
        code = machine.apart(f"LOCPATH={folder} {words} cmetrics refresh --quiet 2> >(grep -v setlocale >&2)")
        said, healed = machine.told, _agreement(daily(machine.workspace.rows()), machine.services.world)
        machine.told = "\n".join(line for line in said.splitlines() if "setlocale" not in line)
        return "refresh", code, "new rows stored", healed

    return trouble


def _night_of(today: date) -> Callable[[Machine], Tried]:
    def trouble(machine: Machine) -> Tried:
        """Every night from three before to one after that day."""
        usual, world = machine.services.world, World.default(today + 2 * DAY)
        nights = _nights(machine, world)
        nights.begin(today - 3 * DAY)
        runs = [nights.refresh()]
        for _ in range(5):
            nights.sleep()
            runs.append(nights.refresh())
        stored = daily(nights.everything())
        assert all(today - DAY in days for days in stored.values())
        healed = _agreement(stored, world)
        machine.services.world = usual
        machine.told = "\n".join(text for run in runs for text in (*_errors(run), *run.warnings, *run.anomalies))
        return "refresh", max(RUN_EXITS[run.status] for run in runs), "new rows stored", healed

    return trouble


def future_row(machine: Machine) -> Tried:
    table = machine.table()
    ahead = (datetime.now(UTC).date() + 400 * DAY).isoformat()
    row = table.search().where(f"metric_id = '{RUST}'").limit(1).to_arrow()
    for name in ("period_start", "period_end"):
        row = row.set_column(row.schema.names.index(name), row.schema.field(name), [[ahead]])
    table.add(row)
    before = machine.workspace.rows()
    assert machine.here("build-site", "--out", "page", "--quiet") == 0
    assert ahead not in (machine.workspace.folder / "page" / "index.html").read_text()
    code = machine.here("status")
    said = " ".join(machine.out[machine.out.index("ahead: ") :].partition("\nstore: ")[0].split())
    same = kept(machine, before)
    table.delete(f"period_end = '{ahead}'")
    healed = next_night(machine)
    machine.told = said
    return "status", code, same, healed


def _shell(shell: str) -> Callable[[Machine], Tried]:
    def trouble(machine: Machine) -> Tried:
        before = machine.workspace.rows()
        code, said = machine.apart(shell), machine.told
        same = UNCHANGED if machine.workspace.rows() == before else "new rows stored"
        healed = next_night(machine)
        machine.told = said
        return shell.removeprefix("cmetrics "), code, same, healed

    return trouble


NOW = datetime.now(UTC)
TROUBLES: dict[str, Callable[[Machine], Tried]] = {
    "the disk is full": disk_full,
    "the disk is read-only": read_only,
    "no write permission for the store": no_right_to_write,
    "no read permission for the store": no_right_to_read,
    "a newer version added a column": column_of_a_newer_version,
    "a newer version added a required column": needed_column_of_a_newer_version,
    "a column is missing": missing_column,
    "data files are damaged": damaged_data,
    "the manifest of a table is damaged": damaged_manifest,
    "the clock is in 1999": _clock(datetime(1999, 6, 1, 7, tzinfo=UTC)),
    "the clock is in 2150": _clock(datetime(2150, 6, 1, 7, tzinfo=UTC)),
    "the clock is two days ahead": _clock(NOW + 2 * DAY),
    "the clock is two days ahead, and no service sends a Date header": _silent_clock(2 * DAY),
    "the clock is two days behind, and no service sends a Date header": _silent_clock(-2 * DAY),
    "two machines, one of them two days behind": _two_clocks(-2 * DAY),
    "two machines, one of them five minutes ahead": _two_clocks(timedelta(minutes=5)),
    "a time zone on the next day, a Turkish locale": _in(TZ="Pacific/Kiritimati", LC_ALL="tr_TR.UTF-8"),
    "a time zone on the previous day, an Arabic locale": _in(TZ="Pacific/Pago_Pago", LC_ALL="ar_SA.UTF-8"),
    "an ASCII-only terminal": _in(LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0"),
    "a leap day": _night_of(date(2028, 2, 29)),
    "the turn of the year": _night_of(date(2028, 1, 1)),
    "a stored row for a future day": future_row,
    "standard output is a closed pipe": _shell("cmetrics status --json | head -0"),
    "standard output is on a full disk": _shell("cmetrics status > /dev/full"),
    "standard output of a run is on a full disk": _shell("cmetrics refresh > /dev/full"),
    "standard error of a run is on a full disk": _shell("cmetrics refresh 2> /dev/full"),
    "standard output is closed": _shell("cmetrics refresh >&-"),
    "the working directory was removed": _shell("mkdir gone; cd gone; rmdir ../gone; cmetrics status"),
}
#: What some of them need: to mount a disk, to give up rights. Root in a container may do neither.
NEEDS = {
    "the disk is full": "mount -t tmpfs tmpfs {folder} && umount {folder}",
    "the disk is read-only": "mount -t tmpfs tmpfs {folder} && umount {folder}",
    "no write permission for the store": "test $(id -u) = 0 && setpriv --bounding-set=-chown true",
    "no read permission for the store": "test $(id -u) = 0 && setpriv --bounding-set=-chown true",
}


def is_possible(name: str, folder: Path) -> bool:
    """Whether this machine allows what a trouble needs."""
    need = NEEDS.get(name, "true").format(folder=folder)
    return subprocess.run(["bash", "-c", need], capture_output=True, check=False).returncode == 0


class Workshop:
    """A machine whose store is five days behind, given out as often as it is asked for."""

    def __init__(self, services: Services, folder: Path) -> None:
        self._services, self._folder, self._given = services, folder, 0
        base = folder / "base"
        (base / "data").mkdir(parents=True)
        (base / "cmetrics.toml").write_text(catalog_text(*SUBJECTS))
        nights = Nights(services.world, services, base / "data", base / "cmetrics.toml")
        nights.begin(services.world.today - 5 * DAY)
        nights.refresh()
        nights.sleep(5)

    def machine(self) -> Machine:
        self._given += 1
        folder = self._folder / f"machine-{self._given}"
        shutil.copytree(self._folder / "base", folder)
        return Machine(Workspace(folder, self._services.env()), self._services)


def try_out(name: str, machine: Machine) -> str:
    """The row of one trouble."""
    command, code, same, healed = TROUBLES[name](machine)
    return " | ".join((name, f"`{command}`".replace("|", "\\|"), str(code), said(machine), same, healed))


def said(machine: Machine) -> str:
    """What is on standard error, less progress and what is different on every machine and night."""
    lines = [line for line in machine.told.splitlines() if not re.match(r"\w+: (fetching \d|\w+:\w+:\w+: )", line)]
    assert not any("Traceback" in line for line in lines), machine.told
    text = " / ".join(line.removeprefix("error: ") for line in lines)
    text = re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?", "DAY", text.replace(str(machine.workspace.folder.resolve()), "…"))
    text = re.sub(r"[0-9a-f]{40,}\.lance", "FILE", text)
    return text.replace("|", "\\|").replace("<", "&lt;") or "–"
