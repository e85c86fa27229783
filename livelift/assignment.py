"""Assigns users to variants and buckets by stable salted hashes, the same in every language and process."""

from hashlib import sha256, shake_256

CONTROL, TREATMENT = "control", "treatment"
VARIANTS = (CONTROL, TREATMENT)


def hash64(text: str) -> int:
    """The first 8 bytes of SHA-256 of `text` in UTF-8, big-endian, as an unsigned integer."""
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big")


def variant_of(user: str, salt: str, control_percent: int) -> str:
    """The variant of `user`: hash modulo 100 below `control_percent` is control.

    >>> variant_of("user_000001", "checkout-2024", 50)
    'treatment'
    """
    return CONTROL if hash64(f"{salt}:{user}") % 100 < control_percent else TREATMENT


def bucket_of(user: str, salt: str, buckets: int) -> int:
    """The re-randomisation bucket of `user`, 0 … `buckets` − 1, independent of its variant."""
    return hash64(f"{salt}:bucket:{user}") % buckets


def exchange_bits(salt: str, bucket: int, draws: int) -> bytes:
    """Which re-assignments exchange the arms of `bucket`: bit b, little-endian, for re-assignment b; the first `draws` bits
    count. Number 0 is the study itself, whatever its bit says."""
    return shake_256(f"{salt}:flip:{bucket}".encode()).digest((draws + 7) // 8)
