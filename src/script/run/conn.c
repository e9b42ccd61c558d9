/* conn.c: the connections and descriptors of a script, and the numbers that differ between page and wire. Which
 * connection a packet line means follows packetdrill: the one "under test" is the last that was listened, connected or
 * opened by a SYN; a line with ports (1001 > 8080) names its own. */
#include "script/run/run.h"
#include <stdlib.h>
#include <string.h>

struct conn *conn_new(struct run *run, enum spec_protocol protocol)
{
    struct conn *conn = arena_alloc(&run->script.arena, sizeof *conn);
    conn->protocol = protocol;
    conn->live_fd = -1;
    conn->local = run->local;
    conn->remote = run->remote;
    conn->next = run->conns;
    run->conns = conn;
    return conn;
}

void conn_refresh(struct run *run, struct conn *conn)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    struct addr local;
    uint16_t port;
    uint32_t scope;
    if (conn->local_port || conn->live_fd < 0)
        return;
    if (lil_getsockname(run->proc, conn->live_fd, (struct sockaddr *)&address, &length) == 0 &&
        addr_from_sockaddr((struct sockaddr *)&address, length, &local, &port, &scope) == 0)
        conn->local_port = port;
}

/* The first packet to a listener (or to a socket that does not even listen) makes a connection of its own. */
static struct conn *new_child(struct run *run, struct conn *listener, const struct spec_packet *spec)
{
    conn_refresh(run, listener);
    struct conn *child = conn_new(run, SPEC_TCP);
    child->state = CONN_PASSIVE;
    child->local_port = listener->local_port ? listener->local_port : run->config.bind_port;
    child->remote_port = spec->has_ports ? spec->source_port : run->next_port++;
    run->under_test = child;
    return child;
}

static bool ports_match(struct run *run, struct conn *conn, uint16_t local, uint16_t remote)
{
    conn_refresh(run, conn);
    if (conn->script_remote_port)
        return conn->script_local_port == local && conn->script_remote_port == remote;
    return conn->local_port == local && conn->remote_port == remote;
}

static struct conn *find_by_ports(struct run *run, const struct spec_packet *spec)
{
    uint16_t local = spec->inbound ? spec->dest_port : spec->source_port;
    uint16_t remote = spec->inbound ? spec->source_port : spec->dest_port;
    struct conn *found = NULL;
    for (struct conn *conn = run->conns; conn && !found; conn = conn->next)
        if (conn->state != CONN_LISTENING && conn->state != CONN_IDLE && ports_match(run, conn, local, remote))
            found = conn;
    for (struct conn *conn = run->conns; conn && !found; conn = conn->next) /* a connect() whose port the script now names */
        if (!spec->inbound && conn->state == CONN_CONNECTING && !conn->script_remote_port)
            found = conn;
    for (struct conn *conn = run->conns; conn && !found; conn = conn->next)
        if (spec->inbound && conn->state == CONN_LISTENING && (conn_refresh(run, conn), conn->local_port == local))
            found = new_child(run, conn, spec);
    if (!found && spec->inbound && run->under_test && run->under_test->state == CONN_LISTENING)
        found = new_child(run, run->under_test, spec);
    if (found && !found->script_remote_port) {
        found->script_local_port = local;
        found->script_remote_port = remote;
    }
    return found;
}

/* udp 5000 > 8080: the socket with that local port, else the one under test. */
static struct conn *find_datagram(struct run *run, const struct spec_packet *spec)
{
    struct conn *found = run->under_test;
    for (struct conn *conn = run->conns; conn; conn = conn->next)
        if (conn->protocol == SPEC_UDP &&
            (conn_refresh(run, conn), conn->local_port == (spec->inbound ? spec->dest_port : spec->source_port)))
            found = conn;
    if (found && spec->inbound)
        found->remote_port = spec->source_port;
    return found;
}

struct conn *conn_for_spec(struct run *run, const struct spec_packet *spec)
{
    if (spec->has_ports && spec->protocol == SPEC_UDP)
        return find_datagram(run, spec);
    if (spec->has_ports)
        return find_by_ports(run, spec);
    struct conn *conn = run->under_test;
    if (conn && spec->inbound && spec->protocol == SPEC_TCP && conn->protocol == SPEC_TCP &&
        (conn->state == CONN_LISTENING || conn->state == CONN_IDLE))
        return new_child(run, conn, spec);
    return conn;
}

static bool is_conn_of(struct run *run, struct conn *conn, const struct sent *sent)
{
    if (conn->protocol == SPEC_TCP ? sent->ip.protocol != IPPROTO_TCP : sent->ip.protocol != IPPROTO_UDP)
        return false;
    if (sent->transport_length < 4 || conn->state == CONN_LISTENING)
        return false;
    conn_refresh(run, conn);
    uint16_t local = (uint16_t)(sent->transport[0] << 8 | sent->transport[1]);
    uint16_t remote = (uint16_t)(sent->transport[2] << 8 | sent->transport[3]);
    return conn->local_port == local && conn->remote_port == remote && addr_equal(&conn->remote, &sent->ip.dest);
}

struct conn *conn_for_sent(struct run *run, const struct sent *sent)
{
    for (struct conn *conn = run->conns; conn; conn = conn->next)
        if (is_conn_of(run, conn, sent))
            return conn;
    return NULL;
}

/* --- timestamps -------------------------------------------------------------------------------------------------------- */
void conn_set_ts(struct conn *conn, uint32_t script, uint32_t live)
{
    if (conn->ts_count && conn->ts[conn->ts_count - 1].script == script) {
        conn->ts[conn->ts_count - 1].live = live;
        return;
    }
    if (conn->ts_count == TS_PAIRS) {
        memmove(conn->ts, conn->ts + 1, sizeof conn->ts - sizeof conn->ts[0]);
        conn->ts_count--;
    }
    conn->ts[conn->ts_count].script = script;
    conn->ts[conn->ts_count++].live = live;
}

uint32_t conn_ts_live(const struct conn *conn, uint32_t script)
{
    for (unsigned i = conn->ts_count; i-- > 0;)
        if (conn->ts[i].script == script)
            return conn->ts[i].live;
    if (script == 0 || conn->ts_count == 0)
        return script;
    /* never sent: as far from the latest as the script says */
    return conn->ts[conn->ts_count - 1].live + (script - conn->ts[conn->ts_count - 1].script);
}

/* --- descriptors ------------------------------------------------------------------------------------------------------- */
struct fd_entry *fd_find(struct run *run, int script_fd)
{
    for (struct fd_entry *fd = run->fds; fd; fd = fd->next)
        if (fd->script_fd == script_fd)
            return fd;
    return NULL;
}

struct fd_entry *fd_add(struct run *run, int script_fd, int live_fd, enum fd_kind kind, struct conn *conn)
{
    fd_remove(run, script_fd); /* the script may number as it likes */
    struct fd_entry *fd = arena_alloc(&run->script.arena, sizeof *fd);
    *fd = (struct fd_entry){.next = run->fds, .script_fd = script_fd, .live_fd = live_fd, .kind = kind, .conn = conn};
    run->fds = fd;
    return fd;
}

void fd_remove(struct run *run, int script_fd)
{
    for (struct fd_entry **at = &run->fds; *at; at = &(*at)->next) {
        if ((*at)->script_fd == script_fd) {
            *at = (*at)->next;
            return;
        }
    }
}
