"""What is compared: ways to mount the same image. Each mounts afresh, and tells what its server used."""

import os
import re
import signal
import subprocess
import time

import measurements
from disks import DISK_SIZE

TICKS = os.sysconf("SC_CLK_TCK")


class Mounted:
    """One mount of the image, by one of the ways below; unmounted at the end of a `with`."""

    def __init__(self, image, point):
        self.image = image
        self.point = point

    def __enter__(self):
        # The image's pages are cached for everybody, so that the disk under it plays no part.
        with open(self.image, "rb", buffering=0) as file:
            buffer = bytearray(1 << 20)
            while file.readinto(buffer):
                pass
        self.mount()
        return self

    def __exit__(self, *_):
        self.unmount()

    def cpu_seconds(self):
        """Of the server process, user and system; None where there is none."""
        return None

    def peak_memory(self):
        """Of the server process, bytes; None where there is none."""
        return None


class Kernel(Mounted):
    """The kernel's driver over a loop device."""

    device = None

    def __init__(self, image, point, type_="ext4"):
        super().__init__(image, point)
        self.type = type_

    def mount(self):
        self.device = subprocess.run(
            ["losetup", "--find", "--show", "--read-only", self.image], check=True, capture_output=True, text=True
        ).stdout.strip()
        try:
            subprocess.run(["mount", "-t", self.type, "-o", "ro,noatime", self.device, self.point], check=True)
        except BaseException:
            self.detach()
            raise

    def unmount(self):
        subprocess.run(["umount", self.point], check=True)
        self.detach()

    def detach(self):
        subprocess.run(["losetup", "--detach", self.device], check=True)
        # Detaching goes on in the background: the next mount must not find a part of this one.
        for _ in range(1000):
            if subprocess.run(["losetup", self.device], capture_output=True).returncode != 0:
                return
            time.sleep(0.002)


class Server(Mounted):
    """A FUSE server that stays in the foreground, as a child of ours."""

    process = None

    def command(self):
        raise NotImplementedError

    def mount(self):
        above = os.stat(os.path.dirname(self.point)).st_dev
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while os.stat(self.point).st_dev == above:
            if self.process.poll() is not None:
                raise SystemExit(f"bench: {self.command()[0]} ended with {self.process.returncode}")
            if time.monotonic() > deadline:
                self.process.kill()
                raise SystemExit(f"bench: {self.command()[0]} did not mount")
            time.sleep(0.001)

    def unmount(self):
        done = subprocess.run(["umount", self.point])
        if done.returncode != 0:
            subprocess.run(["umount", "--lazy", self.point])
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            raise SystemExit(f"bench: {self.command()[0]} did not end after its unmount") from None

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak_memory(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) * 1024


class Fuse2fs(Server):
    def command(self):
        return ["fuse2fs", "-f", "-o", "ro", self.image, self.point]


class SquashfuseLL(Server):
    def command(self):
        return ["squashfuse_ll", "-f", self.image, self.point]


class Vitrine(Server):
    program = None
    options = []

    def command(self):
        return [self.program, "mount", "--foreground", *self.options, self.image, self.point]


class VitrineUncached(Vitrine):
    options = ["-o", "cache=never"]


class VitrineCopying(Vitrine):
    options = ["-o", "cache=never", "--reply", "copy"]


class VitrineDisk(Vitrine):
    """The whole disk as a file, `disk.raw`."""

    options = ["--view", "disk"]

    def __init__(self, image, point, format_):
        super().__init__(image, point)
        self.format = format_
        self.path = os.path.join(point, "disk.raw")
        self.begun = None

    def mount(self):
        self.begun = time.perf_counter()
        super().mount()

    def first_bytes(self):
        with open(self.path, "rb", buffering=0) as file:
            file.read(4096)
        return {"ms": (time.perf_counter() - self.begun) * 1000}

    def read_disk(self):
        before = self.cpu_seconds()
        seconds = measurements.timed("dd", f"if={self.path}", "of=/dev/null", "bs=1M", "status=none")
        size = os.stat(self.path).st_size / 1e9
        return {"GB/s": size / seconds, "CPU s/GB": (self.cpu_seconds() - before) / size}


class QemuStorageDaemon(Server):
    """The FUSE export of qemu-storage-daemon: a file that is mounted over."""

    def __init__(self, image, point, format_):
        super().__init__(image, os.path.join(point, "export"))
        self.format = format_
        self.path = self.point

    def command(self):
        return [
            "qemu-storage-daemon",
            "--blockdev", f"driver=file,node-name=file,filename={self.image},read-only=on",
            "--blockdev", f"driver={self.format},node-name=disk,file=file,read-only=on",
            "--export", f"type=fuse,id=export,node-name=disk,mountpoint={self.point},writable=off"]

    def mount(self):
        with open(self.point, "wb"):
            pass
        super().mount()

    def unmount(self):
        self.process.terminate()
        self.process.wait(20)
        os.remove(self.point)

    read_disk = VitrineDisk.read_disk


class QemuImg(Mounted):
    """`qemu-img convert` to a target that keeps nothing: no mount, the program itself reads the disk."""

    def __init__(self, image, point, format_):
        super().__init__(image, point)
        self.format = format_

    def mount(self):
        pass

    def unmount(self):
        pass

    def read_disk(self):
        seconds = measurements.timed(
            "qemu-img", "convert", "-n", "-m", "16", "-f", self.format, "--target-image-opts", self.image,
            f"driver=null-co,size={DISK_SIZE}")
        return {"GB/s": DISK_SIZE / 1e9 / seconds}


class DiskReader(QemuImg):
    """The same by vitrine's own library, without a mount."""

    def read_disk(self):
        program = os.path.join(os.path.dirname(Vitrine.program), "DiskReader")
        return {"GB/s": DISK_SIZE / 1e9 / measurements.timed(program, self.image)}
