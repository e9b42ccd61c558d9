# A child that has ended is there for wait4() and waitid() with WNOHANG as soon as its pidfd says so.
import os, select
bad = 0
for i in range(300):
    pid = os.fork()
    if pid == 0:
        os._exit(3)
    fd = os.pidfd_open(pid)
    p = select.poll(); p.register(fd, select.POLLIN); p.poll()
    r = os.waitid(os.P_PIDFD, fd, os.WEXITED | os.WNOHANG) if i % 2 else os.waitpid(pid, os.WNOHANG)
    ok = r and (r.si_status == 3 if i % 2 else r[0] == pid)
    bad += not ok
    if not ok: os.waitpid(pid, 0)
    os.close(fd)
print(bad)
