"""client.py PACKAGE URL JSON: what a Python client does, step by step, told as one line of JSON on stdout.

PACKAGE is `mcp`, the official SDK, or `fastmcp`; JSON has `headers`, `era`, `steps`: see tests/harness/clients.rs.
"""

import json
import sys

import anyio
from mcp import types

asked = []
MODES = {"sessions": "legacy", "newest": "auto", "stateless": "2026-07-28"}
SAMPLED = types.CreateMessageResult(
    role="assistant", model="none", content=types.TextContent(type="text", text="sampled")
)
ROOTS = [types.Root(uri="file:///tests", name="tests")]
PERSON = {"name": "Ada"}


def official(url, told):
    """The client of the SDK."""
    import httpx2
    from mcp.client.client import Client
    from mcp.client.streamable_http import streamable_http_client

    async def elicit(_context, _params):
        asked.append("elicitation/create")
        return types.ElicitResult(action="accept", content=PERSON)

    async def sample(_context, _params):
        asked.append("sampling/createMessage")
        return SAMPLED

    async def roots(_context):
        asked.append("roots/list")
        return types.ListRootsResult(roots=ROOTS)

    http = httpx2.AsyncClient(headers=told["headers"], timeout=60)
    client = Client(
        streamable_http_client(url, http_client=http),
        mode=MODES[told["era"]],
        elicitation_callback=elicit,
        sampling_callback=sample,
        list_roots_callback=roots,
    )
    return client, Official(client)


def fastmcp(url, told):
    """The client of FastMCP."""
    from fastmcp import Client
    from fastmcp.client.transports import StreamableHttpTransport

    async def elicit(_message, _kind, _params, _context):
        asked.append("elicitation/create")
        return PERSON

    async def sample(_messages, _params, _context):
        asked.append("sampling/createMessage")
        return SAMPLED

    async def roots(_context):
        asked.append("roots/list")
        return ROOTS

    client = Client(
        StreamableHttpTransport(url, headers=told["headers"]),
        mode=MODES[told["era"]],
        elicitation_handler=elicit,
        sampling_handler=sample,
        roots=roots,
    )
    return client, FastMcp(client)


class Official:
    """The methods by which the SDK's client does a step."""

    def __init__(self, client):
        self.client = client
        self.ping = client.send_ping

    async def pages(self, method, member):
        items, cursor = [], None
        while True:
            page = await getattr(self.client, method)(cursor=cursor)
            items += getattr(page, member)
            cursor = page.next_cursor
            if cursor is None:
                return items

    async def call(self, name, arguments, progress):
        return await self.client.call_tool(name, arguments, progress_callback=progress)

    async def prompt(self, name, arguments):
        return await self.client.get_prompt(name, arguments)

    async def read(self, uri):
        return await self.client.read_resource(uri)

    async def complete(self, ref, argument):
        return await self.client.complete(ref, argument)


class FastMcp:
    """The same for the client of FastMCP, which follows pages itself."""

    def __init__(self, client):
        self.client = client
        self.ping = client.ping

    async def pages(self, method, _member):
        return await getattr(self.client, method)()

    async def call(self, name, arguments, progress):
        return await self.client.call_tool_mcp(name, arguments, progress_handler=progress)

    async def prompt(self, name, arguments):
        return await self.client.get_prompt_mcp(name, arguments)

    async def read(self, uri):
        return await self.client.read_resource_mcp(uri)

    async def complete(self, ref, argument):
        return await self.client.complete_mcp(ref, argument)


LISTS = {
    "tools": ("list_tools", "tools"),
    "prompts": ("list_prompts", "prompts"),
    "resources": ("list_resources", "resources"),
    "templates": ("list_resource_templates", "resource_templates"),
}


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def call(methods, step, gives_up):
    """A call, which the user may give up at the first word of its progress."""
    told, result = [], None
    with anyio.CancelScope() as scope:

        async def progress(progress, total, message):
            one = {"progress": progress, "total": total, "message": message}
            told.append({key: value for key, value in one.items() if value is not None})
            if gives_up:
                scope.cancel()

        result = plain(await methods.call(step["name"], step["arguments"], progress))
    if scope.cancelled_caught:
        return {"gaveUp": True, "progress": told}
    return {"result": result, "progress": told}


def reference(ref):
    kinds = {"ref/prompt": types.PromptReference, "ref/resource": types.ResourceTemplateReference}
    return kinds[ref["type"]](**ref)


async def do(methods, step):
    match step["do"]:
        case "tools" | "prompts" | "resources" | "templates" as what:
            return {"items": [plain(item) for item in await methods.pages(*LISTS[what])]}
        case "call" | "giveUp" as how:
            return await call(methods, step, how == "giveUp")
        case "prompt":
            return {"result": plain(await methods.prompt(step["name"], step["arguments"]))}
        case "read":
            return {"result": plain(await methods.read(step["uri"]))}
        case "complete":
            return {"result": plain(await methods.complete(reference(step["ref"]), step["argument"]))}
        case "ping":
            await methods.ping()
            return {"result": {}}


async def outcome(methods, step):
    try:
        return await do(methods, step)
    except Exception as error:
        return {"error": str(error), "code": getattr(getattr(error, "error", error), "code", None)}


async def main(package, url, told):
    client, methods = {"mcp": official, "fastmcp": fastmcp}[package](url, told)
    async with client:
        outcomes = [await outcome(methods, step) for step in told["steps"]]
        revision = client.protocol_version
    print(json.dumps({"revision": revision, "outcomes": outcomes, "asked": asked}))


anyio.run(main, sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
