"""Faults of the machine that runs a command, and of the store that it uses."""

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
    """A folder with a store whose newest values are five days old, and the commands to run there."""

    workspace: Workspace
    services: Services
    stderr: str = ""
    #: The standard output of the last command in this process.
    stdout: str = ""
    _before: list = field(default_factory=list)

    @property
    def tables(self) -> Path:
        return self.workspace.folder / "data" / "lancedb"

    def run_in_process(self, *args: str) -> int:
        """Run a command in this process, because its imports would take longer than the command."""
        out, err, before = io.StringIO(), io.StringIO(), (Path.cwd(), sys.argv, dict(os.environ))
        try:
            os.chdir(self.workspace.folder)
            sys.argv = ["cmetrics", *args]
            with redirect_stdout(out), redirect_stderr(err):
                cmetrics.cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            os.chdir(before[0])
            sys.argv = before[1]
        self.stderr, self.stdout = err.getvalue(), out.getvalue()
        return code

    def run_shell(self, shell: str, *, code: int | None = None) -> int:
        """Run a shell command in a separate process, in which ``cmetrics`` is the installed command."""
        script = f'set -o pipefail; cmetrics() {{ "{Path(sys.executable).parent}/cmetrics" "$@"; }}; {shell}'
        done = subprocess.run(
            ["bash", "-c", script],
            check=False,
            cwd=self.workspace.folder,
            env=self.workspace.environment,
            capture_output=True,
            text=True,
        )
        self.stderr = done.stderr
        assert code is None or done.returncode == code, done
        return done.returncode

    def refresh_at(self, now: datetime) -> int:
        """Refresh with ``now`` as the current time."""
        nights = Nights(
            self.services.world, self.services, self.workspace.folder / "data", self.workspace.folder / "cmetrics.toml"
        )
        nights.now = lambda: now  # type: ignore[method-assign]
        summary = nights.refresh()
        self.stderr = "\n".join([*_errors(summary), *summary.warnings, *summary.anomalies])
        return RUN_EXITS[summary.status]

    def table(self, name: str = "stats"):
        return lancedb.connect(str(self.tables)).open_table(name)

    def files(self, pattern: str) -> list[Path]:
        """Return files of the table of values, newest first."""
        return sorted((self.tables / "stats.lance").glob(pattern), key=lambda path: path.stat().st_mtime_ns)[::-1]

    @contextmanager
    def on_a_small_disk(self) -> Iterator[Callable[[str], None]]:
        """Move the tables to a small disk. Yield a function that remounts it with other options."""
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
        """Run a command as a user who is bound by the permissions of files."""
        rights = "-dac_override,-dac_read_search,-fowner,-chown"
        program = Path(sys.executable).parent / "cmetrics"
        return self.run_shell(f"setpriv --bounding-set={rights} --inh-caps={rights} {program} {command}")


def _errors(summary: RunSummary) -> list[str]:
    return [outcome.error for outcome in summary.metrics if outcome.error]


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def fill(folder: Path) -> None:
    """Fill the disk except for three pages."""
    room = os.statvfs(folder)
    (folder / "ballast").write_bytes(b"x" * (room.f_bavail * room.f_frsize - 3 * 4096))


#: The effect of a fault: the command, its exit code, whether the rows are unchanged, and the result of the next night.
Effect = tuple[str, int, str, str]


def disk_full(machine: Machine) -> Effect:
    with machine.on_a_small_disk() as remount:
        before = machine.workspace.rows()
        fill(machine.tables)
        code, message = machine.run_in_process("refresh"), machine.stderr
        same = compare_rows(machine, before)
        remount("size=64m")
        healed = next_night(machine)
    machine.stderr = message
    return "refresh", code, same, healed


def read_only(machine: Machine) -> Effect:
    with machine.on_a_small_disk() as remount:
        before = machine.workspace.rows()
        remount("ro")
        code, message = machine.run_in_process("refresh"), machine.stderr
        assert machine.run_in_process("status", "--max-age-days", "9") == 0, "the store can still be read"
        same = compare_rows(machine, before)
        remount("rw")
        healed = next_night(machine)
    machine.stderr = message
    return "refresh", code, same, healed


def no_right_to_write(machine: Machine) -> Effect:
    return _with_mode(machine, 0o500, "refresh")


def no_right_to_read(machine: Machine) -> Effect:
    return _with_mode(machine, 0o000, "status")


def _with_mode(machine: Machine, mode: int, command: str) -> Effect:
    before = machine.workspace.rows()
    machine.tables.chmod(mode)
    code, message = machine.without_rights(command), machine.stderr
    machine.tables.chmod(0o700)
    return _then_recover(machine, command, code, message, before)


def _then_recover(machine: Machine, command: str, code: int, message: str, before: list) -> Effect:
    same = compare_rows(machine, before)
    healed = next_night(machine)
    machine.stderr = message
    return command, code, same, healed


def compare_rows(machine: Machine, before: list) -> str:
    return UNCHANGED if machine.workspace.rows() == before else "changed"


def next_night(machine: Machine) -> str:
    """Refresh without a fault and compare the store with the expected values."""
    code = machine.run_in_process("refresh")
    return _compare(daily(machine.workspace.rows()), machine.services.world) if code == 0 else f"exit {code}"


def column_of_a_newer_version(machine: Machine) -> Effect:
    machine.table().add_columns({"shiny": "cast(null as int)"})
    code, message = machine.run_in_process("refresh"), machine.stderr
    healed = next_night(machine)
    machine.stderr = message
    return "refresh", code, "new rows stored", healed


def needed_column_of_a_newer_version(machine: Machine) -> Effect:
    before = machine.workspace.rows()
    machine.table().add_columns({"shiny": "cast(1 as int)"})
    code, message = machine.run_in_process("refresh"), machine.stderr
    machine.table().drop_columns(["shiny"])
    return _then_recover(machine, "refresh", code, message, before)


def missing_column(machine: Machine) -> Effect:
    before, exported = machine.workspace.rows(), machine.run_in_process("export", "export")
    machine.table().drop_columns(["source_ref"])
    code, message = machine.run_in_process("refresh"), machine.stderr
    return _from_export(machine, "refresh", code, message, before, exported)


def damaged_data(machine: Machine) -> Effect:
    return _damaged(machine, "data/*", "status")


def damaged_manifest(machine: Machine) -> Effect:
    return _damaged(machine, "_versions/*.manifest", "refresh")


def _damaged(machine: Machine, pattern: str, command: str) -> Effect:
    before, exported = machine.workspace.rows(), machine.run_in_process("export", "export")
    for path in machine.files(pattern):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    code, message = machine.run_in_process(command), machine.stderr
    return _from_export(machine, command, code, message, before, exported)


def _from_export(machine: Machine, command: str, code: int, message: str, before: list, exported: int) -> Effect:
    """Recover as the message suggests: move the folder away and restore the last export."""
    machine.tables.rename(machine.tables.with_name("damaged"))
    assert exported == 0
    assert machine.run_in_process("restore", "export") == 0
    same = "restored from an export" if machine.workspace.rows() == before else "changed"
    healed = next_night(machine)
    machine.stderr = message
    return command, code, same, healed


def _clock(now: datetime) -> Callable[[Machine], Effect]:
    def fault(machine: Machine) -> Effect:
        before = machine.workspace.rows()
        machine.services.clock = datetime.now(UTC)
        code, message = machine.refresh_at(now), machine.stderr
        machine.services.clock = None
        return _then_recover(machine, "refresh", code, message, before)

    return fault


def _silent_clock(off: timedelta) -> Callable[[Machine], Effect]:
    """Return a fault: the clock is wrong for one night on which no response has a Date header, as with some caches."""

    def fault(machine: Machine) -> Effect:
        # A world of another day sends no Date headers.
        usual, today = machine.services.world, date(2026, 11, 20)
        nights = _nights(machine, World.default(today + 9 * DAY))
        nights.begin(today)
        nights.refresh()
        nights.sleep()
        true = nights.now
        nights.now = lambda: true() + off  # type: ignore[method-assign]
        wrong, stored = nights.refresh(), daily(nights.all_rows())
        nights.now = true  # type: ignore[method-assign]
        for _ in range(5):
            nights.sleep()
            nights.refresh()
        healed = _compare(daily(nights.all_rows()), nights.world)
        truth = _truth(nights.world)
        false = sum(
            truth[name].get(day, value) != value for name, days in stored.items() for day, value in days.items()
        )
        machine.services.world = usual
        machine.stderr = "\n".join([*_errors(wrong), *wrong.warnings, *wrong.anomalies])
        return "refresh", RUN_EXITS[wrong.status], f"{false} wrong" if false else "new rows stored", healed

    return fault


def _nights(machine: Machine, world: World) -> Nights:
    """Return nights in another world."""
    machine.services.world = world
    return Nights(
        world, machine.services, machine.workspace.folder / "years", machine.workspace.folder / "cmetrics.toml"
    )


def _truth(world: World) -> dict[str, dict[date, int]]:
    expected = world.expected()
    return {RUST: expected["downloads:lance:rust"], STARS: expected["stars:lancedb:github"]}


def _compare(stored: dict[str, dict[date, int]], world: World) -> str:
    """Compare the stored values with the expected ones, from the first day that the services show."""
    wrong = {}
    for name, truth in _truth(world).items():
        days = {day: value for day, value in stored[name].items() if day >= min(truth)}
        wrong[name] = sum(days.get(day) != truth.get(day) for day in days.keys() | truth.keys())
    return "; ".join(f"{name}: {plural(days, 'day')} wrong" for name, days in wrong.items() if days) or CORRECT


def _two_clocks(off: timedelta) -> Callable[[Machine], Effect]:
    """Return a fault: two machines write to one store in turn, and the clock of one of them is ``off``."""

    def fault(machine: Machine) -> Effect:
        machine.services.clock = now = datetime.now(UTC)
        assert machine.refresh_at(now) == 0
        before = machine.workspace.rows()
        code, message = machine.refresh_at(now + off), machine.stderr
        assert machine.refresh_at(now) == 0
        machine.services.clock = None
        return _then_recover(machine, "refresh", code, message, before)

    return fault


def _with_locale(**variables: str) -> Callable[[Machine], Effect]:
    def fault(machine: Machine) -> Effect:
        words = " ".join(f"{name}={value}" for name, value in variables.items())
        # Machines seldom have other locales, so create one where its sources are installed.
        name, folder = variables["LC_ALL"], machine.workspace.cache.with_name("locales")
        folder.mkdir(exist_ok=True)
        make = ["localedef", "-i", name.partition(".")[0], "-f", "UTF-8", str(folder / name)]
        if name != "C" and shutil.which("localedef"):
            subprocess.run(make, check=False, capture_output=True)
        code = machine.run_shell(f"LOCPATH={folder} {words} cmetrics refresh --quiet 2> >(grep -v setlocale >&2)")
        message, healed = machine.stderr, _compare(daily(machine.workspace.rows()), machine.services.world)
        machine.stderr = "\n".join(line for line in message.splitlines() if "setlocale" not in line)
        return "refresh", code, "new rows stored", healed

    return fault


def _night_of(today: date) -> Callable[[Machine], Effect]:
    def fault(machine: Machine) -> Effect:
        """Refresh on every night from three days before to two days after that day."""
        usual, world = machine.services.world, World.default(today + 2 * DAY)
        nights = _nights(machine, world)
        nights.begin(today - 3 * DAY)
        runs = [nights.refresh()]
        for _ in range(5):
            nights.sleep()
            runs.append(nights.refresh())
        stored = daily(nights.all_rows())
        assert all(today - DAY in days for days in stored.values())
        healed = _compare(stored, world)
        machine.services.world = usual
        machine.stderr = "\n".join(text for run in runs for text in (*_errors(run), *run.warnings, *run.anomalies))
        return "refresh", max(RUN_EXITS[run.status] for run in runs), "new rows stored", healed

    return fault


def future_row(machine: Machine) -> Effect:
    table = machine.table()
    ahead = (datetime.now(UTC).date() + 400 * DAY).isoformat()
    row = table.search().where(f"metric_id = '{RUST}'").limit(1).to_arrow()
    for name in ("period_start", "period_end"):
        row = row.set_column(row.schema.names.index(name), row.schema.field(name), [[ahead]])
    table.add(row)
    before = machine.workspace.rows()
    assert machine.run_in_process("build-site", "--out", "page", "--quiet") == 0
    assert ahead not in (machine.workspace.folder / "page" / "index.html").read_text()
    code = machine.run_in_process("status")
    message = " ".join(machine.stdout[machine.stdout.index("ahead: ") :].partition("\nstore: ")[0].split())
    same = compare_rows(machine, before)
    table.delete(f"period_end = '{ahead}'")
    healed = next_night(machine)
    machine.stderr = message
    return "status", code, same, healed


def _shell(shell: str) -> Callable[[Machine], Effect]:
    def fault(machine: Machine) -> Effect:
        before = machine.workspace.rows()
        code, message = machine.run_shell(shell), machine.stderr
        same = UNCHANGED if machine.workspace.rows() == before else "new rows stored"
        healed = next_night(machine)
        machine.stderr = message
        return shell.removeprefix("cmetrics "), code, same, healed

    return fault


NOW = datetime.now(UTC)
MACHINE_FAULTS: dict[str, Callable[[Machine], Effect]] = {
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
    "a time zone on the next day, a Turkish locale": _with_locale(TZ="Pacific/Kiritimati", LC_ALL="tr_TR.UTF-8"),
    "a time zone on the previous day, an Arabic locale": _with_locale(TZ="Pacific/Pago_Pago", LC_ALL="ar_SA.UTF-8"),
    "an ASCII-only terminal": _with_locale(LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0"),
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
#: Commands that must succeed where a fault needs more permissions, such as mounting a disk as root.
NEEDS = {
    "the disk is full": "mount -t tmpfs tmpfs {folder} && umount {folder}",
    "the disk is read-only": "mount -t tmpfs tmpfs {folder} && umount {folder}",
    "no write permission for the store": "test $(id -u) = 0 && setpriv --bounding-set=-chown true",
    "no read permission for the store": "test $(id -u) = 0 && setpriv --bounding-set=-chown true",
}


def is_possible(name: str, folder: Path) -> bool:
    """Return whether a fault can be reproduced on this machine."""
    need = NEEDS.get(name, "true").format(folder=folder)
    return subprocess.run(["bash", "-c", need], capture_output=True, check=False).returncode == 0


class MachineTemplate:
    """A machine whose store is five days old, which can be copied any number of times."""

    def __init__(self, services: Services, folder: Path) -> None:
        self._services, self._folder, self._copies = services, folder, 0
        base = folder / "base"
        (base / "data").mkdir(parents=True)
        (base / "cmetrics.toml").write_text(catalog_text(*SUBJECTS))
        nights = Nights(services.world, services, base / "data", base / "cmetrics.toml")
        nights.begin(services.world.today - 5 * DAY)
        nights.refresh()
        nights.sleep(5)

    def machine(self) -> Machine:
        self._copies += 1
        folder = self._folder / f"machine-{self._copies}"
        shutil.copytree(self._folder / "base", folder)
        return Machine(Workspace(folder, self._services.env()), self._services)


def reproduce(name: str, machine: Machine) -> str:
    """Reproduce one fault and return its row."""
    command, code, same, healed = MACHINE_FAULTS[name](machine)
    return " | ".join((name, f"`{command}`".replace("|", "\\|"), str(code), clean_stderr(machine), same, healed))


def clean_stderr(machine: Machine) -> str:
    """Return standard error without progress and without text that differs between machines and nights."""
    lines = [line for line in machine.stderr.splitlines() if not re.match(r"\w+: (fetching \d|\w+:\w+:\w+: )", line)]
    assert not any("Traceback" in line for line in lines), machine.stderr
    text = " / ".join(line.removeprefix("error: ") for line in lines)
    text = re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?", "DAY", text.replace(str(machine.workspace.folder.resolve()), "…"))
    text = re.sub(r"[0-9a-f]{40,}\.lance", "FILE", text)
    return text.replace("|", "\\|").replace("<", "&lt;") or "–"
