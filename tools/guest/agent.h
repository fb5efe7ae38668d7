/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The line between a test guest and the host: frames over one raw serial port.
 *
 * The guest sends AGENT_HELLO (plain bytes) when it is up; everything after it, in both directions, is frames.
 * tools/guest/guest.py speaks the other side. Numbers are little-endian.
 */
#ifndef VIOFS_TOOLS_GUEST_AGENT_H
#define VIOFS_TOOLS_GUEST_AGENT_H

#include <stdint.h>

#define AGENT_HELLO "\nviofs-agent-1\n"
#define AGENT_PAYLOAD_MAX 65536

struct agent_frame {
	uint8_t type;
	uint8_t pad;
	uint16_t job;
	uint32_t length; /* bytes that follow */
};

enum agent_frame_type {
	/* host to guest */
	AGENT_RUN = 'R',    /* payload: u8 on a terminal, u8 pad, u16 rows, u16 columns, a shell command */
	AGENT_INPUT = 'I',  /* bytes for the job's standard input; none: end of input */
	AGENT_RESIZE = 'W', /* u16 rows, u16 columns */
	AGENT_SIGNAL = 'K', /* u8 signal, sent to the job's process group */
	AGENT_ROOT = 'S',   /* payload: directory that becomes the root; answered by AGENT_EXIT */
	AGENT_OFF = 'Q',    /* power off */
	/* guest to host */
	AGENT_OUTPUT = 'O',
	AGENT_ERROR = 'E',
	AGENT_EXIT = 'X', /* u32 exit status, 128 + signal for a killed job */
};

#endif
