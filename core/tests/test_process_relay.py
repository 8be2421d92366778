"""Signals that kern alone receives go on to the command, each as it came and once."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time

import pytest

from kern.process import Request, Supervisor
from kern.process.relay import NUMBERS, PlainRelay, Relay, relay

LISTEN = """
import os, signal, sys, time
heard = []
def got(number, _):
    heard.append(signal.Signals(number).name)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, got)
print("ready", flush=True)
while not heard:
    time.sleep(0.01)
time.sleep(0.3)
print(*heard, flush=True)
os._exit(5)
"""
KERN = f"""
import os, sys
from kern.process import Request, Supervisor
from kern.process.relay import relay
supervisor = Supervisor(1)
supervisor.start(foreground=True)
with relay(supervisor.forward):
    ended = supervisor.run(Request((sys.executable, "-c", {LISTEN!r}), os.getcwd(), dict(os.environ), foreground=True), print)
supervisor.close()
print("code", ended.exit_code)
"""

BESIDE = KERN.replace(
    "with relay",
    "quiet = lambda *_: None\n"
    "supervisor.start_background(Request(('sleep', '60'), os.getcwd(), dict(os.environ)), quiet, quiet)\n"
    "with relay",
)
"""The same while another process goes on in the background, as that of an activation does."""


ITSELF = """
import os, queue, signal, sys
from kern.process.relay import NUMBERS, PlainRelay, Relay
got = queue.Queue()
for number in NUMBERS:
    with Relay(got.put):
        for _ in range(2):
            os.kill(os.getpid(), number)
            assert got.get(timeout=10) == number
assert got.empty()
heard = []
with PlainRelay(heard.append):
    for number in NUMBERS:
        os.kill(os.getpid(), number)
assert heard == [signal.SIGTERM, signal.SIGHUP], heard
"""
"""In a process with one thread: a signal to a process goes to any of its threads that has not blocked it."""


def test_what_a_process_sends_is_passed_on_and_not_obeyed() -> None:
    """Without knowing the sender, that is only what no terminal sends."""
    subprocess.run([sys.executable, "-c", ITSELF], check=True, timeout=60)


def test_everything_is_as_before_afterwards() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    threads = threading.active_count()
    handlers = {number: signal.getsignal(number) for number in NUMBERS}
    for kind in (Relay, PlainRelay, relay):
        with kind(lambda _: None):
            pass
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    assert threading.active_count() == threads
    assert {number: signal.getsignal(number) for number in NUMBERS} == handlers


@pytest.mark.parametrize("text", [KERN, BESIDE], ids=["alone", "beside"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_command_gets_it(number: signal.Signals, text: str) -> None:
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, start_new_session=True) as kern:
        assert kern.stdout
        assert kern.stdout.readline() == b"ready\n"
        kern.send_signal(number)
        assert kern.stdout.read() == f"{number.name}\ncode 5\n".encode()


def test_an_interrupt_from_the_terminal_comes_once() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", KERN])
    seen = b""
    end = time.monotonic() + 30
    while b"\n" not in seen.partition(b"code")[2] and time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            before = seen
            seen += os.read(terminal, 1024)
            if b"ready" in seen and b"ready" not in before:
                os.write(terminal, b"\x03")
    os.waitpid(pid, 0)
    os.close(terminal)
    assert seen.replace(b"^C", b"").split() == [b"ready", b"SIGINT", b"code", b"5"]


def test_a_signal_before_the_command_has_started_reaches_it() -> None:
    with Supervisor(1) as supervisor:
        supervisor.forward(signal.SIGTERM)
        request = Request(("sleep", "60"), os.getcwd(), {"PATH": os.environ["PATH"]}, foreground=True)
        ended = supervisor.run(request, lambda _: None)
    assert ended.exit_code == -signal.SIGTERM
