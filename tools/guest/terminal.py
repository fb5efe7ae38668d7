# SPDX-License-Identifier: BSD-3-Clause
"""Joins the user's terminal to a job in the guest."""

import os
import select
import shutil
import signal
import sys
import termios
import tty

ESCAPE = b"\x1d"  # Ctrl-]


def write_out(data, is_error):
    stream = sys.stderr if is_error else sys.stdout
    stream.buffer.write(data)
    stream.buffer.flush()


def size():
    columns, rows = shutil.get_terminal_size()
    return rows, columns


def interact(guest, command):
    """Runs command on a terminal in the guest, joined to ours; Ctrl-] leaves. Returns the exit status."""
    fd = sys.stdin.fileno()
    saved = termios.tcgetattr(fd)
    job = guest.spawn(command, terminal=True, size=size(), sink=write_out)
    signal.signal(signal.SIGWINCH, lambda *_: job.resize(*size()))
    try:
        tty.setraw(fd)
        while job.status is None and not guest.dead:
            if select.select([fd], [], [], 0.1)[0]:
                data = os.read(fd, 1024)
                if not data or ESCAPE in data:
                    return 130
                job.input(data)
    finally:
        signal.signal(signal.SIGWINCH, signal.SIG_DFL)
        termios.tcsetattr(fd, termios.TCSADRAIN, saved)
    return 255 if job.status is None else job.status


def batch(guest, command):
    """Runs command without a terminal, its output passed on; returns the exit status."""
    return guest.spawn(command, sink=write_out).wait(timeout=None)
