"""Fit one method on the training photographs: python stages/fit.py gupta2012."""

import sys
import time
from functools import partial

from colorizer.console import entry_point
from colorizer.data.archive import decode_photo
from colorizer.data.manifests import read_split
from colorizer.evaluation.encoder import Encoder
from colorizer.evaluation.fit_method import describe_fit, fit_method
from colorizer.params import load_params
from colorizer.paths import SHIPPED, Paths, atomic_write
from colorizer.training.run_record import write_run


@entry_point
def main(method: str) -> None:
    """Run the stage."""
    params = load_params()
    paths = Paths(params.profile)
    split = read_split(paths.data / "split.csv", params.active.split)
    ids = split.loc[split["subset"] == "train", "id"].tolist()
    read, encoder = partial(decode_photo, paths.archives), partial(Encoder.from_file, SHIPPED)
    record = describe_fit(method, params, ids)
    with atomic_write(paths.run(method)) as unfinished:
        fit_method(method, ids, read, unfinished, encoder)
        record = record.finished(at=int(1000 * time.time()), best_epoch=0)
        write_run(unfinished, paths.timing(f"fit_{method}"), record, [])


if __name__ == "__main__":
    main(*sys.argv[1:])
