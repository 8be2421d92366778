"""One module a verb; each has ``main(arguments) -> int`` and calls the modules that do the work."""
