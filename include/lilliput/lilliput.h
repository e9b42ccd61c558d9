/* lilliput.h: all of Lilliput. packet.h and host.h for embedders, socket.h for the calls, world.h for simulated networks. */
#ifndef LILLIPUT_LILLIPUT_H
#define LILLIPUT_LILLIPUT_H
#include "lilliput/packet.h"
#include "lilliput/trace.h"
#include "lilliput/host.h"
#include "lilliput/socket.h"
#include "lilliput/world.h"
#endif
