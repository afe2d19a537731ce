"""A disk that loses power: ext4 in a file, on a loop device of its own, whose file system is shut down without a
flush.

`FS_IOC_SHUTDOWN` with `NOLOGFLUSH` drops what is not on the device, data and names, and fails every call from then on
(linux/fs.h, Documentation of the xfs and ext4 shutdown ioctls). What is mounted afterwards is what a power cut
leaves."""

import fcntl
import os
import struct
import subprocess
import time

# _IOR('X', 125, __u32)
FS_IOC_SHUTDOWN = 0x8004587D

# Neither data nor the journal of the file system reaches the device.
NOLOGFLUSH = 2


def must(*command):
    """Runs a command that must succeed."""
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode != 0:
        raise OSError(f"{' '.join(command)}: {ended.stderr.strip()}")
    return ended.stdout.strip()


class Disk:
    """One image, mounted at `place`."""

    def __init__(self, image, place, mebibytes=64):
        self.image, self.place = image, place
        self.device = None
        with open(image, "wb") as file:
            file.truncate(mebibytes * 1024 * 1024)
        self.make()

    def make(self):
        """A new file system, and nothing on it."""
        must("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(self.image))

    def mount(self):
        """Makes it there, after what its own journal repairs."""
        self.place.mkdir(exist_ok=True)
        must("mount", "-t", "ext4", "-o", "loop,noatime,errors=remount-ro", str(self.image), str(self.place))
        with open("/proc/self/mounts", encoding="utf-8") as lines:
            self.device = [line.split()[0] for line in lines if line.split()[1] == str(self.place)][-1]
        return self

    def cut(self):
        """The power goes."""
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, FS_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        finally:
            os.close(descriptor)

    def break_down(self):
        """The kernel finds the file system in error and takes no more writes, as it does on a failing disk."""
        name = os.path.basename(self.device)
        with open(f"/sys/fs/ext4/{name}/trigger_fs_error", "w", encoding="ascii") as file:
            file.write("a fault that was asked for")

    def repair(self):
        """What an administrator does before the file system is mounted again."""
        ended = subprocess.run(["e2fsck", "-f", "-y", str(self.image)], capture_output=True, text=True)
        if ended.returncode > 2:
            raise OSError(f"e2fsck: {ended.stdout}")

    def unmount(self):
        """Takes it away; whoever still holds a file has a moment to end."""
        for _ in range(100):
            if subprocess.run(["umount", str(self.place)], capture_output=True).returncode == 0:
                return
            time.sleep(0.05)
        must("umount", str(self.place))

    def fill(self):
        """Takes every block that is left. Gives the file that holds them."""
        ballast = self.place / "ballast"
        with open(ballast, "wb", buffering=0) as file:
            for piece in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"\0" * piece)
                except OSError:
                    continue
        return ballast

    def remove(self):
        """Nothing of it stays, whatever state it is in."""
        subprocess.run(["umount", "-l", str(self.place)], capture_output=True)
        self.image.unlink(missing_ok=True)
