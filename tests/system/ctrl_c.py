"""ctrl_c.py COMMAND...: runs it on a terminal of its own, types Ctrl-C when it has printed a line, and again until it ends (the first may come
before the call that it shall break); tells what it printed."""
import os, pty, select, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
text = b""
while True:
    ready = select.select([terminal], [], [], 0.5)[0]
    if ready:
        try: part = os.read(terminal, 4096)
        except OSError: break
        if not part: break
        text += part
    elif b"\n" in text:
        os.write(terminal, b"\x03")
_, status = os.waitpid(pid, 0)
sys.stdout.write(text.decode().replace("\r", "").replace("^C", "") + f"exit {os.waitstatus_to_exitcode(status)}\n")
