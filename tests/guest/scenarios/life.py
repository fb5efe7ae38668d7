# SPDX-License-Identifier: BSD-3-Clause
"""Guests and daemons that come, go and die."""

import os
import signal
import subprocess
import time

from guest.guest import GuestError
from scenario import scenario


@scenario("uml", "newer", "qemu")
def reboot(run):
    """The same daemon serves a guest that is switched off and on again."""
    daemon = run.daemon()
    guest = run.guest(daemon)
    guest.check("echo first > /share/a; sync")
    descriptors = len(os.listdir(f"/proc/{daemon.process.pid}/fd")) if daemon.running() else 0
    for life in (2, 3):
        guest.reboot()
        run.mount(guest)
        run.same(f"life {life} sees what was written", guest.check("cat /share/a"), "first\n")
    run.ok("the daemon lives on", daemon.running(), daemon.log())
    now = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
    run.ok("no descriptors are left behind", now <= descriptors + 2, f"{descriptors} before, {now} after")


@scenario("uml", "newer", "qemu")
def remount(run):
    """Unmounting and mounting again within one life of the guest."""
    guest = run.guest(run.daemon())
    for i in range(3):
        guest.check(f"echo {i} > /share/f && umount /share && mount -t virtiofs share /share")
        run.same(f"mount {i + 2} works", guest.check("cat /share/f"), f"{i}\n")


@scenario("uml", "newer", "qemu")
def killed_guest(run):
    """kill -9 of the guest in the middle of reading and writing; the next one finds a working daemon."""
    daemon = run.daemon()
    guest = run.guest(daemon)
    guest.spawn("cd /share; while :; do dd if=/dev/zero of=a bs=64k count=64 2>/dev/null; cat a > b; rm b; done")
    guest.spawn("cd /share; while :; do for i in 1 2 3 4 5 6 7 8; do echo $i > n$i; mv n$i m$i; ls > /dev/null; done; done")
    guest.spawn("cd /share; : > l; fsops -o locks.posix_waits /share; flock l sleep 1000")
    time.sleep(1)
    guest.kill()
    run.ok("the daemon lives on", daemon.running(), daemon.log())
    with run.guest(daemon, start=False) as after:
        run.mount(after)
        after.check("echo alive > /share/after")
        run.same("the next guest works", run.read(run.directory() + "/after"), "alive\n")
        run.same("and locks of the dead one are gone", after.run("flock -n /share/l echo free", 20).out, b"free\n")


@scenario("uml", "newer", "qemu")
def daemon_comes_later(run):
    """The guest connects to a socket that nobody serves yet and waits for the daemon that gets it as --fd."""
    run.write(run.directory() + "/f", "late\n")
    daemon = run.daemon(start=False, listen_fd=True)
    guest = run.guest(daemon, start=False)
    guest.launch()
    time.sleep(1.5)
    daemon.start()
    guest.wait_up()
    run.mount(guest)
    run.same("the guest works", guest.check("cat /share/f"), "late\n")


@scenario("uml", "newer")
def daemon_ends(run):
    """SIGTERM ends the daemon at once, with a guest connected; its socket goes with it."""
    daemon = run.daemon()
    guest = run.guest(daemon)
    guest.check("echo x > /share/f")
    began = time.monotonic()
    status = daemon.stop(signal.SIGTERM, 5)
    run.ok("it ends within a second", status is not None and time.monotonic() - began < 1, f"status {status}")
    run.ok("with status 0", status in (0, -signal.SIGTERM), f"status {status}\n{daemon.log()}")


@scenario("uml", "newer")
def exit_on_disconnect(run):
    """--exit-on-disconnect: the daemon ends with its first guest, as virtiofsd does."""
    daemon = run.daemon(["--exit-on-disconnect"])
    guest = run.guest(daemon)
    guest.check("echo x > /share/f")
    guest.stop()
    try:
        status = daemon.process.wait(5)
    except subprocess.TimeoutExpired:
        status = "still running"
    run.same("its exit status", status, 0)


@scenario("uml", "newer")
def two_devices(run):
    """One guest with two devices of two daemons."""
    first = run.daemon(shared=run.directory("one"), tag="one")
    second = run.daemon(shared=run.directory("two"), tag="two")
    guest = run.guest(first, second)
    guest.check("echo 1 > /one/f; echo 2 > /two/f; mv /one/f /two/g")
    run.same("files go from one to the other", run.read(run.directory("two") + "/g"), "1\n")
    run.same("and stay apart", os.listdir(run.directory("one")), [])


@scenario("uml", "newer")
def busy_while_waiting(run):
    """A waiting lock holds nobody up, not even many of them on the one request queue."""
    guest = run.guest(run.daemon())
    guest.check("touch /share/l")
    holder = guest.spawn("flock /share/l sh -c 'echo held; sleep 4'")
    holder.wait_for("held")
    waiting = [guest.spawn("flock /share/l true") for _ in range(20)]
    time.sleep(0.3)
    began = time.monotonic()
    guest.check("for i in 1 2 3 4 5; do echo $i > /share/x$i; cat /share/x$i; done; ls -la /share")
    run.ok("other requests are served", time.monotonic() - began < 2 and holder.status is None)
    run.ok("all locks are granted in the end", all(job.wait(30) == 0 for job in waiting))


@scenario("uml", "newer")
def guest_that_resets(run):
    """A guest whose kernel panics in the middle of it."""
    daemon = run.daemon()
    guest = run.guest(daemon)
    guest.check("echo x > /share/f")
    try:
        guest.run("echo c > /proc/sysrq-trigger", 10)
    except GuestError:
        pass
    guest.kill()
    with run.guest(daemon, start=False) as after:
        run.mount(after)
        run.same("the next guest works", after.check("cat /share/f"), "x\n")
