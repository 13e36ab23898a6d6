"""The words of tus 1.0, the protocol for resumable uploads [pure]: headers read and written.

Version 1.0.0 with the extensions creation, creation-defer-length, checksum and termination:
https://tus.io/protocols/resumable-upload
"""

import base64
from collections.abc import Mapping

from loops.blobs import CHECKSUMS, Checksum

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-defer-length,checksum,termination"
APPEND_TYPE = "application/offset+octet-stream"
MOST_DIGITS = 15  # below 2^53, which is as far as JavaScript counts
METHODS = frozenset({"HEAD", "PATCH", "DELETE"})


class Malformed(Exception):
    """A header is not as the protocol has it; the message names the header."""


def is_spoken(headers: Mapping[str, str]) -> bool:
    """Say whether whoever asks speaks tus, of whatever version."""
    return "Tus-Resumable" in headers


def announcement(most_bytes: int) -> dict[str, str]:
    """Return the headers that tell a client what this server speaks."""
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(most_bytes),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
    }


def count(headers: Mapping[str, str], name: str) -> int | None:
    """Read a header that counts bytes; None where it is not there."""
    text = headers.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise Malformed(name)
    return int(text)


def method(sent: str, headers: Mapping[str, str]) -> str:
    """Return the method that a request stands for: a client may be unable to send some.

    Only a POST may stand for another one, so that nothing gets past what guards a POST.
    """
    meant = headers.get("X-HTTP-Method-Override", "").upper()
    return meant if sent == "POST" and meant in METHODS else sent


def length(headers: Mapping[str, str]) -> int | None:
    """Read at creation how long an upload will be; None where that is told later."""
    known, deferred = count(headers, "Upload-Length"), headers.get("Upload-Defer-Length")
    if (known is None) == (deferred is None) or deferred not in {None, "1"}:
        raise Malformed("Upload-Length")
    return known


def metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """Read the pairs that a client tells of an upload; a key without a value has an empty one."""
    found: dict[str, str] = {}
    for pair in headers.get("Upload-Metadata", "").split(","):
        key, _space, value = pair.strip().partition(" ")
        if not key:
            continue
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode()
        except ValueError as error:
            raise Malformed("Upload-Metadata") from error
        if not found[key].isprintable():  # PostgreSQL takes a NUL in no text
            raise Malformed("Upload-Metadata")
    return found


def checksum(headers: Mapping[str, str]) -> Checksum | None:
    """Read what an append's bytes must hash to; None where the client does not say."""
    text = headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _space, value = text.partition(" ")
    try:
        digest = base64.b64decode(value.strip(), validate=True)
    except ValueError as error:
        raise Malformed("Upload-Checksum") from error
    if algorithm not in CHECKSUMS or not digest:
        raise Malformed("Upload-Checksum")
    return Checksum(algorithm, digest)
