"""Packages that are executed at first use."""

from __future__ import annotations

import builtins
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from importlib import import_module
from pathlib import Path

import pytest

from cmetrics.store.postponed import postpone_import


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Create a package whose `__init__` imports a second module. Return its name."""
    name = "postponed_package"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text("from postponed_package.slow import CLIENT\n__all__ = ['CLIENT']\n")
    (folder / "models.py").write_text("MODEL = 'model'\n")
    (folder / "slow.py").write_text("from postponed_package.models import MODEL\nCLIENT = f'client of a {MODEL}'\n")
    monkeypatch.syspath_prepend(tmp_path)
    for module in (name, f"{name}.models", f"{name}.slow"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return name


def test_a_module_is_imported_without_its_package(package: str):
    """The `__init__` of the package is executed once, when one of its names is first used."""
    postpone_import(package)
    assert import_module(f"{package}.models").MODEL == "model"
    assert f"{package}.slow" not in sys.modules
    assert not hasattr(sys.modules[package], "__warningregistry__")
    assert f"{package}.slow" not in sys.modules
    assert import_module(package).CLIENT == "client of a model"
    assert f"{package}.slow" in sys.modules
    with pytest.raises(AttributeError, match="no attribute 'UNKNOWN'"):
        _ = sys.modules[package].UNKNOWN


def test_all_names_are_imported(package: str):
    """`from package import *` executes the package."""
    postpone_import(package)
    names: dict[str, object] = {}
    exec(f"from {package} import *", names)
    assert names["CLIENT"] == "client of a model"


def test_threads_wait_for_each_other(package: str):
    """A thread that uses a name while another one executes the package waits."""
    postpone_import(package)
    builtins.started, builtins.go_on = threading.Event(), threading.Event()
    slow = Path(import_module(f"{package}.models").__file__).with_name("slow.py")
    slow.write_text("import builtins\nbuiltins.started.set()\nbuiltins.go_on.wait(10)\nCLIENT = 'client'\n")
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(getattr, sys.modules[package], "CLIENT")
        assert builtins.started.wait(10)
        second = threads.submit(getattr, sys.modules[package], "CLIENT")
        assert wait([second], timeout=0.2).not_done
        builtins.go_on.set()
        assert (first.result(), second.result()) == ("client", "client")
    del builtins.started, builtins.go_on


def test_a_package_in_use_stays(package: str):
    """A package that was imported before is not replaced."""
    used = import_module(package)
    postpone_import(package)
    assert sys.modules[package] is used
    assert used.CLIENT == "client of a model"


def test_an_absent_package_stays_absent():
    """Nothing happens with a version of LanceDB without the package."""
    postpone_import("package_that_is_not_installed")
    assert "package_that_is_not_installed" not in sys.modules


def test_the_store_does_not_import_the_client_of_namespaces():
    """Opening a store does not import the client, which takes a third of LanceDB's time; other code can import it."""
    program = (
        "import sys, cmetrics.store.lance_store\n"
        "assert 'lancedb' in sys.modules\n"
        "assert 'lance_namespace_urllib3_client.models' in sys.modules\n"
        "assert 'lance_namespace_urllib3_client.api' not in sys.modules\n"
        "from lance_namespace_urllib3_client import NamespaceApi, ListTablesRequest\n"
        "import lance_namespace\n"
        "assert ListTablesRequest is lance_namespace.ListTablesRequest\n"
        "assert 'lance_namespace_urllib3_client.api' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
