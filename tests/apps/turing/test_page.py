"""People take part in a real browser, and the report finds what they are known to have done."""

import os
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import mlflow
import pytest

import colorizer

if TYPE_CHECKING:
    from playwright.sync_api import Page

PRACTICE, PAIRS, PEOPLE = 1, 10, 5
FOOLED = 0.3
"""How often the scripted people take the original for the fake, in truth."""

CAUGHT = 0.8  # of vigilance pairs
SECONDS = 0.03
RELOADS = 2, 8  # this person loads the page again at this pair's question
NARROW = 4  # this person has a telephone

WATCH = """() => {
    const watched = window.shown;
    window.shown = {};
    if (watched) return;
    for (const side of ["left", "right"]) {
        const picture = document.getElementById(`${side}-picture`);
        const note = () => (window.shown[side] ??= []).push([performance.now(), !picture.hidden]);
        new MutationObserver(note).observe(picture, { attributeFilter: ["hidden"] });
    }
}"""


@dataclass
class Script:
    """What the people are known to have done."""

    chance: random.Random = field(default_factory=lambda: random.Random(7))
    counts: Counter[str] = field(default_factory=Counter)

    def side(self, kind: str, fake: str) -> str:
        """Return the side that a person takes for the fake, and remember it."""
        wrong = self.chance.random() < {"test": FOOLED, "vigilance": 1 - CAUGHT}.get(kind, 0.5)
        self.counts[f"{kind} wrong"] += wrong
        self.counts[kind] += 1
        return {"left": "right", "right": "left"}[fake] if wrong else fake


def truth(db: Path, person: str, number: int) -> tuple[str, str]:
    """Return a pair's kind and the fake's side."""
    with closing(sqlite3.connect(db)) as connection:
        query = "SELECT kind, fake FROM trials WHERE person = ? AND number = ?"
        found: tuple[str, str] = connection.execute(query, (person, number)).fetchone()
        return found


def begin(page: "Page") -> str:
    """Consent, and return the id that the browser keeps."""
    page.click("#agree")
    page.wait_for_selector("#go")
    return str(page.evaluate("JSON.parse(Object.values(localStorage)[0]).person"))


def answer(page: "Page", script: Script, db: Path, person: str, number: int) -> None:
    """Answer a pair, by a click or a key."""
    page.wait_for_selector("#left:enabled")
    kind, fake = truth(db, person, number)
    side = script.side(kind, fake)
    at = number if number <= PRACTICE else number - PRACTICE
    assert f"{at} of {PRACTICE if kind == 'practice' else PAIRS}" in page.inner_text("#progress")
    page.keyboard.press("Control+ArrowLeft")  # of the browser, and no answer
    if number % 2:
        page.click(f"#{side}")
    else:
        page.keyboard.press({"left": "ArrowLeft", "right": "ArrowRight"}[side])
    if kind == "practice":
        page.wait_for_selector("#next:visible")
        assert page.inner_text("#say").startswith("Right" if side == fake else "Wrong")
        page.keyboard.press("Enter")


def reload_at_the_question(page: "Page") -> None:
    """Load the page again: the question comes at once, the pictures do not come back."""
    page.wait_for_selector("#left:enabled")
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    at = page.inner_text("#progress")
    page.reload()
    page.wait_for_selector("#left:enabled")
    page.wait_for_load_state("networkidle")
    assert page.inner_text("#progress") == at
    assert not page.is_visible("#left-picture")
    number = PRACTICE + int(at.split()[0])
    assert not [url for url in asked if f"/pictures/{number}/" in url]


def take_part(page: "Page", script: Script, db: Path, who: int) -> None:
    page.set_viewport_size({"width": 390 if who == NARROW else 1280, "height": 800})
    person = begin(page)
    page.evaluate(WATCH)
    for number in range(1, PRACTICE + PAIRS + 1):
        if number in (1, PRACTICE + 1):
            page.click("#go")
        if (who, number) == RELOADS:
            reload_at_the_question(page)
        answer(page, script, db, person, number)
    page.wait_for_selector("#another:visible")
    if who != RELOADS[0]:
        check_exposures(page)
    page.click("#another")
    page.wait_for_selector("#agree:visible")
    assert page.evaluate("localStorage.length") == 0


def open_twice(page: "Page", script: Script, db: Path) -> None:
    """Go on in another tab, which is refused until the first is closed."""
    person = begin(page)
    with page.context.new_page() as other:
        other.goto(page.url)
        other.wait_for_selector("#trouble:visible")
        assert "open in another tab" in other.inner_text("#trouble")
        assert not other.is_visible("#anew")
        page.goto("about:blank")
        other.click("#again")
        other.click("#go")
        answer(other, script, db, person, 1)
        page.goto(other.url)
        page.wait_for_selector("#trouble:visible")
    page.click("#again")
    page.wait_for_selector("#go:visible")
    assert "Now it counts" in page.inner_text("#ready")  # the first pair was for practice
    page.evaluate("localStorage.clear()")
    page.reload()


def get_stuck(page: "Page") -> None:
    """Begin, have no pictures, as when a photograph has gone, and begin anew."""
    page.route("**/pictures/**", lambda route: route.fulfill(status=400, json={"message": "gone"}))
    begin(page)
    page.click("#go")
    for way_out in ("#again", "#anew"):
        page.wait_for_selector("#trouble:visible")
        assert "gone" in page.inner_text("#trouble")
        page.click(way_out)
        if way_out == "#again":
            page.click("#go")
    page.wait_for_selector("#agree:visible")
    assert page.evaluate("localStorage.length") == 0


def check_exposures(page: "Page") -> None:
    """Each picture was shown once a pair, for about the time asked for."""
    for changes in page.evaluate("window.shown").values():
        times = [time for time, _ in changes]
        assert [shown for _, shown in changes] == (PRACTICE + PAIRS) * [True, False]
        exposures = sorted(off - on for on, off in zip(times[::2], times[1::2], strict=True))
        assert SECONDS * 1000 - 20 < exposures[len(exposures) // 2] < SECONDS * 1000 + 200


def report(folder: Path, db: Path) -> str:
    """Return what `colorizer turing report` prints, in a folder that keeps MLflow's store."""
    environment = os.environ | {
        "PYTHONPATH": str(Path(colorizer.__file__).parents[1]),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
    }
    command = [sys.executable, "-m", "colorizer.apps.cli", "turing", "report", "--db", str(db)]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    return done.stdout


@pytest.fixture
def folder(sample_photos: dict[str, bytes], tmp_path: Path) -> Path:
    """A folder with the bundled photographs in it."""
    for name, data in sample_photos.items():
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path


@pytest.mark.slow
def test_the_report_finds_how_often_people_were_fooled(
    serve: Callable[..., str], page: "Page", folder: Path, root: Path
) -> None:
    db = folder / "turing.db"
    weights = root / "models" / "pretrained" / "colorizer.safetensors"
    shape = ("--practice", PRACTICE, "--pairs", PAIRS, "--seconds", SECONDS)
    page.goto(
        serve("turing", "--model", weights, "--photos", folder / "photos", "--db", db, *shape)
    )
    script = Script()
    for who in range(PEOPLE):
        take_part(page, script, db, who)
    open_twice(page, Script(), db)
    get_stuck(page)

    cells = report(folder, db)
    counts = script.counts
    rate, caught = counts["test wrong"] / counts["test"], 1 - counts["vigilance wrong"] / PEOPLE
    assert (counts["practice"], counts["test"], counts["vigilance"]) == (5, 45, 5)
    row = next(line for line in cells.splitlines() if line.startswith("| colorizer |"))
    _, people, pairs, fooled, interval, vigilance, _ = (
        c.strip() for c in row.strip("|").split("|")
    )
    assert (people, pairs) == (str(PEOPLE), "45")
    assert (fooled, vigilance) == (f"{rate:.1%}", f"{caught:.1%}")
    low, high = (float(end.strip("%")) / 100 for end in interval.split(" to "))
    assert low < FOOLED < high
    assert "left out of colorizer: 2 who began and did not finish" in cells
    assert "colorizer: 9 pairs were shown in turn, in narrow windows" in cells

    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("colorizer")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.metrics["turing/fooling_rate"] == rate
    assert run.data.metrics["turing/vigilance"] == pytest.approx(caught)
    assert f"{run.data.metrics['turing/fooling_rate_low']:.1%}" == interval.split()[0]
    assert f"{run.data.metrics['turing/fooling_rate_high']:.1%}" == interval.split()[-1]
    with closing(sqlite3.connect(db)) as connection:
        layouts = connection.execute("SELECT layout, count(*) FROM trials GROUP BY layout")
        assert dict(layouts) == {"beside": 4 * 11 + 1, "in turn": 11, None: 10 + 11}
