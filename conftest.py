"""What holds for all tests: they begin with the signals of a terminal, however pytest was started."""

import signal

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # a background job of a shell: what is ignored is inherited
    signal.signal(signal.SIGINT, signal.default_int_handler)
