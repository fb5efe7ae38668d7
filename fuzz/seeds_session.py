#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the seeds of fuzz_session into corpus/session: what guests do, request by request. Run it after changing the
input's form (see fuzz_session.c), and commit what it writes."""
import os
import struct

LENGTH, FH, SHORT, RESET, NODE = 1, 2, 4, 8, 16
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'corpus', 'session')


def message(opcode, body=b'', node=0, control=0, pieces=0, ext=0, room=4096):
    return struct.pack('<BBBBBHH', opcode, control, node, pieces, ext, room, len(body)) + body


def name(text):
    return text.encode() + b'\0'


def create(text, **more):
    return message(35, struct.pack('<IIII', 2, 0o644, 0o22, 0) + name(text), **more)


def read(opcode, size=1024, offset=0, **more):
    return message(opcode, struct.pack('<QQIIQII', 0, offset, size, 0, 0, 0, 0), control=FH, **more)


def write(data, offset=0, **more):
    return message(16, struct.pack('<QQIIQII', 0, offset, len(data), 0, 0, 0, 0) + data, control=FH, **more)


def lock(opcode, kind, owner, flags=0, start=0, end=9):
    return message(opcode, struct.pack('<QQQQIIII', 0, owner, start, end, kind, 1, flags, 0), control=FH)


def fh(opcode, rest, **more):
    return message(opcode, struct.pack('<Q', 0) + rest, control=FH, **more)


mkdir = message(9, struct.pack('<II', 0o755, 0o22) + name('dir'))
opendir = message(27, struct.pack('<II', 0, 0))
secctx = struct.pack('<IIII', 32, 1, 4, 0) + b'sec.name\0VALU\0\0\0'
group = struct.pack('<IIII', 16, 32, 1, 27)
init = struct.pack('<IIIII', 7, 45, 0, 0xffffffff, 0xffffffff) + bytes(44)

seeds = {
    'files': [create('a'), write(b'hello', pieces=16), read(15, pieces=7), message(3, bytes(16), node=1),
              message(4, struct.pack('<II', 1 << 3, 0) + struct.pack('<QQ', 0, 3) + bytes(64), node=1),
              message(52, struct.pack('<IIQII', 0, 0, 0, 0, 0xfff), node=1), fh(46, struct.pack('<QII', 0, 3, 0), node=1),
              fh(43, struct.pack('<QQII', 0, 100, 0, 0), node=1), fh(20, bytes(8), node=1), fh(25, bytes(16), node=1),
              fh(18, bytes(16), node=1), message(14, struct.pack('<II', 2, 0), node=1)],
    'names': [mkdir, create('a'), message(1, name('a')), message(1, name('absent')), message(1, name('.')),
              message(1, name('..'), node=1), message(6, name('link') + name('dir/x')), message(5, node=3),
              message(13, bytes(8) + name('hard'), control=NODE), message(8, struct.pack('<IIII', 0o10644, 0, 0, 0) + name('f')),
              message(12, struct.pack('<Q', 1) + name('a') + name('b')),
              message(45, struct.pack('<QII', 1, 2, 0) + name('b') + name('dir')), message(10, name('b')), message(11, name('dir'))],
    'directories': [mkdir, create('a'), create('b'), opendir, read(28, 4096, room=8192), read(44, 4096, room=8192, pieces=5),
                    read(44, 170), read(28, 4096, offset=2), fh(30, bytes(8)), fh(29, bytes(16))],
    'attributes': [create('a'), message(21, struct.pack('<IIII', 5, 0, 0, 0) + name('user.a') + b'value', node=1),
                   message(22, struct.pack('<II', 100, 0) + name('user.a'), node=1),
                   message(22, struct.pack('<II', 0, 0) + name('user.a'), node=1), message(23, struct.pack('<II', 100, 0), node=1),
                   message(23, struct.pack('<II', 0, 0), node=1), message(24, name('user.a'), node=1)],
    'locks': [create('a'), lock(32, 1, 1), lock(31, 1, 2), lock(33, 1, 2), lock(33, 0, 3), lock(32, 2, 1), lock(33, 1, 4, flags=1),
              message(36, struct.pack('<Q', 5)), message(38)],
    'extensions': [message(9, struct.pack('<II', 0o755, 0) + name('d') + secctx + group, ext=6), create('a', ext=0),
                   message(35, struct.pack('<IIII', 2, 0o644, 0, 0) + name('c') + secctx),
                   message(51, struct.pack('<IIII', 2, 0o644, 0, 0) + name('/') + secctx, ext=4),
                   message(6, name('l') + name('t') + group, ext=2)],
    'forgets': [create('a'), message(2, struct.pack('<Q', 1), node=1, room=0),
                message(42, struct.pack('<II', 2, 0) + struct.pack('<QQQQ', 2, 1, 3, 1), room=0), message(3, bytes(16), node=1)],
    'copies': [create('a'), write(b'hello'), fh(47, struct.pack('<QQQQQQ', 0, 2, 1, 10, 5, 0), node=1),
               fh(53, struct.pack('<QQQQQQ', 0, 2, 1, 10, 5, 0), node=1), message(50, bytes(8)), message(17),
               fh(39, struct.pack('<IIQII', 0, 0x80086601, 0, 8, 8) + bytes(8), node=1), message(34, struct.pack('<II', 4, 0))],
    'sessions': [create('a'), message(26, init), message(3, bytes(16), node=1), message(38), message(17), message(26, init),
                 message(17, control=RESET), message(26, struct.pack('<II', 8, 0) + init[8:]), message(26, struct.pack('<II', 7, 30) + init[8:]),
                 message(255, init)],
    'malformed': [message(1, b'no end'), message(1, name('a/b')), message(35, b'short'), message(17, room=15), message(17, room=95),
                  message(16, struct.pack('<I', 41) + bytes(60), control=LENGTH), message(17, control=SHORT), message(99),
                  message(15, struct.pack('<QQIIQII', 1, 0, 0xffffffff, 0, 0, 0, 0)), message(42, struct.pack('<II', 0xffffffff, 0))],
}

os.makedirs(here, exist_ok=True)
for seed, messages in seeds.items():
    # Everything negotiated, and an old guest with nothing beyond the first 32 flags.
    for kind, head in (('new', bytes([0x1c | 2, 46])), ('old', bytes([0, 31])), ('readonly', bytes([3 | 32, 45]))):
        if kind == 'readonly' and seed not in ('files', 'directories'):
            continue
        with open(os.path.join(here, f'{seed}-{kind}'), 'wb') as file:
            file.write(head + b''.join(messages))
