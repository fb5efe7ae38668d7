# SPDX-License-Identifier: BSD-3-Clause
"""What a machine and its driver may do with a device: many queues, other rings, unbinding, reset, memory kept apart."""

import os
import shutil
import subprocess
import time

from scenario import Skip, scenario

UNBIND = "D=$(cd /sys/bus/virtio/drivers/virtiofs; echo virtio*); echo $D > /sys/bus/virtio/drivers/virtiofs/unbind; "
BIND = "echo $D > /sys/bus/virtio/drivers/virtiofs/bind; mount -t virtiofs share /share; "


@scenario("qemu")
def many_queues(run):
    """As many request queues as QEMU can have, with rings of its largest size, all served at once."""
    daemon = run.daemon(["--log-level", "debug"])
    guest = run.guest(daemon, queues=64, properties=",queue-size=1024")
    log = daemon.log(1 << 20)
    run.same("rings that were not started", [n for n in range(65) if f"queue {n}: started with 1024 d" not in log], [])
    jobs = [guest.spawn(f"for i in 1 2 3 4 5; do head -c 300000 /dev/zero > /share/f{n}; cat /share/f{n} | wc -c; done")
            for n in range(8)]
    for job in jobs:
        run.same("a writer", (job.wait(), job.text.split()), (0, ["300000"] * 5))


@scenario("qemu")
def packed_rings(run):
    """Packed rings are served in QEMU as in User-Mode Linux, which always uses them."""
    daemon = run.daemon(["--log-level", "debug"])
    guest = run.guest(daemon, properties=",packed=on,queue-size=512")
    run.ok("the rings are packed", "queue 1: started with 512 descriptors (packed)" in daemon.log(1 << 20), daemon.log())
    run.fsops(guest, ["mknod", "chown", "mmap", "mmap_shared"], "data,map")


@scenario("qemu")
def driver_unbound(run):
    """The guest's driver lets go of the device and takes it again, also under a mounted file system with an open file."""
    run.write(run.directory() + "/f", "text\n")
    guest = run.guest(run.daemon())
    for _ in range(3):
        run.same("again", guest.check("umount /share; " + UNBIND + BIND + "cat /share/f"), "text\n")
    job = guest.run("exec 3< /share/f; " + UNBIND + "cat /share/f; exec 3<&-; umount /share; " + BIND + "cat /share/f")
    run.ok("without a device there is an error", "not connected" in job.text, job.text)
    run.same("then it works", (job.status, job.out.decode()), (0, "text\n"))


@scenario("qemu")
def reset_button(run):
    """The machine is reset while the share is mounted and written to, twice."""
    daemon = run.daemon()
    guest = run.guest(daemon, resets=True)
    for name in ("one", "two"):
        guest.spawn("while :; do dd if=/dev/zero of=/share/big bs=64k count=50 2>/dev/null; ls /share > /dev/null; done")
        time.sleep(1)
        guest.reset()
        run.mount(guest)
        run.same("after it", guest.check(f"echo {name} > /share/{name}; cat /share/{name}"), name + "\n")
    run.same("on the host", sorted(os.listdir(run.directory())), ["big", "one", "two"])
    run.ok("the same daemon", daemon.running(), daemon.log())


@scenario("qemu")
def memory_not_shared(run):
    """QEMU without share=on: the daemon says what is wrong, and serves the next guest."""
    run.write(run.directory() + "/f", "text\n")
    daemon = run.daemon()
    guest = run.guest(daemon, share="off", mount=False)
    guest.spawn("mount -t virtiofs share /share")
    deadline = time.monotonic() + 20
    while "share=on" not in daemon.log() and time.monotonic() < deadline:
        time.sleep(0.1)
    run.ok("it says cause and remedy", "the front-end must share it" in daemon.log(1 << 20), daemon.log())
    guest.kill()
    before = daemon.log().count("the front-end must share it")
    run.same("the next guest", run.guest(daemon).check("cat /share/f"), "text\n")
    run.ok("a good guest is not suspected", daemon.log().count("the front-end must share it") == before, daemon.log())


@scenario("uml")
def system_calls(run):
    """The system calls of each request, counted with strace, are within the budget."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    if run.setup.daemon != [os.path.join(run.setup.build, "viofsd")]:
        raise Skip("it counts viofsd's own")
    job = subprocess.run([os.path.join(os.path.dirname(__file__), "../../../tools/count-syscalls"), "--build", run.setup.build],
                         capture_output=True, text=True, check=False, timeout=300)
    run.ok("within the budget", job.returncode == 0, job.stdout + job.stderr)
