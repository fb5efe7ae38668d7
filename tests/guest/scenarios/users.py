# SPDX-License-Identifier: BSD-3-Clause
"""Who is who: daemons without root, translated and squashed ids, sandboxes."""

import os
import subprocess

from scenario import Skip, scenario

NOBODY = 65534
GUEST_USER = 1000


def owner(run, name):
    st = os.lstat(os.path.join(run.directory(), name))
    return st.st_uid, st.st_gid


def needs_user_namespaces(uid):
    """Whether an ordinary user may make a user namespace here."""
    probe = subprocess.run(["unshare", "-Ur", "true"], user=uid, group=uid, extra_groups=[], check=False,
                           capture_output=True)
    if probe.returncode:
        raise Skip(f"ordinary users may not make user namespaces here: {probe.stderr.decode().strip()}")


@scenario("uml", "newer", options={"namespace": ["--sandbox", "namespace"], "none": ["--sandbox", "none"]})
def daemon_without_root(run, options):
    """A daemon of an ordinary user serves that user's files, all of which belong to the user."""
    if os.getuid():
        raise Skip("needs root to become another user")
    if "namespace" in options:
        needs_user_namespaces(NOBODY)
    os.chown(run.directory(), NOBODY, NOBODY)
    if not readable_by(NOBODY, run.directory()):
        raise Skip(f"user {NOBODY} cannot reach the build directory")
    guest = run.guest(run.daemon(options, uid=NOBODY))
    guest.check("echo text > /share/f; mkdir /share/d; ln -s f /share/s; mv /share/f /share/d/g; cat /share/d/g")
    for name in ("d", "d/g", "s"):
        run.same(f"the owner of {name}", owner(run, name), (NOBODY, NOBODY))
    run.fsops(guest, ["mmap", "mmap_shared"], "names,data,locks,map")
    run.ok("chown to a stranger is refused", guest.run("touch /share/o; chown 1234 /share/o").status != 0)


def readable_by(uid, path):
    return subprocess.run(["test", "-w", path], user=uid, group=uid, extra_groups=[], check=False).returncode == 0


@scenario("uml", "newer")
def two_users_at_once(run):
    """Requests of several users at the same time act as the right one each."""
    os.chmod(run.directory(), 0o1777)
    guest = run.guest(run.daemon())
    guest.check("addgroup -S x 2>/dev/null; for u in 2001 2002 2003; do echo u$u:x:$u:$u::/:/bin/sh >> /etc/passwd; done")
    jobs = [guest.spawn(f"su u{user} -c 'i=0; while [ $i -lt 60 ]; do : > /share/{user}-$i; mkdir /share/{user}-d$i; "
                        "i=$((i+1)); done'") for user in (2001, 2002, 2003)]
    jobs.append(guest.spawn("i=0; while [ $i -lt 60 ]; do : > /share/0-$i; mkdir /share/0-d$i; i=$((i+1)); done"))
    for job in jobs:
        run.same("a user's work is done", job.wait(), 0)
    wrong = [name for name in os.listdir(run.directory()) if owner(run, name) != (int(name.split("-")[0]),) * 2]
    run.same("files of the wrong owner", wrong, [])


# variant: (options, {guest id: host id that a file gets}, {host id: guest id that is shown})
TRANSLATIONS = {
    "map": (["--translate-uid", "map:1000:501:1", "--translate-gid", "map:1000:601:1"],
            {(1000, 1000): (501, 601)}, {(501, 601): (1000, 1000)}),
    "squash-guest": (["--translate-uid", "squash-guest:0:70:2000", "--translate-gid", "squash-guest:0:80:2000"],
                     {(1000, 1000): (70, 80), (0, 0): (70, 80)}, {(70, 80): (70, 80)}),
    "guest": (["--translate-uid", "guest:0:10000:2000", "--translate-gid", "guest:0:10000:2000"],
              {(1000, 1000): (11000, 11000), (0, 0): (10000, 10000)}, {(500, 500): (500, 500)}),
    "host": (["--translate-uid", "host:10000:0:2000", "--translate-gid", "host:10000:0:2000"],
             {}, {(10500, 10500): (500, 500)}),
    "squash-host": (["--translate-uid", "squash-host:10000:7:2000", "--translate-gid", "squash-host:10000:8:2000"],
                    {}, {(10500, 11000): (7, 8), (5, 5): (5, 5)}),
    "forbid-guest": (["--translate-uid", "forbid-guest:900:200"], {(1000, 1000): None}, {}),
}


@scenario("uml", "newer", options=TRANSLATIONS)
def translated_ids(run, case):
    options, to_host, to_guest = case
    os.chmod(run.directory(), 0o777)
    for host, _ in to_guest.items():
        path = os.path.join(run.directory(), f"of-{host[0]}")
        run.write(path, "x")
        os.chown(path, *host)
    guest = run.guest(run.daemon(options))
    for (uid, gid), expected in to_host.items():
        who = "root" if uid == 0 else "user"
        job = guest.run(f"su {who} -c 'echo x > /share/by-{uid}; mkdir /share/d-{uid}'")
        if expected is None:
            run.ok(f"{who} is refused", job.status != 0)
            continue
        run.ok(f"{who} creates", job.status == 0, job.text)
        for name in (f"by-{uid}", f"d-{uid}"):
            run.same(f"the owner on the host of {name}", owner(run, name), expected)
    for host, shown in to_guest.items():
        run.same(f"{host} on the host is shown in the guest as",
                 guest.check(f"stat -c '%u %g' /share/of-{host[0]}").strip(), "%d %d" % shown)


@scenario("uml", "newer", options={"namespace": ["--sandbox", "namespace"], "chroot": ["--sandbox", "chroot"],
                          "none": ["--sandbox", "none"]})
def confinement(run, options):
    """Nothing in the shared tree leads out of it, whatever links and names a guest makes."""
    run.write(os.path.join(run.base, "outside"), "secret\n")
    os.symlink("../outside", run.directory() + "/host-link")
    os.symlink(os.path.join(run.base, "outside"), run.directory() + "/host-absolute")
    daemon = run.daemon(options)
    guest = run.guest(daemon)
    job = guest.run("cd /share; ln -s ../outside a; ln -s /etc/passwd b; cat a host-link host-absolute 2>&1; "
                    "ls /share/.. | grep outside; cat /share/../share/../outside")
    run.ok("links are resolved in the guest, not on the host", "secret" not in job.text, job.text)
    if options[1] != "none":
        run.ok("the daemon itself sees no other tree", sandboxed(daemon), "its root or mounts are the host's")


def sandboxed(daemon):
    """Whether no process of the daemon that serves (the youngest) has the host's root directory."""
    group = daemon.process.pid
    pids = [int(p) for p in os.listdir("/proc") if p.isdigit() and group_of(p) == group]
    youngest = max(pids)
    return not os.path.exists(f"/proc/{youngest}/root/usr/bin")


def group_of(pid):
    try:
        return os.getpgid(int(pid))
    except ProcessLookupError:
        return None
