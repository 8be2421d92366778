"""Virtual environments on pyenv's interpreters for kern."""

from __future__ import annotations

__version__ = "0.1.0"
