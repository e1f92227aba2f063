"""uvicorn without its pauses: it looks ten times a second whether it must stop, and waits as long once it does."""

import asyncio
import itertools
import socket

import uvicorn

PAUSE = 0.01


class PromptServer(uvicorn.Server):
    """Server that stops within some milliseconds, since the tests stop a thousand of them."""

    async def main_loop(self) -> None:
        """Run until `should_exit` is set, with ten ticks a second as uvicorn's."""
        for counter in itertools.count():
            if self.should_exit or (counter % 10 == 0 and await self.on_tick(counter // 10)):
                return
            await asyncio.sleep(PAUSE)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End connections and requests in the time that uvicorn gives them, then the application."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while state.connections or state.tasks:
                    await asyncio.sleep(PAUSE)
        except TimeoutError:
            for task in state.tasks:
                task.cancel("The server stops.")
        await self.lifespan.shutdown()
