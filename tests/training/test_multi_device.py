"""One training shared by several processes: the same losses, one record, one set of files."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.torch import load_file
from torch import nn

from colorizer.data.dataset import ab_path, digest_of, lightness_path, manifest_path
from colorizer.params import load_params
from colorizer.paths import Paths
from colorizer.training.run_record import (
    GRIDS,
    HISTORY,
    RECORD,
    WEIGHTS,
    Epoch,
    RunRecord,
    list_grids,
    read_history,
)
from colorizer.training.trainer import Trainer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LAB = Paths("demo").lab
MODEL = "model2"
PHOTOGRAPHS = {"train": 19, "test": 5}  # of batches of 8 the last has 3
EPOCHS = 3

# stages/train.py without MLflow, which takes seconds to import
SCRIPT = f"""
import logging
from pathlib import Path
from colorizer.console import entry_point
from colorizer.params import load_params
from colorizer.training.trainer import Trainer

@entry_point
def main() -> None:
    checkpoints = Path("checkpoints")
    trainer = Trainer(load_params(), {MODEL!r}, Path({str(LAB)!r}), checkpoints=checkpoints)
    trainer.train()
    if trainer.is_main:
        trainer.save(Path("run"), Path("timing.json"))

main()
"""

# its second process is killed once, after the first epoch's checkpoint
DIE_ONCE = """
    import os, signal, time
    from threading import Thread

    def die() -> None:
        while not list(checkpoints.glob("*/state.pt")):
            time.sleep(0.001)
        Path("died").write_text(os.environ["RANK"])
        os.kill(os.getpid(), signal.SIGKILL)

    if os.environ["RANK"] == "1" and not Path("died").exists():
        Thread(target=die, daemon=True).start()
        real = trainer.fabric.backward
        trainer.fabric.backward = lambda *a, **k: (time.sleep(0.3), real(*a, **k))
    trainer.train()
"""


def make_params(devices: int) -> dict[str, Any]:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params |= {"profile": "demo", "models": [MODEL]}
    params["engine"] |= {"accelerator": "cpu", "precision": "32-true", "devices": devices}
    demo = params["profiles"]["demo"]
    demo["models"] = {MODEL: {"widths": [4, 8, 8]}}
    demo["train"] |= {"epochs": EPOCHS, "batch_size": 8, "lr": 0.01}
    demo["train"] |= {"grid_every": 2, "grid_photos": 2}
    return params


def make_project(folder: Path, *, devices: int) -> Path:
    """Write params.yaml and the LAB arrays of a few patterns."""
    (folder / LAB).mkdir(parents=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(make_params(devices)))
    random, manifest = np.random.RandomState(7), {}
    for subset, count in PHOTOGRAPHS.items():
        lightness = random.uniform(0, 100, (count, 1, 32, 32)).astype(np.float16)
        np.save(lightness_path(folder / LAB, subset), lightness)
        ab = np.concatenate((lightness - 50, 50 - lightness), 1)
        np.save(ab_path(folder / LAB, subset), ab)
        ids = [f"{subset}{n}" for n in range(count)]
        manifest[subset] = {"ids": ids, "digest": digest_of(lightness, ab)}
    manifest_path(folder / LAB).write_text(json.dumps(manifest))
    return folder


def environment() -> dict[str, str]:
    others = ("DVC_", "MLFLOW_", "TORCHELASTIC_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(others)}
    path = os.pathsep.join(filter(None, (str(ROOT / "src"), kept.get("PYTHONPATH"))))
    return kept | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}


def run(folder: Path, *commands: list[str], timeout: int = 120) -> list[str]:
    """Run commands at once, and return what each says."""
    processes = [
        subprocess.Popen(
            command,
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for command in commands
    ]
    try:
        said = [process.communicate(timeout=timeout)[0] for process in processes]
    finally:
        for process in processes:
            process.terminate()  # torchrun ends its own
    assert [process.returncode for process in processes] == [0] * len(commands), "\n".join(said)
    return said


def torchrun(*, machines: int, processes: int, elastic: bool = False) -> list[str]:
    """Return torchrun's command; it meets at an address, since a host's name may not resolve."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "torch.distributed.run"]
    if elastic:
        command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{port}"]
        command += ["--local-addr", "127.0.0.1", "--max-restarts", "1"]
    else:
        command += ["--master-addr", "127.0.0.1", "--master-port", port]
    return [*command, "--nnodes", str(machines), "--nproc-per-node", str(processes)]


def losses(folder: Path, timing: Path) -> list[float]:
    history = read_history(folder / HISTORY, timing)
    assert [epoch.epoch for epoch in history] == list(range(1, EPOCHS + 1))
    return [loss for epoch in history for loss in (epoch.train_loss, epoch.test_loss)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which one process has trained."""
    folder = make_project(tmp_path_factory.mktemp("alone"), devices=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        trainer = Trainer(load_params(), MODEL, LAB, checkpoints=Path("checkpoints"))
        trainer.train()
        trainer.save(Path("run"), Path("timing.json"))
    return folder


def assert_same_outcome(folder: Path, timing: Path, alone: Path) -> None:
    assert losses(folder, timing) == pytest.approx(
        losses(alone / "run", alone / "timing.json"), rel=1e-4
    )
    weights, expected = load_file(folder / WEIGHTS), load_file(alone / "run" / WEIGHTS)
    assert weights.keys() == expected.keys()
    for name, values in weights.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-3, atol=1e-5)
    record = RunRecord.read(folder, timing)
    other = RunRecord.read(alone / "run", alone / "timing.json")
    assert (record.fingerprint, record.best_epoch) == (other.fingerprint, other.best_epoch)
    assert (record.machine["devices"], other.machine["devices"]) == ("2", "1")


def test_a_stage_on_two_devices_leaves_what_one_leaves(tmp_path: Path, alone: Path) -> None:
    project = make_project(tmp_path / "project", devices=2)
    [said] = run(project, [sys.executable, str(ROOT / "stages/train.py"), MODEL])
    kept = project / Paths("demo").run(MODEL)
    assert_same_outcome(kept, project / Paths("demo").timing(f"train_{MODEL}"), alone)
    assert said.count(f"epoch 1/{EPOCHS}") == said.count("kept in") == 1
    assert list(kept.parent.iterdir()) == [kept]
    assert {path.name for path in kept.iterdir()} == {WEIGHTS, HISTORY, RECORD, GRIDS}
    assert list(list_grids(kept)) == [1, 2, 3]
    assert not [path for path in (project / ".checkpoints").iterdir() if path.is_dir()]
    with closing(sqlite3.connect(project / "mlflow.db")) as database:
        runs = database.execute("select name, status from runs").fetchall()
        steps = database.execute("select step from metrics where key = 'loss/train'").fetchall()
    assert runs == [(MODEL, "FINISHED")]
    assert sorted(steps) == [(1,), (2,), (3,)]


def test_two_processes_of_torchrun_go_on_where_one_was_interrupted(
    tmp_path: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path / "project", devices=1)

    def interrupt(_network: nn.Module, history: list[Epoch]) -> None:
        if len(history) == 2:  # before this epoch's checkpoint is written
            raise KeyboardInterrupt

    monkeypatch.chdir(project)
    trainer = Trainer(load_params(), MODEL, LAB, checkpoints=Path("checkpoints"))
    with pytest.raises(KeyboardInterrupt):
        trainer.train(on_epoch_end=interrupt)
    (project / "train.py").write_text(SCRIPT)
    [said] = run(project, [*torchrun(machines=1, processes=2), "train.py"])
    assert said.count(f"resuming after epoch 1 of {EPOCHS}") == 1
    assert losses(project / "run", project / "timing.json") == pytest.approx(
        losses(alone / "run", alone / "timing.json"), rel=1e-4
    )
    assert [path.name for path in (project / "checkpoints").iterdir()] == [trainer.folder.name]


def test_two_machines_of_torchrun_leave_what_one_leaves(tmp_path: Path, alone: Path) -> None:
    project = make_project(tmp_path / "project", devices=1)
    (project / "train.py").write_text(SCRIPT)
    command = torchrun(machines=2, processes=1)
    said = run(project, *([*command, "--node-rank", str(n), "train.py"] for n in range(2)))
    assert [text.count(f"epoch 1/{EPOCHS}") for text in said] == [1, 0]
    assert_same_outcome(project / "run", project / "timing.json", alone)


@pytest.fixture
def two_nodes() -> Iterator[list[str]]:
    """Two network namespaces that a cable joins, as 10.77.0.1 and 10.77.0.2."""
    nodes = [f"node{os.getpid()}-{n}" for n in (1, 2)]

    def ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    try:
        for node in nodes:
            ip("netns", "add", node)
        ip(
            "link",
            "add",
            "cable",
            "netns",
            nodes[0],
            "type",
            "veth",
            "peer",
            "cable",
            "netns",
            nodes[1],
        )
        for n, node in enumerate(nodes, 1):
            ip("-n", node, "addr", "add", f"10.77.0.{n}/24", "dev", "cable")
            ip("-n", node, "link", "set", "cable", "up")
            ip("-n", node, "link", "set", "lo", "up")
        yield nodes
    except (OSError, subprocess.CalledProcessError) as refused:
        pytest.skip(f"this machine has no network namespaces: {refused}")
    finally:
        if shutil.which("ip"):
            for node in nodes:
                subprocess.run(["ip", "netns", "delete", node], check=False, capture_output=True)


def test_two_machines_of_a_network_leave_what_one_leaves(
    tmp_path: Path, alone: Path, two_nodes: list[str]
) -> None:
    project = make_project(tmp_path / "project", devices=1)
    (project / "stages").symlink_to(ROOT / "stages")
    together = "NODES=2", "PROCESSES=1", "FIRST=10.77.0.1:29500", "GLOO_SOCKET_IFNAME=cable"
    script = *together, f"PYTHON={sys.executable}", str(ROOT / "deploy/train.sh"), MODEL
    said = run(
        project,
        *(
            ["ip", "netns", "exec", node, "env", f"ADDRESS=10.77.0.{n}", *script]
            for n, node in enumerate(two_nodes, 1)
        ),
    )
    assert [text.count(f"epoch 1/{EPOCHS}") for text in said] == [1, 0]
    kept = project / Paths("demo").run(MODEL)
    assert_same_outcome(kept, project / Paths("demo").timing(f"train_{MODEL}"), alone)


def test_a_rank_that_is_killed_is_replaced_and_the_training_goes_on(
    tmp_path: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path / "project", devices=1)
    (project / "train.py").write_text(SCRIPT.replace("trainer.train()", DIE_ONCE))
    # each round gets a store of its own: a shared one would show the dead process's address
    monkeypatch.setenv("TORCH_DISABLE_SHARE_RDZV_TCP_STORE", "1")
    command = [*torchrun(machines=1, processes=2, elastic=True), "train.py"]
    [said] = run(project, command, timeout=300)  # torchrun waits up to 30 s for the other
    assert (project / "died").read_text() == "1"
    assert said.count(f"resuming after epoch 1 of {EPOCHS}") == 1
    assert_same_outcome(project / "run", project / "timing.json", alone)
