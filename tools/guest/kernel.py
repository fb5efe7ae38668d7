# SPDX-License-Identifier: BSD-3-Clause
"""Finds the kernel of a guest and the modules that it must load."""

import glob
import lzma
import os
import re
import subprocess

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "viofs")
NEWER = os.path.join(CACHE, "newer")
WANTED = {"uml": ("virtiofs", "overlay"), "qemu": ("virtio_pci", "virtiofs", "overlay")}


class Missing(Exception):
    """Something that the machine does not have; the text says what to do about it."""


class Kernel:
    """A bootable kernel. image: the program (UML) or the file that QEMU loads; prefix: tree of the libraries it needs."""

    def __init__(self, kind, version, image, module_dir, prefix=None):
        self.kind = kind
        self.version = version
        self.image = image
        self.module_dir = module_dir
        self.prefix = prefix

    def modules(self):
        """[(file name, content)] of the modules to load, each after those that it needs."""
        found = {}
        for path in glob.glob(os.path.join(self.module_dir, "kernel/**/*.ko*"), recursive=True):
            found[os.path.basename(path).split(".ko")[0].replace("-", "_")] = path
        order = []

        def add(name):
            if name not in found or any(name + ".ko" == n for n, _ in order):
                return
            with (lzma.open if found[name].endswith(".xz") else open)(found[name], "rb") as f:
                data = f.read()
            needs = re.search(rb"\0depends=([^\0]*)\0", data)
            for other in (needs.group(1).decode().split(",") if needs else []):
                add(other.replace("-", "_"))
            order.append((name + ".ko", data))

        for name in WANTED[self.kind]:
            add(name)
        return order


def newest(paths):
    def version(path):
        return [int(n) for n in re.findall(r"\d+", os.path.basename(path))]

    return max(paths, key=version, default=None)


def find_uml(newer=False):
    prefix = NEWER if newer else ""
    image = prefix + "/usr/bin/linux.uml"
    modules = newest(glob.glob(prefix + "/usr/lib/uml/modules/*"))
    if not os.path.exists(image) or not modules:
        raise Missing("the newer User-Mode Linux is not in the cache: run tools/newer" if newer else
                      "User-Mode Linux is not installed: apt-get install user-mode-linux")
    version = os.path.basename(modules)
    return Kernel("uml", version, relocate(image) if newer else image, modules, NEWER if newer else None)


def relocate(image):
    """
    A copy of a program whose loader is ./ld.so: User-Mode Linux executes itself anew, so running it through the
    loader of its own suite does not work. Guest.launch() puts that link into the working directory.
    """
    with open(image, "rb") as f:
        data = f.read()
    old = b"/lib64/ld-linux-x86-64.so.2"
    copy = os.path.join(NEWER, "linux.uml")
    if not os.path.exists(copy) or os.path.getmtime(copy) < os.path.getmtime(image):
        with open(copy + ".new", "wb") as f:
            f.write(data.replace(old, b"./ld.so".ljust(len(old), b"\0"), 1))
        os.chmod(copy + ".new", 0o755)
        os.rename(copy + ".new", copy)
    return copy


def find_qemu():
    """Debian's own kernel, else one unpacked into the cache (never installed: it is the guest's, not the host's)."""
    if not os.path.exists("/usr/bin/qemu-system-x86_64"):
        raise Missing("QEMU is not installed: apt-get install qemu-system-x86")
    for prefix in ("", os.path.join(CACHE, "kernel")):
        images = [i for i in glob.glob(prefix + "/boot/vmlinuz-*") if os.access(i, os.R_OK) and
                  os.path.isdir(prefix + "/lib/modules/" + os.path.basename(i)[8:])]
        if images:
            image = newest(images)
            version = os.path.basename(image)[8:]
            return Kernel("qemu", version, image, prefix + "/lib/modules/" + version)
    fetch_kernel(os.path.join(CACHE, "kernel"))
    return find_qemu()


def fetch_kernel(directory):
    os.makedirs(directory, exist_ok=True)
    depends = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True, check=False)
    name = re.search(r"Depends: (linux-image-\S+)", depends.stdout)
    if not name or subprocess.run(["apt-get", "-q", "download", name.group(1)], cwd=directory, check=False).returncode:
        raise Missing("no readable kernel in /boot, and apt-get download of linux-image-amd64 failed: "
                      "run apt-get update, or install linux-image-amd64")
    for package in glob.glob(os.path.join(directory, "*.deb")):
        subprocess.run(["dpkg", "-x", package, directory], check=True)
        os.unlink(package)


def find(vmm="uml", newer=False):
    if vmm == "uml":
        return find_uml(newer)
    if vmm == "qemu":
        return find_qemu()
    raise Missing(f"VMM={vmm} is not known: uml or qemu")
