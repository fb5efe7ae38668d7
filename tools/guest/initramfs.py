# SPDX-License-Identifier: BSD-3-Clause
"""The guest's first file system: busybox, the agent, kernel modules and whatever a test adds, as a cpio archive."""

import os
import stat
import subprocess

BUSYBOX = "/bin/busybox"


class Archive:
    """A cpio archive in the "newc" format that Linux unpacks as its initramfs."""

    def __init__(self):
        self.parts = []
        self.inode = 0
        self.known = set()

    def _entry(self, name, mode, data=b"", rdev=(0, 0)):
        self.inode += 1
        fields = [self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(name) + 1, 0]
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        self.parts.append(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))

    def directory(self, path, mode=0o755):
        path = path.strip("/")
        if path and path not in self.known:
            self.directory(os.path.dirname(path))
            self.known.add(path)
            self._entry(path, stat.S_IFDIR | mode)

    def file(self, path, data, mode=0o644):
        self.directory(os.path.dirname(path))
        self._entry(path.strip("/"), stat.S_IFREG | mode, data)

    def copy(self, path, source):
        with open(source, "rb") as f:
            self.file(path, f.read(), stat.S_IMODE(os.stat(source).st_mode) | 0o444)

    def symlink(self, path, target):
        self.directory(os.path.dirname(path))
        self._entry(path.strip("/"), stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor, mode=0o600):
        self.directory(os.path.dirname(path))
        self._entry(path.strip("/"), stat.S_IFCHR | mode, rdev=(major, minor))

    def write(self, path):
        with open(path, "wb") as f:
            f.writelines(self.parts)
            self.inode = 0
            head = b"070701" + b"".join(b"%08X" % n for n in [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 11, 0]) + b"TRAILER!!!\0"
            f.write(head + b"\0" * (-len(head) % 4))


def applets():
    return subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()


def build(path, agent, modules, files):
    """Writes the archive. modules: [(name, bytes)] in loading order; files: {path in the guest: path here}."""
    archive = Archive()
    archive.device("/dev/console", 5, 1)
    archive.device("/dev/null", 1, 3, 0o666)
    for directory in ("/proc", "/sys", "/root", "/share", "/newroot", "/etc"):
        archive.directory(directory)
    archive.copy("/init", agent)
    archive.copy("/bin/busybox", BUSYBOX)
    for name in applets():
        if name != "busybox":
            archive.symlink("/bin/" + name, "busybox")
    archive.file("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/tmp:/bin/sh\n")
    archive.file("/etc/group", b"root:x:0:\nuser:x:1000:\nteam:x:1001:user\n")
    for name, data in modules:
        archive.file("/lib/modules/" + name, data)
    archive.file("/modules", "".join(f"/lib/modules/{name}\n" for name, _ in modules).encode())
    for target, source in files.items():
        archive.copy(target, source)
    archive.write(path)


def make_root(directory):
    """Makes a directory tree that a guest can have as its root: busybox and the usual empty directories."""
    for name in ("bin", "dev", "proc", "sys", "tmp", "root", "etc"):
        os.makedirs(os.path.join(directory, name), exist_ok=True)
    busybox = os.path.join(directory, "bin/busybox")
    if not os.path.exists(busybox):
        subprocess.run(["cp", BUSYBOX, busybox], check=True)
    for name in applets():
        link = os.path.join(directory, "bin", name)
        if not os.path.lexists(link):
            os.symlink("busybox", link)
    with open(os.path.join(directory, "etc/passwd"), "w", encoding="utf-8") as f:
        f.write("root:x:0:0:root:/root:/bin/sh\n")
