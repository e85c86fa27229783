"""Orders of a shop in Berlin: CSV with ';', German local times; beside it a table of its customers. Usage: make.py OUT"""

import hashlib
import json
import random
import sys
from datetime import datetime, timedelta
from pathlib import Path

SALT = "checkout-2024"


def treated(user):
    h = hashlib.sha256(f"{SALT}:{user}".encode()).digest()
    return int.from_bytes(h[:8], "big") % 100 >= 50


def quote(text):
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ';"\n') else text


def with_checkout(moment, line):
    """The line with the checkout that its user saw: before the test all saw A, and a few clients don't say."""
    user = line[1 : line.index('";')].replace('""', '"') if line.startswith('"') else line.split(";")[0]
    if user in ("K0005", "K0006"):
        return f"{line};"
    return f"{line};{'B' if moment >= datetime(2024, 10, 15) and treated(user) else 'A'}"


def main(out):
    rng = random.Random(20241015)
    rows = []  # (local datetime, line)
    for number in range(320):
        user = f"K{number:04d}" if number % 40 else f'Müller; "{number}"'
        typical = rng.lognormvariate(3.3, 0.35)
        rate = rng.choice([0.1, 0.3, 0.5, 0.7])
        for day in range(23):  # 8 October … 30 October, local days
            begin = datetime(2024, 10, 8) + timedelta(days=day)
            if rng.random() >= rate:
                continue
            t = begin + timedelta(minutes=rng.choice([rng.randrange(1440), rng.randrange(540, 1380)]))
            lift = 1.35 if treated(user) and begin >= datetime(2024, 10, 15) else 1.0
            for _ in range(1 + int(rng.expovariate(1.1))):
                cents = max(0, round(100 * typical * lift * rng.lognormvariate(0, 0.5)))
                rng.random()
                amount = f"{cents // 100}.{cents % 100:02d}"
                country = rng.choices(["DE", "AT", "FR"], [80, 12, 8])[0]
                note = rng.choice(["", "", "", "gift", "ring; don't knock", 'he said "hi"', "two\nlines"])
                rows.append((t, f"{quote(user)};{t:%d.%m.%Y %H:%M};{amount};{country};{quote(note)}"))
                t += timedelta(minutes=rng.choice([1, 2, 5, 9, 14, 29, 30, 30, 31]))
    # the hour that came twice, and a session over it
    for k, hhmm in enumerate(["01:50", "02:05", "02:35", "02:59", "03:05", "03:35"]):
        rows.append((datetime(2024, 10, 27, 2), f"K0001;27.10.2024 {hhmm};{10 + k}.50;DE;twice"))
    # amounts in other forms that are still whole cents
    t = datetime(2024, 10, 20, 12)
    for k, amount in enumerate(["5", "5.5", "05.50", "0.00", "0"]):
        rows.append((t, f"K0002;20.10.2024 12:{10 + k};{amount};AT;"))
    # not too early, not too late by UTC
    rows.append((datetime(2024, 1, 1, 1), "K0004;01.01.2024 01:00;1.00;FR;"))
    rows.append((datetime(2024, 12, 1, 0, 59), "K0004;01.12.2024 00:59;1.00;FR;"))
    rows.sort(key=lambda r: r[0])
    lines = [with_checkout(*row) for row in rows]
    broken = [
        ";20.10.2024 10:00;9.99;DE;no user",
        "K0003;20.10.2024;9.99;DE;no time of day",
        "K0003;2024-10-20 10:00;9.99;DE;another form",
        "K0003;31.02.2024 10:00;9.99;DE;no such day",
        "K0003;31.03.2024 02:30;9.99;DE;an hour that never was",
        "K0003;;9.99;DE;no time",
        "K0003;31.12.2023 23:59;9.99;DE;too early",
        "K0003;01.01.2024 00:59;9.99;DE;23:59 in UTC",
        "K0003;01.12.2024 01:00;9.99;DE;too late",
        "K0003;20.10.2024 10:00;n/a;DE;no amount",
        "K0003;20.10.2024 10:00;;DE;empty amount",
        "K0003;20.10.2024 10:00;9.999;DE;three decimals",
        "K0003;20.10.2024 10:00;-3.00;DE;negative",
        "K0003;20.10.2024 10:00;9.99;CH;another country",
        "K0003;20.10.2024 10:00;9.99;;no country",
        "K0003;20.10.2024 10:00;9.99;DE",
        "K0003;20.10.2024 10:00;9.99;DE;a;b",
        '"K0003"x;20.10.2024 10:00;9.99;DE;after the quote',
    ]
    # of every kind one or more; and exact duplicates, some far from the first
    places = [rng.randrange(len(lines)) for _ in range(25)]
    for p in places:
        lines.insert(rng.randrange(p + 1, len(lines) + 1), lines[p])
    for line in broken * 2:
        lines.insert(rng.randrange(len(lines)), f"{line};A")
    data = "\r\n".join(["customer;ordered at;amount;country;note;checkout", *lines]).encode() + b"\r\n"
    bad = "\r\nK0003;20.10.2024 10:00;9.99;DE;Köln;A\r\n".encode("latin-1")
    middle = data.index(b"\r\nK0", len(data) // 2)
    data = data[:middle] + bad + data[middle + 2 :]
    with open(out, "wb") as file:
        file.write(data)
    customers = [  # every ninth is not in the table, and some have no kind
        {"customer": {"id": f"K{number:04d}"}, "kind": rng.choice(["regular", "guest", None, "staff"])}
        for number in range(320)
        if number % 9
    ]
    lines = [json.dumps(customer) for customer in [*customers, {"customer": {"id": 'Müller; "40"'}, "kind": "regular"}]]
    Path(out).with_name("customers.jsonl").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
