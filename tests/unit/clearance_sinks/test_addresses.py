"""Addresses: what is not public is not sent to unless the settings name it."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from screening.clearance.sinks.addresses import is_public, networks_of, resolve, resolved
from screening.clearance.sinks.sink import SinkError
from screening.errors import ConfigurationError

PRIVATE = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.2.1", "198.18.0.1",  # noqa: S104
    "::1", "::", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",  # IPv4 in IPv6
    "2002:7f00:1::", "2002:a00:1::",  # 6to4
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",  # NAT64
    "fec0::1", "feff::1", "3fff::1", "64:ff9b:1::7f00:1", "::127.0.0.1",  # never routed
    "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo, of 127.0.0.1
]  # fmt: skip


@pytest.mark.parametrize("text", PRIVATE)
def test_addresses_of_a_site_itself_are_not_public(text):
    assert not is_public(ip_address(text))
    with pytest.raises(SinkError, match="neither public nor") as caught:
        resolve("receiver.test", 443, (), lookup=lambda host, port: [text])
    assert caught.value.is_retryable


@pytest.mark.parametrize(
    "text", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_used(text):
    assert resolve("receiver.test", 443, (), lookup=lambda host, port: [text]) == [ip_address(text)]


@pytest.mark.parametrize("name", ["2130706433", "0177.0.0.1", "0x7f.1", "127.1", "0", "localhost"])
def test_other_ways_to_write_this_machine_lead_nowhere(name):
    with pytest.raises(SinkError, match=r"neither public nor|does not resolve"):
        resolve(name, 443, ())


def test_one_forbidden_address_among_good_ones_is_enough():
    with pytest.raises(SinkError, match=r"10\.0\.0\.1"):
        resolve("receiver.test", 443, (), lookup=lambda host, port: ["93.184.215.14", "10.0.0.1"])


def test_networks_that_are_named_may_be_used_however_they_are_written():
    networks = networks_of(["10.1.0.0/16", "fd00::/8"], where="sink")
    for text in ("10.1.2.3", "fd12::1", "::ffff:10.1.2.3"):
        assert resolve("receiver.test", 443, networks, lookup=lambda host, port, text=text: [text])
    with pytest.raises(SinkError):
        resolve("receiver.test", 443, networks, lookup=lambda host, port: ["10.2.0.1"])


@pytest.mark.parametrize("answer", [[], OSError("no such name")])
def test_a_name_that_does_not_resolve_is_tried_again(answer):
    def lookup(host, port):
        if isinstance(answer, OSError):
            raise answer
        return answer

    with pytest.raises(SinkError, match="does not resolve") as caught:
        resolve("receiver.test", 443, (), lookup=lookup)
    assert caught.value.is_retryable


def test_a_network_that_is_none_is_refused():
    with pytest.raises(ConfigurationError, match="sink x: networks"):
        networks_of(["10.1.2.3/8"], where="sink x: networks")


def test_the_system_resolves_addresses_to_themselves():
    assert resolved("127.0.0.1", 80) == ["127.0.0.1"]
