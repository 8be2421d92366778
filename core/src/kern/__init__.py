"""kern: one tool for every kind of test environment."""

__version__ = "0.1.0"
