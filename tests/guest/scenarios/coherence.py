# SPDX-License-Identifier: BSD-3-Clause
"""The host and several guests change the same files."""

import fcntl
import os
import shutil
import time

from scenario import scenario

MODES = {mode: mode for mode in ("never", "metadata", "auto", "always")}


def host(run, name):
    return os.path.join(run.directory(), name)


@scenario("uml", "newer", options=MODES)
def host_changes(run, mode):
    """What the host changes is seen at once (never), within a second (auto) or perhaps never (metadata, always)."""
    run.write(host(run, "f"), "one")
    guest = run.guest(run.daemon(["--cache", mode]))
    run.same("the file", guest.check("cat /share/f"), "one")
    run.write(host(run, "f"), "two, longer")
    run.write(host(run, "new"), "n")
    if mode in ("metadata", "always"):
        run.same("what the guest has not seen is found", guest.check("cat /share/new"), "n")
        return
    if mode == "never":
        run.same("a change is seen at once", guest.check("cat /share/f; stat -c %s /share/f"), "two, longer11\n")
    time.sleep(1.2 if mode != "never" else 0)
    run.same("a change is seen", guest.check("cat /share/f; stat -c %s /share/f"), "two, longer11\n")
    run.same("a new file is seen", guest.check("cat /share/new"), "n")
    os.rename(host(run, "new"), host(run, "f"))
    time.sleep(1.2 if mode != "never" else 0)
    run.same("a rename over it is seen", guest.check("cat /share/f"), "n")
    run.same("and the old name is gone", guest.run("cat /share/new").status, 1)
    os.unlink(host(run, "f"))
    os.mkdir(host(run, "f"))
    time.sleep(1.2 if mode != "never" else 0)
    run.same("a directory in place of a file is seen", guest.check("stat -c %F /share/f"), "directory\n")


@scenario("uml", "newer", "qemu")
def host_sees_guest(run):
    """What a guest writes is on the host when the guest's call returns."""
    guest = run.guest(run.daemon())
    guest.check("mkdir /share/d; echo text > /share/d/f; chmod 640 /share/d/f; ln -s f /share/d/s; "
                "touch -d '2001-02-03 04:05:06' /share/d/f")
    st = os.stat(host(run, "d/f"))
    run.same("the text", run.read(host(run, "d/f")), "text\n")
    run.same("the mode", st.st_mode & 0o7777, 0o640)
    run.same("the time", int(st.st_mtime), 981173106)
    run.same("the link", os.readlink(host(run, "d/s")), "f")
    shutil.rmtree(host(run, "d"))


@scenario("uml", "newer")
def open_on_host_removed(run):
    """A file that the host removes, replaces or renames while the guest has it open stays that file."""
    guest = run.guest(run.daemon())
    run.write(host(run, "f"), "old\n")
    job = guest.spawn("exec 3<> /share/f; echo open; while [ ! -e /tmp/go ]; do sleep 0.1; done; cat <&3; "
                      "echo more >&3; stat -L -c '%h %s' /proc/self/fd/3")
    job.wait_for("open")
    os.unlink(host(run, "f"))
    run.write(host(run, "f"), "new file\n")
    guest.check("touch /tmp/go")
    job.wait()
    run.same("it is read and written", job.text, "open\nold\n0 9\n")
    run.same("its successor is left alone", run.read(host(run, "f")), "new file\n")
    time.sleep(1.1)
    run.same("and found by its name", guest.check("cat /share/f"), "new file\n")


@scenario("uml", "newer")
def inode_reuse(run):
    """A host that recycles inode numbers never makes the guest mix two files up."""
    guest = run.guest(run.daemon(["--cache", "never"]))
    found = []
    for i in range(20):
        run.write(host(run, "f"), f"content {i}\n")
        found.append(guest.check("cat /share/f").strip())
        os.unlink(host(run, "f"))
    run.same("the guest reads what is there", found, [f"content {i}" for i in range(20)])
    run.ok("or nothing", guest.run("cat /share/f").status != 0)


@scenario("uml", "newer")
def inode_numbers(run):
    """Inode numbers stay the same over remounts and are the same for hard links."""
    guest = run.guest(run.daemon())
    guest.check("cd /share; for i in 1 2 3 4 5 6; do echo $i > f$i; mkdir d$i; done; ln f1 d1/hard")
    before = guest.check("cd /share; stat -c '%i %n' * d1/hard")
    guest.check("umount /share; mount -t virtiofs share /share")
    run.same("after a remount", guest.check("cd /share; stat -c '%i %n' * d1/hard"), before)
    numbers = [line.split()[0] for line in before.splitlines()]
    run.same("unique but for the link", len(set(numbers)), len(numbers) - 1)


@scenario("uml", "newer")
def two_guests(run):
    """Two guests share a directory through a daemon each."""
    shared = run.directory()
    one = run.guest(run.daemon(["--cache", "never"], shared))
    two = run.guest(run.daemon(["--cache", "never"], shared))
    one.check("echo hello > /share/f; mkdir /share/d")
    run.same("one sees the other's file", two.check("cat /share/f"), "hello\n")
    two.check("mv /share/f /share/d/g")
    run.same("a rename", one.check("cat /share/d/g; ls /share"), "hello\nd\n")
    writers = [guest.spawn(f"i=0; while [ $i -lt 100 ]; do echo {name}123456789 >> /share/log; i=$((i+1)); done")
               for name, guest in (("a", one), ("b", two))]
    for job in writers:
        job.wait()
    lines = run.read(shared + "/log").splitlines()
    run.same("no appended line is lost or torn", sorted(set(lines)) + [len(lines)], ["a123456789", "b123456789", 200])
    holder = one.spawn("flock /share/d/g sh -c 'echo held; sleep 2'")
    holder.wait_for("held")
    run.same("flock excludes the other", two.run("flock -n /share/d/g true").status, 1)
    with open(shared + "/d/g", "rb") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            excluded = False
        except BlockingIOError:
            excluded = True
        ofd_excluded = False
        try:
            fcntl.lockf(open(shared + "/d/g", "r+b"), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            ofd_excluded = True
    run.ok("and the host", excluded or ofd_excluded)
    began = time.monotonic()
    run.same("a waiting lock is granted", two.run("flock /share/d/g echo got").out, b"got\n")
    run.ok("when the other is released", time.monotonic() - began < 5 and holder.wait() == 0)


@scenario("uml", "newer")
def one_daemon_one_guest(run):
    """A second guest on the socket of a busy daemon does not disturb the first."""
    daemon = run.daemon()
    guest = run.guest(daemon)
    other = run.guest(daemon, start=False)
    other.launch()
    guest.check("echo still here > /share/f")
    run.same("the first goes on", guest.check("cat /share/f"), "still here\n")
    other.kill()
    run.same("and after the second is gone", guest.check("cat /share/f"), "still here\n")
