"""Messages that only holders of the cluster's token can make. The token itself never travels.

Request and answer are both signed; the answer's signature covers the request's nonce, so an answer cannot be
replayed for another question. A replayed request does no harm: reading is harmless, and grants are numbered.
"""

import hashlib
import hmac
import secrets
from pathlib import Path

NONCE_HEADER = "X-Trireme-Nonce"
SIGNATURE_HEADER = "X-Trireme-Signature"


def new_nonce() -> str:
    return secrets.token_hex(16)


def sign(token: bytes, *parts: bytes | str) -> str:
    """HMAC-SHA256 over the parts, each preceded by its length: no two part lists share a message."""
    digest = hmac.new(token, digestmod=hashlib.sha256)
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()


def verify(token: bytes, signature: str, *parts: bytes | str) -> bool:
    return hmac.compare_digest(sign(token, *parts), signature)


def derive_password(token: bytes, purpose: str) -> str:
    """A password for the cluster's own use (state transfers, monitoring): the same on every member, seen by nobody."""
    return sign(token, "password", purpose)[:40]


def read_token(path: Path) -> bytes:
    """The cluster's token, stripped. Raises OSError, or ValueError if it is shorter than 16 bytes."""
    token = path.read_bytes().strip()
    if len(token) < 16:
        raise ValueError(f"{path}: the cluster's token has {len(token)} bytes, at least 16 are needed")
    return token
