#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the seeds of fuzz_vhost into corpus/vhost: what front-ends send. Run it after changing the input's form (see
fuzz_vhost.c), and commit what it writes."""
import os
import struct

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'corpus', 'vhost')
MEMORY, SHORT, EVENT, NULL = range(4)
PROTOCOL = 1 << 30 | 1 << 32
LOG_ALL = 1 << 26
PACKED = 1 << 34
GUEST, USER = 0x40000000, 0x7f0000000000


def message(request, payload=b'', fds=0, first=MEMORY, flags=1):
    return struct.pack('<BBBH', fds | first << 2, request, flags, len(payload)) + payload


def raw(data, fds=0):
    return struct.pack('<BBBH', 0x80 | fds, 0, 0, len(data)) + data


def u64(request, value, **more):
    return message(request, struct.pack('<Q', value), **more)


def state(request, index, num, **more):
    return message(request, struct.pack('<II', index, num), **more)


def table(count=1, size=1 << 20, **more):
    regions = b''.join(struct.pack('<QQQQ', GUEST + i * size, size, USER + i * size, 0) for i in range(count))
    return message(5, struct.pack('<II', count, 0) + regions, fds=count, **more)


def slot(request, guest=GUEST, user=USER, size=1 << 20, offset=0, fds=1):
    return message(request, struct.pack('<QQQQQ', 0, guest, size, user, offset), fds=fds)


def addresses(index, flags=0, base=USER):
    at = base + index * 0x10000
    return message(9, struct.pack('<IIQQQQ', index, flags, at, at + 0x8000, at + 0x4000, 0x1000))


def ring(index, size=16):
    return (state(8, index, size) + state(10, index, 0) + addresses(index) + u64(12, index, fds=1, first=EVENT)
            + u64(13, index, fds=1, first=EVENT) + state(18, index, 1))


def negotiate(features=PROTOCOL, protocol=0x1b22b):
    return message(1) + message(15) + u64(16, protocol) + message(17) + message(36) + message(3) + u64(2, features)


def inflight(request, queues=2, size=16, bytes_=4096, fds=0):
    return message(request, struct.pack('<QQHHI', bytes_, 0, queues, size, 0), fds=fds)


def config(offset, size):
    return message(24, struct.pack('<III', offset, size, 0) + bytes(size))


seeds = {
    'qemu': negotiate() + u64(39, 8) + message(40) + table() + ring(0) + ring(1) + state(11, 0, 0) + state(11, 1, 0)
            + message(34) + ring(0),
    'uml': message(3, flags=9) + u64(16, 0x8, flags=9) + u64(2, PROTOCOL | PACKED, flags=9) + config(0, 1)
           + config(39, 1) + config(40, 1) + table(flags=9) + u64(13, 0, fds=1, first=EVENT, flags=9)
           + state(8, 0, 128, flags=9) + state(10, 0, 0, flags=9) + addresses(0) + u64(12, 0, fds=1, first=EVENT),
    'no-protocol-features': message(1) + u64(2, 1 << 32) + table() + ring(0) + table() + u64(12, 0x100)
                            + state(11, 0, 0),
    'slots': negotiate() + slot(37) + ring(0) + slot(37, GUEST + (1 << 20), USER + (1 << 20), 65536, 4096)
             + slot(38, GUEST + (1 << 20), USER + (1 << 20), 65536, 4096, fds=0) + slot(37, 0) + slot(38),
    'log': negotiate() + table() + ring(0) + message(6, struct.pack('<QQ', 65536, 100), fds=1)
           + u64(2, PROTOCOL | LOG_ALL, flags=9) + addresses(0, 1)
           + message(6, struct.pack('<QQ', 4096, 0), fds=1, first=SHORT) + u64(2, PROTOCOL) + state(11, 0, 0),
    'inflight': negotiate() + inflight(31) + inflight(32, fds=1) + table() + ring(0) + ring(1) + message(34) + ring(0)
                + inflight(32, fds=1),
    'not-shared': negotiate() + table().replace(b'\x01\x05', b'\x00\x05', 1),
    'short-memory': negotiate() + table(first=SHORT),
    'pieces': message(1) + raw(struct.pack('<I', 2)) + raw(struct.pack('<II', 1, 8))
              + raw(struct.pack('<Q', PROTOCOL), 2) + message(17) + raw(b'\x01'),
}

os.makedirs(here, exist_ok=True)
for title, data in seeds.items():
    with open(os.path.join(here, title), 'wb') as file:
        file.write(data)
