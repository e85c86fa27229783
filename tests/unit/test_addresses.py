"""Invalid addresses of Kafka and Redis are refused with what is expected, and without showing a password."""

import pytest

from livelift.addresses import check_kafka, check_redis, shown_redis
from livelift.errors import SettingsError
from livelift.settings import number


@pytest.mark.parametrize("address", ["127.0.0.1:9092", "kafka:19092", "a-b.c:1,d:65535", "[::1]:9092"])
def test_an_address_of_kafka_is_taken(address: str) -> None:
    assert check_kafka(address, "LIVELIFT_KAFKA") == address


@pytest.mark.parametrize(
    "address",
    [
        "localhost",
        "http://127.0.0.1:9092",
        "127.0.0.1:abc",
        "h:99999",
        "h:0",
        ":9092",
        "a b:1",
        ",",
        "h:1,",
        "h:1, i:2",
        "::1:1",
    ],
)
def test_what_is_no_address_of_kafka_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="LIVELIFT_KAFKA is ") as refusal:
        check_kafka(address, "LIVELIFT_KAFKA")
    assert "HOST:PORT" in refusal.value.fix


def test_a_login_in_an_address_of_kafka_is_not_shown() -> None:
    with pytest.raises(SettingsError) as refusal:
        check_kafka("kafka://me:geheim@h:1", "LIVELIFT_KAFKA")
    assert "geheim" not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://h",
        "redis://h:1/2",
        "rediss://u:p%2F@h:1/0?protocol=3",
        "unix:///run/redis.sock?db=1",
        "redis://[::1]:1",
    ],
)
def test_the_url_of_a_redis_is_taken(url: str) -> None:
    assert check_redis(url, "LIVELIFT_REDIS") == url


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:6379",
        ":geheim@127.0.0.1:6379",
        "http://127.0.0.1:6379",
        "REDIS://127.0.0.1:6379",
        "geheim!://127.0.0.1:6379",
        "redis://127.0.0.1:abc",
        "redis://127.0.0.1:0/0",
        "redis://127.0.0.1:99999/0",
        "redis://127.0.0.1:1/first",
        "redis://:geheim#x@127.0.0.1:1/0",
        "redis://:geheim/x@127.0.0.1:1/0",
        "redis://:geheim?x@127.0.0.1:1/0",
        "redis://:x@geheim@127.0.0.1:1/0",
        "redis://:geheim[x@127.0.0.1:1/0",
        "unix://",
    ],
)
def test_an_invalid_redis_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="LIVELIFT_REDIS is no URL of a Redis: ") as refusal:
        check_redis(url, "LIVELIFT_REDIS")
    assert "geheim" not in str(refusal.value)


def test_a_url_is_shown_without_user_password_and_options() -> None:
    assert shown_redis("redis://me:geheim@h:1/0?password=geheim") == "redis://h:1/0"


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "many"])
def test_what_is_no_positive_number_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=f"LIVELIFT_FETCH_RECORDS is '{text}'"):
        number("LIVELIFT_FETCH_RECORDS", 1.0, {"LIVELIFT_FETCH_RECORDS": text})
