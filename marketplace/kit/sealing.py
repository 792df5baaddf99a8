"""Encryption of single values, bound to the place they are stored in."""

from __future__ import annotations

import base64
import binascii
import secrets
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_NONCE_BYTES = 12
_KEY_BYTES = 32


class SealBroken(Exception):
    """The value was not sealed here, for this place, or by a key that is still known."""


def seal(plaintext: bytes, *, aad: str) -> str:
    """Encrypt with the first key as `kid:base64(nonce + ciphertext)`.

    `aad` names where the value belongs (`mfa.secret`, `app.Model.field:<pk>`); it is not secret,
    and the value opens only under the same name. AES-256-GCM, a fresh nonce each time.
    """
    kid, key = next(iter(_keys(settings.FIELD_ENCRYPTION_KEYS).items()))
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = nonce + AESGCM(key).encrypt(nonce, plaintext, aad.encode())
    return f"{kid}:{base64.b64encode(sealed).decode()}"


def unseal(sealed: str, *, aad: str) -> bytes:
    """What `seal` was given for the same `aad`, or SealBroken; never ciphertext."""
    kid, _, encoded = sealed.partition(":")
    key = _keys(settings.FIELD_ENCRYPTION_KEYS).get(kid)
    if key is None:
        raise SealBroken("sealed with a key that is not in FIELD_ENCRYPTION_KEYS")
    try:
        raw = base64.b64decode(encoded, validate=True)
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], aad.encode())
    except (InvalidTag, ValueError) as broken:  # a short nonce and bad base64 are ValueErrors
        raise SealBroken("the sealed value was changed or moved") from broken


@cache
def _keys(text: str) -> dict[str, bytes]:
    """Read `k2:base64,k1:base64`, standard or URL-safe; the first one seals."""
    keys: dict[str, bytes] = {}
    for entry in text.split(","):
        kid, _, encoded = entry.strip().partition(":")
        try:
            key = base64.urlsafe_b64decode(encoded.replace("+", "-").replace("/", "_"))
        except binascii.Error:
            key = b""
        if not kid or len(key) != _KEY_BYTES:
            raise ImproperlyConfigured(
                "FIELD_ENCRYPTION_KEYS reads name:key, each key 32 bytes in base64."
            )
        keys[kid] = key
    return keys
