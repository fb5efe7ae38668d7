# SPDX-License-Identifier: BSD-3-Clause
"""A running guest: boots User-Mode Linux or QEMU and runs commands in it through its agent (agent.h)."""

import ctypes
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

from guest import initramfs
from guest.kernel import CACHE

HELLO = b"\nviofs-agent-1\n"
PAYLOAD_MAX = 65536
JOBS_MAX = 64
FRAME = struct.Struct("<BBHI")
VIRTIO_ID_FS = 26
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class GuestError(Exception):
    """The guest did not do what it must; the text says what and where its log is."""


def die_with_parent():
    """In a child before exec: it ends when we die, however that happens (UML then ends its helpers, too)."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class Job:
    """A command in the guest. out, err: bytes so far; status: its exit status, None while it runs."""

    def __init__(self, guest, number, sink=None):
        self.guest = guest
        self.number = number
        self.sink = sink
        self.out = b""
        self.err = b""
        self.status = None

    def wait(self, timeout=60):
        """Waits for the end; returns the exit status."""
        if not self.guest.wait(lambda: self.status is not None, timeout):
            raise GuestError(("the guest died" if self.guest.dead else f"a command did not end in {timeout} s") +
                             f"; its output so far: {self.text[-2000:]!r}\n" + self.guest.log_tail())
        return self.status

    def wait_for(self, text, timeout=30):
        """Waits until text stands in the output."""
        self.guest.wait(lambda: text in self.text or self.status is not None, timeout)
        if text not in self.text:
            raise GuestError(f"no {text!r} in {timeout} s, only {self.text[-500:]!r}")

    @property
    def text(self):
        return (self.out + self.err).decode(errors="replace")

    def input(self, data):
        self.guest.send(b"I", self.number, data)

    def signal(self, number=signal.SIGTERM):
        self.guest.send(b"K", self.number, bytes([number]))

    def resize(self, rows, columns):
        self.guest.send(b"W", self.number, struct.pack("<HH", rows, columns))


class Guest:
    """
    One guest. sockets: vhost-user sockets of its virtio-fs devices (for QEMU: (socket, tag) pairs are taken from
    tags). start() returns when the agent answers. Use as a context manager, or call close().
    For QEMU: queues of requests, further properties of each device, whether memory is shared as vhost-user needs it, and
    whether a reboot is one (reset() needs it) instead of the end, and words for
    the kernel.
    """

    def __init__(self, kernel, agent, sockets=(), tags=("share",), memory=256, files=None, queues=1, accel=None,
                 properties="", share="on", resets=False, boot=""):
        self.kernel = kernel
        self.agent = agent
        self.sockets = list(sockets)
        self.tags = list(tags)
        self.memory = memory
        self.files = files or {}
        self.queues = queues
        self.accel = accel
        self.properties = properties
        self.share = share
        self.resets = resets
        self.boot = boot
        self.directory = None
        self.process = None
        self.port = None
        self.reader = None
        self.dead = False
        self.up = False
        self.changed = threading.Condition()
        self.sending = threading.Lock()
        self.jobs = {}
        self.watch = None

    # Life

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception):
        self.close()

    def start(self, timeout=None):
        self.launch()
        self.wait_up(timeout)

    def launch(self):
        """Starts the VMM and returns at once."""
        self.directory = tempfile.mkdtemp(prefix="viofs-guest-")
        initrd = os.path.join(self.directory, "initrd")
        initramfs.build(initrd, self.agent, self.kernel.modules(), self.files)
        self.port, theirs = socket.socketpair()
        self.dead = self.up = False
        self.jobs = {}
        command = self.uml(initrd, theirs.fileno()) if self.kernel.kind == "uml" else self.qemu(initrd, theirs.fileno())
        environment = dict(os.environ)
        if self.kernel.prefix:
            os.symlink(self.kernel.prefix + "/usr/lib64/ld-linux-x86-64.so.2", os.path.join(self.directory, "ld.so"))
            environment["LD_LIBRARY_PATH"] = self.kernel.prefix + "/usr/lib/x86_64-linux-gnu"
        with open(os.path.join(self.directory, "log"), "wb") as log:
            # A session of its own, so that a signal reaches every process that UML makes of its guest's.
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            pass_fds=[theirs.fileno()], start_new_session=True,
                                            preexec_fn=die_with_parent, cwd=self.directory, env=environment)
        theirs.close()
        self.reader = threading.Thread(target=self.read, args=(self.port,), daemon=True)
        self.reader.start()

    def wait_up(self, timeout=None):
        timeout = timeout or (60 if self.kernel.kind == "uml" else 180)
        deadline = time.monotonic() + timeout
        while not self.up and self.process.poll() is None and time.monotonic() < deadline:
            self.wait(lambda: self.up, 0.2)
            if self.dead:
                break
        if not self.up:
            raise GuestError(f"the guest did not come up\n{self.log_tail()}")

    def uml(self, initrd, port):
        command = [
            self.kernel.image, f"mem={self.memory}M", f"initrd={initrd}", f"uml_dir={self.directory}/", "umid=uml",
            "con=null", "con0=null,fd:1", "ssl=null", f"ssl0=fd:{port}", "viofs.port=ttyS0", "loglevel=4", "panic=-1"]
        return command + [f"virtio_uml.device={path}:{VIRTIO_ID_FS}" for path in self.sockets]

    def qemu(self, initrd, port):
        accel = self.accel or ("kvm" if kvm_works(self.kernel, self.agent) else "tcg")
        command = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
            "-action", f"reboot={'reset' if self.resets else 'shutdown'}",
            "-qmp", f"unix:{self.directory}/qmp,server=on,wait=off",
            "-machine", f"q35,accel={accel}", "-cpu", "host" if accel == "kvm" else "max",
            "-smp", "2", "-m", f"{self.memory}M",
            "-object", f"memory-backend-memfd,id=mem,size={self.memory}M,share={self.share}", "-numa", "node,memdev=mem",
            "-kernel", self.kernel.image, "-initrd", initrd,
            "-append", "console=ttyS0 loglevel=4 panic=-1 viofs.port=ttyS1 mitigations=off tsc=unstable " + self.boot,
            "-serial", "stdio", "-chardev", f"socket,id=port,fd={port}", "-serial", "chardev:port"]
        for i, path in enumerate(self.sockets):
            command += ["-chardev", f"socket,id=fs{i},path={path}", "-device",
                        f"vhost-user-fs-pci,chardev=fs{i},tag={self.tags[i]},num-request-queues={self.queues}" +
                        self.properties]
        return command

    def stop(self, timeout=20):
        """Powers the guest off in an orderly way; kills it if it does not obey."""
        if self.process and self.process.poll() is None:
            try:
                self.send(b"Q", 0, b"")
                self.process.wait(timeout)
            except (OSError, GuestError, subprocess.TimeoutExpired):
                pass
        self.kill()

    def kill(self):
        """kill -9 of everything that belongs to the guest."""
        if self.process:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
            self.process = None
        if self.port:
            self.port.close()
            self.port = None
        if self.reader and self.reader is not threading.current_thread():
            self.reader.join(5)

    def close(self):
        self.stop(5)
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None

    def reboot(self):
        """Powers off and boots anew, towards the same daemons."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.start()

    def reset(self):
        """QEMU's reset button: the guest boots anew in the same QEMU, whatever it was doing."""
        self.jobs = {}
        self.up = False
        with socket.socket(socket.AF_UNIX) as qmp, qmp.makefile("r", encoding="utf-8") as answers:
            qmp.settimeout(10)
            qmp.connect(f"{self.directory}/qmp")
            answers.readline()
            for command in ("qmp_capabilities", "system_reset"):
                qmp.sendall(json.dumps({"execute": command}).encode())
                while '"return"' not in answers.readline():
                    pass
        self.wait_up()

    def log_tail(self, size=3000):
        try:
            with open(os.path.join(self.directory, "log"), "rb") as f:
                return "the end of its log:\n" + f.read()[-size:].decode(errors="replace")
        except (OSError, TypeError):
            return "it left no log"

    def wait(self, condition, timeout=None):
        """
        Waits until condition() holds, which it is asked whenever the guest says something; false when it does not in
        time or the guest is dead. Raises what self.watch() raises: a guest whose daemon is gone may hang forever.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with self.changed:
                self.changed.wait_for(lambda: condition() or self.dead, 0.5)
                if condition():
                    return True
                if self.dead or (deadline is not None and time.monotonic() > deadline):
                    return False
            if self.watch:
                self.watch()

    # The line to the agent

    def send(self, kind, number, payload):
        with self.sending:
            if not self.port:
                raise GuestError("the guest is not running")
            self.port.sendall(FRAME.pack(kind[0], 0, number, len(payload)) + payload)

    def read(self, port):
        buffer = b""
        try:
            while True:
                data = port.recv(PAYLOAD_MAX)
                if not data:
                    break
                buffer += data
                if not self.up:
                    at = buffer.find(HELLO)
                    if at < 0:
                        continue
                    buffer = buffer[at + len(HELLO):]
                    with self.changed:
                        self.up = True
                        self.changed.notify_all()
                buffer = self.take_frames(buffer)
        except OSError:
            pass
        with self.changed:
            self.dead = True
            self.changed.notify_all()

    def take_frames(self, buffer):
        while len(buffer) >= FRAME.size:
            kind, _, number, length = FRAME.unpack_from(buffer)
            if len(buffer) < FRAME.size + length:
                break
            payload = buffer[FRAME.size:FRAME.size + length]
            buffer = buffer[FRAME.size + length:]
            with self.changed:
                job = self.jobs.get(number)
                if not job:
                    continue
                if job.sink and kind != ord("X"):
                    job.sink(payload, kind == ord("E"))
                elif kind == ord("O"):
                    job.out += payload
                elif kind == ord("E"):
                    job.err += payload
                else:
                    job.status = struct.unpack("<I", payload)[0]
                    del self.jobs[number]
                self.changed.notify_all()
        return buffer

    def spawn(self, command, terminal=False, size=(24, 80), sink=None):
        """Starts a shell command; sink(bytes, is_error) takes its output instead of the job's buffers."""
        with self.changed:
            number = next(n for n in range(JOBS_MAX) if n not in self.jobs)
            job = self.jobs[number] = Job(self, number, sink)
        payload = struct.pack("<BBHH", terminal, 0, *size) + command.encode()
        if len(payload) > PAYLOAD_MAX:
            raise GuestError("the command is too long for one frame")
        self.send(b"R", number, payload)
        if not terminal:
            self.send(b"I", number, b"")
        return job

    def run(self, command, timeout=60):
        """Runs a shell command to its end; returns the job with status and output."""
        job = self.spawn(command)
        job.wait(timeout)
        return job

    def check(self, command, timeout=60):
        """Like run(), for a command that must succeed; returns what it printed."""
        job = self.run(command, timeout)
        if job.status:
            raise GuestError(f"{command!r} in the guest ended with {job.status}: {job.text[-2000:]}")
        return job.out.decode(errors="replace")

    def switch_root(self, path):
        with self.changed:
            number = next(n for n in range(JOBS_MAX) if n not in self.jobs)
            job = self.jobs[number] = Job(self, number)
        self.send(b"S", number, path.encode())
        if job.wait(20):
            raise GuestError(f"{path} cannot become the guest's root\n{self.log_tail()}")


def kvm_works(kernel, agent):
    """Whether KVM runs the guest kernel: tried once per boot of this machine, since /dev/kvm alone proves nothing."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
        boot = f.read().strip()
    note = os.path.join(CACHE, "kvm")
    try:
        with open(note, encoding="ascii") as f:
            known, answer = f.read().split()
        if known == boot:
            return answer == "yes"
    except (OSError, ValueError):
        pass
    probe = Guest(kernel, agent, accel="kvm")
    try:
        probe.start(20)
        works = True
    except GuestError:
        works = False
    finally:
        probe.close()
    os.makedirs(CACHE, exist_ok=True)
    with open(note, "w", encoding="ascii") as f:
        f.write(f"{boot} {'yes' if works else 'no'}\n")
    return works
