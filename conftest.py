"""What holds for all tests: they begin with the signals of a terminal, however pytest was started."""

import signal

for number, handler in [(signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)]:
    if signal.getsignal(number) == signal.SIG_IGN:  # a background job, or nohup: what is ignored is inherited
        signal.signal(number, handler)
