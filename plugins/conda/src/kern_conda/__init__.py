"""conda environments, packages and locks for kern, with no conda installed."""

from __future__ import annotations

__version__ = "0.1.0"
