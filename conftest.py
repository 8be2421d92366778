"""What holds for all tests: they begin with the signals of a terminal, and no clock judges generated cases."""

import signal

from hypothesis import HealthCheck, settings

for number, handler in [(signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)]:
    if signal.getsignal(number) == signal.SIG_IGN:  # a background job, or nohup: what is ignored is inherited
        signal.signal(number, handler)

# Of hypothesis' own checks these fail by chance: how fast the machine is, and how many of the first few cases are of use.
CHANCE = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
settings.register_profile(
    "kern", deadline=None, suppress_health_check=[*CHANCE, HealthCheck.function_scoped_fixture]
)  # what it does on CI stays: the profile that is in force is where this one begins
settings.load_profile("kern")
