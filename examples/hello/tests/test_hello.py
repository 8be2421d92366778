import subprocess

from hello import greeting


def test_greets_by_name():
    assert greeting("kern") == "hello kern"


def test_console_script_is_installed():
    assert subprocess.check_output(["hello"], text=True) == "hello world\n"
