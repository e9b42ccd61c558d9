/* setup.h: what there is before a script's first event: the words it may use, the addresses, the host. */
#ifndef SCRIPT_SETUP_H
#define SCRIPT_SETUP_H
#include "script/run/run.h"

void setup_defines(struct run *run);   /* defines.c */
bool setup_addresses(struct run *run); /* local and remote, of the config; false: bad */
void setup_host(struct run *run);
void setup_undo(struct run *run);
#endif
