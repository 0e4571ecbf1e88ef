"""Who asks, where proxies of ours stand before the shop."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Network, IPv6Network, ip_address

Networks = Collection[IPv4Network | IPv6Network]


def client_address(*, peer: str, forwarded_for: str, trusted: Networks) -> str:
    """Return the address of whoever asks: the nearest one that is not a proxy of ours.

    Every proxy appends whom it saw, so that the header is read from its end, as far as we trust who wrote it; what
    stands before that is the client's own say (RFC 7239, section 8.1).

    :param peer: the other end of the connection
    :param forwarded_for: ``X-Forwarded-For``, nearest last
    """
    address = peer
    for hop in reversed(forwarded_for.split(",")):
        if not _is_trusted(address, trusted) or not _is_address(hop.strip()):
            break
        address = hop.strip()
    return address


def _is_trusted(address: str, trusted: Networks) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in trusted)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
