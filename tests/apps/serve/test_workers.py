"""A worker that dies or stands still takes no request with it."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import psutil
import pytest
import requests

from colorizer.apps.serve import workers
from colorizer.apps.serve.coloring import Answer
from colorizer.apps.serve.workers import TOO_LATE, Workers
from colorizer.errors import ColorizerError
from colorizer.inference.options import Options

SERVE = [sys.executable, "-m", "colorizer.apps.cli", "serve", "--model", "shipped", "--port", "0"]
GRAY = b"P5 64 48 255 " + bytes(range(64)) * 48


class Worker:
    """Does with a photograph what the photograph says, in no process."""

    starts = deaths = 0

    def __init__(self, *_: object) -> None:
        self.dead = False

    def start(self) -> "Future[str]":
        self.dead = False
        Worker.starts += 1
        return done("")

    def color(self, data: bytes, *_: object) -> "Future[Answer]":
        if self.dead:
            raise BrokenProcessPool
        future: Future[Answer] = Future()
        if data == b"kills":
            self.dead = True
            future.set_exception(BrokenProcessPool())
        elif data == b"cannot be sent":
            future.set_exception(MemoryError())
        elif data == b"slow":
            asyncio.get_running_loop().call_later(0.3, future.set_result, Answer(200))
        elif data != b"hangs":
            future.set_result(Answer(200))
        return future

    def kill(self, *, wait: bool = False) -> None:
        self.dead = True


def done(value: str) -> "Future[str]":
    future: Future[str] = Future()
    future.set_result(value)
    return future


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    monkeypatch.setattr(workers, "Worker", Worker)
    monkeypatch.setattr(Worker, "starts", 0)
    monkeypatch.setattr(Worker, "deaths", 0)

    def count() -> None:
        Worker.deaths += 1

    with Workers(Path("weights"), count=2, on_death=count) as pool:
        yield pool


def ask(pool: Workers, *photos: bytes) -> list[Answer]:
    async def all_at_once() -> list[Answer]:
        return await asyncio.gather(*(pool.color(photo, Options(), 0.5) for photo in photos))

    return asyncio.run(all_at_once())


def test_a_photograph_that_kills_meets_two_workers_and_others_none_the_less_are_answered(
    pool: Workers,
) -> None:
    answers = ask(pool, b"kills", *[b"fine"] * 5)
    assert [answer.status for answer in answers] == [503] + [200] * 5
    assert "2 workers died of it" in answers[0].message
    assert (Worker.starts, Worker.deaths, pool.ready) == (4, 2, 2)


def test_workers_that_died_while_they_were_idle_cost_nobody_a_try(pool: Workers) -> None:
    for worker in pool._all:
        worker.kill()
    assert ask(pool, b"fine") == [Answer(200)]
    assert Worker.starts == 4


def test_a_photograph_that_takes_too_long_is_given_up(pool: Workers) -> None:
    assert ask(pool, b"hangs", b"hangs", b"fine") == [TOO_LATE, TOO_LATE, TOO_LATE]
    assert ask(pool, b"fine", b"fine") == [Answer(200)] * 2


def test_more_work_than_can_be_done_kills_no_worker(pool: Workers) -> None:
    answers = ask(pool, *[b"slow"] * 8)
    assert [answer.status for answer in answers] == [200] * 2 + [503] * 6
    assert Worker.starts == 2


def test_what_cannot_be_sent_to_a_worker_costs_none(pool: Workers) -> None:
    for _ in range(3):
        (answer,) = ask(pool, b"cannot be sent")
        assert (answer.status, "memory" in answer.message) == (503, True)
    assert (Worker.starts, pool.ready) == (2, 2)
    assert ask(pool, b"fine") == [Answer(200)]


def test_who_does_not_wait_any_more_leaves_the_worker_to_others(pool: Workers) -> None:
    async def leave() -> Answer:
        left = [asyncio.create_task(pool.color(b"slow", Options(), 5)) for _ in range(2)]
        await asyncio.sleep(0.05)
        for one in left:
            one.cancel()
        return await pool.color(b"fine", Options(), 5)

    assert asyncio.run(leave()) == Answer(200)
    assert Worker.starts == 2


def test_a_worker_that_cannot_begin_again_is_tried_until_it_can(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start, sleep, said = Worker.start, asyncio.sleep, ["", "no memory", "no memory", ""]

    def begin(worker: Worker) -> "Future[str]":
        start(worker)
        return done(said.pop(0))

    monkeypatch.setattr(workers, "Worker", Worker)
    monkeypatch.setattr(Worker, "start", begin)
    monkeypatch.setattr(asyncio, "sleep", lambda _: sleep(0))
    with Workers(Path("weights"), count=1) as pool:
        pool._all[0].kill()
        assert ask(pool, b"fine") == [Answer(200)]
    assert said == []
    assert caplog.text.count("a worker cannot begin again: no memory") == 2


def test_a_model_that_cannot_be_loaded_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[Worker] = []
    monkeypatch.setattr(workers, "Worker", Worker)
    monkeypatch.setattr(Worker, "start", lambda _: done("no weights there"))
    monkeypatch.setattr(Worker, "kill", lambda worker, wait: killed.append(worker))
    with pytest.raises(ColorizerError, match="no weights there"), Workers(Path("w"), count=2):
        pass
    assert len(killed) == 2


@contextlib.contextmanager
def service(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start the real service; yield its address and process."""
    with subprocess.Popen([*SERVE, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[0], process
        finally:
            process.kill()


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    children = psutil.Process(process.pid).children()
    return [child for child in children if "spawn_main" in "".join(child.cmdline())]


def worker_of(process: subprocess.Popen[str]) -> psutil.Process:
    (worker,) = workers_of(process)
    return worker


def send(address: str) -> requests.Response:
    return requests.post(f"{address}/colorize", GRAY, timeout=120)


def wait_for(address: str, what: str, value: float) -> None:
    while True:
        text = requests.get(f"{address}/metrics", timeout=9).text
        found = re.search(rf"^{what} (\S+)", text, re.MULTILINE)
        if found and float(found[1]) == value:
            return
        time.sleep(0.05)


@pytest.mark.slow
def test_a_killed_worker_s_request_is_colored_by_another_and_all_end_on_sigterm() -> None:
    with service("--workers", "1") as (address, process), ThreadPoolExecutor(8) as clients:
        worker = worker_of(process)
        worker.suspend()  # so that it surely has one of them in its hands
        asked = [clients.submit(send, address) for _ in range(4)]
        wait_for(address, "colorizer_requests_here", 4)
        worker.kill()
        assert [one.result().status_code for one in asked] == [200] * 4
        wait_for(address, "colorizer_worker_deaths_total", 1)
        worker = worker_of(process)
        worker.suspend()
        asked = [clients.submit(send, address) for _ in range(3)]
        wait_for(address, "colorizer_requests_here", 3)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(requests.ConnectionError):
            send(address)
        worker.resume()
        assert [one.result().status_code for one in asked] == [200] * 3
        assert process.wait(60) == 128 + signal.SIGTERM


@pytest.mark.slow
def test_a_worker_that_stands_still_is_replaced_and_none_outlives_the_service() -> None:
    with service("--workers", "1", "--timeout", "3") as (address, process):
        worker_of(process).suspend()
        answer = send(address)
        assert (answer.status_code, "not done in time" in answer.text) == (503, True)
        assert requests.get(f"{address}/ready", timeout=9).status_code in (200, 503)
        wait_for(address, "colorizer_workers_ready", 1)
        worker = worker_of(process)
        os.kill(process.pid, signal.SIGKILL)
        worker.wait(60)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0, 0.2, 0.5])
def test_ctrl_c_while_workers_begin_ends_all_in_silence(seconds: float) -> None:
    command = [*SERVE, "--workers", "2"]
    pipe, start = subprocess.PIPE, partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, start_new_session=True, preexec_fn=start
    ) as process:
        while len(workers_of(process)) < 2:
            time.sleep(0.01)
        time.sleep(seconds)  # in which they import
        begun = workers_of(process)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        said, errors = process.communicate(timeout=60)
    assert (process.returncode, said, errors) == (128 + signal.SIGINT, "", "")
    assert psutil.wait_procs(begun, timeout=60)[1] == []
