"""Who may ask a page: at which address it is served, under which names, and with which token."""

import logging
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from colorizer.errors import UsageError

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Access:
    """Where a page is served and who may ask it.

    Attributes:
        address: the IP address that it listens at.
        names: what the `Host` header of a request may name. Any other is another site's name that
            was pointed at this machine (DNS rebinding).
        proxied: whether browsers may come by HTTPS, through a proxy under a name of its own.
        token: what a request has to show; "" asks for none.
    """

    address: str = LOOPBACK
    names: frozenset[str] = frozenset({LOOPBACK, "localhost"})
    proxied: bool = False
    token: str = ""

    @classmethod
    def of(
        cls, host: str, *, token: str = "", no_token: bool = False, allowed: Sequence[str] = ()
    ) -> "Access":
        """Return what the options `--host`, `--token`, `--no-token` and `--allow-host` ask for.

        Raises:
            UsageError: if the host is none of this machine's, or other machines would reach a page
                that asks for no token.
        """
        if token and no_token:
            raise UsageError("--token and --no-token: name one of them")
        address = _resolve(host)
        local = ip_address(address).is_loopback
        if not (local or token or no_token):
            raise UsageError(
                f"--host {host} lets other machines ask: give them a token, such as --token "
                f"{secrets.token_hex(8)}, or none with --no-token"
            )
        if not (local or token):
            logger.warning("warning: whoever reaches %s can use this page", host)
        names = cls.names | {host, address, *map(str.lower, allowed)}
        if ip_address(address).is_unspecified:
            names |= _own_names()
        return cls(address, frozenset(names), bool(allowed), token)


def _resolve(host: str) -> str:
    """Return a host's IP address."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError):
        raise UsageError(f"--host {host}: no such address: name one of this machine's") from None


def _own_names() -> set[str]:
    """Return this machine's name and its addresses under that name."""
    name = socket.gethostname()
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(name, None)}
    except OSError:
        found = set()
    return {name.lower(), *found}
