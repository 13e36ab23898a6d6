"""The words of tus: headers as clients send them, and as nobody should."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loops import tus
from loops.blobs import Checksum


def b64(text: bytes) -> str:
    return base64.b64encode(text).decode()


@pytest.mark.parametrize(
    ("text", "number"), [(None, None), ("0", 0), ("007", 7), ("9" * 15, 10**15 - 1)]
)
def test_counts_are_read(text: str | None, number: int | None) -> None:
    headers = {} if text is None else {"Upload-Offset": text}

    assert tus.count(headers, "Upload-Offset") == number


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.5", " 1", "0x1", "²", "١", "1" * 16, "9" * 6000]
)
def test_what_is_no_count_is_malformed(text: str) -> None:
    with pytest.raises(tus.Malformed, match="Upload-Offset"):
        tus.count({"Upload-Offset": text}, "Upload-Offset")


@pytest.mark.parametrize(
    ("headers", "length"),
    [({"Upload-Length": "7"}, 7), ({"Upload-Defer-Length": "1"}, None)],
)
def test_a_length_is_told_or_deferred(headers: dict[str, str], length: int | None) -> None:
    assert tus.length(headers) == length


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload-Defer-Length": "0"},
        {"Upload-Defer-Length": "yes"},
        {"Upload-Length": "7", "Upload-Defer-Length": "1"},
        {"Upload-Length": "-7"},
    ],
)
def test_neither_both_nor_garbage_is_a_length(headers: dict[str, str]) -> None:
    with pytest.raises(tus.Malformed, match="Upload-Length"):
        tus.length(headers)


def test_metadata_are_pairs_in_base64_and_keys_alone() -> None:
    text = f"role {b64(b'camera')},  filename {b64('Übung.webm'.encode())} ,is_draft,,consent "

    assert tus.metadata({"Upload-Metadata": text}) == {
        "role": "camera",
        "filename": "Übung.webm",
        "is_draft": "",
        "consent": "",
    }
    assert tus.metadata({}) == {}


@pytest.mark.parametrize(
    "value", ["camera!", "Y", "=", "caf\xe9", b64(b"\xff"), b64(b"video/webm\x00"), b64(b"a\nb")]
)
def test_metadata_that_are_no_text_are_malformed(value: str) -> None:
    with pytest.raises(tus.Malformed, match="Upload-Metadata"):
        tus.metadata({"Upload-Metadata": f"filetype {value}"})


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_checksum_names_its_algorithm(algorithm: str) -> None:
    text = f"{algorithm} {b64(b'digest')}"

    assert tus.checksum({"Upload-Checksum": text}) == Checksum(algorithm, b"digest")
    assert tus.checksum({}) is None


@pytest.mark.parametrize(
    "text", ["", "sha256", "md5 " + b64(b"x"), "sha256 x!", "sha256 \xe9", "SHA256 eA==", "crc32 "]
)
def test_what_is_no_checksum_is_malformed(text: str) -> None:
    with pytest.raises(tus.Malformed, match="Upload-Checksum"):
        tus.checksum({"Upload-Checksum": text})


@pytest.mark.parametrize(
    ("sent", "override", "meant"),
    [
        ("POST", "PATCH", "PATCH"),
        ("POST", "delete", "DELETE"),
        ("POST", "HEAD", "HEAD"),
        ("POST", "GET", "POST"),
        ("POST", "", "POST"),
        ("GET", "PATCH", "GET"),  # a GET is guarded by nothing
        ("HEAD", "DELETE", "HEAD"),
        ("PATCH", "DELETE", "PATCH"),
    ],
)
def test_only_a_post_stands_for_another_method(sent: str, override: str, meant: str) -> None:
    assert tus.method(sent, {"X-HTTP-Method-Override": override}) == meant


@given(
    st.dictionaries(
        st.sampled_from(
            ["Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Checksum"]
        ),
        st.text(st.characters(max_codepoint=255), max_size=40),
    )
)
def test_whatever_is_sent_is_read_or_malformed(headers: dict[str, str]) -> None:
    for read in (tus.length, tus.metadata, tus.checksum):
        try:
            read(headers)
        except tus.Malformed as refusal:
            assert str(refusal).startswith("Upload-")  # noqa: PT017 - any of them may be fine
