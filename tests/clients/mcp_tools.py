"""Drives `aurora mcp` with the MCP client from PyPI: aurora, the agent socket, the mode; calls as JSON on standard input."""

import asyncio
import json
import os
import sys

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client


async def main() -> None:
    program, socket, mode = sys.argv[1:4]
    environment = {"AURORA_SOCKET": socket, "AURORA_TOKEN": os.environ["AURORA_TOKEN"], "HOME": os.environ["HOME"]}
    server = stdio_client(StdioServerParameters(command=program, args=["mcp"], env=environment))
    async with Client(server, mode=mode) as client:
        tools = await client.list_tools()
        results = []
        for call in json.load(sys.stdin):
            answer = await client.call_tool(call["tool"], call["arguments"])
            results.append({"error": bool(answer.is_error), "answer": answer.structured_content})
        told = {"server": client.server_info.name, "tools": [tool.name for tool in tools.tools], "results": results}
        print(json.dumps(told))


asyncio.run(main())
