"""From a plan's node to work: the one place where drivers, processes and the store meet."""
