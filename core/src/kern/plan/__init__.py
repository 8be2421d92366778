"""From selected environments to a graph of steps with reasons: what `kern plan` prints and `kern run` executes."""
