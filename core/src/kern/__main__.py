"""``python -m kern`` is ``kern``."""

from __future__ import annotations

import sys

from kern.cli import main

if __name__ == "__main__":
    sys.exit(main())
