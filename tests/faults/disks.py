"""Disks of a test's own: a small tmpfs, ext4 or XFS that can be filled, have its power cut, and be mounted again.
And system calls that fail: strace's injection, as the prefix of a program's command."""
import errno
import os
import shutil
import subprocess
import tempfile

import pytest

from stores import until

MIB = 1 << 20


def run(*argv):
    subprocess.run(argv, check=True, capture_output=True)


def need_root():
    if os.getuid() != 0:
        pytest.skip("mounting a disk needs root")


def need_loop():
    need_root()
    if subprocess.run(["losetup", "-f"], capture_output=True).returncode != 0:
        pytest.skip("no loop devices here")


class Disk:
    """A mounted filesystem of that size. kind: tmpfs, ext4, xfs. A context manager; unmounts what it mounted."""

    def __init__(self, kind, size_mib):
        self.kind, self.size_mib = kind, size_mib
        self.folder = tempfile.mkdtemp(prefix="slds-", dir="/tmp")
        self.path = os.path.join(self.folder, "mnt")
        self.image = os.path.join(self.folder, "image")
        self.mounted = False
        os.chmod(self.folder, 0o755)
        os.mkdir(self.path)

    def __enter__(self):
        if self.kind != "tmpfs":
            with open(self.image, "wb") as f:
                f.truncate(self.size_mib * MIB)
            run(f"mkfs.{self.kind}", "-q", self.image)
        self.mount()
        return self

    def mount(self):
        if self.kind == "tmpfs":
            run("mount", "-t", "tmpfs", "-o", f"size={self.size_mib}m", "sluice-test", self.path)
        else:
            run("mount", "-o", "loop,nouuid" if self.kind == "xfs" else "loop", self.image, self.path)
        self.mounted = True

    def unmount(self):
        run("umount", self.path)
        self.mounted = False

    def cut_power(self):
        """What was not synced is gone and everything fails from now on, until remount."""
        force = [] if self.kind == "xfs" else ["-F"]
        run("xfs_io", *force, "-x", "-c", "shutdown", self.path)

    def sync(self):
        run("xfs_io", "-c", "syncfs", self.path)

    def remount(self):
        """What is on the disk now, mounted afresh. A copy of the image: another mount namespace that was made
        meanwhile may still hold the old filesystem, and mounting the same image would only find that again."""
        until("the disk to be free", 20, lambda: self.unmount() is None)
        run("cp", "--sparse=always", self.image, self.image + ".copy")
        os.replace(self.image + ".copy", self.image)
        self.mount()

    def fill(self):
        """Takes all space there is, and what comes free meanwhile; returns the file that holds it."""
        ballast = os.path.join(self.path, "ballast")
        with open(ballast, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(64 << 10))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
        return ballast

    def __exit__(self, *_):
        if self.mounted:
            run("umount", "-l", self.path)
        shutil.rmtree(self.folder, ignore_errors=True)


def failing(call, fault, nth):
    """The prefix that makes every such call of one thread fail from its nth on. The program itself stays our
    child (-D), so that signals and exit codes are its own."""
    return ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
            "-e", f"inject={call}:{fault}:when={nth}")
