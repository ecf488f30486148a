"""Run commands in a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios

from tests.conftest import COMMAND, Workspace

ROWS = 50


def show(workspace: Workspace, *args: str, width: int) -> tuple[int, bytes]:
    """Run a command in a terminal. Return its exit code and its output."""
    main, sub = pty.openpty()
    fcntl.ioctl(sub, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, width, 0, 0))
    env = workspace.environment | {"TERM": "xterm-256color"}
    process = subprocess.Popen([str(COMMAND), *args], cwd=workspace.folder, env=env, stdin=sub, stdout=sub, stderr=sub)
    os.close(sub)
    written = b""
    while True:
        try:
            chunk = os.read(main, 65536)
        except OSError:  # On Linux, the end of the output.
            break
        if not chunk:
            break
        written += chunk
    os.close(main)
    return process.wait(timeout=60), written


def answer(workspace: Workspace, typed: str, *args: str) -> tuple[int, str, str]:
    """Answer the questions of a command with the lines of ``typed``. Return its exit code, stdout and stderr."""
    main, sub = pty.openpty()
    process = subprocess.Popen(
        [str(COMMAND), *args],
        cwd=workspace.folder,
        env=workspace.environment,
        stdin=sub,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.write(main, typed.encode())
    out, err = process.communicate(timeout=60)
    os.close(main)
    os.close(sub)
    return process.returncode, out, err
