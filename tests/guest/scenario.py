# SPDX-License-Identifier: BSD-3-Clause
"""What a scenario works with: directories, daemons and guests that go away by themselves, and a list of checks."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading

from guest import kernel
from guest.daemon import Daemon
from guest.guest import Guest

SCENARIOS = []
ON_LINUX_6_1 = ("uml", "qemu")
PRINTING = threading.Lock()


def scenario(*where, options=None):
    """Registers a scenario for those kinds of guest: uml (6.1), newer (User-Mode Linux 7), qemu."""
    def register(function):
        SCENARIOS.append((function, where or ("uml",), options))
        return function
    return register


class Skip(Exception):
    """This scenario cannot run here; the text says why."""


class Scenario:
    """One run of a scenario with one kind of guest."""

    def __init__(self, name, where, setup):
        self.name = name
        self.where = where
        self.setup = setup
        self.kernel = setup.kernel(where)
        self.stack = contextlib.ExitStack()
        self.count = self.failures = 0
        self.base = None

    def __enter__(self):
        self.base = tempfile.mkdtemp(prefix="scenario-", dir=self.setup.scratch)
        os.chmod(self.base, 0o755)
        self.stack.callback(shutil.rmtree, self.base, ignore_errors=True)
        return self

    def __exit__(self, *exception):
        self.stack.close()

    # Checks

    def report(self, line):
        with PRINTING:
            print(line, flush=True)

    def ok(self, what, condition, why=""):
        """One check."""
        self.count += 1
        if condition:
            self.report(f"ok - {self.name} {what}")
        else:
            self.failures += 1
            self.report(f"not ok - {self.name} {what}")
            for line in str(why).splitlines():
                self.report(f"# {line}")
        return condition

    def same(self, what, found, expected):
        return self.ok(what, found == expected, f"found    {found!r}\nexpected {expected!r}")

    def skip(self, what, reason):
        self.count += 1
        self.report(f"ok - {self.name} {what} # SKIP {' '.join(str(reason).split())}")

    def fsops(self, guest, have=(), only=None, directory="/share", timeout=400):
        """Runs the checks of tests/guest/ops in a directory of the guest; each counts as one."""
        guest.check(f"mkdir -p -m 0777 {directory}/ops")
        command = f"fsops -h {','.join(have)} " + (f"-o {only} " if only else "") + f"{directory}/ops"
        job = guest.run(command, timeout)
        seen = 0
        for line in job.out.decode(errors="replace").splitlines():
            result, _, rest = line.rpartition("ok ")
            if line.startswith(("ok ", "not ok ")):
                seen += 1
                name, _, why = rest.partition(" ")
                if why.startswith("# SKIP"):
                    self.skip(name, why[7:])
                else:
                    self.ok(name, not result, why.removeprefix("- "))
        if job.status or not seen:
            self.ok("fsops runs to its end", False, f"status {job.status}, {seen} checks: {job.text[-1000:]}")
        guest.run(f"chmod -R u+rwx {directory}/ops; rm -rf {directory}/ops")

    # Things

    def directory(self, name="share"):
        path = os.path.join(self.base, name)
        os.makedirs(path, exist_ok=True)
        return path

    def daemon(self, options=(), shared=None, tag="share", start=True, **more):
        daemon = Daemon(self.setup.daemon, shared or self.directory(), list(options), tag=tag, **more)
        self.stack.callback(daemon.close)
        if start:
            daemon.start()
        return daemon

    def guest(self, *daemons, mount=True, start=True, **more):
        """Boots a guest; each daemon's tag is mounted on the directory of the same name in the guest's root."""
        guest = Guest(self.kernel, self.setup.agent, [d.socket for d in daemons], [d.tag for d in daemons],
                      files=self.setup.programs, **more)
        guest.watch = lambda: [daemon.check_running() for daemon in daemons if daemon.started]
        self.stack.callback(guest.close)
        if start:
            guest.start()
        if start and mount:
            for daemon in daemons:
                self.mount(guest, daemon.tag)
        return guest

    @staticmethod
    def mount(guest, tag="share", options=""):
        guest.check(f"mkdir -p /{tag} && mount -t virtiofs {'-o ' + options if options else ''} {tag} /{tag}")

    def loop_file_system(self, name, megabytes, make=("mke2fs", "-q", "-t", "ext4", "-F"), mount_options="loop"):
        """A small file system of its own, mounted on a directory; returns (directory, image)."""
        image = os.path.join(self.base, name + ".img")
        path = self.directory(name)
        with open(image, "wb") as f:
            f.truncate(megabytes << 20)
        try:
            subprocess.run([*make, image], check=True, capture_output=True)
            subprocess.run(["mount", "-o", mount_options, image, path], check=True, capture_output=True)
        except FileNotFoundError as error:
            raise Skip(f"{error.filename} is not installed") from error
        except subprocess.CalledProcessError as error:
            raise Skip(f"no loop-mounted file system here: {error.stderr.decode(errors='replace').strip()}") from error
        self.stack.callback(subprocess.run, ["umount", "-l", path], check=False)
        return path, image

    def write(self, path, text):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def read(self, path):
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()


class Setup:
    """What all scenarios of a run share."""

    def __init__(self, build, daemon):
        self.build = os.path.abspath(build)
        self.daemon = daemon
        self.agent = os.path.join(self.build, "tools/agent")
        self.programs = {"/bin/" + name: os.path.join(self.build, "tests/guest", name) for name in ("fsops", "flock", "idmap")}
        self.scratch = os.path.join(self.build, "guest-scratch")
        self.kernels = {}
        os.makedirs(self.scratch, exist_ok=True)

    def kernel(self, where):
        if where not in self.kernels:
            self.kernels[where] = kernel.find("qemu" if where == "qemu" else "uml", where == "newer")
        return self.kernels[where]
