"""The smallest package that has something to test."""


def greeting(name: str) -> str:
    """Greet somebody."""
    return f"hello {name}"


def main() -> None:
    """Greet the world."""
    print(greeting("world"))
