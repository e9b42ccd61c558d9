/* batch.h: many scripts: worker processes run them, so that one which crashes or does not end costs no other its
 * result. Results come in the order of the jobs, whatever ends first. */
#ifndef SCRIPT_BATCH_H
#define SCRIPT_BATCH_H
#include "script/script.h"

enum { BATCH_LIMIT_S = 120 }; /* real time of one script: milliseconds are usual */
struct batch_job {
    char *path;
    enum script_ip ip;
    bool show_ip; /* the file runs more than once */
    bool done;
    struct script_report report;
};
struct batch {
    struct batch_job *jobs;
    unsigned count, capacity;
    unsigned workers;                   /* 0: here, one after another */
    unsigned limit_s;                   /* of a script's real time, with workers; 0: BATCH_LIMIT_S */
    const struct script_config *config; /* of all, but for ip */
    void (*on_result)(void *ctx, const struct batch_job *job, unsigned done, unsigned count);
    void *ctx;
};
void batch_add(struct batch *batch, const char *path, enum script_ip ip, bool show_ip);
/* A path that cannot even be run: its result is known. */
void batch_add_failure(struct batch *batch, const char *path, const char *message);
void batch_run(struct batch *batch);
void batch_fini(struct batch *batch);
#endif
