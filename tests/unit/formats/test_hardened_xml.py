"""Bad XML is refused at once, with one line that says why."""

from __future__ import annotations

import resource
import time

import pytest

from screening.errors import FormatError, ResourceLimitError
from screening.formats.n42 import read_n42

BODY = b"<N42InstrumentData><Measurement>%s</Measurement></N42InstrumentData>"


def bombs() -> dict[str, bytes]:
    levels = b"".join(b'<!ENTITY l%d "%s">' % (i + 1, b"&l%d;" % i * 10) for i in range(9))
    return {
        "external entity": b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + BODY % b"&x;",
        "entity bomb": b'<!DOCTYPE d [<!ENTITY l0 "lol">' + levels + b"]>" + BODY % b"&l9;",
        "quadratic bomb": b'<!DOCTYPE d [<!ENTITY a "' + b"a" * 50_000 + b'">]>' + BODY % (b"&a;" * 50_000),
        "external subset": b'<!DOCTYPE d SYSTEM "http://127.0.0.1:9/x.dtd">' + BODY % b"",
        "parameter entity": b'<!DOCTYPE d [<!ENTITY % p SYSTEM "file:///dev/zero"> %p;]>'
        + BODY.replace(b"%s", b""),
        "entity without a declaration": BODY % b"&x;",
        "deep": b"<N42InstrumentData>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</N42InstrumentData>",
        "too many tags": b"<N42InstrumentData>" + b"<a/>" * 1_000_000 + b"</N42InstrumentData>",
        "utf-16": '<?xml version="1.0" encoding="UTF-16"?><N42InstrumentData/>'.encode("utf-16"),
        "utf-32": "<N42InstrumentData/>".encode("utf-32"),
        "utf-7": b'<?xml version="1.0" encoding="UTF-7"?>+ADw-N42InstrumentData+AC8APg-',
        "ebcdic": b'<?xml version="1.0" encoding="IBM037"?><N42InstrumentData/>',
        "nul": b"<N42InstrumentData>\x00</N42InstrumentData>",
        "empty": b"",
        "blank": b" \n ",
        "truncated": BODY[:30],
        "text": b"no XML at all, but N42InstrumentData",
        "two roots": b"<N42InstrumentData/><N42InstrumentData/>",
        "another root": b"<Other><N42InstrumentData/></Other>",
        "long text node": b"<N42InstrumentData><a>" + b"1 " * 6_000_000 + b"</a></N42InstrumentData>",
    }


@pytest.mark.parametrize("name", sorted(bombs()))
def test_refused_in_a_second_with_one_line(name):
    data = bombs()[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    with pytest.raises(FormatError) as caught:
        read_n42(data, name="bad.n42")
    assert time.process_time() - start < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 * 1024
    message = str(caught.value)
    assert message.startswith("bad.n42: ")
    assert "\n" not in message
    assert caught.value.reason == "INPUT_CORRUPT"


def test_size_limit():
    with pytest.raises(ResourceLimitError, match=r"^big\.n42: 60 bytes of XML, the limit is 50"):
        read_n42(b" " * 60, name="big.n42", max_bytes=50)


def test_spectra_that_would_not_fit_are_refused_before_they_are_allocated():
    one = (
        b"<Spectrum Detector='%d'><LiveTime>PT1S</LiveTime><ChannelData Compression='CountedZeroes'>0 1000000"
    )
    many = b"".join(one % i + b"</ChannelData></Spectrum>" for i in range(2000))
    with pytest.raises(ResourceLimitError, match=r"^wide\.n42: "):
        read_n42(BODY % (b"<DetectorData>" + many + b"</DetectorData>"), name="wide.n42")


def test_nothing_is_fetched_or_expanded(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("31337")
    data = b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "%s">]>' % str(secret).encode()
    with pytest.raises(FormatError) as caught:
        read_n42(data + BODY % b"&x;", name="x.n42")
    assert "31337" not in str(caught.value)


@pytest.mark.parametrize(
    "declaration", [b"", b'<?xml version="1.0" encoding="ISO-8859-1"?>', b"\xef\xbb\xbf"]
)
def test_ordinary_encodings_are_read(documents, declaration):
    body = documents.MINIMAL_2006[documents.MINIMAL_2006.index(b"<N42") :]
    (scan,) = read_n42(declaration + body, name="x.n42")
    assert scan.payload.gamma_counts.sum() == 201095


def test_the_place_of_an_error_is_told_once():
    with pytest.raises(FormatError) as caught:
        read_n42(b"<N42InstrumentData>\n<a></b></N42InstrumentData>", name="cut.n42")
    assert "line 2, column" in str(caught.value)
    assert "<string>" not in str(caught.value)
