"""Work for somebody who may leave before it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool

_T = TypeVar("_T")


async def until_hung_up(request: Request, work: Callable[[], _T], end: Callable[[], None]) -> _T:
    """What the work gives, in a thread; ``end`` is called if its asker hangs up before.

    The body of the request was read whole: what comes after it is the hanging up alone.
    """
    working = asyncio.ensure_future(run_in_threadpool(work))
    watching = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            # Not among the threads of requests: these may all be at work.
            await asyncio.to_thread(end)
        return await working
    finally:
        watching.cancel()


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
