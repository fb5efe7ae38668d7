# SPDX-License-Identifier: BSD-3-Clause
"""tools/run-guest, what `make run` calls."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

from scenario import scenario

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../tools/run-guest")


def command(run, *arguments):
    return [sys.executable, TOOL, "--build", run.setup.build, "--daemon", " ".join(run.setup.daemon),
            "--vmm", "qemu" if run.where == "qemu" else "uml", "--kernel", "newer" if run.where == "newer" else "",
            "--share", run.directory(), *arguments]


def left_over(run):
    """Command lines of processes that still name the scenario's directory."""
    found = []
    for pid in os.listdir("/proc"):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as f:
                line = f.read().replace("\0", " ")
        except OSError:
            continue
        if run.base in line:
            found.append(line)
    return found


@scenario("uml", "newer", "qemu")
def run_command(run):
    job = subprocess.run(command(run, "--cmd", "pwd; echo text > f; echo err >&2; echo \"$0 'x'\"; exit 7"),
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=200)
    run.same("the command's exit status", job.returncode, 7)
    run.same("its output", job.stdout, "/share\nsh 'x'\n")
    run.ok("its errors", "err\n" in job.stderr, job.stderr)
    run.same("its file", run.read(run.directory() + "/f"), "text\n")
    run.same("what is left running", left_over(run), [])


@scenario("uml", "newer")
def interrupted(run):
    """Ctrl-C in the middle: everything goes away."""
    # Whoever started the tests in the background had Ctrl-C ignored for all that comes of it.
    job = subprocess.Popen(command(run, "--cmd", "echo started; sleep 100"), stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    run.same("it runs", job.stdout.readline(), "started\n")
    job.send_signal(signal.SIGINT)
    job.communicate(timeout=20)
    run.same("its exit status", job.returncode, 130)
    run.same("what is left running", left_over(run), [])


@scenario("uml", "newer")
def interactive_shell(run):
    """A shell on a terminal: a prompt, job control, Ctrl-C, the window's size, the exit status."""
    began = time.monotonic()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, command(run))
    shown = b""

    def expect(text, seconds=30):
        nonlocal shown
        deadline = time.monotonic() + seconds
        while not re.search(text, shown) and time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    shown += os.read(terminal, 4096)
                except OSError:
                    break
        return re.search(text, shown)

    prompt = expect(rb"guest:/share# ")
    run.ok("a prompt", prompt, shown)
    run.ok("within 6 seconds", time.monotonic() - began < 6, f"{time.monotonic() - began:.1f} s")
    os.write(terminal, b"pwd; stty size; sleep 50\r")
    run.ok("the directory", expect(rb"\r\n/share\r\n"), shown)
    time.sleep(0.5)
    os.write(terminal, b"\x03")
    os.write(terminal, b"echo after-$((40+2))\r")
    run.ok("Ctrl-C ends the command, not the shell", expect(rb"after-42", 10), shown)
    os.write(terminal, b"exit 3\r")
    expect(rb"never", 5)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    run.same("the exit status", os.waitstatus_to_exitcode(status), 3)
    run.same("what is left running", left_over(run), [])


@scenario("uml", "newer", "qemu")
def root_command(run):
    job = subprocess.run(command(run, "--root", "virtiofs", "--share", "", "--cmd",
                                 "mount | grep ' / '; pwd; touch /made"),
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=200)
    run.ok("the root is the share", "on / type virtiofs" in job.stdout and job.returncode == 0, job.stdout + job.stderr)
