"""One guest: a kernel booted in a mode, with a folder of its own on the host."""

import os
import pathlib
import shutil
import subprocess
import threading

import guest_log

HERE = pathlib.Path(__file__).resolve().parent
BOOT_SECONDS = 200  # until its first word; a tenth of it on a quiet machine


class Machine:
    """Boots guests, and ends those that run when it is told to stop."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.running = set()
        self.stopped = False
        self.lock = threading.Lock()

    def boot(self, kernel_folder, mode, folder):
        with open(folder / "console", "wb") as console:
            with self.lock:
                if self.stopped:
                    return
                process = subprocess.Popen(command_line(self.seconds, kernel_folder, mode, folder),
                                           stdin=subprocess.DEVNULL, stdout=console, stderr=console)
                self.running.add(process)
            try:
                process.wait(BOOT_SECONDS)
            except subprocess.TimeoutExpired:
                if b"VM kernel" not in (folder / "console").read_bytes():
                    process.terminate()
            process.wait()
            with self.lock:
                self.running.discard(process)

    def stop(self):
        with self.lock:
            self.stopped = True
            for process in self.running:
                process.terminate()  # timeout, which hands it on


def command_line(seconds, kernel_folder, mode, folder):
    # The timer's check fails where this machine has too much to do.
    append = "console=ttyS0 quiet panic=-1 softlockup_panic=1 no_timer_check"
    if mode == "possible-cpus":
        # Kernels from 6.9 on do not count QEMU's empty sockets, but what they were told to leave off.
        cpus, append = "8", append + " maxcpus=2"
    else:
        cpus, append = "2", append + f" lockdown={mode}"
    shares = {"root": "path=/,readonly=on,multidevs=remap", "results": f"path={folder}"}
    # One thread for all CPUs: with one for each, every fifth boot died of a breakpoint that nobody had set.
    command = ["timeout", "-k", "10", str(seconds), "qemu-system-x86_64", "-accel", "tcg,thread=single", "-cpu", "max",
               "-smp", cpus, "-m", "3072", "-nographic", "-no-reboot", "-net", "none",
               "-kernel", f"{kernel_folder}/vmlinuz", "-initrd", f"{kernel_folder}/initramfs.gz", "-append", append,
               "-drive", f"file={kernel_folder}/disk,format=raw,if=virtio,snapshot=on"]
    for tag, options in shares.items():
        command += ["-virtfs", f"local,{options},mount_tag={tag},security_model=none"]
    return command


def prepare(folder, mode, suites, build):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "suites").write_text("".join(f"{suite.name} {suite.pattern} {suite.binary}\n" for suite in suites))
    scene = build / "tests/vm/vm_scene"
    (folder / "guest.conf").write_text(f"{os.environ['PATH']}\n"  # tools that run here run there
                                       f"{mode} {build}/src/bpftally {scene if scene.exists() else ''}\n")
    shutil.copy(HERE / "guest.sh", folder)


def run(machine, kernel_folder, mode, folder, suites, build):
    """Boots it, and once more if it was lost for no reason that is ours."""
    guest = guest_log.Guest()
    for again in (False, True):
        prepare(folder, mode, suites, build)
        machine.boot(kernel_folder, mode, folder)
        guest = guest_log.read(folder)
        guest.booted_again = again
        if guest.ended or guest.failed or guest.is_to_blame or machine.stopped:
            break
    return guest
