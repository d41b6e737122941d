"""Which address a message may be sent to: names are resolved once, and the connection goes there.

A receiver's name comes from the settings, and what it resolves to from somebody else's DNS: without
these checks a name could lead into the site's own network (server-side request forgery).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from screening.errors import ConfigurationError

from .sink import SinkError

__all__ = ["Address", "Network", "is_public", "networks_of", "resolve", "resolved"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: NAT64 (RFC 6052): the last 32 bits are an IPv4 address.
_NAT64 = ip_network("64:ff9b::/96")
#: All that is routed of IPv6. The rest is kept, withdrawn (site-local fec0::/10, which may still lead into
#: the site) or special, whatever the library's tables say of it; and what documentation uses is of the first.
_ROUTED_6 = ip_network("2000::/3")
_WRITTEN_OF_6 = ip_network("3fff::/20")


def networks_of(texts: Iterable[str], *, where: str) -> tuple[Network, ...]:
    """Return networks written as text.

    Parameters
    ----------
    texts : iterable of str
        "10.1.2.0/24", "fd00::/8", or a single address.
    where : str
        What they belong to, for messages.

    Returns
    -------
    tuple of Network
        The networks.

    Raises
    ------
    ConfigurationError
        If one is none.
    """
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise ConfigurationError(f"{where}: {error}", value=where) from None


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the public internet, and so do the addresses hidden in it.

    Parameters
    ----------
    address : Address
        The address.

    Returns
    -------
    bool
        False for private, loopback, link-local, multicast, reserved and unspecified ones.
    """
    inner = _hidden_in(address)
    if inner is not None:
        return is_public(inner)
    if isinstance(address, IPv6Address) and (address not in _ROUTED_6 or address in _WRITTEN_OF_6):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def resolved(host: str, port: int) -> list[str]:
    """Return what a name resolves to.

    Parameters
    ----------
    host : str
        Name or address.
    port : int
        Port.

    Returns
    -------
    list of str
        Addresses, each once, in the resolver's order.

    Raises
    ------
    OSError
        If it does not resolve.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def resolve(
    host: str,
    port: int,
    networks: Sequence[Network],
    *,
    lookup: Callable[[str, int], list[str]] = resolved,
) -> list[Address]:
    """Return the addresses of a receiver, if all of them may be used.

    Parameters
    ----------
    host : str
        Name or address.
    port : int
        Port.
    networks : sequence of Network
        Networks that may be used although they are not public.
    lookup : callable
        Resolves the name.

    Returns
    -------
    list of Address
        At least one. The connection is made to one of these, and the name is not looked up again.

    Raises
    ------
    SinkError
        To try again: if it does not resolve, or to an address that is neither public nor named. One
        such address among good ones is enough: an answer that mixes them is not to be trusted.
    """
    try:
        texts = lookup(host, port)
    except OSError as error:
        raise SinkError(f"{host} does not resolve: {error}", is_retryable=True, value=host) from None
    # A zone ("fe80::1%eth0") says by which interface; the address is what counts.
    found = [ip_address(text.partition("%")[0]) for text in texts]
    if not found:
        raise SinkError(f"{host} does not resolve", is_retryable=True, value=host)
    for address in found:
        if not (is_public(address) or any(_is_in(address, network) for network in networks)):
            raise SinkError(
                f"{host} resolves to {address}, which is neither public nor among the networks of the "
                "settings; nothing was sent",
                is_retryable=True,
                value=str(address),
            )
    return found


def _is_in(address: Address, network: Network) -> bool:
    inner = _hidden_in(address)
    return address in network or (inner is not None and inner in network)


def _hidden_in(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 one leads to."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None
