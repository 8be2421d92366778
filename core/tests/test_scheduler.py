"""The scheduler on any graph: every node once, after what it waits for, within the pools, and an end to everything."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kern.scheduler import Node, Pools, Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PATIENCE = 60.0
"""Seconds after which a test that waits in vain fails."""


class Graph(NamedTuple):
    """Nodes whose dependencies come before them, and the sizes of the pools they take part in."""

    nodes: tuple[Node, ...]
    sizes: dict[str, int]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any acyclic graph, in any order; some nodes wait for keys that there are not."""
    keys = [str(number) for number in range(draw(st.integers(0, 12)))]
    sizes = draw(st.dictionaries(st.sampled_from("xyz"), st.integers(1, 3)))
    nodes = []
    for position, key in enumerate(keys):
        after = draw(st.sets(st.sampled_from([*keys[:position], "nowhere"]), max_size=3))
        pools = draw(st.sets(st.sampled_from(["x", "y", "z", "unlimited"]), max_size=2))
        nodes.append(Node(key, tuple(sorted(after)), tuple(sorted(pools))))
    return Graph(tuple(draw(st.permutations(nodes))), sizes)


class Watch:
    """Work that notes what runs together and what has ended when something begins."""

    def __init__(self, graph: Graph, act: Callable[[str], None] = lambda _: None) -> None:
        self.nodes = {node.key: node for node in graph.nodes}
        self.sizes = graph.sizes
        self.act = act
        self.lock = threading.Lock()
        self.running: list[str] = []
        self.started: list[str] = []
        self.ended: set[str] = set()
        self.most = 0
        self.problems: list[str] = []

    def __call__(self, key: str) -> None:
        with self.lock:
            self.started.append(key)
            self.running.append(key)
            self.most = max(self.most, len(self.running))
            missing = {other for other in self.nodes[key].after if other in self.nodes} - self.ended
            if missing:
                self.problems.append(f"{key} began before {missing}")
            for pool, size in self.sizes.items():
                using = [other for other in self.running if pool in self.nodes[other].pools]
                if len(using) > size:
                    self.problems.append(f"{using} share {pool}")
        try:
            self.act(key)
        finally:
            with self.lock:
                self.running.remove(key)
                self.ended.add(key)


def run(scheduler: Scheduler) -> None:
    """Run to the end, and fail instead of waiting for ever."""
    failure: list[BaseException] = []

    def body() -> None:
        try:
            scheduler.run()
        except BaseException as error:  # noqa: BLE001 - carried over
            failure.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "the scheduler does not end"
    if failure:
        raise failure[0]


def free(pools: Pools) -> dict[str, int]:
    """How many places each pool has left."""
    return dict(pools._free)


@settings(max_examples=200)
@given(graphs(), st.integers(1, 5))
def test_every_node_once_in_order_and_within_the_pools(graph: Graph, jobs: int) -> None:
    watch, pools = Watch(graph), Pools(graph.sizes)
    run(Scheduler(graph.nodes, watch, jobs, pools))
    assert sorted(watch.started) == sorted(watch.nodes)
    assert watch.problems == []
    assert watch.most <= jobs
    assert free(pools) == graph.sizes


@settings(max_examples=100)
@given(graphs(), st.integers(1, 4), st.data())
def test_stop_ends_it(graph: Graph, jobs: int, data: st.DataObject) -> None:
    last = data.draw(st.sampled_from([node.key for node in graph.nodes] or ["none"]))
    pools = Pools(graph.sizes)
    after_stop: list[str] = []

    def act(key: str) -> None:
        if key == last:
            scheduler.stop()
            with watch.lock:
                after_stop.extend(watch.started)

    watch = Watch(graph, act)
    scheduler = Scheduler(graph.nodes, watch, jobs, pools)
    run(scheduler)
    assert watch.problems == []
    assert len(set(watch.started)) == len(watch.started)
    assert len(watch.started) <= len(after_stop) + jobs
    assert watch.running == []
    assert free(pools) == graph.sizes


@settings(max_examples=100)
@given(graphs().filter(lambda graph: bool(graph.nodes)), st.integers(1, 4), st.data())
def test_what_work_raises_comes_out_of_run(graph: Graph, jobs: int, data: st.DataObject) -> None:
    bad = data.draw(st.sampled_from([node.key for node in graph.nodes]))
    error = data.draw(st.sampled_from([ValueError("x"), KeyboardInterrupt(), SystemExit(3)]))

    def act(key: str) -> None:
        if key == bad:
            raise error

    watch, pools = Watch(graph, act), Pools(graph.sizes)
    with pytest.raises(type(error)) as caught:
        run(Scheduler(graph.nodes, watch, jobs, pools))
    assert caught.value is error
    assert not {node.key for node in graph.nodes if bad in node.after} & set(watch.started)
    assert free(pools) == graph.sizes


def meet(count: int, nodes: Iterable[Node], sizes: dict[str, int], jobs: int) -> bool:
    """Whether so many nodes are ever at work together."""
    barrier = threading.Barrier(count)

    def work(_: str) -> None:
        barrier.wait(PATIENCE)

    try:
        run(Scheduler(nodes, work, jobs, Pools(sizes)))
    except threading.BrokenBarrierError:
        return False
    return True


def test_what_can_run_together_does() -> None:
    assert meet(3, [Node("a"), Node("b"), Node("c")], {}, 3)
    assert meet(2, [Node("a", (), ("x",)), Node("b", (), ("x",))], {"x": 2}, 8)
    assert meet(2, [Node("a", (), ("x",)), Node("b", (), ("y",))], {"x": 1, "y": 1}, 2)


def test_a_node_that_has_to_wait_does_not_hold_up_the_next() -> None:
    order: list[str] = []
    go = threading.Event()

    def work(key: str) -> None:
        if key == "first":
            assert go.wait(PATIENCE)
        order.append(key)
        if key == "free":
            go.set()

    nodes = [Node("first", (), ("x",)), Node("second", (), ("x",)), Node("third", ("first",)), Node("free")]
    run(Scheduler(nodes, work, 2, Pools({"x": 1})))
    assert order[:2] == ["free", "first"]
    assert sorted(order) == ["first", "free", "second", "third"]


def test_one_job_keeps_the_order() -> None:
    order: list[str] = []
    run(Scheduler([Node("b", ("c",)), Node("a"), Node("c")], order.append, 1, Pools({})))
    assert order == ["a", "c", "b"]


def test_stop_before_run_and_nothing_to_run() -> None:
    order: list[str] = []
    scheduler = Scheduler([Node("a")], order.append, 1, Pools({}))
    scheduler.stop()
    run(scheduler)
    run(Scheduler([], order.append, 4, Pools({})))
    assert order == []


def test_stop_from_elsewhere_wakes_those_who_wait() -> None:
    """A node that waits for a place that is never given back must not keep the run alive."""
    pools = Pools({"x": 1})
    assert pools.take(("x",))
    began = threading.Event()
    scheduler = Scheduler([Node("free"), Node("stuck", (), ("x",))], lambda _: began.set(), 2, pools)

    def stop() -> None:
        began.wait(PATIENCE)
        scheduler.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    run(scheduler)
    stopper.join()
    pools.give(("x",))
    assert free(pools) == {"x": 1}


def test_what_does_not_end_is_given_up_after_the_second_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kern.scheduler.PATIENCE", 0.1)
    release = threading.Event()
    scheduler = Scheduler([Node("stuck")], lambda _: bool(release.wait(PATIENCE)), 1, Pools({}))
    scheduler.stop(1)
    run(scheduler)
    assert not scheduler.abandoned
    scheduler = Scheduler([Node("stuck")], lambda _: (scheduler.stop(2), release.wait(PATIENCE))[0], 1, Pools({}))
    run(scheduler)
    assert scheduler.abandoned
    release.set()


def test_taking_is_all_or_nothing() -> None:
    pools = Pools({"x": 1, "y": 2})
    assert pools.take(("x", "y", "unlimited"))
    assert not pools.take(("y", "x"))
    assert free(pools) == {"x": 0, "y": 1}
    pools.give(("x", "unlimited"))
    assert pools.take(("y", "x"))
    assert free(pools) == {"x": 0, "y": 0}


def test_holding_gives_back_whatever_happens() -> None:
    pools = Pools({"x": 1})

    def fail() -> None:
        assert free(pools) == {"x": 0}
        assert not pools.take_locked(["x"])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), pools.hold(("x", "unlimited")):
        fail()
    assert free(pools) == {"x": 1}
    with pools.hold(("unlimited",)), pools.hold(()):
        assert free(pools) == {"x": 1}


def test_holding_waits_for_its_turn() -> None:
    pools = Pools({"x": 1, "y": 1})
    most: list[int] = []
    inside: list[str] = []
    lock = threading.Lock()

    def body(name: str) -> None:
        for _ in range(20):
            with pools.hold(("x", "y")):
                with lock:
                    inside.append(name)
                    most.append(len(inside))
                with lock:
                    inside.remove(name)

    threads = [threading.Thread(target=body, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert most == [1] * 80
    assert free(pools) == {"x": 1, "y": 1}
