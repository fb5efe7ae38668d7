# SPDX-License-Identifier: BSD-3-Clause
"""Starts and stops a vhost-user daemon that serves a directory: viofsd, or another with the same command line."""

import os
import signal
import socket
import subprocess
import tempfile
import shutil
import time

from guest.guest import die_with_parent


class DaemonError(Exception):
    """The daemon did not start; the text holds what it printed."""


class Daemon:
    """
    A daemon on a socket of its own. command: the program as a list; options: further command-line arguments.
    listen_fd: an already listening socket is handed over as --fd (the guest may then have connected first).
    uid: the user it runs as. Use as a context manager.
    """

    def __init__(self, command, shared, options=(), tag="share", uid=None, listen_fd=False, environment=None):
        self.command = list(command)
        self.shared = shared
        self.options = list(options)
        self.tag = tag
        self.uid = uid
        self.listen_fd = listen_fd
        self.environment = environment
        self.listener = None
        self.process = None
        self.started = False
        self.directory = tempfile.mkdtemp(prefix="viofs-daemon-")
        self.socket = os.path.join(self.directory, "sock")
        if uid is not None:
            os.chown(self.directory, uid, uid)
        if listen_fd:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.socket)
            self.listener.listen()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception):
        self.close()

    def start(self, timeout=10):
        """Starts it and waits until it listens."""
        arguments = ["--tag", self.tag, "--shared-dir", self.shared] + self.options
        if self.listen_fd:
            arguments += ["--fd", str(self.listener.fileno())]
        else:
            arguments += ["--socket-path", self.socket]
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen(
                self.command + arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=die_with_parent if self.uid is None else None, user=self.uid, group=self.uid,
                extra_groups=[] if self.uid is not None else None, env=self.environment,
                pass_fds=[self.listener.fileno()] if self.listen_fd else [])
        deadline = time.monotonic() + timeout
        while not self.listen_fd and not os.path.exists(self.socket):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise DaemonError(f"{' '.join(self.command + arguments)}\ndid not start to listen:\n{self.log()}")
            time.sleep(0.005)
        self.started = True

    def log(self, size=4000):
        with open(os.path.join(self.directory, "log"), "rb") as f:
            return f.read()[-size:].decode(errors="replace")

    def running(self):
        return self.process is not None and self.process.poll() is None

    def check_running(self):
        """Raises if it has ended by itself."""
        if self.process and self.process.poll() is not None:
            raise DaemonError(f"the daemon ended with status {self.process.returncode}:\n{self.log()}")

    def stop(self, number=signal.SIGTERM, timeout=10):
        """Ends it with a signal; returns its exit status as subprocess gives it, None when it had to be killed."""
        self.started = False
        if not self.process:
            return None
        status = None
        try:
            if self.running():
                self.process.send_signal(number)
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process = None
        return status

    def close(self):
        self.stop()
        if self.listener:
            self.listener.close()
            self.listener = None
        shutil.rmtree(self.directory, ignore_errors=True)
