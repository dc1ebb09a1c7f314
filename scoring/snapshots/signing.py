"""Keys and signatures of snapshots: Ed25519 (RFC 8032), by `cryptography`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

ALGORITHM = "Ed25519"
PURPOSE = "featherweight snapshot 1 sha256:"
"""Stands before the hash, so that no signature of another kind passes for one of a snapshot."""


def new_key() -> bytes:
    """A new private key as PEM."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def private_key(pem: bytes) -> Ed25519PrivateKey:
    """The private key in a PEM. Raises `ValueError` for anything but an Ed25519 key."""
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("The key is of another kind.")
    return key


def public_hex(key: Ed25519PrivateKey) -> str:
    """The public half of a key: 32 bytes in hex."""
    return key.public_key().public_bytes_raw().hex()


def public_pem(public: str) -> str:
    """A public key, given in hex, as PEM for other programs such as openssl."""
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


def public_of(given: str) -> str:
    """A public key as hex, from hex or PEM. Raises `ValueError`."""
    if "BEGIN" in given:
        key = serialization.load_pem_public_key(given.encode())
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("The key is of another kind.")
        return key.public_bytes_raw().hex()
    found = bytes.fromhex("".join(given.split()))
    if len(found) != 32:
        raise ValueError("A key has 32 bytes.")
    return found.hex()


def seal(sha256: str, key: Ed25519PrivateKey) -> dict[str, str]:
    """The seal: it proves that the owner of a key signed contents of this hash."""
    return {
        "algorithm": ALGORITHM,
        "key": public_hex(key),
        "sha256": sha256,
        "signature": base64.b64encode(key.sign(message(sha256))).decode(),
    }


def is_signed(seal: Mapping[str, Any], sha256: str) -> bool:
    """Whether a seal is a valid signature of this hash by the key that the seal itself names."""
    if seal.get("algorithm") != ALGORITHM or seal.get("sha256") != sha256:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(str(seal.get("key"))))
        signature = base64.b64decode(str(seal.get("signature")), validate=True)
        key.verify(signature, message(sha256))
    except (ValueError, binascii.Error, InvalidSignature):
        return False
    # Base 64 may write the same bytes in more than one way.
    return base64.b64encode(signature).decode() == str(seal["signature"])


def message(sha256: str) -> bytes:
    return f"{PURPOSE}{sha256}".encode()
