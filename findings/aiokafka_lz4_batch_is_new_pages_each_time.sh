#!/usr/bin/env bash
# aiokafka 0.14.0 with cramjam 2.14.0 on glibc: a consumer of LZ4 batches of a megabyte gets every page from the kernel anew, for each batch.
#
# A fetched batch is decompressed into a new buffer, copied into a new `bytes`, and both are freed before the next one. One would expect malloc to
# hand the same memory out again. It gives a freed megabyte at the top of its heap back to the system, so that the kernel clears the pages of
# the next one: hundreds of page faults a batch, which show as system time of the consumer and in no Python profile. With
# MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ raised (or mallopt) there are none, and decompressing takes about half the time.
# Batches below glibc's 128 KiB are not affected.
#
# Seen on 2026-11-28, Python 3.11.7, glibc 2.36, over 300 batches (713 and 0 page faults each):
#   as it is: more than 100 page faults a batch
#   with raised thresholds: at most 1
#
# Exit code: 0 as described, 1 if the behaviour has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check aiokafka==0.14.0 cramjam==2.14.0
cat >"$folder/consume.py" <<'PYTHON'
import resource

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords

builder = BatchBuilder(1 << 20, DefaultRecordBatch.CODEC_LZ4)
number = 0
while builder.append(timestamp=number, key=b"user_%06d" % (number % 500), value=b'{"row":%d,"artist":"a%d"}' % (number, number % 99)):
    number += 1
content = bytes(builder._build())


def decode():
    memory = MemoryRecords(content)
    while memory.has_next():
        for _record in memory.next_batch():
            pass


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


for _ in range(50):
    decode()
before = faults()
for _ in range(300):
    decode()
print((faults() - before) // 300)
PYTHON
run() { env -u GLIBC_TUNABLES "$@" "$folder/venv/bin/python" "$folder/consume.py"; }
asis=$(run)
raised=$(run MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=67108864)
[[ $asis -gt 100 ]] && echo "as it is: more than 100 page faults a batch" || { echo "as it is: only $asis page faults a batch"; exit 1; }
[[ $raised -le 1 ]] && echo "with raised thresholds: at most 1" || { echo "with raised thresholds: still $raised"; exit 1; }
