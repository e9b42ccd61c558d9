# waits.py: every timed wait that Python has, in one program of 108 seconds.
import time,select,threading,signal,asyncio,os,subprocess,socket
t0=time.monotonic()
time.sleep(5); a=time.monotonic()-t0; assert 5<=a<5.01,a
c=threading.Condition()
with c: c.wait(10)
assert 15<=time.monotonic()-t0<15.1
r,w=os.pipe()
select.select([r],[],[],7); p=select.poll(); p.register(r,1); p.poll(3000); e=select.epoll(); e.register(r,1); e.poll(2)
assert 27<=time.monotonic()-t0<27.1
async def f():
    await asyncio.sleep(50)
asyncio.run(f())
assert 77<=time.monotonic()-t0<77.1
signal.signal(signal.SIGALRM,lambda *a:None)
signal.setitimer(signal.ITIMER_REAL,2.5)
time.sleep(10); assert 87<=time.monotonic()-t0<87.1,time.monotonic()-t0
signal.alarm(3); signal.pause(); assert 90<=time.monotonic()-t0<90.1,time.monotonic()-t0
signal.sigtimedwait([signal.SIGUSR1],4)
x=subprocess.Popen(["sleep","6"]); assert x.wait(timeout=100)==0
q=time.monotonic()-t0
assert 100<=q<100.2,q
a,b=socket.socketpair(); a.settimeout(8)
try: a.recv(1)
except TimeoutError: pass
assert 108<=time.monotonic()-t0<108.2,q
print("ok")
