// A proxy for clients that ask the machine for names: all names lead to loopback. Says `listening PORT`.
import http from "node:http";
import net from "node:net";

const host = "127.0.0.1";

const proxy = http.createServer((request, response) => {
  const { port, pathname, search } = new URL(request.url);
  const { method, headers } = request;
  const onward = http.request({ host, port: port || 80, method, headers, path: pathname + search }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  response.on("close", () => onward.destroy());
  request.pipe(onward);
});

proxy.on("connect", (request, client, head) => {
  const server = net.connect(Number(request.url.split(":").at(-1)), host, () => {
    client.write("HTTP/1.1 200 Connection established\r\n\r\n");
    server.write(head);
    server.pipe(client).pipe(server);
  });
  server.on("error", () => client.destroy());
  client.on("error", () => server.destroy());
});

proxy.listen(0, host, () => console.log(`listening ${proxy.address().port}`));
