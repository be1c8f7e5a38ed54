"""client.py URL JSON: one visit of the Python SDK's client, told as one line of JSON on stdout.

JSON has `headers`, `tool`, `arguments`.
"""

import asyncio
import json
import sys

import httpx2
from mcp import types
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client

asked = []


async def elicit(_context, _params):
    asked.append("elicitation/create")
    return types.ElicitResult(action="accept", content={"name": "Ada"})


async def sample(_context, _params):
    asked.append("sampling/createMessage")
    text = types.TextContent(type="text", text="sampled")
    return types.CreateMessageResult(role="assistant", model="none", content=text)


async def roots(_context):
    asked.append("roots/list")
    return types.ListRootsResult(roots=[types.Root(uri="file:///tests", name="tests")])


async def main(url, visit):
    async with httpx2.AsyncClient(headers=visit["headers"], timeout=60) as http:
        async with streamable_http_client(url, http_client=http) as streams:
            read, write = streams[0], streams[1]
            async with ClientSession(
                read, write, elicitation_callback=elicit, sampling_callback=sample, list_roots_callback=roots
            ) as session:
                await session.initialize()
                tools = await session.list_tools()
                result = None
                if visit.get("tool"):
                    called = await session.call_tool(visit["tool"], visit["arguments"])
                    result = called.model_dump(mode="json", by_alias=True, exclude_none=True)
                print(json.dumps({"tools": [tool.name for tool in tools.tools], "result": result, "asked": asked}))


asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
