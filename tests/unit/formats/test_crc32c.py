"""CRC-32C against published values and a bit-by-bit twin."""

from __future__ import annotations

import pytest

from screening.formats.crc32c import crc32c


def bitwise(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0x00000000),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),  # RFC 3720, B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_published_values(data, expected):
    assert crc32c(data) == expected


@pytest.mark.parametrize("size", [1, 3, 4, 5, 23, 24, 25, 1023, 1024, 1025, 2047, 2048, 3000, 5121])
def test_every_path_agrees_with_the_twin(size):
    data = bytes((i * 197 + i // 7) & 0xFF for i in range(size))
    assert crc32c(data) == bitwise(data)
    assert crc32c(memoryview(data)) == crc32c(bytearray(data)) == crc32c(data[: size // 2], data[size // 2 :])


def test_one_flipped_bit_is_seen():
    data = bytearray(2068)
    before = crc32c(data)
    data[1999] ^= 0x10
    assert crc32c(data) != before
