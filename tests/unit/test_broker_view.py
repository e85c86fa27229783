"""Looking at a group of Faust workers leaves nothing in the station's log."""

import logging

import pytest
from kafka import KafkaAdminClient
from kafka.protocol.admin import DescribeGroupsResponse

from broker.view import BrokerView

FAUST_METADATA = b"\x00\x04\x00\x00\x00\x01\x00\x06events\x00\x00\x00\x02{}"
"""What one of Faust's clients sends when it joins: kafka-python takes 4 for the version of a longer form."""


def described(metadata: bytes, assignment: bytes) -> set[str]:
    """The members' ids as kafka-python reads them from an answer with one member."""
    group = DescribeGroupsResponse.DescribedGroup
    member = group.DescribedGroupMember(member_id="faust-1", member_metadata=metadata, member_assignment=assignment)
    answer = DescribeGroupsResponse(groups=[group(group_id="workers", members=[member], error_code=0)], version=6)
    admin = object.__new__(KafkaAdminClient)  # one that asks nobody
    groups = admin._describe_groups_process_response(answer)
    return {member["member_id"] for member in groups["workers"]["members"]}


def test_describing_a_group_of_faust_workers_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        BrokerView("127.0.0.1:1")
        assert described(FAUST_METADATA, b"") == {"faust-1"}
    assert caplog.messages == []


def test_what_else_cannot_be_read_of_a_group_is_still_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        BrokerView("127.0.0.1:1")
        described(b"", b"\x00")
    assert [message[:34] for message in caplog.messages] == ["Unable to decode member_assignment"]
