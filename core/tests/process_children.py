"""Processes that misbehave in every way kern must cope with; run as a script: ``process_children.py WHAT ARGUMENT...``."""

import os
import signal
import sys
import threading
import time


def hold(shape: str, then: str) -> None:
    """Have a grandchild of some shape, say so, and then end or stay."""
    if shape == "stubborn":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    heard, hear = os.pipe()
    if os.fork() == 0:
        grandchild(shape, hear)
    os.close(hear)
    os.read(heard, 1)
    os.write(1, b"ready\n")
    if then == "stay":
        time.sleep(300)


def grandchild(shape: str, hear: int) -> None:
    if shape in ("session", "double"):
        os.setsid()
    if shape == "double" and os.fork():
        os._exit(0)
    if shape == "family":
        for _ in range(2):
            if os.fork():
                time.sleep(300)
    if shape != "pipe":
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
    os.write(hear, b".")
    time.sleep(300)


def runaway() -> None:
    """A chain: each process lives for a moment, and only to make the next one."""
    if os.fork() == 0:
        os.setsid()
        while True:
            if os.fork():
                os._exit(0)
    os.write(1, b"ready\n")


def daemon() -> None:
    """Leave a daemon behind when told to by a byte in a pipe; print its pid."""
    first, second = os.pipe()
    if os.fork() == 0:
        os.setsid()
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDWR), 1)
            os.dup2(1, 2)
            time.sleep(300)
        os.write(second, str(pid).encode())
        os._exit(0)
    os.wait()
    os.write(1, os.read(first, 20) + b"\n")


def helper() -> None:
    """Leave a process that ends by itself as soon as it notices that this one has ended."""
    end, own = os.pipe()
    if os.fork() == 0:
        os.close(own)
        os.read(end, 1)
        time.sleep(0.02)
        os._exit(0)
    os.close(end)


def count_interrupts() -> None:
    """End upon SIGTERM with the number of SIGINTs that came before."""
    count = []
    signal.signal(signal.SIGINT, lambda *_: count.append(1))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(len(count)))
    os.write(1, b"ready\n")
    while True:
        time.sleep(300)


def alternate(count: str) -> None:
    for number in range(int(count)):
        os.write(1, b"o%06d\n" % number)
        os.write(2, b"e%06d\n" % number)


def blob(megabytes: str) -> None:
    block = bytes(range(256)) * 4096
    for _ in range(int(megabytes)):
        view = memoryview(block)
        while view:
            view = view[os.write(1, view) :]
    os.write(1, b"\0\xff\xfe no newline at the end")


def files() -> None:
    """Print which of our files are open, the listing's own left out."""
    mine = [int(name) for name in os.listdir("/proc/self/fd")]
    print(sorted(number for number in mine if os.path.exists(f"/proc/self/fd/{number}")))


def terminal() -> None:
    """Read lines from the terminal and count Ctrl-C."""
    count = []

    def interrupted(*_: object) -> None:
        count.append(1)
        os.write(1, b"interrupted\n")

    signal.signal(signal.SIGINT, interrupted)
    os.write(1, b"what?\n")
    name = sys.stdin.readline().strip()
    os.write(1, f"hello {name}\n".encode())
    sys.stdin.readline()
    os.write(1, f"count {len(count)}\n".encode())


def host(source: str, ending: str, *argv: str) -> None:
    """A program that uses the supervisor, as kern does; what becomes of its children when it ends in some way?"""
    sys.path.insert(0, source)
    from kern.process import Request, Supervisor

    def heard(data: bytes) -> None:
        os.write(1, data)
        if ending == "exit":
            os._exit(0)
        if ending == "crash":
            os.abort()

    with Supervisor(2, grace=0.2) as supervisor:
        if ending == str(int(signal.SIGINT)):
            signal.signal(signal.SIGINT, lambda *_: supervisor.stop(1))
        request = Request((sys.executable, __file__, *argv), "/", dict(os.environ))
        thread = threading.Thread(target=supervisor.run, args=(request, heard))
        thread.start()
        thread.join()


def foreground(source: str) -> None:
    sys.path.insert(0, source)
    from kern.process import Request, Supervisor

    supervisor = Supervisor(1)
    supervisor.start(foreground=True)
    captured: list[bytes] = []
    supervisor.run(Request(("/bin/sh", "-c", "echo captured"), "/", dict(os.environ)), captured.append)
    request = Request((sys.executable, __file__, "terminal"), "/", dict(os.environ), foreground=True)
    ended = supervisor.run(request, captured.append)
    supervisor.close()
    print("ended", ended.exit_code, b"".join(captured).decode().strip(), flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
