import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pandas as pd
import psutil
import pytest
from distributed import LocalCluster, get_client
from joblib import Parallel, cpu_count, delayed

from colorizer.data import workers as module
from colorizer.data.archive import ArchiveError, list_members
from colorizer.data.dataset import manifest_path
from colorizer.data.grayscale import ColorStatistics, list_photos, survey
from colorizer.data.preprocess import preprocess
from colorizer.data.workers import workers
from colorizer.errors import ColorizerError
from colorizer.params import Archive, Engine, Preprocess
from colorizer.photo.decode import ImageError

MakeArchive = Callable[[Mapping[str, bytes]], Archive]

PARAMS = Preprocess(image_size=24, resample="bicubic")


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def pids() -> set[int]:
    return set(get_client().run(os.getpid).values())


def where() -> tuple[int, str]:
    time.sleep(0.05)  # so that nobody does it all
    return os.getpid(), threading.current_thread().name


def outside_loopback() -> list[str]:
    """Return where this process and its children listen, but for this machine itself."""
    process = psutil.Process()
    sockets = [s for p in (process, *process.children(True)) for s in p.net_connections("inet")]
    listening = [s.laddr.ip for s in sockets if s.status == psutil.CONN_LISTEN]
    assert listening
    return [ip for ip in listening if ip not in ("127.0.0.1", "::1")]


def use_in_vain(engine: Engine) -> str:
    with pytest.raises(ColorizerError) as error, workers(engine):
        pytest.fail("it has workers")
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


@pytest.fixture(scope="module")
def split(root: Path) -> pd.DataFrame:
    names, _ = list_members(root / "sample" / "sample.zip")
    subsets = ["train"] * (len(names) - 16) + ["test"] * 16
    return pd.DataFrame({"id": [f"sample.zip/{name}" for name in names], "subset": subsets})


@pytest.fixture(scope="module")
def by_one_thread(
    root: Path, split: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, bytes], list[ColorStatistics]]:
    folder = tmp_path_factory.mktemp("one thread")
    preprocess(root / "sample", split, folder, PARAMS)
    return read_all(folder), survey(root / "sample", list_photos(root / "sample", ["sample.zip"]))


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Let two processes work by default, and yield where their scheduler listens."""
    with workers(Engine(backend="dask", workers=2)):
        started = pids()
        assert len(started) == 2
        yield get_client().scheduler.address
    assert not any(psutil.pid_exists(pid) for pid in started)


def test_threads_work_unless_asked_otherwise() -> None:
    with workers(Engine(workers=3)):
        places = set(Parallel()(delayed(where)() for _ in range(12)))
    assert {pid for pid, _ in places} == {os.getpid()}
    assert len(places) == 3
    assert {Parallel()([delayed(where)()])[0]} == {(os.getpid(), threading.current_thread().name)}


def test_one_thread_a_core_works_by_default() -> None:
    with workers(Engine()):
        assert Parallel().n_jobs == -1
        assert Parallel()._effective_n_jobs() == cpu_count()


def test_threads_give_the_same_bytes(
    root: Path,
    split: pd.DataFrame,
    by_one_thread: tuple[dict[str, bytes], list[ColorStatistics]],
    tmp_path: Path,
) -> None:
    with workers(Engine(workers=2)):
        preprocess(root / "sample", split, tmp_path, PARAMS)
        assert (
            read_all(tmp_path),
            survey(root / "sample", list_photos(root / "sample", ["sample.zip"])),
        ) == by_one_thread


@pytest.mark.slow
def test_processes_give_the_same_bytes(
    root: Path,
    split: pd.DataFrame,
    by_one_thread: tuple[dict[str, bytes], list[ColorStatistics]],
    cluster: str,
    tmp_path: Path,
) -> None:
    places = set(Parallel()(delayed(where)() for _ in range(20)))
    assert {pid for pid, _ in places} == pids()
    preprocess(root / "sample", split, tmp_path, PARAMS)
    assert (
        read_all(tmp_path),
        survey(root / "sample", list_photos(root / "sample", ["sample.zip"])),
    ) == by_one_thread
    assert cluster.startswith("tcp://127.0.0.1:")
    assert outside_loopback() == []


@pytest.mark.slow
def test_a_scheduler_s_workers_give_the_same_bytes(
    root: Path,
    split: pd.DataFrame,
    by_one_thread: tuple[dict[str, bytes], list[ColorStatistics]],
    cluster: str,
    tmp_path: Path,
) -> None:
    expected = pids()
    with workers(Engine(backend="dask", scheduler=cluster)):
        assert get_client().cluster is None
        assert pids() == expected
        preprocess(root / "sample", split, tmp_path, PARAMS)
        assert (
            read_all(tmp_path),
            survey(root / "sample", list_photos(root / "sample", ["sample.zip"])),
        ) == by_one_thread
    assert pids() == expected  # it lives on


@pytest.mark.slow
def test_one_process_works_instead_of_this_one_and_keeps_its_memory() -> None:
    with workers(Engine(backend="dask", workers=1)):
        (pid,) = pids()
        assert {place for place, _ in Parallel()(delayed(where)() for _ in range(2))} == {pid}
        environment = get_client().run(lambda: dict(os.environ))
    assert all("MALLOC_TRIM_THRESHOLD_" not in of for of in environment.values())
    assert all(of["OMP_NUM_THREADS"] == "1" for of in environment.values())


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_what_a_process_cannot_read_is_an_error_that_names_it(
    make_archive: MakeArchive, sample_photos: dict[str, bytes], tmp_path: Path
) -> None:
    members = {f"im{n}.jpg": sample_photos["mirflickr/im2.jpg"] for n in range(20)}
    path = Path(make_archive(members | {"im9.jpg": b"no image\nat all"}).source)
    split = pd.DataFrame({"id": [f"photos.zip/{name}" for name in members], "subset": "train"})
    with pytest.raises(ImageError, match=r"^photos\.zip/im9\.jpg: no readable image") as error:
        preprocess(path.parent, split, tmp_path / "lab", PARAMS)
    assert len(str(error.value).splitlines()) == 1
    assert not manifest_path(tmp_path / "lab").exists()

    with pytest.raises(ArchiveError, match=r"photos\.zip: gone\.jpg is damaged"):
        preprocess(path.parent, split.assign(id="photos.zip/gone.jpg"), tmp_path / "lab", PARAMS)

    photos = {
        photo.id: photo.error
        for photo in survey(path.parent, list_photos(path.parent, ["photos.zip"]))
    }
    assert "no readable image" in photos.pop("photos.zip/im9.jpg")
    assert set(photos.values()) == {""}


@pytest.mark.parametrize(
    "scheduler",
    ["tcp://127.0.0.1:9", "127.0.0.1:9", "nowhere", "carrier-pigeon://a:1", "tcp://a:b"],
)
def test_a_scheduler_that_does_not_answer_is_an_error_that_names_it(
    scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    start = time.monotonic()
    message = use_in_vain(Engine(backend="dask", scheduler=scheduler))
    assert time.monotonic() - start < 5
    assert f"engine.scheduler is {scheduler!r}" in message
    assert "`dask scheduler`" in message


def test_a_scheduler_without_workers_is_an_error_that_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as idle:
        message = use_in_vain(Engine(backend="dask", scheduler=idle.scheduler_address))
    assert f"scheduler at {idle.scheduler_address} has no workers" in message


def test_patience_with_a_scheduler_is_short() -> None:
    assert module.PATIENCE <= 10


def test_dask_that_is_not_installed_is_an_error_that_says_how(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    message = use_in_vain(Engine(backend="dask"))
    assert "engine.backend is dask" in message
    assert "pip install 'colorizer-unet[dask]'" in message


def test_threads_need_no_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with workers(Engine(workers=2)):
        assert Parallel()(delayed(abs)(n) for n in (-1, 2)) == [1, 2]
