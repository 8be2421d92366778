"""Virtual environments for kern."""
