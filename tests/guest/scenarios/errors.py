# SPDX-License-Identifier: BSD-3-Clause
"""Errors of the host's storage reach the guest as what they are."""

import os
import shutil
import subprocess

from scenario import Skip, scenario


@scenario("uml", "newer", options={"plain": [], "writeback": ["--writeback", "--cache", "always"]})
def no_space(run, options):
    """ENOSPC from a full file system, and life after it."""
    path, _ = run.loop_file_system("full", 16)
    guest = run.guest(run.daemon(options, path))
    job = guest.run("dd if=/dev/zero of=/share/big bs=64k count=1000 conv=fsync")
    run.ok("dd fails with ENOSPC", job.status and "No space left" in job.text, job.text)
    guest.run("rm /share/big; sync")
    run.same("there is room again", guest.run("dd if=/dev/zero of=/share/s bs=64k count=10 conv=fsync").status, 0)
    job = guest.run("fallocate -l 1000000000 /share/f")
    run.ok("fallocate too", job.status and "No space left" in job.text, job.text)


@scenario("uml", "newer")
def no_inodes(run):
    """ENOSPC for a new file when the inodes are used up, with the data of others intact."""
    path, _ = run.loop_file_system("inodes", 16, ("mke2fs", "-q", "-t", "ext4", "-F", "-N", "64"))
    guest = run.guest(run.daemon(shared=path))
    job = guest.run("i=0; while [ $i -lt 100 ]; do : > /share/f$i || exit 9; i=$((i+1)); done")
    run.ok("creating fails with ENOSPC", job.status and "No space left" in job.text, job.text)
    run.same("mkdir as well", guest.run("mkdir /share/dir").status, 1)
    guest.check("rm /share/f0; mkdir /share/dir")
    run.ok("and works when there is room", os.path.isdir(path + "/dir"))


@scenario("uml", "newer")
def over_quota(run):
    """EDQUOT for a user of the guest who is over the limit that the host sets."""
    path, _ = run.loop_file_system("quota", 32, ("mke2fs", "-q", "-t", "ext4", "-F", "-O", "quota", "-E",
                                                 "quotatype=usrquota"), "loop,usrquota")
    if subprocess.run(["setquota", "-u", "1000", "1000", "1000", "0", "0", path], check=False,
                      capture_output=True).returncode:
        raise Skip("the host has no disk quotas (package quota and CONFIG_QUOTA)")
    os.chmod(path, 0o777)
    guest = run.guest(run.daemon(shared=path))
    job = guest.run("su user -c 'dd if=/dev/zero of=/share/f bs=64k count=100 conv=fsync'")
    run.ok("EDQUOT", job.status and "quota" in job.text.lower(), job.text)


@scenario("uml", "newer")
def over_quota_of_subvolume(run):
    """EDQUOT for everybody: a btrfs subvolume with a limit of its own."""
    if not shutil.which("mkfs.btrfs"):
        raise Skip("btrfs-progs is not installed")
    path, _ = run.loop_file_system("subvolume", 160, ("mkfs.btrfs", "-q", "-f"))
    share = path + "/share"
    for command in (["quota", "enable", path], ["subvolume", "create", share], ["qgroup", "limit", "4M", share]):
        subprocess.run(["btrfs"] + command, check=True, capture_output=True)
    guest = run.guest(run.daemon(shared=share))
    job = guest.run("dd if=/dev/zero of=/share/f bs=64k count=200 conv=fsync")
    run.ok("EDQUOT", job.status and "quota" in job.text.lower(), job.text)
    run.ok("what fits is kept", int(guest.check("stat -c %s /share/f")) > 1 << 20)
    guest.check("rm /share/f; sync")
    run.ok("the guest goes on", guest.run("echo x > /share/small; cat /share/small").out == b"x\n")


@scenario("uml", "newer")
def broken_storage(run):
    """EIO: the image under a mounted file system loses its end."""
    path, image = run.loop_file_system("broken", 32)
    block = os.urandom(1 << 20)
    with open(path + "/f", "wb") as f:
        for _ in range(16):
            f.write(block)
        f.flush()
        os.fsync(f.fileno())
    guest = run.guest(run.daemon(shared=path))
    guest.check("head -c 1000 /share/f | wc -c")
    os.truncate(image, 2 << 20)
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write("1")
    job = guest.run("dd if=/share/f of=/dev/null bs=64k skip=1")
    run.ok("reading fails with EIO", job.status and "Input/output error" in job.text, job.text)
    run.ok("the guest goes on", guest.run("ls /").status == 0)


@scenario("uml", "newer")
def read_only_host(run):
    """EROFS from a file system that the host mounted read-only."""
    path, _ = run.loop_file_system("ro", 16)
    run.write(path + "/f", "text")
    if subprocess.run(["mount", "-o", "remount,ro", path], check=False, capture_output=True).returncode:
        raise Skip("the host cannot remount read-only")
    guest = run.guest(run.daemon(shared=path))
    job = guest.run("echo x > /share/f")
    run.ok("writing fails with EROFS", job.status and "Read-only" in job.text, job.text)
    run.same("reading works", guest.check("cat /share/f"), "text")


@scenario("uml", "newer")
def read_only_option(run):
    """--readonly: reads work, everything that changes something is EROFS."""
    run.write(run.directory() + "/f", "text")
    os.mkdir(run.directory() + "/d")
    guest = run.guest(run.daemon(["--readonly"]))
    run.same("reading works", guest.check("cat /share/f; ls /share"), "textd\nf\n")
    for what in ("echo x > /share/f", "echo x > /share/new", "mkdir /share/new", "rm /share/f", "rmdir /share/d",
                 "mv /share/f /share/g", "chmod 777 /share/f", "ln -s x /share/s", "ln /share/f /share/h",
                 "truncate -s 0 /share/f", "chown 5 /share/f", "touch /share/f", "mknod /share/p p"):
        job = guest.run(what)
        run.ok(f"refused: {what}", job.status and "Read-only" in job.text, job.text)
    run.same("nothing has changed", sorted(os.listdir(run.directory())), ["d", "f"])
    run.same("nor the text", run.read(run.directory() + "/f"), "text")


@scenario("uml", "newer")
def descriptors_run_out(run):
    """A small limit of descriptors: the request that needs one too many fails, nothing else does."""
    guest = run.guest(run.daemon(["--rlimit-nofile", "400", "--inode-file-handles=never"]))
    job = guest.run("mkdir /share/d; cd /share/d; i=0; while [ $i -lt 600 ]; do : > f$i || exit 9; i=$((i+1)); done", 120)
    run.ok("too many at once: EMFILE or ENFILE, if anything",
           not job.status or "Too many open files" in job.text or "File table" in job.text, job.text)
    guest.check("echo 2 > /proc/sys/vm/drop_caches")
    run.same("after the guest has forgotten some, it goes on", guest.run("echo x > /share/after").status, 0)
