# SPDX-License-Identifier: BSD-3-Clause
"""The file system contract (tests/guest/ops) under every option that changes how it is kept."""

from scenario import scenario

BASE = ["mknod", "chown", "ioctl", "mmap", "mmap_shared"]
XATTR = BASE + ["xattr", "security"]

# variant: (options of the daemon, what the guest may then rely on)
MODES = {
    "default": ([], BASE),
    "never": (["--cache", "never"], [w for w in BASE if w != "mmap_shared"]),
    "metadata": (["--cache", "metadata"], [w for w in BASE if w != "mmap_shared"]),
    "always": (["--cache", "always"], BASE),
    "xattr": (["--xattr", "--posix-acl", "--modcaps", "+sys_admin"], XATTR + ["trusted", "acl"]),
    "writeback": (["--writeback", "--cache", "always"], BASE + ["writeback"]),
    "direct": (["--allow-direct-io"], BASE + ["direct"]),
    "sandbox-chroot": (["--sandbox", "chroot"], BASE),
    "sandbox-none": (["--sandbox", "none", "--seccomp", "none"], BASE),
    "handles": (["--inode-file-handles=mandatory"], BASE),
    "no-handles": (["--inode-file-handles=never"], BASE),
    "killpriv": (["--killpriv-v2", "--xattr"], XATTR + ["killpriv"]),
    "submounts": (["--announce-submounts"], BASE),
    "no-readdirplus": (["--no-readdirplus"], BASE),
    "xattrmap": (["--xattr", "--xattrmap", ":map::user.virtiofs.:"], BASE + ["xattrmap"]),
    "local-locks": (["--no-posix-lock", "--no-flock"], BASE + ["interrupts"]),
    "memory": (["--backend", "memory", "--xattr"], [w for w in BASE if w != "ioctl"] + ["xattr", "memory"]),
    "threads": (["--thread-pool-size", "4"], BASE),
}
# A newer kernel asks for more (FUSE_STATX, O_TMPFILE, mappings of uncached files), QEMU has several queues.
NEWER = {name: MODES[name] for name in ("metadata", "direct", "killpriv", "local-locks", "handles", "submounts")}
ELSEWHERE = {name: MODES[name] for name in ("default", "xattr", "writeback", "never")}


@scenario("uml", options=MODES)
def contract(run, mode):
    options, have = mode
    run.fsops(run.guest(run.daemon(options)), have)


@scenario("newer", "qemu", options=ELSEWHERE)
def contract_elsewhere(run, mode):
    options, have = mode
    run.fsops(run.guest(run.daemon(options), **({"queues": 2} if run.where == "qemu" else {})), have)


@scenario("newer", options=NEWER)
def contract_newer(run, mode):
    options, have = mode
    run.fsops(run.guest(run.daemon(options)), have)


@scenario("newer")
def mmap_without_cache(run):
    """Shared mappings of files without a cache need a guest of Linux 6.6 or newer and --allow-mmap."""
    run.fsops(run.guest(run.daemon(["--cache", "never", "--allow-mmap"])), BASE, "map")
