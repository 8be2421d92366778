"""The only place of kern that starts processes; it owns every one of them down to the last descendant.

Three parts, each a process of its own kind:

* kern itself: `Supervisor`, used by as many threads as there are jobs (`supervisor`, `lane`, `attend`, `ending`);
* one *server*, forked while kern is still single-threaded: it starts keepers, and cleans up after one that was killed;
* one *keeper* for each *lane* in use: it starts one command at a time and reports when no descendant is left.

They talk through pipes alone, so that the end of kern, even by SIGKILL, shows as an end of file, upon which
the keepers kill all that they started. Nothing but ``os``, ``select``, ``signal`` and the like is imported for it.

Where the system can't give orphans to a keeper (no ``prctl``, thus everywhere but on Linux) a keeper owns the process
group of the command instead: a descendant that left that group escapes. See `kern.process.tree`.
"""

from __future__ import annotations

from kern.process.program import find_program
from kern.process.supervisor import Supervisor
from kern.process.values import Ended, Request

__all__ = ["Ended", "Request", "Supervisor", "find_program"]
