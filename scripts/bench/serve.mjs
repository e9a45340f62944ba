// An HTTP server that answers with a file, and sixteen connections that ask it.
import { readFile } from "node:fs";
import { Agent, createServer, get } from "node:http";

const CONNECTIONS = 16;
let left = Number(process.argv[2]);

const server = createServer((_, response) => {
  readFile("page.ps", (error, bytes) => {
    response.writeHead(error === null ? 200 : 500);
    response.end(bytes);
  });
});

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

// deno-lint-ignore explicit-function-return-type -- Node runs it
function ask() {
  if (left-- <= 0) {
    if (left === -CONNECTIONS) process.exit(0);
    return;
  }
  get({ port: server.address().port, host: "127.0.0.1", agent }, (response) => {
    if (response.statusCode !== 200) process.exit(1);
    response.resume();
    response.on("end", ask);
  }).on("error", () => process.exit(1));
}

server.listen(0, "127.0.0.1", () => {
  for (let i = 0; i < CONNECTIONS; i++) ask();
});
