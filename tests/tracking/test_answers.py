"""What is said of a tracking server that refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from colorizer.errors import ColorizerError
from colorizer.tracking.model_uri import list_known
from colorizer.tracking.store import Store


@pytest.mark.parametrize("ask", [list_known, lambda: Store("test")], ids=["registry", "store"])
def test_a_server_that_asks_for_a_user_is_told_in_one_line(
    ask: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, response._content = 401, b"You are not authenticated."
        return response

    monkeypatch.setattr(requests.Session, "request", refuse)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(ColorizerError, match="does not know you: set MLFLOW_TRACKING_USERNAME"):
        ask()
