"""The contract kit on itself: good drivers pass, and for every rule there is a bad driver that it catches."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from kern import testing

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = "pytester"


HALF = "half = context.cache_dir + '/half'\nopen(half, 'x').close()\ntake_time(self)\nos.unlink(half)\n"
"""What nobody can do again who was killed."""
SINGLY = "here(self)\nopen({path}, 'x').close()\nmeet(self)\nos.unlink({path})\n"
"""What two can't do at once."""


def method(signature: str, body: str) -> str:
    return f"def {signature}:\n" + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")


def adopting(change: str) -> str:
    return method("adopt(self, location, context)", f"found = super().adopt(location, context)\n{change}")


def activating(body: str) -> str:
    return "@contextmanager\n" + method("activate(self, environment, context)", body)


def provisioning(body: str) -> str:
    return method("provision(self, spec, context)", textwrap.dedent(body) + "\nreturn super().provision(spec, context)")


def building(body: str) -> str:
    build = "return super().build(package, spec, source, context)"
    return method("build(self, package, spec, source, context)", f"{body}\n{build}")


def locking(body: str) -> str:
    lock = "super().lock(spec, path, inputs, artifact, upgrade, context)"
    return method("lock(self, spec, path, inputs, artifact, upgrade, context)", f"{body}\n{lock}")


Bodies = Mapping[str, str | tuple[str, ...]]
"""For each rule, what makes a fake bad: bodies of classes derived from it."""

MAKE, ASK, INPUTS = "provision(self, spec, context)", "fingerprint(self, spec, context)", "inputs(self, spec, context)"
WORDS = "return {'words': list(spec.options.words)}"
TEXT = "open(context.project_dir + '/words.txt', encoding='utf-8').read()"
SWALLOW = "\ntry: subprocess.run(['true'])\nexcept Exception: pass"
TEXTS_DIGEST = "hashlib.sha256(b'text').hexdigest()"
TICK = "str(time.monotonic())"

SHAPE = "test_it_has_the_shape_of_its_protocol"
MISSHAPEN = "pools = None; api = adopt = path = lock = None"
COMMON: Bodies = {
    SHAPE: MISSHAPEN,
    "test_it_is_written_for_this_api": "api = 99",
    "test_it_is_made_without_arguments": "def __init__(self, *, tool): pass",
    "test_its_options_are_documented": "class Options(NamedTuple):\n    words: tuple[str, ...] = ()",
}
LOUD = "Activation(prefix=('sh', '-c', '\"$@\"; exit 0', 'sh'))"
DEAF = "Activation(EnvDelta(unset=('A_HOST_VARIABLE',)), prefix=('env', 'A_HOST_VARIABLE=from the host'))"
WITH_ACTIVATOR = {
    "test_exit_codes_pass_through": activating(f"yield {LOUD}"),
    "test_the_host_is_hidden_where_it_says_so": activating(f"yield {DEAF}"),
    "test_using_it_changes_nothing": activating(
        "open(environment.location + f'/{time.monotonic()}', 'w').close()\nyield Activation()"
    ),
}
"""Rules of a provider that its activator breaks."""

PROVIDER: Bodies = {
    "test_the_process_is_left_as_it_is": (
        provisioning("os.environ['T'] = 'x'"),
        provisioning("os.chdir(spec.location)"),
        provisioning("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"),
        method(ASK, f"os.umask(0o27)\n{WORDS}"),
    ),
    SHAPE: (MISSHAPEN, "def requirements(self, spec): return {}"),
    **dict.fromkeys(WITH_ACTIVATOR, "pass"),
    "test_claims_answers_for_any_factor": "def claims(self, factor): return factor[0] == 'p'",
    "test_probe_finds_it_available": "def probe(self, spec, context): return Unavailable('no', missing=True)",
    "test_probe_only_looks": (
        "def probe(self, spec, context): context.run(Command(argv=('true',)))",
        "def probe(self, spec, context): open(context.cache_dir + '/x', 'w').close()",
        "def probe(self, spec, context): socket.getaddrinfo('localhost', 1)",
        method("probe(self, spec, context)", SWALLOW),
    ),
    "test_probe_never_raises": (
        method("probe(self, spec, context)", "if not context.environ['PATH']: raise FileNotFoundError('tool')"),
        method("probe(self, spec, context)", TEXT),
    ),
    "test_fingerprint_only_looks": method(ASK, f"open(context.project_dir + '/cache', 'w').close()\n{WORDS}"),
    "test_fingerprint_is_json": method(ASK, "return {'words': {object()}}"),
    "test_fingerprint_is_stable": (
        method(ASK, "return {'time': time.monotonic()}"),
        method(ASK, "return {'a': hash('a')}"),
    ),
    "test_fingerprint_sees_every_change": method(ASK, "return {}"),
    "test_a_damaged_file_is_an_error_in_words": method(ASK, f"return {{'text': {TEXT}}}"),
    "test_it_makes_an_environment": method(
        MAKE,
        "elsewhere = spec.location + '2'\nos.makedirs(elsewhere, exist_ok=True)\n"
        "return super().provision(spec, context)._replace(location=elsewhere)",
    ),
    "test_its_interpreter_runs": method(
        MAKE, "return super().provision(spec, context)._replace(interpreter='/bin/false')"
    ),
    "test_what_it_watches_is_there": method(MAKE, "return super().provision(spec, context)._replace(watch=('bin',))"),
    "test_looking_at_it_changes_nothing": method(
        ASK, f"if os.path.isdir(spec.location): open(spec.location + '/looked', 'w').close()\n{WORDS}"
    ),
    "test_drift_only_looks": (
        "def drift(self, spec, adopted, context): return 'words'",
        "def drift(self, spec, adopted, context): return [adopted.installed['a']]",
        method("drift(self, spec, adopted, context)", f"{SWALLOW}\nreturn []"),
    ),
    "test_it_installs_again": method(
        "install(self, spec, environment, artifacts, context)",
        "os.mkdir(environment.location + '/once')\nreturn {}",
    ),
    "test_nothing_is_written_outside": (
        provisioning("open(spec.location + '.lock', 'w').close()"),
        provisioning("open(context.project_dir + '/made', 'w').close()"),
        provisioning("open(os.path.expanduser('~/.kern-outside'), 'w').close()"),
    ),
    "test_it_recovers_from_a_kill": (
        provisioning(HALF),
        provisioning(
            """
            cached = context.cache_dir + '/files'
            if not os.path.exists(cached):
                for names in ('abcd', 'efgh'):
                    with open(cached, 'a') as file:
                        file.write(names)
                    take_time(self)
            for name in open(cached).read():
                open(f'{spec.location}/{name}', 'w').close()
            """
        ),
    ),
    "test_two_are_made_at_once": provisioning(SINGLY.format(path="context.cache_dir + '/half'")),
    "test_dispose_can_be_called_twice": method(
        "dispose(self, location, context)", "if os.path.isdir(location): os.unlink(location + '/words')"
    ),
}
SERVED = """
argv = ['sh', '-c', 'sleep 60; :', 'kern-busy-command']
server = subprocess.Popen(argv, env=dict(context.environ), start_new_session=True)
try: yield Activation(prefix=('sh', '-c', 'sleep 61'))
finally: os.killpg(server.pid, 9); server.wait()
"""
"""The command runs in another process, as that of a container does, which no signal to this one ends."""
OURS = "test_the_process_is_left_as_it_is"
ACTIVATOR: Bodies = {
    OURS: activating("os.environ['T'] = 'x'\ntry: yield Activation()\nfinally: del os.environ['T']"),
    "test_it_says_where_commands_run": activating("yield None"),
    "test_it_is_deterministic": activating(f"yield Activation(EnvDelta(set={{'T': {TICK}}}))"),
    "test_what_is_set_is_seen": activating("yield Activation(EnvDelta(set={'T': 'x'}), prefix=('env', '-u', 'T'))"),
    "test_what_is_unset_is_not_seen": activating("yield Activation(EnvDelta(unset=('T',)), prefix=('env', 'T=host'))"),
    "test_it_is_undone": activating(
        "self.process = subprocess.Popen(['sleep', '5'], env=dict(context.environ))\nyield Activation()"
    ),
    "test_it_is_undone_after_a_failure": activating("try: yield Activation()\nexcept Exception: pass"),
    "test_it_is_undone_while_kern_stops": activating(
        "try: yield Activation()\nfinally: context.run(Command(argv=('true',)))"
    ),
    "test_exit_codes_pass_through": activating(f"yield {LOUD}"),
    "test_a_command_that_is_ended_is_gone": activating(SERVED),
    "test_two_are_entered_at_once": activating(
        "half = context.cache_dir + '/half'\nopen(half, 'x').close()\ntry: yield Activation()\nfinally: os.unlink(half)"
    ),
    "test_the_project_is_left_alone": activating("open(context.project_dir + '/x', 'w').close()\nyield Activation()"),
    "test_the_environment_is_left_alone": WITH_ACTIVATOR["test_using_it_changes_nothing"],
}
BUILDER: Bodies = {
    OURS: (building("os.chdir(package.root)"), building("os.environ['T'] = 'x'")),
    "test_probe_finds_it_available": "def probe(self, package, spec, context): return Unavailable('no', missing=True)",
    "test_probe_only_looks": "def probe(self, package, spec, context): context.run(Command(argv=('true',)))",
    "test_probe_never_raises": "def probe(self, package, spec, context): open(package.root + '/fake.txt').close()",
    "test_what_it_is_built_from_is_text": "def source(self, options): return None",
    "test_variant_is_stable_text": f"def variant(self, package, spec, context): return {TICK}",
    "test_fingerprint_only_looks": "def fingerprint(self, package, spec, context): subprocess.Popen(['true'])",
    "test_fingerprint_is_stable": (
        "def fingerprint(self, package, spec, context): return {'t': time.monotonic()}",
        "def fingerprint(self, package, spec, context): return {'t': hash('t')}",
    ),
    "test_fingerprint_sees_every_change": "def fingerprint(self, package, spec, context): return {}",
    "test_it_builds_what_it_says": "def build(self, *a): return super().build(*a)._replace(kind='other')",
    "test_it_builds_into_the_output_directory": method(
        "build(self, package, *a)", "return super().build(package, *a)._replace(path=package.root + '/fake.txt')"
    ),
    "test_equal_sources_give_equal_digests": f"def build(self, *a): return super().build(*a)._replace(digest={TICK})",
    "test_the_tree_is_left_as_it_was": building("open(package.root + '/left', 'a').write('x')"),
    "test_it_reads_what_it_built": "def read(self, path, context): return None",
    "test_it_reads_no_other_files": "def read(self, path, context): return Artifact('fake', path, 'n', '1', 'd')",
    "test_a_damaged_artifact_is_an_error_in_words": (
        method(
            "read(self, path, context)",
            "if open(path).read() != 'text': raise ValueError\nreturn super().read(path, context)",
        ),
        method("read(self, path, context)", f"return Artifact('fake', path, 'fake', '1', {TEXTS_DIGEST})"),
    ),
    "test_a_damaged_tree_is_an_error_in_words": building("open(package.root + '/fake.txt', encoding='utf-8').read()"),
    "test_what_it_built_fits": "def fit(self, artifact, spec, context): return None",
    "test_two_are_built_at_once": building(SINGLY.format(path="context.cache_dir + '/half'")),
    "test_it_recovers_from_a_kill": building(HALF),
}
ADOPTER: Bodies = {
    OURS: adopting("os.umask(0o27)\nreturn found"),
    SHAPE: (MISSHAPEN, "def offers(self): return 'names'"),
    "test_it_recognises_its_kind": adopting("return found and found._replace(certainty=9)"),
    "test_it_recognises_it_by_name": "pass",
    "test_it_says_the_same_twice": adopting(f"return found and found._replace(why={TICK})"),
    "test_it_leaves_strangers_alone": (
        adopting("return found or os.path.isdir(location) and Adopted(Environment(location, 'fake'), 1, 'a place')"),
        adopting("os.stat(location)\nreturn found"),
    ),
    "test_it_knows_no_stranger_by_name": adopting(
        "return found or Adopted(Environment(location, 'fake'), 1, 'a name') if '/' not in location else found"
    ),
    "test_it_answers_without_tools": adopting("if not context.environ['PATH']: raise FileNotFoundError\nreturn found"),
    "test_it_adopts_what_can_only_be_read": adopting("found and os.chmod(location, 0o755)\nreturn found"),
    "test_it_changes_nothing": (
        adopting("found and open(location + '/seen', 'a').write('x')\nreturn found"),
        adopting("open(os.path.expanduser('~/.kern-outside'), 'w').close()\nreturn found"),
    ),
    "test_what_is_installed_is_text": adopting("return found and found._replace(installed={'a': None})"),
}
LOCKER: Bodies = {
    OURS: locking("sys.path.insert(0, path)"),
    "test_who_shares_a_lock_has_the_same_inputs": (
        "def path(self, spec, packaged): return 'fake.lock'",
        method(INPUTS, "return {'name': spec.name}") + "\ndef path(self, spec, packaged): return 'fake.lock'",
    ),
    SHAPE: (MISSHAPEN, "probe = 'a text'"),
    "test_its_path_lies_in_the_project": (
        "def path(self, spec, packaged): return '../fake.lock'",
        f"def path(self, spec, packaged): return {TICK}",
    ),
    "test_inputs_only_look": (
        method(INPUTS, f"context.run(Command(argv=('true',)))\n{WORDS}"),
        method(INPUTS, f"open(context.project_dir + '/seen', 'w').close()\n{WORDS}"),
    ),
    "test_inputs_are_stable": (
        method(INPUTS, "return {'t': time.monotonic()}"),
        method(INPUTS, "return {'h': hash('h')}"),
    ),
    "test_other_options_are_other_inputs": method(INPUTS, "return {}"),
    "test_a_damaged_file_is_an_error_in_words": (
        method(INPUTS, f"return {{'text': {TEXT}}}"),
        method("requires(self, package, artifact, context)", f"return [{TEXT}]"),
    ),
    "test_a_lock_says_what_it_was_made_for": (
        "def read(self, path): return None",
        locking("inputs = {**inputs, 'more': 1}"),
    ),
    "test_nothing_else_is_written": locking("open(path + '.draft', 'w').close()"),
    "test_locked_again_it_is_the_same": locking("inputs = {**inputs, 'when': time.monotonic()}"),
    "test_two_are_locked_at_once": locking(SINGLY.format(path="os.path.dirname(path) + '/draft'")),
    "test_a_kill_leaves_the_lock_that_was_there": locking("open(path, 'w').close()\ntake_time(self)"),
    "test_rubbish_is_no_lock": (
        "def read(self, path): return json.load(open(path))",
        method("read(self, path)", "return super().read(path) if os.path.isfile(path) else {}"),
        method("read(self, path)", "return super().read(path) or {'words': ['of another time']}"),
    ),
    "test_what_a_package_requires_is_text": (
        "def requires(self, package, artifact, context): return 'a'",
        "def requires(self, package, artifact, context): return None",
        "def requires(self, package, artifact, context): return ['a'] if artifact is None else ['a>=1']",
        f"def requires(self, package, artifact, context): return [{TICK}]",
    ),
}
WORDED = "options={'words': ['a']}, changes=[{'words': ['b']}]"
KINDS: dict[str, tuple[Bodies, str]] = {
    "Provider": (
        PROVIDER,
        f"{WORDED}, files={{'words.txt': 'a'}}, activator=LIVELY()",
    ),
    "Activator": (ACTIVATOR, "environment=made"),
    "Builder": (BUILDER, "files={'fake.txt': 'text'}, changes=[{'words': ['b']}]"),
    "Adopter": (ADOPTER, "location=lambda bench: made(bench).location"),
    "Locker": (
        LOCKER,
        f"provider=FakeProvider(), {WORDED}, files={{'words.txt': 'a'}}, artifact=packed",
    ),
}
"""For each protocol its bad drivers, and what the case says besides the driver."""

OPTIONLESS = ("Activator", "Adopter", "Locker")
DRIVERS = """
import hashlib, json, os, socket, subprocess, sys, threading, time
from contextlib import contextmanager
from typing import NamedTuple
from kern.api import *
from kern.testing.fakes import FakeActivator, FakeAdopter, FakeBuilder, FakeLocker, FakeProvider

FIRST, HERE, PARENT = set(), set(), os.getpid()

def take_time(driver):
    "What is to be killed half-way does not end before that, and the first time tells how long it usually takes."
    if os.getpid() != PARENT:
        time.sleep(300)
    elif type(driver) not in FIRST:
        FIRST.add(type(driver))
        time.sleep(1.2)

def here(driver):
    HERE.add((type(driver), threading.current_thread()))

def meet(driver):
    "Two threads meet; the main thread is alone."
    limit = time.monotonic() + 30
    others = lambda: [who for kind, who in HERE if kind is type(driver) and who is not threading.main_thread()]
    while threading.current_thread() in others() and len(others()) < 2 and time.monotonic() < limit:
        time.sleep(0.005)
"""
TESTS = """
import pytest
from kern.api import *
from kern.testing import *
from drivers import *

def made(bench):
    return bench.make(FakeProvider(), bench.spec(FakeProvider(), (), {"words": ["a"]}, "made"), [])

def packed(bench):
    return Artifact("fake", bench.root, "fake", "1", "digest", requirements=("b", "a"))
"""
TEST = """
class Test{driver}({kind}Contract):
    @pytest.fixture
    def case(self):
        return {kind}Case(driver={driver}({arguments}), {case})
"""


LEFT_OUT = ("randomly", "cacheprovider", "unraisableexception")


def rules(kind: str) -> list[str]:
    contract = getattr(testing, f"{kind}Contract")
    return [name for name in dir(contract) if name.startswith("test_")]


def write_case(kind: str, driver: str, body: str, rule: str = "") -> tuple[str, str]:
    """One driver and the class that tests it, as text."""
    lively = kind == "Provider" and rule in WITH_ACTIVATOR
    case = KINDS[kind][1].replace("LIVELY", f"{driver}Activator" if lively else "FakeActivator")
    case += ", name='a name'" if rule == "test_it_recognises_it_by_name" else ""
    arguments = "tool=1" if rule == "test_it_is_made_without_arguments" else ""
    source = f'class {driver}(Fake{kind}):\n    """A driver."""\n{textwrap.indent(body, "    ")}\n'
    if lively:
        source += f"class {driver}Activator(FakeActivator):\n{textwrap.indent(WITH_ACTIVATOR[rule], '    ')}\n"
    return source, TEST.format(driver=driver, kind=kind, arguments=arguments, case=case)


def bad_drivers(kind: str) -> list[tuple[str, str, str]]:
    """Rule, class name and body of every bad driver of a kind."""
    found = []
    for rule in rules(kind):
        bodies = {**COMMON, **KINDS[kind][0]}.get(rule, ())
        without = rule == "test_its_options_are_documented" and kind in OPTIONLESS
        for number, body in enumerate((bodies,) if isinstance(bodies, str) else bodies):
            found += [] if without else [(rule, f"Bad_{rule}_{number}", body)]
    return found


def run(pytester: pytest.Pytester, drivers: str, tests: str, *which: str) -> dict[str, str]:
    """Run tests of drivers in this process; the outcome of each by its class and name."""
    pytester.syspathinsert()
    pytester.makepyfile(drivers=DRIVERS + drivers, test_drivers=TESTS + tests)
    nodes = [f"test_drivers.py::{each}" for each in which] or ["test_drivers.py"]
    recorded = pytester.inline_run("-q", "-W", "ignore", *map("-pno:{}".format, LEFT_OUT), *nodes)
    found: dict[str, str] = {}
    for report in recorded.getreports("pytest_runtest_logreport"):
        name = report.nodeid.partition("::")[2]
        if report.when == "call" or (report.when == "setup" and report.outcome != "passed"):
            found[name] = "xfailed" if hasattr(report, "wasxfail") else f"{report.outcome} in {report.when}"
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_catches_a_bad_driver(kind: str, pytester: pytest.Pytester) -> None:
    bad = bad_drivers(kind)
    free = {"test_importing_it_is_light"} | ({"test_its_options_are_documented"} if kind in OPTIONLESS else set())
    assert {rule for rule, _, _ in bad} == set(rules(kind)) - free
    written = [write_case(kind, name, body, rule) for rule, name, body in bad]
    drivers, tests = ("".join(parts) for parts in zip(*written, write_case(kind, "Good", "pass"), strict=True))
    which = [f"Test{name}::{rule}" for rule, name, _ in bad]
    outcomes = run(pytester, drivers, tests, *which, "TestGood")
    assert {name: outcomes.get(name, "") for name in which} == dict.fromkeys(which, "failed in call")
    ours = {name: outcome for name, outcome in outcomes.items() if name.startswith("TestGood")}
    assert len(ours) == len(rules(kind))
    assert [name for name, outcome in ours.items() if outcome.startswith("failed")] == []


ALONE = "('sh', '-c', 'echo speaking; exec env -i T=\"$T\" PATH=\"$PATH\" \"$@\"', 'sh')"
"""What comes around a command prints first, and the variable that the activation sets is the first one of all."""


def test_an_activation_may_print(pytester: pytest.Pytester) -> None:
    body = activating(f"yield Activation(EnvDelta(set={{'T': 'x'}}), prefix={ALONE})")
    drivers, tests = write_case("Activator", "Talking", body)
    outcomes = run(pytester, drivers, tests, "TestTalking::test_what_is_set_is_seen")
    assert list(outcomes.values()) == ["passed in call"]


@pytest.mark.parametrize(
    "effect",
    [
        "import pytest",
        "import subprocess; subprocess.run(['/bin/true'])",
        "from shutil import which; assert which('sh')",
        "open('imported', 'w').close()",
        "import socket; socket.getaddrinfo('localhost', 1)",
    ],
)
def test_a_module_that_is_not_light_is_caught(effect: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(heavy=f"from kern.testing.fakes import FakeAdopter\n{effect}\nclass Bad(FakeAdopter): pass\n")
    drivers, tests = write_case("Adopter", "Light", "pass")
    tests = tests.replace("driver=Light()", "driver=__import__('heavy').Bad()")
    outcomes = run(pytester, drivers, tests, "TestLight::test_importing_it_is_light")
    assert list(outcomes.values()) == ["failed in call"]


REPLACED = "    def test_it_changes_nothing(self): pass\n"


@pytest.mark.parametrize("attempt", [REPLACED, "    test_it_changes_nothing = None\n"])
def test_a_rule_can_not_be_replaced_or_taken_away(attempt: str, pytester: pytest.Pytester) -> None:
    drivers, tests = write_case("Adopter", "Good", "pass")
    pytester.syspathinsert()
    pytester.makepyfile(drivers=DRIVERS + drivers, test_drivers=TESTS + tests + attempt)
    outcome = pytester.runpytest_inprocess("-q", "-p", "no:randomly", "-p", "no:cacheprovider")
    assert outcome.ret != 0
    outcome.stdout.fnmatch_lines(["*TestGood replaces test_it_changes_nothing of the contract*"])


def test_a_rule_can_be_excused_with_a_reason(pytester: pytest.Pytester) -> None:
    drivers, tests = write_case("Adopter", "Good", "pass")
    excuse = "    @pytest.mark.xfail(reason='its tool writes a cache')\n" + REPLACED.replace("pass", "assert False")
    outcomes = run(pytester, drivers, tests + excuse)
    assert len(outcomes) == len(rules("Adopter"))
    assert [name for name, outcome in outcomes.items() if outcome == "xfailed"] == ["TestGood::test_it_changes_nothing"]
    assert not [name for name, outcome in outcomes.items() if outcome.startswith("failed")]


def test_a_recording_context_runs_nothing(tmp_path: Path) -> None:
    from kern.api import Command, Completed, StepFailed

    context = testing.RecordingContext(str(tmp_path), answer=lambda _: Completed(3, "so it went"))
    assert context.run(Command(argv=("rm", "-rf", "/")), check=False) == Completed(3, "so it went")
    with pytest.raises(StepFailed) as caught:
        context.run(Command(argv=("rm",)))
    assert caught.value.tail == "so it went"
    assert [command.argv for command in context.ran] == [("rm", "-rf", "/"), ("rm",)]


def test_a_project_runs_kern(kern_project: testing.KernProject) -> None:
    kern_project.write({"kern.toml": 'env_list = ["a", "b"]\n[env]\npackage = "none"\n'})
    assert kern_project.kern("list", "--json", code=0).json["environments"]
