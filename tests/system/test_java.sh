#!/usr/bin/env bash
# Java, where a JDK is installed (setup does not install one): HttpClient, URLConnection, sockets, NIO, in real and virtual time and in the gauntlet.
. "$(dirname "$0")/common.sh"
command -v javac >/dev/null && command -v java >/dev/null || { echo "no JDK here"; exit 77; }
cat >"$work/Http.java" <<'END'
import java.io.*; import java.net.*; import java.net.http.*; import java.nio.*; import java.nio.channels.*; import java.time.*;
import java.util.concurrent.Callable;
public class Http {
    static void show(String what, Callable<Object> f) {
        long began = System.nanoTime(); Object result;
        try { result = f.call(); } catch (Exception e) { result = e.getClass().getSimpleName(); }
        System.out.println(what + ": " + result + " " + Math.round((System.nanoTime() - began) / 1e9) + " s");
    }
    static String get(String url, int seconds) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(seconds)).build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body().trim();
    }
    public static void main(String[] arguments) throws Exception {
        if (arguments.length > 0) { // the gauntlet: 0, or 3 with what connect or read said
            try { get(arguments[0], 60); } catch (IOException e) { System.exit(3); }
            System.exit(0);
        }
        show("HttpClient", () -> get("http://server.test/", 9));
        show("URLConnection", () -> new BufferedReader(new InputStreamReader(new URL("http://server.test/").openStream())).readLine());
        show("refused", () -> new Socket("refused.test", 80));
        show("NIO", () -> { var c = SocketChannel.open(new InetSocketAddress("server.test", 7)); c.write(ByteBuffer.wrap("nio".getBytes()));
            var b = ByteBuffer.allocate(9); c.read(b); return new String(b.array(), 0, b.position()); });
        show("server", () -> { var l = new ServerSocket(0); new Thread(() -> { try (var s = l.accept()) { s.getOutputStream().write('x'); }
            catch (IOException e) { } }).start(); return (char) new Socket("127.0.0.1", l.getLocalPort()).getInputStream().read(); });
        if (System.getenv("PATIENT") != null) {
            show("request timeout", () -> get("http://silent.test/", 40));
            show("connect timeout", () -> { var s = new Socket(); s.connect(new InetSocketAddress("192.0.2.1", 80), 30000); return s; });
            show("read timeout", () -> { var s = new Socket("silent.test", 80); s.setSoTimeout(25000); return s.getInputStream().read(); });
            show("selector", () -> { var s = Selector.open(); var c = SocketChannel.open(); c.configureBlocking(false);
                c.connect(new InetSocketAddress("192.0.2.1", 80)); c.register(s, SelectionKey.OP_CONNECT); return s.select(20000); });
            show("sleep", () -> { Thread.sleep(50000); return "slept"; });
        }
        System.exit(0);
    }
}
END
(cd "$work" && javac Http.java) || exit 1
printf '%s\n' 'HttpClient: hello from the lab 0 s' 'URLConnection: hello from the lab 0 s' 'refused: ConnectException 0 s' 'NIO: nio 0 s' 'server: x 0 s' >"$work/quick"
printf '%s\n' 'request timeout: HttpTimeoutException 40 s' 'connect timeout: SocketTimeoutException 30 s' 'read timeout: SocketTimeoutException 25 s' \
  'selector: 0 20 s' 'sleep: slept 50 s' | cat "$work/quick" - >"$work/patient"
same() { # NAME FILE COMMAND...: what a program prints; in real time the seconds are the machine's
  local name=$1 expected=$2; shift 2
  if "$@" | if [ "$expected" = "$work/quick" ]; then sed -E 's/[0-9]+ s$/0 s/'; else cat; fi | diff "$expected" -; then echo "ok $name"
  else echo "FAILED $name"; failures=$((failures + 1)); fi
}
same 'virtual time' "$work/patient" env PATIENT=1 timeout 100 "$LILLIPUT" run --time virtual -- java -cp "$work" Http
same fast "$work/quick" timeout 100 "$LILLIPUT" run -- java -cp "$work" Http
same exact "$work/quick" timeout 100 "$LILLIPUT" run --exact -- java -cp "$work" Http
for row in 'fine - - 0' 'refused connect ECONNREFUSED 3' 'blackhole [a-z_]+ \(time limit\) 3' 'unreachable-host connect EHOSTUNREACH 3'; do
  check "gauntlet: $row" 0 "^$(sed 's/ / +/g; s/time +limit/time limit/' <<<"$row") " "$LILLIPUT" gauntlet --case "${row%% *}" -- java -cp "$work" Http 'http://{host}:{port}/'
done
finish
