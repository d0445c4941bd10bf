"""An ASGI application that answers on loopback."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn


@contextmanager
def answering(
    app: Any,
    configure: Callable[[Any], uvicorn.Config] = lambda app: uvicorn.Config(app, log_level="error"),
) -> Iterator[str]:
    """Yield the address of an application that runs in a thread."""
    server = uvicorn.Server(configure(app))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()
