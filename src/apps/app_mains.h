/* app_mains.h: the mains of the built-in programs; registry.c lists them. */
#ifndef APPS_APP_MAINS_H
#define APPS_APP_MAINS_H
#include "apps/apps.h"

#define APP_MAIN(name) int name(struct lil_proc *p, int argc, char **argv)
APP_MAIN(app_daytime);
APP_MAIN(app_daytime_client);
APP_MAIN(app_time);
APP_MAIN(app_time_client);
APP_MAIN(app_echo);
APP_MAIN(app_echo_client);
APP_MAIN(app_discard);
APP_MAIN(app_discard_client);
APP_MAIN(app_chargen);
APP_MAIN(app_chargen_client);
APP_MAIN(app_ping);
APP_MAIN(app_traceroute);
APP_MAIN(app_bulk);
APP_MAIN(app_sink);
APP_MAIN(app_http);
APP_MAIN(app_get);
APP_MAIN(app_backlog);
APP_MAIN(app_connect);
APP_MAIN(app_calls);

#endif
