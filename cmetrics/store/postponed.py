"""Postpone the execution of a package until one of its names is used."""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec
from threading import RLock


def postpone_import(package: str) -> None:
    """Let ``import package.module`` import the module without executing the ``__init__`` of the package.

    The package is executed when one of its names is first used, so that it works as usual. Does nothing if the
    package is not installed or has already been imported. `importlib.util.LazyLoader` does not help, because it
    executes a package as soon as one of its modules is imported.
    """
    if package in sys.modules or (spec := find_spec(package)) is None:
        return
    module = module_from_spec(spec)
    loader = spec.loader
    lock = RLock()
    is_executed = False

    def load(name: str) -> object:
        nonlocal is_executed
        # Tools that inspect all modules look up such names (``__wrapped__``, ``__warningregistry__``).
        if loader is not None and (not name.startswith("__") or name == "__all__"):
            # A second thread waits for the first one. The package itself may look up names during its execution.
            with lock:
                if not is_executed:
                    is_executed = True
                    loader.exec_module(module)
            if name in vars(module):
                return vars(module)[name]
        msg = f"module {package!r} has no attribute {name!r}"
        raise AttributeError(msg)

    vars(module)["__getattr__"] = load
    sys.modules[package] = module
