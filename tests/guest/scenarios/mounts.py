# SPDX-License-Identifier: BSD-3-Clause
"""Mounts of a share that are more than a mount: with other owners, read-only and without opens, by handle."""

import os

from scenario import scenario

FILE_ID = 5000  # of root in the idmapped mount; its user 1000 is 6000


@scenario("newer")
def idmapped(run):
    """An idmapped mount in the guest: what is made through it belongs to the mapped users on the host."""
    os.chown(run.directory(), FILE_ID, FILE_ID)
    os.chmod(run.directory(), 0o777)
    guest = run.guest(run.daemon())
    guest.check(f"mkdir /mapped; idmap /share /mapped {FILE_ID} 0 2000")
    guest.check("cd /mapped; echo x > f; mkdir d; ln -s f l; mkfifo p; ln f h; mv h i; su user -c 'echo y > u; mkdir v'")
    found = {name: (os.lstat(path).st_uid, os.lstat(path).st_gid)
             for name in sorted(os.listdir(run.directory())) for path in [os.path.join(run.directory(), name)]}
    root, user = (FILE_ID,) * 2, (FILE_ID + 1000,) * 2
    run.same("owners on the host", found, {"d": root, "f": root, "i": root, "l": root, "p": root, "u": user, "v": user})
    run.same("owners through the mount", guest.check("stat -c '%u %g' /mapped/f /mapped/u").split("\n")[:2], ["0 0", "1000 1000"])
    guest.check("chown 7:8 /mapped/f")
    run.same("a new owner on the host", os.stat(run.directory() + "/f")[4:6], (FILE_ID + 7, FILE_ID + 8))


@scenario("uml", "newer")
def without_opens(run):
    """--readonly --cache always: the guest opens once, learns that it need not, and reads on without asking."""
    os.mkdir(run.directory() + "/d")
    for name in "abcdefgh":
        run.write(f"{run.directory()}/d/{name}", name * 5000)
    daemon = run.daemon(["--readonly", "--cache", "always", "--log-level", "debug"])
    guest = run.guest(daemon)
    run.same("files", guest.check("cd /share/d; for f in *; do wc -c < $f; done").split(), ["5000"] * 8)
    run.same("directories", guest.check("find /share -type f | wc -l; ls /share/d | wc -l").split(), ["8", "8"])
    for opcode in ("OPEN", "OPENDIR"):
        run.same(f"{opcode} requests", [line.split(":")[-1].split(",")[0].strip() for line in daemon.log(1 << 20).splitlines()
                                       if f" {opcode} unique" in line], ["-38"])
    run.ok("a change is refused", "Read-only" in guest.run("echo x > /share/d/a").text)


@scenario("newer", "uml")
def groups_beside_the_first(run):
    """A directory that a user may write to by a supplementary group only."""
    guest = run.guest(run.daemon())
    guest.check("cd /share; mkdir d; chown 0:1001 d; chmod 2770 d")
    guest.check("su user -c 'cd /share/d; echo x > f; mkdir e; ln -s x l; mkfifo p; ln f g; mv g h; rm h'")
    found = {name: os.lstat(os.path.join(run.directory(), "d", name))[4:6] for name in "felp"}
    run.same("owners on the host", found, {name: (1000, 1001) for name in "felp"})
    run.ok("others may not", guest.run("su user -c 'mkdir /share/x'").status != 0)


@scenario("qemu")
def security_label(run):
    """A guest with SELinux: what it creates has its label from the beginning, in one request, and on the host."""
    daemon = run.daemon(["--security-label", "--modcaps", "+sys_admin", "--log-level", "debug"])
    guest = run.guest(daemon, boot="security=selinux enforcing=0")
    guest.check("echo x > /share/f; mkdir /share/d; ln -s f /share/l; mknod /share/p p")
    for name in "fdlp":
        try:
            label = os.getxattr(os.path.join(run.directory(), name), "security.selinux", follow_symlinks=False)
        except OSError as error:
            label = str(error).encode()
        run.ok(f"the label of {name}", label.rstrip(b"\0") == b"unlabeled", repr(label))
    run.ok("no request of its own for it", " SETXATTR unique" not in daemon.log(1 << 20), daemon.log())
