"""Generates the bids of Nexmark, an online auction, as its generator makes them: who bids when, from a seed.

Of 50 events one is a new person, three are new auctions and 46 are bids. Three of four bids are of the hot bidder, the
second of the newest hundred persons; the others of anybody among the newest 1,000, or the ten who come next. These are the
defaults of the generator in github.com/nexmark/nexmark (NexmarkConfiguration, BidGenerator, PersonGenerator), as is the
rate, 10,000 events a second of event time. Auction and price only fill a record up to about its size there, 100 bytes.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from livelift.event_time import SECOND

PERSONS, AUCTIONS, BIDS = 1, 3, 46
TOGETHER = PERSONS + AUCTIONS + BIDS
HOT_OF = 4
"""All but one of so many bids are of the hot bidder."""
HOT_GROUP = 100
ACTIVE = 1000
LEAD = 10
FIRST_ID = 1000
A_SECOND = 10_000
FIRST_TIME = 1_436_918_400_000
"""2015-07-15, the first event, in ms."""
SEED = 7


def bids(events: int, seed: int = SEED) -> pa.Table:
    """The bids among the first `events` events, in order of time."""
    random = np.random.default_rng(seed)
    event = np.arange(events, dtype=np.int64)
    event = event[event % TOGETHER >= PERSONS + AUCTIONS]
    newest = event // TOGETHER
    active = np.minimum(newest + 1, ACTIVE)
    hot = random.integers(0, HOT_OF, len(event)) > 0
    anybody = newest + 1 - active + random.integers(0, active + LEAD)
    bidder = np.where(hot, newest // HOT_GROUP * HOT_GROUP + 1, anybody)
    return pa.table(
        {
            "bidder": bidder + FIRST_ID,
            "time": pa.array(FIRST_TIME + event * SECOND // A_SECOND, pa.timestamp("ms", "UTC")),
            "auction": newest * AUCTIONS + AUCTIONS - 1 + FIRST_ID,
            "price": np.rint(10 ** (6 * random.random(len(event))) * 100).astype(np.int64),
        }
    )


def make_bids(folder: Path, events: int) -> Path:
    """A Parquet file of them, made unless it is there."""
    path = folder / "generated" / f"bids-{events}-seed{SEED}.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".new")
        pq.write_table(bids(events), unfinished)
        unfinished.rename(path)
    return path
