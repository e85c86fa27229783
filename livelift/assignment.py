"""Who is in which variant, and in which bucket: stable salted hashes, the same in every language and process."""

from hashlib import sha256

CONTROL, TREATMENT = "control", "treatment"
VARIANTS = (CONTROL, TREATMENT)


def hash64(text: str) -> int:
    """The first 8 bytes of SHA-256 of `text` in UTF-8, big-endian, as an unsigned integer."""
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big")


def variant_of(user: str, salt: str, control_percent: int) -> str:
    """The variant of `user`: hash modulo 100 below `control_percent` is control.

    >>> variant_of("user_000001", "lastfm-2009", 50)
    'control'
    """
    return CONTROL if hash64(f"{salt}:{user}") % 100 < control_percent else TREATMENT


def bucket_of(user: str, salt: str, buckets: int) -> int:
    """The re-randomisation bucket of `user`, 0 … `buckets` − 1, independent of its variant."""
    return hash64(f"{salt}:bucket:{user}") % buckets
