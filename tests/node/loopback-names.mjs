// Where names such as mcp.127-0-0-1.sslip.io lead, without a DNS server that says so.
import dns from "node:dns";

const { lookup } = dns;
dns.lookup = (name, ...rest) => lookup(name.endsWith(".127-0-0-1.sslip.io") ? "127.0.0.1" : name, ...rest);
