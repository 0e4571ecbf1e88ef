from __future__ import annotations

from ipaddress import ip_network

import pytest

from core.proxies import client_address

OURS = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


class TestClientAddress:
    @pytest.mark.parametrize(
        ("peer", "forwarded_for", "address"),
        [
            ("192.0.2.7", "", "192.0.2.7"),
            ("10.0.0.1", "192.0.2.7", "192.0.2.7"),
            ("10.0.0.1", "192.0.2.7, 10.0.0.2", "192.0.2.7"),
            ("fd00::1", " 2001:db8::7 ", "2001:db8::7"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ],
    )
    def test_is_the_nearest_that_is_no_proxy_of_ours(self, peer: str, forwarded_for: str, address: str) -> None:
        assert client_address(peer=peer, forwarded_for=forwarded_for, trusted=OURS) == address

    @pytest.mark.parametrize(
        ("peer", "forwarded_for", "address"),
        [
            ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
            ("10.0.0.1", "198.51.100.1, 192.0.2.7", "192.0.2.7"),
            ("10.0.0.1", "198.51.100.1, 10.9.9.9, 192.0.2.7", "192.0.2.7"),
            ("10.0.0.1", "nonsense", "10.0.0.1"),
            ("10.0.0.1", "192.0.2.7, \0, 10.0.0.2", "10.0.0.2"),
            ("", "192.0.2.7", ""),
        ],
    )
    def test_s15_takes_no_word_of_the_client_for_it(self, peer: str, forwarded_for: str, address: str) -> None:
        assert client_address(peer=peer, forwarded_for=forwarded_for, trusted=OURS) == address

    def test_is_the_peer_where_no_proxy_is_named(self) -> None:
        assert client_address(peer="10.0.0.1", forwarded_for="192.0.2.7", trusted=[]) == "10.0.0.1"
