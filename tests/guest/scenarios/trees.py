# SPDX-License-Identifier: BSD-3-Clause
"""Whole trees: overlays, submounts, walks over many files, the share as root file system."""

import os
import subprocess

from guest import initramfs
from scenario import Skip, scenario

WALK_FILES = int(os.environ.get("VIOFS_WALK_FILES", "20000"))
BYTES_PER_INODE = 160


@scenario("uml", "newer", options={
    "trusted": ["--xattr", "--modcaps", "+sys_admin"],
    "xattrmap": ["--xattr", "--xattrmap", ":map::user.virtiofs.:"]})
def overlay(run, options):
    """overlayfs in the guest with its upper directory on the share: copy up, whiteouts, opaque directories, rename."""
    guest = run.guest(run.daemon(options))
    guest.check("mkdir -p /share/upper /share/work /tmp/lower/d /merged; echo low > /tmp/lower/f; "
                "echo gone > /tmp/lower/g; echo x > /tmp/lower/d/x; echo keep > /tmp/lower/k")
    job = guest.run("mount -t overlay overlay -o lowerdir=/tmp/lower,upperdir=/share/upper,workdir=/share/work /merged")
    if not run.same("it mounts", (job.status, job.text), (0, "")):
        run.ok("log", False, guest.check("dmesg | tail"))
        return
    guest.check("echo high >> /merged/f; rm /merged/g; rm -r /merged/d; mkdir /merged/d; echo y > /merged/d/y; "
                "mv /merged/k /merged/l; mkdir /merged/n; mv /merged/n /merged/m")
    run.same("what is there", guest.check("cd /merged; ls; cat f d/y l; ls d"), "d\nf\nl\nm\nlow\nhigh\ny\nkeep\ny\n")
    guest.check("umount /merged; mount -t overlay overlay "
                "-o lowerdir=/tmp/lower,upperdir=/share/upper,workdir=/share/work /merged")
    run.same("the same after a remount", guest.check("cd /merged; ls; cat f d/y l; ls d"), "d\nf\nl\nm\nlow\nhigh\ny\nkeep\ny\n")
    run.same("a whiteout on the share", guest.check("stat -c '%F %t %T' /share/upper/g"), "character special file 0 0\n")
    run.fsops(guest, ["mmap", "chown"], "data,locks,users.creates_as_self,users.denied,users.sticky,names.deep_tree,names.list_many,names.rename_plain,"
              "names.rename_exchange,names.unlinked_open", directory="/merged")


@scenario("uml", "newer", options={"announced": ["--announce-submounts"], "hidden": ["--no-announce-submounts"]})
def submounts(run, options):
    """File systems mounted inside the shared directory: seen, told apart, and announced when asked to."""
    sub = run.directory("share/sub")
    if subprocess.run(["mount", "-t", "tmpfs", "viofs-test", sub], check=False).returncode:
        raise Skip("cannot mount a tmpfs here")
    run.stack.callback(subprocess.run, ["umount", "-l", sub], check=False)
    for i in range(40):
        run.write(f"{sub}/f{i}", "in")
        run.write(run.directory() + f"/f{i}", "out")
    guest = run.guest(run.daemon(options))
    run.same("files of both", guest.check("cat /share/f1 /share/sub/f1"), "outin")
    stats = guest.check("stat -c '%d:%i' /share/* /share/sub/*").split()
    run.same("each file is told apart", len(set(stats)), 81)
    mounted = "/share/sub" in guest.check("cat /proc/self/mountinfo")
    run.same("it is a mount of its own in the guest", mounted, options == ["--announce-submounts"])
    guest.check("echo new > /share/sub/new; mv /share/sub/new /share/sub/newer")
    job = guest.run("mv /share/sub/newer /share/moved")
    run.same("a move across them ends up right", (job.status, guest.check("cat /share/moved")), (0, "new\n"))


@scenario("uml", "newer", options={"handles": ["--inode-file-handles=prefer"], "default": []})
def walk(run, options):
    """A guest that looks at many files leaves the daemon within its descriptors and its memory."""
    for i in range(WALK_FILES // 500):
        directory = run.directory(f"share/d{i}")
        for j in range(500):
            os.mknod(f"{directory}/f{j}", 0o644)
    daemon = run.daemon(options + ["--rlimit-nofile", "4096"] if options else [])
    guest = run.guest(daemon, memory=512)
    guest.check("ls /share > /dev/null")
    before = memory(daemon)
    count = int(guest.check("find /share -type f -exec stat -c %i {} + | wc -l", 300))
    run.same("all are found", count, WALK_FILES // 500 * 500)
    after = memory(daemon)
    run.ok(f"at most {BYTES_PER_INODE} bytes an inode",
           after - before <= WALK_FILES * BYTES_PER_INODE + (1 << 20), f"{before} before, {after} after")
    guest.check("echo 3 > /proc/sys/vm/drop_caches; ls /share > /dev/null")
    run.ok("the daemon lives on", daemon.running(), daemon.log())
    guest.check("rm -r /share/d0", 120)
    run.ok("removing", not os.path.exists(run.directory() + "/d0"))


def memory(daemon):
    """Bytes of anonymous memory of the daemon's processes."""
    total = 0
    for pid in os.listdir("/proc"):
        try:
            if pid.isdigit() and os.getpgid(int(pid)) == daemon.process.pid:
                with open(f"/proc/{pid}/status", encoding="ascii") as f:
                    total += sum(int(line.split()[1]) * 1024 for line in f if line.startswith("RssAnon"))
        except OSError:
            pass
    return total


@scenario("uml", "newer", "qemu")
def as_root(run):
    """The share is the guest's root file system, programs and all."""
    initramfs.make_root(run.directory())
    guest = run.guest(run.daemon(["--cache", "always"]), mount=False)
    guest.check("mount -t virtiofs share /newroot")
    guest.switch_root("/newroot")
    run.same("what is mounted on /", guest.check("awk '$2 == \"/\" { print $3 }' /proc/mounts").split()[-1], "virtiofs")
    guest.check("echo hello > /root/f; cp /bin/busybox /tmp/b; cmp /bin/busybox /tmp/b")
    run.same("files", run.read(run.directory() + "/root/f"), "hello\n")
